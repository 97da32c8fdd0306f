//! Floor and product in turn on one machine, in one run, held against `bench/budget.toml`.
//!
//! The floor is what a careful service written by hand reaches: one transaction an order, by pgbench, and its
//! likeness on SQLite. A ratio is taken within a repetition; what is printed is the median of the repetitions.

mod big;
mod floor;
mod machine;
mod product;
mod report;
mod server;

use crate::command::{self, cargo};
use crate::servers::Postgres;
use crate::{Outcome, say};
use product::{Load, Reached, Serving};
use report::{Budget, Samples};
use serde_json::json;
use std::path::{Path, PathBuf};

/// What the big database holds unless `--orders` says otherwise.
const BIG_ORDERS: u64 = 5_000_000;

/// Reports and scratch files.
const FOLDER: &str = "target/bench";

struct Options {
    check: bool,
    seconds: u32,
    repetitions: u32,
    postgres: bool,
    sqlite: bool,
    /// So many orders are there before; without it, that is not measured.
    big: Option<u64>,
    /// Another build of the product; without it, this tree is built.
    binary: Option<PathBuf>,
}

/// Which database a series of measurements is about.
#[derive(Clone, Copy)]
struct Names {
    place: &'static str,
    hot: &'static str,
    p50: &'static str,
    failed: &'static str,
    ready: &'static str,
    memory_idle: &'static str,
    memory_load: &'static str,
}

const POSTGRES: Names = Names {
    place: "postgres_place",
    hot: "postgres_hot",
    p50: "postgres_p50",
    failed: "postgres_failed",
    ready: "postgres_ready",
    memory_idle: "postgres_memory_idle",
    memory_load: "postgres_memory_load",
};

const SQLITE: Names = Names {
    place: "sqlite_place",
    hot: "sqlite_hot",
    p50: "sqlite_p50",
    failed: "sqlite_failed",
    ready: "sqlite_ready",
    memory_idle: "sqlite_memory_idle",
    memory_load: "sqlite_memory_load",
};

/// `bench [--check] [--seconds N] [--repetitions N] [--only postgres|sqlite|big] [--orders N] [--binary PATH]`.
pub(crate) fn run(arguments: &[&str]) -> Outcome<()> {
    let options = Options::parse(arguments)?;
    let budget = Budget::parse(&std::fs::read_to_string("bench/budget.toml")?)?;
    std::fs::create_dir_all(FOLDER)?;
    let binary = std::path::absolute(build(&options)?)?;
    let mut samples = Samples::default();
    let mut about = machine::about()?;
    if options.postgres {
        let server = server::start()?;
        about["postgres"] = json!(server.version());
        for repetition in 1..=options.repetitions {
            say::line(format!("\n==> PostgreSQL, repetition {repetition} of {}", options.repetitions));
            on_postgres(&options, &server, &binary, repetition, &mut samples)?;
        }
    }
    if options.sqlite {
        for repetition in 1..=options.repetitions {
            say::line(format!("\n==> SQLite, repetition {repetition} of {}", options.repetitions));
            on_sqlite(&options, &binary, &mut samples)?;
        }
    }
    if let Some(orders) = options.big {
        about["orders"] = json!(orders);
        about["postgres"] = json!(big::measure(&options, orders, &binary, &mut samples)?);
    }
    samples.add("binary", product::stripped_mb(&binary, Path::new(FOLDER))?);

    let verdicts = budget.hold(&samples);
    let table = report::table(&verdicts);
    about["seconds"] = json!(options.seconds);
    about["repetitions"] = json!(options.repetitions);
    let path = report::write(Path::new(FOLDER), &about, &samples, &verdicts)?;
    say::line(format!("\n{}\n{table}\nwritten to {}", machine::line(&about), path.display()));
    let missed: Vec<&str> = verdicts.iter().filter(|verdict| verdict.clearly_missed()).map(report::Verdict::name).collect();
    if options.check && !missed.is_empty() {
        return Err(format!("missed by more than a tenth: {}", missed.join(", ")).into());
    }
    Ok(())
}

