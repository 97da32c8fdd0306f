//! The long proofs, for a release: what `test` does in part, whole.

use crate::command::{self, cargo};
use crate::steps::Steps;
use crate::test::{self, With};
use crate::tools;
use crate::{Outcome, servers};

/// Orders of a live run: random ones by 16 clients, while instances are killed every few seconds.
const ORDERS: u64 = 10_000;
/// Histories that the simulator plays.
const SEEDS: u64 = 20_000;
const LIVE: &str = "binary(e2e) & test(/^(live|books)::/)";
const ORDERS_VARIABLE: &str = "ORDO_LIVE_ORDERS";

/// `prove [--orders N] [--seeds N]`.
pub(crate) fn run(arguments: &[&str]) -> Outcome<()> {
    let (orders, seeds) = lengths(arguments)?;
    let mut steps = Steps::new();
    let nextest = tools::install("nextest", &[&tools::NEXTEST])?.wait();
    let postgres = steps.take("start PostgreSQL", test::newest, |server| server.version().to_owned());
    let pgbouncer = steps.take("find pgbouncer", servers::pgbouncer_program, |(_, version)| version.clone());
    let with = With {
        url: postgres.as_ref().map(|server| server.url("postgres")),
        pgbouncer: pgbouncer.map(|(program, _)| program),
        variables: vec![(ORDERS_VARIABLE, orders.to_string())],
        ..With::default()
    };
    steps.take(&format!("live runs of {orders} orders"), || test::tests(nextest, Some(LIVE), &with), Clone::clone);
    drop(postgres);
    steps.run(&format!("simulation of {seeds} histories"), || {
        command::run(cargo().args(["run", "--release", "--locked", "-p", "sim", "--", "--seeds", &seeds.to_string()]))
    });
    steps.finish()
}

fn lengths(arguments: &[&str]) -> Outcome<(u64, u64)> {
    let (mut orders, mut seeds) = (ORDERS, SEEDS);
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let mut value =
            || Ok::<u64, Box<dyn std::error::Error>>(arguments.next().ok_or_else(|| format!("{argument} needs a value"))?.parse()?);
        match *argument {
            "--orders" => orders = value()?,
            "--seeds" => seeds = value()?,
            other => return Err(format!("prove: {other} is not known").into()),
        }
    }
    Ok((orders, seeds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_as_long_as_a_release_wants_it_unless_told() {
        assert_eq!(lengths(&[]).unwrap(), (10_000, 20_000));
        assert_eq!(lengths(&["--seeds", "5", "--orders", "7"]).unwrap(), (7, 5));
        assert_eq!(lengths(&["--orders"]).unwrap_err().to_string(), "--orders needs a value");
        assert_eq!(lengths(&["--fast"]).unwrap_err().to_string(), "prove: --fast is not known");
    }
}
