//! Measures the pages that an administrator lives in, on an organization of 100,000 members, 100,000 invitations and
//! 1,000,000 sign-ins: `scripts/bench --only pages` builds the product and calls this with a database's address. With a number of
//! people, how they grow with it.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a bench fails by panicking"
)]

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection};
use reqwest::header::{COOKIE, SET_COOKIE};
use reqwest::{Client, redirect};
use vestibule::access::EmailAddress;
use vestibule::accounts;
use vestibule::audit::Actor;
use vestibule::sign_in::{NewOwner, make_owner};
use vestibule::store::sealed::Sealer;
use vestibule::store::{DbError, Store, time};
use vestibule::teams;

const PASSWORD: &str = "olive opens the door";
const SECONDS: u64 = 3;
const PEOPLE: usize = 100_000;
/// At most; ten for each person.
const SIGN_INS: usize = 1_000_000;
const AT_ONCE: usize = 2_000;

/// Every list with what one filters and sorts it by, and the pages of one of each.
const PAGES: [&str; 29] = [
    "",
    "/members",
    "/members?after=m00050000.person%2050000",
    "/members?sort=seen",
    "/members?sort=newest&role=admin",
    "/members?source=setup",
    "/members?q=person",
    "/members?q=p777",
    "/members?team=TEAM",
    "/members?team=TEAM&q=person+9",
    "/members/m00000777",
    "/members/bulk?deed=deactivate&whom=all&q=p777",
    "/teams",
    "/teams/TEAM",
    "/teams/TEAM?find=p777",
    "/teams/TEAM?find=person+9",
    "/invitations",
    "/invitations?state=pending",
    "/invitations?state=expired",
    "/invitations?q=guest777",
    "/invitations?q=guest",
    "/denied",
    "/denied?state=any&reason=not_invited",
    "/sign-ins",
    "/sign-ins?outcome=rejected",
    "/sign-ins?email=p777@acme.example",
    "/audit",
    "/connections",
    "/domains",
];

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
        [name, database, binary] => measure(name, database, binary, PEOPLE, &[1, 16]),
        [name, database, binary, people] => {
            measure(name, database, binary, people.parse().expect("a number"), &[1]);
        }
        _ => println!("Run scripts/bench --only pages: it starts what this needs."),
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

/// Prints a line for each page, with a column for each number of requests at a time.
fn measure(name: &str, database: &str, binary: &str, people: usize, at_a_time: &[usize]) {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let origin = format!("http://127.0.0.1:{port}");
    let team = seed(database, &key, people);
    let mut server = Command::new(binary);
    server
        .env("DATABASE_URL", database)
        .env("VESTIBULE_KEY_FILE", &key)
        .env("VESTIBULE_LISTEN", format!("127.0.0.1:{port}"))
        .env("VESTIBULE_LOG", "error");
    let server = Process(server.spawn().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        while client().get(format!("{origin}/healthz")).send().await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let cookies = owner(&origin).await;
        for page in PAGES {
            let address = format!("{origin}/orgs/acme{}", page.replace("TEAM", &team));
            let mut figures = Vec::new();
            for number in at_a_time {
                figures.push(asked(&address, &cookies, *number).await);
            }
            let shown = if page.is_empty() { "(home)" } else { page };
            println!("| {name} | `{shown}` | {} |", figures.join(" | "));
        }
        let begun = Instant::now();
        let file = client()
            .get(format!("{origin}/orgs/acme/members.csv"))
            .header(COOKIE, &cookies);
        let bytes = file.send().await.unwrap().bytes().await.unwrap().len();
        println!(
            "| {name} | `/members.csv`, {bytes} bytes | {:.1} s |{}",
            begun.elapsed().as_secs_f64(),
            " |".repeat(at_a_time.len() - 1)
        );
    });
    drop(server);
}

