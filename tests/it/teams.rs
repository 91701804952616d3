//! Teams: made, filled and deleted in pages; and which source gives and takes what.

use std::collections::BTreeSet;

use diesel::{ExpressionMethods as _, QueryDsl as _, RunQueryDsl as _};
use vestibule::access::{EmailAddress, Role};
use vestibule::audit::Actor;
use vestibule::members::{self, Joining};
use vestibule::orgs::{self, Settings};
use vestibule::store::schema::audit_events;
use vestibule::teams::{self, Source};
use vestibule::{accounts, connections};

use crate::support::Acme;

const BOB: &str = "bob@acme.example";

fn made(acme: &Acme, name: &str) -> String {
    acme.write(|conn, now| teams::actions::create(conn, now, &Actor::operator(), &acme.organization, name))
}

fn joins(acme: &Acme, email: &str, name: &str) -> String {
    acme.write(|conn, now| {
        let account = accounts::actions::create(conn, now, &EmailAddress::parse(email).unwrap(), name)?;
        let joining = Joining {
            by_password: true,
            organization: &acme.organization,
            account: &account.id,
            name,
            role: Role::Member,
            source: members::Source::Jit,
            invited_by: "",
        };
        Ok(members::actions::join(conn, now, &Actor::operator(), &joining)?)
    })
}

fn gives(acme: &Acme, member: &str, team: &String, source: Source, connection: &str) {
    acme.write(|conn, now| Ok(teams::give(conn, now, member, [team], source, connection)?));
}

/// Team and source of every membership, by team.
fn belongings(acme: &Acme, member: &str) -> Vec<(String, Source)> {
    acme.read(|conn| {
        let found = teams::of_member(conn, member)?;
        Ok(found.into_iter().map(|one| (one.name, one.source)).collect())
    })
}

fn names(acme: &Acme) -> Vec<String> {
    acme.read(|conn| {
        let found = teams::list(conn, &acme.organization)?;
        Ok(found.into_iter().map(|team| team.name).collect())
    })
}

fn actions_on(acme: &Acme, id: &str) -> Vec<String> {
    acme.read(|conn| {
        Ok(audit_events::table
            .filter(audit_events::subject_id.eq(id))
            .order(audit_events::id)
            .select(audit_events::action)
            .load(conn)?)
    })
}

