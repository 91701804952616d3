//! Measures the running product: `scripts/bench` builds it and calls this with a database's address.
//!
//! The server is the release binary in a process of its own, the provider another process, this the third:
//! all on the same cores, so the figures are of the whole.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::too_many_lines,
    reason = "a bench fails by panicking"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Client, redirect};
use vestibule::access::{
    AccountStanding, DomainName, DomainStanding, EmailAddress, Identity, InvitationStanding, MappedGroup,
    MemberStanding, Policy, Role, Seats, Standing, Trace, decide,
};
use vestibule::audit::Actor;
use vestibule::connections::{self, State};
use vestibule::demo::provider::{self, Person, Provider};
use vestibule::dry_run::{Question, explain};
use vestibule::previews::{Change, DAYS, Progress, replay};
use vestibule::sign_in::{NewOwner, make_owner};
use vestibule::sign_ins::{Outcome, Record};
use vestibule::store::sealed::Sealer;
use vestibule::store::time::{self, Clock};
use vestibule::store::{Conn, Store, id};
use vestibule::web::Problem;
use vestibule::{accounts, denied, domains, sign_ins};

const PEOPLE: usize = 1_000;
const DENIALS: usize = 100_000;
const PASSWORD: &str = "olive opens the door";
const SECRET: &str = "a secret of the bench";
const SECONDS: u64 = 4;

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
        ["foresight", name, database, binary] => foresight(name, database, binary),
        [] => println!("Run scripts/bench: it starts what this needs."),
        other => panic!("unknown arguments: {other:?}"),
    }
}

/// A provider with a thousand people, on a free port that it prints; its callback comes by standard input.
fn run_provider() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let issuer = format!("http://{}", listener.local_addr().unwrap());
    println!("{issuer}");
    let mut callback = String::new();
    std::io::stdin().read_line(&mut callback).unwrap();
    let client = provider::Client {
        id: "vestibule".into(),
        secret: SECRET.into(),
        redirect_uris: vec![callback.trim().into()],
    };
    let people = (0..PEOPLE).map(person).collect();
    let provider = Provider::new(issuer, vec![client], people, Clock::system()).unwrap();
    actix_web::rt::System::new()
        .block_on(async { provider::run(&provider, listener).unwrap().await })
        .unwrap();
}

fn person(number: usize) -> Person {
    Person {
        key: format!("p{number}"),
        name: format!("Person {number}"),
        given_name: "Person".into(),
        family_name: number.to_string(),
        email: format!("p{number}@acme.example"),
        email_verified: Some(true),
        groups: vec!["everyone".into()],
        about: "",
    }
}

/// A child that goes with the bench.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn load(name: &str, database: &str, binary: &str) {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    let (provider, issuer, mut callback) = start_provider();
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let origin = format!("http://127.0.0.1:{port}");
    let connection = seed(database, &key, &issuer);
    std::io::Write::write_all(
        &mut callback,
        format!("{origin}/sign-in/oidc/{connection}/callback\n").as_bytes(),
    )
    .unwrap();
    drop(callback);

    let begun = Instant::now();
    let mut server = Command::new(binary);
    server
        .env("DATABASE_URL", database)
        .env("VESTIBULE_KEY_FILE", &key)
        .env("VESTIBULE_LISTEN", format!("127.0.0.1:{port}"))
        .env("VESTIBULE_OUTBOUND_ALLOW", "127.0.0.0/8")
        .env("VESTIBULE_LOG", "error");
    let server = Process(server.spawn().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let client = client();
        while client.get(format!("{origin}/healthz")).send().await.is_err() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let started = begun.elapsed();
        let idle = resident(server.0.id());
        row(
            name,
            "start to first answer",
            &format!("{} ms", started.as_millis()),
        );
        row(name, "resident memory, idle", &format!("{idle:.1} MB"));
        // Everybody's first sign-in makes them a member, just in time; then they are members.
        let _ = sign_ins(&origin, 8, PEOPLE).await;
        for at_a_time in [1, 16] {
            let figures = sign_ins(&origin, at_a_time, 0).await;
            row(
                name,
                &format!("complete sign-ins, {at_a_time} at a time"),
                &figures,
            );
        }
        let cookies = owner(&origin).await;
        for at_a_time in [1, 8] {
            let figures = pages(&origin, &cookies, at_a_time, "/orgs/acme/denied?state=any").await;
            row(
                name,
                &format!("denied list, 100,000 records, {at_a_time} at a time"),
                &figures,
            );
        }
        row(
            name,
            "resident memory, after the load",
            &format!("{:.1} MB", resident(server.0.id())),
        );
    });
    if name == "SQLite" {
        row("–", "decide", &decisions());
    }
    drop((server, provider));
}