/// Acme as it is after years. Answers the id of a team of half its people.
fn seed(database: &str, key: &Path, number: usize) -> String {
    let (store, now) = (Store::open(database).unwrap(), time::now());
    Sealer::from_file(key).unwrap();
    store.migrate().unwrap();
    let hash = accounts::hash(PASSWORD).unwrap();
    let owner = NewOwner {
        slug: "acme",
        organization_name: "Acme",
        email: &EmailAddress::parse("olive@acme.example").unwrap(),
        name: "Olive",
        password_hash: Some(&hash),
        operator: false,
    };
    let actor = Actor::operator();
    let (organization, team) = store
        .write(|conn| {
            let (organization, _) = make_owner(conn, now, &actor, &owner)?;
            let team = teams::actions::create(conn, now, &actor, &organization.id, "Half")?;
            Ok::<_, vestibule::web::Problem>((organization.id, team))
        })
        .unwrap();
    for begin in (0..number).step_by(AT_ONCE) {
        people(&store, &organization, &team, now, begin);
    }
    let records = (number * 10).min(SIGN_INS);
    for begin in (0..records).step_by(AT_ONCE) {
        sign_ins(&store, &organization, now, (records, number), begin);
    }
    if database.starts_with("postgres") {
        // A database of years was looked through by autovacuum long ago, which would come only while this measures.
        let mut conn = PgConnection::establish(database).unwrap();
        conn.batch_execute("VACUUM ANALYZE").unwrap();
    } else {
        store.write(|conn| conn.batch_execute("ANALYZE")).unwrap();
    }
    team
}

fn values(begin: usize, row: impl Fn(usize) -> String) -> String {
    (begin..begin + AT_ONCE).map(row).collect::<Vec<_>>().join(", ")
}

fn people(store: &Store, organization: &str, team: &str, now: i64, begin: usize) {
    let made = store.write(|conn| -> Result<(), DbError> {
        let accounts = values(begin, |n| {
            format!("('a{n}', 'p{n}@acme.example', 'p{n}@acme.example', 'Person {n}', 'person {n}', 'pp{n}', 0)")
        });
        conn.batch_execute(&format!(
            "INSERT INTO accounts (id, email, email_key, full_name, name_key, username, created_at) VALUES {accounts}"
        ))?;
        let words = values(begin, |n| {
            let words = ["person", &n.to_string(), &format!("p{n}@acme.example"), "acme.example", &format!("pp{n}")];
            words.map(|word| format!("('a{n}', '{word}', 'person {n}')")).join(", ")
        });
        conn.batch_execute(&format!("INSERT INTO account_words (account_id, word, name_key) VALUES {words}"))?;
        let members = values(begin, |n| {
            let role = if n % 1_000 == 1 { "admin" } else { "member" };
            let state = if n % 50 == 2 { "deactivated" } else { "active" };
            let source = ["jit", "invitation", "scim"][n % 3];
            let seen = now - i64::try_from(n * 7_919 % 1_000_000).unwrap() * 1_000;
            format!("('m{n:08}', '{organization}', 'a{n}', '{role}', '{state}', '{source}', {n}, 0, {seen})")
        });
        conn.batch_execute(&format!(
            "INSERT INTO members (id, organization_id, account_id, role, state, source, joined_at, state_changed_at, \
             last_sign_in_at) VALUES {members}"
        ))?;
        conn.batch_execute(&format!(
            "INSERT INTO team_members (team_id, member_id, source, since) SELECT '{team}', id, 'hand', 0 FROM members \
             WHERE joined_at % 2 = 0 AND joined_at >= {begin} AND joined_at < {}",
            begin + AT_ONCE
        ))?;
        let invitations = values(begin, |n| {
            let state = ["pending", "pending", "revoked", "accepted"][n % 4];
            let made = now - i64::try_from(n).unwrap() * 25_000;
            let ends = made + 14 * 86_400_000;
            format!("('i{n:08}', '{organization}', 'guest{n}@out.example', 'guest{n}@out.example', 'member', '{state}', 'h{n}', {ends}, {made}, {made})")
        });
        conn.batch_execute(&format!(
            "INSERT INTO invitations (id, organization_id, email, email_key, role, state, token_hash, expires_at, \
             created_at, sent_at) VALUES {invitations}"
        ))?;
        let denials = values(begin, |n| {
            let state = if n % 1_000 == 0 { "open" } else { "settled" };
            let at = now - i64::try_from(n).unwrap() * 60_000;
            format!("('d{n:08}', '{organization}', 'k{n}', 's{n}@out.example', 's{n}@out.example', 'out.example', 's{n}', 'not_invited', '{state}', {at}, {at}, 's{n}', 'r{n}', {at})")
        });
        conn.batch_execute(&format!(
            "INSERT INTO denials (id, organization_id, person_key, email, email_key, domain, search_key, reason, state, \
             first_at, last_at, last_sign_in_id, reference, state_at) VALUES {denials}"
        ))
    });
    made.unwrap();
}

