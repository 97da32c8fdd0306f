//! A private pgbouncer before a private PostgreSQL, as `docs/pgbouncer.ini` sets it up.
//!
//! Before 1.21 it loses prepared statements. Where the system has an older one, Debian 13's is unpacked beside the other tools,
//! with the libraries that it was built for; nothing of it is installed, and no right is needed.

use super::{Postgres, free_port, fresh_folder, kept_folder};
use crate::guard::{Ending, Guard};
use crate::{Outcome, command};
use std::fmt::Write as _;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// Since this one, statements follow their client from connection to connection.
const VERSION_MIN: (u32, u32) = (1, 21);
const DEBIAN: &str = "trixie";
/// It, and every library that it is bound to, down to the C library.
const PACKAGES: [&str; 12] = [
    "pgbouncer",
    "libevent-2.1-7t64",
    "libcares2",
    "libssl3t64",
    "libpam0g",
    "libsystemd0",
    "libaudit1",
    "libcap-ng0",
    "libcap2",
    "zlib1g",
    "libzstd1",
    "libc6",
];
/// Where the documented file says that PostgreSQL is.
const SERVER: &str = "host=127.0.0.1 port=5432";
const READY_WITHIN: Duration = Duration::from_secs(10);

/// A program to start pgbouncer with, also as root, and its version.
pub(crate) fn program() -> Outcome<(PathBuf, String)> {
    if let Some(named) = std::env::var_os("ORDO_PGBOUNCER") {
        let words = [named];
        return script(&words.map(PathBuf::from)).map_err(|why| format!("ORDO_PGBOUNCER: {why}").into());
    }
    for system in ["/usr/sbin/pgbouncer", "/usr/local/sbin/pgbouncer", "/usr/local/bin/pgbouncer"] {
        if Path::new(system).is_file()
            && let Ok(found) = script(&[PathBuf::from(system)])
        {
            return Ok(found);
        }
    }
    let (triple, loader) = match std::env::consts::ARCH {
        "x86_64" => ("x86_64-linux-gnu", "ld-linux-x86-64.so.2"),
        "aarch64" => ("aarch64-linux-gnu", "ld-linux-aarch64.so.1"),
        other => return Err(format!("install pgbouncer 1.21 or newer, or name one in ORDO_PGBOUNCER: none is known for {other}").into()),
    };
    let folder = kept_folder(&format!("pgbouncer-{DEBIAN}"))?;
    let libraries = folder.join("usr/lib").join(triple);
    let words = [libraries.join(loader), "--library-path".into(), libraries, folder.join("usr/sbin/pgbouncer")];
    if !words[3].is_file() {
        unpack(&folder)?;
    }
    script(&words)
}

/// Fetches the packages from the system's own mirror, by lists of their own.
fn unpack(folder: &Path) -> Outcome<()> {
    let advice = "install pgbouncer 1.21 or newer, or name one in ORDO_PGBOUNCER";
    if !command::in_path("apt-get") {
        return Err(advice.into());
    }
    let targets = ["indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"];
    let targets = command::output(command::command("apt-get").args(targets))?;
    let mirror = targets.lines().find(|uri| uri.trim_end_matches('/').ends_with("/debian"));
    let mirror = mirror.ok_or_else(|| format!("{advice}: the system has no mirror of Debian"))?;
    let partial = folder.with_extension("partial");
    let _ = std::fs::remove_dir_all(&partial);
    let state = partial.join("state");
    std::fs::create_dir_all(state.join("lists/partial"))?;
    std::fs::create_dir_all(state.join("archives/partial"))?;
    std::fs::write(state.join("status"), "")?;
    let source = format!("deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {mirror} {DEBIAN} main\n");
    std::fs::write(state.join("sources.list"), source)?;
    let apt = |arguments: &[&str]| {
        let mut apt = command::command("apt-get");
        let own = [
            ("Dir::Etc::SourceList", state.join("sources.list")),
            ("Dir::Etc::SourceParts", "/dev/null".into()),
            ("Dir::State", state.clone()),
            ("Dir::State::Status", state.join("status")),
            ("Dir::Cache", state.clone()),
        ];
        for (name, value) in own {
            apt.arg("-o").arg(format!("{name}={}", value.display()));
        }
        apt.args(["-q", "-o", "APT::Sandbox::User=root"]).args(arguments).current_dir(&state);
        command::output(&mut apt)
    };
    apt(&["update"])?;
    apt(&[&["download"], PACKAGES.as_slice()].concat())?;
    for entry in std::fs::read_dir(&state)? {
        let package = entry?.path();
        if package.extension().is_some_and(|extension| extension == "deb") {
            command::output(command::command("dpkg-deb").arg("-x").arg(package).arg(&partial))?;
        }
    }
    std::fs::remove_dir_all(state)?;
    std::fs::rename(&partial, folder)?;
    Ok(())
}

