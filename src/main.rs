//! The command line.

use std::collections::BTreeMap;
use std::io::{BufReader, Read as _, stdin, stdout};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use vestibule::access::EmailAddress;
use vestibule::accounts;
use vestibule::app::Vestibule;
use vestibule::apply;
use vestibule::audit::{self, Actor};
use vestibule::config::Config;
use vestibule::connections;
use vestibule::demo::Addresses;
use vestibule::dry_run;
use vestibule::mail::Post;
use vestibule::orgs;
use vestibule::provisioning;
use vestibule::session;
use vestibule::sign_in::{self, NewOwner};
use vestibule::store::sealed::Sealer;
use vestibule::store::time::{Clock, HOUR, now};
use vestibule::store::{DbError, Store, health};
use vestibule::upkeep;
use vestibule::upkeep::doctor::Weight;
use vestibule::upkeep::log::Lines;
use vestibule::web::Problem;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The front door of an organization: single sign-on, invitations, just-in-time provisioning, and a
/// record of who was turned away.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the web application (the default).
    Serve,
    /// Bring the database up to date, then stop. With --from and --to: copy everything from one database into
    /// another, of either kind, and hold both against each other.
    Migrate(Migrate),
    /// Write the whole database into one encrypted file, also while the server runs. Without --key-file the
    /// passphrase is read from standard input.
    Backup(Backup),
    /// Put a back-up into an empty database. Everybody has to sign in again.
    Restore(Backup),
    /// Look whether everything holds that must hold, and say what to do where it does not. Changes nothing.
    Doctor,
    /// Make a new key and seal every secret with it, also while servers run. Restart them, then finish.
    Rekey {
        /// Seal what is left, and take the old keys out of the key file.
        #[arg(long)]
        finish: bool,
    },
    /// Make a person an owner of an organization, which is made if it is missing. The password is read
    /// from standard input; an empty line sets none.
    MakeOwner(MakeOwner),
    /// Make a person one who runs the installation, and may open the operator's pages; the account must have a
    /// password. Or take that away.
    MakeOperator(MakeOperator),
    /// Print a link by which a person sets a new password, good once and for an hour.
    ResetPassword(ResetPassword),
    /// Bring about what a file describes: organizations, owners, domains, connections, invitations.
    Apply {
        /// The file, in TOML.
        file: PathBuf,
        /// Only say what would be done.
        #[arg(long)]
        dry_run: bool,
    },
    /// Show the product with a temporary database, sample data and an identity provider of its own.
    Demo(Demo),
    /// Make a token for a connection's directory. Prints the base URL and the token, each on a line of its
    /// own; the token is not shown again.
    ScimToken(ScimToken),
    /// Read questions as JSON lines and answer what the rules of entry say to each.
    Decide,
    /// Check or hand out the audit log.
    #[command(subcommand)]
    Audit(Audit),
    /// Say what would happen if somebody signed in now: the decision, each rule and each effect. Nothing is
    /// written.
    Explain(Explain),
}

#[derive(clap::Args)]
struct Migrate {
    /// The database to copy, such as sqlite:vestibule.db. It is only read.
    #[arg(long, requires = "to")]
    from: Option<String>,
    /// The empty database to copy into, such as `postgres:///vestibule?host=/run/postgresql`.
    #[arg(long, requires = "from")]
    to: Option<String>,
}

