//! Which tests hold which case of `docs/security/cases.toml`: read from the tests' doc comments, written into
//! `docs/security/README.md`.
//!
//! A test names its cases in its comment: `/// SAML-046, RACE-014.` or `/// SAML-002 to SAML-009.`

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

const CASES: &str = "docs/security/cases.toml";
const PAGE: &str = "docs/security/README.md";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Catalogue {
    area: Vec<Area>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Area {
    code: String,
    title: String,
    /// What holds for the area as a whole.
    #[serde(default)]
    note: String,
    /// From a case's id to its title.
    cases: BTreeMap<String, String>,
    /// What a test can't say of a case.
    #[serde(default)]
    notes: BTreeMap<String, String>,
}

/// A test that names cases.
#[derive(Debug, PartialEq)]
struct Test {
    file: String,
    name: String,
    cases: Vec<String>,
}

#[test]
fn every_case_of_security_names_its_tests() {
    let catalogue = catalogue();
    let (tests, faults) = tests(&catalogue);
    assert!(faults.is_empty(), "{}\n", faults.join("\n"));
    let page = page(&catalogue, &tests);
    if write() {
        fs::write(PAGE, &page).unwrap();
    }
    assert!(
        fs::read_to_string(PAGE).unwrap_or_default() == page,
        "{PAGE} is not what the tests say: run scripts/cases"
    );
}

#[test]
fn a_note_is_of_a_case() {
    for area in catalogue().area {
        for id in area.notes.keys() {
            assert!(area.cases.contains_key(id), "{id} has a note and no title");
        }
    }
}

#[test]
fn cases_are_read_from_comments() {
    let known = |id: &str| id.starts_with("SAML-") || id == "RACE-014";
    let rust = "/// One. SAML-002 to SAML-004, RACE-014; SHA-256.\n#[expect(\n    x\n)]\n#[test]\nfn one() {\n}\n\
                both! {\n    /// SAML-009.\n    async fn two(db: Database) {\n    /// SAML-005.\nfn three() {}\n";
    let (found, faults) = of_rust("a.rs", rust, known);
    let names: Vec<&str> = found.iter().map(|test| test.name.as_str()).collect();
    assert_eq!(names, ["one", "two"]);
    assert_eq!(found[0].cases, ["SAML-002", "SAML-003", "SAML-004", "RACE-014"]);
    assert_eq!(faults, ["a.rs: three names SAML-005 and is no test"]);
    let (found, _) = of_script(
        "a.mjs",
        "// SAML-007.\n// More.\ntest('it is so', async () => {\n",
        known,
    );
    assert_eq!(
        (found[0].name.as_str(), &found[0].cases[..]),
        ("it is so", &["SAML-007".to_owned()][..])
    );
}

fn catalogue() -> Catalogue {
    toml::from_str(&fs::read_to_string(CASES).unwrap()).unwrap()
}

fn write() -> bool {
    std::env::var_os("VESTIBULE_WRITE_CASES").is_some()
}

/// All tests that name cases, and what is wrong with their comments.
fn tests(catalogue: &Catalogue) -> (Vec<Test>, Vec<String>) {
    let known: Vec<&str> = catalogue
        .area
        .iter()
        .flat_map(|area| area.cases.keys())
        .map(String::as_str)
        .collect();
    let prefixes: Vec<&str> = known.iter().filter_map(|id| id.split('-').next()).collect();
    let ours = |id: &str| {
        id.split('-')
            .next()
            .is_some_and(|prefix| prefixes.contains(&prefix))
    };
    let (mut found, mut faults) = (Vec::new(), Vec::new());
    for path in ["src", "tests", "fuzz/targets"]
        .iter()
        .flat_map(|folder| files(Path::new(folder)))
    {
        let file = path.display().to_string();
        let read = match path.extension().and_then(|kind| kind.to_str()) {
            Some("rs") if file.starts_with("fuzz/") => of_target,
            Some("rs") if file != "tests/documents/cases.rs" => of_rust,
            Some("mjs") => of_script,
            _ => continue,
        };
        let (tests, wrong) = read(&file, &fs::read_to_string(&path).unwrap(), ours);
        found.extend(tests);
        faults.extend(wrong);
    }
    for test in &found {
        for case in test.cases.iter().filter(|case| !known.contains(&case.as_str())) {
            faults.push(format!(
                "{}: {} names {case}, which {CASES} lacks",
                test.file, test.name
            ));
        }
    }
    (found, faults)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let ours = entries.filter(|path| !path.ends_with("node_modules"));
    let mut all: Vec<PathBuf> = ours
        .flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] })
        .collect();
    all.sort();
    all
}

/// The tests of a Rust file: a comment, perhaps attributes, then the function.
fn of_rust(file: &str, text: &str, ours: impl Fn(&str) -> bool) -> (Vec<Test>, Vec<String>) {
    let (mut found, mut faults) = (Vec::new(), Vec::new());
    let (mut comment, mut attributes, mut open) = (String::new(), String::new(), false);
    for line in text.lines().map(str::trim) {
        if let Some(more) = line.strip_prefix("///") {
            comment.push_str(more);
        } else if open || line.starts_with("#[") {
            attributes.push_str(line);
            open = !line.ends_with(']');
        } else {
            let cases = cases(&comment, &ours);
            if let Some(name) = function(line).filter(|_| !cases.is_empty()) {
                let is_test = attributes.contains("test]") || line.contains("db: Database");
                if is_test {
                    found.push(Test {
                        file: file.into(),
                        name: name.into(),
                        cases,
                    });
                } else {
                    faults.push(format!(
                        "{file}: {name} names {} and is no test",
                        cases.join(", ")
                    ));
                }
            }
            comment.clear();
            attributes.clear();
        }
    }
    (found, faults)
}

