//! Everything that must hold before a change goes in. `--quick` is what needs no server and no release build.

use crate::command::{self, cargo};
use crate::servers::{self, Postgres, Release};
use crate::steps::Steps;
use crate::tools::Installing;
use crate::{Outcome, generate, say, tidy, tools};
use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Where the tests that need PostgreSQL look for it. They fail, not skip, without it.
const POSTGRES_VARIABLE: &str = "ORDO_TEST_POSTGRES";
/// Names the programs of a PostgreSQL of one's own: then it is the only one that is tested.
const OWN_SERVER: &str = "ORDO_PG_BIN";
/// The pgbouncer that tests start, likewise.
const PGBOUNCER_VARIABLE: &str = "ORDO_TEST_PGBOUNCER";
/// Where the packages of a gRPC client in Python are.
const GRPC_VARIABLE: &str = "ORDO_TEST_GRPC_PACKAGES";
/// What is run on older servers: the store's own tests, and a core of the whole service's. Cuts at every few bytes take long, and
/// say nothing of a version.
const ON_OLDER_SERVERS: &str = "(binary(postgres_store) - test(/wherever_the_wire/)) \
    | (binary(e2e) & test(/postgres/) & test(/^(placing|commands|crashes|lists|pooled)::/))";
/// What needs PostgreSQL says so in its name. `grpc` needs a client that is fetched; the others take long on SQLite too.
const QUICK: &str = "not (binary(/postgres/) | test(/postgres/) | (binary(e2e) & test(/^(grpc|live|books|crashes_in_confirm)::/)))";
/// Histories that the simulator plays in the full run.
const SIMULATED_SEEDS: &str = "2000";

/// `test`, `test --quick`.
pub(crate) fn run(arguments: &[&str]) -> Outcome<()> {
    match arguments {
        [] => full(),
        ["--quick"] => quick(),
        other => Err(format!("test: {other:?}: only --quick is known").into()),
    }
}

fn quick() -> Outcome<()> {
    let mut steps = Steps::new();
    let mut nextest = tools::install("nextest", &[&tools::NEXTEST])?;
    read_only(&mut steps);
    steps.take("tests without a server", || tests(nextest.wait(), Some(QUICK), &With::default()), Clone::clone);
    steps.finish()
}

fn full() -> Outcome<()> {
    let mut steps = Steps::new();
    let mut nextest = tools::install("nextest", &[&tools::NEXTEST])?;
    let mut checkers = tools::install("checkers", &[&tools::DENY, &tools::MACHETE])?;
    read_only(&mut steps);
    steps.run("spelling", || command::run(&mut command::command(tools::typos()?)));

    let pgbouncer = steps.take("find pgbouncer", servers::pgbouncer_program, |(_, version)| version.clone());
    let pgbouncer = pgbouncer.map(|(program, _)| program);
    let postgres = steps.take("start PostgreSQL", newest, |server| server.version().to_owned());
    let grpc = steps.take("find a gRPC client", tools::grpc_client, |_| String::new());
    let with = With { url: postgres.as_ref().map(|server| server.url("postgres")), pgbouncer, grpc, ..With::default() };
    let nextest = nextest.wait();
    let has_nextest = nextest.is_ok();
    steps.take("tests", || tests(nextest, None, &with), Clone::clone);
    steps.run("tests in the documentation", || {
        let mut tests = cargo();
        tests.args(["test", "--quiet", "--doc", "--workspace", "--locked"]);
        command::run(with.tell(&mut tests))
    });
    drop(postgres);
    if has_nextest && std::env::var_os(OWN_SERVER).is_none() {
        for release in &servers::OLDER {
            steps.take(&format!("tests on PostgreSQL {}", release.major), || on_older(release, &with), Clone::clone);
        }
    }

    steps.run("generated files", || generate::run(&["--check"]));
    supply_chain(&mut steps, &mut checkers);
    if steps.all_held() {
        steps.run("release build", || command::run(cargo().args(["build", "--release", "--locked"])));
        steps.run("simulation", || {
            command::run(cargo().args(["run", "--release", "--locked", "-p", "sim", "--", "--seeds", SIMULATED_SEEDS]))
        });
    } else {
        say::line("\nNo release build and no simulation: something before them failed.");
    }
    steps.finish()
}

/// The server that the whole run is on.
pub(crate) fn newest() -> Outcome<Postgres> {
    if std::env::var_os(OWN_SERVER).is_some() { Postgres::start() } else { Postgres::start_release(&servers::NEWEST) }
}

/// Runs on an older server what may depend on it.
fn on_older(release: &Release, with: &With) -> Outcome<String> {
    let server = Postgres::start_release(release)?;
    say::line(server.version());
    let with = With { url: Some(server.url("postgres")), pgbouncer: with.pgbouncer.clone(), ..With::default() };
    tests(Ok(()), Some(ON_OLDER_SERVERS), &with)
}

