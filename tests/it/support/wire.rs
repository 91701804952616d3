//! A wire between us and PostgreSQL that can be cut in the middle of what is said on it.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use tempfile::TempDir;

/// What PostgreSQL's wire calls a plain statement (protocol 3.0, "Query"), as libpq sends these.
const BEGIN: &[u8] = b"Q\0\0\0\x0aBEGIN\0";
const COMMIT: &[u8] = b"Q\0\0\0\x0bCOMMIT\0";

/// Where the wire is cut at the end of a transaction that writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The commit does not arrive.
    Before = 1,
    /// The commit arrives, and its answer does not.
    After = 2,
    /// The commit does not arrive, and nobody is told: the other end is just silent.
    Silent = 3,
}

/// The wire.
pub struct Wire {
    folder: TempDir,
    name: String,
    orders: Arc<Orders>,
}

#[derive(Default)]
struct Orders {
    cut: AtomicU8,
    /// How many commits of writing transactions go through before.
    through: AtomicUsize,
    fired: AtomicBool,
    /// Whether those that are silent may hang up.
    over: Mutex<bool>,
    woken: Condvar,
}

impl Orders {
    /// Whether this commit is the one.
    fn take(&self) -> Option<Cut> {
        let cut = match self.cut.load(Ordering::Acquire) {
            1 => Cut::Before,
            2 => Cut::After,
            3 => Cut::Silent,
            _ => return None,
        };
        let left = self
            .through
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1));
        if left.is_ok() || self.fired.swap(true, Ordering::AcqRel) {
            return None;
        }
        Some(cut)
    }
}

impl Wire {
    /// A wire to the database with this address, as the tests write it.
    pub fn to(url: &str) -> Self {
        let (name, rest) = url
            .trim_start_matches("postgres:///")
            .split_once("?host=")
            .unwrap();
        let real = PathBuf::from(rest.split('&').next().unwrap()).join(".s.PGSQL.5432");
        let folder = tempfile::Builder::new()
            .prefix("wire")
            .tempdir_in("/tmp")
            .unwrap();
        let listener = UnixListener::bind(folder.path().join(".s.PGSQL.5432")).unwrap();
        let orders = Arc::<Orders>::default();
        let known = Arc::clone(&orders);
        std::thread::spawn(move || {
            for ours in listener.incoming().map_while(Result::ok) {
                let (real, orders) = (real.clone(), Arc::clone(&known));
                std::thread::spawn(move || carry(&ours, &real, &orders));
            }
        });
        Self {
            folder,
            name: name.to_owned(),
            orders,
        }
    }

    /// The database's address by way of the wire.
    pub fn url(&self) -> String {
        format!(
            "postgres:///{}?host={}&user=postgres",
            self.name,
            self.folder.path().display()
        )
    }

    /// From now on: so many commits of transactions that write go through, and the next one does not.
    pub fn cut(&self, cut: Cut, through: usize) {
        self.orders.fired.store(false, Ordering::Release);
        self.orders.through.store(through, Ordering::Release);
        *self.orders.over.lock().unwrap() = false;
        self.orders.cut.store(cut as u8, Ordering::Release);
    }

    /// Everything goes through again. Answers whether the wire was cut.
    pub fn mend(&self) -> bool {
        self.orders.cut.store(0, Ordering::Release);
        *self.orders.over.lock().unwrap() = true;
        self.orders.woken.notify_all();
        self.orders.fired.load(Ordering::Acquire)
    }

    /// Whether the wire was cut by now.
    pub fn is_cut(&self) -> bool {
        self.orders.fired.load(Ordering::Acquire)
    }
}

/// Carries one connection, both ways.
fn carry(ours: &UnixStream, real: &Path, orders: &Orders) {
    let Ok(theirs) = UnixStream::connect(real) else {
        return;
    };
    let swallow = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| answers(&theirs, ours, &swallow));
        questions(ours, &theirs, orders, &swallow);
        drop(theirs.shutdown(Shutdown::Both));
        drop(ours.shutdown(Shutdown::Both));
    });
}

/// What we say, up to where it is cut.
fn questions(mut ours: &UnixStream, mut theirs: &UnixStream, orders: &Orders, swallow: &AtomicBool) {
    let (mut some, mut writes) = (vec![0; 64 * 1024], false);
    while let Ok(length @ 1..) = ours.read(&mut some) {
        let said = &some[..length];
        if said.starts_with(b"Q") && said[5..].starts_with(b"BEGIN") {
            writes = said.starts_with(BEGIN);
        }
        if writes && said.starts_with(COMMIT) {
            match orders.take() {
                Some(Cut::Before) => return,
                Some(Cut::After) => swallow.store(true, Ordering::Release),
                Some(Cut::Silent) => {
                    let over = orders.over.lock().unwrap();
                    drop(orders.woken.wait_while(over, |over| !*over).unwrap());
                    return;
                }
                None => {}
            }
        }
        if theirs.write_all(said).is_err() {
            return;
        }
    }
}

/// What is answered. The answer that is to be swallowed came: what it tells has happened.
fn answers(mut theirs: &UnixStream, mut ours: &UnixStream, swallow: &AtomicBool) {
    let mut some = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = theirs.read(&mut some) {
        if swallow.load(Ordering::Acquire) || ours.write_all(&some[..length]).is_err() {
            break;
        }
    }
    drop(theirs.shutdown(Shutdown::Both));
    drop(ours.shutdown(Shutdown::Both));
}
