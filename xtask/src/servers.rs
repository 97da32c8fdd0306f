//! Private servers: for work by hand here, for `test` and `bench` as values that stop when they are dropped.

mod install;
mod pgbouncer;
mod postgres;
mod release;

pub(crate) use pgbouncer::program as pgbouncer_program;
pub(crate) use postgres::Postgres;
pub(crate) use release::{NEWEST, OLDER, Release};

use crate::{Outcome, command, say};
use std::io::Read;
use std::path::{Path, PathBuf};

/// Left in the folder of a server for `list` and `stop`: who holds it, and where it is.
const NOTE: &str = "note";

/// `servers start postgres [VERSION]`, `servers start pgbouncer`, `servers list`, `servers stop [PORT]`.
pub(crate) fn run(arguments: &[&str]) -> Outcome<()> {
    match arguments {
        ["start", "postgres"] => start(&Postgres::start()?),
        ["start", "postgres", version] => match release::of(version) {
            Some(release) => start(&Postgres::start_release(release)?),
            None => Err(format!("servers: no PostgreSQL {version} is known here").into()),
        },
        ["start", "pgbouncer"] => start_pooled(),
        ["list"] => {
            let servers = running();
            for server in &servers {
                say::line(format!("{}  {}", server.url, server.folder.display()));
            }
            say::line(format!("{} running", servers.len()));
            Ok(())
        }
        ["stop"] => stop(&running()),
        ["stop", port] => {
            let of_port = |server: &Server| server.url.contains(&format!(":{port}/"));
            let servers: Vec<Server> = running().into_iter().filter(of_port).collect();
            if servers.is_empty() { Err(format!("no server of ours on port {port}").into()) } else { stop(&servers) }
        }
        other => Err(format!("servers: {other:?}: start postgres [VERSION], start pgbouncer, list, or stop [PORT]").into()),
    }
}

/// Stays until stdin ends; a signal ends it too, and its watchdog cleans up.
fn start(server: &Postgres) -> Outcome<()> {
    say::line(server.version());
    say::line(server.url("postgres"));
    stay(server.folder(), &server.url("postgres"))
}

/// The same for a pooler with the server behind it; the first URL is the pooler's.
fn start_pooled() -> Outcome<()> {
    let pooled = pgbouncer::Pooled::start()?;
    say::line(format!("{}, {}", pooled.version(), pooled.server().version()));
    say::line(pooled.url("postgres"));
    say::line(pooled.server().url("postgres"));
    stay(pooled.folder(), &pooled.url("postgres"))
}

fn stay(folder: &Path, url: &str) -> Outcome<()> {
    std::fs::write(folder.join(NOTE), format!("{} {url}", std::process::id()))?;
    let mut typed = Vec::new();
    std::io::stdin().read_to_end(&mut typed)?;
    Ok(())
}

/// A server that some `xtask` holds.
struct Server {
    url: String,
    holder: u32,
    folder: PathBuf,
}

impl Server {
    /// A number alone is not enough: ids come round again.
    fn is_held(&self) -> bool {
        let holder = command::output(command::command("ps").args(["-o", "comm=", "-p", &self.holder.to_string()]));
        holder.is_ok_and(|name| name.trim() == "xtask")
    }
}

fn stop(servers: &[Server]) -> Outcome<()> {
    for server in servers {
        command::run(command::command("kill").arg(server.holder.to_string()))?;
        while server.folder.exists() {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        say::line(format!("{}  stopped", server.url));
    }
    Ok(())
}

fn running() -> Vec<Server> {
    let folders = bases().into_iter().filter_map(|base| std::fs::read_dir(base).ok()).flatten().flatten();
    let server = |folder: PathBuf| {
        let note = std::fs::read_to_string(folder.join(NOTE)).ok()?;
        let (holder, url) = note.trim().split_once(' ')?;
        Some(Server { url: url.to_owned(), holder: holder.parse().ok()?, folder })
    };
    folders.filter_map(|entry| server(entry.path())).filter(Server::is_held).collect()
}

/// A folder of its own for one server.
fn fresh_folder(name: &str) -> Outcome<PathBuf> {
    let base = base()?.join(format!("{name}-{}", std::process::id()));
    let free = (0..1000).map(|at| PathBuf::from(format!("{}-{at}", base.display()))).find(|folder| !folder.exists());
    let folder = free.ok_or("a thousand servers of one process are enough")?;
    std::fs::create_dir_all(&folder)?;
    Ok(folder.canonicalize()?)
}

/// Where programs of this name are kept from run to run. Not made yet.
fn kept_folder(name: &str) -> Outcome<PathBuf> {
    let kept = base()?.join("kept");
    std::fs::create_dir_all(&kept)?;
    Ok(kept.canonicalize()?.join(name))
}

/// Root's servers run as `nobody`, who must be able to get there.
fn base() -> Outcome<PathBuf> {
    let [target, temporary] = bases();
    std::fs::create_dir_all(&target)?;
    Ok(if !command::is_root() || anyone_gets_to(&target) { target } else { temporary })
}

fn bases() -> [PathBuf; 2] {
    [PathBuf::from("target/xtask"), std::env::temp_dir().join("ordo-xtask")]
}

fn anyone_gets_to(folder: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    let Ok(folder) = folder.canonicalize() else {
        return false;
    };
    folder.ancestors().all(|part| part.metadata().is_ok_and(|part| part.permissions().mode() & 0o001 != 0))
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> Outcome<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
