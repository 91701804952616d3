//! The machine has too little: room on the disk, memory, files; and clients take their time.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::Ordering;
use std::time::Duration;

use reqwest::{Client, StatusCode};

use super::{Load, doctor_is_content, nothing_is_lost};
use crate::support::directory::user;
use crate::support::program::{Program, Serving};
use crate::support::{Acme, Database, Directory};

/// Acme, its directory, and a program that serves it within these limits.
fn served(db: Database, shell: &str) -> (Acme, Directory, Serving, Program) {
    let (acme, directory) = Directory::start(db);
    let config = acme.installation.site.config.clone();
    let mut serving = Serving::of(&config.database_url, &config.key_file);
    shell.clone_into(&mut serving.shell);
    let program = serving.start();
    let directory = Directory {
        base: format!("{}/scim/v2", program.url),
        ..directory
    };
    (acme, directory, serving, program)
}

/// A connection over which only the beginning of a request comes.
fn begun(program: &Program, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(program.url.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    stream
}

/// What came before the server hung up; fails where it does not.
fn heard(mut stream: TcpStream) -> String {
    let mut said = Vec::new();
    match stream.read_to_end(&mut said) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        Err(error) => panic!("the server keeps a connection that is not used: {error}"),
    }
    String::from_utf8_lossy(&said).into_owned()
}

/// There is no more room for SQLite’s files: changes are refused and the server lives. With room again they are made, by
/// the same process; nothing that was acknowledged is lost.
/// FLT-005.
#[actix_web::test]
async fn a_full_disk_refuses_changes_and_breaks_nothing() {
    // A file that may not grow is like a disk that is full, and needs no root.
    let (acme, directory, serving, mut program) = served(Database::sqlite(), "trap '' XFSZ");
    directory.provision("before@acme.example").await;
    let waiting = format!("{}-wal", serving.database);
    let size = std::fs::metadata(waiting).unwrap().len();
    program.limit(&format!("fsize={}:unlimited", size + 100_000));
    let load = Load::new(&program.url, &directory.token, 1);
    let mut refused = 0;
    for number in 0..200 {
        let email = format!("p{number}@acme.example");
        let told = directory.post("/Users", &user(&email)).await;
        match told.status {
            201 => load.acknowledge(|told| told.created.push(email)),
            503 => refused += 1,
            other => panic!("{other}: {}", told.body),
        }
        if refused == 5 {
            break;
        }
    }
    assert_eq!(refused, 5, "the disk was never full");
    let health = Client::builder().no_proxy().build().unwrap();
    let health = health
        .get(format!("{}/healthz", program.url))
        .send()
        .await
        .unwrap();
    assert_eq!(health.status(), StatusCode::OK);
    program.limit("fsize=unlimited:unlimited");
    directory.provision("after@acme.example").await;
    load.acknowledge(|told| told.created.push("after@acme.example".to_owned()));
    program.kill();
    let _program = serving.start();
    nothing_is_lost(&acme, &load.told.lock().unwrap());
    doctor_is_content(&serving);
}

/// PostgreSQL’s disk is full, as it says so itself: 503, and nothing has happened.
/// FLT-005.
#[actix_web::test]
async fn a_full_disk_of_postgres_is_told_as_one() {
    let (acme, directory) = Directory::start(Database::postgres());
    acme.run(
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION \
         'could not extend file \"base/1/1\": No space left on device' USING ERRCODE = '53100'; END $$; \
         CREATE TRIGGER full_disk BEFORE INSERT ON members FOR EACH ROW EXECUTE FUNCTION full_disk();",
    );
    let before = acme.people();
    let told = directory.post("/Users", &user("ada@acme.example")).await;
    assert_eq!(
        (told.status, told.header("retry-after")),
        (503, "1"),
        "{}",
        told.body
    );
    assert_eq!(acme.people(), before);
    acme.run("DROP FUNCTION full_disk() CASCADE");
    directory.provision("ada@acme.example").await;
}

