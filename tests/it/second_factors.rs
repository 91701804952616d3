//! Authenticator apps, recovery codes and passkeys: adding, signing in, showing that it is still oneself, removing.

use serde_json::Value;
use totp_rs::{Algorithm, Builder, Secret};
use vestibule::access::Role;
use vestibule::config::PublicUrl;
use vestibule::session::PROOF_LASTS;
use vestibule::store::time::{MINUTE, SECOND};

use crate::support::acme::{OWNER, PASSWORD};
use crate::support::authenticator::Authenticator;
use crate::support::dump::lines;
use crate::support::{Acme, Browser, Database, Installation};

const COOKIE: &str = "vestibule_session";
const MAX: &str = "max@acme.example";
/// How long a code is good.
const STEP: i64 = 30 * SECOND;

impl Acme {
    /// Acme at a host that has a name, as passkeys want it.
    fn named(db: Database) -> Self {
        let mut installation = Installation::start_with(db, |config| {
            let origin = config.public_url.origin().replace("127.0.0.1", "localhost");
            config.public_url = PublicUrl::parse(&origin).unwrap();
        });
        installation.url = installation.site.config.public_url.origin().to_owned();
        Self::start_in(installation, "http://127.0.0.1:9", "vestibule", "secret")
    }

    fn at(&self, path: &str) -> String {
        self.installation.to(path)
    }

    fn sql(&self, query: &str) -> Vec<String> {
        lines(&self.installation.site.config.database_url, query)
    }

    fn wait(&self, milliseconds: i64) {
        self.installation.site.clock.advance(milliseconds);
    }

    /// The code of this key now.
    fn code(&self, key: &str) -> String {
        let totp = Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_digits(6)
            .with_step_duration(30)
            .with_secret(Secret::try_from_base32(key.replace(' ', "")).unwrap())
            .build()
            .unwrap();
        let seconds = self.installation.site.now() / SECOND;
        totp.generate(seconds.try_into().unwrap()).to_string()
    }

    /// Adds an app; answers its key and the recovery codes.
    async fn add_app(&self, browser: &mut Browser) -> (String, Vec<String>) {
        browser.get(&self.at("/account/app")).await;
        let key = codes(browser.body()).remove(0);
        browser
            .submit("Add the app", &[("code", &self.code(&key))])
            .await
            .sees("Keep these recovery codes");
        let recovery = codes(browser.body());
        self.wait(STEP);
        (key, recovery)
    }

    /// A browser that has typed the right password and is asked for more.
    async fn halfway(&self, email: &str) -> Browser {
        let mut browser = Browser::new();
        browser
            .get(&self.at("/sign-in"))
            .await
            .submit("Continue", &[("email", email)])
            .await;
        if browser.body().contains("Use a password instead") {
            browser.submit("Use a password instead", &[]).await;
        }
        browser
            .submit("Sign in", &[("password", PASSWORD)])
            .await
            .sees("One more step");
        assert!(browser.cookie(COOKIE).is_none());
        browser
    }

    /// Adds this authenticator's passkey.
    async fn add_passkey(&self, browser: &mut Browser, device: &mut Authenticator, name: &str) {
        let page = self.at("/account/passkeys");
        browser.get(&page).await;
        let options = asked(browser, "Add a passkey", &self.at("/account/passkeys/ask")).await;
        let answer = device.make(&options);
        browser
            .get(&page)
            .await
            .submit("Add a passkey", &[("name", name), ("answer", &answer)])
            .await;
        browser.sees(&format!("“{name}” is added."));
    }

    fn device(&self) -> Authenticator {
        Authenticator::at(self.installation.site.config.public_url.origin())
    }
}

/// What stands in `<code>` on a page.
fn codes(page: &str) -> Vec<String> {
    let parts = page.split("<code>").skip(1);
    parts
        .map(|part| part.split("</code>").next().unwrap().to_owned())
        .collect()
}

/// The question that this button's form asks for.
async fn asked(browser: &mut Browser, button: &str, at: &str) -> Value {
    let fields = browser.fields(button);
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    browser.post(at, &fields).await;
    assert_eq!(browser.status(), 200, "{}", browser.text());
    serde_json::from_str(browser.body()).unwrap()
}

