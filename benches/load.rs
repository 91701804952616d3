//! Measures sign-ins and pages of the running product: `scripts/bench` builds it and calls this with a database's
//! address; `scripts/soak` keeps it busy for long.
//!
//! The server is the release binary in a process of its own, the provider another process, this the third:
//! all on the same cores, so the figures are of the whole.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a bench fails by panicking"
)]

mod wire;

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use vestibule::access::{
    AccountStanding, DomainStanding, EmailAddress, Identity, InvitationStanding, MemberStanding, Policy,
    Role, Seats, Standing, decide,
};
use vestibule::saml::SpKey;
use vestibule::store::time;
use wire::acme::{self, Acme, OWNER};
use wire::people::{Browser, SamlProvider};
use wire::{
    Measured, Process, Wire, await_listener, median, on_one_thread, resident, runs_of_a_row,
    seconds_of_a_run, spent, together,
};

const PEOPLE: usize = 1_000;
const DENIALS: usize = 100_000;

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    match arguments
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        ["provider"] => run_provider(),
        ["load", name, database, binary] => load(name, database, binary),
        ["soak", database, binary, seconds, rate] => {
            soak(database, binary, seconds.parse().unwrap(), rate.parse().unwrap());
        }
        [] => println!("Run scripts/bench: it starts what this needs."),
        other => panic!("unknown arguments: {other:?}"),
    }
}

/// A provider on a free port that it prints.
fn run_provider() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("{}", listener.local_addr().unwrap());
    on_one_thread(wire::provider::serve(listener));
}

/// A product at work, with its provider.
struct Site {
    product: String,
    provider: String,
    acme: Acme,
    saml: SamlProvider,
    server: Process,
    _provider: Process,
    _folder: tempfile::TempDir,
    started: Duration,
}

impl Site {
    fn open(database: &str, binary: &str, denials: usize, directory: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("key");
        let (child, provider) = start_provider();
        let product = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .to_string();
        let idp = SpKey::generate("idp", time::now()).unwrap();
        let mut acme = acme::make(database, &key, &format!("http://{provider}"), &idp);
        acme::deny(database, &acme, denials);
        if directory {
            acme.token = acme::directory(database, &acme.oidc);
        }
        let saml = SamlProvider::new(idp, &product, &acme.saml);
        let begun = Instant::now();
        let mut server = Command::new(binary);
        server
            .env("DATABASE_URL", database)
            .env("VESTIBULE_KEY_FILE", &key)
            .env("VESTIBULE_LISTEN", &product)
            .env("VESTIBULE_OUTBOUND_ALLOW", "127.0.0.0/8")
            // Everybody here comes from one address.
            .env("VESTIBULE_RATE_LIMIT", "0")
            .env("VESTIBULE_SCIM_RATE_LIMIT", "0")
            .env("VESTIBULE_LOG", "error");
        let server = Process(server.spawn().unwrap());
        await_listener(&product);
        on_one_thread(async {
            let request = format!("GET /healthz HTTP/1.1\r\nHost: {product}\r\n\r\n");
            assert_eq!(Wire::to(&product).await.ask(request.as_bytes()).await.status, 200);
        });
        Self {
            started: begun.elapsed(),
            product,
            provider,
            acme,
            saml,
            server,
            _provider: child,
            _folder: folder,
        }
    }

    fn process(&self) -> u32 {
        self.server.0.id()
    }
}

fn start_provider() -> (Process, String) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .arg("provider")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut address = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut address)
        .unwrap();
    (Process(child), address.trim().to_owned())
}

