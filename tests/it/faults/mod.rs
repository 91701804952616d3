//! Faults: the program is killed under load, the database goes away, takes no writes, comes back. Whatever was
//! acknowledged is there afterwards, nothing is half, and the doctor finds nothing.
//!
//! `scripts/faults` runs the same for long: `FAULT_ROUNDS` says how often the program is killed.

mod clients;
mod collisions;
mod damage;
mod machine;
mod migrations;
mod simulation;
mod statements;
mod wire;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use reqwest::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Client, Response, StatusCode, redirect};
use serde_json::{Value, json};
use tokio::sync::Notify;
use vestibule::store::time;

use crate::support::directory::{PATCH, USER};
use crate::support::program::Serving;
use crate::support::provider::Person;
use crate::support::{Acme, Caller, Database, Directory, Front};

/// How often the program is killed here.
const ROUNDS: usize = 3;

/// What the program has acknowledged.
#[derive(Default)]
struct Acknowledged {
    created: Vec<String>,
    deactivated: Vec<String>,
    denied: Vec<String>,
}

/// Everything that the load needs, for all of its tasks.
struct Load {
    client: Client,
    base: String,
    token: String,
    told: Mutex<Acknowledged>,
    count: AtomicUsize,
    more: Notify,
    over: AtomicBool,
    number: AtomicUsize,
    wrong: Mutex<Vec<String>>,
}

impl Load {
    fn new(base: &str, token: &str, number: usize) -> Arc<Self> {
        let client = Client::builder().redirect(redirect::Policy::none()).no_proxy();
        Arc::new(Self {
            client: client.build().unwrap(),
            base: base.to_owned(),
            token: token.to_owned(),
            told: Mutex::default(),
            count: AtomicUsize::new(0),
            more: Notify::new(),
            over: AtomicBool::new(false),
            number: AtomicUsize::new(number),
            wrong: Mutex::default(),
        })
    }

