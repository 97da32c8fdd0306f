//! With millions of orders and the documented settings: placing against an empty database with the same settings, reads, tickets.

use super::product::{Kind, Load, Serving};
use super::report::Samples;
use super::server;
use super::{FOLDER, Options, tickets};
use crate::command::command;
use crate::servers::Postgres;
use crate::{Outcome, command, say};
use std::path::Path;
use std::time::Instant;

/// Fewer fit any memory and show nothing.
pub(super) const ORDERS_MIN: u64 = 10_000;

const FILL: &str = "bench/fill_orders.sql";
const FILL_END: &str = "bench/fill_end.sql";
/// Filled at once by one of the fillers: their temporary tables fit its memory.
const PART: u64 = 50_000;
/// As many as there are cores.
const FILLERS: u64 = 2;
/// About a fifth of what goes on two cores: latency is measured, not the queue before an overloaded service.
const READS_PER_SECOND: f64 = 300.0;
/// The first change of a page after a checkpoint writes the whole page to the log. Keys and users come at random: among millions of orders it
/// takes that long until most pages of their indexes have been through it.
const PLACE_WARM_UP_SECONDS: u32 = 15;

/// The figures; of reads, `big_read_` and the kind.
#[cfg(test)]
pub(super) const NAMES: &[&str] = &[
    "big_empty",
    "big_place",
    "big_place_over_empty",
    "big_read_details",
    "big_read_history",
    "big_read_newest",
    "big_read_next_page",
    "big_read_by_user",
    "big_read_by_status",
    "big_read_by_statuses",
    "big_read_by_time",
    "big_read_by_number",
    "big_read_by_email",
    "big_tickets",
    "big_tickets_p99",
    "big_tickets_succeeded",
    "big_failed",
    "big_gigabytes",
];

/// Fills a database once, then measures in turn on the empty one and on the full one. Gives the server's version.
pub(super) fn measure(options: &Options, orders: u64, binary: &Path, samples: &mut Samples) -> Outcome<String> {
    let server = server::start()?;
    for database in ["big_empty", "big_full"] {
        server.sql("postgres", &["-c", &format!("create database {database}")])?;
        // The schema and the catalogue.
        let load = Load::of("place", 16, 1);
        Serving::start(binary, &server.url(database), None)?.load(binary, &load)?;
    }
    fill(&server, orders)?;
    let bytes = server.sql("big_full", &["-c", "select pg_database_size(current_database()) / 1e9"])?;
    samples.add("big_gigabytes", bytes.trim().parse()?);
    for repetition in 1..=options.repetitions {
        say::line(format!("\n==> {orders} orders, repetition {repetition} of {}", options.repetitions));
        let empty = on_empty(options, &server, binary)?;
        on_full(options, &server, binary, empty, samples)?;
    }
    audit(&server, binary)?;
    Ok(server.version().to_owned())
}

fn fill(server: &Postgres, orders: u64) -> Outcome<()> {
    say::line(format!("\n==> filling in {orders} orders"));
    let began = Instant::now();
    let parts = orders.div_ceil(PART);
    let filler = |first: u64| -> Result<(), String> {
        for part in (first..parts).step_by(usize::try_from(FILLERS).expect("a few")) {
            let (from, to) = (part * PART + 1, ((part + 1) * PART).min(orders));
            let variables = [format!("from={from}"), format!("to={to}"), format!("orders={orders}")];
            let mut arguments: Vec<&str> = variables.iter().flat_map(|variable| ["-v", variable.as_str()]).collect();
            arguments.extend(["-f", FILL]);
            server.sql("big_full", &arguments).map_err(|error| error.to_string())?;
            if part.is_multiple_of(10) {
                say::line(format!("{to} orders after {:.0} s", began.elapsed().as_secs_f64()));
            }
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let fillers: Vec<_> = (0..FILLERS).map(|first| scope.spawn(move || filler(first))).collect();
        fillers.into_iter().try_for_each(|filler| filler.join().expect("a filler does not panic"))
    })?;
    server.sql("big_full", &["-v", &format!("orders={orders}"), "-f", FILL_END])?;
    say::line(format!("filled in {:.0} s", began.elapsed().as_secs_f64()));
    Ok(())
}

/// The same where there are next to no orders and where there are many.
fn place(options: &Options) -> Load {
    Load { warm_up: Some(PLACE_WARM_UP_SECONDS), ..Load::of("place", 64, options.seconds) }
}

/// Orders a second where there are next to none.
fn on_empty(options: &Options, server: &Postgres, binary: &Path) -> Outcome<f64> {
    server::rest(server)?;
    Ok(Serving::start(binary, &server.url("big_empty"), None)?.load(binary, &place(options))?.per_second)
}

fn on_full(options: &Options, server: &Postgres, binary: &Path, empty: f64, samples: &mut Samples) -> Outcome<()> {
    let serving = Serving::start(binary, &server.url("big_full"), None)?;
    server::rest(server)?;
    let read = Load { rate: Some(READS_PER_SECOND), ..Load::of("read", 16, options.seconds) };
    let reads = serving.load(binary, &read)?;
    for (kind, Kind { p99_ms, .. }) in &reads.kinds {
        samples.add(&format!("big_read_{kind}"), *p99_ms);
    }
    let placed = serving.load(binary, &place(options))?;
    samples.add("big_empty", empty);
    samples.add("big_place", placed.per_second);
    samples.add("big_place_over_empty", placed.per_second / empty);
    let failed = tickets(server, &serving, binary, options.seconds, "big_tickets", samples)?;
    samples.add("big_failed", reads.failed + placed.failed + failed);
    Ok(())
}

/// What was filled in is what the service would have written, and what it did to it since was right: or the figures say nothing.
fn audit(server: &Postgres, binary: &Path) -> Outcome<()> {
    let began = Instant::now();
    let mut audit = command(binary);
    let printed = command::output(audit.arg("audit").env("ORDO_DATABASE", server.url("big_full")).current_dir(FOLDER))?;
    say::line(format!("audit: {} ({:.0} s)", printed.trim(), began.elapsed().as_secs_f64()));
    Ok(())
}
