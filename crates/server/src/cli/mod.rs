//! What a person types: one command, its answer on standard output, and an exit code.
//!
//! Exit codes: 0 done, 1 the answer is no, 2 wrong use, 3 a dependency is away.

mod audit;
mod bench;
mod demo;
mod migrate;
mod serve;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{self, Config};
use crate::service::ServiceError;

/// An order and checkout engine.
#[derive(Parser)]
#[command(name = "ordo", version)]
struct Cli {
    /// Configuration file [default: ./ordo.toml when it exists]
    #[arg(long, global = true, value_name = "PATH")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the service
    Serve,
    /// Run the service on a fresh embedded database, with a catalogue, stock and a few simulated shoppers
    Demo,
    /// Bring the schema of the database up to date
    Migrate {
        /// Only tell which steps are missing: exit code 1 if there are any
        #[arg(long)]
        check: bool,
    },
    /// Prove every invariant on the live data: exit code 1 and the rows if one is broken
    Audit {
        /// As JSON, one violation a line
        #[arg(long)]
        json: bool,
    },
    /// Print the effective configuration, secrets masked
    Config {
        /// Print what all keys mean instead, as Markdown
        #[arg(long)]
        docs: bool,
    },
    /// Measure a server on this machine
    Bench(bench::BenchArgs),
    /// Print the lifecycle of an order as Markdown, for the documentation
    #[command(hide = true)]
    Lifecycle,
}

/// The answer is no.
const NO: u8 = 1;
/// Wrong use.
const WRONG_USE: u8 = 2;
/// A dependency is away.
const AWAY: u8 = 3;

/// Does what the arguments of this process say.
pub(crate) fn run() -> ExitCode {
    let cli = Cli::parse();
    match cli.command {
        Command::Bench(args) => bench::run(&args),
        Command::Lifecycle => print(&lifecycle()),
        Command::Config { docs: true } => print(&config::docs()),
        Command::Config { docs: false } => with_config(cli.config, |config| {
            tell_without_effect(&config);
            print(&config.to_string())
        }),
        Command::Serve => with_config(cli.config, |config| serve::run(&config)),
        Command::Demo => with_config(cli.config, demo::run),
        Command::Migrate { check } => with_config(cli.config, |config| migrate::run(&config, check)),
        Command::Audit { json } => with_config(cli.config, |config| audit::run(&config, json)),
    }
}

fn with_config(file: Option<PathBuf>, then: impl FnOnce(Config) -> ExitCode) -> ExitCode {
    match Config::load(config::file(file).as_deref(), config::environment()) {
        Ok(config) => then(config),
        Err(errors) => {
            eprintln!("{errors}");
            ExitCode::from(WRONG_USE)
        }
    }
}

fn tell_without_effect(config: &Config) {
    let without_effect = config.without_effect();
    if !without_effect.is_empty() {
        eprintln!("without effect in this release: {}", without_effect.join(", "));
    }
}

/// To standard output; a reader that has gone is no failure.
fn print(text: &str) -> ExitCode {
    drop(std::io::stdout().write_all(text.as_bytes()));
    ExitCode::SUCCESS
}

fn failed(error: &impl std::fmt::Display, code: u8) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::from(code)
}

fn service_failed(error: &ServiceError) -> ExitCode {
    failed(
        error,
        match error {
            ServiceError::Store(_) => AWAY,
            ServiceError::Schema(_) | ServiceError::Listen { .. } | ServiceError::Io(_) => NO,
        },
    )
}

/// A runtime for commands that only ask the database.
fn block_on<T>(work: impl Future<Output = T>) -> std::io::Result<T> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?.block_on(work))
}

fn lifecycle() -> String {
    format!(
        "# The lifecycle of an order\n\nDrawn from the table in `crates/domain/src/order/lifecycle.rs`, from which the code decides.\n\n```mermaid\n{}```\n",
        domain::order::diagram()
    )
}
