//! Measures a SCIM server: ours, started from the release binary, or another one that runs already. `scripts/bench`
//! calls it. The same requests go to each, from this process, on the same cores.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a bench fails by panicking"
)]

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use vestibule::access::{DomainName, EmailAddress, Role};
use vestibule::audit::Actor;
use vestibule::connections::{self, State};
use vestibule::domains;
use vestibule::provisioning::{guard, tokens};
use vestibule::sign_in::{NewOwner, make_owner};
use vestibule::store::sealed::Sealer;
use vestibule::store::{Conn, Store, time};
use vestibule::web::Problem;

/// How many requests are on their way at once.
const AT_A_TIME: usize = 8;
/// How long each kind of request is measured.
const WHILE: Duration = Duration::from_secs(3);

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["ours", name, database, binary, people] => ours(name, database, binary, people.parse().unwrap()),
        ["peer", name, base, token, people] => on_one_thread(async {
            let server = Server::new(base, token);
            let people = people.parse().unwrap();
            measure(&server, name, people, fill(&server, name, people).await).await;
        }),
        [] => println!("Run scripts/bench: it starts what this needs."),
        other => panic!("unknown arguments: {other:?}"),
    }
}

fn on_one_thread(work: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, work);
}

/// A child that goes with the bench.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn ours(name: &str, database: &str, binary: &str, people: usize) {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    let token = seed(database, &key);
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut server = Command::new(binary);
    server
        .env("DATABASE_URL", database)
        .env("VESTIBULE_KEY_FILE", &key)
        .env("VESTIBULE_LISTEN", address.to_string())
        .env("VESTIBULE_LOG", "error");
    let process = Process(server.spawn().unwrap());
    while std::net::TcpStream::connect(address).is_err() {
        std::thread::sleep(Duration::from_millis(5));
    }
    on_one_thread(async {
        let server = Server::new(&format!("http://{address}/scim/v2"), &token);
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

/// Acme with a connection whose SCIM is on, a guard that lets everything through, and a token.
fn seed(database: &str, key: &Path) -> String {
    let (store, sealer) = (Store::open(database).unwrap(), Sealer::from_file(key).unwrap());
    store.migrate().unwrap();
    store.write(|conn| acme(conn, time::now(), &sealer)).unwrap()
}

fn acme(conn: &mut Conn, now: i64, sealer: &Sealer) -> Result<String, Problem> {
    let (actor, email) = (
        Actor::operator(),
        EmailAddress::parse("olive@acme.example").unwrap(),
    );
    let owner = NewOwner {
        slug: "acme",
        organization_name: "Acme",
        email: &email,
        name: "Olive",
        password_hash: None,
        operator: false,
    };
    let (organization, _) = make_owner(conn, now, &actor, &owner)?;
    let settings = connections::Settings {
        name: "Acme ID".into(),
        slug: "acme-id".into(),
        issuer: "https://id.acme.example".into(),
        client_id: "vestibule".into(),
        client_secret: Some("a secret of the bench".into()),
        default_role: Role::Member,
        ..connections::Settings::default()
    };
    let made = connections::actions::create(conn, now, &actor, sealer, &organization.id, &settings)?;
    let name = DomainName::parse("acme.example").unwrap();
    let domain = domains::actions::add(conn, now, &actor, &organization.id, &name)?;
    domains::actions::vouch(conn, now, &actor, &organization.id, &domain)?;
    connections::actions::attach_domain(conn, now, &actor, &made, &domain)?;
    let made = connections::find(conn, &made.id)?.unwrap();
    let made = connections::actions::set_state(conn, now, &actor, &made, State::On)?;
    let made = connections::actions::set_scim(conn, now, &actor, &made, true)?;
    guard::set(conn, now, &actor, &made, (100, 10))?;
    let (_, token) = tokens::create(conn, now, &actor, &made, "bench", None)?;
    Ok(token)
}

/// Where a SCIM server is, and how one is let in.
struct Server {
    address: String,
    path: String,
    token: String,
}

impl Server {
    fn new(base: &str, token: &str) -> Self {
        let rest = base
            .strip_prefix("http://")
            .expect("a base address that begins with http://");
        let (address, path) = rest.split_once('/').unwrap_or((rest, ""));
        Self {
            address: address.to_owned(),
            path: format!("/{path}").trim_end_matches('/').to_owned(),
            token: token.to_owned(),
        }
    }
}

/// One connection that is kept open. A client of our own, since a complete one would take more of the cores than the
/// server that is measured.
struct Wire<'a> {
    server: &'a Server,
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl<'a> Wire<'a> {
    async fn to(server: &'a Server) -> Self {
        let stream = TcpStream::connect(&server.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            server,
            stream,
            buffer: Vec::new(),
        }
    }

    /// Asks, and answers the status and the body.
    async fn ask(&mut self, method: &str, path: &str, body: Option<&Value>) -> (u16, Vec<u8>) {
        let body = body.map(Value::to_string).unwrap_or_default();
        let Server {
            address,
            path: base,
            token,
        } = self.server;
        let request = format!(
            "{method} {base}{path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
             Accept: application/scim+json\r\nContent-Type: application/scim+json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.stream.write_all(request.as_bytes()).await.unwrap();
        self.answer().await
    }

    async fn answer(&mut self) -> (u16, Vec<u8>) {
        let head = loop {
            if let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break self.take(end + 4);
            }
            self.more().await;
        };
        let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
        let status: u16 = head[9..12].parse().unwrap();
        let field = |name: &str| {
            head.lines()
                .find_map(|line| line.strip_prefix(name).map(str::trim))
        };
        if status == 204 || status == 304 {
            return (status, Vec::new());
        }
        if let Some(length) = field("content-length:") {
            return (status, self.exactly(length.parse().unwrap()).await);
        }
        assert_eq!(
            field("transfer-encoding:"),
            Some("chunked"),
            "an answer without an end: {head}"
        );
        let mut body = Vec::new();
        loop {
            let line = self.line().await;
            let length = usize::from_str_radix(line.split(';').next().unwrap().trim(), 16).unwrap();
            body.extend(self.exactly(length).await);
            self.line().await;
            if length == 0 {
                return (status, body);
            }
        }
    }

    async fn line(&mut self) -> String {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|two| two == b"\r\n") {
                return String::from_utf8(self.take(end + 2)).unwrap();
            }
            self.more().await;
        }
    }

    async fn exactly(&mut self, length: usize) -> Vec<u8> {
        while self.buffer.len() < length {
            self.more().await;
        }
        self.take(length)
    }

    fn take(&mut self, length: usize) -> Vec<u8> {
        let rest = self.buffer.split_off(length);
        std::mem::replace(&mut self.buffer, rest)
    }

    async fn more(&mut self) {
        let read = self.stream.read_buf(&mut self.buffer).await.unwrap();
        assert!(read > 0, "the server hung up");
    }
}

