//! A new password by a link of the operator's: once, in its time, and nothing else is opened by it.

use vestibule::access::EmailAddress;
use vestibule::accounts;
use vestibule::audit::Actor;
use vestibule::sign_in;
use vestibule::store::time::{HOUR, MINUTE, SECOND};
use vestibule::web::Problem;

use crate::support::acme::{OWNER, PASSWORD};
use crate::support::dump::dump;
use crate::support::peer::MailServer;
use crate::support::{Acme, Browser, Installation};

const NEW: &str = "olive has another way in";

impl Acme {
    /// A link that sets the owner's password.
    fn reset_link(&self) -> String {
        let path = self.write(|conn, now| {
            let email = EmailAddress::parse(OWNER).unwrap();
            let account = accounts::find_by_email(conn, &email)?.ok_or(Problem::NotFound)?;
            sign_in::reset_link(conn, now, &Actor::operator(), &account, (HOUR, false))
        });
        self.installation.to(&path)
    }

    async fn with_password(&self, password: &str) -> Browser {
        let mut browser = Browser::new();
        browser
            .get(&self.installation.to("/sign-in"))
            .await
            .submit("Continue", &[("email", OWNER)])
            .await;
        browser
            .submit("Use a password instead", &[])
            .await
            .submit("Sign in", &[("password", password)])
            .await;
        browser
    }
}

