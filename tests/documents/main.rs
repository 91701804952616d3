//! What the documents name is there: files they link to, settings, modules.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

mod cases;

use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn every_link_to_a_file_leads_to_one() {
    let mut broken = Vec::new();
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        for target in links(&text) {
            let file = target.split('#').next().unwrap_or_default();
            let local = !file.is_empty() && !file.contains("://");
            if local && !document.parent().unwrap().join(file).exists() {
                broken.push(format!("{}: {target}", document.display()));
            }
        }
    }
    assert!(broken.is_empty(), "these lead nowhere:\n{}\n", broken.join("\n"));
}

#[test]
fn every_path_that_is_named_is_there() {
    const OURS: [&str; 8] = [
        "src/",
        "tests/",
        "docs/",
        "scripts/",
        "migrations/",
        "static/",
        "templates/",
        ".ci/",
    ];
    // House style names one feature's paths as an example; its tests may be elsewhere.
    let example = Path::new("docs/house-style.md");
    let mut missing = Vec::new();
    for document in documents().into_iter().filter(|document| document != example) {
        let text = fs::read_to_string(&document).unwrap();
        let spans = text.split('`').skip(1).step_by(2);
        let named = spans.filter(|span| OURS.iter().any(|folder| span.starts_with(folder)));
        for path in named.filter_map(|span| span.split_whitespace().next()) {
            if !Path::new(path).exists() {
                missing.push(format!("{}: {path}", document.display()));
            }
        }
    }
    assert!(
        missing.is_empty(),
        "these are not there:\n{}\n",
        missing.join("\n")
    );
}

#[test]
fn every_setting_is_described() {
    let operating = fs::read_to_string("docs/operating.md").unwrap();
    let config = fs::read_to_string("src/config.rs").unwrap();
    let words = config.split(|letter: char| !letter.is_ascii_uppercase() && letter != '_');
    for setting in words.filter(|word| word.starts_with("VESTIBULE_") || *word == "DATABASE_URL") {
        assert!(
            operating.contains(&format!("`{setting}`")),
            "docs/operating.md lacks {setting}"
        );
    }
}

#[test]
fn every_module_has_its_line_in_the_maps() {
    let list = fs::read_to_string("src/lib.rs").unwrap();
    let modules: Vec<&str> = list
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .collect();
    for document in ["README.md", "docs/architecture.md"] {
        let text = fs::read_to_string(document).unwrap();
        let mapped: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
            .map(|(name, _)| name)
            .filter(|name| modules.contains(name))
            .collect();
        assert_eq!(mapped, modules, "the map of {document}");
    }
}

fn documents() -> Vec<PathBuf> {
    let all = ["", "docs", "docs/decisions", "docs/security", "static"]
        .iter()
        .flat_map(|folder| fs::read_dir(Path::new("./").join(folder)).unwrap());
    all.map(|entry| entry.unwrap().path())
        .map(|path| path.strip_prefix("./").unwrap().to_owned())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect()
}

/// The targets of `[text](target)` and `![text](target)`.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| rest.split(')').next())
}
