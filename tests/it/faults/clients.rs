//! Clients that give up in the middle, send more than their share, or speak a protocol that is not offered.

use std::io::Write as _;
use std::net::TcpStream;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use vestibule::web::Problem;

use crate::support::caller::speak;
use crate::support::directory::user;
use crate::support::{Acme, Browser, Directory, Front, Installation};

/// Nobody changes anything in Acme until this goes.
struct Held {
    release: Sender<()>,
    holder: JoinHandle<()>,
}

impl Held {
    fn of(acme: &Acme) -> Self {
        let (site, organization) = (acme.installation.site.clone(), acme.organization.clone());
        let (release, wait) = channel();
        let (held, is_held) = channel();
        let holder = std::thread::spawn(move || {
            let outcome: Result<(), Problem> = site.store.write_in(&organization, |_| {
                held.send(()).unwrap();
                wait.recv().unwrap();
                Ok(())
            });
            outcome.unwrap();
        });
        is_held.recv().unwrap();
        Self { release, holder }
    }

    fn release(self) {
        self.release.send(()).unwrap();
        self.holder.join().unwrap();
    }
}

both_databases! {
    /// Browsers that hang up while their people are being let in: each is in afterwards or not, never half; when they come
    /// again they are in, as one member by one invitation.
    /// FLT-023.
    async fn a_browser_that_hangs_up_leaves_nothing_half(db: Database) {
        let front = Front::open(db).await;
        let listen = front.acme.installation.site.config.listen;
        for number in 1..=5_i64 {
            let email = format!("p{number}@acme.example");
            front.acme.invite(&email);
            front.provider.person(&email, &email);
            let mut browser = front.at_the_callback().await;
            let url = browser.held().unwrap().clone();
            let cookie = browser.cookie_of(&url, "vestibule_browser").expect("the attempt’s cookie");
            let asked = front.provider.count("/token");
            let mut stream = TcpStream::connect(listen).unwrap();
            let (path, query) = (url.path(), url.query().unwrap());
            let request = format!("GET {path}?{query} HTTP/1.1\r\nHost: {listen}\r\nCookie: vestibule_browser={cookie}\r\n\r\n");
            stream.write_all(request.as_bytes()).unwrap();
            // The provider is asked for the token: the request is on its way to the decision.
            while front.provider.count("/token") == asked {
                tokio::task::yield_now().await;
            }
            drop(stream);
            browser.resume().await;
            browser.get(&front.acme.sign_in()).await.sees(&email);
            let people = number;
            for (what, many) in [
                ("invitations WHERE state = 'accepted'", people),
                ("members", 1 + people),
                ("accounts", 1 + people),
                ("identities", people),
                ("audit_events WHERE action = 'member.joined'", 1 + people),
                ("audit_events WHERE action = 'invitation.accepted'", people),
            ] {
                assert_eq!(front.acme.count(what), many, "{what}");
            }
        }
        assert_eq!(front.acme.count("sign_ins"), front.acme.audited_sign_ins());
    }

    /// A directory that sends far more at once than its share is told to wait; pages are answered meanwhile, and what was
    /// taken in hand is done.
    /// RES-012, SCIM-084.
    async fn a_directory_that_floods_is_told_to_wait(db: Database) {
        let (acme, directory) = Directory::start(db);
        directory.provision("before@acme.example").await;
        let held = Held::of(&acme);
        let most = vestibule::provisioning::hands::MOST;
        let ask = |number: usize| {
            let directory = directory.clone();
            actix_web::rt::spawn(async move { directory.post("/Users", &user(&format!("p{number}@acme.example"))).await })
        };
        let mut flood: Vec<_> = (0..most + 20).map(ask).collect();
        // Those that are refused are answered although nothing can be changed.
        let (mut done, mut refused) = (0, 0);
        while refused < 20 {
            let (told, _, left) = futures(flood).await;
            assert_eq!((told.status, told.header("retry-after")), (429, "1"), "{}", told.body);
            refused += 1;
            flood = left;
        }
        Browser::new().get(&acme.installation.to("/sign-in")).await.sees("Sign in");
        held.release();
        for told in flood {
            assert_eq!(told.await.unwrap().status, 201);
            done += 1;
        }
        assert_eq!(done, most);
        directory.provision("after@acme.example").await;
    }

    /// HTTP/2 is not offered: who speaks it without being asked is refused, and the next one is answered.
    /// RES-007.
    async fn http_2_is_not_spoken(db: Database) {
        let installation = Installation::start(db);
        let listen = installation.site.config.listen;
        let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u{4}\0\0\0\0\0";
        for _ in 0..50 {
            let said = speak(listen, preface);
            assert!(said.is_empty() || said.starts_with("HTTP/1.1 4"), "{said}");
        }
        let wish = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n";
        assert_eq!(speak(listen, wish), "HTTP/1.1 200 OK");
    }
}

/// The first of these that is answered, and the others.
async fn futures<T: 'static>(
    mut waiting: Vec<tokio::task::JoinHandle<T>>,
) -> (T, usize, Vec<tokio::task::JoinHandle<T>>) {
    loop {
        if let Some(place) = waiting.iter().position(tokio::task::JoinHandle::is_finished) {
            let answer = waiting.swap_remove(place).await.unwrap();
            return (answer, place, waiting);
        }
        tokio::task::yield_now().await;
    }
}
