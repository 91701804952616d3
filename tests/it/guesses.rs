//! Guessing at passwords, from one place and from many: slowed for whoever guesses, and never shut for the person.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use vestibule::access::Role;
use vestibule::store::time::{HOUR, MINUTE, SECOND};

use crate::support::acme::{OWNER, PASSWORD};
use crate::support::caller::Answer;
use crate::support::dump::lines;
use crate::support::provider::Provider;
use crate::support::saml::SamlFront;
use crate::support::{Acme, Browser, Caller, Database, Directory, Installation};

/// Acme behind a proxy that is believed, so that a test can be in many places.
fn behind_a_proxy(db: Database) -> Acme {
    let installation = Installation::start_with(db, |config| {
        config.trusted_proxies = vec!["127.0.0.0/8".into()];
    });
    Acme::start_in(installation, "http://127.0.0.1:9", "vestibule", "secret")
}

/// Somebody who has looked at the door.
async fn visitor(acme: &Acme) -> Caller {
    let mut browser = Browser::new();
    browser.get(&acme.installation.to("/sign-in")).await;
    Caller::at(&browser, "Continue")
}

async fn guess(acme: &Acme, who: &Caller, from: &str, email: &str, password: &str) -> Answer {
    guess_at(
        &acme.installation.to("/sign-in/password"),
        who,
        from,
        email,
        password,
    )
    .await
}

async fn guess_at(url: &str, who: &Caller, from: &str, email: &str, password: &str) -> Answer {
    let form = [
        ("form_token", who.token.as_str()),
        ("email", email),
        ("password", password),
    ];
    let body = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form)
        .finish();
    let headers = [
        ("sec-fetch-site", "same-origin"),
        ("content-type", "application/x-www-form-urlencoded"),
        ("x-forwarded-for", from),
    ];
    who.ask(reqwest::Method::POST, url, &headers, &body).await
}

