//! `ordo audit`: proves every invariant on the live data, beside a running service.

use std::process::ExitCode;

use engine::port::Violation;

use super::{AWAY, NO, block_on, failed, print};
use crate::config::Config;
use crate::database;

/// Rows shown of each broken invariant.
const ROWS_MAX: u32 = 100;

/// Prints the violations; exit code 1 if there are any.
pub(super) fn run(config: &Config, json: bool) -> ExitCode {
    let opened = match database::open(&config.database) {
        Ok(opened) => opened,
        Err(error) => return failed(&error, AWAY),
    };
    match block_on(async { opened.store.audit(ROWS_MAX).await }) {
        Err(error) => failed(&error, NO),
        Ok(Err(away)) => failed(&away, AWAY),
        Ok(Ok(violations)) => {
            print(&if json { as_json(&violations) } else { as_text(&violations) });
            if violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(NO) }
        }
    }
}

fn as_json(violations: &[Violation]) -> String {
    let line = |violation: &Violation| {
        let Violation { invariant, explanation, row } = violation;
        format!("{}\n", serde_json::json!({ "invariant": invariant, "explanation": explanation, "row": row }))
    };
    violations.iter().map(line).collect()
}

fn as_text(violations: &[Violation]) -> String {
    if violations.is_empty() {
        return "every invariant holds\n".into();
    }
    let mut text = String::new();
    let mut last = "";
    for violation in violations {
        if violation.invariant != last {
            text.extend([violation.invariant, ": ", violation.explanation, "\n"]);
            last = violation.invariant;
        }
        text.extend(["    ", &violation.row, "\n"]);
    }
    text
}
