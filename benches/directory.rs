//! Measures a SCIM server: ours, started from the release binary, or another one that runs already. `scripts/bench`
//! calls it. The same requests go to each, from this process, on the same cores.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a bench fails by panicking"
)]

mod wire;

use std::io::Write as _;
use std::net::TcpListener;
use std::process::Command;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use vestibule::saml::SpKey;
use vestibule::store::time;
use wire::acme;
use wire::{
    Measured, Process, Wire, await_listener, median, number, on_one_thread, resident, runs_of_a_row,
    seconds_of_a_run, spent, together,
};

/// How many requests are on their way at once.
const AT_A_TIME: usize = 8;

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["ours", name, database, binary, people] => ours(name, database, binary, people.parse().unwrap()),
        ["peer", name, base, token, people] => on_one_thread(async {
            let server = Rc::new(Server::new(base, token, 0));
            let people = people.parse().unwrap();
            let ids = fill(&server, name, people).await;
            measure(&server, name, people, ids).await;
        }),
        [] => println!("Run scripts/bench: it starts what this needs."),
        other => panic!("unknown arguments: {other:?}"),
    }
}

fn ours(name: &str, database: &str, binary: &str, people: usize) {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    let idp = SpKey::generate("idp", time::now()).unwrap();
    let made = acme::make(database, &key, "https://id.acme.example", &idp);
    let token = acme::directory(database, &made.oidc);
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut server = Command::new(binary);
    server
        .env("DATABASE_URL", database)
        .env("VESTIBULE_KEY_FILE", &key)
        .env("VESTIBULE_LISTEN", address.to_string())
        .env("VESTIBULE_SCIM_RATE_LIMIT", "0")
        .env("VESTIBULE_LOG", "error");
    let process = Process(server.spawn().unwrap());
    await_listener(&address.to_string());
    on_one_thread(async {
        let base = format!("http://{address}/scim/v2");
        let server = Rc::new(Server::new(&base, &token, process.0.id()));
        let ids = fill(&server, name, people).await;
        measure(&server, name, people, ids).await;
        row(
            name,
            people,
            "resident memory, after the load",
            &format!("{:.1} MB", resident(process.0.id())),
        );
    });
}

/// Where a SCIM server is, and how one is let in.
struct Server {
    address: String,
    path: String,
    token: String,
    process: u32,
}

impl Server {
    fn new(base: &str, token: &str, process: u32) -> Self {
        let rest = base
            .strip_prefix("http://")
            .expect("a base address that begins with http://");
        let (address, path) = rest.split_once('/').unwrap_or((rest, ""));
        Self {
            address: address.to_owned(),
            path: format!("/{path}").trim_end_matches('/').to_owned(),
            token: token.to_owned(),
            process,
        }
    }

    /// A request as bytes.
    fn request(&self, into: &mut Vec<u8>, method: &str, path: &str, body: &str) {
        let Self {
            address,
            path: base,
            token,
            ..
        } = self;
        into.clear();
        write!(
            into,
            "{method} {base}{path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
             Accept: application/scim+json\r\nContent-Type: application/scim+json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
    }
}

fn person(number: usize) -> String {
    format!(
        r#"{{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"p{number}@acme.example","externalId":"x{number}","name":{{"givenName":"Person","familyName":"{number}"}},"displayName":"Person {number}","emails":[{{"value":"p{number}@acme.example","type":"work","primary":true}}],"active":true}}"#
    )
}

fn patch(operation: &str) -> String {
    format!(r#"{{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{operation}]}}"#)
}

/// The `id` of a resource.
fn id_of(body: &[u8]) -> String {
    let resource: serde_json::Value = serde_json::from_slice(body).unwrap();
    resource["id"]
        .as_str()
        .unwrap_or_else(|| panic!("no id: {resource}"))
        .to_owned()
}

/// Makes so many people, and answers their ids. How long it took is a row of its own.
async fn fill(server: &Rc<Server>, name: &str, people: usize) -> Vec<String> {
    let (begun, next) = (Instant::now(), Rc::new(AtomicUsize::new(0)));
    let workers = (0..AT_A_TIME).map(|_| {
        let (server, next) = (Rc::clone(server), Rc::clone(&next));
        async move {
            let (mut wire, mut request) = (Wire::to(&server.address).await, Vec::new());
            let mut made = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= people {
                    return made;
                }
                server.request(&mut request, "POST", "/Users", &person(number));
                let answer = wire.ask(&request).await;
                assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(answer.body));
                made.push((number, id_of(answer.body)));
            }
        }
    });
    let mut ids: Vec<(usize, String)> = together(workers).await.into_iter().flatten().collect();
    let seconds = begun.elapsed().as_secs_f64();
    ids.sort_unstable();
    let each = number(people) / seconds;
    row(
        name,
        people,
        "loading them, 8 at a time",
        &format!("{seconds:.1} s, {each:.0}/s, no error"),
    );
    ids.into_iter().map(|(_, id)| id).collect()
}