both_databases! {
    /// The link sets a password, ends every session, opens none, and is used up.
    /// LOC-015, SES-008.
    async fn a_link_sets_a_password_once(db: Database) {
        let acme = Acme::alone(db);
        let mut before = acme.owner().await;
        let link = acme.reset_link();
        let token = link.rsplit('/').next().unwrap().to_owned();
        assert!(!dump(&acme.installation.site.config.database_url).contains(&token));
        let mut browser = Browser::new();
        browser.get(&link).await.sees("Set a new password").sees(OWNER);
        assert_eq!(browser.path(), "/reset");
        for weak in ["short", "Password2024!", OWNER] {
            browser.submit("Set the password", &[("password", weak)]).await;
            assert_eq!(browser.status(), 422, "{weak}");
        }
        let late = browser.new_tab();
        browser.submit("Set the password", &[("password", NEW)]).await.sees("Your new password is set");
        assert_eq!((browser.path(), browser.cookie("vestibule_session")), ("/sign-in", None));
        let mut late = late;
        assert_eq!(late.submit("Set the password", &[("password", "somebody else was faster")]).await.status(), 410);
        assert_eq!(Browser::new().get(&link).await.status(), 410);
        assert_eq!(before.get(&acme.installation.to("/account")).await.path(), "/sign-in");
        acme.with_password(PASSWORD).await.sees("don’t fit together");
        let mut owner = acme.with_password(NEW).await;
        owner.get(&acme.installation.to("/account")).await.sees("Where you are signed in");
    }

    /// A newer link ends those before, and time ends them all. Nobody else's account is touched.
    /// LOC-015.
    async fn a_link_has_its_time(db: Database) {
        let acme = Acme::alone(db);
        let (old, new) = (acme.reset_link(), acme.reset_link());
        assert_eq!(Browser::new().get(&old).await.status(), 410);
        let mut browser = Browser::new();
        browser.get(&new).await.sees("Set a new password");
        acme.installation.site.clock.advance(HOUR + SECOND);
        assert_eq!(browser.submit("Set the password", &[("password", NEW)]).await.status(), 410);
        acme.with_password(PASSWORD).await.sees("Acme");
        assert_eq!(Browser::new().get(&acme.installation.to("/reset/short")).await.status(), 404);
    }

    /// Fields for passwords say what they are for, so that password managers fill them in and nobody types them badly.
    /// LOC-019.
    async fn password_managers_know_the_fields(db: Database) {
        let acme = Acme::alone(db);
        let mut browser = Browser::new();
        browser.get(&acme.reset_link()).await;
        assert!(browser.body().contains("autocomplete=\"new-password\"") && browser.body().contains("autocomplete=\"username\""));
        browser.get(&acme.installation.to("/sign-in")).await.submit("Continue", &[("email", OWNER)]).await;
        browser.submit("Use a password instead", &[]).await;
        assert!(browser.body().contains("type=\"password\"") && browser.body().contains("autocomplete=\"current-password\""));
        assert!(!browser.body().contains("onpaste"));
    }

    /// One letter, to the address that is stored; the page says the same to whoever has no account. The link works
    /// like the operator’s, and for a quarter of an hour.
    /// LOC-015.
    async fn a_link_comes_by_mail(db: Database) {
        let mut server = MailServer::start();
        let installation = Installation::start_with(db, |config| server.configure(config));
        let acme = Acme::start_in(installation, "http://127.0.0.1:9", "vestibule", "secret");
        let forgot = acme.installation.to("/sign-in/forgot");
        let mut said = Vec::new();
        for email in ["OLIVE@acme.example", "nobody@acme.example"] {
            let mut browser = Browser::new();
            browser.get(&forgot).await.submit("Send the link", &[("email", email)]).await.sees("a link is on its way");
            said.push(browser.text());
        }
        assert_eq!(said[0], said[1]);
        let mut two = Browser::new();
        two.get(&forgot).await.submit("Send the link", &[("email", "olive@acme.example, eve@evil.example")]).await;
        assert_eq!(two.status(), 422);
        assert_eq!(acme.installation.mail.deliver().await.unwrap().sent, 1);
        let letter = server.letters(1).remove(0);
        assert_eq!((letter.get("to"), letter.get("subject")), (OWNER, "Set a new password"));
        let link = letter.link("/reset/");
        assert!(link.starts_with(&acme.installation.url), "{link}");
        let mut browser = Browser::new();
        browser.get(&link).await.submit("Set the password", &[("password", NEW)]).await.sees("Your new password is set");
        let mut owner = acme.with_password(NEW).await;
        owner.get(&acme.installation.to("/account")).await.sees("Where you are signed in");
        // A link that nobody follows ends.
        Browser::new().get(&forgot).await.submit("Send the link", &[("email", OWNER)]).await;
        assert_eq!(acme.installation.mail.deliver().await.unwrap().sent, 3);
        let letters = server.letters(4);
        let newer = letters
            .iter()
            .filter(|letter| letter.get("subject") == "Set a new password")
            .map(|letter| letter.link("/reset/"))
            .find(|other| *other != link)
            .unwrap();
        acme.installation.site.clock.advance(15 * MINUTE + SECOND);
        assert_eq!(Browser::new().get(&newer).await.status(), 410);
    }

    /// Without a mail server the page says whom to ask.
    async fn without_mail_the_page_says_whom_to_ask(db: Database) {
        let acme = Acme::alone(db);
        let mut browser = Browser::new();
        browser.get(&acme.installation.to("/sign-in/forgot")).await.sees("Ask whoever runs it").does_not_see("Send the link");
    }

    /// A sign-in at a browser that is new to the account is told to its person, one at a known browser is not.
    /// LOC-022.
    async fn a_new_browser_is_told_by_mail(db: Database) {
        let mut server = MailServer::start();
        let installation = Installation::start_with(db, |config| server.configure(config));
        let acme = Acme::start_in(installation, "http://127.0.0.1:9", "vestibule", "secret");
        let mut browser = acme.owner().await;
        browser.get(&acme.installation.to("/account")).await.submit("Sign out", &[]).await;
        browser.submit("Continue", &[("email", OWNER)]).await.submit("Use a password instead", &[]).await;
        browser.submit("Sign in", &[("password", PASSWORD)]).await;
        browser.get(&acme.installation.to("/account")).await;
        browser.submit("Change password", &[("current", PASSWORD), ("password", NEW)]).await.sees("Your password is changed.");
        assert_eq!(acme.installation.mail.deliver().await.unwrap().sent, 2);
        let mut subjects: Vec<String> = server.letters(2).iter().map(|letter| letter.get("subject").to_owned()).collect();
        subjects.sort();
        assert_eq!(subjects, ["You signed in from a browser that is new here", "Your password was changed"]);
    }
}
