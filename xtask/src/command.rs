//! Running other programs: nothing of ours leaks into them, and a failure names the program.

use crate::Outcome;
use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

/// A program without stdin and without what cargo told us about ourselves: a build script that watches
/// `CARGO_*` would otherwise be built again at every turn.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(name);
        }
    }
    command
}

/// `cargo` itself, the one that runs us.
pub(crate) fn cargo() -> Command {
    command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Runs it, output in sight.
pub(crate) fn run(command: &mut Command) -> Outcome<()> {
    let status = command.status().map_err(|error| format!("{}: {error}", name(command)))?;
    if status.success() { Ok(()) } else { Err(format!("{}: {status}", name(command)).into()) }
}

/// Runs it out of sight and gives what it printed; a failure brings its stderr.
pub(crate) fn output(command: &mut Command) -> Outcome<String> {
    let output = command.output().map_err(|error| format!("{}: {error}", name(command)))?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{}: {}\n{}", name(command), output.status, stderr.trim()).into());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether a program of this name can be started from the search path.
pub(crate) fn in_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Whether we may do what only root may do.
pub(crate) fn is_root() -> bool {
    output(command("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

fn name(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default();
    let words = std::iter::once(program).chain(command.get_args());
    // Enough to know which one it was; a script given as an argument would fill the screen.
    words.map(OsStr::to_string_lossy).take(9).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_program_and_what_it_said() {
        let error = output(Command::new("/bin/sh").args(["-c", "echo no >&2; exit 3"])).unwrap_err();
        assert_eq!(error.to_string(), "sh -c echo no >&2; exit 3: exit status: 3\nno");
        let error = run(&mut Command::new("/nowhere/tool")).unwrap_err();
        assert!(error.to_string().starts_with("tool: "), "{error}");
    }
}
