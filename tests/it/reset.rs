//! A new password by a link of the operator's: once, in its time, and nothing else is opened by it.

use vestibule::access::EmailAddress;
use vestibule::accounts;
use vestibule::audit::Actor;
use vestibule::sign_in;
use vestibule::store::time::{HOUR, SECOND};
use vestibule::web::Problem;

use crate::support::acme::{OWNER, PASSWORD};
use crate::support::dump::dump;
use crate::support::{Acme, Browser};

const NEW: &str = "olive has another way in";

impl Acme {
    /// A link that sets the owner's password.
    fn reset_link(&self) -> String {
        let path = self.write(|conn, now| {
            let email = EmailAddress::parse(OWNER).unwrap();
            let account = accounts::find_by_email(conn, &email)?.ok_or(Problem::NotFound)?;
            sign_in::reset_link(conn, now, &Actor::operator(), &account, HOUR)
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
}