/// Previews over a hundred thousand members and sign-ins, dry runs, and a queue of a million people.
fn foresight(name: &str, database: &str, binary: &str) {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    let (store, sealer, now) = (
        Store::open(database).unwrap(),
        Sealer::from_file(&key).unwrap(),
        time::now(),
    );
    store.migrate().unwrap();
    let hash = accounts::hash(PASSWORD).unwrap();
    let (organization, connection) = store
        .write(|conn| acme(conn, now, &sealer, "http://127.0.0.1:9", &hash))
        .unwrap();
    crowd(&store, &organization, &connection, now);
    let team = store
        .write(|conn| {
            vestibule::teams::actions::create(conn, now, &Actor::operator(), &organization, "Engineering")
        })
        .unwrap();
    let mapping = vec![MappedGroup {
        group: "eng".into(),
        team,
        role: Role::Member,
    }];
    let changes = [
        (
            "just-in-time off",
            Change::Jit {
                connection: connection.clone(),
                on: false,
            },
        ),
        (
            "no domain",
            Change::Domains {
                connection: connection.clone(),
                domains: BTreeSet::new(),
            },
        ),
        (
            "a table of groups",
            Change::Groups {
                connection: connection.clone(),
                mapping,
                convention: false,
            },
        ),
    ];
    for (what, change) in changes {
        // Forgets the highest mark so far, so that the next one is of the preview alone.
        std::fs::write("/proc/self/clear_refs", "5").unwrap();
        let (before, begun) = (memory("VmRSS:", "self"), Instant::now());
        let found = store
            .read(|conn| replay(conn, now, &organization, &change, DAYS, &Progress::default()))
            .unwrap();
        let (took, most) = (begun.elapsed(), memory("VmHWM:", "self") - before);
        row(
            name,
            &format!(
                "preview of {what}, {} people, {} differ",
                found.people,
                found.lines.len()
            ),
            &format!("{:.1} s, {most:.0} MB", took.as_secs_f64()),
        );
    }
    let question = Question {
        connection: "acme-id".into(),
        email: Some("p77@acme.example".into()),
        ..Question::default()
    };
    let begun = Instant::now();
    for _ in 0..100 {
        store
            .read(|conn| explain(conn, now, &organization, &question))
            .unwrap();
    }
    row(
        name,
        "dry run",
        &format!("{:.1} ms", begun.elapsed().as_secs_f64() * 10.0),
    );
    queue(&store, &organization, &connection, now);
    queue_page(name, database, binary, &key);
}