impl Options {
    fn parse(arguments: &[&str]) -> Outcome<Self> {
        let mut options = Self { check: false, seconds: 8, repetitions: 3, postgres: true, sqlite: true, big: None, binary: None };
        let mut orders = BIG_ORDERS;
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
            match *argument {
                "--check" => options.check = true,
                "--seconds" => options.seconds = value()?.parse()?,
                "--repetitions" => options.repetitions = value()?.parse()?,
                "--binary" => options.binary = Some(value()?.into()),
                "--only" => match *value()? {
                    "postgres" => options.sqlite = false,
                    "sqlite" => options.postgres = false,
                    "big" => (options.postgres, options.sqlite, options.big) = (false, false, Some(orders)),
                    other => return Err(format!("--only {other}: postgres, sqlite or big").into()),
                },
                "--orders" => orders = value()?.parse()?,
                other => return Err(format!("bench: {other} is not known").into()),
            }
        }
        options.big = options.big.map(|_| orders);
        if options.big.is_some_and(|orders| orders < big::ORDERS_MIN) {
            return Err(format!("bench: fewer than {} orders are not many", big::ORDERS_MIN).into());
        }
        if options.seconds == 0 || options.repetitions == 0 {
            return Err("bench: nothing is measured in no time".into());
        }
        Ok(options)
    }
}

fn build(options: &Options) -> Outcome<PathBuf> {
    if options.sqlite {
        let example = ["build", "--release", "--locked", "-p", "store-sqlite", "--example", "floor"];
        command::run(cargo().args(example))?;
    }
    if let Some(binary) = &options.binary {
        return Ok(binary.clone());
    }
    command::run(cargo().args(["build", "--release", "--locked"]))?;
    Ok("target/release/ordo".into())
}

fn on_postgres(options: &Options, server: &Postgres, binary: &Path, repetition: u32, samples: &mut Samples) -> Outcome<()> {
    server::rest(server)?;
    let floor = floor::postgres(server, options.seconds)?;
    let best = floor.at_16.max(floor.at_64);
    samples.add("postgres_floor_16", floor.at_16);
    samples.add("postgres_floor_64", floor.at_64);
    samples.add("postgres_floor_hot", floor.hot);
    samples.add("postgres_floor_p50", floor.p50_ms);

    server::rest(server)?;
    let database = format!("ordo_{repetition}");
    server.sql("postgres", &["-c", &format!("create database {database}")])?;
    let serving = Serving::start(binary, &server.url(&database), None)?;
    let measured = place(&serving, binary, options.seconds, POSTGRES, samples)?;
    // A rate that is held, not a loop that waits: a slow answer does not keep the next request back.
    let load = Load { rate: Some(measured.place / 2.0), ..Load::of("place", 50, options.seconds) };
    server::rest(server)?;
    let paced = serving.load(binary, &load)?;
    samples.add("postgres_p99", paced.p99_ms);
    let failed = measured.failed
        + paced.failed
        + checkouts(server, &serving, binary, options.seconds, samples)?
        + tickets(server, &serving, binary, options.seconds, "postgres_tickets", samples)?;
    samples.add(POSTGRES.failed, failed);
    samples.add(POSTGRES.memory_load, serving.memory_peak_mb()?);
    drop(serving);
    server.sql("postgres", &["-c", &format!("drop database {database}")])?;

    samples.add("postgres_place_over_floor", measured.place / best);
    samples.add("postgres_hot_over_floor", measured.hot / floor.hot);
    samples.add("postgres_p50_over_floor", measured.p50_ms / floor.p50_ms);
    Ok(())
}

/// Guests from the cart to the order: as many as go, how long a confirmation takes, and that by gRPC against that over HTTP.
fn checkouts(server: &Postgres, serving: &Serving, binary: &Path, seconds: u32, samples: &mut Samples) -> Outcome<f64> {
    let load = |connections, by_grpc| Load { by_grpc, ..Load::of("checkout", connections, seconds) };
    let mut reached = Vec::new();
    for load in [load(16, false), load(16, true), load(50, false)] {
        server::rest(server)?;
        reached.push(serving.load(binary, &load)?);
    }
    let confirm = |of: &Reached| of.kind("confirm").ok_or("no checkout was confirmed");
    let (http, grpc, many) = (confirm(&reached[0])?, confirm(&reached[1])?, confirm(&reached[2])?);
    samples.add("postgres_checkouts", reached[0].per_second);
    samples.add("postgres_confirm_p50", http.p50_ms);
    samples.add("postgres_confirm_grpc_over_http", grpc.p50_ms / http.p50_ms);
    samples.add("postgres_confirm_p99", many.p99_ms);
    Ok(reached.iter().map(|reached| reached.failed).sum())
}

