//! A PostgreSQL that is measured on: with the documented settings, and as if it had been running for a while.

use crate::Outcome;
use crate::servers::Postgres;

const SETTINGS: &str = "docs/postgresql.conf";

/// A server of its own.
pub(super) fn start() -> Outcome<Postgres> {
    let server = Postgres::start_with(&settings(&std::fs::read_to_string(SETTINGS)?))?;
    server.sql("postgres", &["-f", "bench/used_log.sql"])?;
    Ok(server)
}

/// What was measured before leaves nothing that the system writes while the next is measured, and leaves its log files to it.
pub(super) fn rest(server: &Postgres) -> Outcome<()> {
    server.sql("postgres", &["-c", "checkpoint"]).map(drop)
}

/// Each line `name = value`; what follows `#` is for people.
fn settings(text: &str) -> Vec<String> {
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default());
    lines.filter_map(|line| line.split_once('=')).map(|(name, value)| format!("{}={}", name.trim(), value.trim())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn settings_are_read_without_their_remarks() {
        let text = "# shared = 1\nshared_buffers = 2GB\n\nfsync = on # = always\n";
        assert_eq!(settings(text), ["shared_buffers=2GB", "fsync=on"]);
    }

    #[test]
    fn the_documented_settings_keep_what_was_answered() {
        let documented = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(SETTINGS);
        let settings = settings(&std::fs::read_to_string(documented).unwrap());
        for needed in ["synchronous_commit=on", "fsync=on", "full_page_writes=on"] {
            assert!(settings.iter().any(|setting| setting == needed), "{needed}");
        }
    }
}
