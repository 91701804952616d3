//! Vestibule itself, served on loopback from a database of the test's.

use std::net::TcpListener;
use std::thread::JoinHandle;

use actix_web::dev::ServerHandle;
use tempfile::TempDir;
use vestibule::app::Vestibule;
use vestibule::config::{self, Config, PublicUrl};
use vestibule::mail::Worker;
use vestibule::provisioning::log::Log;
use vestibule::store::time::{self, Clock};
use vestibule::web::Site;

use super::Database;

/// A server that runs beside the test, in a thread of its own, until the value goes.
///
/// Its clock stands still at the moment it began: `installation.site.clock.advance(milliseconds)` moves it. It may
/// reach loopback, where the identity providers of the tests are.
pub struct Installation {
    /// The address to open, without a slash at the end.
    pub url: String,
    /// What the handlers see: store, clock, settings.
    pub site: Site,
    /// What directories asked, on its way to the database.
    pub scim_log: Log,
    /// Who carries letters; with a mail server of the tests' only when told to.
    pub mail: Worker,
    handle: ServerHandle,
    server: Option<JoinHandle<()>>,
    _owns: Option<(TempDir, Database)>,
}

impl Installation {
    /// Serves this database.
    pub fn start(db: Database) -> Self {
        Self::start_with(db, |_| {})
    }

    /// Serves this database with settings that differ.
    pub fn start_with(db: Database, change: impl FnOnce(&mut Config)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let url = format!("http://{address}");
        let key = tempfile::tempdir().unwrap();
        let mut config = Config {
            database_url: db.url().into(),
            listen: address,
            public_url: PublicUrl::parse(&url).unwrap(),
            key_file: key.path().join("vestibule.key"),
            outbound_allow: vec!["127.0.0.0/8".into()],
            // Nobody answers there: a test that looks domains up names a server of its own.
            dns: vec!["127.0.0.1:9".parse().unwrap()],
            trusted_proxies: vec![],
            workers: 1,
            stranger_days: 30,
            rate_limit: 60,
            scim_rate_limit: 6_000,
            smtp: None,
            log: "warn".into(),
            log_json: false,
            audit: config::Audit::default(),
            serving: config::Serving::default(),
        };
        change(&mut config);
        let vestibule = Vestibule::open(config, Clock::fixed(time::now())).unwrap();
        let (site, scim_log, mail) = parts(&vestibule);
        let (handle, server) = serve(vestibule, listener);
        Self {
            url,
            site,
            scim_log,
            mail,
            handle,
            server: Some(server),
            _owns: Some((key, db)),
        }
    }

    /// Another server of the same installation: of the same address, database and key, but at another port. Whoever
    /// asks it names the first one's host. It must go before the first one does.
    pub fn another(&self) -> Self {
        self.another_by(self.site.clock.clone())
    }

    /// The same, by a clock of its own.
    pub fn another_by(&self, clock: Clock) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut config = Config::clone(&self.site.config);
        config.listen = address;
        let vestibule = Vestibule::open(config, clock).unwrap();
        let (site, scim_log, mail) = parts(&vestibule);
        let (handle, server) = serve(vestibule, listener);
        Self {
            url: format!("http://{address}"),
            site,
            scim_log,
            mail,
            handle,
            server: Some(server),
            _owns: None,
        }
    }

    /// The statements that one go of `ask` takes, transactions' ends left out: those of the go that took the fewest of
    /// three, since what happens by itself (the sweepers) asks the database too. What is written once for many requests,
    /// after their answers (the log of requests, and when a token was used), is not counted.
    pub async fn statements(&self, mut ask: impl AsyncFnMut()) -> Vec<String> {
        let mut fewest: Option<Vec<String>> = None;
        for _ in 0..3 {
            self.site.store.statements().watch();
            ask().await;
            let mut seen = self.site.store.statements().telling();
            seen.retain(|one| {
                let one = one.replace(['"', '`'], "");
                !one.starts_with("INSERT INTO scim_requests")
                    && !one.starts_with("UPDATE scim_tokens SET last_used_at")
            });
            if fewest.as_ref().is_none_or(|fewest| seen.len() < fewest.len()) {
                fewest = Some(seen);
            }
        }
        fewest.unwrap_or_default()
    }

    /// Fails where a go of `ask` takes more statements than `most`, and shows them.
    pub async fn takes_at_most(&self, most: usize, what: &str, ask: impl AsyncFnMut()) {
        let seen = self.statements(ask).await;
        let (count, all) = (seen.len(), seen.join("\n  "));
        println!("{what}: {count} statements");
        assert!(
            count <= most,
            "{what} takes {count} statements, not {most}:\n  {all}"
        );
    }

    /// The absolute address of a path.
    pub fn to(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        // The order is given at once; what is returned only waits for it, as does the thread.
        drop(self.handle.stop(false));
        if let Some(server) = self.server.take().filter(|_| !std::thread::panicking()) {
            server.join().unwrap();
        }
    }
}

fn parts(vestibule: &Vestibule) -> (Site, Log, Worker) {
    (
        vestibule.site.clone(),
        vestibule.scim_log.clone(),
        vestibule.mail.clone(),
    )
}

fn serve(vestibule: Vestibule, listener: TcpListener) -> (ServerHandle, JoinHandle<()>) {
    let (send, receive) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async {
            let server = vestibule.serve(listener).unwrap();
            send.send(server.handle()).unwrap();
            server.await.unwrap();
        });
    });
    (
        receive
            .recv()
            .expect("the server did not start: its error is above"),
        thread,
    )
}

both_databases! {
    /// It answers from the moment it is there, to whoever asks.
    async fn an_installation_answers_while_it_is_there(db: Database) {
        let installation = crate::support::Installation::start(db);
        let mut browser = crate::support::Browser::new();
        browser.get(&installation.to("/healthz")).await.sees("ok");
        let address = installation.site.config.listen;
        drop(installation);
        assert!(std::net::TcpStream::connect(address).is_err());
    }

    /// What the test sets is what the handlers see.
    async fn settings_can_differ(db: Database) {
        let installation = crate::support::Installation::start_with(db, |config| {
            config.public_url = vestibule::config::PublicUrl::parse("https://door.example.org").unwrap();
        });
        assert!(installation.site.is_https());
    }
}