fn load(name: &str, database: &str, binary: &str) {
    let site = Rc::new(Site::open(database, binary, DENIALS, false));
    row(
        name,
        "start to first answer",
        &format!("{} ms", site.started.as_millis()),
    );
    row(
        name,
        "resident memory, idle",
        &format!("{:.1} MB", resident(site.process())),
    );
    on_one_thread(async {
        // Everybody's first sign-in makes them a member, just in time; then they are members.
        sign_ins(&site, Way::Oidc, 8, Some(PEOPLE)).await;
        sign_ins(&site, Way::Saml, 8, Some(PEOPLE)).await;
        for (way, what, at_a_time) in [
            (Way::Oidc, "OIDC", 1),
            (Way::Oidc, "OIDC", 16),
            (Way::Saml, "SAML", 1),
            (Way::Saml, "SAML", 16),
        ] {
            let mut runs = Vec::new();
            for _ in 0..runs_of_a_row() {
                runs.push(sign_ins(&site, way, at_a_time, None).await);
            }
            row(
                name,
                &format!("complete sign-ins by {what}, {at_a_time} at a time"),
                &median(&runs),
            );
        }
        for at_a_time in [1, 8] {
            let mut runs = Vec::new();
            for _ in 0..runs_of_a_row() {
                runs.push(pages(&site, at_a_time, "/orgs/acme/denied?state=any").await);
            }
            row(
                name,
                &format!("denied list, 100,000 records, {at_a_time} at a time"),
                &median(&runs),
            );
        }
    });
    row(
        name,
        "resident memory, after the load",
        &format!("{:.1} MB", resident(site.process())),
    );
    if name == "SQLite" {
        let megabytes =
            wire::number(usize::try_from(std::fs::metadata(binary).unwrap().len()).unwrap()) / 1_048_576.0;
        row("–", "release binary", &format!("{megabytes:.1} MB"));
        row("–", "decide", &decisions());
    }
}

fn row(database: &str, what: &str, figure: &str) {
    println!("| {database} | {what} | {figure} |");
}

#[derive(Clone, Copy)]
enum Way {
    Oidc,
    Saml,
}

/// Signs in for some seconds (or so many times), each time as the next person in a new browser.
async fn sign_ins(site: &Rc<Site>, way: Way, at_a_time: usize, exactly: Option<usize>) -> Measured {
    let (begun, next) = (Instant::now(), Rc::new(AtomicUsize::new(0)));
    let before = spent(site.process());
    let workers = (0..at_a_time).map(|_| {
        let (site, next) = (Rc::clone(site), Rc::clone(&next));
        async move {
            let mut browser = Browser::new(&site.product, &site.provider).await;
            let mut times = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let is_over = match exactly {
                    Some(most) => number >= most,
                    None => begun.elapsed() >= seconds_of_a_run(),
                };
                if is_over {
                    return times;
                }
                let (one, person) = (Instant::now(), format!("p{}", number % PEOPLE));
                let status = match way {
                    Way::Oidc => browser.by_oidc(&person).await,
                    Way::Saml => browser.by_saml(&site.saml, &person).await,
                };
                assert_eq!(status, 303, "{person} is not in");
                times.push(one.elapsed());
            }
        }
    });
    Measured {
        times: together(workers).await.into_iter().flatten().collect(),
        lasted: begun.elapsed(),
        spent: spent(site.process()).saturating_sub(before),
    }
}

/// The owner's browser.
async fn owner(site: &Site) -> Browser {
    let mut browser = Browser::new(&site.product, &site.provider).await;
    browser.by_password(OWNER.0, OWNER.1).await;
    browser
}

async fn pages(site: &Rc<Site>, at_a_time: usize, path: &'static str) -> Measured {
    let (owner, mut browsers) = (owner(site).await, Vec::new());
    for _ in 0..at_a_time {
        browsers.push(owner.like(&site.product, &site.provider).await);
    }
    let (begun, before) = (Instant::now(), spent(site.process()));
    let workers = browsers.into_iter().map(|mut browser| async move {
        let mut times = Vec::new();
        while begun.elapsed() < seconds_of_a_run() {
            let one = Instant::now();
            assert_eq!(browser.get(path).await.0, 200);
            times.push(one.elapsed());
        }
        times
    });
    Measured {
        times: together(workers).await.into_iter().flatten().collect(),
        lasted: begun.elapsed(),
        spent: spent(site.process()).saturating_sub(before),
    }
}

/// How long a soak looks at what the machine can do: long enough for what PostgreSQL does every minute to be in it.
const PEAK: Duration = Duration::from_mins(1);

