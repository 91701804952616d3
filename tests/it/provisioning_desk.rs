//! The directory's tokens, guard and log, and the pages where people look after them.

use vestibule::audit::Actor;
use vestibule::connections;
use vestibule::provisioning::log::Entry;
use vestibule::provisioning::{guard, tokens};
use vestibule::store::time::{DAY, HOUR, MINUTE};

use crate::support::Acme;

fn page(acme: &Acme, rest: &str) -> String {
    acme.to(&format!("/connections/{}/directory{rest}", acme.connection))
}

fn token(acme: &Acme, name: &str, expires: Option<i64>) -> (tokens::Token, String) {
    let connection = acme.connection();
    acme.write(|conn, now| {
        tokens::create(
            conn,
            now,
            &Actor::operator(),
            &connection,
            name,
            expires.map(|time| now + time),
        )
    })
}

/// The token on the page that shows it.
fn shown(page: &str) -> String {
    let start = page.find("vscim_").unwrap();
    page[start..]
        .chars()
        .take_while(|letter| *letter != '"')
        .collect()
}

fn caller(acme: &Acme, secret: &str) -> Option<tokens::Caller> {
    let now = acme.installation.site.now();
    acme.read(|conn| Ok(tokens::find(conn, now, secret)?))
}

fn scim(acme: &Acme, on: bool) {
    let known = acme.connection();
    acme.write(|conn, now| connections::actions::set_scim(conn, now, &Actor::operator(), &known, on));
}

