//! Measures what people see before they switch: previews, dry runs, and a queue of a million. `scripts/bench` calls it.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a bench fails by panicking"
)]

mod wire;

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use diesel::connection::SimpleConnection as _;
use vestibule::access::{MappedGroup, Role};
use vestibule::audit::Actor;
use vestibule::dry_run::{Question, explain};
use vestibule::previews::{Change, DAYS, Progress, replay};
use vestibule::saml::SpKey;
use vestibule::store::{Store, time};
use wire::acme::{self, OWNER};
use wire::people::Browser;
use wire::{
    Measured, Process, await_listener, median, on_one_thread, runs_of_a_row, seconds_of_a_run, spent,
};

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    match arguments
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        [name, database, binary] => foresight(name, database, binary),
        [] => println!("Run scripts/bench: it starts what this needs."),
        other => panic!("unknown arguments: {other:?}"),
    }
}

/// Previews over a hundred thousand members and sign-ins, dry runs, and a queue of a million people.
#[expect(clippy::too_many_lines, reason = "one row after the other")]
fn foresight(name: &str, database: &str, binary: &str) {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    let now = time::now();
    let made = acme::make(
        database,
        &key,
        "http://127.0.0.1:9",
        &SpKey::generate("idp", now).unwrap(),
    );
    let (organization, connection) = (made.organization, made.oidc);
    let store = Store::open(database).unwrap();
    crowd(&store, &organization, &connection, now);
    let team = store
        .write(|conn| {
            vestibule::teams::actions::create(conn, now, &Actor::operator(), &organization, "Engineering")
        })
        .unwrap();
    let mapping = vec![MappedGroup {
        group: "eng".into(),
        team,
        role: Role::Member,
    }];
    let changes = [
        (
            "just-in-time off",
            Change::Jit {
                connection: connection.clone(),
                on: false,
            },
        ),
        (
            "no domain",
            Change::Domains {
                connection: connection.clone(),
                domains: BTreeSet::new(),
            },
        ),
        (
            "a table of groups",
            Change::Groups {
                connection: connection.clone(),
                mapping,
                convention: false,
            },
        ),
    ];
    for (what, change) in changes {
        // Forgets the highest mark so far, so that the next one is of the preview alone.
        std::fs::write("/proc/self/clear_refs", "5").unwrap();
        let (before, begun) = (memory("VmRSS:", "self"), Instant::now());
        let found = store
            .read(|conn| replay(conn, now, &organization, &change, DAYS, &Progress::default()))
            .unwrap();
        let (took, most) = (begun.elapsed(), memory("VmHWM:", "self") - before);
        row(
            name,
            &format!(
                "preview of {what}, {} people, {} differ",
                found.people,
                found.lines.len()
            ),
            &format!("{:.1} s, {most:.0} MB", took.as_secs_f64()),
        );
    }
    let question = Question {
        connection: "acme-id".into(),
        email: Some("p77@acme.example".into()),
        ..Question::default()
    };
    let begun = Instant::now();
    for _ in 0..100 {
        store
            .read(|conn| explain(conn, now, &organization, &question))
            .unwrap();
    }
    row(
        name,
        "dry run",
        &format!("{:.1} ms", begun.elapsed().as_secs_f64() * 10.0),
    );
    queue(&store, &organization, &connection, now);
    queue_page(name, database, binary, &key);
}

