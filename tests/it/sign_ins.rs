//! The record of sign-ins: each with the rules that were asked, and links to what was judged.

use vestibule::access::{MappedGroup, Role};
use vestibule::audit::Actor;
use vestibule::{groups, teams};

use crate::support::provider::Person;
use crate::support::{Browser, Front};

both_databases! {
    /// Admitted or denied: each rule leads to the invitation, the setting with who changed it when, the row of the table.
    async fn each_rule_leads_to_what_was_judged(db: Database) {
        let front = Front::open_to_newcomers(db).await;
        let acme = &front.acme;
        let team = acme.write(|conn, now| {
            teams::actions::create(conn, now, &Actor::operator(), &acme.organization, "Engineering")
        });
        let connection = acme.connection();
        acme.write(|conn, now| {
            let line = MappedGroup { group: "eng".into(), team: team.clone(), role: Role::Member };
            groups::actions::set(conn, now, &Actor::operator(), &connection, &[line])
        });
        front.provider.next(Person::new("sub-tess", "tess@acme.example").in_groups(&["eng", "else"]));
        Browser::new().get(&acme.sign_in()).await;
        acme.jit(false);
        acme.invite("ivan@acme.example");
        for name in ["ivan", "tess", "sam"] {
            front.provider.next(Person::new(&format!("sub-{name}"), &format!("{name}@acme.example")));
            Browser::new().get(&acme.sign_in()).await;
        }
        let mut olive = acme.owner().await;
        let references: Vec<String> = acme.sign_ins().into_iter().filter(|record| record.email != "olive@acme.example").map(|record| record.reference).collect();
        let expected: [(&str, &[(&str, &str)]); 4] = [
            ("Admitted: tess@acme.example", &[("The team of “eng”", "/teams/"), ("Turned on by Command line", "/audit"), ("The domain", "/domains/")]),
            ("Admitted: ivan@acme.example", &[("The invitation", "/invitations/")]),
            ("Admitted: tess@acme.example", &[("The membership", "/members/")]),
            ("Denied: sam@acme.example", &[("Turned off by Command line", "/audit")]),
        ];
        assert_eq!(references.len(), 4);
        for (reference, (title, links)) in references.iter().zip(expected) {
            // As it is read over the telephone.
            let spoken = reference.to_uppercase().replace('-', " ");
            olive.get(&acme.to(&format!("/sign-ins?reference={}", spoken.replace(' ', "+")))).await;
            olive.sees("1 on this page").sees(reference);
            let id = olive.body().split("/sign-ins/").nth(1).unwrap().split('"').next().unwrap().to_owned();
            for (text, path) in links {
                olive.get(&acme.to(&format!("/sign-ins/{id}"))).await.sees(title).sees(text);
                let link = crate::support::html::links(olive.body()).into_iter().find(|link| link.text.starts_with(text)).unwrap();
                assert!(link.address.contains(path), "{} leads to {}", link.text, link.address);
                olive.click(&link.text).await;
                assert_eq!(olive.status(), 200, "{}", link.address);
            }
        }
        olive.get(&acme.to("/sign-ins?reference=zzzz+zzzz")).await.sees("No sign-in matches");
        olive.get(&acme.to("/sign-ins?email=+Tess%40ACME.example")).await.sees("2 on this page").does_not_see("sam@acme.example");
        olive.get(&acme.to("/sign-ins?outcome=rejected&email=tess%40acme.example")).await.sees("Technical failures name nobody");
        olive.get(&acme.to("/sign-ins?outcome=rejected")).await.sees("No technical failures");
        for nobody in ["ada%40acme.example", "tess", "nobody"] {
            olive.get(&acme.to(&format!("/sign-ins?email={nobody}"))).await.sees("No sign-in matches");
        }
    }
}
