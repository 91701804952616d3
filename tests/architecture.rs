//! The law of imports, and that a feature has one name everywhere.
//!
//! `src/lib.rs` lists the modules from the ground up. A module uses only itself and those above it; `diesel` is
//! named only in `store` and in files called `queries.rs`; a feature's queries are its own.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn a_module_uses_only_those_above_it() {
    let order = modules();
    let mut breaches = Vec::new();
    for file in files(Path::new("src")) {
        breaches.extend(breaches_in(&order, &file, &fs::read_to_string(&file).unwrap()));
    }
    assert!(
        breaches.is_empty(),
        "the law of imports is broken:\n{}\n",
        breaches.join("\n")
    );
}

#[test]
fn templates_have_the_names_of_features() {
    let Ok(folders) = fs::read_dir("templates") else {
        return;
    };
    for folder in folders
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
    {
        let name = folder.file_name().unwrap();
        assert!(
            Path::new("src").join(name).is_dir(),
            "{} has no folder in src/",
            folder.display()
        );
    }
}

#[test]
fn a_breach_is_named_by_file_and_line() {
    let order: Vec<String> = ["store", "teams", "members"].map(Into::into).to_vec();
    let breaches = |file: &str, text: &str| breaches_in(&order, Path::new(file), text);
    let teams =
        "use crate::store::Store;\nuse crate::{\n    store::{self, Conn as C},\n    members::model,\n};\n";
    assert_eq!(
        breaches("src/teams/mod.rs", teams),
        ["src/teams/mod.rs:4: teams may not use members"]
    );
    let members = "use crate::teams::{model::Team, queries};\nuse diesel::prelude::*; // diesel\n";
    let found = breaches("src/members/pages.rs", members);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found
            .iter()
            .any(|line| line == "src/members/pages.rs:1: the queries of teams are its own")
    );
    assert!(
        found
            .iter()
            .any(|line| line.starts_with("src/members/pages.rs:2: diesel is named"))
    );
    let own =
        "use diesel::prelude::*;\nuse crate::members::queries::find;\n// crate::nowhere\nuse crate::teams;\n";
    assert!(breaches("src/members/queries.rs", own).is_empty());
    assert_eq!(
        breaches("src/store/mod.rs", "fn f() { crate::teams::g(); }").len(),
        1
    );
}

fn modules() -> Vec<String> {
    let text = fs::read_to_string("src/lib.rs").unwrap();
    text.lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .map(Into::into)
        .collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let found = entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] });
    found
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

fn breaches_in(order: &[String], file: &Path, text: &str) -> Vec<String> {
    let module = file
        .components()
        .nth(1)
        .unwrap()
        .as_os_str()
        .to_str()
        .unwrap()
        .trim_end_matches(".rs");
    let level = |name: &str| order.iter().position(|listed| listed == name);
    let own = level(module).unwrap_or(order.len()); // main.rs and lib.rs stand above all
    let mut breaches = Vec::new();
    for (line, path) in paths(text) {
        let mut parts = path.split("::");
        let (Some(used), next) = (parts.next(), parts.next()) else {
            continue;
        };
        let Some(theirs) = level(used) else { continue };
        if theirs > own {
            breaches.push(format!("{}:{line}: {module} may not use {used}", file.display()));
        }
        if theirs != own && next == Some("queries") {
            breaches.push(format!(
                "{}:{line}: the queries of {used} are its own",
                file.display()
            ));
        }
    }
    if module != "store" && file.file_name().is_some_and(|name| name != "queries.rs") {
        let named = text
            .lines()
            .enumerate()
            .filter(|(_, line)| words(code(line)).any(|word| word.starts_with("diesel")));
        breaches.extend(named.map(|(line, _)| {
            format!(
                "{}:{}: diesel is named outside store and queries.rs",
                file.display(),
                line + 1
            )
        }));
    }
    breaches
}

/// Every path below `crate::` with its line, those of `use crate::{a, b::{c, d}}` one by one.
fn paths(text: &str) -> Vec<(usize, String)> {
    let text = text.lines().map(code).collect::<Vec<_>>().join("\n");
    let mut found = Vec::new();
    for (start, matched) in text.match_indices("crate::") {
        let mut line = text.get(..start).unwrap().matches('\n').count() + 1;
        let (mut prefixes, mut path) = (Vec::<String>::new(), String::new());
        for letter in text.get(start + matched.len()..).unwrap().chars() {
            match letter {
                '{' => prefixes.push(path.clone()),
                ',' | '}' if !prefixes.is_empty() => {
                    found.push((line, path));
                    path = prefixes.last().cloned().unwrap_or_default();
                    if letter == '}' {
                        prefixes.pop();
                        path = prefixes.last().cloned().unwrap_or_default();
                    }
                }
                letter if letter.is_alphanumeric() || "_:".contains(letter) => path.push(letter),
                letter if letter.is_whitespace() && !prefixes.is_empty() => {}
                _ => break,
            }
            if letter == '}' && prefixes.is_empty() {
                break;
            }
            line += usize::from(letter == '\n');
        }
        found.push((line, path));
    }
    found
}

fn code(line: &str) -> &str {
    line.split("//").next().unwrap_or(line)
}

fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
}
