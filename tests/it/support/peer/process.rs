//! A program that serves until its standard input closes, and is told things there.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;

/// One that is running. It ends with the value, and has cleared up after itself by then.
pub(super) struct Process {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Process {
    /// Starts it; answers with the first line that it prints.
    pub fn start(command: &mut Command) -> (Self, Value) {
        let name = command.get_program().display().to_string();
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child =
            child.unwrap_or_else(|error| panic!("{name} does not start ({error}): run scripts/test"));
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut process = Self { child, output };
        let first = process.answer();
        (process, first)
    }

    /// Tells it to change something.
    pub fn change(&mut self, change: &Value) {
        self.ask(change);
    }

    /// Asks it something, and waits for the answer.
    pub fn ask(&mut self, question: &Value) -> Value {
        writeln!(self.child.stdin.as_mut().unwrap(), "{question}").unwrap();
        self.answer()
    }

    /// One line of its output; it writes only in answer.
    fn answer(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line)
            .unwrap_or_else(|_| panic!("the identity provider ended: its error is above"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        self.child.wait().unwrap();
    }
}