/// A hundred thousand members, each of whom has signed in.
fn crowd(store: &Store, organization: &str, connection: &str, now: i64) {
    const CROWD: usize = 100_000;
    for start in (0..CROWD).step_by(1_000) {
        let rows = |one: &dyn Fn(usize) -> String| -> String {
            (start..start + 1_000)
                .map(|number| format!("({})", one(number)))
                .collect::<Vec<_>>()
                .join(",")
        };
        let at = |number: usize| now - i64::try_from(number).unwrap() * 60_000;
        let accounts = rows(&|n| {
            format!(
                "'a{n:06}','p{n}@acme.example','p{n}@acme.example','Person {n}','person {n}','person{n}',{now},{now}"
            )
        });
        let identities =
            rows(&|n| format!("'i{n:06}','{connection}','http://127.0.0.1:9','s{n}','a{n:06}',{now}"));
        let members =
            rows(&|n| format!("'m{n:06}','{organization}','a{n:06}','member','active','jit',{now},{now}"));
        let sign_ins = rows(&|n| {
            let id = format!("{:012x}{n:020}", at(n));
            let groups = if n % 3 == 0 {
                r#"["eng","all"]"#
            } else {
                r#"["all"]"#
            };
            format!(
                "'{id}','{organization}','{connection}','oidc',{},'admitted','member','r{n}','email:p{n}@acme.example','a{n:06}','http://127.0.0.1:9','s{n}','p{n}@acme.example',TRUE,'Person {n}','{groups}'",
                at(n)
            )
        });
        let statements = format!(
            "INSERT INTO accounts (id,email,email_key,full_name,name_key,username,admitted_at,created_at) VALUES {accounts};\
             INSERT INTO identities (id,connection_id,issuer,subject,account_id,linked_at) VALUES {identities};\
             INSERT INTO members (id,organization_id,account_id,role,state,source,joined_at,state_changed_at) VALUES {members};\
             INSERT INTO sign_ins (id,organization_id,connection_id,protocol,at,outcome,reason,reference,person_key,account_id,issuer,subject,email,email_verified,name,groups_json) VALUES {sign_ins};"
        );
        store.write(|conn| conn.batch_execute(&statements)).unwrap();
    }
    store.write(|conn| conn.batch_execute("ANALYZE")).unwrap();
}

/// A million people who were denied.
fn queue(store: &Store, organization: &str, connection: &str, now: i64) {
    for start in (0..1_000_000_i64).step_by(2_000) {
        let rows: Vec<String> = (start..start + 2_000)
            .map(|n| {
                let (at, state) = (now - n * 5_000, if n % 4 == 0 { "open" } else { "dismissed" });
                format!("('d{n:07}','{organization}','email:x{n}@other.example','x{n}@other.example','x{n}@other.example','other.example','X {n}','x{n}@other.example x {n}','{connection}','not_invited','{state}',{at},{at},'s','r{n}',{at})")
            })
            .collect();
        let statement = format!(
            "INSERT INTO denials (id,organization_id,person_key,email,email_key,domain,name,search_key,connection_id,reason,state,first_at,last_at,last_sign_in_id,reference,state_at) VALUES {}",
            rows.join(",")
        );
        store.write(|conn| conn.batch_execute(&statement)).unwrap();
    }
    store.write(|conn| conn.batch_execute("ANALYZE")).unwrap();
}

fn queue_page(name: &str, database: &str, binary: &str, key: &Path) {
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let origin = format!("http://127.0.0.1:{port}");
    let mut server = Command::new(binary);
    server
        .env("DATABASE_URL", database)
        .env("VESTIBULE_KEY_FILE", key)
        .env("VESTIBULE_LISTEN", format!("127.0.0.1:{port}"))
        .env("VESTIBULE_LOG", "error");
    let server = Process(server.spawn().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        while client().get(format!("{origin}/healthz")).send().await.is_err() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let cookies = owner(&origin).await;
        for path in [
            "/orgs/acme/denied",
            "/orgs/acme/denied?state=any",
            "/orgs/acme/denied?assigned=nobody",
        ] {
            let figures = pages(&origin, &cookies, 1, path).await;
            row(name, &format!("`{path}`, 1,000,000 records"), &figures);
        }
    });
    drop(server);
}

/// A line of what Linux says of a process's memory, in megabytes.
fn memory(what: &str, process: &str) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(what)).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse::<f64>().unwrap() / 1_024.0
}

fn row(database: &str, what: &str, figure: &str) {
    println!("| {database} | {what} | {figure} |");
}

fn start_provider() -> (Process, String, std::process::ChildStdin) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .arg("provider")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut issuer = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut issuer)
        .unwrap();
    let callback = child.stdin.take().unwrap();
    (Process(child), issuer.trim().to_owned(), callback)
}

