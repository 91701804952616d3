//! A mail server of somebody else's.

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use vestibule::access::EmailAddress;
use vestibule::config::{Config, Smtp, SmtpTls};

use super::process::Process;

/// Whom letters of the tests are from.
pub const SENDER: &str = "door@vestibule.example";

/// One that is running, in a process of its own that ends with the value. It keeps what it is given.
pub struct MailServer {
    process: Process,
    /// Where it listens, on 127.0.0.1.
    pub port: u16,
    /// The certificate of its CA, where it speaks TLS.
    pub ca: String,
}

/// A letter that it was given, as Python's own parser reads it.
#[derive(Debug, Clone)]
pub struct Arrived(pub Value);

impl Arrived {
    /// A text of it: `subject`, `text`, `html`, `to`, `from`, `id`, `raw`.
    pub fn get(&self, name: &str) -> &str {
        self.0[name]
            .as_str()
            .unwrap_or_else(|| panic!("no {name}: {}", self.0))
    }

    /// The first address in the text that leads to this place of ours.
    pub fn link(&self, place: &str) -> String {
        let links = self
            .get("text")
            .split_whitespace()
            .filter(|word| word.contains("://"));
        links
            .map(str::to_owned)
            .find(|link| link.contains(place))
            .unwrap_or_else(|| panic!("no link to {place}: {}", self.get("text")))
    }
}

impl MailServer {
    /// One that takes everything, without TLS.
    pub fn start() -> Self {
        Self::start_with("none", &Value::Null)
    }

    /// `tls` is `none`, `starttls` or `implicit`; `login` null, or an object with `user` and `password`.
    pub fn start_with(tls: &str, login: &Value) -> Self {
        let mut command = Command::new(".venv/bin/python");
        command
            .arg("tests/peers/mail-sink.py")
            .arg(json!({ "tls": tls, "login": login }).to_string());
        let (process, first) = Process::start(&mut command);
        Self {
            process,
            port: u16::try_from(first["port"].as_u64().unwrap()).unwrap(),
            ca: first["ca"].as_str().unwrap().to_owned(),
        }
    }

    /// Settings that send to it. The worker of the server itself rests: a test says when letters are carried.
    pub fn settings(&self) -> Smtp {
        Smtp {
            host: "127.0.0.1".into(),
            port: self.port,
            tls: SmtpTls::None,
            login: None,
            ca_file: None,
            from: EmailAddress::parse(SENDER).unwrap(),
            from_name: String::new(),
            per_minute: 60_000,
            pause: Duration::from_hours(24),
        }
    }

    /// For `Installation::start_with`.
    pub fn configure(&self, config: &mut Config) {
        config.smtp = Some(self.settings());
    }

    /// What it does with letters to an address from now on, as its script describes; `*` is everybody.
    pub fn faults(&mut self, faults: &Value) {
        self.process.ask(&json!({ "faults": faults }));
    }

    /// All letters, once there are at least so many.
    pub fn letters(&mut self, least: usize) -> Vec<Arrived> {
        let answer = self.process.ask(&json!({ "wait": least }));
        let letters = answer["letters"].as_array().unwrap();
        letters.iter().cloned().map(Arrived).collect()
    }

    /// Waits until so many letters are held up on their way in.
    pub fn holds(&mut self, letters: usize) {
        self.process.ask(&json!({ "slow": letters }));
    }

    /// Lets those that are held up go on.
    pub fn go_on(&mut self) {
        self.process.ask(&json!({ "go": true }));
    }
}
