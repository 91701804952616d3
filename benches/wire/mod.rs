//! A client of our own: connections that are kept open, requests that are bytes, answers that are looked at and not
//! read. A complete one would take more of the cores than the server that is measured.
#![allow(dead_code, clippy::allow_attributes, reason = "each bench uses some of it")]

pub mod acme;
pub mod people;
pub mod provider;

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A connection that was not used for so long is made anew, as browsers do: a server answers 408 where nothing comes.
const IDLE: Duration = Duration::from_secs(3);

/// One connection to a server.
pub struct Wire {
    address: String,
    stream: TcpStream,
    /// The server closes after each answer, as those of other people may: the next request needs a connection of its own.
    closes: bool,
    used_at: Instant,
    buffer: Vec<u8>,
    used: usize,
    pieced: Vec<u8>,
}

/// An answer, as long as nothing else is asked.
pub struct Answer<'a> {
    /// The status.
    pub status: u16,
    /// The head, as it came.
    pub head: &'a str,
    /// The body.
    pub body: &'a [u8],
}

impl Answer<'_> {
    /// The first header of this name (in lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        header(self.head, name)
    }

    /// Name and value of each cookie that is set.
    pub fn cookies(&self) -> impl Iterator<Item = &str> {
        self.head
            .split("\r\n")
            .filter(|line| line.len() > 11 && line.as_bytes()[..11].eq_ignore_ascii_case(b"set-cookie:"))
            .filter_map(|line| line[11..].split(';').next())
            .map(str::trim)
    }
}

/// The first header of this name.
pub fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.split("\r\n").find_map(|line| {
        let (known, value) = line.split_once(':')?;
        known.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

impl Wire {
    /// Connects.
    pub async fn to(address: &str) -> Self {
        Self {
            address: address.to_owned(),
            stream: connected(address).await,
            closes: false,
            used_at: Instant::now(),
            buffer: Vec::with_capacity(64 * 1024),
            used: 0,
            pieced: Vec::new(),
        }
    }

    /// Sends a request and waits for the whole answer.
    pub async fn ask(&mut self, request: &[u8]) -> Answer<'_> {
        if self.closes || self.used_at.elapsed() > IDLE {
            self.stream = connected(&self.address).await;
        }
        self.stream.write_all(request).await.unwrap();
        self.buffer.drain(..self.used);
        self.used = 0;
        let mut looked = 0_usize;
        let head = loop {
            let from = looked.saturating_sub(3);
            if let Some(end) = find(&self.buffer[from..], b"\r\n\r\n") {
                break from + end + 4;
            }
            looked = self.buffer.len();
            self.more().await;
        };
        let text = std::str::from_utf8(&self.buffer[..head]).unwrap();
        let status: u16 = text[9..12].parse().unwrap();
        let length = header(text, "content-length").map(|length| length.parse::<usize>().unwrap());
        let bare = status == 204 || status == 304;
        let in_pieces = header(text, "transfer-encoding").is_some();
        let kept = header(text, "connection").map(str::to_ascii_lowercase);
        self.closes = match kept.as_deref() {
            Some("close") => true,
            Some("keep-alive") => false,
            _ => text.starts_with("HTTP/1.0"),
        };
        let end = match length {
            _ if bare => head,
            Some(length) => head + length,
            None if in_pieces => self.pieces(head).await,
            None => {
                while self.stream.read_buf(&mut self.buffer).await.unwrap() > 0 {}
                self.buffer.len()
            }
        };
        while self.buffer.len() < end {
            self.more().await;
        }
        self.used = end;
        self.used_at = Instant::now();
        let is_whole = bare || !in_pieces;
        Answer {
            status,
            head: std::str::from_utf8(&self.buffer[..head]).unwrap(),
            body: if is_whole {
                &self.buffer[head..end]
            } else {
                &self.pieced
            },
        }
    }

    /// Where a body ends that comes in pieces (RFC 9112 §7.1).
    async fn pieces(&mut self, head: usize) -> usize {
        let mut at = head;
        self.pieced.clear();
        loop {
            while find(&self.buffer[at..], b"\r\n").is_none() {
                self.more().await;
            }
            let end = at + find(&self.buffer[at..], b"\r\n").unwrap();
            let digits = std::str::from_utf8(&self.buffer[at..end]).unwrap();
            let length = usize::from_str_radix(digits.split(';').next().unwrap().trim(), 16).unwrap();
            at = end + 2 + length + 2;
            while self.buffer.len() < at {
                self.more().await;
            }
            if length == 0 {
                return at;
            }
            self.pieced
                .extend_from_slice(&self.buffer[end + 2..end + 2 + length]);
        }
    }

    async fn more(&mut self) {
        let read = self.stream.read_buf(&mut self.buffer).await.unwrap();
        assert!(read > 0, "the server hung up");
    }
}

async fn connected(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|some| some == wanted)
}

