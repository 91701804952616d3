//! The rules of entry at the front door: browser, provider and database together.

mod covering;

use vestibule::access::{EmailAddress, Role};
use vestibule::audit::Actor;
use vestibule::connections::{self, State};
use vestibule::invitations;
use vestibule::members::{self, Doer};
use vestibule::orgs;
use vestibule::store::time::{DAY, SECOND};

use crate::support::provider::{Fault, Person};
use crate::support::{Browser, Front};

const LET_IN: &str = "admitted";
const DENIED: &str = "denied";

/// The outcome, the reason and the detail of the last sign-in.
fn last(front: &Front) -> (String, String, String) {
    let record = front.acme.sign_ins().pop().unwrap();
    (record.outcome, record.reason, record.detail)
}

/// Fails unless the last sign-in ended like this, and the browser shows it.
#[track_caller]
fn ended(front: &Front, browser: &Browser, outcome: &str, reason: &str) {
    let (found, why, _) = last(front);
    assert_eq!(
        (found.as_str(), why.as_str()),
        (outcome, reason),
        "{}",
        browser.text()
    );
    assert_eq!(browser.status(), if outcome == LET_IN { 200 } else { 403 });
}

/// Invites an address into another organization than Acme; answers the link's path.
fn invite_into(front: &Front, organization: &str, email: &str) -> String {
    let new = invitations::New {
        email: EmailAddress::parse(email).unwrap(),
        role: Role::Member,
        teams: vec![],
    };
    let sent = front.acme.write(|conn, now| {
        let organization = orgs::find(conn, organization)?.unwrap();
        invitations::actions::invite(conn, now, &Actor::operator(), Role::Owner, &organization, &[new])
    });
    format!("/invitation/{}", sent[0].token)
}

/// What an administrator does to a member.
#[derive(Clone, Copy)]
enum Act {
    Deactivate,
    Reactivate,
    Remove,
}

fn act(front: &Front, act: Act, email: &str) {
    let organization = &front.acme.organization;
    front.acme.write(|conn, now| {
        let (email, doer) = (EmailAddress::parse(email).unwrap(), Doer::operator());
        let account = vestibule::accounts::find_by_email(conn, &email)?.unwrap();
        let member = members::find_by_account(conn, organization, &account.id)?.unwrap();
        let (id, version) = (&member.id, member.version);
        match act {
            Act::Deactivate => members::actions::deactivate(conn, now, &doer, organization, id, version),
            Act::Reactivate => members::actions::reactivate(conn, now, &doer, organization, id, version),
            Act::Remove => members::actions::remove(conn, now, &doer, organization, id, version),
        }
    });
}

fn revoke_all(front: &Front) {
    let ids: Vec<_> = front
        .acme
        .rows("invitations", "id")
        .iter()
        .map(|row| row.replace("invitations id=", ""))
        .collect();
    let organization = &front.acme.organization;
    front.acme.write(|conn, now| {
        invitations::actions::revoke(conn, now, &Actor::operator(), Role::Owner, organization, &ids)
    });
}

fn turn(front: &Front, state: State) {
    let connection = front.acme.connection();
    front.acme.write(|conn, now| {
        connections::actions::set_state(conn, now, &Actor::operator(), &connection, state)
    });
}

