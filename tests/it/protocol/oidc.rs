//! OpenID Connect against a provider that does wrong, and against browsers that come back in odd ways.

use std::time::{Duration, Instant};

use vestibule::store::time::{HOUR, MINUTE, SECOND};

use super::Before;
use crate::support::provider::{Fault, Provider};
use crate::support::{Browser, Database, Front};

/// Everything that a provider says and must not say, after so long that nothing of it is remembered.
fn faults() -> Vec<(Fault, i64, &'static [u16])> {
    let of = |faults: Vec<Fault>, wait: i64, allowed: &'static [u16]| {
        faults.into_iter().map(move |fault| (fault, wait, allowed))
    };
    let of_the_answer = vec![
        Fault::StateMissing,
        Fault::StateWrong,
        Fault::StateTwice,
        Fault::CodeMissing,
        Fault::CodeTwice,
        Fault::AnswerInFragment,
        Fault::IdTokenInQuery,
    ];
    let of_the_issuer = vec![Fault::IssParameterWrong, Fault::IssParameterMissing];
    let of_discovery = vec![
        Fault::Discovery404,
        Fault::DiscoveryHtml,
        Fault::DiscoveryHuge,
        Fault::DiscoveryRedirect,
        Fault::DiscoveryIssuerMismatch,
        Fault::DiscoveryIssuerTrailingSlash,
        Fault::DiscoveryPrivateEndpoints,
        Fault::DiscoveryWithoutTokenEndpoint,
    ];
    let of_another_person = vec![Fault::UserinfoOtherSub, Fault::UserinfoWithoutSub];
    let of_userinfo = vec![
        Fault::UserinfoHtml,
        Fault::UserinfoSigned,
        Fault::Userinfo500,
        Fault::UserinfoHuge,
    ];
    of(Fault::in_the_id_token(), 0, &[400, 403])
        .chain(of(Fault::in_the_token_answer(), 0, &[403, 502]))
        .chain(of(Fault::in_the_email(), 0, &[403]))
        .chain(of(of_the_answer, 0, &[400]))
        .chain(of(of_the_issuer, 0, &[403]))
        .chain(of(of_another_person, 0, &[403]))
        .chain(of(of_userinfo, 0, &[502]))
        .chain(of(Fault::in_the_keys(), 25 * HOUR, &[403, 502]))
        .chain(of(of_discovery, 25 * HOUR, &[502]))
        .collect()
}

both_databases! {
    /// Nobody comes in by a message that is not genuine, though just-in-time provisioning would admit anybody.
    /// OIDC-007 to OIDC-012, OIDC-014 to OIDC-021, OIDC-023, OIDC-031, OIDC-035, OIDC-036, OIDC-038, OIDC-040 to OIDC-043, OIDC-049, OIDC-050.
    async fn what_a_provider_must_not_say_is_rejected(db: Database) {
        let front = Front::open_to_newcomers(db).await;
        front.provider.person("sub-1", "nora@acme.example");
        let mut browser = Browser::new();
        for (fault, wait, allowed) in faults() {
            let what = format!("{fault:?}");
            front.later(wait);
            front.provider.honest().fault(fault.clone());
            if what.starts_with("Userinfo") {
                front.provider.fault(Fault::ClaimsOnlyAtUserinfo);
            }
            let before = Before::of(&front.acme);
            browser.forget_cookies();
            browser.get(&front.acme.sign_in()).await;
            before.stays_outside(&front.acme, &browser, &what);
            assert!(allowed.contains(&browser.status()), "{what}: {}", browser.status());
        }
        assert_eq!(front.provider.count("/attacker"), 0, "keys were fetched from where a token said");
        front.provider.honest();
        browser.get(&front.acme.sign_in()).await.sees("nora@acme.example");
    }
}

