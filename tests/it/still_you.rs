//! “Is it still you?”: sensitive acts want a proof of the last five minutes, and lose nothing that was typed.

use serde_json::json;
use vestibule::access::Role;
use vestibule::session::PROOF_LASTS;
use vestibule::store::time::{MINUTE, SECOND};

use crate::support::acme::PASSWORD;
use crate::support::dump::lines;
use crate::support::provider::Provider;
use crate::support::provider::{Fault, Person};
use crate::support::{Acme, Browser, Caller};

const COOKIE: &str = "vestibule_session";

impl Acme {
    /// Time passes until nobody's proof counts any more.
    fn grow_stale(&self) {
        self.installation.site.clock.advance(PROOF_LASTS + SECOND);
    }

    fn connection_page(&self, rest: &str) -> String {
        self.to(&format!("/connections/{}{rest}", self.connection))
    }

    fn tokens(&self) -> usize {
        lines(
            &self.installation.site.config.database_url,
            "SELECT id AS line FROM scim_tokens",
        )
        .len()
    }
}

both_databases! {
    /// A page asks first, and leads on once the person has shown that it is them. The session has another key then.
    /// SES-020.
    async fn a_sensitive_page_asks_after_five_minutes(db: Database) {
        let acme = Acme::alone(db);
        let edit = acme.connection_page("/edit");
        let mut owner = acme.owner().await;
        acme.installation.site.clock.advance(PROOF_LASTS);
        assert_eq!(owner.get(&edit).await.url().as_str(), edit);
        acme.installation.site.clock.advance(SECOND);
        owner.get(&edit).await.sees("Is it still you?");
        assert_eq!(owner.get(&acme.connection_page("")).await.status(), 200);
        let old = owner.cookie(COOKIE).unwrap();
        owner.get(&edit).await.submit("Go on", &[("password", PASSWORD)]).await;
        assert_eq!(owner.url().as_str(), edit);
        assert_ne!(owner.cookie(COOKIE).unwrap(), old);
        let thief = Caller::with_cookies(&format!("{COOKIE}={old}"));
        assert_eq!(thief.get(&acme.installation.to("/account")).await.status, 303);
        owner.get(&acme.to("/audit")).await.sees("Showed again that it is them");
    }

    /// A form that comes too late does nothing yet, and is sent again as it was typed.
    /// SES-020.
    async fn a_form_waits_until_the_person_has_shown_it_is_them(db: Database) {
        let acme = Acme::alone(db);
        let mut owner = acme.owner().await;
        owner.get(&acme.connection_page("/directory/tokens/new")).await;
        acme.grow_stale();
        owner.submit("Make the token", &[("name", "entra <b>\u{e9}")]).await.sees("Is it still you?").sees("What you typed is kept.");
        assert_eq!(acme.tokens(), 0);
        owner.submit("Go on", &[("password", "not my password")]).await.sees("This is not your password.");
        assert_eq!((owner.status(), acme.tokens()), (422, 0));
        owner.submit("Go on", &[("password", PASSWORD)]).await.sees("Send it now?");
        assert_eq!(acme.tokens(), 0);
        owner.submit("Send it", &[]).await;
        assert_eq!(acme.tokens(), 1);
        owner.get(&acme.connection_page("/directory")).await.sees("entra <b>\u{e9}");
    }

    /// What waits is its person's alone, sealed where it lies, and gone after half an hour.
    async fn a_kept_form_is_nobody_elses(db: Database) {
        let acme = Acme::alone(db);
        acme.join("other@acme.example", "Other", Role::Owner);
        let (mut owner, mut other) = (acme.owner().await, acme.signed_in("other@acme.example").await);
        owner.get(&acme.connection_page("/edit")).await;
        acme.grow_stale();
        owner.submit("Save the connection", &[("client_secret", "tell-nobody-9471")]).await.sees("Is it still you?");
        let url = acme.installation.site.config.database_url.clone();
        let rows = lines(&url, "SELECT path || body_sealed AS line FROM kept_forms");
        assert!(rows.len() == 1 && !rows[0].contains("9471"), "{rows:?}");
        let (_, key) = owner.url().query_pairs().find(|(name, _)| name == "form").map(|(a, b)| (a.into_owned(), b.into_owned())).unwrap();
        let kept = acme.installation.to(&format!("/still-you/{key}"));
        other.get(&acme.installation.to("/still-you")).await.submit("Go on", &[("password", PASSWORD)]).await;
        assert_eq!(other.get(&kept).await.status(), 410);
        owner.submit("Go on", &[("password", PASSWORD)]).await.sees("Send it now?");
        acme.installation.site.clock.advance(31 * MINUTE);
        owner.get(&kept).await.submit("Go on", &[("password", PASSWORD)]).await.sees("no longer kept");
        assert_eq!(owner.status(), 410);
    }

    /// Every act of these asks. (What only shows something does not.)
    /// SES-020, SCIM-006.
    async fn what_is_sensitive_asks(db: Database) {
        let acme = Acme::alone(db);
        acme.operator("otto@run.example");
        let (mut owner, mut operator) = (acme.owner().await, acme.signed_in("otto@run.example").await);
        acme.grow_stale();
        for path in ["/connections/new", "/connections/new/saml"] {
            owner.get(&acme.to(path)).await.sees("Is it still you?");
        }
        for rest in ["/edit", "/state", "/scim", "/groups", "/directory/tokens/new"] {
            owner.get(&acme.connection_page(rest)).await.sees("Is it still you?");
        }
        let vouch = format!("/operator/organizations/{}/domains/x/vouch", acme.organization);
        operator.get(&acme.installation.to(&vouch)).await.sees("Is it still you?");
        for calm in ["", "/members", "/connections", "/settings", "/audit"] {
            assert_eq!(owner.get(&acme.to(calm)).await.status(), 200, "{calm}");
            owner.does_not_see("Is it still you?");
        }
    }

    /// Making, unmaking and shutting out owners asks; the rest of the members' pages does not.
    /// SES-020.
    async fn who_is_an_owner_is_decided_by_somebody_who_is_there(db: Database) {
        let acme = Acme::alone(db);
        let max = acme.join("max@acme.example", "Max", Role::Member);
        let mut owner = acme.owner().await;
        owner.get(&acme.to(&format!("/members/{max}/edit"))).await;
        acme.grow_stale();
        owner.submit("Save Max", &[("role", "admin")]).await.sees("Max is saved.");
        owner.get(&acme.to(&format!("/members/{max}/edit"))).await;
        owner.submit("Save Max", &[("role", "owner")]).await.sees("Is it still you?");
        let role = || lines(&acme.installation.site.config.database_url, &format!("SELECT role AS line FROM members WHERE id = '{max}'"));
        assert_eq!(role(), ["admin"]);
        owner.submit("Go on", &[("password", PASSWORD)]).await.submit("Send it", &[]).await.sees("Max is saved.");
        assert_eq!(role(), ["owner"]);
        acme.grow_stale();
        owner.get(&acme.to(&format!("/members/{max}/deactivate"))).await.submit("Deactivate Max", &[]).await.sees("Is it still you?");
        assert_eq!(role(), ["owner"]);
    }

    /// A fresh link for an owner to be asks as the invitation did, for one and for many; for anybody else it does not.
    /// SES-020.
    async fn an_owner_is_invited_again_by_somebody_who_is_there(db: Database) {
        let acme = Acme::alone(db);
        for name in ["max", "kim"] {
            acme.invite(&format!("{name}@acme.example"));
        }
        let id = |name: &str| acme.lines(&format!("SELECT id AS line FROM invitations WHERE email_key = '{name}@acme.example'")).remove(0);
        acme.run("UPDATE invitations SET state = 'revoked', settled_at = 1");
        acme.run("UPDATE invitations SET role = 'owner' WHERE email_key = 'max@acme.example'");
        let mut owner = acme.owner().await;
        acme.grow_stale();
        owner.get(&acme.to(&format!("/invitations/{}/resend", id("kim")))).await;
        owner.submit("Make a fresh link", &[]).await.sees("A fresh link is made");
        for (page, button) in [
            (format!("/invitations/{}/resend", id("max")), "Make a fresh link"),
            (format!("/invitations/resend?id={}&id={}", id("max"), id("kim")), "Make 2 fresh links"),
        ] {
            owner.get(&acme.to(&page)).await.submit(button, &[]).await.sees("Is it still you?");
            assert_eq!(acme.count("invitations WHERE state = 'pending'"), 1, "{page}");
        }
        owner.submit("Go on", &[("password", PASSWORD)]).await.submit("Send it", &[]).await.sees("2 fresh links are made");
        acme.grow_stale();
        owner.get(&acme.to(&format!("/invitations/{}/revoke", id("max")))).await;
        owner.submit("Revoke the invitation", &[]).await.sees("is revoked");
    }

    /// Guessing at the question is slowed down like guessing at the door, and ends nobody's session.
    async fn guesses_at_the_question_are_few(db: Database) {
        let acme = Acme::alone(db);
        let mut owner = acme.owner().await;
        acme.grow_stale();
        owner.get(&acme.connection_page("/edit")).await;
        for _ in 0..5 {
            owner.submit("Go on", &[("password", "a wrong password")]).await.sees("This is not your password.");
        }
        let still = owner.new_tab();
        assert_eq!(owner.submit("Go on", &[("password", PASSWORD)]).await.status(), 429);
        let mut owner = still;
        acme.installation.site.clock.advance(2 * SECOND);
        owner.get(&acme.connection_page("/edit")).await.submit("Go on", &[("password", PASSWORD)]).await;
        assert_eq!(owner.path(), format!("/orgs/acme/connections/{}/edit", acme.connection));
    }

    /// Whoever came by single sign-on is asked by their provider, which has to say that it did.
    /// OIDC-048, SAML-055.
    async fn single_sign_on_proves_itself_at_the_provider(db: Database) {
        let provider = Provider::start().await;
        let acme = Acme::start(db, provider.issuer(), provider.client_id(), provider.client_secret());
        acme.join("ada@acme.example", "Ada Example", Role::Owner);
        let edit = acme.connection_page("/edit");
        let now = || provider_time(&acme);
        // The provider says nothing of the time: single sign-on lets in, and is no proof for more.
        let mut ada = Browser::new();
        provider.be(Person::new("sub-ada", "ada@acme.example"));
        ada.get(&acme.sign_in()).await;
        ada.get(&edit).await.sees("Is it still you?");
        ada.click("Sign in again by Acme ID").await.sees("Sign-in did not work");
        ada.sees("an administrator has to look").does_not_see("Start again");
        let asked = provider.last("/authorize").unwrap();
        assert_eq!((asked.parameter("prompt"), asked.parameter("max_age")), (Some("login"), Some("0")));
        // It remembers an older sign-in.
        provider.fault(Fault::Claim("auth_time", json!(now() - 3600)));
        ada.get(&acme.sign_in()).await;
        ada.get(&edit).await.click("Sign in again by Acme ID").await.sees("Sign-in did not work").sees("Sign out there");
        // It asked just now: the same page, open.
        provider.honest();
        provider.fault(Fault::Claim("auth_time", json!(now())));
        ada.get(&edit).await.click("Sign in again by Acme ID").await;
        assert_eq!(ada.url().as_str(), edit);
        acme.grow_stale();
        ada.get(&edit).await.sees("Is it still you?");
    }
}

fn provider_time(acme: &Acme) -> i64 {
    acme.installation.site.now() / SECOND
}
