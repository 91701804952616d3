//! The command line.

use std::collections::BTreeMap;
use std::io::{BufReader, stdin, stdout};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use vestibule::access::EmailAddress;
use vestibule::accounts;
use vestibule::app::Vestibule;
use vestibule::apply;
use vestibule::audit::Actor;
use vestibule::config::Config;
use vestibule::connections;
use vestibule::demo::Addresses;
use vestibule::provisioning;
use vestibule::sign_in::{self, NewOwner};
use vestibule::store::Store;
use vestibule::store::time::Clock;

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
    /// Bring the database up to date, then stop.
    Migrate,
    /// Make a person an owner of an organization, which is made if it is missing. The password is read
    /// from standard input; an empty line sets none.
    MakeOwner(MakeOwner),
    /// Make a person one who runs the installation, and may open the operator's pages; the account must have a
    /// password. Or take that away.
    MakeOperator(MakeOperator),
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
        Command::Migrate => migrate(&Config::from_env()?),
        Command::Apply { file, dry_run } => apply(&file, dry_run),
        Command::Decide => decide(),
        Command::Demo(demo) => show(&demo),
        Command::MakeOwner(owner) => make_owner(Config::from_env()?, &owner),
        Command::MakeOperator(operator) => make_operator(Config::from_env()?, &operator),
        Command::ScimToken(token) => scim_token(Config::from_env()?, &token),
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
    let vestibule = Vestibule::open(config, Clock::system())?;
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
        .write(|conn| {
            accounts::actions::set_operator(conn, now, &Actor::operator(), &account, !wish.take_away)
        })
        .map_err(|error| error.to_string())?;
    let what = if wish.take_away { "no longer runs" } else { "runs" };
    println!("{} {what} this installation.", email.as_str());
    Ok(ExitCode::SUCCESS)
}

fn scim_token(config: Config, wish: &ScimToken) -> Result<ExitCode, String> {
    let vestibule = Vestibule::open(config, Clock::system())?;
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
        .block_on(async { vestibule.serve(listener)?.await })
        .map_err(|error| error.to_string())?;
    Ok(ExitCode::SUCCESS)
}

fn log(config: &Config) {
    let filter = tracing_subscriber::EnvFilter::new(&config.log);
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    if config.log_json {
        builder.json().init();
    } else {
        builder.init();
    }
}