/// The rows. Numbers of people go on from run to run, so that nobody is made twice.
async fn measure(server: &Rc<Server>, name: &str, people: usize, ids: Vec<String>) {
    let (ids, count) = (Rc::new(ids), ids_count(people));
    let made = Rc::new(AtomicUsize::new(people));
    let figure = steady(server, move |_, asked| {
        let number = made.fetch_add(1, Ordering::Relaxed);
        asked.set("POST", "/Users", &person(number), &[201]);
    });
    row(name, people, "POST Users", &figure.await);
    let figure = steady(server, move |number, asked| {
        let who = number * 7_919 % count;
        let path = format!("/Users?filter=userName%20eq%20%22p{who}%40acme.example%22");
        asked.set("GET", &path, "", &[200]);
    });
    row(name, people, "GET filter userName eq", &figure.await);
    let (known, next) = (Rc::clone(&ids), Rc::new(AtomicUsize::new(0)));
    let figure = steady(server, move |_, asked| {
        let number = next.fetch_add(1, Ordering::Relaxed);
        // Each person is deactivated in one round and comes back in the next.
        let active = (number / count) % 2 == 1;
        let body = patch(&format!(r#"{{"op":"replace","path":"active","value":{active}}}"#));
        asked.set(
            "PATCH",
            &format!("/Users/{}", known[number % count]),
            &body,
            &[200, 204],
        );
    });
    row(name, people, "PATCH active", &figure.await);
    let pages = (count / 100).max(1);
    let figure = steady(server, move |number, asked| {
        let path = format!("/Users?startIndex={}&count=100", (number * 31 % pages) * 100 + 1);
        asked.set("GET", &path, "", &[200]);
    });
    row(name, people, "list page of 100", &figure.await);
    group(server, name, people, &ids).await;
}

fn ids_count(people: usize) -> usize {
    people.max(1)
}

/// A group of half the people, to which the others are added one by one, and when all are in taken out again: so that each
/// request changes something.
async fn group(server: &Rc<Server>, name: &str, people: usize, ids: &Rc<Vec<String>>) {
    let (mut wire, mut request) = (Wire::to(&server.address).await, Vec::new());
    let body = format!(
        r#"{{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Half of {people}"}}"#
    );
    server.request(&mut request, "POST", "/Groups", &body);
    let answer = wire.ask(&request).await;
    assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(answer.body));
    let path = format!("/Groups/{}?excludedAttributes=members", id_of(answer.body));
    let half = ids.len() / 2;
    for some in ids[..half].chunks(500) {
        let members: Vec<String> = some.iter().map(|id| format!(r#"{{"value":"{id}"}}"#)).collect();
        let body = patch(&format!(
            r#"{{"op":"add","path":"members","value":[{}]}}"#,
            members.join(",")
        ));
        server.request(&mut request, "PATCH", &path, &body);
        let answer = wire.ask(&request).await;
        assert!(
            [200, 204].contains(&answer.status),
            "{} {}",
            answer.status,
            String::from_utf8_lossy(answer.body)
        );
    }
    let (known, next) = (Rc::clone(ids), Rc::new(AtomicUsize::new(0)));
    let figure = steady(server, move |_, asked| {
        let (number, others) = (next.fetch_add(1, Ordering::Relaxed), known.len() - half);
        let op = if number / others % 2 == 0 { "add" } else { "remove" };
        let one = &known[half + number % others];
        let body = patch(&format!(
            r#"{{"op":"{op}","path":"members","value":[{{"value":"{one}"}}]}}"#
        ));
        asked.set("PATCH", &path, &body, &[200, 204]);
    });
    row(
        name,
        people,
        &format!("PATCH of one in a group of {half}"),
        &figure.await,
    );
}

/// One request and the answers that are right.
struct Asked {
    server: Rc<Server>,
    request: Vec<u8>,
    right: &'static [u16],
}

impl Asked {
    fn set(&mut self, method: &str, path: &str, body: &str, right: &'static [u16]) {
        self.server.request(&mut self.request, method, path, body);
        self.right = right;
    }
}

/// Asks for some seconds, several times, and answers the figure of the run in the middle.
async fn steady(server: &Rc<Server>, ask: impl Fn(usize, &mut Asked) + 'static) -> String {
    let ask = Rc::new(ask);
    let mut runs = Vec::new();
    for _ in 0..runs_of_a_row() {
        runs.push(run(server, &ask).await);
    }
    median(&runs)
}

async fn run(server: &Rc<Server>, ask: &Rc<impl Fn(usize, &mut Asked) + 'static>) -> Measured {
    let (begun, next, before) = (
        Instant::now(),
        Rc::new(AtomicUsize::new(0)),
        spent(server.process),
    );
    let workers = (0..AT_A_TIME).map(|_| {
        let (server, ask, next) = (Rc::clone(server), Rc::clone(ask), Rc::clone(&next));
        async move {
            let (mut wire, mut times) = (Wire::to(&server.address).await, Vec::new());
            let mut asked = Asked {
                server: Rc::clone(&server),
                request: Vec::new(),
                right: &[],
            };
            while begun.elapsed() < seconds_of_a_run() {
                ask(next.fetch_add(1, Ordering::Relaxed), &mut asked);
                let one = Instant::now();
                let answer = wire.ask(&asked.request).await;
                assert!(
                    asked.right.contains(&answer.status),
                    "{}: {} {}",
                    String::from_utf8_lossy(&asked.request),
                    answer.status,
                    String::from_utf8_lossy(answer.body)
                );
                times.push(one.elapsed());
            }
            times
        }
    });
    Measured {
        times: together(workers).await.into_iter().flatten().collect(),
        lasted: begun.elapsed(),
        spent: spent(server.process).saturating_sub(before),
    }
}

fn row(name: &str, people: usize, what: &str, figure: &str) {
    println!("| {name} | {people} | {what} | {figure} |");
}
