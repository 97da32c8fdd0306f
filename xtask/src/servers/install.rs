//! Where PostgreSQL's programs are: named, installed already, or installed now.

use crate::{Outcome, command};
use std::path::{Path, PathBuf};

/// The oldest that the product supports.
const MAJOR_MIN: u32 = 15;

/// The folder with `initdb`, `postgres`, `psql` and `pgbench`, and the version's line.
pub(super) fn find() -> Outcome<(PathBuf, String)> {
    if let Some(named) = std::env::var_os("ORDO_PG_BIN") {
        let folder = PathBuf::from(named);
        let version = usable(&folder).map_err(|why| format!("ORDO_PG_BIN={}: {why}", folder.display()))?;
        return Ok((folder, version));
    }
    if let Some(found) = newest() {
        return Ok(found);
    }
    install()?;
    newest().ok_or_else(|| format!("the system has no PostgreSQL {MAJOR_MIN} or newer; set ORDO_PG_BIN").into())
}

fn newest() -> Option<(PathBuf, String)> {
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let debian = debian.map(|entry| entry.path().join("bin"));
    let named = command::output(command::command("pg_config").arg("--bindir")).ok();
    let named = named.map(|folder| PathBuf::from(folder.trim()));
    let usable = debian.chain(named).filter_map(|folder| usable(&folder).ok().map(|version| (folder, version)));
    usable.max_by_key(|(_, version)| major(version))
}

pub(super) fn usable(folder: &Path) -> Result<String, String> {
    for program in ["initdb", "postgres"] {
        if !folder.join(program).is_file() {
            return Err(format!("has no {program}"));
        }
    }
    let version = command::output(command::command(folder.join("postgres")).arg("--version"));
    let version = version.map_err(|error| error.to_string())?.trim().to_owned();
    match major(&version) {
        Some(major) if major >= MAJOR_MIN => Ok(version),
        _ => Err(format!("is {version}; {MAJOR_MIN} is the oldest that is supported")),
    }
}

/// 15 of `postgres (PostgreSQL) 15.14 (Debian …)`.
fn major(version: &str) -> Option<u32> {
    let number = version.split_whitespace().nth(2)?;
    let end = number.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(number.len());
    number[..end].parse().ok()
}

fn install() -> Outcome<()> {
    apt(&["postgresql", "postgresql-contrib"]).map_err(|why| {
        let advice = "no PostgreSQL 15 or newer was found. Install it (Debian, Ubuntu: `apt-get install postgresql \
                      postgresql-contrib`) or set ORDO_PG_BIN to the folder that holds initdb and postgres";
        format!("{advice}: {why}").into()
    })
}

/// Installs packages of the system, if we may.
pub(super) fn apt(packages: &[&str]) -> Outcome<()> {
    if !command::is_root() || !command::in_path("apt-get") {
        return Err("only root can install packages, by apt-get".into());
    }
    let apt = |arguments: &[&str]| {
        let mut apt = command::command("apt-get");
        command::output(apt.args(["-q", "-o", "Dpkg::Use-Pty=0"]).args(arguments).env("DEBIAN_FRONTEND", "noninteractive"))
    };
    apt(&["update"])?;
    apt(&[&["install", "-y", "--no-install-recommends"], packages].concat())?;
    Ok(())
}

/// Sees to it that `psql` can be started: a ready-made server comes without it.
pub(super) fn psql() -> Outcome<()> {
    if command::in_path("psql") || newest().is_some_and(|(programs, _)| programs.join("psql").is_file()) { Ok(()) } else { install() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_releases_and_betas() {
        assert_eq!(major("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)"), Some(15));
        assert_eq!(major("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major("postgres"), None);
    }

    #[test]
    fn a_folder_without_the_programs_or_with_old_ones_is_refused() {
        let folder = std::env::temp_dir().join(format!("xtask-install-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        assert_eq!(usable(&folder).unwrap_err(), "has no initdb");
        for (number, expected) in [("14.9", false), ("15.1", true)] {
            for program in ["initdb", "postgres"] {
                script(&folder.join(program), &format!("#!/bin/sh\necho 'postgres (PostgreSQL) {number}'\n"));
            }
            assert_eq!(usable(&folder).is_ok(), expected, "{number}");
        }
        std::fs::remove_dir_all(folder).unwrap();
    }

    fn script(path: &Path, text: &str) {
        use std::os::unix::fs::PermissionsExt;
        std::fs::write(path, text).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
}
