//! Runs seeds: `cargo run --release -p sim -- --seeds 2000`, or one of them again: `--seed N`.

use std::process::ExitCode;

use clap::Parser;
use sim::plan::Plan;
use sim::run::run;
use sim::sweep::{Until, sweep};
use sim::world::Detail;
use testkit::Bug;

mod report;

/// Simulates the whole engine, seed by seed.
#[derive(Parser)]
struct Args {
    /// How many seeds.
    #[arg(long, default_value_t = 2000, conflicts_with = "seed")]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0, conflicts_with = "seed")]
    from: u64,
    /// One seed again, with what happened.
    #[arg(long)]
    seed: Option<u64>,
    /// A bug planted into the store, by its name.
    #[arg(long, value_parser = parse_bug)]
    bug: Vec<Bug>,
    /// On how many cores; default: all.
    #[arg(long)]
    threads: Option<usize>,
}

fn parse_bug(name: &str) -> Result<Bug, String> {
    let known = || Bug::ALL.iter().map(|bug| format!("{bug:?}")).collect::<Vec<_>>().join(", ");
    let found = Bug::ALL.iter().copied().find(|bug| format!("{bug:?}").eq_ignore_ascii_case(name));
    found.ok_or_else(|| format!("there are {}", known()))
}

/// So many seeds must have shown everything that can happen.
const SEEDS_THAT_SEE_ALL: u64 = 2000;

fn main() -> ExitCode {
    let args = Args::parse();
    if let Some(seed) = args.seed {
        let outcome = run(Plan::of(seed), &args.bug, Detail::Lines);
        report::one(&outcome, &args.bug);
        return if outcome.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let total = sweep(args.from..args.from.saturating_add(args.seeds), &args.bug, Until::TheEnd, args.threads);
    report::total(&total, &args.bug);
    let blind = args.bug.is_empty() && args.seeds >= SEEDS_THAT_SEE_ALL && !total.unseen().is_empty();
    if total.failed.is_empty() && !blind { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
