//! Runs seeds: `cargo run --release -p sim -- --seeds 2000`, or one of them again: `--seed N`.

use std::process::ExitCode;

use clap::Parser;
use sim::plan::Trouble;
use sim::sweep::{Planted, Until, sweep};
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
    /// What the product is known not to survive, by its name.
    #[arg(long, value_parser = parse_trouble)]
    trouble: Vec<Trouble>,
    /// On how many cores; default: all.
    #[arg(long)]
    threads: Option<usize>,
}

fn named<T: Copy + std::fmt::Debug>(all: &[T], name: &str) -> Result<T, String> {
    let names = || all.iter().map(|one| format!("{one:?}")).collect::<Vec<_>>().join(", ");
    let found = all.iter().copied().find(|one| format!("{one:?}").eq_ignore_ascii_case(name));
    found.ok_or_else(|| format!("there are {}", names()))
}

fn parse_bug(name: &str) -> Result<Bug, String> {
    named(Bug::ALL, name)
}

fn parse_trouble(name: &str) -> Result<Trouble, String> {
    named(Trouble::ALL, name)
}

/// So many seeds must have shown everything that can happen.
const SEEDS_THAT_SEE_ALL: u64 = 2000;

fn main() -> ExitCode {
    let args = Args::parse();
    let planted = Planted { bugs: args.bug, troubles: args.trouble };
    if let Some(seed) = args.seed {
        let outcome = planted.run(seed, Detail::Lines);
        report::one(&outcome, &planted);
        return if outcome.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let total = sweep(args.from..args.from.saturating_add(args.seeds), &planted, Until::TheEnd, args.threads);
    report::total(&total, &planted);
    let blind = planted.bugs.is_empty() && args.seeds >= SEEDS_THAT_SEE_ALL && !total.unseen().is_empty();
    if total.failed.is_empty() && !blind { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
