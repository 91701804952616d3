//! What an operator does by the book, with the program itself: bringing an installation back from its back-up, and
//! starting somebody's way back in.

use std::time::Instant;

use vestibule::access::EmailAddress;
use vestibule::accounts;

use crate::support::acme::{OWNER, PASSWORD};
use crate::support::dump::lines;
use crate::support::program::Serving;
use crate::support::provider::Person;
use crate::support::{Browser, Database, Front};

both_databases! {
    /// The machine is lost; what is left is the back-up and the key file. The three commands of docs/operating.md, and people
    /// come in: by password and by single sign-on, whoever was out is out, and the doctor has nothing to say.
    /// BAK-004.
    async fn an_installation_comes_back_by_the_book(db: Database) {
        let is_postgres = db.is_postgres();
        let front = Front::open(db).await;
        front.later(vestibule::store::time::now() - front.acme.installation.site.now());
        front.acme.invite("ada@acme.example");
        front.provider.be(Person::new("ada", "ada@acme.example"));
        front.at_the_callback().await.resume().await.sees("ada@acme.example");
        let config = front.acme.installation.site.config.clone();
        let folder = tempfile::tempdir().unwrap();
        let (key, file) = (folder.path().join("backup.key"), folder.path().join("backup"));
        std::fs::write(&key, [7_u8; 32]).unwrap();
        let words = |deed: &'static str| [deed.to_owned(), file.display().to_string(), "--key-file".to_owned(), key.display().to_string()];
        let run = |serving: &Serving, deed: &'static str| {
            let words = words(deed);
            let told = serving.run(&words.each_ref().map(String::as_str));
            assert!(told.status.success(), "{deed}: {}", String::from_utf8_lossy(&told.stderr));
        };
        run(&Serving::of(&config.database_url, &config.key_file), "backup");

        let began = Instant::now();
        let empty = if is_postgres { Database::postgres() } else { Database::sqlite() };
        let serving = Serving::of(empty.url(), &config.key_file);
        run(&serving, "restore");
        let told = serving.run(&["doctor"]);
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stdout));
        let program = serving.start();
        let mut olive = Browser::new();
        olive.get(&format!("{}/sign-in", program.url)).await.submit("Continue", &[("email", OWNER)]).await;
        olive.submit("Use a password instead", &[]).await.submit("Sign in", &[("password", PASSWORD)]).await.sees("Acme");
        println!("from the back-up to the first sign-in: {} ms", began.elapsed().as_millis());
        let mut ada = Browser::new();
        ada.get(&format!("{}/sign-in/acme/acme-id", program.url)).await.sees("ada@acme.example");
        front.provider.be(Person::new("eve", "eve@acme.example"));
        assert_eq!(Browser::new().get(&format!("{}/sign-in/acme/acme-id", program.url)).await.status(), 403);
        drop(program);
    }

    /// Only whoever runs the server can start a reset of somebody's factors. They get a link and no secret; the factors are
    /// gone, the person is told by mail, and the log names it.
    /// LOC-016.
    async fn a_reset_that_is_started_for_somebody_is_told_to_them(db: Database) {
        let front = Front::open(db).await;
        let config = front.acme.installation.site.config.clone();
        let mut serving = Serving::of(&config.database_url, &config.key_file);
        serving.settings.push(("VESTIBULE_SMTP_URL", "smtp://127.0.0.1:9".to_owned()));
        serving.settings.push(("VESTIBULE_MAIL_FROM", "door@acme.example".to_owned()));
        let id = front.acme.read(|conn| {
            let email = EmailAddress::parse(OWNER).unwrap();
            Ok(accounts::find_by_email(conn, &email)?.unwrap().id)
        });
        front.acme.run(&format!("INSERT INTO recovery_codes (account_id, code_hash) VALUES ('{id}', 'y')"));
        front.acme.run(&format!("INSERT INTO totp_seeds (account_id, seed_sealed, last_step, created_at) VALUES ('{id}', 's', 0, 1)"));
        let told = serving.run(&["reset-password", "--email", OWNER, "--remove-factors"]);
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
        let link = String::from_utf8(told.stdout).unwrap();
        assert!(link.starts_with(&serving.public_url) && link.contains("/reset/") && link.lines().count() == 1, "{link}");
        let letters = lines(&config.database_url, "SELECT recipient || ': ' || subject AS line FROM letters");
        assert_eq!(letters, [format!("{OWNER}: Your authenticator app, passkeys and recovery codes were taken away")]);
        let token = link.trim().rsplit('/').next().unwrap();
        assert!(!crate::support::dump::dump(&config.database_url).contains(token));
        assert_eq!(front.acme.count("audit_events WHERE action = 'account.reset_link_made' AND actor_kind = 'operator'"), 1);
        assert_eq!(front.acme.count("recovery_codes"), 0);
    }
}