    fn next(&self) -> usize {
        self.number.fetch_add(1, Ordering::Relaxed)
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    fn acknowledge(&self, note: impl FnOnce(&mut Acknowledged)) {
        note(&mut self.told.lock().unwrap());
        self.count.fetch_add(1, Ordering::Release);
        self.more.notify_one();
    }

    /// An answer that is neither what was asked for nor "come again".
    fn must_be(&self, answer: &Response, expected: StatusCode) -> bool {
        if answer.status() == expected {
            return true;
        }
        // The guard of directories pauses who deactivates many.
        if !matches!(
            answer.status(),
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS
        ) {
            self.wrong
                .lock()
                .unwrap()
                .push(format!("{} {}", answer.status(), answer.url()));
        }
        false
    }

    /// People are created; every second one is deactivated at once. Until the server is gone.
    async fn provision(self: Arc<Self>) {
        while !self.is_over() {
            let email = format!("f{}@acme.example", self.next());
            let person = json!({"schemas": [USER], "userName": email, "emails": [{"value": email, "primary": true}], "active": true});
            let Ok(answer) = self.scim(reqwest::Method::POST, "/Users", &person).await else {
                return;
            };
            if !self.must_be(&answer, StatusCode::CREATED) {
                continue;
            }
            let Ok(made) = answer.json::<Value>().await else {
                return;
            };
            self.acknowledge(|told| told.created.push(email.clone()));
            if self.next().is_multiple_of(2) {
                let off = json!({"schemas": [PATCH], "Operations": [{"op": "replace", "path": "active", "value": false}]});
                let path = format!("/Users/{}", made["id"].as_str().unwrap());
                let Ok(answer) = self.scim(reqwest::Method::PATCH, &path, &off).await else {
                    return;
                };
                if self.must_be(&answer, StatusCode::OK) {
                    self.acknowledge(|told| told.deactivated.push(email));
                }
            }
        }
    }

    async fn scim(&self, method: reqwest::Method, path: &str, body: &Value) -> reqwest::Result<Response> {
        let request = self
            .client
            .request(method, format!("{}/scim/v2{path}", self.base));
        request
            .bearer_auth(&self.token)
            .header(CONTENT_TYPE, "application/scim+json")
            .json(body)
            .send()
            .await
    }

    /// Strangers come by the provider and are denied. Until the server is gone.
    async fn knock(self: Arc<Self>) {
        while !self.is_over() {
            if self.knock_once().await.is_none() {
                return;
            }
        }
    }

    async fn knock_once(&self) -> Option<()> {
        let start = self
            .client
            .get(format!("{}/sign-in/acme/acme-id", self.base))
            .send()
            .await
            .ok()?;
        let cookies: Vec<String> = start
            .headers()
            .get_all(SET_COOKIE)
            .iter()
            .filter_map(|cookie| Some(cookie.to_str().ok()?.split(';').next()?.to_owned()))
            .collect();
        if !self.must_be(&start, StatusCode::SEE_OTHER) {
            return Some(());
        }
        let provider = self.client.get(to(&start)?).send().await.ok()?;
        let back = self
            .client
            .get(to(&provider)?)
            .header(COOKIE, cookies.join("; "))
            .send()
            .await
            .ok()?;
        if self.must_be(&back, StatusCode::SEE_OTHER)
            && let Some(reference) = to(&back)?.strip_prefix("/sign-in/refused/")
        {
            self.acknowledge(|told| told.denied.push(reference.to_owned()));
        }
        Some(())
    }

    /// Waits until so many things were acknowledged.
    async fn until(&self, count: usize) {
        while self.count.load(Ordering::Acquire) < count {
            self.more.notified().await;
        }
    }
}

fn to(answer: &Response) -> Option<String> {
    Some(answer.headers().get(LOCATION)?.to_str().ok()?.to_owned())
}

/// Everything that was acknowledged is there.
fn nothing_is_lost(acme: &Acme, told: &Acknowledged) {
    let count = |from: String| acme.count(&from);
    for email in &told.created {
        let member = format!(
            "members m JOIN accounts a ON a.id = m.account_id JOIN scim_users u ON u.member_id = m.id WHERE a.email_key = '{email}'"
        );
        assert_eq!(count(member.clone()), 1, "{email} was created");
        let state = if told.deactivated.contains(email) {
            "deactivated"
        } else {
            "%"
        };
        assert_eq!(
            count(format!("{member} AND m.state LIKE '{state}'")),
            1,
            "{email} {state}"
        );
    }
    for reference in &told.denied {
        // What failed by itself is recorded too, and nobody's denial.
        let record = format!(
            "sign_ins s WHERE s.reference = '{reference}' \
             AND (s.outcome = 'rejected' OR EXISTS (SELECT 1 FROM denials d WHERE d.id = s.denial_id))"
        );
        assert_eq!(count(record), 1, "{reference} was denied");
    }
}

fn doctor_is_content(serving: &Serving) {
    let told = serving.run(&["doctor"]);
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stdout));
}

/// A setting of `scripts/faults`.
#[expect(clippy::disallowed_methods, reason = "no setting of the product")]
fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

