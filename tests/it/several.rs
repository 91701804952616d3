//! Several servers on one PostgreSQL, behind a proxy that sends each connection to the next one.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use vestibule::access::EmailAddress;
use vestibule::accounts;
use vestibule::config::PublicUrl;
use vestibule::members::{self, Doer};

use crate::support::program::Serving;
use crate::support::provider::{Person, Provider};
use crate::support::{Acme, Browser, Database, Installation};

/// Sends each connection to the next server that is there. Each serves one request.
struct Proxy {
    url: String,
    servers: Arc<Mutex<Vec<SocketAddr>>>,
}

impl Proxy {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let servers: Arc<Mutex<Vec<SocketAddr>>> = Arc::default();
        let known = Arc::clone(&servers);
        std::thread::spawn(move || {
            for (turn, browser) in listener.incoming().enumerate() {
                let servers = known.lock().unwrap().clone();
                if let Ok(browser) = browser {
                    std::thread::spawn(move || hand_on(browser, &servers, turn));
                }
            }
        });
        Self { url, servers }
    }

    fn send_to(&self, urls: &[&str]) {
        let address = |url: &&str| url.trim_start_matches("http://").parse().unwrap();
        *self.servers.lock().unwrap() = urls.iter().map(address).collect();
    }
}

/// Hands one request to the server whose turn it is, or to the next one if it is gone.
fn hand_on(mut browser: TcpStream, servers: &[SocketAddr], turn: usize) {
    let mut order = (0..servers.len()).map(|step| servers[(turn + step) % servers.len()]);
    let Some(mut server) = order.find_map(|address| TcpStream::connect(address).ok()) else {
        return;
    };
    let mut head = [0; 16 * 1024];
    let Ok(length) = browser.read(&mut head) else {
        return;
    };
    // The next request shall be another server's.
    let text = String::from_utf8_lossy(&head[..length]).replacen("\r\n", "\r\nConnection: close\r\n", 1);
    if server.write_all(text.as_bytes()).is_err() {
        return;
    }
    let (mut to, mut from) = (server.try_clone().unwrap(), browser.try_clone().unwrap());
    let upwards = std::thread::spawn(move || drop(std::io::copy(&mut from, &mut to)));
    drop(std::io::copy(&mut server, &mut browser));
    drop(browser.shutdown(Shutdown::Both));
    drop(server.shutdown(Shutdown::Both));
    upwards.join().unwrap();
}

/// Acme behind the proxy, with a provider.
async fn acme_behind(proxy: &Proxy, db: Database) -> (Acme, Provider) {
    let public = PublicUrl::parse(&proxy.url).unwrap();
    let provider = Provider::start().await;
    let mut installation = Installation::start_with(db, |config| config.public_url = public);
    installation.url.clone_from(&proxy.url);
    let acme = Acme::start_in(
        installation,
        provider.issuer(),
        provider.client_id(),
        provider.client_secret(),
    );
    (acme, provider)
}