/// What a soak does, and for how long.
#[derive(Clone, Copy)]
struct Plan {
    begun: Instant,
    lasts: Duration,
    /// The number of its first thing: nobody is made twice.
    first: usize,
    /// So many things a second; as many as can be, where there is none.
    rate: Option<f64>,
}

impl Plan {
    /// When it is time for this thing; nothing once it is over.
    fn due(&self, number: usize) -> Option<Duration> {
        let due = match self.rate {
            Some(rate) => Duration::from_secs_f64(wire::number(number - self.first) / rate),
            None => self.begun.elapsed(),
        };
        (due < self.lasts).then_some(due)
    }
}

/// Sign-ins by both protocols, denials, a directory and an owner's pages, so many things a second (0: 80 % of what it
/// can do, which is looked at first), for so long. Fails at the first wrong answer; answers how long each took and how
/// the memory went.
fn soak(database: &str, binary: &str, seconds: u64, rate: f64) {
    let site = Rc::new(Site::open(database, binary, 1_000, true));
    let lasts = Duration::from_secs(seconds);
    on_one_thread(async {
        let owner = Rc::new(owner(&site).await);
        let mut first = 0;
        let mut rate = rate;
        if rate == 0.0 {
            let plan = Plan {
                begun: Instant::now(),
                lasts: PEAK,
                first,
                rate: None,
            };
            let done = mixed(&site, &owner, plan).await;
            first = done.len() + 100;
            let quarters = parts(&done, PEAK, 4);
            let rates = quarters
                .iter()
                .map(|times| wire::number(times.len()) / (PEAK / 4).as_secs_f64());
            let rates: Vec<f64> = rates.map(f64::round).collect();
            // What it does in a good moment it can't keep up.
            let peak = rates.iter().copied().reduce(f64::min).unwrap();
            rate = peak * 0.8;
            println!("at its peak {}", median(&[whole(&done, plan.begun)]));
            println!("a second in each quarter of that: {rates:?}; so {rate:.0}/s from here");
        }
        let watch = tokio::task::spawn_local(memory(Rc::clone(&site), lasts));
        let plan = Plan {
            begun: Instant::now(),
            lasts,
            first,
            rate: Some(rate),
        };
        let done = mixed(&site, &owner, plan).await;
        let measured = whole(&done, plan.begun);
        println!("{}, no error", median(std::slice::from_ref(&measured)));
        let late: Vec<f64> = parts(&done, lasts, 40)
            .into_iter()
            .filter(|times| !times.is_empty())
            .map(|times| made_of(times, lasts / 40).at(99).round())
            .collect();
        println!("p99 of each fortieth of the time, ms: {late:?}");
        let memory = watch.await.unwrap();
        println!("resident memory, MB: {memory:?}");
        // After a quarter of the time everything that is kept in memory is there.
        let (warm, end) = (memory[memory.len() / 4], memory[memory.len() - 1]);
        assert!(end < warm * 1.1 + 4.0, "memory grew from {warm} to {end} MB");
        assert!(measured.at(99) < 300.0, "p99 is {:.0} ms", measured.at(99));
    });
}

/// Of each thing: when its turn was, and how long it took from then.
type Done = Vec<(Duration, Duration)>;

async fn mixed(site: &Rc<Site>, owner: &Rc<Browser>, plan: Plan) -> Done {
    let next = Rc::new(AtomicUsize::new(plan.first));
    let workers = (0..32).map(|_| busy(Rc::clone(site), Rc::clone(owner), Rc::clone(&next), plan));
    together(workers).await.into_iter().flatten().collect()
}

fn made_of(times: Vec<Duration>, lasted: Duration) -> Measured {
    Measured {
        times,
        lasted,
        spent: Duration::ZERO,
    }
}

fn whole(done: &Done, begun: Instant) -> Measured {
    made_of(done.iter().map(|(_, took)| *took).collect(), begun.elapsed())
}

