//! One transaction an order, written by hand: what the product is compared with.

use super::product::number;
use crate::command::command;
use crate::servers::Postgres;
use crate::{Outcome, command, say};
use std::path::Path;

const DATABASE: &str = "floor";
const PLACE: &str = "bench/floor_place.sql";
const PLACE_HOT: &str = "bench/floor_place_hot.sql";
/// Fills the tables before statistics are taken: plans made for empty tables would slow the floor down.
const WARM_UP_SECONDS: u32 = 2;

/// What pgbench reached.
pub(super) struct Floor {
    pub(super) at_16: f64,
    pub(super) at_64: f64,
    /// One hot item, the better of 16 and 64 clients.
    pub(super) hot: f64,
    /// One client.
    pub(super) p50_ms: f64,
}

/// On a fresh database of this server.
pub(super) fn postgres(server: &Postgres, seconds: u32) -> Outcome<Floor> {
    server.sql("postgres", &["-c", "create database floor"])?;
    server.sql(DATABASE, &["-f", "bench/floor_schema.sql"])?;
    pgbench(server, &Run { script: PLACE, clients: 16, seconds: WARM_UP_SECONDS })?;
    server.sql(DATABASE, &["-c", "vacuum analyze"])?;
    let run = |script, clients| pgbench(server, &Run { script, clients, seconds });
    let (at_16, at_64) = (run(PLACE, 16)?, run(PLACE, 64)?);
    let (hot_16, hot_64) = (run(PLACE_HOT, 16)?, run(PLACE_HOT, 64)?);
    let alone = run(PLACE, 1)?;
    server.sql("postgres", &["-c", "drop database floor"])?;
    let floor = Floor { at_16: at_16.tps, at_64: at_64.tps, hot: hot_16.tps.max(hot_64.tps), p50_ms: alone.p50_ms };
    say::line(format!(
        "floor: {:.0}/s with 16 clients, {:.0} with 64, {:.0} on one hot item, p50 {:.2} ms alone",
        floor.at_16, floor.at_64, floor.hot, floor.p50_ms
    ));
    Ok(floor)
}

/// The SQLite store's own example: one transaction an order, one thread.
pub(super) fn sqlite(seconds: u32) -> Outcome<f64> {
    let floor = Path::new("target/release/examples/floor");
    let printed = command::output(command(floor).args(["--seconds", &seconds.to_string()]))?;
    let floor = number(&printed, "orders_per_second")?;
    say::line(format!("floor: {floor:.0}/s"));
    Ok(floor)
}

struct Run {
    script: &'static str,
    clients: u32,
    seconds: u32,
}

struct Reached {
    tps: f64,
    p50_ms: f64,
}

fn pgbench(server: &Postgres, run: &Run) -> Outcome<Reached> {
    let folder = Path::new(super::FOLDER).join(format!("pgbench-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let mut pgbench = server.program("pgbench");
    pgbench.args(["-n", "-M", "prepared", "-j", if run.clients == 1 { "1" } else { "2" }]);
    pgbench.args(["-f", run.script, "-c", &run.clients.to_string(), "-T", &run.seconds.to_string()]);
    pgbench.arg("-l").arg(format!("--log-prefix={}", folder.join("log").display()));
    let printed = command::output(pgbench.arg(DATABASE))?;
    let mut log = String::new();
    for entry in std::fs::read_dir(&folder)? {
        log.push_str(&std::fs::read_to_string(entry?.path())?);
    }
    std::fs::remove_dir_all(folder)?;
    let tps = tps(&printed).ok_or_else(|| format!("pgbench printed no tps:\n{printed}"))?;
    let p50_ms = p50_ms(&log).ok_or("pgbench logged nothing")?;
    Ok(Reached { tps, p50_ms })
}

/// `tps = 5671.12 (without initial connection time)`
fn tps(printed: &str) -> Option<f64> {
    let line = printed.lines().find_map(|line| line.strip_prefix("tps = "))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Each line of the log: client, transaction, microseconds, …
fn p50_ms(log: &str) -> Option<f64> {
    let micros = log.lines().filter_map(|line| line.split_whitespace().nth(2)?.parse::<u32>().ok());
    let mut micros: Vec<u32> = micros.collect();
    micros.sort_unstable();
    micros.get(micros.len() / 2).map(|&micros| f64::from(micros) / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pgbench_prints_is_read() {
        let printed = "latency average = 2.8 ms\ntps = 5671.250000 (without initial connection time)\n";
        assert_eq!(tps(printed), Some(5671.25));
        assert_eq!(tps("pgbench: error: connection failed"), None);
        assert_eq!(p50_ms("0 1 900 0 1 2\n0 2 100 0 1 2\n0 3 500 0 1 2\n"), Some(0.5));
        assert_eq!(p50_ms(""), None);
    }
}
