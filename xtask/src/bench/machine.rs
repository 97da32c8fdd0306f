//! What the figures were measured on: without it they say nothing.

use crate::command::command;
use crate::{Outcome, command};
use serde_json::{Value, json};

/// Processor, memory, kernel, compiler, revision, and how busy it was before we began.
pub(super) fn about() -> Outcome<Value> {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let printed =
        |program: &str, arguments: &[&str]| command::output(command(program).args(arguments)).unwrap_or_default().trim().to_owned();
    let changed = if printed("git", &["status", "--porcelain"]).is_empty() { "" } else { ", changed" };
    Ok(json!({
        "processor": value(&read("/proc/cpuinfo"), "model name"),
        "cores": std::thread::available_parallelism()?.get(),
        "memory": value(&read("/proc/meminfo"), "MemTotal"),
        "kernel": printed("uname", &["-sr"]),
        "compiler": printed("rustc", &["--version"]),
        "revision": format!("{}{changed}", printed("git", &["rev-parse", "--short", "HEAD"])),
        "day": printed("date", &["+%F"]),
        "load_before": read("/proc/loadavg").split(' ').next(),
    }))
}

/// The same for a reader.
pub(super) fn line(about: &Value) -> String {
    let text = |name: &str| match &about[name] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    format!(
        "{} cores of {}, {} memory, {}, {}, {}; revision {}, {}; {} repetitions of {} s; load before: {}",
        text("cores"),
        text("processor"),
        text("memory"),
        text("kernel"),
        text("postgres"),
        text("compiler"),
        text("revision"),
        text("day"),
        text("repetitions"),
        text("seconds"),
        text("load_before"),
    )
}

/// `model name : AMD EPYC`
fn value(text: &str, name: &str) -> Option<String> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim_start().strip_prefix(':')?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_read_by_its_name() {
        let text = "processor\t: 0\nmodel name\t: AMD EPYC\nmodel name\t: other\n";
        assert_eq!(value(text, "model name").as_deref(), Some("AMD EPYC"));
        assert_eq!(value("", "model name"), None);
    }
}