/// A sign-in may begin at one server and end at another; while one is killed and one is stopped, people come in; and who
/// is deactivated at one is out at all of them.
/// FLT-018.
#[actix_web::test]
async fn people_come_in_while_servers_go() {
    let proxy = Proxy::start();
    let (acme, provider) = acme_behind(&proxy, Database::postgres()).await;
    let config = acme.installation.site.config.clone();
    let serving = |_| {
        let mut serving = Serving::of(&config.database_url, &config.key_file);
        serving.public_url.clone_from(&proxy.url);
        serving
    };
    let serving: Vec<Serving> = (0..3).map(serving).collect();
    let mut programs: Vec<_> = serving.iter().map(Serving::start).collect();
    let urls: Vec<String> = programs.iter().map(|program| program.url.clone()).collect();
    proxy.send_to(&urls.iter().map(String::as_str).collect::<Vec<_>>());
    let mut browsers = Vec::new();
    for number in 0..9 {
        let email = format!("p{number}@acme.example");
        acme.invite(&email);
        provider.person(&format!("sub-{number}"), &email);
        let mut browser = Browser::new();
        browser.stop_before("/callback").get(&acme.sign_in()).await;
        assert!(browser.held().is_some(), "{}", browser.text());
        // While they are at the provider, one server after the other goes, and comes back.
        match number {
            2 => programs[0].kill(),
            4 => programs[0] = serving[0].start(),
            5 => assert!(programs[1].stop()),
            7 => programs[1] = serving[1].start(),
            _ => {}
        }
        browser.resume().await.sees(&email);
        browsers.push((email, browser));
    }
    for (email, browser) in &mut browsers {
        for _ in 0..3 {
            browser.get(&acme.to("")).await.sees(email);
        }
    }
    let (email, browser) = &mut browsers[0];
    acme.write(|conn, now| {
        let email = EmailAddress::parse(email).unwrap();
        let account = accounts::find_by_email(conn, &email)?.unwrap();
        let member = members::find_by_account(conn, &acme.organization, &account.id)?.unwrap();
        let doer = Doer::operator();
        members::actions::deactivate(conn, now, &doer, &acme.organization, &member.id, member.version)
    });
    for _ in 0..3 {
        browser.get(&acme.to("")).await.does_not_see(email);
    }
}

/// A server goes on while a newer one has brought the database further than it knows.
/// RACE-025, FLT-018.
#[actix_web::test]
async fn an_older_server_goes_on_over_a_migration() {
    let proxy = Proxy::start();
    let (acme, provider) = acme_behind(&proxy, Database::postgres()).await;
    let address = acme.installation.site.config.listen;
    proxy.send_to(&[&format!("http://{address}")]);
    acme.invite("ada@acme.example");
    acme.run("ALTER TABLE accounts ADD COLUMN later TEXT; CREATE TABLE laters (id TEXT PRIMARY KEY)");
    acme.run("INSERT INTO __diesel_schema_migrations (version) VALUES ('20991231000000')");
    provider.be(Person::new("ada", "ada@acme.example"));
    Browser::new().get(&acme.sign_in()).await.sees("ada@acme.example");
    // One more of the older ones can still be started.
    let config = vestibule::config::Config::clone(&acme.installation.site.config);
    vestibule::app::Vestibule::open(config, vestibule::store::time::Clock::system())
        .map(drop)
        .unwrap();
}

/// Two servers whose clocks are 90 seconds apart decide alike: a sign-in begins at one and ends at the other, a session is
/// good at both, and so is its end. (Whose clock differs from the database's by more than a minute is told by the doctor.)
/// FLT-013.
#[actix_web::test]
async fn servers_whose_clocks_differ_decide_alike() {
    let proxy = Proxy::start();
    let (acme, provider) = acme_behind(&proxy, Database::postgres()).await;
    let site = &acme.installation.site;
    let behind = vestibule::store::time::Clock::fixed(site.now() - 45_000);
    site.clock.advance(45_000);
    let other = acme.installation.another_by(behind);
    proxy.send_to(&[&format!("http://{}", site.config.listen), &other.url]);
    for number in 0..6 {
        let email = format!("p{number}@acme.example");
        acme.invite(&email);
        provider.be(Person::new(&email, &email));
        let mut browser = Browser::new();
        browser.get(&acme.sign_in()).await.sees(&email);
        for _ in 0..3 {
            browser.get(&acme.to("")).await.sees(&email);
        }
        let account = browser.get(&acme.installation.to("/account")).await;
        account.submit("Sign out", &[]).await;
        for _ in 0..2 {
            browser.get(&acme.to("")).await.does_not_see(&email);
        }
    }
    provider.be(Person::new("eve", "eve@acme.example"));
    for _ in 0..2 {
        assert_eq!(Browser::new().get(&acme.sign_in()).await.status(), 403);
    }
    assert_eq!(acme.count("members"), 7);
}
