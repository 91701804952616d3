//! A DNS server of somebody else's.

use std::net::SocketAddr;
use std::process::Command;

use serde_json::{Value, json};

use super::process::Process;

/// One that is running, in a process of its own that ends with the value.
pub struct DnsServer {
    process: Process,
    names: Value,
    /// Where it answers, by UDP and TCP.
    pub address: SocketAddr,
}

impl DnsServer {
    /// Starts one that knows no name.
    pub fn start() -> Self {
        let names = json!({});
        let mut command = Command::new(".venv/bin/python");
        command
            .arg("tests/peers/dns-server.py")
            .arg(json!({ "names": names }).to_string());
        let (process, first) = Process::start(&mut command);
        let port = u16::try_from(first["port"].as_u64().unwrap()).unwrap();
        Self {
            process,
            names,
            address: ([127, 0, 0, 1], port).into(),
        }
    }

    /// What it says of a name from now on, as its script describes: `txt`, `cname`, `fault`. Null: there is no such name.
    pub fn says(&mut self, name: &str, about: &Value) {
        let names = self.names.as_object_mut().unwrap();
        if about.is_null() {
            names.remove(name);
        } else {
            names.insert(name.into(), about.clone());
        }
        self.process.change(&json!({ "names": self.names }));
    }
}
