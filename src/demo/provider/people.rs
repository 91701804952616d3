//! The cast of the demo.

use super::model::Person;

/// Olive, Max and Ivy of Acme, who are an owner, a member and an invited person; Sam and Tess, whom
/// Acme employs and nobody invited; and Yuri, who is from elsewhere.
pub fn people() -> Vec<Person> {
    vec![
        person(
            "olive",
            "Olive",
            "Okafor",
            "acme.example",
            &["everyone"],
            "An owner of Acme. She decides who comes in.",
        ),
        person(
            "max",
            "Max",
            "Meyer",
            "acme.example",
            &["everyone", "eng"],
            "A member of Acme.",
        ),
        person(
            "ivy",
            "Ivy",
            "Ito",
            "acme.example",
            &["everyone", "sales"],
            "Invited to Acme; has not come in yet.",
        ),
        person(
            "sam",
            "Sam",
            "Stone",
            "acme.example",
            &["everyone", "eng"],
            "A stranger: works at Acme, but nobody has invited him.",
        ),
        person(
            "tess",
            "Tess",
            "Thorne",
            "acme.example",
            &["everyone", "sales"],
            "Another stranger: works at Acme, not invited either.",
        ),
        person(
            "yuri",
            "Yuri",
            "Yilmaz",
            "other.example",
            &["partners"],
            "Somebody of another company, other.example.",
        ),
    ]
}

fn person(
    key: &str,
    given: &str,
    family: &str,
    domain: &str,
    groups: &[&str],
    about: &'static str,
) -> Person {
    Person {
        key: key.to_owned(),
        name: format!("{given} {family}"),
        given_name: given.to_owned(),
        family_name: family.to_owned(),
        email: format!("{key}@{domain}"),
        email_verified: Some(true),
        groups: groups.iter().map(|&group| group.to_owned()).collect(),
        about,
    }
}