both_databases! {
    /// The password alone opens no session any more; the code does, once.
    async fn a_code_is_asked_for_after_the_password(db: Database) {
        let acme = Acme::alone(db);
        let (mut owner, mut elsewhere) = (acme.owner().await, acme.owner().await);
        let (key, recovery) = acme.add_app(&mut owner).await;
        assert_eq!(recovery.len(), 10);
        assert_eq!(elsewhere.get(&acme.at("/account")).await.path(), "/sign-in");
        assert_eq!(owner.get(&acme.at("/account")).await.status(), 200);
        owner.sees("Asked for a code since").sees("10 were not used yet.");

        let mut one = acme.halfway(OWNER).await;
        assert_eq!(one.get(&acme.to("/members")).await.path(), "/sign-in");
        let code = acme.code(&key);
        one.get(&acme.at("/sign-in/second")).await.submit("Sign in", &[("code", &code)]).await;
        assert_eq!(one.path(), "/orgs/acme");
        // The same code again, though its time is not over.
        let mut two = acme.halfway(OWNER).await;
        two.submit("Sign in", &[("code", &code)]).await.sees("was used before");
        acme.wait(STEP);
        two.submit("Sign in", &[("code", &acme.code(&key))]).await;
        assert_eq!(two.path(), "/orgs/acme");
        two.get(&acme.to("/audit")).await.sees("Came in by password");
        for kept in acme.sql("SELECT seed_sealed AS line FROM totp_seeds") {
            assert!(!kept.contains(&key.replace(' ', "")), "{kept}");
        }
        for kept in acme.sql("SELECT code_hash AS line FROM recovery_codes") {
            assert!(kept.len() == 64 && !recovery.contains(&kept), "{kept}");
        }
    }

    /// Of many at once with one code one comes in.
    /// LOC-009, RACE-015.
    async fn one_code_lets_one_in(db: Database) {
        let acme = Acme::alone(db);
        let (key, _) = acme.add_app(&mut acme.owner().await).await;
        let mut browsers = Vec::new();
        for _ in 0..8 {
            browsers.push(acme.halfway(OWNER).await);
        }
        let before = acme.sql("SELECT id AS line FROM sessions").len();
        let code = acme.code(&key);
        let tries = browsers.into_iter().map(|mut browser| {
            let code = code.clone();
            actix_web::rt::spawn(async move { browser.submit("Sign in", &[("code", &code)]).await.path().to_owned() })
        });
        let mut inside = 0;
        for tried in tries.collect::<Vec<_>>() {
            inside += usize::from(tried.await.unwrap() == "/orgs/acme");
        }
        assert_eq!((inside, acme.sql("SELECT id AS line FROM sessions").len() - before), (1, 1));
    }

    /// Five wrong codes, and it begins with the password again; what is counted is the account's, whatever the session.
    /// LOC-010.
    async fn codes_can_not_be_guessed(db: Database) {
        let acme = Acme::alone(db);
        let (key, _) = acme.add_app(&mut acme.owner().await).await;
        let mut thief = acme.halfway(OWNER).await;
        for typed in ["0", "000000", "12345", "not a code", "１２３４５６"] {
            thief.submit("Sign in", &[("code", typed)]).await.sees("This code is not right");
        }
        let page = thief.new_tab();
        assert_eq!(thief.submit("Sign in", &[("code", &acme.code(&key))]).await.status(), 429);
        let mut again = acme.halfway(OWNER).await;
        assert_eq!(again.submit("Sign in", &[("code", &acme.code(&key))]).await.status(), 429);
        acme.wait(2 * SECOND);
        let mut thief = page;
        thief.submit("Sign in", &[("code", &acme.code(&key))]).await.sees("Sign in again from the beginning");
        assert!(thief.cookie(COOKIE).is_none());
        acme.wait(5 * SECOND);
        let mut owner = acme.halfway(OWNER).await;
        owner.submit("Sign in", &[("code", &acme.code(&key))]).await;
        assert_eq!(owner.path(), "/orgs/acme");
    }

    /// A recovery code stands in for the app once; new ones end the old.
    /// LOC-014, RACE-015.
    async fn recovery_codes_count_once(db: Database) {
        let acme = Acme::alone(db);
        let mut owner = acme.owner().await;
        let (_, recovery) = acme.add_app(&mut owner).await;
        let mut one = acme.halfway(OWNER).await;
        one.submit("Sign in", &[("code", &recovery[0].to_uppercase())]).await;
        assert_eq!(one.path(), "/orgs/acme");
        one.get(&acme.at("/account")).await.sees("9 were not used yet.");
        let mut two = acme.halfway(OWNER).await;
        two.submit("Sign in", &[("code", &recovery[0])]).await.sees("This code is not right");
        one.get(&acme.at("/account/recovery-codes")).await.submit("Make ten new codes", &[]).await.sees("Keep these");
        let fresh = codes(one.body());
        two.submit("Sign in", &[("code", &recovery[1])]).await.sees("This code is not right");
        two.submit("Sign in", &[("code", &fresh[0])]).await;
        assert_eq!(two.path(), "/orgs/acme");
    }

    /// The second step can't be had without the first, nor with somebody else's.
    /// LOC-011.
    async fn no_step_can_be_left_out(db: Database) {
        let acme = Acme::alone(db);
        acme.join(MAX, "Max", Role::Member);
        let (key, _) = acme.add_app(&mut acme.owner().await).await;
        let (_max, _) = acme.add_app(&mut acme.signed_in(MAX).await).await;
        let mut nobody = Browser::new();
        nobody.get(&acme.at("/sign-in/second")).await;
        assert_eq!(nobody.path(), "/sign-in");
        // Max's password, the owner's code.
        let mut max = acme.halfway(MAX).await;
        max.submit("Sign in", &[("code", &acme.code(&key))]).await.sees("This code is not right");
        // A password changed or an account deactivated meanwhile, and too long a wait.
        let mut late = acme.halfway(OWNER).await;
        acme.wait(10 * MINUTE);
        late.submit("Sign in", &[("code", &acme.code(&key))]).await.sees("Sign in again from the beginning");
        let mut gone = acme.halfway(OWNER).await;
        acme.sql("UPDATE accounts SET state = 'deactivated' WHERE email = 'olive@acme.example' RETURNING id AS line");
        gone.submit("Sign in", &[("code", &acme.code(&key))]).await.sees("Sign in again from the beginning");
        assert!(gone.cookie(COOKIE).is_none());
    }

    /// Adding asks for a proof first, and takes only the key that this page offered to this person.
    /// LOC-013.
    async fn adding_wants_a_proof_and_the_offered_key(db: Database) {
        let acme = Acme::alone(db);
        acme.join(MAX, "Max", Role::Member);
        let (mut owner, mut max) = (acme.owner().await, acme.signed_in(MAX).await);
        owner.get(&acme.at("/account/app")).await;
        let (key, sealed) = (codes(owner.body()).remove(0), owner.fields("Add the app"));
        let sealed = &sealed.iter().find(|(name, _)| name == "key").unwrap().1;
        max.get(&acme.at("/account/app")).await;
        max.submit("Add the app", &[("key", sealed), ("code", &acme.code(&key))]).await;
        assert_eq!(max.status(), 400);
        owner.submit("Add the app", &[("code", "000000")]).await.sees("not the code that the app shows now");
        assert_eq!(owner.status(), 422);
        acme.wait(PROOF_LASTS + SECOND);
        owner.submit("Add the app", &[("code", &acme.code(&key))]).await.sees("Is it still you?");
        assert!(acme.sql("SELECT account_id AS line FROM totp_seeds").is_empty());
        owner.submit("Go on", &[("password", PASSWORD)]).await.sees("Send it now?");
        // The code that was kept is too old by now; the page comes back with the same key.
        owner.submit("Send it", &[]).await;
        assert!(owner.body().contains(&key) || owner.body().contains("Keep these"), "{}", owner.text());
    }

    /// A removed app asks nobody, and the question “Is it still you?” takes a code.
    async fn an_app_proves_and_is_removed(db: Database) {
        let acme = Acme::alone(db);
        let mut owner = acme.owner().await;
        let (key, _) = acme.add_app(&mut owner).await;
        acme.wait(PROOF_LASTS);
        owner.get(&acme.at("/account/app/remove")).await.submit("Go on with the code", &[("code", &acme.code(&key))]).await;
        owner.submit("Remove the app", &[]).await.sees("The app is not asked any more.").sees("Nothing yet");
        acme.owner().await;
        assert!(acme.sql("SELECT code_hash AS line FROM recovery_codes").is_empty());
    }

    /// A passkey signs in without address and password, and is the second factor after a password.
    /// LOC-012.
    async fn a_passkey_opens_the_door(db: Database) {
        let acme = Acme::named(db);
        let (mut owner, mut device) = (acme.owner().await, acme.device());
        acme.add_passkey(&mut owner, &mut device, "Blue key").await;
        assert_eq!(codes(owner.body()).len(), 10);

        let mut one = Browser::new();
        let ask = acme.at("/sign-in/passkey/ask");
        one.get(&acme.at("/sign-in?return_to=/account")).await;
        let page = one.new_tab();
        let options = asked(&mut one, "Use a passkey", &ask).await;
        assert!(options["publicKey"]["allowCredentials"].as_array().is_none_or(Vec::is_empty), "{options}");
        let answer = device.sign(&options);
        let mut one = page;
        one.submit("Use a passkey", &[("answer", &answer)]).await;
        assert_eq!(one.path(), "/account");
        one.get(&acme.to("/audit")).await.sees("Signed in by passkey");
        one.get(&acme.at("/account/passkeys")).await.sees("Blue key").sees("used last");

        let mut two = acme.halfway(OWNER).await;
        let page = two.new_tab();
        let options = asked(&mut two, "Use a passkey", &ask).await;
        assert_eq!(options["publicKey"]["allowCredentials"].as_array().unwrap().len(), 1);
        let answer = device.sign(&options);
        let mut two = page;
        two.submit("Use a passkey", &[("answer", &answer)]).await;
        assert_eq!(two.path(), "/orgs/acme");

        acme.wait(PROOF_LASTS + SECOND);
        let page = acme.at("/account/passkeys");
        two.get(&page).await.sees("Is it still you?");
        let again = two.new_tab();
        let options = asked(&mut two, "Use a passkey", &acme.at("/still-you/passkey")).await;
        let answer = device.sign(&options);
        let mut two = again;
        two.submit("Use a passkey", &[("answer", &answer)]).await.sees("Your passkeys");
        two.click("Remove Blue key …").await.submit("Remove the passkey", &[]).await.sees("You have none yet.");
    }

    /// What an authenticator gets wrong, or a thief would send, opens nothing (`WebAuthn` §7.2).
    /// LOC-012.
    async fn a_wrong_answer_opens_nothing(db: Database) {
        let acme = Acme::named(db);
        let (mut owner, mut device) = (acme.owner().await, acme.device());
        acme.add_passkey(&mut owner, &mut device, "Blue key").await;
        acme.join(MAX, "Max", Role::Member);
        let mut theirs = acme.device();
        acme.add_passkey(&mut acme.signed_in(MAX).await, &mut theirs, "Max’s").await;
        let ask = acme.at("/sign-in/passkey/ask");
        let here = acme.installation.site.config.public_url.origin().to_owned();

        let mut last = String::new();
        for case in ["origin", "host", "unverified", "absent", "cross", "counter", "replay", "other question", "nonsense", "late"] {
            let mut browser = Browser::new();
            browser.get(&acme.at("/sign-in")).await;
            let page = browser.new_tab();
            let options = asked(&mut browser, "Use a passkey", &ask).await;
            let counter = device.counter;
            match case {
                "origin" => device.origin = "https://evil.example".into(),
                "host" => device.host = "evil.example".into(),
                "unverified" => device.flags = 0b0000_0001,
                "absent" => device.flags = 0,
                "cross" => device.cross_origin = true,
                "counter" => device.counter = 1,
                _ => {}
            }
            let answer = match case {
                "replay" => last.clone(),
                "nonsense" => "{\"id\": 7}".to_owned(),
                "other question" => {
                    let mut other = Browser::new();
                    other.get(&acme.at("/sign-in")).await;
                    device.sign(&asked(&mut other, "Use a passkey", &ask).await)
                }
                _ => device.sign(&options),
            };
            if case == "late" {
                acme.wait(6 * MINUTE);
            }
            (device.origin, device.host, device.flags, device.cross_origin) = (here.clone(), "localhost".into(), 0b0000_0101, false);
            device.counter = counter + 1;
            let mut browser = page;
            browser.submit("Use a passkey", &[("answer", &answer)]).await;
            assert!(browser.cookie(COOKIE).is_none(), "{case}: {}", browser.text());
            assert_eq!(browser.path(), "/sign-in", "{case}");
            // The right answer once, so that there is one to send again.
            if case == "counter" {
                browser.get(&acme.at("/sign-in")).await;
                let page = browser.new_tab();
                last = device.sign(&asked(&mut browser, "Use a passkey", &ask).await);
                let mut browser = page;
                browser.submit("Use a passkey", &[("answer", &last)]).await;
                assert_eq!(browser.path(), "/orgs/acme");
            }
        }
        assert_eq!(acme.sql("SELECT action AS line FROM audit_events WHERE action = 'account.passkey_suspected'").len(), 1);
        // After the owner's password Max's passkey is none.
        let mut halfway = acme.halfway(OWNER).await;
        let page = halfway.new_tab();
        let options = asked(&mut halfway, "Use a passkey", &ask).await;
        let answer = theirs.sign(&options);
        let mut halfway = page;
        halfway.submit("Use a passkey", &[("answer", &answer)]).await;
        assert!(halfway.cookie(COOKIE).is_none());
    }

    /// Ten and no more; the same device not twice as another person's.
    /// LOC-013.
    async fn there_are_ten_passkeys_at_most(db: Database) {
        let acme = Acme::named(db);
        let mut owner = acme.owner().await;
        for number in 0..10 {
            acme.add_passkey(&mut owner, &mut acme.device(), &format!("Key {number}")).await;
        }
        owner.get(&acme.at("/account/passkeys")).await.sees("more are not kept");
        owner.get(&acme.at("/account")).await;
        let token = owner.fields("Sign out").remove(0).1;
        owner.post(&acme.at("/account/passkeys/ask"), &[("form_token", &token)]).await;
        assert_eq!(owner.status(), 409);
    }
}
