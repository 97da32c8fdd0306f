//! A child that cannot outlive us, however we end: kill -9 included.
//!
//! Between us and the child stands a small shell that reads from a pipe which only we hold open. When we go, the
//! pipe ends, and the shell stops the child and removes its folder. They are in a process group of their own: Ctrl-C
//! reaches us alone, and what the child started gets the signal too.

use crate::{Outcome, command};
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Seconds that the child has to go after its signal; then it is killed.
const STOP_WITHIN_SECONDS: &str = "10";

const WATCHDOG: &str = r#"
trap '' INT TERM HUP PIPE
signal=$1 patience=$2 folder=$3 log=$4
shift 4
( trap - INT TERM HUP PIPE; exec "$@" </dev/null >>"$log" 2>&1 ) &
child=$!
echo "$child"
while read -r _; do :; done
if kill -s 0 "$child"; then
  kill -s "$signal" 0
  sleep "$patience" &
  timer=$!
  wait -n "$child" "$timer"
  kill -s KILL "$child" "$timer"
  wait
fi
[ -z "$folder" ] || rm -rf "$folder"
"#;

/// The running child; dropping it stops it.
pub(crate) struct Guard {
    watchdog: Child,
    pid: u32,
    log: PathBuf,
}

/// What to do when it has to stop.
pub(crate) struct Ending<'a> {
    /// The signal that asks it to: INT or TERM, which the watchdog itself ignores.
    pub(crate) signal: &'a str,
    /// Removed afterwards.
    pub(crate) folder: Option<&'a Path>,
}

impl Guard {
    /// Starts the command (program, arguments, folder and variables are taken over); what it prints goes to `log`.
    /// With a folder, the paths are absolute.
    pub(crate) fn spawn(child: &Command, log: &Path, ending: &Ending) -> Outcome<Self> {
        let mut watchdog = command::command("bash");
        watchdog
            .args(["-c", WATCHDOG, "watchdog", ending.signal, STOP_WITHIN_SECONDS])
            .arg(ending.folder.unwrap_or(Path::new("")))
            .arg(log)
            .arg(child.get_program())
            .args(child.get_args())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0);
        for (name, value) in child.get_envs() {
            match value {
                Some(value) => watchdog.env(name, value),
                None => watchdog.env_remove(name),
            };
        }
        if let Some(folder) = child.get_current_dir() {
            watchdog.current_dir(folder);
        }
        let mut watchdog = watchdog.spawn().map_err(|error| format!("bash: {error}"))?;
        let stdout = watchdog.stdout.take().expect("asked for a pipe above");
        let mut pid = String::new();
        BufReader::new(stdout).read_line(&mut pid)?;
        let pid = pid.trim().parse()?;
        Ok(Self { watchdog, pid, log: log.to_path_buf() })
    }

    /// The child's process id.
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Whether it still runs.
    pub(crate) fn alive(&self) -> bool {
        is_alive(self.pid)
    }

    /// The end of what it printed.
    pub(crate) fn last_words(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.watchdog.stdin.take());
        // Nobody is left to hear that the shell itself could not be waited for.
        let _ = self.watchdog.wait();
    }
}

/// Whether a process of this id can be signalled.
pub(crate) fn is_alive(pid: u32) -> bool {
    let probe = command::command("kill").args(["-0", &pid.to_string()]).stderr(Stdio::null()).status();
    probe.is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("xtask-guard-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn dropping_stops_the_child_and_removes_its_folder() {
        let folder = folder("drop");
        let ending = Ending { signal: "TERM", folder: Some(&folder) };
        let guard = Guard::spawn(Command::new("sleep").arg("600"), &folder.join("log"), &ending).unwrap();
        assert!(guard.alive());
        let pid = guard.pid();
        drop(guard);
        assert!(!is_alive(pid));
        assert!(!folder.exists());
    }

    #[test]
    fn a_child_that_ended_by_itself_is_seen_with_what_it_said() {
        let folder = folder("end");
        let ending = Ending { signal: "TERM", folder: None };
        let mut child = Command::new("sh");
        let guard = Guard::spawn(child.args(["-c", "echo no such port"]), &folder.join("log"), &ending).unwrap();
        while guard.alive() {
            std::thread::yield_now();
        }
        assert_eq!(guard.last_words(), "no such port");
        drop(guard);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn when_the_holder_of_the_pipe_is_killed_the_child_goes_and_the_folder_too() {
        let folder = folder("kill");
        // `sleep` stands for us: it holds the writing end of the pipe and is killed.
        let script = r#"{ echo "$BASHPID" >"$1/holder"; exec sleep 600; } | setsid bash -c "$2" watchdog TERM 1 "$1" "$1/log" sleep 600 >"$1/child" 2>/dev/null"#;
        let mut shell = Command::new("bash");
        let mut shell = shell.args(["-c", script, "holder"]).arg(&folder).arg(WATCHDOG).spawn().unwrap();
        let read = |name: &str| loop {
            let text = std::fs::read_to_string(folder.join(name)).unwrap_or_default();
            if text.ends_with('\n') {
                break text.trim().parse::<u32>().unwrap();
            }
            std::thread::yield_now();
        };
        let (holder, child) = (read("holder"), read("child"));
        assert!(is_alive(child));
        assert!(Command::new("kill").args(["-9", &holder.to_string()]).status().unwrap().success());
        shell.wait().unwrap();
        assert!(!is_alive(child));
        assert!(!folder.exists());
    }
}