/// A script that becomes pgbouncer. It refuses to run as root, so root's becomes `nobody` first.
fn script(words: &[PathBuf]) -> Outcome<(PathBuf, String)> {
    let quoted: Vec<String> = words.iter().map(|word| format!("'{}'", word.display())).collect();
    let path = kept_folder("pgbouncer")?;
    std::fs::create_dir_all(&path)?;
    let path = path.join("pgbouncer");
    let text = format!(
        "#!/bin/sh\nset -- {} \"$@\"\n[ \"$(id -u)\" != 0 ] || set -- setpriv --reuid=\"$(id -u nobody)\" --regid=\"$(id -g nobody)\" \
         --clear-groups -- \"$@\"\nexec \"$@\"\n",
        quoted.join(" ")
    );
    std::fs::write(&path, text)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))?;
    let said = command::output(command::command(&path).arg("--version"))?;
    let said = said.lines().next().unwrap_or_default().to_owned();
    match version(&said) {
        Some(version) if version >= VERSION_MIN => Ok((path, said)),
        _ => Err(format!("{said:?} is too old: 1.21 is the first that knows prepared statements").into()),
    }
}

/// 1 and 24 of `PgBouncer 1.24.1`.
fn version(said: &str) -> Option<(u32, u32)> {
    let mut numbers = said.strip_prefix("PgBouncer ")?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// A running pair.
pub(super) struct Pooled {
    guard: Guard,
    port: u16,
    folder: PathBuf,
    version: String,
    /// Dropped after the pooler.
    server: Postgres,
}

impl Pooled {
    /// Starts both.
    pub(super) fn start() -> Outcome<Self> {
        let (program, version) = program()?;
        let server = Postgres::start()?;
        let (folder, port) = (fresh_folder("pgbouncer")?, free_port()?);
        std::fs::write(folder.join("users"), "\"postgres\" \"\"\n")?;
        let mut ini = std::fs::read_to_string("docs/pgbouncer.ini")?.replace(SERVER, &format!("host=127.0.0.1 port={}", server.port()));
        write!(ini, "listen_port = {port}\nauth_type = trust\nauth_file = {}\n", folder.join("users").display())?;
        std::fs::write(folder.join("ini"), ini)?;
        let mut serve = Command::new(program);
        serve.arg(folder.join("ini")).current_dir("/");
        let guard = Guard::spawn(&serve, &folder.join("log"), &Ending { signal: "INT", folder: Some(&folder) })?;
        let pooled = Self { guard, port, folder, version, server };
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if started.elapsed() > READY_WITHIN || !pooled.guard.alive() {
                return Err(format!("pgbouncer did not start:\n{}", pooled.guard.last_words()).into());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(pooled)
    }

    /// Where a database is, by way of the pooler.
    pub(super) fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    pub(super) fn version(&self) -> &str {
        &self.version
    }

    pub(super) fn server(&self) -> &Postgres {
        &self.server
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_version_that_knows_prepared_statements_is_new_enough() {
        for (said, expected) in [("PgBouncer 1.24.1", true), ("PgBouncer 1.21.0", true), ("PgBouncer 1.18.0", false), ("pgbouncer", false)]
        {
            assert_eq!(version(said).is_some_and(|version| version >= VERSION_MIN), expected, "{said}");
        }
    }

    #[test]
    fn the_documented_file_names_the_server_that_is_replaced() {
        let documented = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/pgbouncer.ini");
        assert!(std::fs::read_to_string(documented).unwrap().contains(SERVER));
    }
}
