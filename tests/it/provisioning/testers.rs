//! Programs of other people that try a SCIM server from outside: `scim2-tester` and `scim-sanity`.

use crate::support::Directory;
use crate::support::peer::run_tester;

/// How many lines begin so.
fn lines(text: &str, word: &str) -> usize {
    let begins = |line: &&str| line.trim_start().starts_with(word);
    text.lines().filter(begins).count()
}

both_databases! {
    /// It reads what we say that we can do, and tries each of it.
    /// SCIM-087, SCIM-088.
    async fn scim2_tester_finds_nothing(db: Database) {
        let (_acme, directory) = Directory::start(db);
        let bearer = format!("Authorization: Bearer {}", directory.token);
        let report = run_tester("scim", &["-u", &directory.base, "test", "-v"], &[("SCIM_CLI_HEADERS", &bearer)]);
        assert!(report.passed, "{}", report.text);
        for bad in ["ERROR", "CRITICAL", "SKIPPED", "DEVIATION"] {
            assert_eq!(lines(&report.text, bad), 0, "{bad}: {}", report.text);
        }
        assert!(lines(&report.text, "SUCCESS") >= 135, "{}", report.text);
    }

    /// It walks through the life of a person and of a group. It would also have a member in a group who does not
    /// exist; we refuse that (RFC 7644 §3.12, `invalidValue`), so that a directory hears of it and tries again.
    /// SCIM-088.
    async fn scim_sanity_finds_what_we_refuse_on_purpose(db: Database) {
        let (_acme, directory) = Directory::start(db);
        let arguments = [
            "probe", &directory.base, "--token", &directory.token, "--i-accept-side-effects",
            "--user-domain", "acme.example",
        ];
        let report = run_tester("scim-sanity", &arguments, &[]);
        let failed: Vec<&str> = report
            .text
            .lines()
            .map(str::trim)
            .filter(|line| line.starts_with("[FAIL]") || line.starts_with("[ERROR]"))
            .collect();
        assert_eq!(failed, ["[FAIL] PATCH /Groups/{id} add member"], "{}", report.text);
        assert!(lines(&report.text, "[PASS]") >= 27, "{}", report.text);
    }
}
