//! The command line.

use std::io::{BufReader, stdin, stdout};
use std::net::TcpListener;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use vestibule::app::Vestibule;
use vestibule::config::Config;
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
    /// Read questions as JSON lines and answer what the rules of entry say to each.
    Decide,
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
        Command::Decide => decide(),
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

fn migrate(config: &Config) -> Result<ExitCode, String> {
    let store = Store::open(&config.database_url).map_err(|error| error.to_string())?;
    let ran = store.migrate().map_err(|error| error.to_string())?;
    if ran.is_empty() {
        println!("The database is up to date.");
    }
    ran.iter().for_each(|name| println!("Ran {name}."));
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
        builder.json().init()
    } else {
        builder.init()
    }
}