fn sign_ins(store: &Store, organization: &str, now: i64, (records, people): (usize, usize), begin: usize) {
    let made = store.write(|conn| -> Result<(), DbError> {
        let rows = values(begin, |n| {
            let outcome = ["admitted", "admitted", "denied", "rejected"][if n % 100 < 2 { 3 } else { n % 3 }];
            let at = now - i64::try_from(n).unwrap() * 6_000;
            format!("('s{:08}', '{organization}', 'oidc', {at}, '{outcome}', 'member', 'ref{n}', 'email:p{}@acme.example')", records - n, n % people)
        });
        conn.batch_execute(&format!(
            "INSERT INTO sign_ins (id, organization_id, protocol, at, outcome, reason, reference, person_key) VALUES {rows}"
        ))
    });
    made.unwrap();
}

fn client() -> Client {
    let client = Client::builder().redirect(redirect::Policy::none()).no_proxy();
    client.timeout(Duration::from_mins(2)).build().unwrap()
}

/// Signs the owner in by password and answers the cookies.
async fn owner(origin: &str) -> String {
    let (client, mut cookies) = (client(), BTreeMap::new());
    let page = client.get(format!("{origin}/sign-in")).send().await.unwrap();
    keep(&mut cookies, &page);
    let page = page.text().await.unwrap();
    let token = page.split("name=\"form_token\" value=\"").nth(1);
    let token = token.and_then(|rest| rest.split('"').next()).expect("a form");
    let form = [
        ("form_token", token),
        ("email", "olive@acme.example"),
        ("password", PASSWORD),
    ];
    let request = client.post(format!("{origin}/sign-in/password")).form(&form);
    let answer = request.header(COOKIE, jar(&cookies)).send().await.unwrap();
    keep(&mut cookies, &answer);
    assert!(
        cookies.contains_key("vestibule_session"),
        "the owner can't sign in"
    );
    jar(&cookies)
}

fn jar(cookies: &BTreeMap<String, String>) -> String {
    let pairs = cookies.iter().map(|(name, value)| format!("{name}={value}"));
    pairs.collect::<Vec<_>>().join("; ")
}

fn keep(cookies: &mut BTreeMap<String, String>, answer: &reqwest::Response) {
    for cookie in answer.headers().get_all(SET_COOKIE) {
        let pair = cookie.to_str().unwrap().split(';').next().unwrap();
        let (name, value) = pair.split_once('=').unwrap();
        cookies.insert(name.to_owned(), value.to_owned());
    }
}

/// Asks for a page for some seconds, so many at a time.
async fn asked(address: &str, cookies: &str, at_a_time: usize) -> String {
    let begun = Instant::now();
    let set = tokio::task::LocalSet::new();
    let mut times = set
        .run_until(async {
            let tasks: Vec<_> = (0..at_a_time)
                .map(|_| {
                    let (client, address, cookies) = (client(), address.to_owned(), cookies.to_owned());
                    tokio::task::spawn_local(async move {
                        let mut times = Vec::new();
                        while begun.elapsed().as_secs() < SECONDS {
                            let one = Instant::now();
                            let answer = client
                                .get(&address)
                                .header(COOKIE, &cookies)
                                .send()
                                .await
                                .unwrap();
                            assert_eq!(answer.status(), 200, "{address}");
                            answer.bytes().await.unwrap();
                            times.push(one.elapsed());
                        }
                        times
                    })
                })
                .collect();
            let mut all = Vec::new();
            for task in tasks {
                all.extend(task.await.unwrap());
            }
            all
        })
        .await;
    times.sort_unstable();
    let at =
        |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)].as_secs_f64() * 1_000.0;
    format!("p50 {:.1} ms, p99 {:.1} ms", at(50), at(99))
}
