//! An identity provider that misbehaves on request. It signs in without a page: `GET /authorize` sends the
//! browser straight back with a code.
//!
//! ```ignore
//! let provider = Provider::start().await;
//! provider.person("sub-1", "ada@acme.example");
//! provider.fault(Fault::IssWrong);
//! connection(provider.issuer(), provider.client_id(), provider.client_secret());
//! assert_eq!(provider.count("/token"), 1);
//! ```

mod answers;
mod board;
mod fault;
mod id_token;
mod keys;
mod person;
mod self_test;
mod weak;

use std::collections::{HashMap, VecDeque};
use std::net::TcpListener;
use std::sync::{Arc, Mutex, MutexGuard};

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer, web};
use vestibule::store::time::Clock;

use board::Board;
pub use board::Recorded;
pub use fault::Fault;
pub use person::Person;

/// A provider on a port of its own, until it is dropped.
pub struct Provider {
    issuer: String,
    client: (&'static str, &'static str),
    board: Arc<Mutex<Board>>,
    server: ServerHandle,
}

impl Provider {
    /// A provider by the machine's clock.
    pub async fn start() -> Self {
        Self::start_with(Clock::system()).await
    }

    /// A provider by a clock that the test moves.
    pub async fn start_with(clock: Clock) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let client = ("vestibule", "secret-of-the-tests");
        let board = Arc::new(Mutex::new(new_board(issuer.clone(), client, clock)));
        let server = serve(Arc::clone(&board), listener).await;
        Self {
            issuer,
            client,
            board,
            server,
        }
    }

    /// Its address, as it stands in its tokens.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The client that it knows from the start.
    pub fn client_id(&self) -> &'static str {
        self.client.0
    }

    /// That client's secret.
    pub fn client_secret(&self) -> &'static str {
        self.client.1
    }

    /// Knows another client, or a known one by another secret.
    pub fn client(&self, id: &str, secret: &str) -> &Self {
        self.board().clients.insert(0, (id.to_owned(), secret.to_owned()));
        self
    }

    /// From now on signs in this person.
    pub fn person(&self, sub: &str, email: &str) -> &Self {
        self.be(Person::new(sub, email))
    }

    /// From now on signs in this person.
    pub fn be(&self, person: Person) -> &Self {
        self.board().person = person;
        self
    }

    /// Signs in this person once, after those already in the queue and before the usual one.
    pub fn next(&self, person: Person) -> &Self {
        self.board().queue.push_back(person);
        self
    }

    /// Signs in this person when `login_hint` is their address or subject.
    pub fn know(&self, person: Person) -> &Self {
        self.board().known.push(person);
        self
    }

    /// Does this wrong too.
    pub fn fault(&self, fault: Fault) -> &Self {
        self.board().faults.push(fault);
        self
    }

    /// Does nothing wrong any more, and keeps the right time.
    pub fn honest(&self) -> &Self {
        self.board().faults.clear();
        self.skew(0)
    }

    /// Its clock is so many seconds ahead (negative: behind).
    pub fn skew(&self, seconds: i64) -> &Self {
        self.board().skew = seconds;
        self
    }

    /// Everything that was asked, oldest first.
    pub fn requests(&self) -> Vec<Recorded> {
        self.board().requests.clone()
    }

    /// How often this path was asked for: `/jwks`, `/token`, `/attacker`, …
    pub fn count(&self, path: &str) -> usize {
        self.board()
            .requests
            .iter()
            .filter(|request| request.path == path)
            .count()
    }

    /// The last request to this path.
    pub fn last(&self, path: &str) -> Option<Recorded> {
        self.board()
            .requests
            .iter()
            .rfind(|request| request.path == path)
            .cloned()
    }

    /// Forgets what was asked, not what it gave out.
    pub fn forget(&self) -> &Self {
        self.board().requests.clear();
        self
    }

    /// Goes away: connections are refused from now on.
    pub async fn stop(&self) {
        self.server.stop(false).await;
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        answers::lock(&self.board)
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        drop(self.server.stop(false));
    }
}

fn new_board(issuer: String, client: (&str, &str), clock: Clock) -> Board {
    Board {
        issuer,
        clock,
        skew: 0,
        faults: Vec::new(),
        person: Person::new("sub-1", "ada@acme.example"),
        queue: VecDeque::new(),
        known: Vec::new(),
        clients: vec![(client.0.to_owned(), client.1.to_owned())],
        codes: HashMap::new(),
        tokens: HashMap::new(),
        requests: Vec::new(),
    }
}

/// Serves on a thread with a runtime of its own, so that it answers while the test's runtime is busy.
async fn serve(board: Arc<Mutex<Board>>, listener: TcpListener) -> ServerHandle {
    let (started, handle) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let board = web::Data::from(board);
            let app = move || {
                App::new()
                    .app_data(board.clone())
                    .default_service(web::to(answers::answer))
            };
            let server = HttpServer::new(app)
                .workers(1)
                .disable_signals()
                .listen(listener)
                .unwrap()
                .run();
            started.send(server.handle()).ok();
            server.await.ok();
        });
    });
    handle.await.unwrap()
}