/// What was measured: how long each took, in all how long, and what the server spent of the cores.
#[derive(Default, Clone)]
pub struct Measured {
    /// How long each took.
    pub times: Vec<Duration>,
    /// How long all took together.
    pub lasted: Duration,
    /// Processor time of the server.
    pub spent: Duration,
}

impl Measured {
    /// How many a second.
    pub fn rate(&self) -> f64 {
        number(self.times.len()) / self.lasted.as_secs_f64()
    }

    /// So many of a hundred took this long at most, in milliseconds.
    pub fn at(&self, percent: usize) -> f64 {
        let mut times = self.times.clone();
        times.sort_unstable();
        times[(times.len() * percent / 100).min(times.len() - 1)].as_secs_f64() * 1_000.0
    }

    /// Milliseconds of the server's processor time for each.
    pub fn cost(&self) -> f64 {
        self.spent.as_secs_f64() * 1_000.0 / number(self.times.len())
    }
}

/// A row's figure of several runs: the one in the middle.
pub fn median(runs: &[Measured]) -> String {
    let mut runs: Vec<&Measured> = runs.iter().collect();
    runs.sort_by(|one, other| one.rate().total_cmp(&other.rate()));
    let one = runs[runs.len() / 2];
    let cost = if one.spent.is_zero() {
        String::new()
    } else {
        format!(", {:.2} ms of processor", one.cost())
    };
    format!(
        "{:.0}/s, p50 {:.1} ms, p99 {:.1} ms{cost}",
        one.rate(),
        one.at(50),
        one.at(99)
    )
}

/// How long each run of a row takes, by the setting of `scripts/bench`.
#[expect(clippy::disallowed_methods, reason = "a setting of the bench")]
pub fn seconds_of_a_run() -> Duration {
    Duration::from_secs_f64(std::env::var("BENCH_SECONDS").map_or(2.0, |text| text.parse().unwrap()))
}

/// How many runs a row has.
#[expect(clippy::disallowed_methods, reason = "a setting of the bench")]
pub fn runs_of_a_row() -> usize {
    std::env::var("BENCH_RUNS").map_or(3, |text| text.parse().unwrap())
}

/// A count as a number to reckon with.
pub fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

/// Processor time that these processes used so far, by Linux: that of the database's processes is not among it.
pub fn spent(process: u32) -> Duration {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{process}/stat")) else {
        return Duration::ZERO;
    };
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

/// Megabytes of memory that the process holds, by Linux.
pub fn resident(process: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").trim().parse::<f64>().unwrap() / 1_024.0
}

/// Runs on one thread.
pub fn on_one_thread<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, work)
}

/// All of these at once, each a task of its own, so that only those are woken whose answer came.
pub async fn together<T: 'static>(work: impl Iterator<Item = impl Future<Output = T> + 'static>) -> Vec<T> {
    let tasks: Vec<_> = work.map(tokio::task::spawn_local).collect();
    let mut done = Vec::with_capacity(tasks.len());
    for task in tasks {
        done.push(task.await.unwrap());
    }
    done
}

/// A child that goes with the bench.
pub struct Process(pub std::process::Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until somebody listens.
pub fn await_listener(address: &str) -> Duration {
    let begun = Instant::now();
    while std::net::TcpStream::connect(address).is_err() {
        assert!(begun.elapsed().as_secs() < 60, "nobody listens at {address}");
        std::thread::sleep(Duration::from_millis(1));
    }
    begun.elapsed()
}
