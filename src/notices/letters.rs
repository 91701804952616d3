//! The letters of the job, one for each reader.

use super::digest::{self, Person};
use super::events::Notice;
use super::warnings::Warning;
use crate::access::EmailAddress;
use crate::mail::{Kind, Letter};
use crate::orgs::Organization;

/// What owners are warned of, all in one.
pub fn warnings(to: &EmailAddress, organization: &Organization, warnings: &[Warning]) -> Letter {
    let name = &organization.settings.name;
    let subject = match warnings {
        [one] => format!("{name}: {}", one.sentence),
        some => format!("{name}: {} things need you", some.len()),
    };
    let letter = Letter::new(Kind::Warning, to, &subject)
        .of(&organization.id, name)
        .about("organization", &organization.id)
        .say(format!("{name} needs one of its owners:"));
    let listed = warnings.iter().fold(letter, |letter, warning| {
        letter.item(&warning.sentence, &path(organization, &warning.path))
    });
    listed
        .act("Open the first page", &path(organization, ""))
        .because(&format!(
            "You get this because you are an owner of {name}. Each of these things is told once."
        ))
}

/// What happened that bears on safety.
pub fn security(to: &EmailAddress, organization: &Organization, notice: &Notice) -> Letter {
    let name = &organization.settings.name;
    Letter::new(Kind::Security, to, &format!("{name}: {}", notice.title))
        .of(&organization.id, name)
        .about("organization", &organization.id)
        .say(&notice.sentence)
        .act("Look at it", &path(organization, &notice.path))
        .because(&format!(
            "You get this because you are an owner of {name}. If you did not expect it, look at the audit log and talk \
             to the other owners."
        ))
}

/// What bears on the safety of somebody's account.
pub fn personal(to: &EmailAddress, account: &str, notice: &Notice) -> Letter {
    Letter::new(Kind::Security, to, &notice.title)
        .about("account", account)
        .say(&notice.sentence)
        .act("Look at your account", &notice.path)
        .because(
            "You get this because it is your account. If it was not you, set another password there, sign out everywhere, \
             and tell an owner of your organization.",
        )
}

/// Who was denied on a day.
pub fn digest(to: &EmailAddress, organization: &Organization, people: &[Person], all: i64) -> Letter {
    let name = &organization.settings.name;
    let subject = match all {
        1 => format!("{name}: 1 person was denied yesterday"),
        some => format!("{name}: {some} people were denied yesterday"),
    };
    let letter = Letter::new(Kind::Digest, to, &subject)
        .of(&organization.id, name)
        .about("organization", &organization.id)
        .say(digest::sentence(people, all));
    let listed = people.iter().fold(letter, |letter, person| {
        let asks = if person.asks { " (asks to be let in)" } else { "" };
        let page = path(organization, &format!("/denied/{}", person.denial));
        letter.item(&format!("{}{asks}", person.who), &page)
    });
    listed
        .act("See all of them", &path(organization, "/denied"))
        .because(&format!(
            "You get this because you look after {name}. An owner chooses under Mail whether it comes."
        ))
}

fn path(organization: &Organization, rest: &str) -> String {
    format!("/orgs/{}{rest}", organization.slug)
}