fn person(number: usize) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": format!("p{number}@acme.example"),
        "externalId": format!("x{number}"),
        "name": {"givenName": "Person", "familyName": number.to_string()},
        "displayName": format!("Person {number}"),
        "emails": [{"value": format!("p{number}@acme.example"), "type": "work", "primary": true}],
        "active": true,
    })
}

fn patch(operation: &Value) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation]})
}

/// The `id` of a resource, without reading the rest.
fn id_of(body: &[u8]) -> String {
    let resource: Value = serde_json::from_slice(body).unwrap();
    resource["id"]
        .as_str()
        .unwrap_or_else(|| panic!("no id: {resource}"))
        .to_owned()
}

/// Makes so many people, and answers their ids. How long it took is a row of its own.
async fn fill(server: &Server, name: &str, people: usize) -> Vec<String> {
    let (begun, next) = (Instant::now(), Arc::new(AtomicUsize::new(0)));
    let workers = (0..AT_A_TIME).map(|_| async {
        let mut wire = Wire::to(server).await;
        let mut made = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= people {
                return made;
            }
            let (status, body) = wire.ask("POST", "/Users", Some(&person(number))).await;
            assert_eq!(status, 201, "{}", String::from_utf8_lossy(&body));
            made.push(id_of(&body));
        }
    });
    let ids: Vec<String> = together(workers).await.into_iter().flatten().collect();
    let seconds = begun.elapsed().as_secs_f64();
    let each = f64::from(u32::try_from(people).unwrap()) / seconds;
    row(
        name,
        people,
        "loading them, 8 at a time",
        &format!("{seconds:.1} s, {each:.0}/s, no error"),
    );
    ids
}

async fn together<T>(work: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut all: Vec<_> = work.map(Box::pin).collect();
    let mut done: Vec<Option<T>> = all.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        let mut waits = false;
        for (future, slot) in all.iter_mut().zip(&mut done) {
            if slot.is_none() {
                match future.as_mut().poll(context) {
                    std::task::Poll::Ready(value) => *slot = Some(value),
                    std::task::Poll::Pending => waits = true,
                }
            }
        }
        if waits {
            std::task::Poll::Pending
        } else {
            std::task::Poll::Ready(())
        }
    })
    .await;
    done.into_iter().flatten().collect()
}