/// Tickets from the order to its confirmation, at half of what goes.
fn tickets(server: &Postgres, serving: &Serving, binary: &Path, seconds: u32, name: &str, samples: &mut Samples) -> Outcome<f64> {
    let load = |rate| Load { rate, ..Load::of("tickets", 50, seconds) };
    let most = serving.load(binary, &load(None))?;
    server::rest(server)?;
    let paced = serving.load(binary, &load(Some(most.per_second / 2.0)))?;
    samples.add(name, most.per_second);
    samples.add(&format!("{name}_p99"), paced.p99_ms);
    samples.add(&format!("{name}_succeeded"), paced.succeeded);
    Ok(most.failed + paced.failed)
}

fn on_sqlite(options: &Options, binary: &Path, samples: &mut Samples) -> Outcome<()> {
    let floor = floor::sqlite(options.seconds)?;
    samples.add("sqlite_floor", floor);
    let folder = std::path::absolute(Path::new(FOLDER).join(format!("sqlite-{}", std::process::id())))?;
    std::fs::create_dir_all(&folder)?;
    let serving = Serving::start(binary, &format!("sqlite:{}", folder.join("ordo.db").display()), Some(&folder))?;
    let measured = place(&serving, binary, options.seconds, SQLITE, samples)?;
    samples.add(SQLITE.failed, measured.failed);
    samples.add(SQLITE.memory_load, serving.memory_peak_mb()?);
    samples.add("sqlite_place_over_floor", measured.place / floor);
    Ok(())
}

/// What is measured on both databases.
struct Measured {
    place: f64,
    hot: f64,
    p50_ms: f64,
    failed: f64,
}

fn place(serving: &Serving, binary: &Path, seconds: u32, names: Names, samples: &mut Samples) -> Outcome<Measured> {
    samples.add(names.ready, serving.ready_ms());
    samples.add(names.memory_idle, serving.memory_idle_mb()?);
    let load = |connections, skus| Load { skus, ..Load::of("place", connections, seconds) };
    let uniform = serving.load(binary, &load(64, 1000))?;
    let hot = serving.load(binary, &load(64, 1))?;
    let alone = serving.load(binary, &load(1, 1000))?;
    samples.add(names.place, uniform.per_second);
    samples.add(names.hot, hot.per_second);
    samples.add(names.p50, alone.p50_ms);
    Ok(Measured {
        place: uniform.per_second,
        hot: hot.per_second,
        p50_ms: alone.p50_ms,
        failed: uniform.failed + hot.failed + alone.failed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_arguments_are_refused_by_name() {
        for (arguments, expected) in [
            (&["--fast"][..], "bench: --fast is not known"),
            (&["--seconds"], "--seconds needs a value"),
            (&["--seconds", "0"], "bench: nothing is measured in no time"),
            (&["--only", "big", "--orders", "10"], "bench: fewer than 10000 orders are not many"),
            (&["--only", "mysql"], "--only mysql: postgres, sqlite or big"),
        ] {
            assert_eq!(Options::parse(arguments).err().unwrap().to_string(), expected);
        }
        let options = Options::parse(&["--check", "--only", "sqlite", "--repetitions", "1"]).unwrap();
        assert!(options.check && options.sqlite && !options.postgres && options.repetitions == 1 && options.big.is_none());
        for arguments in [["--orders", "20000", "--only", "big"], ["--only", "big", "--orders", "20000"]] {
            let options = Options::parse(&arguments).unwrap();
            assert!(!options.sqlite && !options.postgres && options.big == Some(20_000));
        }
    }

    #[test]
    fn every_figure_that_is_measured_has_its_row_in_the_budget() {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let budget = Budget::parse(&std::fs::read_to_string(manifest.join("../bench/budget.toml")).unwrap()).unwrap();
        for names in [POSTGRES, SQLITE] {
            let Names { place, hot, p50, failed, ready, memory_idle, memory_load } = names;
            for name in [place, hot, p50, failed, ready, memory_idle, memory_load] {
                assert!(budget.names().any(|known| known == name), "{name}");
            }
        }
        for name in big::NAMES.iter().chain(&["postgres_tickets", "postgres_tickets_p99", "postgres_tickets_succeeded"]) {
            assert!(budget.names().any(|known| known == *name), "{name}");
        }
    }
}
