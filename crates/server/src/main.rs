//! `ordo`, the only binary: reads what it was told and does it.

mod cli;
mod config;
#[cfg(debug_assertions)]
mod crash;
mod database;
mod logging;
mod measure;
mod service;

use std::process::ExitCode;

/// Small, short-lived allocations from many threads are what a door does all day; measured in `docs/performance.md`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::run()
}
