//! Many people come back from the provider at the same moment, and somebody changes what they are judged by.

use serde_json::json;
use vestibule::access::{EmailAddress, Role};
use vestibule::audit::Actor;
use vestibule::connections::{self, State};
use vestibule::invitations;
use vestibule::members::{self, Doer};
use vestibule::store::Conn;
use vestibule::web::Problem;

use crate::support::provider::Fault;
use crate::support::{Browser, Directory, Front};

/// How many come at once.
const MANY: usize = 25;

fn address(number: usize) -> String {
    format!("p{number}@acme.example")
}

/// So many browsers at the callback, each with the person that this answers (subject and address).
async fn at_the_callback(front: &Front, who: impl Fn(usize) -> (String, String)) -> Vec<Browser> {
    let mut browsers = Vec::new();
    for number in 0..MANY {
        let (subject, email) = who(number);
        front.provider.person(&subject, &email);
        browsers.push(front.at_the_callback().await);
    }
    browsers
}

/// All of them come back together. Nobody sees a failure of ours.
async fn together(browsers: Vec<Browser>) -> Vec<Browser> {
    let come_back = |mut browser: Browser| {
        actix_web::rt::spawn(async move {
            browser.resume().await;
            browser
        })
    };
    let coming: Vec<_> = browsers.into_iter().map(come_back).collect();
    let mut back = Vec::new();
    for browser in coming {
        back.push(browser.await.unwrap());
    }
    for browser in &back {
        assert!(
            browser.status() < 500,
            "{} {}: {}",
            browser.url(),
            browser.status(),
            browser.text()
        );
    }
    back
}

/// Changes something, in a transaction of Acme's, while people are coming back.
fn meanwhile(
    front: &Front,
    change: impl FnOnce(&mut Conn, i64, &str) -> Result<(), Problem> + Send + 'static,
) -> std::thread::JoinHandle<()> {
    let site = front.acme.installation.site.clone();
    let organization = front.acme.organization.clone();
    std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(60));
        let now = site.now();
        site.store
            .write_in(&organization, |conn| change(conn, now, &organization))
            .unwrap();
    })
}

/// How many sign-ins ended like this.
fn ended(front: &Front, outcome: &str, reason: &str) -> usize {
    let records = front.acme.sign_ins();
    let like_this = records
        .iter()
        .filter(|record| record.outcome == outcome && record.reason == reason);
    like_this.count()
}

/// One record and one audit entry for each, and nobody is two people.
#[track_caller]
fn all_is_well(front: &Front, sign_ins: usize) {
    let sign_ins = i64::try_from(sign_ins).unwrap();
    assert_eq!(front.acme.count("sign_ins"), sign_ins);
    assert_eq!(front.acme.audited_sign_ins(), sign_ins);
    let (accounts, usernames) = (
        front.acme.rows("accounts", "email_key"),
        front.acme.rows("accounts", "username"),
    );
    for mut names in [accounts, usernames] {
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
    }
    let admitted = ended(front, "admitted", "jit") + ended(front, "admitted", "invitation");
    let joined = front.acme.count("audit_events WHERE action = 'member.joined'") - 1;
    assert_eq!(
        i64::try_from(admitted).unwrap(),
        joined,
        "the owner aside, everybody joined once"
    );
}

/// Everything that was decided before the change (an audit entry of this action) ended like this, everything after it
/// like that.
#[track_caller]
fn is_before_or_after(front: &Front, change: &str, before: &str, after: &str) {
    let rows = front.acme.rows("audit_events", "id action after_json");
    let at = rows
        .iter()
        .rposition(|row| row.contains(&format!("action={change} ")))
        .unwrap();
    let told = |rows: &[String], reason: &str| {
        let reason = format!("\"reason\":\"{reason}\"");
        rows.iter()
            .filter(|row| row.contains("action=sign_in.") && row.contains(&reason))
            .count()
    };
    assert_eq!(told(&rows[..at], after), 0, "{after} before {change}");
    assert_eq!(told(&rows[at..], before), 0, "{before} after {change}");
    assert_eq!(told(&rows, before) + told(&rows, after), MANY);
}