both_databases! {
    /// From a hundred places at one account: ten are judged. The owner comes in at a browser that the account knows.
    /// LOC-005.
    async fn guesses_from_everywhere_are_slowed(db: Database) {
        let acme = behind_a_proxy(db);
        let mut known = acme.owner().await;
        known.get(&acme.installation.to("/account")).await.submit("Sign out", &[]).await;
        let stranger = visitor(&acme).await;
        let mut judged = 0;
        for place in 0..100 {
            let answer = guess(&acme, &stranger, &format!("198.51.100.{place}"), OWNER, "a wrong password").await;
            match answer.status {
                422 => judged += 1,
                429 => assert!(!answer.header("retry-after").is_empty()),
                other => panic!("{other}: {}", answer.body),
            }
        }
        let counted = lines(&acme.installation.site.config.database_url, "SELECT key || ': ' || failures AS line FROM password_failures");
        assert_eq!(judged, 10, "{counted:#?}");
        // The right password from a strange place has to wait, for a quarter of an hour at the very most.
        assert_eq!(guess(&acme, &stranger, "203.0.113.1", OWNER, PASSWORD).await.status, 429);
        known.get(&acme.installation.to("/sign-in")).await.submit("Continue", &[("email", OWNER)]).await;
        known.submit("Use a password instead", &[]).await.submit("Sign in", &[("password", PASSWORD)]).await;
        assert_eq!(known.path(), "/orgs/acme");
        acme.installation.site.clock.advance(15 * MINUTE + SECOND);
        assert_eq!(guess(&acme, &stranger, "203.0.113.1", OWNER, PASSWORD).await.status, 303);
    }

    /// However the address is written, it is one account; what is counted ends after an hour.
    /// LOC-006.
    async fn spellings_share_a_counter(db: Database) {
        let acme = Acme::alone(db);
        let stranger = visitor(&acme).await;
        for email in ["olive@acme.example", " OLIVE@acme.example", "Olive@ACME.example ", "oLiVe@AcMe.ExAmPlE", OWNER] {
            assert_eq!(guess(&acme, &stranger, "", email, "a wrong password").await.status, 422, "{email}");
        }
        for email in ["olive@acme.example", "OLIVE@ACME.EXAMPLE"] {
            assert_eq!(guess(&acme, &stranger, "", email, PASSWORD).await.status, 429, "{email}");
        }
        acme.installation.site.clock.advance(HOUR + SECOND);
        assert_eq!(guess(&acme, &stranger, "", OWNER, PASSWORD).await.status, 303);
    }

    /// Two hundred guesses at one moment are no more than the five that cost nothing.
    /// LOC-007, RACE-016.
    async fn guesses_at_one_moment_are_all_counted(db: Database) {
        let acme = Acme::alone(db);
        let (stranger, url) = (visitor(&acme).await, acme.installation.to("/sign-in/password"));
        let tries: Vec<_> = (0..200)
            .map(|_| {
                let (url, stranger) = (url.clone(), stranger.clone());
                actix_web::rt::spawn(async move { guess_at(&url, &stranger, "", OWNER, "a wrong password").await.status })
            })
            .collect();
        let mut judged = 0;
        for tried in tries {
            match tried.await.unwrap() {
                422 => judged += 1,
                status => assert_eq!(status, 429),
            }
        }
        assert!(judged <= 5, "{judged} were judged");
    }

    /// One password at many accounts from one place meets the limit of the place, and nobody else does.
    /// LOC-008.
    async fn spraying_meets_the_limit_of_its_place(db: Database) {
        let installation = Installation::start_with(db, |config| {
            config.trusted_proxies = vec!["127.0.0.0/8".into()];
            config.rate_limit = 5;
        });
        let acme = Acme::start_in(installation, "http://127.0.0.1:9", "vestibule", "secret");
        let stranger = visitor(&acme).await;
        let mut judged = 0;
        for number in 0..30 {
            let answer = guess(&acme, &stranger, "198.51.100.1", &format!("p{number}@acme.example"), PASSWORD).await;
            judged += usize::from(answer.status == 422);
        }
        assert_eq!(judged, 15);
        assert_eq!(guess(&acme, &stranger, "198.51.100.1", OWNER, PASSWORD).await.status, 429);
        assert_eq!(guess(&acme, &stranger, "198.51.100.2", OWNER, PASSWORD).await.status, 303);
    }

    /// Whether there is an account, has a password, or is deactivated: the same answer.
    /// LOC-004, OUT-011.
    async fn nobody_learns_who_has_an_account(db: Database) {
        let acme = Acme::alone(db);
        acme.join("gone@acme.example", "Gone", Role::Member);
        let url = &acme.installation.site.config.database_url;
        lines(url, "UPDATE accounts SET state = 'deactivated' WHERE email = 'gone@acme.example' RETURNING id AS line");
        let stranger = visitor(&acme).await;
        let mut answers = Vec::new();
        for (email, password) in [(OWNER, "a wrong password"), ("nobody@acme.example", PASSWORD), ("gone@acme.example", PASSWORD)] {
            let answer = guess(&acme, &stranger, "", email, password).await;
            answers.push((answer.status, answer.body.replace(email, "…")));
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:#?}");
    }

    /// What is longer than any password is not hashed.
    /// LOC-002, LOC-021.
    async fn a_huge_password_is_refused_unread(db: Database) {
        let acme = Acme::alone(db);
        let stranger = visitor(&acme).await;
        for _ in 0..20 {
            assert_eq!(guess(&acme, &stranger, "", OWNER, &"x".repeat(4_096)).await.status, 400);
        }
        assert_eq!(guess(&acme, &stranger, "", OWNER, PASSWORD).await.status, 303);
    }

    /// Three hundred sign in at once: as many are hashed as there are cores, a few wait, the others are told at once to come
    /// again. Pages are answered meanwhile, and a right password opens afterwards.
    /// LOC-021, RES-011.
    async fn many_passwords_at_once_wait_their_turn(db: Database) {
        let installation = Installation::start_with(db, |config| config.rate_limit = 0);
        let acme = std::rc::Rc::new(Acme::start_in(installation, "http://127.0.0.1:9", "vestibule", "secret"));
        let stranger = visitor(&acme).await;
        let many = (0..300).map(|number| {
            let (acme, stranger) = (std::rc::Rc::clone(&acme), stranger.clone());
            actix_web::rt::spawn(async move {
                guess(&acme, &stranger, "", &format!("p{number}@acme.example"), "a wrong password").await.status
            })
        });
        let many: Vec<_> = many.collect();
        for _ in 0..20 {
            assert_eq!(Caller::nobody().get(&acme.installation.to("/sign-in")).await.status, 200);
        }
        let (mut judged, mut refused) = (0, 0);
        for one in many {
            match one.await.unwrap() {
                429 => refused += 1,
                status if status < 500 => judged += 1,
                other => panic!("{other}"),
            }
        }
        println!("of 300 at once {judged} were judged and {refused} told to come again");
        assert!(judged > 0 && refused > 0, "{judged} {refused}");
        assert_eq!(guess(&acme, &stranger, "", OWNER, PASSWORD).await.status, 303);
    }

    /// Unknown tokens of links and of directories are answered 429 in the end; a good one never is.
    /// INV-002.
    async fn wrong_tokens_meet_a_limit(db: Database) {
        let installation = Installation::start_with(db, |config| config.rate_limit = 1);
        let acme = Acme::start_in(installation, "http://127.0.0.1:9", "vestibule", "secret");
        let good = Directory::of(&acme);
        let wrong = Directory::holding(&acme.installation, "nonsense");
        for _ in 0..3 {
            assert_eq!(wrong.get("/Users").await.status, 401);
        }
        let told = wrong.get("/Users").await;
        assert_eq!((told.status, told.header("retry-after").is_empty()), (429, false));
        assert_eq!(good.get("/Users").await.status, 200);
        let stranger = Caller::with_cookies(&format!("vestibule_invitation={}", "x".repeat(43)));
        let page = acme.installation.to("/invitation");
        for expected in [404, 404, 404, 429] {
            assert_eq!(stranger.get(&page).await.status, expected);
        }
        let invited = acme.invite("ivan@acme.example");
        let token = invited.rsplit('/').next().unwrap();
        assert_eq!(Caller::with_cookies(&format!("vestibule_invitation={token}")).get(&page).await.status, 200);
    }

    /// A person who is denied again and again meets the limit of starts. Fifty who are denied one after the other at one
    /// address do not, even at a thirtieth of the usual limit; and whoever comes in is not counted.
    /// DEC-035, RES-009.
    async fn who_is_denied_again_and_again_meets_a_limit(db: Database) {
        let provider = Provider::start().await;
        let installation = Installation::start_with(db, |config| config.rate_limit = 2);
        let acme = Acme::start_in(installation, provider.issuer(), provider.client_id(), provider.client_secret());
        acme.invite("ada@acme.example");
        let come = async |name: &str| {
            provider.person(&format!("sub-{name}"), &format!("{name}@acme.example"));
            let mut browser = Browser::new();
            browser.get(&acme.sign_in()).await;
            browser.status()
        };
        for number in 0..50 {
            assert_eq!(come(&format!("p{number}")).await, 403, "{number}");
        }
        for _ in 0..70 {
            assert_eq!(come("ada").await, 200);
        }
        for _ in 0..10 {
            assert_eq!(come("bob").await, 403);
        }
        assert_eq!((come("bob").await, acme.count("sign_ins WHERE outcome = 'denied'")), (429, 60));
        acme.installation.site.clock.advance(MINUTE);
        assert_eq!((come("bob").await, come("ada").await), (403, 200));
    }

    /// A response that was taken and is played again meets the same limit.
    /// SAML-045, RES-009.
    async fn a_response_that_is_played_again_meets_a_limit(db: Database) {
        let front = SamlFront::open_to_newcomers(db);
        let (mut mary, asked) = front.at_the_provider().await;
        let xml = front.about(&asked, "mary@acme.example").xml(&front.key);
        front.bring(&mut mary, &xml, &asked.relay_state).await;
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("SAMLResponse", &STANDARD.encode(&xml))
            .finish();
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let mut last = 0;
        for _ in 0..200 {
            last = Caller::nobody().ask(reqwest::Method::POST, &front.acs(), &headers, &form).await.status;
        }
        assert_eq!((last, front.acme.count("sign_ins WHERE reason = 'replay'")), (429, 180));
    }

    /// Sign-ins that are started and never finished meet a limit; those that come back do not.
    /// DEC-035, RES-009.
    async fn started_sign_ins_meet_a_limit(db: Database) {
        let provider = Provider::start().await;
        let installation = Installation::start_with(db, |config| config.rate_limit = 1);
        let acme = Acme::start_in(installation, provider.issuer(), provider.client_id(), provider.client_secret());
        acme.jit(true);
        for number in 0..40 {
            provider.person(&format!("sub-{number}"), &format!("p{number}@acme.example"));
            let mut browser = Browser::new();
            browser.get(&acme.sign_in()).await;
            assert_eq!(browser.path(), "/orgs/acme", "{number}");
        }
        let nobody = Caller::nobody();
        for _ in 0..30 {
            assert_eq!(nobody.get(&acme.sign_in()).await.status, 303);
        }
        assert_eq!(nobody.get(&acme.sign_in()).await.status, 429);
        acme.installation.site.clock.advance(MINUTE);
        assert_eq!(nobody.get(&acme.sign_in()).await.status, 303);
    }
}
