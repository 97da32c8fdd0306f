//! `ordo migrate`: brings the schema up to date, or tells what is missing.

use std::process::ExitCode;

use engine::port::SchemaTrouble;

use super::{AWAY, NO, block_on, failed, print};
use crate::config::Config;
use crate::database;

/// Takes the missing steps, or only tells them.
pub(super) fn run(config: &Config, check: bool) -> ExitCode {
    let opened = match database::open(&config.database) {
        Ok(opened) => opened,
        Err(error) => return failed(&error, AWAY),
    };
    let steps = block_on(async { if check { opened.schema.missing().await } else { opened.schema.migrate().await } });
    match steps {
        Err(error) => failed(&error, NO),
        Ok(Err(error @ SchemaTrouble::Unavailable(_))) => failed(&error, AWAY),
        Ok(Err(error @ SchemaTrouble::Unfit(_))) => failed(&error, NO),
        Ok(Ok(steps)) if steps.is_empty() => print("the schema is up to date\n"),
        Ok(Ok(steps)) => {
            let steps = steps.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            if check {
                print(&format!("missing: {steps}; run `ordo migrate`\n"));
                ExitCode::from(NO)
            } else {
                print(&format!("applied: {steps}\n"))
            }
        }
    }
}