both_databases! {
    /// There is no more memory: the process may end, and nothing that it acknowledged is lost; the next one goes on.
    /// FLT-007.
    async fn without_memory_nothing_is_half(db: Database) {
        let (acme, directory, mut serving, mut program) = served(db, "ulimit -S -v 900000");
        let load = Load::new(&program.url, &directory.token, 1);
        let work: Vec<_> = (0..4).map(|_| actix_web::rt::spawn(load.clone().provision())).collect();
        load.until(10).await;
        // Not a page more than it has now: a password needs 19 MiB.
        program.limit(&format!("as={}:unlimited", program.status("VmSize") * 1024));
        let guess = Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().unwrap();
        let mut guesses = 0;
        while !program.is_gone() && guesses < 40 {
            guesses += 1;
            let Ok(page) = guess.get(format!("{}/sign-in", program.url)).send().await else {
                continue;
            };
            let cookie = page.headers().get("set-cookie").and_then(|cookie| cookie.to_str().ok()?.split(';').next().map(str::to_owned));
            let page = page.text().await.unwrap_or_default();
            let token = page.split("name=\"form_token\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
            let (Some(cookie), Some(token)) = (cookie, token) else {
                continue;
            };
            let form = [("form_token", token), ("email", "olive@acme.example"), ("password", "not olive’s password")];
            let url = format!("{}/sign-in/password", program.url);
            drop(guess.post(url).header("cookie", &cookie).header("sec-fetch-site", "same-origin").form(&form).send().await);
        }
        println!("out of memory: gone {} after {guesses} guesses", program.is_gone());
        load.over.store(true, Ordering::Release);
        program.kill();
        for one in work {
            one.await.unwrap();
        }
        serving.shell.clear();
        let _program = serving.start();
        nothing_is_lost(&acme, &load.told.lock().unwrap());
        doctor_is_content(&serving);
        directory.provision("after@acme.example").await;
    }

    /// There are no more files to be had: whoever comes waits until those who only sit there are sent away, and is
    /// answered then.
    /// FLT-022.
    async fn without_files_people_wait_and_are_answered(db: Database) {
        let (_acme, directory, serving, mut program) = served(db, "");
        directory.provision("before@acme.example").await;
        program.limit(&format!("nofile={}:4096", program.files() + 8));
        let idle: Vec<_> = (0..40).map(|_| begun(&program, "GET /healthz")).collect();
        let told = directory.post("/Users", &user("ada@acme.example")).await;
        assert!(matches!(told.status, 201 | 503), "{}", told.body);
        assert!(!program.is_gone());
        for stream in idle {
            heard(stream);
        }
        program.limit("nofile=4096:4096");
        while directory.post("/Users", &user("after@acme.example")).await.status == 503 {}
        assert_eq!(directory.find("userName eq \"after@acme.example\"").await, ["after@acme.example"]);
        doctor_is_content(&serving);
    }

    /// Hundreds send a request byte by byte, or none at all, or a form that never ends: everybody else is answered, and
    /// they are sent away.
    /// RES-002, RES-008.
    async fn slow_and_idle_clients_keep_nobody_waiting(db: Database) {
        let (_acme, directory, _serving, program) = served(db, "");
        let heads: Vec<_> = (0..150).map(|_| begun(&program, "GET /sign-in HTTP/1.1\r\nHost: x\r\nX-Slow: ")).collect();
        let silent: Vec<_> = (0..150).map(|_| begun(&program, "")).collect();
        let head = "POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 900\r\n\r\nemail=";
        let bodies: Vec<_> = (0..150).map(|_| begun(&program, head)).collect();
        for number in 0..20 {
            directory.provision(&format!("p{number}@acme.example")).await;
        }
        for stream in heads.into_iter().chain(silent) {
            let said = heard(stream);
            assert!(said.is_empty() || said.starts_with("HTTP/1.1 408"), "{said}");
        }
        drop(bodies);
        directory.provision("after@acme.example").await;
    }
}
