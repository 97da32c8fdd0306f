//! `ordo`, the only binary: reads what it was told and does it.

mod cli;
mod config;
mod logging;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