fn function(line: &str) -> Option<&str> {
    let (before, rest) = line.split_once("fn ")?;
    let words = ["", "pub", "async", "pub async"];
    let (name, _) = rest.split_once('(').filter(|_| words.contains(&before.trim()))?;
    Some(name)
}

/// A fuzz target, which says so at its head.
fn of_target(file: &str, text: &str, ours: impl Fn(&str) -> bool) -> (Vec<Test>, Vec<String>) {
    let head: String = text.lines().filter_map(|line| line.strip_prefix("//!")).collect();
    let name = Path::new(file).file_stem().unwrap().to_str().unwrap();
    let test = Test {
        file: file.into(),
        name: format!("{name} (scripts/fuzz)"),
        cases: cases(&head, &ours),
    };
    (
        Vec::from_iter(Some(test).filter(|test| !test.cases.is_empty())),
        Vec::new(),
    )
}

/// The tests of a script: a comment, then `test('…'`.
fn of_script(file: &str, text: &str, ours: impl Fn(&str) -> bool) -> (Vec<Test>, Vec<String>) {
    let (mut found, mut comment) = (Vec::new(), String::new());
    for line in text.lines().map(str::trim) {
        if let Some(more) = line.strip_prefix("//") {
            comment.push_str(more);
            continue;
        }
        let cases = cases(&comment, &ours);
        let quoted = line
            .strip_prefix("test(")
            .and_then(|rest| rest.split(['\'', '`', '"']).nth(1));
        if let Some(name) = quoted.filter(|_| !cases.is_empty()) {
            found.push(Test {
                file: file.into(),
                name: name.into(),
                cases,
            });
        }
        comment.clear();
    }
    (found, Vec::new())
}

/// The ids in a comment; `A-001 to A-003` are three.
fn cases(comment: &str, ours: &impl Fn(&str) -> bool) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut through = false;
    for word in comment.split_whitespace() {
        let id = word.trim_matches(|letter: char| !letter.is_ascii_alphanumeric());
        if is_id(id) && ours(id) {
            let (prefix, number) = id.split_once('-').unwrap();
            let last: u32 = number.parse().unwrap();
            let before = found.last().filter(|_| through).and_then(|id| id.split_once('-'));
            let first = before.map_or(last, |(_, first)| first.parse::<u32>().unwrap() + 1);
            found.extend((first..=last).map(|number| format!("{prefix}-{number:03}")));
        }
        through = word == "to";
    }
    found
}

fn is_id(word: &str) -> bool {
    word.split_once('-').is_some_and(|(prefix, number)| {
        prefix.bytes().all(|byte| byte.is_ascii_uppercase())
            && number.len() == 3
            && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// How a case stands.
fn stands(area: &Area, id: &str, tests: &[&Test]) -> usize {
    let note = area.notes.get(id);
    match (tests.is_empty(), note) {
        (false, _) => 0,
        (true, Some(note)) if !note.starts_with("Open:") => 1,
        (true, _) => 2,
    }
}

fn page(catalogue: &Catalogue, tests: &[Test]) -> String {
    let of = |id: &str| -> Vec<&Test> {
        tests
            .iter()
            .filter(|test| test.cases.iter().any(|case| case == id))
            .collect()
    };
    let (mut rows, mut tables) = (String::new(), String::new());
    let mut total = [0; 3];
    for area in &catalogue.area {
        let (mut counts, mut table) = ([0; 3], String::new());
        for (id, title) in &area.cases {
            let held = of(id);
            counts[stands(area, id, &held)] += 1;
            writeln!(
                table,
                "| {id} | {title} | {} |",
                answer(area.notes.get(id), &held)
            )
            .unwrap();
        }
        let (code, name) = (&area.code, &area.title);
        let [with, reason, open] = counts;
        writeln!(
            rows,
            "| {code} | {name} | {} | {with} | {reason} | {open} |",
            area.cases.len()
        )
        .unwrap();
        for (sum, count) in total.iter_mut().zip(counts) {
            *sum += count;
        }
        writeln!(tables, "\n## {code}. {name}").unwrap();
        if !area.note.is_empty() {
            writeln!(tables, "{}", area.note).unwrap();
        }
        if !table.is_empty() {
            write!(tables, "| Case | What | Held by |\n|---|---|---|\n{table}").unwrap();
        }
    }
    let [with, reason, open] = total;
    let all = with + reason + open;
    format!(
        "# What must hold, and which test holds it\n\n\
         Made from [cases.toml](cases.toml) and the comments of the tests by `scripts/cases`; a test compares. A test names its \
         cases in the last\nline of its comment (`/// SAML-046, RACE-014.`). What no test holds says why, or that it is open.\n\n\
         | | Area | Cases | With tests | Held otherwise | Open |\n|---|---|---|---|---|---|\n{rows}\
         | | All | {all} | {with} | {reason} | {open} |\n{tables}"
    )
}

fn answer(note: Option<&String>, tests: &[&Test]) -> String {
    let mut parts: Vec<String> = tests
        .iter()
        .map(|test| format!("[{}](../../{})", test.name, test.file))
        .collect();
    parts.sort();
    parts.dedup();
    let tests = parts.join(", ");
    match (tests.is_empty(), note) {
        (false, None) => tests,
        (false, Some(note)) => format!("{tests}. {note}"),
        (true, Some(note)) => note.clone(),
        (true, None) => "Open: no test names it.".into(),
    }
}