both_databases! {
    /// Oddities of honest providers keep nobody out.
    /// OIDC-013, OIDC-018, OIDC-037, OIDC-039, OIDC-047, DEC-032.
    async fn what_is_only_odd_comes_in(db: Database) {
        let front = Front::open_to_newcomers(db).await;
        let faults = Fault::not_really();
        let others = [Fault::Es256, Fault::Ps256, Fault::EdDsa];
        let mut browser = Browser::new();
        for (number, fault) in faults.into_iter().chain(others).enumerate() {
            let (what, email) = (format!("{fault:?}"), format!("p{number}@acme.example"));
            front.later(2 * HOUR);
            front.provider.honest().fault(fault).person(&format!("sub-{number}"), &email);
            let before = Before::of(&front.acme);
            browser.forget_cookies();
            browser.get(&(front.acme.sign_in() + "?return_to=/account")).await;
            let records = front.acme.sign_ins();
            let record = records.last().unwrap();
            assert_eq!((record.outcome.as_str(), record.reason.as_str()), ("admitted", "jit"), "{what}: {record:?}");
            assert_eq!(records.len(), before.records + 1, "{what}");
            assert_eq!(front.acme.audited_sign_ins(), before.audited + 1, "{what}");
            browser.sees(&email);
            assert!(!browser.body().contains("<script>alert"), "{what}");
        }
    }

    /// An answer is taken from the browser in which the sign-in was started, and from no other: nobody is signed in
    /// as somebody else by a link.
    /// OIDC-003, OIDC-006.
    async fn an_answer_belongs_to_one_browser(db: Database) {
        let front = Front::open_to_newcomers(db).await;
        let mut mallory = front.at_the_callback().await;
        let link = mallory.held().unwrap().to_string();
        let with_a_sign_in_of_their_own = front.at_the_callback().await;
        for mut victim in [Browser::new(), with_a_sign_in_of_their_own] {
            let before = Before::of(&front.acme);
            victim.get(&link).await.sees("lost track of this sign-in");
            let record = before.stays_outside(&front.acme, &victim, "a link of somebody else");
            assert_eq!(record.reason, "state_of_another_browser");
        }
        assert_eq!(front.provider.count("/token"), 0);
        mallory.resume().await.sees("ada@acme.example");
    }

    /// The back button after a sign-in says what is the matter, asks the provider nothing and leaves the session alone.
    /// OIDC-003, OIDC-029.
    async fn an_answer_counts_once(db: Database) {
        let front = Front::open_to_newcomers(db).await;
        let mut browser = front.at_the_callback().await;
        let link = browser.held().unwrap().to_string();
        browser.resume().await.sees("ada@acme.example");
        front.provider.forget();
        let before = Before::of(&front.acme);
        browser.get(&link).await.sees("finished already");
        assert_eq!(before.is_rejected(&front.acme, &browser, "an answer twice").reason, "state_used");
        assert_eq!((browser.status(), front.provider.requests().len()), (400, 0));
        browser.get("/account").await.sees("ada@acme.example");

        front.acme.jit(false);
        front.provider.person("sub-2", "sam@acme.example");
        let mut denied = front.at_the_callback().await;
        let link = denied.held().unwrap().to_string();
        denied.resume().await.sees("Access denied");
        denied.get(&link).await.sees("finished already");
    }

    /// Ten minutes at the provider, and no longer.
    /// OIDC-005.
    async fn an_answer_comes_within_ten_minutes(db: Database) {
        let front = Front::open_to_newcomers(db).await;
        let (mut early, mut late) = (front.at_the_callback().await, front.at_the_callback().await);
        front.later(10 * MINUTE - SECOND);
        early.resume().await.sees("ada@acme.example");
        front.later(SECOND);
        front.provider.forget();
        let before = Before::of(&front.acme);
        late.resume().await.sees("took too long");
        assert_eq!(before.stays_outside(&front.acme, &late, "late").reason, "state_expired");
        assert_eq!((late.status(), front.provider.requests().len()), (400, 0));
        late.click("Start again").await.sees("ada@acme.example");
    }

    /// Two tabs of one browser sign in at once, and come back in either order.
    /// OIDC-004.
    async fn two_tabs_sign_in_at_once(db: Database) {
        let front = Front::open_to_newcomers(db).await;
        for reversed in [false, true] {
            let mut first = front.at_the_callback().await;
            let mut second = first.new_tab();
            second.get(&front.acme.sign_in()).await;
            if reversed {
                std::mem::swap(&mut first, &mut second);
            }
            first.resume().await.sees("ada@acme.example");
            second.resume().await.sees("ada@acme.example");
            first.get("/account").await.sees("ada@acme.example");
        }
        assert_eq!(front.acme.count("sessions WHERE account_id IS NOT NULL"), 2, "one for each browser");
    }

    /// A provider that forwards people to another one gets nothing of what they bring back.
    /// OIDC-024.
    async fn two_providers_are_not_mixed_up(db: Database) {
        let front = Front::open_to_newcomers(db).await;
        let attacker = front.another_provider().await;
        let other = front.connect("evil", &attacker).id;
        let authorize = format!("{}/authorize", front.provider.issuer());
        attacker.fault(Fault::ForwardTo(authorize, front.provider.client_id().to_owned()));

        let start = front.acme.installation.to("/sign-in/acme/evil");
        let before = Before::of(&front.acme);
        let mut browser = Browser::new();
        browser.get(&start).await;
        let record = before.stays_outside(&front.acme, &browser, "forwarded");
        assert_eq!((record.reason.as_str(), attacker.count("/token")), ("response_issuer", 0));

        browser.stop_before("/callback").get(&start).await;
        let elsewhere = browser.held().unwrap().to_string().replace(&other, &front.acme.connection);
        let before = Before::of(&front.acme);
        browser.get(&elsewhere).await;
        let record = before.stays_outside(&front.acme, &browser, "at another address");
        assert_eq!(record.reason, "state_of_another_connection");
        assert_eq!((attacker.count("/token"), front.provider.count("/token")), (0, 0));
    }

    /// A redirect of the token request is not followed: the secret goes nowhere else.
    /// OIDC-032, NET-005.
    async fn the_secret_is_not_carried_along(db: Database) {
        let front = Front::open_to_newcomers(db).await;
        let thief = Provider::start().await;
        front.provider.fault(Fault::Token307(format!("{}/token", thief.issuer())));
        let before = Before::of(&front.acme);
        let mut browser = Browser::new();
        browser.get(&front.acme.sign_in()).await;
        before.stays_outside(&front.acme, &browser, "a redirect");
        assert_eq!((browser.status(), thief.requests().len()), (502, 0));
    }

    /// The provider's own words are for administrators; the person reads ours.
    /// OIDC-025.
    async fn a_refusal_is_told_in_plain_words(db: Database) {
        let front = Front::open_to_newcomers(db).await;
        let words = "<b>bold</b>\r\nSet-Cookie: evil=1";
        front.provider.fault(Fault::Refuses("access_denied", words));
        let mut browser = front.at_the_callback().await;
        let link = browser.held().unwrap().to_string();
        let before = Before::of(&front.acme);
        browser.resume().await.sees("did not sign you in");
        let record = before.stays_outside(&front.acme, &browser, "refused");
        assert_eq!((browser.status(), record.reason.as_str()), (403, "provider_refused"));
        assert!(record.detail.contains("<b>bold</b>Set-Cookie"), "{}", record.detail);
        assert!(!browser.body().contains("bold"), "{}", browser.body());
        assert!(browser.cookie("evil").is_none());
        assert_eq!(front.provider.count("/token"), 0);
        browser.get(&link).await.sees("finished already");
    }

    /// Whoever signs in in a browser where somebody else is signed in takes their place, under another key.
    /// OIDC-028, SES-002.
    async fn a_new_sign_in_replaces_the_session(db: Database) {
        let front = Front::open_to_newcomers(db).await;
        let mut browser = Browser::new();
        browser.get(&front.acme.sign_in()).await.sees("ada@acme.example");
        let old = browser.cookie("vestibule_session").unwrap();
        front.provider.person("sub-2", "bob@acme.example");
        browser.get(&front.acme.sign_in()).await.sees("bob@acme.example").does_not_see("ada@acme.example");
        assert_ne!(browser.cookie("vestibule_session").unwrap(), old);
        assert_eq!(front.acme.count("sessions"), 1);
        let mut thief = Browser::new();
        thief.get(&front.acme.installation.to("/sign-in")).await.set_cookie("vestibule_session", &old);
        thief.get("/account").await;
        assert_eq!(thief.path(), "/sign-in");
    }

    /// However many tokens name unknown keys, the keys are fetched again once a minute.
    /// OIDC-010, OIDC-011.
    async fn unknown_keys_cost_the_provider_one_request(db: Database) {
        let front = Front::open_to_newcomers(db).await;
        let mut browser = Browser::new();
        browser.get(&front.acme.sign_in()).await.sees("ada@acme.example");
        front.provider.forget().fault(Fault::UnknownKid);
        for _ in 0..50 {
            browser.get(&front.acme.sign_in()).await.sees("Sign-in did not work");
        }
        let asked = |path| front.provider.count(path);
        assert_eq!((asked("/jwks"), asked("/.well-known/openid-configuration")), (1, 0));
        front.later(MINUTE);
        browser.get(&front.acme.sign_in()).await.sees("Sign-in did not work");
        assert_eq!(asked("/jwks"), 2);
    }

    /// Keys at another address than before are believed once an owner has confirmed it, who sees what the provider says now.
    /// OIDC-043.
    async fn keys_that_move_are_confirmed_by_an_owner(db: Database) {
        let front = Front::open_to_newcomers(db).await;
        let acme = &front.acme;
        let confirmed = || acme.lines("SELECT confirmed_jwks_uri AS line FROM connections").remove(0);
        let moved = || acme.count("connections WHERE keys_moved_at IS NOT NULL");
        let mut browser = Browser::new();
        browser.get(&acme.sign_in()).await.sees("ada@acme.example");
        assert_eq!(confirmed(), format!("{}/jwks", front.provider.issuer()));
        front.provider.fault(Fault::DiscoveryOtherJwksUri);
        front.later(HOUR + MINUTE);
        let before = Before::of(acme);
        let mut browser = Browser::new();
        browser.get(&acme.sign_in()).await;
        assert_eq!(before.stays_outside(acme, &browser, "moved").reason, "discovery_changed");
        browser.sees("an owner of the organization has to confirm it");

        let page = acme.to(&format!("/connections/{}/provider-keys", acme.connection));
        let mut olive = acme.owner().await;
        olive.get(&acme.to("")).await.sees("its provider publishes its keys at another address");
        olive.get(&acme.to(&format!("/connections/{}", acme.connection))).await.sees("Nobody comes in since");
        olive.get(&page).await.sees("The address has changed").sees("/other-jwks").sees("1 key can be used there");
        let mut late = olive.new_tab();
        olive.submit("Confirm this address", &[]).await.sees("keys is confirmed");
        late.submit("Confirm this address", &[]).await.sees("Nothing was confirmed");
        assert_eq!((late.status(), confirmed()), (409, format!("{}/other-jwks", front.provider.issuer())));
        olive.get(&page).await.does_not_see("Confirm this address");
        assert_eq!((acme.count("audit_events WHERE action = 'connection.keys_confirmed'"), moved()), (1, 0));
        browser.get(&acme.sign_in()).await.sees("ada@acme.example");
        // Back again is another move.
        front.provider.honest();
        front.later(HOUR + MINUTE);
        browser.get(&acme.sign_in()).await.sees("Sign-in did not work");
        assert_eq!(moved(), 1);
        // Nobody has come since, and they are where they were confirmed to be: an owner says so.
        front.provider.fault(Fault::DiscoveryOtherJwksUri);
        front.later(HOUR + MINUTE);
        let mut olive = acme.owner().await;
        olive.get(&page).await.sees("had moved, and are where they were confirmed to be again");
        olive.submit("Confirm this address", &[]).await.sees("keys is confirmed");
        assert_eq!(moved(), 0);
        front.provider.honest();
        front.later(HOUR + MINUTE);
        browser.get(&acme.sign_in()).await.sees("Sign-in did not work");
        assert_eq!(moved(), 1);
        // An owner confirmed by way of another server what this one does not remember yet: it looks again.
        front.provider.fault(Fault::DiscoveryOtherJwksUri);
        front.later(HOUR + MINUTE);
        browser.get(&acme.sign_in()).await.sees("ada@acme.example");
        assert_eq!(moved(), 0, "they are where they were confirmed to be");
        front.provider.honest();
        front.later(2 * MINUTE);
        acme.run("UPDATE connections SET confirmed_jwks_uri = REPLACE(confirmed_jwks_uri, '/other-jwks', '/jwks')");
        browser.get(&acme.sign_in()).await.sees("ada@acme.example");
    }

    /// Keys may change under our feet, and be out of reach for a day.
    /// OIDC-044, OIDC-045, FLT-009.
    async fn keys_change_and_are_out_of_reach(db: Database) {
        let front = Front::open_to_newcomers(db).await;
        let mut browser = Browser::new();
        let enters = async |browser: &mut Browser| {
            browser.get(&front.acme.sign_in()).await;
            browser.status() == 200
        };
        assert!(enters(&mut browser).await);
        front.provider.fault(Fault::KeyRotated);
        assert!(enters(&mut browser).await, "a new key");
        front.provider.honest();
        assert!(!enters(&mut browser).await, "a key that was taken back");
        front.later(MINUTE);
        assert!(enters(&mut browser).await, "the old key once more");

        front.provider.fault(Fault::JwksDown);
        front.later(23 * HOUR);
        assert!(enters(&mut browser).await, "the keys of yesterday");
        front.later(HOUR);
        assert!(!enters(&mut browser).await, "keys that are too old");
        assert_eq!(browser.status(), 502);
    }

    /// After signing in a person comes to a page of ours, whatever the link said.
    /// OUT-006.
    async fn nobody_is_sent_elsewhere_afterwards(db: Database) {
        let front = Front::open_to_newcomers(db).await;
        let mut browser = Browser::new();
        let ours = url::Url::parse(&front.acme.installation.url).unwrap();
        let theirs = url::Url::parse(front.provider.issuer()).unwrap();
        for evil in [
            "https://evil.example/", "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example",
            "https:evil.example", "javascript:alert(1)", "data:text/html,x", "/%0d%0aLocation:%20https://evil.example",
            "@evil.example", ".evil.example", "/..//evil.example", "/./\\evil.example", " //evil.example",
        ] {
            let to: String = url::form_urlencoded::byte_serialize(evil.as_bytes()).collect();
            browser.get(&format!("{}?return_to={to}", front.acme.sign_in())).await;
            let authorities = [ours.authority(), theirs.authority()];
            assert!(browser.visited().iter().all(|url| authorities.contains(&url.authority())), "{evil}");
            assert_eq!(browser.url().authority(), ours.authority(), "{evil}");
        }
        browser.get(&format!("{}?return_to=/account%3Fa%3D1", front.acme.sign_in())).await;
        assert_eq!((browser.path(), browser.url().query()), ("/account", Some("a=1")));
    }

    /// What goes out is what the standards want, fresh each time; what comes back is not kept.
    /// OIDC-001, OIDC-002, OIDC-056.
    async fn a_sign_in_asks_for_what_it_needs(db: Database) {
        let front = Front::open_to_newcomers(db).await;
        let mut browser = Browser::new();
        browser.stop_before("/authorize").get(&front.acme.sign_in()).await;
        let cookie = browser.header("set-cookie").unwrap();
        for attribute in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=600"] {
            assert!(cookie.contains(attribute), "{cookie}");
        }
        browser.resume().await.sees("ada@acme.example");
        assert!(browser.url().query().is_none());
        let first = front.provider.last("/authorize").unwrap();
        Browser::new().get(&front.acme.sign_in()).await;
        let second = front.provider.last("/authorize").unwrap();
        for (name, value) in [
            ("response_type", "code"), ("code_challenge_method", "S256"), ("client_id", "vestibule"),
            ("scope", "openid email profile"), ("redirect_uri", &front.acme.callback()),
        ] {
            assert_eq!(first.parameter(name), Some(value), "{name}");
        }
        for name in ["state", "nonce", "code_challenge"] {
            let (one, other) = (first.parameter(name).unwrap(), second.parameter(name).unwrap());
            assert!(one.len() >= 43 && one != other, "{name}: {one} {other}");
        }
        let token = front.provider.last("/token").unwrap();
        assert!(token.basic().is_some() && token.field("code_verifier").unwrap().len() >= 43);
        for attempt in front.acme.rows("attempts", "nonce verifier") {
            assert_eq!(attempt, "attempts nonce= verifier=");
        }
    }

    /// A code comes in the address and nowhere else: a form that is posted to the callback is no answer.
    /// OIDC-026, SES-012.
    async fn an_answer_is_not_posted(db: Database) {
        let front = Front::open_to_newcomers(db).await;
        front.provider.fault(Fault::AnswerByPost);
        let mut browser = Browser::new();
        browser.get(&front.acme.sign_in()).await;
        let people = front.acme.people();
        browser.submit("Continue", &[]).await;
        assert!((400..500).contains(&browser.status()), "{}", browser.status());
        assert_eq!((front.acme.people(), front.provider.count("/token")), (people, 0));
    }
}

