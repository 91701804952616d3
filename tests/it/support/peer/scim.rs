//! Programs that try a SCIM server from outside.

use std::path::Path;
use std::process::Command;

/// What such a program said, and whether it was content.
#[derive(Debug)]
pub struct Report {
    /// All that it printed.
    pub text: String,
    /// Whether it ended without complaint.
    pub passed: bool,
}

/// Runs a program of the tests' Python, to its end.
pub fn run(program: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Report {
    let path = Path::new(".venv/bin").join(program);
    assert!(path.exists(), "{program} is not installed: run scripts/test");
    let mut command = Command::new(path);
    command.args(arguments).envs(environment.iter().copied());
    command.env("NO_COLOR", "1").env("NO_PROXY", "127.0.0.1");
    let output = command.output().unwrap();
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    Report {
        text,
        passed: output.status.success(),
    }
}