#[derive(clap::Args)]
struct Backup {
    /// The file.
    file: PathBuf,
    /// A file with the key that opens it (32 bytes at least), instead of a passphrase.
    #[arg(long)]
    key_file: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Audit {
    /// Read every chain of the log and say whether it is whole; else name the first entry that is wrong.
    Verify {
        /// The file that `VESTIBULE_AUDIT_ANCHOR` names, or a copy of it that was kept elsewhere.
        #[arg(long)]
        anchor: Option<PathBuf>,
    },
    /// Write the log to standard output, a JSON object on each line, chain by chain.
    Export {
        /// Only that of the organization with this short name.
        #[arg(long)]
        org: Option<String>,
    },
}

#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
#[derive(clap::Args)]
struct Explain {
    /// The organization's short name, such as acme.
    #[arg(long)]
    org: String,
    /// The connection as its sign-in address names it, such as okta.
    #[arg(long, required_unless_present_any = ["from", "stdin"])]
    connection: Option<String>,
    /// The reference or the id of a recorded sign-in, from which is taken what is not given here.
    #[arg(long)]
    from: Option<String>,
    /// The person's address.
    #[arg(long)]
    email: Option<String>,
    /// Whether the provider says that the address is verified. Default: it says nothing.
    #[arg(long)]
    verified: Option<bool>,
    /// The person's name.
    #[arg(long)]
    name: Option<String>,
    /// A group that the provider sends; may be repeated. Default: it sends no groups.
    #[arg(long = "group")]
    groups: Vec<String>,
    /// As if just-in-time provisioning were on, or off.
    #[arg(long, value_name = "true|false")]
    jit: Option<bool>,
    /// As if SCIM were on, or off.
    #[arg(long, value_name = "true|false")]
    scim: Option<bool>,
    /// As if the address's domain were verified and attached to the connection.
    #[arg(long)]
    domain: bool,
    /// As if the draft of the connection's settings held.
    #[arg(long)]
    draft: bool,
    /// A line of another table of groups, such as "eng = Engineering" or "ops = Operations, admin"; may be repeated.
    #[arg(long = "map", value_name = "GROUP = TEAM", value_parser = dry_run::Mapped::parse)]
    mapping: Vec<dry_run::Mapped>,
    /// As if groups were teams by their names, or not.
    #[arg(long, value_name = "true|false")]
    convention: Option<bool>,
    /// As if newcomers got this role: member or admin.
    #[arg(long, value_name = "ROLE", value_parser = role)]
    default_role: Option<vestibule::access::Role>,
    /// As if newcomers got this team, by its name; empty for none.
    #[arg(long, value_name = "TEAM")]
    default_team: Option<String>,
    /// The browser carries the link of the invitation that waits for this address.
    #[arg(long)]
    link: bool,
    /// Read the question from standard input, as one JSON object.
    #[arg(long, conflicts_with_all = ["connection", "from", "email", "verified", "name", "groups", "jit", "scim", "domain", "link"])]
    stdin: bool,
    /// Answer as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
struct Demo {
    /// Where the product listens. Port 0 takes any that is free.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Where the demo's identity provider listens.
    #[arg(long, default_value = "127.0.0.1:9000")]
    provider_listen: SocketAddr,
}

#[derive(clap::Args)]
struct MakeOwner {
    /// The organization's short name, such as acme.
    #[arg(long)]
    org: String,
    /// The organization's name, where it is made. Default: the short name.
    #[arg(long)]
    org_name: Option<String>,
    /// The owner's address.
    #[arg(long)]
    email: String,
    /// The owner's name.
    #[arg(long, default_value = "")]
    name: String,
}

#[derive(clap::Args)]
struct MakeOperator {
    /// The person's address.
    #[arg(long)]
    email: String,
    /// Take it away instead.
    #[arg(long)]
    take_away: bool,
}

#[derive(clap::Args)]
struct ResetPassword {
    /// The person's address.
    #[arg(long)]
    email: String,
    /// Also take away their authenticator app, passkeys and recovery codes, because they lost them all.
    #[arg(long)]
    remove_factors: bool,
}

#[derive(clap::Args)]
struct ScimToken {
    /// The organization's short name, such as acme.
    #[arg(long)]
    org: String,
    /// The connection as its sign-in address names it, such as okta.
    #[arg(long)]
    connection: String,
    /// What people call the token, such as entra.
    #[arg(long)]
    name: String,
    /// After how long it is refused, such as 90d (days) or 12h (hours). Default: never.
    #[arg(long, value_parser = provisioning::tokens::lifetime)]
    expires: Option<i64>,
}

fn main() -> ExitCode {
    match run(Arguments::parse().command.unwrap_or(Command::Serve)) {
        Ok(code) => code,
        Err(sentence) => {
            eprintln!("vestibule: {sentence}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode, String> {
    match command {
        Command::Serve => serve(Config::from_env()?),
        Command::Migrate(Migrate {
            from: Some(from),
            to: Some(to),
        }) => copy(&from, &to),
        Command::Migrate(_) => migrate(&Config::from_env()?),
        Command::Backup(wish) => backup(&Config::from_env()?, &wish),
        Command::Restore(wish) => restore(&Config::from_env()?, &wish),
        Command::Doctor => doctor(&Config::from_env()?),
        Command::Rekey { finish } => rekey(&Config::from_env()?, finish),
        Command::Apply { file, dry_run } => apply(&file, dry_run),
        Command::Decide => decide(),
        Command::Explain(wish) => explain(Config::from_env()?, &wish),
        Command::Demo(demo) => show(&demo),
        Command::MakeOwner(owner) => make_owner(Config::from_env()?, &owner),
        Command::MakeOperator(operator) => make_operator(Config::from_env()?, &operator),
        Command::ResetPassword(wish) => reset_password(Config::from_env()?, &wish),
        Command::ScimToken(token) => scim_token(Config::from_env()?, &token),
        Command::Audit(Audit::Verify { anchor }) => verify(&Config::from_env()?, anchor.as_deref()),
        Command::Audit(Audit::Export { org }) => export(&Config::from_env()?, org.as_deref()),
    }
}

fn decide() -> Result<ExitCode, String> {
    let all_fine = vestibule::access::lines::answer(BufReader::new(stdin()), stdout().lock())
        .map_err(|error| error.to_string())?;
    Ok(if all_fine {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn explain(config: Config, wish: &Explain) -> Result<ExitCode, String> {
    let question = if wish.stdin {
        let mut text = String::new();
        stdin()
            .read_to_string(&mut text)
            .map_err(|error| error.to_string())?;
        serde_json::from_str(&text).map_err(|error| format!("the question can’t be read: {error}"))?
    } else {
        asked(wish)
    };
    let vestibule = Vestibule::open_known(config, Clock::system())?;
    let now = vestibule.site.now();
    let explained = vestibule.site.store.read(|conn| {
        let organization = orgs::find_by_slug(conn, &wish.org)?
            .ok_or_else(|| Problem::Invalid(format!("There is no organization called {}.", wish.org)))?;
        dry_run::explain(conn, now, &organization.id, &question)
    });
    let explained = explained.map_err(|problem| problem.to_string())?;
    if wish.json {
        let json = serde_json::to_string_pretty(&explained).map_err(|error| error.to_string())?;
        println!("{json}");
    } else {
        print!("{}", explained.to_text());
    }
    Ok(ExitCode::SUCCESS)
}

fn role(word: &str) -> Result<vestibule::access::Role, String> {
    vestibule::access::Role::parse(word).ok_or_else(|| "say member or admin".to_owned())
}

fn asked(wish: &Explain) -> dry_run::Question {
    dry_run::Question {
        connection: wish.connection.clone().unwrap_or_default(),
        sign_in: wish.from.clone().unwrap_or_default(),
        email: wish.email.clone(),
        email_verified: wish.verified,
        name: wish.name.clone(),
        groups: (!wish.groups.is_empty()).then(|| wish.groups.clone()),
        link: wish.link,
        changes: dry_run::Changes {
            jit: wish.jit,
            scim: wish.scim,
            domain: wish.domain,
            seats: None,
            draft: wish.draft,
            mapping: (!wish.mapping.is_empty()).then(|| wish.mapping.clone()),
            convention: wish.convention,
            default_role: wish.default_role,
            default_team: wish.default_team.clone(),
        },
        ..dry_run::Question::default()
    }
}

fn apply(file: &Path, dry_run: bool) -> Result<ExitCode, String> {
    let env: BTreeMap<String, String> = std::env::vars().collect();
    // A file that is wrong in itself leaves not even an empty database behind.
    let outcome = match apply::read(file, &|name| env.get(name).cloned()) {
        Ok(description) => {
            let vestibule = Vestibule::open(Config::from_env()?, Clock::system())?;
            apply::perform(&vestibule.site, file, &description, dry_run)
        }
        Err(error) => Err(error),
    };
    match outcome {
        Ok(lines) => lines.iter().for_each(|line| println!("{line}")),
        Err(error) => {
            // Bare, so that editors find FILE:LINE at the start.
            eprintln!("{error}");
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn migrate(config: &Config) -> Result<ExitCode, String> {
    let store = Store::open(&config.database_url).map_err(|error| error.to_string())?;
    let ran = store.migrate().map_err(|error| error.to_string())?;
    if ran.is_empty() {
        println!("The database is up to date.");
    }
    for name in &ran {
        println!("Ran {name}.");
    }
    Ok(ExitCode::SUCCESS)
}

fn copy(from: &str, to: &str) -> Result<ExitCode, String> {
    let open = |url: &str| Store::open(url).map_err(|error| error.to_string());
    let (source, target) = (open(from)?, open(to)?);
    target.migrate().map_err(|error| error.to_string())?;
    let counts = upkeep::moving::copy(&source, &target, now()).map_err(|error| error.to_string())?;
    told(&counts);
    println!("Each table was read again: number and digest agree. The key file is the same for both.");
    Ok(ExitCode::SUCCESS)
}

/// Says how many rows each table has, where it has any.
fn told(counts: &BTreeMap<String, u64>) {
    for (table, rows) in counts.iter().filter(|(_, rows)| **rows > 0) {
        println!("{rows:>10}  {table}");
    }
    println!(
        "{:>10}  rows in {} tables",
        counts.values().sum::<u64>(),
        counts.len()
    );
}

fn secret(wish: &Backup) -> Result<upkeep::Secret, String> {
    let ask = || {
        eprintln!("Passphrase of the back-up (at least 12 characters):");
        let mut line = String::new();
        stdin().read_line(&mut line).map_err(|error| error.to_string())?;
        Ok(line)
    };
    upkeep::backup::secret(wish.key_file.as_deref(), ask).map_err(|error| error.to_string())
}

fn backup(config: &Config, wish: &Backup) -> Result<ExitCode, String> {
    let secret = secret(wish)?;
    let counts = upkeep::backup::write(&store(config)?, now(), &wish.file, &secret)
        .map_err(|error| error.to_string())?;
    told(&counts);
    println!(
        "{} is written and was read again. Keep it apart from the key file {}, which is not in it and is needed too.",
        wish.file.display(),
        config.key_file.display()
    );
    Ok(ExitCode::SUCCESS)
}

fn restore(config: &Config, wish: &Backup) -> Result<ExitCode, String> {
    if !config.key_file.exists() {
        return Err(format!(
            "{} is not there. Put the key file of the installation in its place first: the back-up does not hold it.",
            config.key_file.display()
        ));
    }
    let sealer = Sealer::from_file(&config.key_file)?;
    let secret = secret(wish)?;
    let store = Store::open(&config.database_url).map_err(|error| error.to_string())?;
    store.migrate().map_err(|error| error.to_string())?;
    let counts = upkeep::restore::restore(&store, &sealer, now(), &wish.file, &secret)
        .map_err(|error| error.to_string())?;
    told(&counts);
    println!(
        "Everybody has to sign in again, and links of invitations open nothing until they are sent again."
    );
    Ok(ExitCode::SUCCESS)
}

fn doctor(config: &Config) -> Result<ExitCode, String> {
    let store = known(config)?;
    let sealer = if config.key_file.exists() {
        Sealer::from_file(&config.key_file)
    } else {
        Err(format!("{} is not there.", config.key_file.display()))
    };
    let findings = upkeep::doctor::examine(&store, sealer, now()).map_err(|error| error.to_string())?;
    let mut fine = true;
    for finding in &findings {
        let word = match finding.weight {
            Weight::Broken => "Broken",
            Weight::Note => "Note",
        };
        fine &= finding.weight == Weight::Note;
        println!(
            "{word}: {}. {} times not, such as {}.\n  {}",
            finding.what,
            finding.count,
            finding.who.join(", "),
            finding.remedy
        );
    }
    if fine {
        println!("All is well: {} checks.", upkeep::doctor::checks());
    }
    Ok(if fine {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn rekey(config: &Config, finish: bool) -> Result<ExitCode, String> {
    let (store, path) = (store(config)?, &config.key_file);
    if !path.exists() {
        return Err(format!("{} is not there.", path.display()));
    }
    let done = if finish {
        upkeep::rekey::finish(&store, path, now())
    } else {
        upkeep::rekey::begin(&store, path, now())
    }
    .map_err(|error| error.to_string())?;
    println!("{} secrets were sealed with the new key.", done.sealed);
    if done.lost > 0 {
        println!(
            "{} open with no key of the file: “vestibule doctor” names them.",
            done.lost
        );
    }
    println!(
        "{}",
        if finish {
            "The old keys are out of the key file. Keep a copy of it as it is now."
        } else {
            "Keep a copy of the key file, restart every server, then run “vestibule rekey --finish”."
        }
    );
    Ok(ExitCode::SUCCESS)
}

fn show(demo: &Demo) -> Result<ExitCode, String> {
    let addresses = Addresses {
        product: demo.listen,
        provider: demo.provider_listen,
    };
    actix_web::rt::System::new().block_on(vestibule::demo::run(addresses))?;
    Ok(ExitCode::SUCCESS)
}

fn make_owner(config: Config, owner: &MakeOwner) -> Result<ExitCode, String> {
    let email = EmailAddress::parse(owner.email.trim()).map_err(|error| format!("--email: {error}"))?;
    eprintln!(
        "Password for {} (at least 12 characters; an empty line sets none):",
        email.as_str()
    );
    let mut line = String::new();
    stdin().read_line(&mut line).map_err(|error| error.to_string())?;
    let password = line.trim_end_matches(['\r', '\n']);
    let hash = if password.is_empty() {
        None
    } else {
        accounts::check_policy(password, email.as_str())?;
        Some(accounts::hash(password)?)
    };
    let vestibule = Vestibule::open(config, Clock::system())?;
    let (store, now) = (&vestibule.site.store, vestibule.site.now());
    let new = NewOwner {
        slug: &owner.org,
        organization_name: owner.org_name.as_deref().unwrap_or(&owner.org),
        email: &email,
        name: &owner.name,
        password_hash: hash.as_deref(),
        operator: false,
    };
    store
        .write(|conn| sign_in::make_owner(conn, now, &Actor::operator(), &new))
        .map_err(|problem| problem.to_string())?;
    println!("{} is an owner of {}.", email.as_str(), owner.org);
    Ok(ExitCode::SUCCESS)
}

fn make_operator(config: Config, wish: &MakeOperator) -> Result<ExitCode, String> {
    let email = EmailAddress::parse(wish.email.trim()).map_err(|error| format!("--email: {error}"))?;
    let vestibule = Vestibule::open_known(config, Clock::system())?;
    let (store, now) = (&vestibule.site.store, vestibule.site.now());
    let account = store
        .read(|conn| accounts::find_by_email(conn, &email))
        .map_err(|error| error.to_string())?
        .ok_or_else(|| format!("There is no account for {}.", email.as_str()))?;
    if !wish.take_away && account.password_hash.is_none() {
        return Err(format!(
            "{} has no password, and the operator's pages open to nothing else. `vestibule make-owner` sets one.",
            email.as_str()
        ));
    }
    store
        .write(|conn| -> Result<_, DbError> {
            accounts::actions::set_operator(conn, now, &Actor::operator(), &account, !wish.take_away)?;
            session::end_all_of_account(conn, &account.id)
        })
        .map_err(|error| error.to_string())?;
    let what = if wish.take_away { "no longer runs" } else { "runs" };
    println!(
        "{} {what} this installation. Every browser of theirs is signed out.",
        email.as_str()
    );
    Ok(ExitCode::SUCCESS)
}

fn reset_password(config: Config, wish: &ResetPassword) -> Result<ExitCode, String> {
    let email = EmailAddress::parse(wish.email.trim()).map_err(|error| format!("--email: {error}"))?;
    let vestibule = Vestibule::open_known(config, Clock::system())?;
    let (site, now) = (&vestibule.site, vestibule.site.now());
    let account = site
        .store
        .read(|conn| accounts::find_by_email(conn, &email))
        .map_err(|error| error.to_string())?
        .ok_or_else(|| format!("There is no account for {}.", email.as_str()))?;
    let path = site
        .store
        .write(|conn| {
            let wish = (HOUR, wish.remove_factors);
            sign_in::begin_reset(conn, now, &Post::of(site), &account, wish)
        })
        .map_err(|problem| problem.to_string())?;
    eprintln!(
        "Give this to {} by a way that nobody else reads. It is good once, for an hour.",
        email.as_str()
    );
    println!("{}", site.url(&path));
    Ok(ExitCode::SUCCESS)
}

fn scim_token(config: Config, wish: &ScimToken) -> Result<ExitCode, String> {
    let vestibule = Vestibule::open_known(config, Clock::system())?;
    let site = &vestibule.site;
    let (connection, secret) = site
        .store
        .read(|conn| connections::find_by_slugs(conn, &wish.org, &wish.connection))
        .map_err(|error| error.to_string())?
        .ok_or_else(|| format!("{} has no connection called {}.", wish.org, wish.connection))
        .and_then(|connection| {
            let (now, actor) = (site.now(), Actor::operator());
            let end = wish.expires.map(|lifetime| now + lifetime);
            site.store
                .write_in(&connection.organization, |conn| {
                    provisioning::tokens::create(conn, now, &actor, &connection, &wish.name, end)
                })
                .map(|(_, secret)| (connection, secret))
                .map_err(|problem| problem.to_string())
        })?;
    if !connection.scim {
        eprintln!(
            "SCIM is off for {}: nothing is done for this token until it is turned on.",
            connection.name
        );
    }
    println!("{}\n{secret}", site.url(provisioning::BASE));
    Ok(ExitCode::SUCCESS)
}

/// Opens a database that is there: what is asked of an installation begins none.
fn known(config: &Config) -> Result<Store, String> {
    Store::expect_file(&config.database_url)
        .and_then(|()| Store::open(&config.database_url))
        .map_err(|error| error.to_string())
}

/// Opens the database as it is, which must be up to date: what only looks changes nothing.
fn store(config: &Config) -> Result<Store, String> {
    let store = known(config)?;
    let waiting = store.read(health::pending).map_err(|error| error.to_string())?;
    match waiting.first() {
        None => Ok(store),
        Some(step) => Err(format!(
            "The database is not up to date: {step} waits. Run “vestibule migrate” first."
        )),
    }
}

fn verify(config: &Config, anchor: Option<&Path>) -> Result<ExitCode, String> {
    let anchors = match anchor.or(config.audit.anchor.as_deref().filter(|path| path.exists())) {
        Some(path) => audit::verify::Anchor::read(path)?,
        None => Vec::new(),
    };
    let found = store(config)?
        .read(|conn| audit::verify::verify(conn, &anchors))
        .map_err(|error| error.to_string())?;
    for broken in &found.broken {
        println!("{}: {}.", broken.chain, broken.what);
    }
    println!(
        "{} entries in {} chains, {} of them broken.",
        found.entries,
        found.chains,
        found.broken.len()
    );
    Ok(if found.broken.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn export(config: &Config, org: Option<&str>) -> Result<ExitCode, String> {
    let store = store(config)?;
    let chain = match org {
        None => None,
        Some(slug) => {
            let found = store.read(|conn| orgs::find_by_slug(conn, slug));
            let found = found.map_err(|error| error.to_string())?;
            Some(
                found
                    .ok_or_else(|| format!("There is no organization called {slug}."))?
                    .id,
            )
        }
    };
    audit::export::write_all(&store, chain.as_deref(), &mut stdout().lock())?;
    Ok(ExitCode::SUCCESS)
}

fn serve(config: Config) -> Result<ExitCode, String> {
    log(&config);
    let listener = TcpListener::bind(config.listen).map_err(|error| {
        format!(
            "{} can’t be listened on: {error}. Set VESTIBULE_LISTEN to another.",
            config.listen
        )
    })?;
    let origin = config.public_url.origin().to_owned();
    let vestibule = Vestibule::open(config, Clock::system())?;
    let site = &vestibule.site;
    if let Some(path) = sign_in::link_for_empty(&site.store, site.now()).map_err(|error| error.to_string())? {
        tracing::info!(
            "Nobody is here yet. Open {} within a day to set up the first organization.",
            site.url(&path)
        );
    }
    tracing::info!("The door is open at {origin}/");
    actix_web::rt::System::new()
        .block_on(async {
            let mail = vestibule.mail.clone();
            let outcome = vestibule.serve(listener)?.await;
            mail.finish().await;
            outcome
        })
        .map_err(|error| error.to_string())?;
    Ok(ExitCode::SUCCESS)
}

fn log(config: &Config) {
    let filter = tracing_subscriber::EnvFilter::new(&config.log);
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        // Colours are control characters, and those have no place in a line of the log.
        .with_ansi(false)
        .with_writer(Lines);
    if config.log_json {
        builder.json().init();
    } else {
        builder.init();
    }
}