/// A provider that is slow or away costs a person ten seconds at most, and who is in stays in.
/// OIDC-031, FLT-008, NET-008.
#[actix_web::test]
async fn a_provider_that_does_not_answer_gets_a_plain_page() {
    let front = Front::open_to_newcomers(Database::sqlite()).await;
    let long = Duration::from_mins(1);
    let four = Duration::from_secs(4);
    let cases = vec![
        vec![Fault::DiscoverySlow(long)],
        vec![Fault::TokenSlow(long)],
        vec![Fault::TokenTrickle],
        vec![Fault::JwksSlow(long)],
        vec![Fault::UserinfoSlow(long), Fault::ClaimsOnlyAtUserinfo],
        vec![
            Fault::TokenSlow(four),
            Fault::JwksSlow(four),
            Fault::UserinfoSlow(four),
            Fault::ClaimsOnlyAtUserinfo,
        ],
    ];
    let mut waiting = Vec::new();
    for (number, faults) in cases.into_iter().enumerate() {
        let provider = front.another_provider().await;
        let slug = format!("slow-{number}");
        front.connect(&slug, &provider);
        for fault in &faults {
            provider.fault(fault.clone());
        }
        let start = front.acme.installation.to(&format!("/sign-in/acme/{slug}"));
        waiting.push(actix_web::rt::spawn(async move {
            let mut browser = Browser::new();
            let began = Instant::now();
            browser.get(&start).await.sees("does not answer properly");
            let took = began.elapsed();
            assert!(took < Duration::from_millis(10_900), "{faults:?}: {took:?}");
            assert_eq!(browser.status(), 504, "{faults:?}");
            drop(provider);
        }));
    }
    let mut ada = Browser::new();
    ada.get(&front.acme.sign_in()).await.sees("ada@acme.example");
    for one in waiting {
        one.await.unwrap();
    }
    front.provider.stop().await;
    front.later(25 * HOUR);
    let before = Before::of(&front.acme);
    let mut bob = Browser::new();
    bob.get(&front.acme.sign_in())
        .await
        .sees("does not answer properly");
    before.stays_outside(&front.acme, &bob, "down");
    assert_eq!(bob.status(), 502);
}