async fn measure(server: &Server, name: &str, people: usize, ids: Vec<String>) {
    let ids = Rc::new(ids);
    let count = ids.len();
    let figure = steady(server, |number| {
        Asked::new("POST", "/Users".into(), Some(person(people + number)), &[201])
    });
    row(name, people, "POST Users", &figure.await);
    let figure = steady(server, |number| {
        let who = number * 7_919 % count;
        let path = format!("/Users?filter=userName%20eq%20%22p{who}%40acme.example%22");
        Asked::new("GET", path, None, &[200])
    });
    row(name, people, "GET filter userName eq", &figure.await);
    let known = Rc::clone(&ids);
    let figure = steady(server, move |number| {
        // Each person is deactivated in one round and comes back in the next.
        let active = (number / count) % 2 == 1;
        let path = format!("/Users/{}", known[number % count]);
        let body = patch(&json!({"op": "replace", "path": "active", "value": active}));
        Asked::new("PATCH", path, Some(body), &[200, 204])
    });
    row(name, people, "PATCH active", &figure.await);
    let pages = (count / 100).max(1);
    let figure = steady(server, move |number| {
        let path = format!("/Users?startIndex={}&count=100", (number % pages) * 100 + 1);
        Asked::new("GET", path, None, &[200])
    });
    row(name, people, "list page of 100", &figure.await);
    group(server, name, people, &ids).await;
}

/// A group of half the people, to which the others are added one by one.
async fn group(server: &Server, name: &str, people: usize, ids: &Rc<Vec<String>>) {
    let mut wire = Wire::to(server).await;
    let body = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": format!("Half of {people}")});
    let (status, body) = wire.ask("POST", "/Groups", Some(&body)).await;
    assert_eq!(status, 201, "{}", String::from_utf8_lossy(&body));
    let path = format!("/Groups/{}?excludedAttributes=members", id_of(&body));
    let half = ids.len() / 2;
    for some in ids[..half].chunks(500) {
        let members: Vec<Value> = some.iter().map(|id| json!({"value": id})).collect();
        let body = patch(&json!({"op": "add", "path": "members", "value": members}));
        let (status, body) = wire.ask("PATCH", &path, Some(&body)).await;
        assert!(
            [200, 204].contains(&status),
            "{status} {}",
            String::from_utf8_lossy(&body)
        );
    }
    let known = Rc::clone(ids);
    let figure = steady(server, move |number| {
        let one = half + number % (known.len() - half);
        let body = patch(&json!({"op": "add", "path": "members", "value": [{"value": known[one]}]}));
        Asked::new("PATCH", path.clone(), Some(body), &[200, 204])
    });
    row(
        name,
        people,
        &format!("PATCH that adds one to a group of {half}"),
        &figure.await,
    );
}

/// One request and the answers that are right.
struct Asked {
    method: &'static str,
    path: String,
    body: Option<Value>,
    right: &'static [u16],
}

impl Asked {
    fn new(method: &'static str, path: String, body: Option<Value>, right: &'static [u16]) -> Self {
        Self {
            method,
            path,
            body,
            right,
        }
    }
}

/// Asks for some seconds, so many at a time, and answers how many a second and how long each took.
async fn steady(server: &Server, ask: impl Fn(usize) -> Asked) -> String {
    let (begun, next) = (Instant::now(), AtomicUsize::new(0));
    let workers = (0..AT_A_TIME).map(|_| async {
        let mut wire = Wire::to(server).await;
        let mut times = Vec::new();
        while begun.elapsed() < WHILE {
            let asked = ask(next.fetch_add(1, Ordering::Relaxed));
            let one = Instant::now();
            let (status, body) = wire.ask(asked.method, &asked.path, asked.body.as_ref()).await;
            let right = asked.right.contains(&status);
            assert!(
                right,
                "{} {}: {status} {}",
                asked.method,
                asked.path,
                String::from_utf8_lossy(&body)
            );
            times.push(one.elapsed());
        }
        times
    });
    let mut times: Vec<Duration> = together(workers).await.into_iter().flatten().collect();
    let seconds = begun.elapsed().as_secs_f64();
    times.sort_unstable();
    let at =
        |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)].as_secs_f64() * 1_000.0;
    let each = f64::from(u32::try_from(times.len()).unwrap()) / seconds;
    format!("{each:.0}/s, p50 {:.1} ms, p99 {:.1} ms", at(50), at(99))
}

fn row(name: &str, people: usize, what: &str, figure: &str) {
    println!("| {name} | {people} | {what} | {figure} |");
}

/// Megabytes of memory that the process holds, by Linux.
fn resident(process: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").trim().parse::<f64>().unwrap() / 1_024.0
}
