//! A private PostgreSQL: fresh, on a free port of the loopback, durable as shipped (fsync on), gone when dropped.

use super::release::Release;
use super::{free_port, fresh_folder, install, release};
use crate::guard::{Ending, Guard};
use crate::{Outcome, command};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// initdb takes two seconds on an idle machine; a busy one may be twenty times slower.
const READY_WITHIN: Duration = Duration::from_mins(1);
/// Somebody else may take the free port before we do.
const STARTS_MAX: usize = 3;

/// Makes the cluster, then becomes the server; `-N` saves syncing the empty cluster only.
const SERVE: &str = r#"
"$1/initdb" -D "$2" -U postgres -A trust -E UTF8 --locale=C --no-instructions -N >&2 &&
programs=$1 data=$2 port=$3 && shift 3 &&
exec "$programs/postgres" -D "$data" -c max_connections=200 "$@" -c port="$port" -c listen_addresses=127.0.0.1 \
  -c unix_socket_directories= -c fsync=on
"#;

/// A running server.
pub(crate) struct Postgres {
    guard: Guard,
    port: u16,
    folder: PathBuf,
    programs: PathBuf,
    version: String,
}

impl Postgres {
    /// Finds or installs it, starts it, and waits until it answers.
    pub(crate) fn start() -> Outcome<Self> {
        Self::of(install::find()?, &[])
    }

    /// The same with settings, each `name=value`.
    pub(crate) fn start_with(settings: &[String]) -> Outcome<Self> {
        Self::of(install::find()?, settings)
    }

    /// The same in this version.
    pub(crate) fn start_release(release: &Release) -> Outcome<Self> {
        install::psql()?;
        Self::of(release::find(release)?, &[])
    }

    fn of((programs, version): (PathBuf, String), settings: &[String]) -> Outcome<Self> {
        let mut failure = String::new();
        for _ in 0..STARTS_MAX {
            let folder = fresh_folder("postgres")?;
            let port = free_port()?;
            let guard = spawn(&programs, &folder, port, settings)?;
            let server = Self { guard, port, folder, programs: programs.clone(), version: version.clone() };
            match server.wait() {
                Ok(()) => return Ok(server),
                Err(error) => failure = error.to_string(),
            }
        }
        Err(failure.into())
    }

    /// Where a database of it is.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// `postgres (PostgreSQL) 15.14 …`
    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Where its data and its log are.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// One of the programs beside it, bound to this server.
    pub(crate) fn program(&self, name: &str) -> Command {
        let beside = self.programs.join(name);
        let mut program = command::command(if beside.is_file() { beside } else { name.into() });
        program.env("PGHOST", "127.0.0.1").env("PGPORT", self.port.to_string()).env("PGUSER", "postgres");
        program
    }

    /// Runs SQL by `psql`; the first error ends it.
    pub(crate) fn sql(&self, database: &str, arguments: &[&str]) -> Outcome<String> {
        let mut psql = self.program("psql");
        command::output(psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", database]).args(arguments))
    }

    fn wait(&self) -> Outcome<()> {
        let started = Instant::now();
        while started.elapsed() < READY_WITHIN {
            if !self.guard.alive() {
                return Err(format!("PostgreSQL did not start:\n{}", self.guard.last_words()).into());
            }
            if self.sql("postgres", &["-c", "select 1"]).is_ok() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err(format!("PostgreSQL was not ready within {READY_WITHIN:?}:\n{}", self.guard.last_words()).into())
    }
}

/// PostgreSQL refuses to run as root, so root's server runs as `nobody`.
fn spawn(programs: &Path, folder: &Path, port: u16, settings: &[String]) -> Outcome<Guard> {
    let mut serve;
    if command::is_root() {
        let uid: u32 = command::output(command::command("id").args(["-u", "nobody"]))?.trim().parse()?;
        let gid: u32 = command::output(command::command("id").args(["-g", "nobody"]))?.trim().parse()?;
        std::os::unix::fs::chown(folder, Some(uid), Some(gid))?;
        serve = Command::new("setpriv");
        serve.arg(format!("--reuid={uid}")).arg(format!("--regid={gid}")).args(["--clear-groups", "--"]);
        serve.args(["env", "HOME=/", "bash"]);
    } else {
        serve = Command::new("bash");
    }
    serve.args(["-c", SERVE, "serve"]).arg(programs).arg(folder.join("data")).arg(port.to_string());
    for setting in settings {
        serve.args(["-c", setting]);
    }
    serve.current_dir("/");
    Guard::spawn(&serve, &folder.join("log"), &Ending { signal: "INT", folder: Some(folder) })
}
