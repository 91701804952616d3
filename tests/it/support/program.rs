//! The program itself, as a process of its own that can be killed.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// Where the program is that was built with the tests.
const PROGRAM: &str = env!("CARGO_BIN_EXE_vestibule");

/// What a process needs to serve an installation.
#[derive(Clone)]
pub struct Serving {
    /// The database.
    pub database: String,
    /// The key file.
    pub key_file: PathBuf,
    /// The port of loopback.
    pub port: u16,
    /// The address by which browsers find it.
    pub public_url: String,
    /// What a shell does before it becomes the program, such as `ulimit -n 64`.
    pub shell: String,
    /// Further settings.
    pub settings: Vec<(&'static str, String)>,
}

/// A process that serves.
pub struct Program {
    child: Child,
    /// Its own address, without a slash at the end.
    pub url: String,
}

impl Serving {
    /// This database at a port that is free, found by browsers at that port.
    pub fn of(database: &str, key_file: &Path) -> Self {
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        Self {
            database: database.to_owned(),
            key_file: key_file.to_owned(),
            port,
            public_url: format!("http://127.0.0.1:{port}"),
            shell: String::new(),
            settings: Vec::new(),
        }
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("sh");
        command
            .args(["-c", &format!("{}\nexec \"$0\" \"$@\"", self.shell), PROGRAM])
            .args(words)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("DATABASE_URL", &self.database)
            .env("VESTIBULE_KEY_FILE", &self.key_file)
            .env("VESTIBULE_LISTEN", format!("127.0.0.1:{}", self.port))
            .env("VESTIBULE_PUBLIC_URL", &self.public_url)
            .env("VESTIBULE_OUTBOUND_ALLOW", "127.0.0.0/8")
            .env("VESTIBULE_DNS", "127.0.0.1:9")
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    /// Starts a command of the program and answers it, running.
    pub fn spawn(&self, words: &[&str]) -> Child {
        let mut command = self.command(words);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    }

    /// Runs a command of the program to its end.
    pub fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    /// Starts a server and waits until its door is open.
    #[expect(
        clippy::zombie_processes,
        reason = "it is waited for where the program is dropped"
    )]
    pub fn start(&self) -> Program {
        let mut child = self.command(&["serve"]).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut told = Vec::new();
        while let Some(line) = lines.next() {
            let line = line.unwrap();
            let open = line.contains("The door is open");
            told.push(line);
            if open {
                // Somebody has to read on, or the process would wait for room.
                std::thread::spawn(move || lines.for_each(drop));
                return Program {
                    child,
                    url: format!("http://127.0.0.1:{}", self.port),
                };
            }
        }
        panic!("the program did not start:\n{}", told.join("\n"));
    }
}

impl Program {
    /// Changes a limit of the process as it runs, such as `fsize=1000:unlimited`.
    pub fn limit(&self, limit: &str) {
        let told = Command::new("prlimit")
            .args(["--pid", &self.child.id().to_string(), &format!("--{limit}")])
            .status();
        assert!(told.unwrap().success(), "{limit}");
    }

    /// A line of what the kernel tells of the process: the number after `name`.
    pub fn status(&self, name: &str) -> u64 {
        let told = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = told.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// How many files and connections it holds.
    pub fn files(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.child.id()))
            .unwrap()
            .count()
    }

    /// Whether it has ended.
    pub fn is_gone(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Ends it as a power failure would: it is told nothing.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Tells it to finish what it has in hand, and waits until it is gone. Answers whether it went well.
    pub fn stop(&mut self) -> bool {
        let told = Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status();
        assert!(told.unwrap().success());
        self.child.wait().unwrap().success()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