/// What looks at the sources only.
fn read_only(steps: &mut Steps) {
    steps.run("format", || command::run(cargo().args(["fmt", "--all", "--check"])));
    steps.run("tidy", tidy::run);
    steps.run("clippy", || command::run(cargo().args(["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])));
}

fn supply_chain(steps: &mut Steps, checkers: &mut Installing) {
    steps.run("tools for the supply chain", || checkers.wait());
    steps.run("licences, bans, sources", || {
        // `cargo deny` looks at every platform; a clean machine has only what this one builds.
        command::run(cargo().args(["fetch", "--quiet", "--locked"]))?;
        let mut deny = cargo();
        deny.args(["deny", "--offline", "check", "licenses", "bans", "sources"]);
        command::run(deny.env("PATH", tools::search_path()?))
    });
    steps.run("unused dependencies", || command::run(cargo().args(["machete", "--skip-target-dir"]).env("PATH", tools::search_path()?)));
}

/// Runs the tests and gives the line that counts them. Without nextest they run too, only slower.
pub(crate) fn tests(nextest: Outcome<()>, filter: Option<&str>, with: &With) -> Outcome<String> {
    if let Err(error) = nextest {
        say::line(format!("cargo-nextest {error}\nusing `cargo test`"));
        return with_libtest(filter.is_some(), with);
    }
    let profile = if std::env::var_os("CI").is_some() { "ci" } else { "default" };
    let mut nextest = cargo();
    nextest.args(["nextest", "run", "--workspace", "--locked", "--no-tests=pass", "--profile", profile]);
    if let Some(filter) = filter {
        nextest.args(["-E", filter]);
    }
    with.tell(&mut nextest).env("PATH", tools::search_path()?);
    counted(nextest.stderr(Stdio::piped()))
}

/// Shows what it says, and keeps the line that counts.
fn counted(command: &mut Command) -> Outcome<String> {
    let mut child = command.spawn()?;
    let stderr = child.stderr.take().expect("asked for a pipe above");
    let mut count = String::new();
    for line in BufReader::new(stderr).lines() {
        let line = line?;
        if let Some(found) = count_in(&line) {
            found.clone_into(&mut count);
        }
        eprintln!("{line}");
    }
    let status = child.wait()?;
    if status.success() { Ok(count) } else { Err(format!("{status}: {count}").into()) }
}

/// `12 tests run: 12 passed, 0 skipped` of nextest's summary.
fn count_in(line: &str) -> Option<&str> {
    let (_, rest) = line.trim_start().strip_prefix("Summary")?.split_once("] ")?;
    Some(rest.trim())
}

fn with_libtest(quick: bool, with: &With) -> Outcome<String> {
    let mut tests = cargo();
    tests.args(["test", "--workspace", "--locked", "--all-targets"]);
    if quick {
        tests.args(["--", "--skip", "postgres", "--skip", "grpc::"]);
    }
    command::run(with.tell(&mut tests))?;
    Ok("by cargo test".to_owned())
}

/// What tests use. It is decided here, not by what happens to be set outside.
#[derive(Default)]
pub(crate) struct With {
    /// Where PostgreSQL is.
    pub(crate) url: Option<String>,
    pub(crate) pgbouncer: Option<PathBuf>,
    pub(crate) grpc: Option<PathBuf>,
    /// What else they are told.
    pub(crate) variables: Vec<(&'static str, String)>,
}

impl With {
    fn tell<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        let told = [
            (POSTGRES_VARIABLE, self.url.as_ref().map(OsString::from)),
            (PGBOUNCER_VARIABLE, self.pgbouncer.as_ref().map(OsString::from)),
            (GRPC_VARIABLE, self.grpc.as_ref().map(OsString::from)),
        ];
        for (name, value) in told {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_of_nextest_is_counted() {
        let line = "     Summary [   0.013s] 3 tests run: 2 passed, 1 failed, 0 skipped";
        assert_eq!(count_in(line), Some("3 tests run: 2 passed, 1 failed, 0 skipped"));
        assert_eq!(count_in("        PASS [   0.004s] xtask Summary"), None);
    }

    #[test]
    fn a_program_that_fails_is_an_error_that_keeps_its_count() {
        let mut script = Command::new("sh");
        script.args(["-c", "echo ' Summary [ 1s] 1 test run: 0 passed' >&2; exit 100"]).stderr(Stdio::piped());
        assert_eq!(counted(&mut script).unwrap_err().to_string(), "exit status: 100: 1 test run: 0 passed");
    }
}
