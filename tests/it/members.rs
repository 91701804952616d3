//! Members: who sees them, who changes them, and what ends with it.

use std::collections::BTreeSet;

use diesel::{ExpressionMethods as _, QueryDsl as _, RunQueryDsl as _};
use vestibule::access::{EmailAddress, Role};
use vestibule::audit::Actor;
use vestibule::members::{self, Doer, Joining, Membership, Source, State, actions};
use vestibule::seats::{self, Seats};
use vestibule::sign_in::{NewOwner, make_owner};
use vestibule::store::schema::audit_events;
use vestibule::web::Problem;
use vestibule::{accounts, invitations, teams};

use crate::support::acme::OWNER;
use crate::support::{Acme, Browser};

const ADA: &str = "ada@acme.example";
const BOB: &str = "bob@acme.example";

fn member(acme: &Acme, id: &str) -> Membership {
    acme.read(|conn| Ok(members::find(conn, &acme.organization, id)?.unwrap()))
}

fn owner_id(acme: &Acme) -> String {
    acme.read(|conn| {
        let email = EmailAddress::parse(OWNER).unwrap();
        let account = accounts::find_by_email(conn, &email)?.unwrap();
        Ok(members::find_by_account(conn, &acme.organization, &account.id)?
            .unwrap()
            .id)
    })
}

/// A member who has no password, made quickly.
fn joins(acme: &Acme, email: &str, name: &str, role: Role, source: Source) -> String {
    acme.write(|conn, now| {
        let account = accounts::actions::create(conn, now, &EmailAddress::parse(email).unwrap(), name)?;
        let joining = Joining {
            by_password: true,
            organization: &acme.organization,
            account: &account.id,
            name,
            role,
            source,
            invited_by: "",
        };
        Ok(actions::join(conn, now, &Actor::operator(), &joining)?)
    })
}

fn deactivated(acme: &Acme, id: &str) {
    let version = member(acme, id).version;
    acme.write(|conn, now| {
        actions::deactivate(conn, now, &Doer::operator(), &acme.organization, id, version)
    });
}

/// Action, before and after of every entry about this member, oldest first.
fn audited(acme: &Acme, id: &str) -> Vec<(String, String, String)> {
    acme.read(|conn| {
        Ok(audit_events::table
            .filter(audit_events::subject_id.eq(id))
            .order(audit_events::id)
            .select((
                audit_events::action,
                audit_events::before_json,
                audit_events::after_json,
            ))
            .load(conn)?)
    })
}

/// The member's ids that the list links to, in its order.
fn listed(browser: &Browser) -> Vec<String> {
    let links = browser
        .body()
        .split("<th scope=\"row\"><a href=\"/orgs/acme/members/");
    links
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap().to_owned())
        .collect()
}

/// Presses the button of the act's page.
async fn acts(browser: &mut Browser, acme: &Acme, id: &str, act: &str, button: &str) {
    browser.get(&acme.to(&format!("/members/{id}/{act}"))).await;
    browser.submit(button, &[]).await;
}

/// Posts what a form of ours would, where the page shows no such form.
async fn forces(browser: &mut Browser, acme: &Acme, path: &str, fields: &[(&str, &str)]) {
    let token = browser
        .fields("Sign out")
        .into_iter()
        .find(|(name, _)| name == "form_token")
        .unwrap()
        .1;
    let mut form = vec![("form_token", token.as_str())];
    form.extend_from_slice(fields);
    browser.post(&acme.to(path), &form).await;
}