both_databases! {
    /// If a sign-in can't be recorded, nothing has happened, and it is no answer but “later”.
    /// DEC-004, DEC-034, FLT-006.
    async fn nothing_happens_without_a_record(db: Database) {
        let is_postgres = db.is_postgres();
        let front = Front::open(db).await;
        front.acme.invite("ada@acme.example");
        for table in ["sign_ins", "audit_events"] {
            // Somebody who would come in, somebody who would be denied, and a message that would be rejected.
            for (email, fault) in [
                ("ada@acme.example", None), ("sam@acme.example", None), ("ada@acme.example", Some(Fault::NonceWrong)),
            ] {
                front.provider.honest().person(email, email);
                if let Some(fault) = fault {
                    front.provider.fault(fault);
                }
                let mut browser = front.at_the_callback().await;
                let before = (front.acme.people(), front.acme.sign_ins(), front.acme.rows("audit_events", "id"));
                front.acme.refuse_rows_of(table, is_postgres);
                browser.resume().await.sees("Try again in a moment");
                front.acme.take_rows_again(is_postgres);
                assert_eq!(browser.status(), 503, "{table} {email}");
                assert!(browser.cookie("vestibule_session").is_none());
                let after = (front.acme.people(), front.acme.sign_ins(), front.acme.rows("audit_events", "id"));
                assert_eq!(before, after, "{table} {email}");
                assert_eq!(front.acme.count("denials"), 0);
            }
        }
        front.provider.honest().person("ada", "ada@acme.example");
        let mut browser = Browser::new();
        browser.get(&front.acme.sign_in()).await.sees("ada@acme.example");
        ended(&front, &browser, LET_IN, "invitation");
    }

    /// An invitation is for one address, whatever its letters' case, and for none that only looks like it.
    /// DEC-008, DEC-009, INV-015.
    async fn an_address_is_itself_and_no_other(db: Database) {
        let front = Front::open(db).await;
        front.acme.invite("ada@acme.example");
        let mut browser = Browser::new();
        for (number, stranger) in [
            "\u{430}da@acme.example", "\u{ff41}da@acme.example", "ada@\u{430}cme.example", "ada+x@acme.example",
            "a.da@acme.example", "ada@acme.example.", "ada@acme.example ", " ada@acme.example", "ada@acme.example\u{a0}",
            "ada@acme.example\n", "ada@acme.example\0", "ada\0@acme.example", "ada@\u{200b}acme.example", "\u{feff}ada@acme.example",
            "Ada <ada@acme.example>", "ada@acme.example,eve@acme.example", "ada@acme.example/eve", "ada@[127.0.0.1]", "ada@acme",
            "ada%40acme.example", "\"ada\"@acme.example", "ada(x)@acme.example", "",
        ].into_iter().enumerate() {
            front.provider.be(Person::new(&format!("sub-{number}"), stranger).named("A", "B"));
            let members = front.acme.rows("members", "id state version");
            browser.forget_cookies();
            browser.get(&front.acme.sign_in()).await;
            assert_eq!(browser.status(), 403, "{stranger:?}: {}", browser.text());
            assert!(browser.cookie("vestibule_session").is_none(), "{stranger:?}");
            assert_eq!(front.acme.rows("members", "id state version"), members, "{stranger:?}");
            assert_eq!(front.acme.count("invitations WHERE state = 'pending'"), 1, "{stranger:?}");
        }
        front.provider.person("sub-ada", "ADA@Acme.Example");
        browser.get(&front.acme.sign_in()).await;
        ended(&front, &browser, LET_IN, "invitation");
    }

    /// A verified domain covers exactly itself.
    /// DEC-010, DEC-011.
    async fn a_domain_is_itself_and_no_other(db: Database) {
        let front = Front::open_to_newcomers(db).await;
        front.verify("bücher.example");
        let mut browser = Browser::new();
        for (number, (address, comes_in)) in [
            ("x@evilacme.example", false), ("x@acme.example.evil.net", false), ("x@sub.acme.example", false),
            ("x@acme.example@evil.net", false), ("\"x@acme.example\"@evil.net", false), ("x@evil.net#@acme.example", false),
            ("x@example", false), ("x@b\u{fc}che\u{433}.example", false), ("x@bucher.example", false),
            ("x@acme.example", true), ("x@bücher.example", true), ("y@xn--bcher-kva.example", true), ("z@BÜCHER.example", true),
        ].into_iter().enumerate() {
            front.provider.be(Person::new(&format!("sub-{number}"), address).named("A", "B"));
            browser.forget_cookies();
            browser.get(&front.acme.sign_in()).await;
            assert_eq!(browser.status(), if comes_in { 200 } else { 403 }, "{address}: {}", browser.text());
            assert_eq!(browser.cookie("vestibule_session").is_some(), comes_in, "{address}");
        }
    }

    /// Where the domain does not prove an address, the invitation's link does: in the browser that carries it, for the
    /// address that it was sent to.
    /// DEC-013, DEC-038, INV-020.
    async fn a_link_proves_the_mailbox(db: Database) {
        let front = Front::open(db).await;
        let to = |path: &str| front.acme.installation.to(path);
        let link = front.acme.invite("guest@home.example");
        front.provider.be(Person::new("guest", "Guest@home.example").verified(Some(false)));

        let mut without = Browser::new();
        without.get(&front.acme.sign_in()).await;
        ended(&front, &without, DENIED, "domain_not_verified");
        assert_eq!(front.acme.count("accounts WHERE email_key = 'guest@home.example'"), 0);

        let mut browser = Browser::new();
        browser.get(&to(&link)).await;
        browser.get(&front.acme.sign_in()).await.sees("Guest@home.example");
        ended(&front, &browser, LET_IN, "invitation");
        assert!(browser.cookie("vestibule_invitation").is_none(), "the link has served");

        without.get(&front.acme.sign_in()).await;
        ended(&front, &without, LET_IN, "member");

        // A link of somebody else's proves nothing, and stays open.
        let link = front.acme.invite("carol@home.example");
        let mut browser = Browser::new();
        browser.get(&to(&link)).await;
        for (subject, email, reason, detail) in [
            ("bob", "bob@acme.example", "not_invited", "invitation_for_another_address"),
            ("eve", "eve@home.example", "domain_not_verified", ""),
        ] {
            front.provider.person(subject, email);
            browser.get(&front.acme.sign_in()).await;
            ended(&front, &browser, DENIED, reason);
            assert_eq!(last(&front).2, detail);
        }
        assert_eq!(front.acme.count("invitations WHERE state = 'pending'"), 1);

        // Nor does an old one, once a fresh one was sent.
        let organization = front.acme.now();
        let id = front.acme.rows("invitations", "state id").pop().unwrap().replace("invitations state=pending id=", "");
        let sent = front.acme.write(|conn, now| {
            invitations::actions::resend(conn, now, &Actor::operator(), Role::Owner, &organization, &[id])
        });
        front.provider.person("carol", "carol@home.example");
        browser.get(&front.acme.sign_in()).await;
        ended(&front, &browser, DENIED, "domain_not_verified");
        browser.get(&to(&format!("/invitation/{}", sent[0].token))).await;
        browser.get(&front.acme.sign_in()).await;
        ended(&front, &browser, LET_IN, "invitation");
    }

    /// An invitation ends at its moment, judged when it is used.
    /// DEC-014.
    async fn an_invitation_ends_at_its_moment(db: Database) {
        let front = Front::open(db).await;
        front.acme.invite("ada@acme.example");
        front.acme.invite("bob@acme.example");
        front.later(front.acme.now().settings.invitation_days * DAY - SECOND);
        let mut browser = Browser::new();
        front.provider.person("ada", "ada@acme.example");
        browser.get(&front.acme.sign_in()).await;
        ended(&front, &browser, LET_IN, "invitation");
        front.later(SECOND);
        front.provider.person("bob", "bob@acme.example");
        browser.get(&front.acme.sign_in()).await;
        ended(&front, &browser, DENIED, "not_invited");
        assert_eq!(last(&front).2, "invitation_expired");
    }

    /// Deactivated and removed people stay out, also with just-in-time provisioning on, until somebody lets them in.
    /// DEC-018, DEC-019, DEC-020.
    async fn whoever_was_put_out_stays_out(db: Database) {
        let front = Front::open_to_newcomers(db).await;
        let mut browser = Browser::new();
        let account = front.acme.installation.to("/account");
        front.provider.person("ada", "ada@acme.example");
        browser.get(&front.acme.sign_in()).await;
        ended(&front, &browser, LET_IN, "jit");

        act(&front, Act::Deactivate, "ada@acme.example");
        browser.get(&account).await;
        assert_eq!(browser.path(), "/sign-in", "the session has ended");
        browser.get(&front.acme.sign_in()).await;
        ended(&front, &browser, DENIED, "membership_deactivated");

        act(&front, Act::Reactivate, "ada@acme.example");
        browser.get(&front.acme.sign_in()).await;
        ended(&front, &browser, LET_IN, "member");

        act(&front, Act::Remove, "ada@acme.example");
        browser.get(&account).await;
        assert_eq!(browser.path(), "/sign-in", "the session has ended");
        browser.get(&front.acme.sign_in()).await;
        ended(&front, &browser, DENIED, "removed");

        front.acme.invite("ada@acme.example");
        browser.get(&front.acme.sign_in()).await;
        ended(&front, &browser, LET_IN, "invitation");

        front.acme.run("UPDATE accounts SET state = 'deactivated' WHERE email_key = 'ada@acme.example'");
        front.provider.be(Person::new("ada", "ada@acme.example").named("Another", "Name"));
        browser.get(&account).await;
        assert_eq!(browser.path(), "/sign-in", "a deactivated account acts nowhere");
        browser.get(&front.acme.sign_in()).await;
        ended(&front, &browser, DENIED, "account_deactivated");
        assert_eq!(front.acme.count("accounts WHERE full_name = 'Another Name'"), 0);
    }

    /// Another organization's provider says nothing about Acme's people, though it gives the same names.
    /// DEC-012, DEC-021, DEC-039.
    async fn organizations_do_not_answer_for_each_other(db: Database) {
        let front = Front::open(db).await;
        let evil = front.another_provider().await;
        let beta = front.second_organization("beta", "beta.example", &evil);
        let at_beta = front.acme.installation.to("/sign-in/beta/beta");
        front.acme.invite("ada@acme.example");
        front.provider.person("sub-1", "ada@acme.example");
        let mut ada = Browser::new();
        ada.get(&front.acme.sign_in()).await;
        ended(&front, &ada, LET_IN, "invitation");

        let before = front.acme.people();
        evil.person("sub-1", "ada@acme.example");
        let mut mallory = Browser::new();
        mallory.get(&at_beta).await;
        ended(&front, &mallory, DENIED, "domain_of_another_organization");
        assert_eq!(front.acme.people(), before);

        // Beta's invitation lets nobody into Acme, and stays.
        let link = invite_into(&front, &beta.organization, "ada@acme.example");
        front.provider.person("sub-2", "carla@acme.example");
        invite_into(&front, &beta.organization, "carla@acme.example");
        let mut carla = Browser::new();
        carla.get(&front.acme.sign_in()).await;
        ended(&front, &carla, DENIED, "not_invited");
        mallory.get(&at_beta).await;
        ended(&front, &mallory, DENIED, "domain_of_another_organization");
        assert_eq!(front.acme.count("invitations WHERE state = 'pending'"), 2);

        // Whoever has Ada's link comes into Beta, and from there not into Acme.
        mallory.get(&front.acme.installation.to(&link)).await;
        mallory.get(&at_beta).await;
        ended(&front, &mallory, LET_IN, "invitation");
        mallory.get(&front.acme.installation.to("/account")).await.sees("beta");
        assert_eq!(mallory.text().matches("last seen").count(), 1, "Ada's own browser is not Beta's to know");
        assert!(!mallory.body().contains("/orgs/acme"), "nor is told where else Ada is");
        mallory.get(&front.acme.to("")).await;
        assert_eq!(mallory.path(), "/sign-in");
        ada.get(&front.acme.to("")).await;
        assert_eq!(ada.path(), "/orgs/acme");
    }

    /// A person is known by the provider's name for them: another address of theirs does not make them somebody else.
    /// DEC-022, DEC-023, DEC-040.
    async fn a_linked_person_stays_the_same(db: Database) {
        let front = Front::open_to_newcomers(db).await;
        front.provider.person("ada", "ada@acme.example").next(Person::new("bob", "bob@acme.example"));
        let mut bob = Browser::new();
        bob.get(&front.acme.sign_in()).await.sees("bob@acme.example");
        let mut ada = Browser::new();
        ada.get(&front.acme.sign_in()).await.sees("ada@acme.example");
        front.acme.jit(false);
        for address in ["bob@acme.example", "ada@elsewhere.example", "olive@acme.example"] {
            let account = front.acme.rows("accounts", "id email email_key username");
            front.provider.person("ada", address);
            ada.get(&front.acme.sign_in()).await.sees("ada@acme.example");
            ended(&front, &ada, LET_IN, "member");
            assert_eq!(front.acme.rows("accounts", "id email email_key username"), account, "{address}");
        }
        front.provider.person("ada", "ada@acme.example").fault(Fault::EmailMissing);
        ada.get(&front.acme.sign_in()).await;
        ended(&front, &ada, LET_IN, "member");
        front.provider.person("nobody", "nobody@acme.example");
        ada.get(&front.acme.sign_in()).await;
        ended(&front, &ada, DENIED, "domain_not_verified");
    }

    /// What is true when the person comes back counts, not what was true when they left.
    /// DEC-006, DEC-026, DEC-027.
    async fn what_changes_meanwhile_counts(db: Database) {
        let front = Front::open_to_newcomers(db).await;
        let (as_left, email) = (front.acme.people(), "ada@acme.example");

        // Just-in-time provisioning is turned off, and on.
        let mut browser = front.at_the_callback().await;
        front.acme.jit(false);
        browser.resume().await;
        ended(&front, &browser, DENIED, "not_invited");
        let mut browser = front.at_the_callback().await;
        front.acme.jit(true);

        // The connection is turned off, or the organization.
        turn(&front, State::Off);
        browser.resume().await.sees("turned off");
        ended(&front, &browser, "rejected", "connection_off");
        browser.get(&front.acme.sign_in()).await;
        assert_eq!(browser.status(), 403, "nor does anybody start");
        turn(&front, State::On);
        let mut browser = front.at_the_callback().await;
        front.acme.run("UPDATE organizations SET state = 'off'");
        browser.resume().await;
        ended(&front, &browser, "rejected", "connection_off");
        front.acme.run("UPDATE organizations SET state = 'on'");

        // The last seat is taken.
        let mut browser = front.at_the_callback().await;
        front.acme.seats(Some(1));
        browser.resume().await;
        ended(&front, &browser, DENIED, "no_seat");
        front.acme.seats(None);
        assert!(browser.cookie("vestibule_session").is_none());
        let members = |people: &[String]| people.iter().filter(|row| row.starts_with("members")).count();
        assert_eq!(members(&front.acme.people()), members(&as_left));

        // An invitation is revoked, and another one made.
        front.acme.jit(false);
        front.acme.invite(email);
        let mut browser = front.at_the_callback().await;
        revoke_all(&front);
        browser.resume().await;
        ended(&front, &browser, DENIED, "not_invited");
        assert_eq!(last(&front).2, "invitation_revoked");
        let mut browser = front.at_the_callback().await;
        front.acme.invite(email);
        browser.resume().await;
        ended(&front, &browser, LET_IN, "invitation");

        // The member is deactivated.
        let mut browser = front.at_the_callback().await;
        act(&front, Act::Deactivate, email);
        browser.resume().await;
        ended(&front, &browser, DENIED, "membership_deactivated");
        assert_eq!(front.acme.count("sessions WHERE account_id IS NOT NULL"), 0);
    }
}