/// Acme, its connection, and a hundred thousand people who were denied. Answers the connection's id.
fn seed(database: &str, key: &Path, issuer: &str) -> String {
    let (store, sealer, now) = (
        Store::open(database).unwrap(),
        Sealer::from_file(key).unwrap(),
        time::now(),
    );
    store.migrate().unwrap();
    let hash = accounts::hash(PASSWORD).unwrap();
    let (organization, connection) = store
        .write(|conn| acme(conn, now, &sealer, issuer, &hash))
        .unwrap();
    for batch in 0..DENIALS / 10_000 {
        store
            .write(|conn| -> Result<(), Problem> {
                for number in 0..10_000 {
                    let number = batch * 10_000 + number;
                    let record = denial(&organization, &connection, number, now);
                    let denial = denied::actions::note(conn, &record)?;
                    sign_ins::insert(conn, &record, Some(&denial))?;
                }
                Ok(())
            })
            .unwrap();
    }
    connection
}

fn acme(
    conn: &mut Conn,
    now: i64,
    sealer: &Sealer,
    issuer: &str,
    hash: &str,
) -> Result<(String, String), Problem> {
    let (actor, email) = (
        Actor::operator(),
        EmailAddress::parse("olive@acme.example").unwrap(),
    );
    let owner = NewOwner {
        slug: "acme",
        organization_name: "Acme",
        email: &email,
        name: "Olive",
        password_hash: Some(hash),
        operator: false,
    };
    let (organization, _) = make_owner(conn, now, &actor, &owner)?;
    let settings = connections::Settings {
        name: "Acme ID".into(),
        slug: "acme-id".into(),
        issuer: issuer.into(),
        client_id: "vestibule".into(),
        client_secret: Some(SECRET.into()),
        default_role: Role::Member,
        ..connections::Settings::default()
    };
    let made = connections::actions::create(conn, now, &actor, sealer, &organization.id, &settings)?;
    let made = connections::actions::set_state(conn, now, &actor, &made, State::On)?;
    let domain = domains::actions::add(
        conn,
        now,
        &actor,
        &organization.id,
        &DomainName::parse("acme.example").unwrap(),
    )?;
    domains::actions::vouch(conn, now, &actor, &organization.id, &domain)?;
    connections::actions::attach_domain(conn, now, &actor, &made, &domain)?;
    Ok((organization.id, made.id))
}

fn denial(organization: &str, connection: &str, number: usize, now: i64) -> Record {
    Record {
        id: id::new_id(),
        organization: organization.to_owned(),
        connection: Some(connection.to_owned()),
        connection_name: "Acme ID".into(),
        protocol: "oidc",
        at: now - i64::try_from(number).unwrap() * 20_000,
        outcome: Outcome::Denied,
        reason: "not_invited".into(),
        detail: String::new(),
        reference: id::new_reference() + &number.to_string(),
        account: None,
        issuer: "https://id.example".into(),
        subject: number.to_string(),
        email: format!("stranger{number}@other{}.example", number % 50),
        email_verified: Some(true),
        name: format!("Stranger {number}"),
        groups: None,
        trace: Trace::default(),
        evidence: serde_json::json!({}),
        client: vestibule::web::Client {
            ip: "203.0.113.7".into(),
            user_agent: "bench".into(),
        },
    }
}

fn client() -> Client {
    Client::builder()
        .redirect(redirect::Policy::none())
        .no_proxy()
        .timeout(Duration::from_secs(20))
        .build()
        .unwrap()
}

/// Signs in for some seconds (or `exactly` so many times), each time as the next person in a new browser.
async fn sign_ins(origin: &str, at_a_time: usize, exactly: usize) -> String {
    let begun = Instant::now();
    let next = Arc::new(AtomicUsize::new(0));
    let workers = (0..at_a_time).map(|_| {
        let (origin, next, client) = (origin.to_owned(), Arc::clone(&next), client());
        async move {
            let mut times = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let over = if exactly > 0 {
                    number >= exactly
                } else {
                    begun.elapsed().as_secs() >= SECONDS
                };
                if over {
                    return times;
                }
                let one = Instant::now();
                sign_in(&client, &origin, number % PEOPLE).await;
                times.push(one.elapsed());
            }
        }
    });
    figures(begun, join(workers).await)
}

