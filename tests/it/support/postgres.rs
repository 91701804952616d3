//! A private PostgreSQL server: made from the installed programs, reached by a socket in a folder of its own,
//! and gone with the test process, however that ends.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use diesel::{Connection, PgConnection, RunQueryDsl};

/// Runs PostgreSQL until its own standard input closes, which the kernel does for us even after `kill -9`.
const KEEPER: &str = r#"
"$1" -D "$2/data" </dev/null &
server=$!
cat >/dev/null
kill -QUIT $server
wait $server
rm -rf "$2"
"#;

/// Nothing here outlives the tests, so nothing waits for the disk. The order of text is not that of its bytes,
/// as in most real installations: a page that sorts by the database's collation is found out.
const INITDB: [&str; 9] = [
    "--username=postgres",
    "--auth=trust",
    "--encoding=UTF8",
    "--locale=C.UTF-8",
    "--locale-provider=icu",
    "--icu-locale=en-US",
    "--no-sync",
    "--no-instructions",
    "--pgdata",
];

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
        let person = Person::for_postgres();
        std::os::unix::fs::chown(&folder, Some(person.uid), Some(person.gid)).unwrap();
        initialize(&programs, &folder, &person);

        let log = File::create(folder.join("log")).unwrap();
        let mut keeper = Command::new("sh");
        keeper
            .args(["-c", KEEPER, "keeper"])
            .arg(programs.join("postgres"))
            .arg(&folder);
        keeper
            .stdin(Stdio::piped())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        let keeper = person
            .dress(&mut keeper, &folder)
            .process_group(0)
            .spawn()
            .unwrap();
        let server = Self {
            folder,
            _keeper: keeper,
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

fn initialize(programs: &Path, folder: &Path, person: &Person) {
    let mut initdb = Command::new(programs.join("initdb"));
    initdb.args(INITDB).arg(folder.join("data"));
    let made = person.dress(&mut initdb, folder).output().unwrap();
    assert!(
        made.status.success(),
        "initdb failed: {}",
        String::from_utf8_lossy(&made.stderr)
    );
    let settings = format!(
        "listen_addresses = ''\nunix_socket_directories = '{}'\nmax_connections = 400\nshared_buffers = 64MB\n\
         fsync = off\nsynchronous_commit = off\nfull_page_writes = off\nautovacuum = off\n",
        folder.display()
    );
    let file = folder.join("data/postgresql.conf");
    std::fs::write(file, settings).unwrap();
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

/// A folder whose name leaves room for a socket's (107 bytes in all).
fn short_folder() -> PathBuf {
    Some(std::env::temp_dir())
        .filter(|folder| folder.as_os_str().len() < 60)
        .unwrap_or_else(|| "/tmp".into())
}

/// Who runs the server: ourselves, or `postgres` when we are root, because `initdb` refuses root.
struct Person {
    uid: u32,
    gid: u32,
    is_another: bool,
}

impl Person {
    fn for_postgres() -> Self {
        let ourselves = std::fs::metadata("/proc/self").unwrap();
        if ourselves.uid() != 0 {
            return Self {
                uid: ourselves.uid(),
                gid: ourselves.gid(),
                is_another: false,
            };
        }
        let people = std::fs::read_to_string("/etc/passwd").unwrap();
        let postgres = people.lines().find(|line| line.starts_with("postgres:")).expect(
            "PostgreSQL does not run as root, and there is no user named postgres. Install Debian's package postgresql.",
        );
        let fields: Vec<&str> = postgres.split(':').collect();
        Self {
            uid: fields[2].parse().unwrap(),
            gid: fields[3].parse().unwrap(),
            is_another: true,
        }
    }

    /// Makes a command run as this person, in a folder that this person may enter.
    fn dress<'a>(&self, command: &'a mut Command, folder: &Path) -> &'a mut Command {
        if self.is_another {
            command.uid(self.uid).gid(self.gid);
        }
        command.current_dir(folder)
    }
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
