//! A private PostgreSQL server: made from the installed programs, reached by a socket in a folder of its own,
//! and gone with the test process, however that ends.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use diesel::{Connection, PgConnection, RunQueryDsl};

/// Makes and runs a server until its own standard input closes, which the kernel does for us even after `kill -9`.
///
/// Nothing here outlives the tests, so nothing waits for the disk. The order of text is not that of its bytes, as in
/// most real installations: a page that sorts by the database's collation is found out.
const KEEPER: &str = r#"
programs=$1 folder=$2
trap 'rm -rf "$folder"' EXIT
"$programs/initdb" --username=postgres --auth=trust --no-sync --no-instructions --encoding=UTF8 \
    --locale=C.UTF-8 --locale-provider=icu --icu-locale=en-US --pgdata="$folder/data" || {
    touch "$folder/failed"
    cat
    exit 1
}
"$programs/postgres" -D "$folder/data" -c listen_addresses= -c unix_socket_directories="$folder" \
    -c max_connections=400 -c shared_buffers=64MB -c autovacuum=off \
    -c fsync=off -c synchronous_commit=off -c full_page_writes=off </dev/null &
server=$!
cat >/dev/null
while kill -QUIT $server; do sleep 0.1; done
"#;

/// A running server.
pub struct Postgres {
    folder: PathBuf,
    _keeper: Child,
}

impl Postgres {
    /// The server of this process, started at the first call.
    pub fn running() -> &'static Self {
        static SERVER: OnceLock<Postgres> = OnceLock::new();
        SERVER.get_or_init(Self::start)
    }

    /// The address of one database, in the form that `DATABASE_URL` takes.
    pub fn url(&self, database: &str) -> String {
        format!(
            "postgres:///{database}?host={}&user=postgres",
            self.folder.display()
        )
    }

    /// Runs one statement in the maintenance database.
    pub fn run(&self, statement: &str) {
        let mut connection = PgConnection::establish(&self.url("postgres"))
            .unwrap_or_else(|error| panic!("PostgreSQL does not answer: {error}\n{}", self.log()));
        diesel::sql_query(statement)
            .execute(&mut connection)
            .unwrap_or_else(|error| panic!("PostgreSQL refused `{statement}`: {error}"));
    }

    fn start() -> Self {
        let programs = programs();
        let folder = tempfile::Builder::new()
            .prefix("pg")
            .tempdir_in(short_folder())
            .unwrap()
            .keep();
        let log = File::create(folder.join("log")).unwrap();
        let mut keeper = Command::new("sh");
        keeper
            .args(["-c", KEEPER, "keeper"])
            .arg(programs)
            .arg(&folder)
            .current_dir(&folder)
            .process_group(0);
        keeper
            .stdin(Stdio::piped())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        if let Some((uid, gid)) = person() {
            std::os::unix::fs::chown(&folder, Some(uid), Some(gid)).unwrap();
            keeper.uid(uid).gid(gid);
        }
        let server = Self {
            folder,
            _keeper: keeper.spawn().unwrap(),
        };
        server.wait_until_it_answers();
        server
    }

    fn wait_until_it_answers(&self) {
        let deadline = Instant::now() + Duration::from_mins(1);
        while PgConnection::establish(&self.url("postgres")).is_err() {
            assert!(
                Instant::now() < deadline,
                "PostgreSQL did not start:\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_else(|error| error.to_string())
    }
}

/// Where `initdb` and `postgres` are: the newest of Debian's folders, else a folder of PATH.
fn programs() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let mut debian: Vec<_> = versions.map(|version| version.path()).collect();
    debian.sort_by_key(|version| {
        version
            .file_name()
            .and_then(OsStr::to_str)
            .and_then(|name| name.parse::<u32>().ok())
    });
    let debian = debian.into_iter().rev().map(|version| version.join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    debian.chain(std::env::split_paths(&path)).find(|folder| folder.join("initdb").is_file()).expect(
        "PostgreSQL is not installed: its programs initdb and postgres are in neither /usr/lib/postgresql/*/bin \
         nor PATH. Install Debian's package postgresql, or run scripts/test, which does.",
    )
}

/// Runs a statement on the server of this process, away from any test's database.
pub fn on_the_server(statement: &str) {
    Postgres::running().run(statement);
}

/// A folder whose name leaves room for a socket's (107 bytes in all).
fn short_folder() -> PathBuf {
    Some(std::env::temp_dir())
        .filter(|folder| folder.as_os_str().len() < 60)
        .unwrap_or_else(|| "/tmp".into())
}

/// Whom to run the server as when we are root, because `initdb` refuses root: the user and group of `postgres`.
fn person() -> Option<(u32, u32)> {
    if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
        return None;
    }
    let people = std::fs::read_to_string("/etc/passwd").unwrap();
    let postgres = people.lines().find(|line| line.starts_with("postgres:")).expect(
        "PostgreSQL does not run as root, and there is no user named postgres. Install Debian's package postgresql.",
    );
    let number = |field: usize| postgres.split(':').nth(field).unwrap().parse().unwrap();
    Some((number(2), number(3)))
}

#[test]
fn the_server_is_started_once_and_sorts_as_people_do() {
    #[derive(diesel::QueryableByName)]
    struct Answer {
        #[diesel(sql_type = diesel::sql_types::Bool)]
        answer: bool,
    }
    let url = Postgres::running().url("postgres");
    assert_eq!(url, Postgres::running().url("postgres"));
    let mut connection = PgConnection::establish(&url).unwrap();
    let sorts = diesel::sql_query("SELECT 'a' < 'B' AS answer")
        .get_result::<Answer>(&mut connection)
        .unwrap();
    assert!(sorts.answer);
}
