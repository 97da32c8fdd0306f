//! Where log lines go and what they look like: standard error, UTC, text for people and JSON for machines.

use std::io::IsTerminal;

use crate::config::{Log, LogFormat};

/// Starts logging for the rest of the process.
///
/// The error: somebody else has already done so.
pub(crate) fn start(log: &Log) -> Result<(), tracing_subscriber::util::TryInitError> {
    use tracing_subscriber::util::SubscriberInitExt;

    let terminal = std::io::stderr().is_terminal();
    // The built-in timer writes RFC 3339 in UTC.
    let lines = tracing_subscriber::fmt().with_env_filter(log.level.filter()).with_writer(std::io::stderr).with_ansi(terminal);
    match format(log, terminal) {
        LogFormat::Text => lines.finish().try_init(),
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(true).with_span_list(false).finish().try_init(),
    }
}

/// What was asked for, else text on a terminal and JSON anywhere else.
fn format(log: &Log, terminal: bool) -> LogFormat {
    log.format.unwrap_or(if terminal { LogFormat::Text } else { LogFormat::Json })
}

#[cfg(test)]
mod tests {
    use super::format;
    use crate::config::{Config, LogFormat};

    #[test]
    fn a_terminal_gets_text_and_a_pipe_json_unless_one_is_asked_for() {
        let config = |format: &str| Config::load(None, [("ORDO_LOG__FORMAT".into(), format.into())].into_iter()).expect("is right").log;
        assert_eq!(format(&config(""), true), LogFormat::Text);
        assert_eq!(format(&config(""), false), LogFormat::Json);
        assert_eq!(format(&config("text"), false), LogFormat::Text);
        assert_eq!(format(&config("json"), true), LogFormat::Json);
    }
}