both_databases! {
    /// Killed at a random moment under load, again and again: after each start everything that was acknowledged is
    /// there, and the doctor finds nothing.
    /// FLT-001.
    async fn nothing_acknowledged_is_lost_by_a_kill(db: Database) {
        let rounds = setting("FAULT_ROUNDS").map_or(ROUNDS, |text| text.parse().unwrap());
        let front = Front::open(db).await;
        front.provider.be(Person::new("stranger", "stranger@acme.example"));
        let token = Directory::of(&front.acme).token;
        let config = front.acme.installation.site.config.clone();
        let serving = Serving::of(&config.database_url, &config.key_file);
        let (mut acknowledged, mut slowest) = (0, 0);
        let mut program = serving.start();
        for round in 0..rounds {
            // The provider's clock goes with the program's, which is the machine's.
            front.later(time::now() - front.acme.installation.site.now());
            let load = Load::new(&program.url, &token, 1_000_000 * (round + 1));
            let mut tasks = Vec::new();
            for _ in 0..3 {
                tasks.push(actix_web::rt::spawn(load.clone().provision()));
                tasks.push(actix_web::rt::spawn(load.clone().knock()));
            }
            // Not always in the same place.
            let bytes = vestibule::store::id::random_bytes::<1>();
            load.until(5 + usize::from(bytes[0] % 40)).await;
            program.kill();
            load.over.store(true, Ordering::Release);
            for task in tasks {
                task.await.unwrap();
            }
            let began = Instant::now();
            program = serving.start();
            slowest = slowest.max(began.elapsed().as_millis());
            let told = load.told.lock().unwrap();
            nothing_is_lost(&front.acme, &told);
            acknowledged += told.created.len() + told.deactivated.len() + told.denied.len();
            let wrong = load.wrong.lock().unwrap();
            assert!(wrong.is_empty(), "{wrong:?}");
            doctor_is_content(&serving);
        }
        println!("killed {rounds} times: {acknowledged} changes acknowledged, none lost; slowest start {slowest} ms");
    }

    /// Told to stop under load, it answers what it has in hand and ends well.
    /// FLT-015.
    async fn a_stop_finishes_what_is_in_hand(db: Database) {
        let (acme, directory) = Directory::start(db);
        let config = acme.installation.site.config.clone();
        let serving = Serving::of(&config.database_url, &config.key_file);
        let mut program = serving.start();
        let load = Load::new(&program.url, &directory.token, 1);
        let tasks: Vec<_> = (0..4).map(|_| actix_web::rt::spawn(load.clone().provision())).collect();
        load.until(20).await;
        let stopped = actix_web::rt::task::spawn_blocking(move || program.stop()).await.unwrap();
        assert!(stopped);
        load.over.store(true, Ordering::Release);
        for task in tasks {
            task.await.unwrap();
        }
        nothing_is_lost(&acme, &load.told.lock().unwrap());
        assert!(load.wrong.lock().unwrap().is_empty(), "{:?}", load.wrong.lock().unwrap());
        doctor_is_content(&serving);
    }

    /// A clock that was set back or forward breaks nothing that lasts.
    /// FLT-012.
    async fn a_clock_that_jumps_breaks_nothing(db: Database) {
        let front = Front::open(db).await;
        front.acme.invite("ada@acme.example");
        front.provider.be(Person::new("ada", "ada@acme.example"));
        for jump in [0, -3_600_000, 7_200_000, -300_000] {
            front.later(jump);
            front.at_the_callback().await.resume().await.sees("ada@acme.example");
        }
        let store = front.acme.installation.site.store.clone();
        let found = store.read(|conn| vestibule::audit::verify::verify(conn, &[])).unwrap();
        assert!(found.broken.is_empty(), "{found:?}");
    }
}

/// What PostgreSQL can do to us: every connection cut, and a database that takes no writes. The answer is 503 with
/// when to come again, and it recovers by itself.
/// FLT-004.
#[actix_web::test]
async fn a_postgres_that_goes_away_comes_back() {
    let db = Database::postgres();
    let name = db
        .url()
        .split('?')
        .next()
        .unwrap()
        .rsplit('/')
        .next()
        .unwrap()
        .to_owned();
    let (acme, directory) = Directory::start(db);
    let cut = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}' AND pid <> pg_backend_pid()"
    );
    directory.provision("one@acme.example").await;
    for number in 0..3 {
        crate::support::on_the_server(&cut);
        directory.provision(&format!("cut{number}@acme.example")).await;
    }
    crate::support::on_the_server(&format!(
        "ALTER DATABASE {name} SET default_transaction_read_only = on"
    ));
    crate::support::on_the_server(&cut);
    let email = "late@acme.example";
    let person = json!({"schemas": [USER], "userName": email, "emails": [{"value": email}]});
    let told = directory.post("/Users", &person).await;
    assert_eq!(told.status, 503, "{told:?}");
    let answer = Caller::nobody().get(&acme.sign_in()).await;
    assert_eq!(
        (answer.status, answer.headers["retry-after"].to_str().unwrap()),
        (503, "5")
    );
    crate::support::on_the_server(&format!(
        "ALTER DATABASE {name} RESET default_transaction_read_only"
    ));
    crate::support::on_the_server(&cut);
    directory.provision(email).await;
    let found = acme.read(|conn| Ok(vestibule::audit::verify::verify(conn, &[])?));
    assert!(found.broken.is_empty(), "{found:?}");
}
