//! Invitations: the administrator's pages, the link, and the verbs that others rely on.

use diesel::{QueryDsl as _, RunQueryDsl as _};
use vestibule::access::{EmailAddress, InvitationStanding, Role};
use vestibule::audit::Actor;
use vestibule::invitations::{self, New, State, actions};
use vestibule::members;
use vestibule::orgs;
use vestibule::store::id;
use vestibule::store::schema::denials;
use vestibule::store::time::DAY;
use vestibule::web::Problem;
use vestibule::{seats, teams};

use crate::support::acme::OWNER;
use crate::support::{Acme, Browser};

fn new(email: &str, role: Role) -> New {
    New {
        email: EmailAddress::parse(email).unwrap(),
        role,
        teams: vec![],
    }
}

fn invite(acme: &Acme, inviter: Role, people: &[New]) -> Result<Vec<invitations::Sent>, Problem> {
    let (site, organization) = (&acme.installation.site, acme.now());
    let now = site.now();
    site.store.write_in(&acme.organization, |conn| {
        actions::invite(conn, now, &Actor::operator(), inviter, &organization, people)
    })
}

fn resend(acme: &Acme, ids: &[String]) -> Result<Vec<invitations::Sent>, Problem> {
    let (site, organization) = (&acme.installation.site, acme.now());
    let now = site.now();
    site.store.write_in(&acme.organization, |conn| {
        actions::resend(conn, now, &Actor::operator(), Role::Owner, &organization, ids)
    })
}

fn revoke(acme: &Acme, ids: &[String]) -> Result<usize, Problem> {
    let site = &acme.installation.site;
    let now = site.now();
    site.store.write_in(&acme.organization, |conn| {
        actions::revoke(
            conn,
            now,
            &Actor::operator(),
            Role::Owner,
            &acme.organization,
            ids,
        )
    })
}

fn standing(acme: &Acme, email: &str, token: Option<&str>) -> invitations::Found {
    let now = acme.installation.site.now();
    let hash = token.map(id::hash_token);
    acme.read(|conn| {
        Ok(invitations::standing(
            conn,
            now,
            &acme.organization,
            &[email.to_owned()],
            hash.as_deref(),
        )?)
    })
}

fn state(acme: &Acme, id: &str) -> State {
    let now = acme.installation.site.now();
    acme.read(|conn| {
        Ok(invitations::find(conn, &acme.organization, id)?
            .unwrap()
            .state(now))
    })
}

fn taken(acme: &Acme) -> i64 {
    let now = acme.installation.site.now();
    acme.read(|conn| Ok(seats::count(conn, &acme.organization, now)?.taken()))
}

fn conflict<T: std::fmt::Debug>(answer: Result<T, Problem>) -> String {
    match answer {
        Err(Problem::Conflict(sentence)) => sentence,
        other => panic!("{other:?} is no conflict"),
    }
}

fn token(link: &str) -> &str {
    link.rsplit('/').next().unwrap()
}

/// The value of the field that holds this address's link.
fn link_for(browser: &Browser, email: &str) -> String {
    let after = browser
        .body()
        .split(&format!("Link for {email}</label>"))
        .nth(1)
        .unwrap();
    let value = after.split("value=\"").nth(1).unwrap().split('"').next().unwrap();
    assert!(after.split('>').next().unwrap().contains("readonly"), "{after}");
    value.to_owned()
}