both_databases! {
    /// SCIM-001, SCIM-002, SCIM-007: a token opens its own connection, till it expires or is revoked.
    async fn a_token_opens_its_connection_till_its_end(db: Database) {
        let acme = Acme::alone(db);
        let (old, old_secret) = token(&acme, "okta", None);
        let (_, new_secret) = token(&acme, "okta 2", Some(90 * DAY));
        for secret in [&old_secret, &new_secret] {
            let caller = caller(&acme, secret).unwrap();
            assert_eq!((caller.organization, caller.connection.id), (acme.organization.clone(), acme.connection.clone()));
        }
        for wrong in ["", "vscim_", "okta", &old_secret[..old_secret.len() - 1], &old_secret.to_uppercase(), &format!("{old_secret} ")] {
            assert!(caller(&acme, wrong).is_none(), "{wrong}");
        }
        let connection = acme.connection();
        acme.write(|conn, now| tokens::revoke(conn, now, &Actor::operator(), &connection, &old.id));
        assert!(caller(&acme, &old_secret).is_none() && caller(&acme, &new_secret).is_some());
        acme.installation.site.clock.advance(90 * DAY);
        assert!(caller(&acme, &new_secret).is_none());
    }

    /// SCIM-006: shown once, never again; the table has no secret; the old one is revoked when the new one is used.
    async fn an_owner_makes_and_revokes_tokens(db: Database) {
        let acme = Acme::alone(db);
        scim(&acme, true);
        let mut olive = acme.owner().await;
        olive.get(&page(&acme, "")).await.sees("No token yet");
        assert!(olive.body().contains(&acme.installation.to("/scim/v2")));
        olive.click("New token").await;
        olive.submit("Make the token", &[("name", "")]).await.sees("1 to 60 characters");
        olive.submit("Make the token", &[("name", "okta")]).await.sees("Copy it now").sees("good until");
        let secret = shown(olive.body());
        assert!(caller(&acme, &secret).is_some(), "{secret}");
        olive.click("I have copied it").await.sees("1 token in use").sees("Never");
        assert!(!olive.body().contains(&secret));
        olive.click("New token").await.sees("The tokens in use stay so: okta");
        olive.submit("Make the token", &[("name", "okta")]).await.sees("A token called “okta” is in use");
        olive.get(&page(&acme, "")).await;
        olive.click("Revoke… okta").await.sees("No other token is in use");
        olive.submit("Revoke okta", &[]).await.sees("The token “okta” is revoked").sees("0 tokens in use");
        assert!(caller(&acme, &secret).is_none());
        olive.get(&acme.to("/audit")).await.sees("Made a token for the directory").sees("Revoked a token of the directory");
        assert!(!olive.body().contains(&secret));
    }

    /// SCIM-065: beyond the share (ten at any rate) deactivations wait for an owner; the rest goes on.
    async fn the_guard_pauses_what_is_too_many(db: Database) {
        let acme = Acme::alone(db);
        let (_, secret) = token(&acme, "okta", None);
        let caller = caller(&acme, &secret).unwrap();
        let deactivates = || acme.write(|conn, now| {
            let may = guard::allows_deactivation(conn, now, &caller)?;
            if may { guard::noted(conn, now, &caller)? } else { guard::pause(conn, now, &caller)? }
            Ok(may)
        });
        assert!((0..10).all(|_| deactivates()));
        // An hour later there is room again.
        acme.installation.site.clock.advance(HOUR + MINUTE);
        assert!((0..10).all(|_| deactivates()));
        assert!(!deactivates() && !deactivates());
        acme.installation.site.clock.advance(2 * HOUR);
        assert!(!deactivates(), "a pause does not end by itself");

        let log = &acme.installation.scim_log;
        let refused = Entry { status: 429, person: "Ada@acme.example".into(), decision: "refused: too many deactivations".into(),
            ..Entry::of(&caller, acme.installation.site.now(), "PATCH", "/scim/v2/Users/1") };
        log.add(refused);
        let mut olive = acme.owner().await;
        olive.get(&acme.to("/members")).await.sees("The directory of Acme ID deactivated unusually many people");
        olive.click("See the directory of Acme ID").await.sees("Deactivations are paused");
        olive.click("Look, and decide").await.sees("ada@acme.example").sees("1 refused request");
        olive.submit("Let it deactivate people again", &[]).await.sees("The directory may deactivate people again");
        assert!(!olive.body().contains("unusually many"));
        assert!(deactivates());
        olive.get(&acme.to("/audit")).await.sees("Paused the directory’s deactivations").sees("Let the directory’s deactivations go on");

        olive.get(&page(&acme, "/guard")).await;
        olive.submit("Set the guard", &[("share", "x"), ("least", "2")]).await.sees("Type a whole number");
        olive.submit("Set the guard", &[("share", "0"), ("least", "2")]).await.sees("1 to 100 percent");
        olive.submit("Set the guard", &[("share", "1"), ("least", "2")]).await.sees("The guard is set");
        assert!(deactivates() && !deactivates());
        acme.write(|conn, now| guard::resume(conn, now, &Actor::operator(), &caller.connection));
        acme.write(|conn, now| guard::set(conn, now, &Actor::operator(), &caller.connection, (100, 2)));
        assert!((0..20).all(|_| deactivates()), "a share of 100 is no guard");
    }

    /// What the directory asked is kept for 30 days, without secrets, and is found by person, method and outcome.
    async fn the_log_tells_what_the_directory_asked(db: Database) {
        let acme = Acme::alone(db);
        scim(&acme, true);
        let (_, secret) = token(&acme, "okta", None);
        let caller = caller(&acme, &secret).unwrap();
        let log = &acme.installation.scim_log;
        let at = acme.installation.site.now();
        let add = |method: &str, path: &str, status, person: &str, decision: &str, body: &str| log.add(Entry {
            status, duration_us: 1_234, person: person.into(), decision: decision.into(), body: body.into(),
            ..Entry::of(&caller, at, method, path)
        });
        add("POST", "/scim/v2/Users", 201, "Ada@acme.example", "created", r#"{"userName":"ada@acme.example","password":"t0p"}"#);
        add("PATCH", "/scim/v2/Users/1", 409, "bob_1@acme.example", "refused: the last owner", "");
        add("GET", "/scim/v2/Users?filter=userName%20eq%20%22bobx1%22", 200, "", "", "");
        let mut olive = acme.owner().await;
        olive.get(&page(&acme, "/log")).await.sees("3 requests on this page").sees("created").sees("1.2 ms");
        olive.get(&page(&acme, "/log?person=BOB_1")).await.sees("1 request on this page, about “bob_1”").sees("the last owner");
        olive.get(&page(&acme, "/log?method=POST&outcome=done")).await.sees("1 request on this page");
        olive.get(&page(&acme, "/log?outcome=failed")).await.sees("No request matches");
        olive.get(&page(&acme, "/log?method=POST")).await;
        olive.click("POST /scim/v2/Users").await.sees("(blanked)").sees("What was sent");
        assert!(!olive.body().contains("t0p"));
        let used = acme.read(|conn| Ok(tokens::list(conn, &acme.connection)?))[0].last_used_at;
        assert_eq!(used, Some(at));
        acme.installation.site.clock.advance(31 * DAY);
        let now = acme.installation.site.now();
        assert_eq!(acme.write(|conn, _| Ok(vestibule::provisioning::sweep(conn, now)?)), 3);
    }

    /// SCIM-092: turned off after use, nobody changes, and it is said that nothing is synchronised any longer.
    async fn turned_off_after_use_it_says_so(db: Database) {
        let acme = Acme::alone(db);
        acme.jit(true);
        scim(&acme, true);
        let (_, secret) = token(&acme, "okta", None);
        let caller = caller(&acme, &secret).unwrap();
        acme.installation.scim_log.add(Entry::of(&caller, acme.installation.site.now(), "GET", "/scim/v2/Users"));
        let mut olive = acme.owner().await;
        olive.get(&page(&acme, "")).await.sees("1 token in use");
        assert!(!olive.body().contains("No longer synchronised"));
        olive.click("Turn off… SCIM").await.sees("The directory, and nobody else").sees("Afterwards On Off Groups in a sign-in");
        olive.submit("Turn off SCIM", &[]).await.sees("SCIM is off for Acme ID.").sees("No longer synchronised");
        olive.click("See the directory").await.sees("SCIM was turned off");
    }

    /// Each provider has a page with our address in it.
    async fn each_provider_has_its_page(db: Database) {
        let acme = Acme::alone(db);
        let mut olive = acme.owner().await;
        for provider in ["okta", "entra", "onelogin", "jumpcloud", "google", "other"] {
            olive.get(&page(&acme, &format!("/setup/{provider}"))).await.sees("Set up ").sees("/scim/v2").sees("SCIM is off");
        }
        olive.get(&page(&acme, "/setup/nobody")).await;
        assert_eq!(olive.status(), 404);
    }
}