/// A hundred thousand members, each of whom has signed in.
fn crowd(store: &Store, organization: &str, connection: &str, now: i64) {
    const CROWD: usize = 100_000;
    for start in (0..CROWD).step_by(1_000) {
        let rows = |one: &dyn Fn(usize) -> String| -> String {
            (start..start + 1_000)
                .map(|number| format!("({})", one(number)))
                .collect::<Vec<_>>()
                .join(",")
        };
        let at = |number: usize| now - i64::try_from(number).unwrap() * 60_000;
        let accounts = rows(&|n| {
            format!(
                "'a{n:06}','p{n}@acme.example','p{n}@acme.example','Person {n}','person {n}','person{n}',{now},{now}"
            )
        });
        let identities =
            rows(&|n| format!("'i{n:06}','{connection}','http://127.0.0.1:9','s{n}','a{n:06}',{now}"));
        let members =
            rows(&|n| format!("'m{n:06}','{organization}','a{n:06}','member','active','jit',{now},{now}"));
        let sign_ins = rows(&|n| {
            let id = format!("{:012x}{n:020}", at(n));
            let groups = if n % 3 == 0 {
                r#"["eng","all"]"#
            } else {
                r#"["all"]"#
            };
            format!(
                "'{id}','{organization}','{connection}','oidc',{},'admitted','member','r{n}','email:p{n}@acme.example','a{n:06}','http://127.0.0.1:9','s{n}','p{n}@acme.example',TRUE,'Person {n}','{groups}'",
                at(n)
            )
        });
        let statements = format!(
            "INSERT INTO accounts (id,email,email_key,full_name,name_key,username,admitted_at,created_at) VALUES {accounts};\
             INSERT INTO identities (id,connection_id,issuer,subject,account_id,linked_at) VALUES {identities};\
             INSERT INTO members (id,organization_id,account_id,role,state,source,joined_at,state_changed_at) VALUES {members};\
             INSERT INTO sign_ins (id,organization_id,connection_id,protocol,at,outcome,reason,reference,person_key,account_id,issuer,subject,email,email_verified,name,groups_json) VALUES {sign_ins};"
        );
        store.write(|conn| conn.batch_execute(&statements)).unwrap();
    }
    store.write(|conn| conn.batch_execute("ANALYZE")).unwrap();
}

/// A million people who were denied.
fn queue(store: &Store, organization: &str, connection: &str, now: i64) {
    for start in (0..1_000_000_i64).step_by(2_000) {
        let rows: Vec<String> = (start..start + 2_000)
            .map(|n| {
                let (at, state) = (now - n * 5_000, if n % 4 == 0 { "open" } else { "dismissed" });
                format!("('d{n:07}','{organization}','email:x{n}@other.example','x{n}@other.example','x{n}@other.example','other.example','X {n}','x{n}@other.example x {n}','{connection}','not_invited','{state}',{at},{at},'s','r{n}',{at})")
            })
            .collect();
        let statement = format!(
            "INSERT INTO denials (id,organization_id,person_key,email,email_key,domain,name,search_key,connection_id,reason,state,first_at,last_at,last_sign_in_id,reference,state_at) VALUES {}",
            rows.join(",")
        );
        store.write(|conn| conn.batch_execute(&statement)).unwrap();
    }
    store.write(|conn| conn.batch_execute("ANALYZE")).unwrap();
}

fn queue_page(name: &str, database: &str, binary: &str, key: &Path) {
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .to_string();
    let mut server = Command::new(binary);
    server
        .env("DATABASE_URL", database)
        .env("VESTIBULE_KEY_FILE", key)
        .env("VESTIBULE_LISTEN", &address)
        .env("VESTIBULE_LOG", "error");
    let server = Process(server.spawn().unwrap());
    await_listener(&address);
    on_one_thread(async {
        let mut owner = Browser::new(&address, &address).await;
        owner.by_password(OWNER.0, OWNER.1).await;
        for path in [
            "/orgs/acme/denied",
            "/orgs/acme/denied?state=any",
            "/orgs/acme/denied?assigned=nobody",
        ] {
            let mut runs = Vec::new();
            for _ in 0..runs_of_a_row() {
                runs.push(page(&mut owner, path, server.0.id()).await);
            }
            row(name, &format!("`{path}`, 1,000,000 records"), &median(&runs));
        }
    });
}

async fn page(owner: &mut Browser, path: &str, server: u32) -> Measured {
    let (begun, before, mut times) = (Instant::now(), spent(server), Vec::new());
    while begun.elapsed() < seconds_of_a_run() {
        let one = Instant::now();
        assert_eq!(owner.get(path).await.0, 200);
        times.push(one.elapsed());
    }
    Measured {
        times,
        lasted: begun.elapsed(),
        spent: spent(server).saturating_sub(before),
    }
}

/// A line of what Linux says of a process's memory, in megabytes.
fn memory(what: &str, process: &str) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(what)).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse::<f64>().unwrap() / 1_024.0
}

fn row(database: &str, what: &str, figure: &str) {
    println!("| {database} | {what} | {figure} |");
}