both_databases! {
    /// The three steps of the pages, from the text area to the links.
    /// INV-011, INV-021, UPL-003.
    async fn a_list_is_reviewed_before_anybody_is_invited(db: Database) {
        let acme = Acme::alone(db);
        acme.join("mia@acme.example", "Mia Member", Role::Member);
        acme.invite("ivy@acme.example");
        acme.write(|conn, now| {
            teams::actions::create(conn, now, &Actor::operator(), &acme.organization, "engineering")
        });
        let mut olive = acme.owner().await;
        olive.get(&acme.to("/invitations/new")).await.sees("engineering");
        let typed = "ada@acme.example, ADA@acme.example;bob@guest.example\nmia@acme.example ivy@acme.example nobody";
        let team = olive.body().split("name=\"team\" value=\"").nth(1).unwrap();
        let team = team.split('"').next().unwrap().to_owned();
        olive.submit("Review", &[("addresses", typed), ("role", "admin"), ("team", &team)]).await;
        olive
            .sees("Will be invited: 2")
            .sees("Already invited: 1")
            .sees("Already a member: 1")
            .sees("Twice in the list: 1")
            .sees("Can’t be invited like this: 1")
            .sees("An e-mail address has an @")
            .sees("Nobody has been invited yet");
        assert_eq!(taken(&acme), 3);

        olive.submit("Invite these 2 people", &[]).await.sees("2 people are invited");
        assert_eq!(taken(&acme), 5);
        let link = link_for(&olive, "ada@acme.example");
        assert!(link.starts_with(&acme.installation.to("/invitation/")), "{link}");
        assert_eq!(token(&link).len(), 43);
        let found = standing(&acme, "ada@acme.example", Some(token(&link)));
        let InvitationStanding::Pending { proves_mailbox, role, teams } = found.standing else {
            panic!("{found:?}");
        };
        assert_eq!((proves_mailbox, role, teams), (true, Role::Admin, vec![team]));
        assert_eq!(found.invited_by_name, "Olive Owner");

        olive.get(&acme.to("/invitations")).await.sees("ada@acme.example").sees("3 of 3 invitations, newest first");
        assert!(!olive.body().contains(token(&link)), "the link is shown once");
        olive.get(&acme.to("/invitations?q=ada%40&state=pending")).await.sees("1 of 1 pending invitation for");
        olive.get(&acme.to("/invitations?q=%25")).await.sees("No invitation matches");
    }

    /// What is wrong comes back with the text that was typed.
    async fn a_form_that_is_wrong_comes_back(db: Database) {
        let acme = Acme::alone(db);
        let mut olive = acme.owner().await;
        olive.get(&acme.to("/invitations")).await.sees("Nobody has been invited yet");
        olive.get(&acme.to("/invitations/new")).await;
        olive.submit("Review", &[("addresses", " ,; ")]).await.sees("Type at least one e-mail address");
        assert_eq!(olive.status(), 422);
        let many = vec!["a@acme.example"; 1_001].join("\n");
        olive.submit("Review", &[("addresses", &many)]).await.sees("These are 1001 addresses");
        assert_eq!(olive.status(), 422);
        olive.submit("Review", &[("addresses", "ada@acme.example nobody")]).await.sees("Can’t be invited like this: 1");
        olive.submit("Change the list", &[]).await;
        assert!(olive.body().contains("ada@acme.example nobody"));
        assert_eq!((olive.status(), taken(&acme)), (200, 1));
    }

    /// Whose domain a connection vouches for comes in without the link, and nobody else does: the page says who.
    async fn the_page_says_who_needs_no_link(db: Database) {
        let acme = Acme::alone(db);
        let mut olive = acme.owner().await;
        let address = acme.sign_in();
        for (people, button, told, named) in [
            ("a@acme.example", "Invite this person", "The link is not needed", true),
            ("b@acme.example c@guest.example", "Invite these 2 people", "No link is needed by 1 of 2 people", true),
            ("d@sub.acme.example", "Invite this person", "It is needed: no single sign-on that is turned on", false),
        ] {
            olive.get(&acme.to("/invitations/new")).await;
            olive.submit("Review", &[("addresses", people)]).await;
            olive.submit(button, &[]).await.sees(told);
            assert_eq!(olive.body().contains(&format!("readonly value=\"{address}\"")), named, "{people}");
        }
        acme.run("UPDATE connections SET state = 'off'");
        let one = acme.rows("invitations", "id").remove(0);
        olive.get(&acme.to(&format!("/invitations/{}/resend", one.split("id=").nth(1).unwrap()))).await;
        olive.submit("Make a fresh link", &[]).await.sees("It is needed").does_not_see("Sign-in address");
    }

    /// Of more than ten links the page makes one file.
    async fn many_links_are_one_file(db: Database) {
        let acme = Acme::alone(db);
        let mut olive = acme.owner().await;
        for (some, are_few) in [(10, true), (11, false)] {
            let people: Vec<String> = (0..some).map(|n| format!("p{n}@of{some}.example")).collect();
            olive.get(&acme.to("/invitations/new")).await;
            olive.submit("Review", &[("addresses", &people.join(" "))]).await;
            olive.submit(&format!("Invite these {some} people"), &[]).await.sees("No mail is sent");
            assert_eq!(olive.body().contains("<textarea"), !are_few, "{some}");
            assert_eq!(olive.body().matches("/invitation/").count(), some, "each link stands there once");
            if are_few {
                olive.sees("Link for p0@of10.example").does_not_see("CSV file");
            } else {
                let link = acme.installation.to("/invitation/");
                olive.sees(&format!("\"address\",\"link\" \"p0@of11.example\",\"{link}")).does_not_see("Link for");
            }
        }
    }

    /// The address of the form fills it in.
    async fn a_form_may_be_filled_in_by_its_address(db: Database) {
        let acme = Acme::alone(db);
        let mut olive = acme.owner().await;
        olive.get(&acme.to("/invitations/new?email=sam%40acme.example&role=admin&denial=unknown")).await;
        olive.submit("Review", &[]).await.sees("Will be invited: 1").sees("Admin");
        olive.submit("Invite this person", &[]).await.sees("1 person is invited");
    }

    /// A thousand at once.
    /// INV-012.
    async fn a_batch_may_have_a_thousand_addresses(db: Database) {
        let acme = Acme::alone(db);
        let mut olive = acme.owner().await;
        let many: Vec<String> = (0..1_000).map(|n| format!("person.number.{n}@acme.example")).collect();
        olive.get(&acme.to("/invitations/new")).await;
        olive.submit("Review", &[("addresses", &many.join("; "))]).await.sees("Will be invited: 1000");
        olive.submit("Invite these 1000 people", &[]).await.sees("1000 people are invited");
        assert_eq!(taken(&acme), 1_001);

        let mut seen = std::collections::BTreeSet::new();
        olive.get(&acme.to("/invitations")).await;
        loop {
            for piece in olive.body().split("<bdi>person.number.").skip(1) {
                assert!(seen.insert(piece.split('@').next().unwrap().to_owned()), "twice: {piece}");
            }
            if !olive.body().contains("Next page") {
                break;
            }
            olive.click("Next page").await;
        }
        assert_eq!(seen.len(), 1_000);
        olive.click("Previous page").await.sees("50 of 1000 invitations");
    }

    /// Members may not look; admins invite up to their own role, whatever the form says.
    /// INV-010.
    async fn nobody_invites_above_their_own_role(db: Database) {
        let acme = Acme::alone(db);
        acme.join("mia@acme.example", "Mia Member", Role::Member);
        acme.join("abe@acme.example", "Abe Admin", Role::Admin);
        let mut mia = acme.signed_in("mia@acme.example").await;
        mia.get(&acme.to("/invitations")).await;
        assert_eq!(mia.status(), 403);

        let mut abe = acme.signed_in("abe@acme.example").await;
        abe.get(&acme.to("/invitations/new")).await;
        assert!(!abe.body().contains("value=\"owner\""));
        let own = abe.fields("Review").into_iter().find(|(name, _)| name == "form_token").unwrap().1;
        let form = [("form_token", own.as_str()), ("list", "ada@acme.example"), ("role", "owner")];
        abe.post(&acme.to("/invitations/send"), &form).await;
        assert_eq!((abe.status(), taken(&acme)), (403, 3));

        let sent = invite(&acme, Role::Owner, &[new("next@acme.example", Role::Owner)]).unwrap();
        abe.get(&acme.to(&format!("/invitations/{}", sent[0].id))).await.sees("above your own");
        let revoke = acme.to(&format!("/invitations/{}/revoke", sent[0].id));
        abe.post(&revoke, &[("form_token", own.as_str()), ("version", "1")]).await;
        assert_eq!((abe.status(), state(&acme, &sent[0].id)), (403, State::Pending));
    }

    /// A demotion counts at once, not at the next request.
    async fn the_role_is_read_in_the_transaction(db: Database) {
        let acme = Acme::alone(db);
        assert!(matches!(
            invite(&acme, Role::Admin, &[new("ada@acme.example", Role::Owner)]),
            Err(Problem::Forbidden(_))
        ));
        assert!(matches!(
            invite(&acme, Role::Member, &[new("ada@acme.example", Role::Member)]),
            Err(Problem::Forbidden(_))
        ));
        assert_eq!(taken(&acme), 1);
    }

    /// A batch larger than the free seats is refused as a whole, with the numbers.
    /// INV-016, DEC-016.
    async fn seats_are_for_all_or_for_none(db: Database) {
        let acme = Acme::alone(db);
        acme.seats(Some(3));
        let people = ["a@acme.example", "b@acme.example", "c@acme.example"].map(|one| new(one, Role::Member));
        let why = conflict(invite(&acme, Role::Owner, &people));
        assert!(why.starts_with("3 seats are needed, but 2 of Acme’s 3 are free"), "{why}");
        assert_eq!(taken(&acme), 1);

        let mut olive = acme.owner().await;
        olive.get(&acme.to("/invitations/new")).await.sees("2 free");
        olive.submit("Review", &[("addresses", "a@acme.example b@acme.example c@acme.example")]).await;
        olive.sees("There are not enough seats").sees("3 seats are needed");
        assert!(!olive.body().contains("/invitations/send"));

        let sent = invite(&acme, Role::Owner, &people[..2]).unwrap();
        assert_eq!(taken(&acme), 3);
        // A fresh link for one that waits needs no seat more.
        let again = resend(&acme, &[sent[0].id.clone()]).unwrap();
        assert_ne!(again[0].token, sent[0].token);
        conflict(invite(&acme, Role::Owner, &people[2..]));
        // A revoked one gives its seat back, and needs one to wait again.
        revoke(&acme, &[sent[0].id.clone()]).unwrap();
        invite(&acme, Role::Owner, &people[2..]).unwrap();
        let why = conflict(resend(&acme, &[sent[0].id.clone()]));
        assert!(why.contains("1 seat is needed, but 0 of"), "{why}");
        assert_eq!((taken(&acme), state(&acme, &sent[0].id)), (3, State::Revoked));
    }

    /// Many requests at once never take more seats than there are.
    /// RACE-001, INV-016.
    async fn one_seat_goes_to_one_of_many(db: Database) {
        let acme = Acme::alone(db);
        acme.seats(Some(2));
        let organization = acme.now();
        let site = acme.installation.site.clone();
        let tries = (0..25).map(|n| {
            let (site, organization) = (site.clone(), organization.clone());
            std::thread::spawn(move || {
                let people = [new(&format!("p{n}@acme.example"), Role::Member)];
                let (now, actor) = (site.now(), Actor::operator());
                site.store
                    .write_in(&organization.id, |conn| {
                        actions::invite(conn, now, &actor, Role::Owner, &organization, &people)
                    })
                    .is_ok()
            })
        });
        let tries: Vec<_> = tries.collect();
        let done = tries.into_iter().map(|one| one.join().unwrap()).filter(|done| *done).count();
        assert_eq!((done, taken(&acme)), (1, 2));
    }

    /// Acceptance and revocation at once: one of them.
    /// INV-008, DEC-015.
    async fn an_invitation_is_settled_once(db: Database) {
        let acme = Acme::alone(db);
        let mia = acme.join("mia@acme.example", "Mia", Role::Member);
        let sent = invite(&acme, Role::Owner, &[new("ada@acme.example", Role::Member)]).unwrap();
        let (site, id) = (acme.installation.site.clone(), sent[0].id.clone());
        let tries: Vec<_> = (0..25)
            .map(|n| {
                let (site, id, mia, organization) = (site.clone(), id.clone(), mia.clone(), acme.organization.clone());
                std::thread::spawn(move || {
                    let (now, actor) = (site.now(), Actor::operator());
                    // Not every caller holds the organization; the update itself is conditional.
                    if n % 5 == 0 {
                        site.store
                            .write_in(&organization, |conn| {
                                actions::revoke(conn, now, &actor, Role::Owner, &organization, &[id])
                            })
                            .is_ok()
                    } else {
                        site.store.write(|conn| actions::accept(conn, now, &actor, &id, &mia)).unwrap()
                    }
                })
            })
            .collect();
        let done = tries.into_iter().map(|one| one.join().unwrap()).filter(|done| *done).count();
        assert_eq!(done, 1);
        assert!(matches!(state(&acme, &id), State::Accepted | State::Revoked));
    }

    /// It counts until the moment of its expiry, and not from then on.
    /// INV-008, DEC-014.
    async fn time_is_judged_when_it_is_used(db: Database) {
        let acme = Acme::alone(db);
        acme.seats(Some(2));
        let clock = &acme.installation.site.clock;
        let sent = invite(&acme, Role::Owner, &[new("ada@acme.example", Role::Member)]).unwrap();
        clock.advance(14 * DAY - 1);
        assert!(standing(&acme, "ada@acme.example", None).standing.is_pending());
        assert_eq!(taken(&acme), 2);
        clock.advance(1);
        assert_eq!(standing(&acme, "ada@acme.example", None).standing, InvitationStanding::Expired);
        assert_eq!(taken(&acme), 1);
        let mia = "nobody";
        assert!(!acme.write(|conn, now| Ok(actions::accept(conn, now, &Actor::operator(), &sent[0].id, mia)?)));

        // Inviting the address again renews the same row: a fresh link, another role, a new time.
        let again = invite(&acme, Role::Owner, &[new("Ada@acme.example", Role::Admin)]).unwrap();
        assert_eq!(again[0].id, sent[0].id);
        assert_ne!(again[0].token, sent[0].token);
        let found = standing(&acme, "ada@acme.example", Some(&sent[0].token));
        assert!(matches!(
            found.standing,
            InvitationStanding::Pending { proves_mailbox: false, role: Role::Admin, .. }
        ));
        assert!(standing(&acme, "ada@acme.example", Some(&again[0].token)).standing.proves_mailbox());
    }

    /// A fresh link makes the old one die, and what was revoked or declined waits again.
    /// INV-013.
    async fn a_fresh_link_replaces_the_old_one(db: Database) {
        let acme = Acme::alone(db);
        let sent = invite(&acme, Role::Owner, &[new("ada@acme.example", Role::Member)]).unwrap();
        let id = sent[0].id.clone();
        for settle in ["revoke", "decline", "expire"] {
            match settle {
                "revoke" => assert_eq!(revoke(&acme, std::slice::from_ref(&id)).unwrap(), 1),
                "decline" => assert!(acme.write(|conn, now| Ok(actions::decline(conn, now, &Actor::operator(), &id)?))),
                _ => acme.installation.site.clock.advance(15 * DAY),
            }
            let before = standing(&acme, "ada@acme.example", Some(&sent[0].token));
            assert!(!before.standing.is_pending(), "{settle}: {before:?}");
            assert_eq!(taken(&acme), 1);
            let again = resend(&acme, std::slice::from_ref(&id)).unwrap();
            assert!(standing(&acme, "ada@acme.example", Some(&again[0].token)).standing.proves_mailbox());
            assert!(!standing(&acme, "ada@acme.example", Some(&sent[0].token)).standing.proves_mailbox());
            assert_eq!(taken(&acme), 2);
        }
    }

    /// Whoever is a member, deactivated or invited is not invited; whoever was removed is.
    async fn a_removed_member_may_be_invited_again(db: Database) {
        let acme = Acme::alone(db);
        let mia = acme.join("mia@acme.example", "Mia", Role::Member);
        let one = [new("mia@acme.example", Role::Member)];
        assert!(conflict(invite(&acme, Role::Owner, &one)).contains("a member already"));
        let doer = members::Doer::operator();
        acme.write(|conn, now| members::actions::deactivate(conn, now, &doer, &acme.organization, &mia, 1));
        assert!(conflict(invite(&acme, Role::Owner, &one)).contains("reactivate"));
        acme.write(|conn, now| members::actions::remove(conn, now, &doer, &acme.organization, &mia, 2));
        invite(&acme, Role::Owner, &one).unwrap();
        assert!(conflict(invite(&acme, Role::Owner, &one)).contains("invited already"));
        let twice = [new("b@acme.example", Role::Member), new("B@acme.example", Role::Member)];
        assert!(conflict(invite(&acme, Role::Owner, &twice)).contains("twice"));
    }

    /// What is left over is closed once, and then says nothing.
    /// DEC-020.
    async fn what_is_left_over_is_closed(db: Database) {
        let acme = Acme::alone(db);
        invite(&acme, Role::Owner, &[new("Ada@acme.example", Role::Member)]).unwrap();
        let close = || {
            acme.write(|conn, now| {
                Ok(actions::close_pending(conn, now, &Actor::system(), &acme.organization, "ada@acme.example")?)
            })
        };
        assert_eq!((close(), close()), (1, 0));
        assert_eq!(standing(&acme, "ada@acme.example", None).standing, InvitationStanding::None);
        assert_eq!(taken(&acme), 1);
    }

    /// A link proves one mailbox in one organization.
    /// DEC-013, INV-020.
    async fn a_link_of_another_address_or_organization_proves_nothing(db: Database) {
        let acme = Acme::alone(db);
        let bob = invite(&acme, Role::Owner, &[new("bob@acme.example", Role::Member)]).unwrap();
        let found = standing(&acme, "ada@acme.example", Some(&bob[0].token));
        assert_eq!(found.standing, InvitationStanding::OtherAddress);
        let other = acme.write(|conn, now| {
            let settings = orgs::Settings::named("Umbra");
            let umbra = orgs::actions::create(conn, now, &Actor::operator(), "umbra", settings)?;
            let people = [new("ada@acme.example", Role::Member)];
            actions::invite(conn, now, &Actor::operator(), Role::Owner, &umbra, &people)
        });
        let found = standing(&acme, "ada@acme.example", Some(&other[0].token));
        assert_eq!(found.standing, InvitationStanding::None);
        assert!(acme.read(|conn| Ok(invitations::find(conn, &acme.organization, &other[0].id)?)).is_none());
        let mut olive = acme.owner().await;
        for page in ["", "/resend", "/revoke"] {
            olive.get(&acme.to(&format!("/invitations/{}{page}", other[0].id))).await;
            assert_eq!(olive.status(), 404, "{page}");
        }
        assert!(matches!(revoke(&acme, &[other[0].id.clone()]), Err(Problem::NotFound)));
    }

    /// Resending and revoking in the pages, one and many, and what was shown before somebody else acted.
    async fn one_or_many_are_resent_or_revoked(db: Database) {
        let acme = Acme::alone(db);
        let names = ["a@acme.example", "b@acme.example", "c@acme.example"];
        let sent = invite(&acme, Role::Owner, &names.map(|name| new(name, Role::Member))).unwrap();
        let mut olive = acme.owner().await;
        let one = acme.to(&format!("/invitations/{}", sent[0].id));
        olive.get(&one).await.sees("Pending");
        olive.click("Make a fresh link…").await.sees("Send a@acme.example a fresh link?");
        let mut late = olive.new_tab();
        olive.submit("Make a fresh link", &[]).await.sees("A fresh link is made");
        let link = link_for(&olive, "a@acme.example");
        assert!(standing(&acme, "a@acme.example", Some(token(&link))).standing.proves_mailbox());
        late.submit("Make a fresh link", &[]).await.sees("was changed meanwhile");
        assert_eq!(late.status(), 409);

        let many = format!("/invitations/revoke?id={}&id={}", sent[0].id, sent[1].id);
        olive.get(&acme.to(&many)).await.sees("Revoke 2 invitations?");
        olive.submit("Revoke 2 invitations", &[]).await.sees("2 invitations are revoked");
        assert_eq!(state(&acme, &sent[1].id), State::Revoked);
        assert_eq!(state(&acme, &sent[2].id), State::Pending);
        olive.get(&acme.to(&format!("/invitations/{}/revoke", sent[1].id))).await.sees("it is revoked");
        assert_eq!(olive.status(), 409);

        let all = format!("/invitations/resend?id={}&id={}&id={}", sent[0].id, sent[1].id, sent[2].id);
        olive.get(&acme.to(&all)).await.sees("Make 3 links fresh?");
        olive.submit("Make 3 fresh links", &[]).await.sees("3 fresh links are made");
        assert_eq!(state(&acme, &sent[1].id), State::Pending);
        olive.get(&acme.to("/invitations/resend")).await.sees("Tick at least one invitation first");
    }

    /// What the invited person sees: the clean address, the offer, the way in.
    /// INV-004, INV-005.
    async fn the_link_shows_the_offer_and_changes_nothing(db: Database) {
        let acme = Acme::alone(db);
        let mut olive = acme.owner().await;
        olive.get(&acme.to("/invitations/new?email=ada%40acme.example")).await;
        olive.submit("Review", &[]).await;
        olive.submit("Invite this person", &[]).await;
        let link = link_for(&olive, "ada@acme.example");
        let mut ada = Browser::new();
        ada.get(&link).await;
        assert_eq!((ada.status(), ada.path()), (200, "/invitation"));
        assert!(!ada.body().contains(token(&link)));
        ada.sees("You are invited to Acme").sees("Olive Owner invites ada@acme.example").sees("Continue with Acme ID");
        assert!(ada.body().contains("href=\"/sign-in/acme/acme-id\""));
        assert_eq!(ada.cookie("vestibule_invitation").as_deref(), Some(token(&link)));
        let found = standing(&acme, "ada@acme.example", None);
        assert_eq!(state(&acme, &found.id.unwrap()), State::Pending);
    }

    /// An address of no domain of ours: a password where guests are allowed, else somebody to ask.
    async fn a_guest_is_told_how_to_go_on(db: Database) {
        let acme = Acme::alone(db);
        let link = acme.installation.to(&acme.invite("gus@guest.example"));
        let mut gus = Browser::new();
        gus.get(&link).await.sees("the IT desk").does_not_see("set a password");
        let before = acme.now();
        let settings = orgs::Settings { guests: true, ..before.settings.clone() };
        acme.write(|conn, now| orgs::actions::change(conn, now, &Actor::operator(), &before, &settings, before.version));
        gus.get(&link).await.sees("Accept and set a password");
        assert!(gus.body().contains("href=\"/invitation/accept\""));
    }

    /// Each end has its own sentence.
    /// INV-002.
    async fn a_link_that_opens_nothing_says_why(db: Database) {
        let acme = Acme::alone(db);
        let seen = |path: String| {
            let acme = &acme;
            async move {
                let mut ada = Browser::new();
                ada.get(&acme.installation.to(&path)).await;
                (ada.status(), ada.text())
            }
        };
        let (revoked, declined, accepted) =
            (acme.invite("r@acme.example"), acme.invite("d@acme.example"), acme.invite("a@acme.example"));
        let (closed, expired) = (acme.invite("c@acme.example"), acme.invite("e@acme.example"));
        let id = |email: &str| standing(&acme, email, None).id.unwrap();
        revoke(&acme, &[id("r@acme.example")]).unwrap();
        let member = acme.join("a@acme.example", "Ada", Role::Member);
        let (accept, actor) = (id("a@acme.example"), Actor::operator());
        acme.write(|conn, now| Ok(actions::accept(conn, now, &actor, &accept, &member)?));
        acme.write(|conn, now| Ok(actions::close_pending(conn, now, &actor, &acme.organization, "c@acme.example")?));

        let mut dan = Browser::new();
        dan.get(&acme.installation.to(&declined)).await;
        dan.submit("Decline the invitation", &[]).await.sees("You declined this invitation");
        assert_eq!((dan.status(), dan.path()), (410, "/invitation"));
        assert_eq!(standing(&acme, "d@acme.example", None).standing, InvitationStanding::Declined);

        let unknown = seen(format!("/invitation/{}", id::new_token())).await;
        assert_eq!(unknown.0, 404);
        let mut mistyped = vec!["short".to_owned(), format!("{}a", token(&expired)), format!("{}%20", &token(&expired)[1..])];
        mistyped.push(token(&expired).chars().rev().collect());
        for other in mistyped {
            assert_eq!(seen(format!("/invitation/{other}")).await, unknown, "{other}");
        }
        assert_eq!(seen("/invitation".to_owned()).await, unknown);
        for (path, words) in [
            (&revoked, "was taken back"),
            (&declined, "You declined"),
            (&accepted, "has been accepted"),
            (&closed, "is closed"),
        ] {
            let (status, text) = seen(path.clone()).await;
            assert!(status == 410 && text.contains(words), "{status}: {text}");
        }
        assert_eq!(seen(expired.clone()).await.0, 200);
        acme.installation.site.clock.advance(14 * DAY);
        let (status, text) = seen(expired).await;
        assert!(status == 410 && text.contains("has expired") && text.contains("the IT desk"), "{text}");
    }

    /// The denied sign-in that an invitation answers is marked in the same transaction.
    async fn an_invitation_answers_a_denial(db: Database) {
        let provider = crate::support::provider::Provider::start().await;
        let acme = Acme::start(db, provider.issuer(), provider.client_id(), provider.client_secret());
        provider.person("sub-1", "sam@acme.example");
        let mut sam = Browser::new();
        sam.get(&acme.sign_in()).await.sees("Access denied");
        let denial: String = acme.read(|conn| Ok(denials::table.select(denials::id).first(conn)?));
        let mut olive = acme.signed_in(OWNER).await;
        olive.get(&acme.to(&format!("/invitations/new?email=sam%40acme.example&denial={denial}"))).await;
        olive.sees("This answers the denied sign-in of sam@acme.example");
        olive.submit("Review", &[]).await;
        olive.submit("Invite this person", &[]).await.sees("is answered");
        let after = acme.read(|conn| Ok(vestibule::denied::find(conn, &acme.organization, &denial)?.unwrap()));
        assert_eq!(after.state, vestibule::denied::State::Invited);
        sam.get(&acme.sign_in()).await.sees("sam@acme.example");
        assert_eq!((sam.status(), sam.path()), (200, "/orgs/acme"));
    }
}