both_databases! {
    /// From the empty page to the deleted team, each step in the audit log.
    async fn a_team_lives_through_its_pages(db: Database) {
        let acme = Acme::alone(db);
        let mut olive = acme.owner().await;
        olive.get(&acme.to("/teams")).await.sees("No teams yet");
        olive.click("Make the first team").await;
        olive.submit("Make the team", &[("name", "  Platform   crew ")]).await.sees("The team is made.");
        let id = olive.path().rsplit('/').next().unwrap().to_owned();
        assert_eq!(names(&acme), ["Platform crew"]);
        olive.click("Rename").await.submit("Rename the team", &[("name", "Engineering")]).await;
        olive.sees("The team has its new name.").sees("Nobody is in this team yet");
        olive.click("Delete…").await.sees("Nobody loses it.");
        assert_eq!(names(&acme), ["Engineering"]);
        olive.submit("Delete Engineering", &[]).await.sees("The team Engineering is deleted.");
        assert!(names(&acme).is_empty());
        assert_eq!(actions_on(&acme, &id), ["team.created", "team.renamed", "team.deleted"]);
        assert_eq!(olive.get(&acme.to(&format!("/teams/{id}"))).await.status(), 404);
    }

    /// Two names that differ by case alone are one; and the form comes back with what was typed.
    async fn a_name_belongs_to_one_team(db: Database) {
        let acme = Acme::alone(db);
        made(&acme, "Engineering");
        let sales = made(&acme, "Sales");
        let mut olive = acme.owner().await;
        for (typed, sentence) in [("ENGINEERING", "There is a team “Engineering” already."), ("", "Write the team’s name."), (&"x".repeat(61), "at most 60")] {
            olive.get(&acme.to("/teams/new")).await;
            olive.submit("Make the team", &[("name", typed)]).await.sees(sentence);
            assert_eq!(olive.status(), 422, "{typed}");
            assert!(olive.body().contains(&format!("value=\"{typed}\"")));
            olive.get(&acme.to(&format!("/teams/{sales}/rename"))).await;
            assert_eq!(olive.submit("Rename the team", &[("name", typed)]).await.status(), 422);
        }
        olive.get(&acme.to(&format!("/teams/{sales}/rename"))).await;
        olive.submit("Rename the team", &[("name", "SALES")]).await.sees("The team has its new name.");
        assert_eq!(names(&acme), ["Engineering", "SALES"]);
        let found = acme.read(|conn| Ok(teams::find_by_name(conn, &acme.organization, "sales")?.unwrap()));
        assert_eq!(found.id, sales);
    }

    /// Somebody else was quicker: nothing of the second form is done.
    /// ADM-014.
    async fn a_stale_form_changes_nothing(db: Database) {
        let acme = Acme::alone(db);
        let id = made(&acme, "Sales");
        let mut olive = acme.owner().await;
        let (mut rename, mut delete) = (olive.new_tab(), olive.new_tab());
        rename.get(&acme.to(&format!("/teams/{id}/rename"))).await;
        delete.get(&acme.to(&format!("/teams/{id}/delete"))).await;
        olive.get(&acme.to(&format!("/teams/{id}/rename"))).await;
        olive.submit("Rename the team", &[("name", "Field sales")]).await;
        assert_eq!(rename.submit("Rename the team", &[("name", "Shop")]).await.status(), 409);
        assert_eq!(delete.submit("Delete Sales", &[]).await.status(), 409);
        delete.sees("Somebody else changed this team meanwhile.");
        assert_eq!(names(&acme), ["Field sales"]);
    }

    /// By hand in, by hand out; what the provider says is changed at the provider.
    async fn people_are_added_and_taken_out_by_hand(db: Database) {
        let acme = Acme::alone(db);
        let (team, bob, ada) = (made(&acme, "Sales"), joins(&acme, BOB, "Bob"), joins(&acme, "ada@acme.example", "Ada"));
        gives(&acme, &ada, &team, Source::Mapping, &acme.connection);
        let mut olive = acme.owner().await;
        olive.get(&acme.to(&format!("/teams/{team}"))).await.sees("by a group of the provider");
        olive.submit("Add to Sales", &[("member", &bob)]).await.sees("Bob is in Sales.").sees("2 people, by name");
        assert_eq!(belongings(&acme, &bob), [("Sales".to_owned(), Source::Hand)]);
        olive.submit("Take out Bob", &[]).await.sees("Bob is taken out of Sales.").sees("1 person, by name");
        assert!(belongings(&acme, &bob).is_empty());
        olive.does_not_see("Take out Ada");
        let form = olive.fields("Add to Sales");
        let path = acme.to(&format!("/teams/{team}/people/{ada}/take-out"));
        olive.post(&path, &[("form_token", &form[0].1)]).await.sees("by the identity provider’s word");
        assert_eq!(olive.status(), 409);
        assert_eq!(belongings(&acme, &ada), [("Sales".to_owned(), Source::Mapping)]);
        olive.get(&acme.to(&format!("/teams/{team}?find=BOB"))).await.sees("Bob · bob@acme.example").does_not_see("Olive Owner ·");
        assert_eq!(actions_on(&acme, &team), ["team.created", "team.member_added", "team.member_taken_out"]);
    }

    /// Each source keeps its own row, and takes back nothing but that.
    async fn a_mapping_takes_only_what_it_gave(db: Database) {
        let acme = Acme::alone(db);
        let (sales, support, bob) = (made(&acme, "Sales"), made(&acme, "Support"), joins(&acme, BOB, "Bob"));
        for _ in 0..2 {
            gives(&acme, &bob, &sales, Source::Hand, "");
            gives(&acme, &bob, &sales, Source::Mapping, "one");
            gives(&acme, &bob, &support, Source::Mapping, "two");
            gives(&acme, &bob, &"gone".to_owned(), Source::Hand, "");
        }
        let mapped = |connection: &str| acme.read(|conn| Ok(teams::mapped(conn, &bob, connection)?));
        assert_eq!(mapped("one"), BTreeSet::from([sales.clone()]));
        let all = [sales.clone(), support.clone()];
        acme.write(|conn, _| Ok(teams::take_mapped(conn, &bob, "one", &all)?));
        assert_eq!(
            belongings(&acme, &bob),
            [("Sales".to_owned(), Source::Hand), ("Support".to_owned(), Source::Mapping)]
        );
        acme.write(|conn, _| Ok(teams::leave_all(conn, &bob)?));
        assert!(belongings(&acme, &bob).is_empty());
    }

    /// Neither by a verb nor by a page does anything cross between organizations.
    /// ADM-003.
    async fn a_team_is_its_organizations_own(db: Database) {
        let acme = Acme::alone(db);
        let bob = joins(&acme, BOB, "Bob");
        let theirs = acme.write(|conn, now| {
            let other = orgs::actions::create(conn, now, &Actor::operator(), "globex", Settings::named("Globex"))?;
            teams::actions::create(conn, now, &Actor::operator(), &other.id, "Secret")
        });
        gives(&acme, &bob, &theirs, Source::Hand, "");
        assert!(belongings(&acme, &bob).is_empty());
        let mut olive = acme.owner().await;
        olive.get(&acme.to("/teams")).await.does_not_see("Secret");
        for path in ["", "/rename", "/delete"] {
            assert_eq!(olive.get(&acme.to(&format!("/teams/{theirs}{path}"))).await.status(), 404);
        }
        olive.get(&acme.to("/teams")).await;
        let token = olive.fields("Sign out").remove(0).1;
        let path = acme.to(&format!("/teams/{theirs}/people"));
        assert_eq!(olive.post(&path, &[("form_token", &token), ("member", &bob)]).await.status(), 404);
    }

    /// What named the team goes on without it, and the page says so before.
    async fn deleting_a_team_leaves_no_orphans(db: Database) {
        let acme = Acme::alone(db);
        let (team, bob) = (made(&acme, "Sales"), joins(&acme, BOB, "Bob"));
        gives(&acme, &bob, &team, Source::Hand, "");
        let connection = acme.connection();
        acme.write(|conn, now| {
            let site = &acme.installation.site;
            let settings = connections::Settings {
                default_team: Some(team.clone()),
                client_secret: None,
                ..connections::Settings::from(&connection)
            };
            connections::actions::change(conn, now, &Actor::operator(), &site.sealer, &connection, &settings)
        });
        let mut olive = acme.owner().await;
        olive.get(&acme.to(&format!("/teams/{team}/delete"))).await;
        olive.sees("1 person is no longer in it.").sees("New members by Acme ID have no default team any more.");
        olive.submit("Delete Sales", &[]).await;
        assert!(belongings(&acme, &bob).is_empty());
        assert_eq!(acme.connection().default_team, None);
    }

    /// More people than a page shows.
    async fn people_are_paged_by_name(db: Database) {
        let acme = Acme::alone(db);
        let team = made(&acme, "Everybody");
        for number in 0..55 {
            let member = joins(&acme, &format!("p{number}@acme.example"), "Same Name");
            gives(&acme, &member, &team, Source::Hand, "");
        }
        let mut olive = acme.owner().await;
        olive.get(&acme.to(&format!("/teams/{team}"))).await.sees("55 people, by name");
        let rows = |body: &str| body.matches("<th scope=\"row\">").count();
        assert_eq!(rows(olive.body()), 50);
        assert_eq!(rows(olive.click("Next page").await.body()), 5);
        assert_eq!(rows(olive.click("Previous page").await.body()), 50);
    }

    /// Teams are arranged by admins; plain members don't see them.
    async fn teams_are_for_admins(db: Database) {
        let acme = Acme::alone(db);
        acme.join(BOB, "Bob", Role::Member);
        acme.join("ada@acme.example", "Ada", Role::Admin);
        let mut bob = acme.signed_in(BOB).await;
        assert_eq!(bob.get(&acme.to("/teams")).await.status(), 403);
        assert_eq!(bob.get(&acme.to("/teams/new")).await.status(), 403);
        let mut ada = acme.signed_in("ada@acme.example").await;
        ada.get(&acme.to("/teams/new")).await;
        ada.submit("Make the team", &[("name", "Sales")]).await.sees("The team is made.");
    }
}