async fn join(workers: impl Iterator<Item = impl Future<Output = Vec<Duration>> + 'static>) -> Vec<Duration> {
    let set = tokio::task::LocalSet::new();
    set.run_until(async {
        let tasks: Vec<_> = workers.map(tokio::task::spawn_local).collect();
        let mut all = Vec::new();
        for task in tasks {
            all.extend(task.await.unwrap());
        }
        all
    })
    .await
}

fn figures(begun: Instant, mut times: Vec<Duration>) -> String {
    let seconds = begun.elapsed().as_secs_f64();
    times.sort_unstable();
    let at =
        |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)].as_secs_f64() * 1_000.0;
    format!(
        "{:.0}/s, p50 {:.1} ms, p99 {:.1} ms",
        f64::from(u32::try_from(times.len()).unwrap()) / seconds,
        at(50),
        at(99)
    )
}

/// From the first click to the session's cookie.
async fn sign_in(client: &Client, origin: &str, number: usize) {
    let mut cookies = BTreeMap::new();
    let mut at = format!("{origin}/sign-in/acme/acme-id");
    for _ in 0..4 {
        let request = if at.contains("/authorize") {
            client.post(&at).form(&[("person", format!("p{number}"))])
        } else {
            client.get(&at)
        };
        let answer = request.header(COOKIE, jar(&cookies)).send().await.unwrap();
        keep(&mut cookies, &answer);
        if cookies.contains_key("vestibule_session") {
            return;
        }
        let to = answer
            .headers()
            .get(LOCATION)
            .unwrap_or_else(|| panic!("{at} answered {}", answer.status()));
        let to = to.to_str().unwrap();
        at = if to.starts_with('/') {
            format!("{origin}{to}")
        } else {
            to.to_owned()
        };
    }
    panic!("no session after four steps, but {at}");
}

fn jar(cookies: &BTreeMap<String, String>) -> String {
    cookies
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect::<Vec<_>>()
        .join("; ")
}

fn keep(cookies: &mut BTreeMap<String, String>, answer: &reqwest::Response) {
    for cookie in answer.headers().get_all(SET_COOKIE) {
        let pair = cookie.to_str().unwrap().split(';').next().unwrap();
        let (name, value) = pair.split_once('=').unwrap();
        cookies.insert(name.to_owned(), value.to_owned());
    }
}

/// Signs the owner in by password and answers the cookies.
async fn owner(origin: &str) -> String {
    let (client, mut cookies) = (client(), BTreeMap::new());
    let page = client.get(format!("{origin}/sign-in")).send().await.unwrap();
    keep(&mut cookies, &page);
    let page = page.text().await.unwrap();
    let token = page
        .split("name=\"form_token\" value=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .expect("a form")
        .to_owned();
    let form = [
        ("form_token", token.as_str()),
        ("email", "olive@acme.example"),
        ("password", PASSWORD),
    ];
    let request = client
        .post(format!("{origin}/sign-in/password"))
        .form(&form)
        .header(COOKIE, jar(&cookies));
    keep(&mut cookies, &request.send().await.unwrap());
    assert!(cookies.contains_key("vestibule_session"));
    jar(&cookies)
}

async fn pages(origin: &str, cookies: &str, at_a_time: usize, path: &str) -> String {
    let begun = Instant::now();
    let workers = (0..at_a_time).map(|_| {
        let (client, address, cookies) = (client(), format!("{origin}{path}"), cookies.to_owned());
        async move {
            let mut times = Vec::new();
            while begun.elapsed().as_secs() < SECONDS {
                let one = Instant::now();
                let answer = client
                    .get(&address)
                    .header(COOKIE, &cookies)
                    .send()
                    .await
                    .unwrap();
                assert_eq!(answer.status(), 200);
                answer.bytes().await.unwrap();
                times.push(one.elapsed());
            }
            times
        }
    });
    figures(begun, join(workers).await)
}

/// Megabytes of memory that the process holds, by Linux.
fn resident(process: u32) -> f64 {
    memory("VmRSS:", &process.to_string())
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