/// How long things took in each of so many parts of the time.
fn parts(done: &Done, lasts: Duration, many: u32) -> Vec<Vec<Duration>> {
    let mut parts = vec![Vec::new(); usize::try_from(many).unwrap()];
    let last = parts.len() - 1;
    for (due, took) in done {
        let part = due.as_micros() / (lasts / many).as_micros();
        parts[usize::try_from(part).unwrap().min(last)].push(*took);
    }
    parts
}

async fn memory(site: Rc<Site>, lasts: Duration) -> Vec<f64> {
    let mut seen = Vec::new();
    for _ in 0..40 {
        tokio::time::sleep(lasts / 40).await;
        seen.push((resident(site.process()) * 10.0).round() / 10.0);
    }
    seen
}

/// One of many: takes the next thing when its time has come. How late it was counts as well.
async fn busy(site: Rc<Site>, owner: Rc<Browser>, next: Rc<AtomicUsize>, plan: Plan) -> Done {
    let mut browser = Browser::new(&site.product, &site.provider).await;
    let mut owner = owner.like(&site.product, &site.provider).await;
    let mut wire = Wire::to(&site.product).await;
    let mut times = Vec::new();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let Some(due) = plan.due(number) else {
            return times;
        };
        tokio::time::sleep(due.saturating_sub(plan.begun.elapsed())).await;
        let person = format!("p{}", number * 7_919 % PEOPLE);
        let (what, expected, status) = match number % 10 {
            0..=2 => ("a sign-in by OIDC", 303, browser.by_oidc(&person).await),
            3 => (
                "a sign-in by SAML",
                303,
                browser.by_saml(&site.saml, &person).await,
            ),
            4 => ("a denial", 403, browser.by_oidc(&format!("x{number}")).await),
            5 | 6 => (
                "a new person",
                201,
                asked(&mut wire, &site, "POST", "/Users", &user(number)).await,
            ),
            7 | 8 => {
                let filter = format!("/Users?filter=userName%20eq%20%22{person}%40acme.example%22");
                ("a filter", 200, asked(&mut wire, &site, "GET", &filter, "").await)
            }
            _ => {
                let pages = ["/orgs/acme/denied", "/orgs/acme/sign-ins", "/orgs/acme/audit"];
                let page = pages[number / 10 % pages.len()];
                (page, 200, owner.get(page).await.0)
            }
        };
        assert_eq!(status, expected, "number {number}, {what}");
        times.push((due, plan.begun.elapsed().saturating_sub(due)));
    }
}

async fn asked(wire: &mut Wire, site: &Site, method: &str, path: &str, body: &str) -> u16 {
    let request = format!(
        "{method} /scim/v2{path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/scim+json\r\nContent-Length: {}\r\n\r\n{body}",
        site.product,
        site.acme.token,
        body.len()
    );
    wire.ask(request.as_bytes()).await.status
}

fn user(number: usize) -> String {
    format!(
        r#"{{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"d{number}@acme.example","active":true}}"#
    )
}

fn decisions() -> String {
    const TIMES: u32 = 1_000_000;
    let policy = Policy {
        jit: false,
        scim: false,
        default_role: Role::Member,
        default_team: None,
        mapping: Vec::new(),
        convention: None,
    };
    let identity = Identity {
        connection: "c".into(),
        issuer: "https://id.example".into(),
        subject: "s".into(),
        email: EmailAddress::parse("ada@acme.example").ok(),
        email_verified: Some(true),
        name: vestibule::access::PersonName::default(),
        groups: None,
    };
    let standing = Standing {
        account: AccountStanding::None,
        member: MemberStanding::No,
        invitation: InvitationStanding::None,
        seats: Seats::Free,
        domain: DomainStanding::Verified,
    };
    let begun = Instant::now();
    for _ in 0..TIMES {
        std::hint::black_box(decide(std::hint::black_box(&policy), &identity, &standing));
    }
    let each = begun.elapsed() / TIMES;
    format!(
        "{:.1} million/s, {} ns each",
        1_000.0 / f64::from(u32::try_from(each.as_nanos()).unwrap()),
        each.as_nanos()
    )
}