both_databases! {
    /// The address is the filter, and the caption repeats it.
    async fn the_list_searches_and_filters(db: Database) {
        let acme = Acme::alone(db);
        let ada = joins(&acme, ADA, "Ada Lovelace", Role::Admin, Source::Jit);
        let bob = joins(&acme, BOB, "", Role::Member, Source::Scim);
        joins(&acme, "al_an@acme.example", "Alan 100% Turing", Role::Member, Source::Jit);
        deactivated(&acme, &bob);
        let mut olive = acme.owner().await;
        olive.get(&acme.to("/members")).await.sees("4 members, by name");
        let table = [
            ("?q=LOVE", 1, "1 of 4 members, by name · “LOVE”"),
            ("?q=bob%40acme", 1, "1 of 4 members"),
            ("?q=100%25", 1, "1 of 4 members"),
            ("?q=%25", 0, "Nobody matches"),
            ("?q=al_an", 1, "1 of 4 members"),
            ("?q=lov+ADA", 1, "1 of 4 members"),
            ("?q=lov+bob", 0, "Nobody matches"),
            ("?role=admin", 1, "role admin"),
            ("?role=nonsense", 4, "4 members, by name"),
            ("?state=deactivated", 1, "state deactivated"),
            ("?state=active&source=jit", 2, "2 of 4 members"),
            ("?source=scim", 1, "came by SCIM"),
            ("?state=removed", 0, "Nobody matches"),
            ("?team=unknown", 0, "Nobody matches"),
        ];
        for (query, count, sentence) in table {
            olive.get(&acme.to(&format!("/members{query}"))).await.sees(sentence);
            assert_eq!(listed(&olive).len(), count, "{query}");
        }
        olive.get(&acme.to("/members?role=admin")).await;
        assert_eq!(listed(&olive), [ada]);
        olive.click("Clear").await.sees("4 members, by name");
    }

    /// Also where many have the same name, everybody stands on one page and on one only.
    async fn the_list_pages_by_name(db: Database) {
        let acme = Acme::alone(db);
        let mut all: BTreeSet<String> = [owner_id(&acme)].into();
        for number in 0..70 {
            let name = if number < 60 { "Same Name" } else { "Zoe" };
            all.insert(joins(&acme, &format!("p{number}@acme.example"), name, Role::Member, Source::Jit));
        }
        let mut olive = acme.owner().await;
        let first = listed(olive.get(&acme.to("/members?state=active")).await);
        olive.does_not_see("Previous page");
        let second = listed(olive.click("Next page").await.sees("71 of 71 members, by name · state active"));
        olive.does_not_see("Next page");
        assert_eq!((first.len(), second.len()), (50, 21));
        assert_eq!(first.iter().chain(&second).cloned().collect::<BTreeSet<_>>(), all);
        assert_eq!(listed(olive.click("Previous page").await), first);
    }

    /// It explains first, and then sessions end in the same transaction.
    /// SES-006.
    async fn deactivating_ends_sessions_and_frees_the_seat(db: Database) {
        let acme = Acme::alone(db);
        let id = acme.join(BOB, "Bob", Role::Member);
        let (mut olive, mut bob) = (acme.owner().await, acme.signed_in(BOB).await);
        assert_eq!(bob.get(&acme.installation.to("/account")).await.path(), "/account");
        let seats = |acme: &Acme| acme.read(|conn| Ok(seats::count(conn, &acme.organization, 0)?.members));
        assert_eq!(seats(&acme), 2);

        olive.get(&acme.to(&format!("/members/{id}/deactivate"))).await.sees("What will change");
        assert_eq!(member(&acme, &id).state, State::Active);
        olive.submit("Deactivate Bob", &[]).await.sees("Bob is deactivated.");
        assert_eq!(olive.path(), format!("/orgs/acme/members/{id}"));
        olive.sees("Reactivate…");

        assert_eq!(member(&acme, &id).state, State::Deactivated);
        assert_eq!(seats(&acme), 1);
        assert_eq!(bob.get(&acme.installation.to("/account")).await.path(), "/sign-in");
        let (action, before, after) = audited(&acme, &id).pop().unwrap();
        assert_eq!(
            (action.as_str(), before.as_str(), after.as_str()),
            ("member.deactivated", r#"{"state":"active"}"#, r#"{"state":"deactivated"}"#)
        );
    }

    /// A deactivated member holds no seat, and coming back takes a free one.
    async fn reactivation_needs_a_free_seat(db: Database) {
        let acme = Acme::alone(db);
        let id = joins(&acme, BOB, "Bob", Role::Member, Source::Jit);
        deactivated(&acme, &id);
        acme.seats(Some(1));
        let mut olive = acme.owner().await;
        let path = format!("/members/{id}/reactivate");
        olive.get(&acme.to(&path)).await.sees("Every seat is taken.");
        let version = member(&acme, &id).version.to_string();
        forces(&mut olive, &acme, &path, &[("version", &version)]).await;
        assert_eq!(olive.status(), 409);
        assert_eq!(member(&acme, &id).state, State::Deactivated);
        acme.seats(Some(2));
        acts(&mut olive, &acme, &id, "reactivate", "Reactivate Bob").await;
        olive.sees("Bob is active again.");
        assert_eq!(member(&acme, &id).state, State::Active);
    }

    /// Neither deactivated nor removed nor demoted, not even by their own hand.
    /// ADM-005.
    async fn the_last_owner_stays(db: Database) {
        let acme = Acme::alone(db);
        joins(&acme, ADA, "Ada", Role::Admin, Source::Setup);
        let gone = joins(&acme, "gone@acme.example", "Gone", Role::Owner, Source::Setup);
        deactivated(&acme, &gone);
        let id = owner_id(&acme);
        let mut olive = acme.owner().await;
        let version = member(&acme, &id).version.to_string();
        for act in ["deactivate", "remove"] {
            olive.get(&acme.to(&format!("/members/{id}/{act}"))).await.sees("This is the only owner");
            forces(&mut olive, &acme, &format!("/members/{id}/{act}"), &[("version", &version)]).await;
            assert_eq!(olive.status(), 409, "{act}");
        }
        olive.get(&acme.to(&format!("/members/{id}/edit"))).await.sees("This is the only owner");
        forces(&mut olive, &acme, &format!("/members/{id}/edit"), &[("version", &version), ("role", "admin")]).await;
        assert_eq!(olive.status(), 409);
        let olive = member(&acme, &id);
        assert_eq!((olive.role, olive.state), (Role::Owner, State::Active));
    }

    /// An admin changes no owner, and gives nobody, themself included, more than they have.
    /// ADM-005.
    async fn nobody_goes_above_their_own_role(db: Database) {
        let acme = Acme::alone(db);
        let (olive, own) = (owner_id(&acme), acme.join(ADA, "Ada", Role::Admin));
        joins(&acme, "second@acme.example", "Second Owner", Role::Owner, Source::Setup);
        let bob = joins(&acme, BOB, "Bob", Role::Member, Source::Jit);
        let mut ada = acme.signed_in(ADA).await;
        ada.get(&acme.to("/members")).await;
        let forbidden = [
            (format!("/members/{olive}/deactivate"), ""),
            (format!("/members/{olive}/remove"), ""),
            (format!("/members/{olive}/sign-out"), ""),
            (format!("/members/{olive}/edit"), "member"),
            (format!("/members/{own}/edit"), "owner"),
            (format!("/members/{bob}/edit"), "owner"),
        ];
        for (path, role) in forbidden {
            ada.get(&acme.to("/members")).await;
            forces(&mut ada, &acme, &path, &[("version", "1"), ("role", role)]).await;
            assert_eq!(ada.status(), 403, "{path}");
        }
        for (id, role) in [(&olive, Role::Owner), (&own, Role::Admin), (&bob, Role::Member)] {
            let member = member(&acme, id);
            assert_eq!((member.role, member.state, member.version), (role, State::Active, 1));
        }
        ada.get(&acme.to(&format!("/members/{bob}/edit"))).await.does_not_see("Owner Admin Member");
        ada.submit("Save Bob", &[("role", "admin")]).await.sees("Bob is saved.");
        assert_eq!(member(&acme, &bob).role, Role::Admin);
    }

    /// Whoever looks for it under Edit finds what keeps people out, as far as they may do it.
    async fn the_form_leads_to_what_else_can_be_done(db: Database) {
        let acme = Acme::alone(db);
        acme.join(ADA, "Ada", Role::Admin);
        let bob = joins(&acme, BOB, "Bob", Role::Member, Source::Jit);
        let mut ada = acme.signed_in(ADA).await;
        let form = acme.to(&format!("/members/{bob}/edit"));
        ada.get(&form).await.click("Remove… Bob").await.sees("Remove Bob");
        ada.get(&form).await.click("Deactivate… Bob").await.sees("Deactivate Bob");
        deactivated(&acme, &bob);
        ada.get(&form).await.sees("Reactivate… Bob").does_not_see("Deactivate…");
        let owner = acme.to(&format!("/members/{}/edit", owner_id(&acme)));
        ada.get(&owner).await.does_not_see("Deactivate…").does_not_see("Remove…");
    }

    /// Out of all teams, the offer closed, sessions ended; and an invitation brings them back.
    async fn removed_stays_removed_until_invited(db: Database) {
        let acme = Acme::alone(db);
        let id = acme.join(BOB, "Bob", Role::Admin);
        let team = acme.write(|conn, now| {
            let team = teams::actions::create(conn, now, &Actor::operator(), &acme.organization, "Sales")?;
            teams::give(conn, now, &id, [&team], teams::Source::Hand, "")?;
            teams::give(conn, now, &id, [&team], teams::Source::Mapping, &acme.connection)?;
            Ok(team)
        });
        let (mut olive, mut bob) = (acme.owner().await, acme.signed_in(BOB).await);
        acts(&mut olive, &acme, &id, "remove", "Remove Bob").await;
        olive.sees("Bob is removed.").sees("Invite again").sees("In no team.");
        assert_eq!(bob.get(&acme.installation.to("/account")).await.path(), "/sign-in");
        assert_eq!(member(&acme, &id).state, State::Removed);
        assert!(acme.read(|conn| Ok(teams::of_member(conn, &id)?)).is_empty());
        let (action, before, _) = audited(&acme, &id).pop().unwrap();
        assert_eq!(action, "member.removed");
        assert!(before.contains(r#""teams":["Sales"]"#), "{before}");

        olive.get(&acme.to("/members")).await.does_not_see("Bob");
        olive.get(&acme.to("/members?state=removed")).await.sees("Bob");
        olive.get(&acme.to(&format!("/members/{id}/edit"))).await;
        assert_eq!(olive.status(), 409);

        let again = acme.write(|conn, now| {
            let account = members::find(conn, &acme.organization, &id)?.unwrap().account;
            let joining = Joining {
                by_password: true,
                organization: &acme.organization,
                account: &account,
                name: "Bob",
                role: Role::Member,
                source: Source::Invitation,
                invited_by: "Olive Owner",
            };
            Ok(actions::join(conn, now, &Actor::operator(), &joining)?)
        });
        assert_eq!(again, id);
        let bob = member(&acme, &id);
        assert_eq!((bob.role, bob.state, bob.source), (Role::Member, State::Active, Source::Invitation));
        olive.get(&acme.to(&format!("/members/{id}"))).await.sees("Invitation, invited by Olive Owner");
        olive.get(&acme.to(&format!("/teams/{team}"))).await.sees("Nobody is in this team yet");
    }

    /// An offer for the same address would be a way back that nobody meant.
    /// DEC-020.
    async fn removing_closes_a_pending_invitation(db: Database) {
        let acme = Acme::alone(db);
        acme.invite(BOB);
        let id = joins(&acme, BOB, "Bob", Role::Member, Source::Jit);
        let pending = |acme: &Acme| {
            let now = acme.installation.site.now();
            acme.read(|conn| {
                let found = invitations::standing(conn, now, &acme.organization, &[BOB.to_owned()], None)?;
                Ok(found.standing.is_pending())
            })
        };
        assert!(pending(&acme));
        acts(&mut acme.owner().await, &acme, &id, "remove", "Remove Bob").await;
        assert!(!pending(&acme));
    }

    /// Joining is no way round a deactivation.
    /// DEC-018.
    async fn a_deactivated_member_cannot_join_again(db: Database) {
        let acme = Acme::alone(db);
        let id = joins(&acme, BOB, "Bob", Role::Member, Source::Jit);
        deactivated(&acme, &id);
        let account = member(&acme, &id).account;
        acme.write(|conn, now| {
            let joining = Joining {
                by_password: true,
                organization: &acme.organization,
                account: &account,
                name: "Bob",
                role: Role::Owner,
                source: Source::Invitation,
                invited_by: "",
            };
            Ok(actions::join(conn, now, &Actor::operator(), &joining)?)
        });
        let bob = member(&acme, &id);
        assert_eq!((bob.role, bob.state), (Role::Member, State::Deactivated));
    }

    /// Two administrators with the same form: the second is shown how it stands now.
    /// ADM-014.
    async fn a_stale_form_changes_nothing(db: Database) {
        let acme = Acme::alone(db);
        let id = joins(&acme, BOB, "Bob", Role::Member, Source::Jit);
        let mut olive = acme.owner().await;
        let mut edit = olive.new_tab();
        edit.get(&acme.to(&format!("/members/{id}/edit"))).await;
        let mut remove = olive.new_tab();
        remove.get(&acme.to(&format!("/members/{id}/remove"))).await;
        olive.get(&acme.to(&format!("/members/{id}/edit"))).await;
        olive.submit("Save Bob", &[("role", "admin")]).await.sees("Bob is saved.");

        edit.submit("Save Bob", &[("role", "owner")]).await.sees("Somebody else changed this member meanwhile.");
        assert_eq!(edit.status(), 409);
        remove.submit("Remove Bob", &[]).await.sees("Somebody else changed this member meanwhile.");
        assert_eq!(remove.status(), 409);
        let bob = member(&acme, &id);
        assert_eq!((bob.role, bob.state), (Role::Admin, State::Active));
        remove.submit("Remove Bob", &[]).await.sees("Bob is removed.");
    }

    /// What a group of the provider gave is not the form's to take.
    async fn role_and_teams_are_edited_together(db: Database) {
        let acme = Acme::alone(db);
        let id = joins(&acme, BOB, "Bob", Role::Member, Source::Jit);
        let [sales, support, platform] = ["Sales", "Support", "Platform"].map(|name| {
            acme.write(|conn, now| {
                teams::actions::create(conn, now, &Actor::operator(), &acme.organization, name)
            })
        });
        acme.write(|conn, now| {
            teams::give(conn, now, &id, [&sales], teams::Source::Invitation, "")?;
            Ok(teams::give(conn, now, &id, [&platform], teams::Source::Mapping, &acme.connection)?)
        });
        let mut olive = acme.owner().await;
        olive.get(&acme.to(&format!("/members/{id}/edit"))).await.sees("by a group of the provider");
        let mut form = olive.fields("Save Bob");
        form.retain(|(name, _)| name != "team" && name != "role");
        form.push(("team".into(), support.clone()));
        form.push(("role".into(), "admin".into()));
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        olive.post(&acme.to(&format!("/members/{id}/edit")), &form).await.sees("Bob is saved.");
        assert_eq!(member(&acme, &id).role, Role::Admin);
        let now_in: Vec<_> = acme.read(|conn| {
            let belongings = teams::of_member(conn, &id)?;
            Ok(belongings.into_iter().map(|one| (one.name, one.source)).collect())
        });
        assert_eq!(
            now_in,
            [("Platform".to_owned(), teams::Source::Mapping), ("Support".to_owned(), teams::Source::Hand)]
        );
        olive.sees("Platform").sees("by hand");
        let (action, before, after) = audited(&acme, &id).pop().unwrap();
        assert_eq!(
            (action.as_str(), before.as_str(), after.as_str()),
            ("member.role_changed", r#"{"role":"member"}"#, r#"{"role":"admin"}"#)
        );
    }

    /// Their sessions end at once; nothing keeps them from signing in again.
    /// SES-009.
    async fn signing_somebody_out_keeps_them_a_member(db: Database) {
        let acme = Acme::alone(db);
        let id = acme.join(BOB, "Bob", Role::Member);
        let (mut olive, mut bob) = (acme.owner().await, acme.signed_in(BOB).await);
        acts(&mut olive, &acme, &id, "sign-out", "Sign out Bob").await;
        olive.sees("Bob is signed out.");
        assert_eq!(bob.get(&acme.installation.to("/account")).await.path(), "/sign-in");
        assert_eq!(member(&acme, &id).state, State::Active);
        acme.signed_in(BOB).await;
    }

    /// With another owner there, one may go, and is told so before and after.
    async fn an_owner_may_leave_to_another(db: Database) {
        let acme = Acme::alone(db);
        joins(&acme, ADA, "Ada", Role::Owner, Source::Setup);
        let id = owner_id(&acme);
        let mut olive = acme.owner().await;
        olive.get(&acme.to(&format!("/members/{id}/deactivate"))).await.sees("This is you.");
        olive.submit("Deactivate Olive Owner", &[]).await;
        assert_eq!(olive.path(), "/sign-in");
        assert_eq!(member(&acme, &id).state, State::Deactivated);
    }

    /// A plain member, a stranger, and an owner of another organization learn nothing.
    /// ADM-003.
    async fn members_are_shown_to_their_own_admins_only(db: Database) {
        let acme = Acme::alone(db);
        let id = acme.join(BOB, "Bob", Role::Member);
        acme.write(|conn, now| {
            let email = EmailAddress::parse("gus@globex.example").unwrap();
            let hash = accounts::hash(crate::support::acme::PASSWORD).unwrap();
            let owner = NewOwner {
                slug: "globex",
                organization_name: "Globex",
                email: &email,
                name: "Gus",
                password_hash: Some(&hash),
                operator: false,
            };
            make_owner(conn, now, &Actor::operator(), &owner).map(drop)
        });
        let paths = ["/members".to_owned(), format!("/members/{id}"), format!("/members/{id}/edit"), format!("/members/{id}/remove")];
        let (mut nobody, mut bob) = (Browser::new(), acme.signed_in(BOB).await);
        let mut gus = acme.signed_in("gus@globex.example").await;
        for path in &paths {
            assert_eq!(nobody.get(&acme.to(path)).await.path(), "/sign-in");
            assert_eq!(bob.get(&acme.to(path)).await.status(), 403, "{path}");
            assert_eq!(gus.get(&acme.to(path)).await.status(), 404, "{path}");
        }
        for path in &paths[1..] {
            let own = acme.installation.to(&format!("/orgs/globex{path}"));
            assert_eq!(gus.get(&own).await.status(), 404, "{path}");
        }
        gus.get(&acme.installation.to("/orgs/globex/members")).await.sees("You are the only one here").does_not_see("Bob");
        let path = acme.installation.to(&format!("/orgs/globex/members/{id}/remove"));
        let token = gus.fields("Sign out").remove(0).1;
        gus.post(&path, &[("form_token", &token), ("version", "1")]).await;
        assert_eq!(gus.status(), 404);
        assert_eq!(member(&acme, &id).state, State::Active);
    }

    /// A form without its token, or of another site, does nothing.
    /// SES-011.
    async fn a_forged_form_does_nothing(db: Database) {
        let acme = Acme::alone(db);
        let id = joins(&acme, BOB, "Bob", Role::Member, Source::Jit);
        let mut olive = acme.owner().await;
        let path = acme.to(&format!("/members/{id}/remove"));
        assert_eq!(olive.post(&path, &[("version", "1")]).await.status(), 403);
        assert_eq!(olive.get(&path).await.status(), 200);
        let form = olive.fields("Remove Bob");
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(olive.post_from("https://evil.example", &path, &form).await.status(), 403);
        assert_eq!(member(&acme, &id).state, State::Active);
    }

    /// Whatever a provider sends for a name is text, and stays in its place.
    /// OUT-001.
    async fn a_hostile_name_is_only_text(db: Database) {
        let acme = Acme::alone(db);
        let name = "<script>alert(1)</script>{{7*7}}\u{202e}\"'";
        let id = joins(&acme, BOB, name, Role::Member, Source::Jit);
        let mut olive = acme.owner().await;
        for path in ["/members".to_owned(), format!("/members/{id}"), format!("/members/{id}/edit"), format!("/members/{id}/deactivate")] {
            olive.get(&acme.to(&path)).await.sees("<script>alert(1)</script>{{7*7}}");
            assert!(!olive.body().contains("<script>alert"), "{path}");
        }
        olive.submit(&format!("Deactivate {name}"), &[]).await.sees("is deactivated.");
    }

    /// Of two owners who demote each other at once, one stays an owner.
    /// RACE-013.
    async fn two_owners_cannot_demote_each_other(db: Database) {
        let acme = Acme::alone(db);
        let ids = [owner_id(&acme), joins(&acme, ADA, "Ada", Role::Owner, Source::Setup)];
        for _ in 0..25 {
            let versions = ids.clone().map(|id| member(&acme, &id).version);
            std::thread::scope(|scope| {
                for (id, version) in ids.iter().zip(versions) {
                    let acme = &acme;
                    scope.spawn(move || demote(acme, id, version));
                }
            });
            let owners = ids.iter().filter(|id| member(&acme, id).role == Role::Owner);
            assert_eq!(owners.count(), 1);
            for id in &ids {
                let version = member(&acme, id).version;
                acme.write(|conn, now| {
                    let doer = Doer::operator();
                    actions::change_role(conn, now, &doer, &acme.organization, id, version, Role::Owner)
                });
            }
        }
    }

    /// Twenty-five come back at once to one free seat.
    /// RACE-002.
    async fn the_last_seat_is_taken_once(db: Database) {
        let acme = Acme::alone(db);
        let ids: Vec<String> = (0..25)
            .map(|number| {
                let id = joins(&acme, &format!("p{number}@acme.example"), "P", Role::Member, Source::Jit);
                deactivated(&acme, &id);
                id
            })
            .collect();
        acme.seats(Some(2));
        let site = &acme.installation.site;
        let now = site.now();
        let admitted: usize = std::thread::scope(|scope| {
            let reactivating: Vec<_> = ids
                .iter()
                .map(|id| {
                    let (site, organization) = (site.clone(), acme.organization.clone());
                    scope.spawn(move || {
                        let done = site.store.write_in(&organization, |conn| {
                            actions::reactivate(conn, now, &Doer::operator(), &organization, id, 2)
                        });
                        usize::from(done.is_ok())
                    })
                })
                .collect();
            reactivating.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(admitted, 1);
        let seats = acme.read(|conn| Ok(seats::count(conn, &acme.organization, now)?));
        assert_eq!(seats, Seats { limit: Some(2), members: 2, invited: 0 });
    }
}

fn demote(acme: &Acme, id: &str, version: i64) {
    let site = &acme.installation.site;
    let now = site.now();
    let done = site.store.write_in(&acme.organization, |conn| {
        let doer = Doer::operator();
        actions::change_role(conn, now, &doer, &acme.organization, id, version, Role::Member)
    });
    assert!(matches!(done, Ok(_) | Err(Problem::Conflict(_))), "{done:?}");
}
