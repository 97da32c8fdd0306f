//! What a person types: one command, its answer on standard output, and an exit code.
//!
//! Exit codes: 0 done, 1 the answer is no, 2 wrong use, 3 a dependency is away.

mod bench;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{self, Config};

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
    /// Print the effective configuration, secrets masked
    Config {
        /// Print the table of all keys instead, as Markdown
        #[arg(long)]
        docs: bool,
    },
    /// Measure a server on this machine
    Bench(bench::BenchArgs),
}

/// Does what the arguments of this process say.
pub(crate) fn run() -> ExitCode {
    let cli = Cli::parse();
    match cli.command {
        Command::Bench(args) => bench::run(&args),
        Command::Config { docs: true } => print(&config::docs_table()),
        Command::Config { docs: false } => match Config::load(config::file(cli.config).as_deref(), config::environment()) {
            Ok(config) => {
                let without_effect = config.without_effect();
                if !without_effect.is_empty() {
                    eprintln!("without effect in this release: {}", without_effect.join(", "));
                }
                print(&config.to_string())
            }
            Err(errors) => {
                eprintln!("{errors}");
                ExitCode::from(2)
            }
        },
    }
}

/// To standard output; a reader that has gone is no failure.
fn print(text: &str) -> ExitCode {
    drop(std::io::stdout().write_all(text.as_bytes()));
    ExitCode::SUCCESS
}