both_databases! {
    /// One invitation, many sign-ins: one of them accepts it, the others find a member.
    /// RACE-003.
    async fn an_invitation_is_accepted_once(db: Database) {
        let front = Front::open(db).await;
        front.acme.invite("ada@acme.example");
        // By a few identities, all of the same address.
        let who = |number: usize| (format!("ada-{}", number % 3), "ada@acme.example".to_owned());
        let back = together(at_the_callback(&front, who).await).await;
        assert!(back.iter().all(|browser| browser.status() == 200));
        assert_eq!((ended(&front, "admitted", "invitation"), ended(&front, "admitted", "member")), (1, MANY - 1));
        assert_eq!(front.acme.count("audit_events WHERE action = 'invitation.accepted'"), 1);
        assert_eq!((front.acme.count("members"), front.acme.count("identities")), (2, 3));
        all_is_well(&front, MANY);
    }

    /// One seat, many newcomers: one comes in, the others are told why not.
    /// RACE-001.
    async fn the_last_seat_goes_to_one(db: Database) {
        let front = Front::open_to_newcomers(db).await;
        front.acme.seats(Some(2));
        let who = |number| (format!("sub-{number}"), address(number));
        let back = together(at_the_callback(&front, who).await).await;
        assert_eq!((ended(&front, "admitted", "jit"), ended(&front, "denied", "no_seat")), (1, MANY - 1));
        assert_eq!(front.acme.count("members WHERE state = 'active'"), 2);
        let sessions = back.iter().filter(|browser| browser.cookie("vestibule_session").is_some()).count();
        assert_eq!((sessions, front.acme.count("sessions WHERE account_id IS NOT NULL")), (1, 1));
        assert_eq!(front.acme.count("accounts"), 1 + i64::try_from(MANY).unwrap(), "an account is not access");
        all_is_well(&front, MANY);
    }

    /// One newcomer in many tabs is one person.
    /// RACE-017.
    async fn a_newcomer_in_many_tabs_is_one_person(db: Database) {
        let front = Front::open_to_newcomers(db).await;
        front.acme.seats(Some(2));
        let who = |_| ("ada".to_owned(), "ada@acme.example".to_owned());
        let back = together(at_the_callback(&front, who).await).await;
        assert!(back.iter().all(|browser| browser.status() == 200));
        assert_eq!((ended(&front, "admitted", "jit"), ended(&front, "admitted", "member")), (1, MANY - 1));
        assert_eq!((front.acme.count("accounts"), front.acme.count("identities"), front.acme.count("members")), (2, 1, 2));
        all_is_well(&front, MANY);
    }

    /// One newcomer at the doors of two organizations, which know nothing of each other, is one person.
    /// RACE-017.
    async fn a_newcomer_at_two_organizations_is_one_person(db: Database) {
        let front = Front::open_to_newcomers(db).await;
        let other = front.another_provider().await;
        let beta = front.second_organization("beta", "beta.example", &other);
        for round in 0..4 {
            let email = address(round);
            front.provider.person(&email, &email);
            other.person(&email, &email);
            let new = invitations::New { email: EmailAddress::parse(&email).unwrap(), role: Role::Member, teams: vec![] };
            let sent = front.acme.write(|conn, now| {
                let organization = vestibule::orgs::find(conn, &beta.organization)?.unwrap();
                invitations::actions::invite(conn, now, &Actor::operator(), Role::Owner, &organization, &[new])
            });
            let mut browsers = Vec::new();
            for _ in 0..4 {
                browsers.push(front.at_the_callback().await);
                let mut with_link = Browser::new();
                with_link.get(&front.acme.installation.to(&format!("/invitation/{}", sent[0].token))).await;
                with_link.stop_before("/callback").get(&front.acme.installation.to("/sign-in/beta/beta")).await;
                browsers.push(with_link);
            }
            together(browsers).await;
            let account = format!("accounts WHERE email_key = '{email}'");
            assert_eq!(front.acme.count(&account), 1);
            let members = format!("members WHERE account_id = (SELECT id FROM {account})");
            assert_eq!(front.acme.count(&members), 2, "one at each");
            assert_eq!(front.acme.count(&format!("identities WHERE subject = '{email}'")), 2);
        }
    }

    /// One answer of the provider that arrives many times opens one session, and its code is redeemed once.
    /// RACE-014, OIDC-030.
    async fn an_answer_that_comes_many_times_counts_once(db: Database) {
        let front = Front::open_to_newcomers(db).await;
        front.provider.fault(Fault::CodeReusable);
        let browser = front.at_the_callback().await;
        together(vec![browser; MANY]).await;
        assert_eq!((ended(&front, "admitted", "jit"), ended(&front, "rejected", "state_used")), (1, MANY - 1));
        assert_eq!((front.provider.count("/token"), front.acme.count("sessions")), (1, 1));
        all_is_well(&front, MANY);
    }

    /// Invitations are revoked while their people come in: each is either accepted or revoked.
    /// RACE-004.
    async fn an_invitation_is_accepted_or_revoked(db: Database) {
        let front = Front::open(db).await;
        (0..MANY).for_each(|number| drop(front.acme.invite(&address(number))));
        let who = |number| (format!("sub-{number}"), address(number));
        let browsers = at_the_callback(&front, who).await;
        let (site, organization) = (front.acme.installation.site.clone(), front.acme.organization.clone());
        let ids = front.acme.rows("invitations", "id");
        let revoking = std::thread::spawn(move || {
            for id in ids {
                let (now, id) = (site.now(), id.replace("invitations id=", ""));
                // One that was accepted can't be revoked any more, and says so.
                let _: Result<usize, Problem> = site.store.write_in(&organization, |conn| {
                    invitations::actions::revoke(conn, now, &Actor::operator(), Role::Owner, &organization, &[id])
                });
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
        });
        let back = together(browsers).await;
        revoking.join().unwrap();
        let accepted = front.acme.count("invitations WHERE state = 'accepted'");
        let revoked = front.acme.count("invitations WHERE state = 'revoked'");
        assert_eq!(usize::try_from(accepted + revoked).unwrap(), MANY);
        assert_eq!(i64::try_from(ended(&front, "admitted", "invitation")).unwrap(), accepted);
        assert_eq!(i64::try_from(ended(&front, "denied", "not_invited")).unwrap(), revoked);
        assert_eq!(front.acme.count("members"), 1 + accepted);
        let inside = back.iter().filter(|browser| browser.status() == 200).count();
        assert_eq!(i64::try_from(inside).unwrap(), accepted);
        all_is_well(&front, MANY);
    }

    /// Just-in-time provisioning is turned off while newcomers come in: each comes before that, or after.
    /// RACE-008.
    async fn just_in_time_goes_off_between_two_sign_ins(db: Database) {
        let front = Front::open_to_newcomers(db).await;
        let browsers = at_the_callback(&front, |number| (format!("sub-{number}"), address(number))).await;
        let connection = front.acme.connection();
        let turning = meanwhile(&front, move |conn, now, _| {
            connections::actions::set_jit(conn, now, &Actor::operator(), &connection, false).map(drop)
        });
        together(browsers).await;
        turning.join().unwrap();
        is_before_or_after(&front, "connection.jit_changed", "jit", "not_invited");
        all_is_well(&front, MANY);
    }

    /// A connection is turned off while newcomers come in.
    /// RACE-020.
    async fn a_connection_goes_off_between_two_sign_ins(db: Database) {
        let front = Front::open_to_newcomers(db).await;
        let browsers = at_the_callback(&front, |number| (format!("sub-{number}"), address(number))).await;
        let connection = front.acme.connection();
        let turning = meanwhile(&front, move |conn, now, _| {
            connections::actions::set_state(conn, now, &Actor::operator(), &connection, State::Off).map(drop)
        });
        together(browsers).await;
        turning.join().unwrap();
        is_before_or_after(&front, "connection.state_changed", "jit", "connection_off");
        all_is_well(&front, MANY);
    }

    /// A member is deactivated while they come in by many doors: afterwards they are in by none.
    /// RACE-007.
    async fn a_deactivated_member_is_in_nowhere(db: Database) {
        let front = Front::open_to_newcomers(db).await;
        front.provider.person("ada", "ada@acme.example");
        Browser::new().get(&front.acme.sign_in()).await.sees("ada@acme.example");
        let browsers = at_the_callback(&front, |_| ("ada".to_owned(), "ada@acme.example".to_owned())).await;
        let deactivating = meanwhile(&front, |conn, now, organization| {
            let email = EmailAddress::parse("ada@acme.example").unwrap();
            let account = vestibule::accounts::find_by_email(conn, &email)?.unwrap();
            let member = members::find_by_account(conn, organization, &account.id)?.unwrap();
            let doer = Doer::operator();
            members::actions::deactivate(conn, now, &doer, organization, &member.id, member.version).map(drop)
        });
        let back = together(browsers).await;
        deactivating.join().unwrap();
        assert_eq!(front.acme.count("sessions WHERE account_id IS NOT NULL"), 0);
        for mut browser in back {
            browser.get(&front.acme.installation.to("/account")).await;
            assert_eq!(browser.path(), "/sign-in");
        }
        is_before_or_after(&front, "member.deactivated", "member", "membership_deactivated");
        all_is_well(&front, MANY + 1);
    }

    /// The directory deactivates a member while they come in: once it has its answer, they are in by no door.
    /// RACE-006, SCIM-061.
    async fn the_directory_deactivates_somebody_on_the_way_in(db: Database) {
        let front = Front::open_to_newcomers(db).await;
        let directory = Directory::of(&front.acme);
        let path = format!("/Users/{}", directory.provision("ada@acme.example").await.id());
        let browsers = at_the_callback(&front, |_| ("ada".to_owned(), "ada@acme.example".to_owned())).await;
        let deactivating = actix_web::rt::spawn(async move {
            tokio::task::yield_now().await;
            directory.patch(&path, json!([{"op": "replace", "path": "active", "value": false}])).await.status
        });
        let back = together(browsers).await;
        assert_eq!(deactivating.await.unwrap(), 200);
        assert_eq!(front.acme.count("sessions WHERE account_id IS NOT NULL"), 0);
        for mut browser in back {
            browser.get(&front.acme.installation.to("/account")).await;
            assert_eq!(browser.path(), "/sign-in");
        }
        is_before_or_after(&front, "member.deactivated", "member", "membership_deactivated");
    }

    /// One person comes by every door at once: made by the directory, invited, and let in just in time.
    /// RACE-010.
    async fn one_person_comes_by_every_door(db: Database) {
        let front = Front::open_to_newcomers(db).await;
        let directory = Directory::of(&front.acme);
        front.acme.invite("ada@acme.example");
        let browsers = at_the_callback(&front, |_| ("ada".to_owned(), "ada@acme.example".to_owned())).await;
        let making = actix_web::rt::spawn(async move { directory.provision("ada@acme.example").await.status });
        together(browsers).await;
        assert_eq!(making.await.unwrap(), 201);
        for what in [
            "accounts WHERE email_key = 'ada@acme.example'",
            "identities WHERE subject = 'ada'",
            "members WHERE role = 'member' AND state = 'active'",
            "scim_users",
            "audit_events WHERE action = 'member.joined' AND lower(subject_name) LIKE 'ada%'",
        ] {
            assert_eq!(front.acme.count(what), 1, "{what}");
        }
        assert_eq!(front.acme.count("invitations WHERE state = 'pending'"), 0);
    }

    /// A session may be ended in the moment between its sign-in and its cookie: then the person is asked to sign in, and
    /// sees no failure.
    async fn a_session_can_end_before_it_begins(db: Database) {
        let is_postgres = db.is_postgres();
        let front = Front::open_to_newcomers(db).await;
        front.acme.run(if is_postgres {
            "CREATE FUNCTION ended() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN DELETE FROM sessions WHERE id = NEW.id; RETURN NULL; END $$; \
             CREATE TRIGGER ended AFTER INSERT ON sessions FOR EACH ROW EXECUTE FUNCTION ended();"
        } else {
            "CREATE TRIGGER ended AFTER INSERT ON sessions BEGIN DELETE FROM sessions WHERE id = NEW.id; END;"
        });
        let mut browser = Browser::new();
        browser.get(&front.acme.sign_in()).await;
        assert_eq!((browser.status(), browser.path()), (200, "/sign-in"));
        assert_eq!(ended(&front, "admitted", "jit"), 1);
    }
}
