//! The invariants, each as a SELECT of the rows that break it.

use engine::port::Violation;
use rusqlite::{Connection, Result};

/// Rows that break an invariant, at most `limit` of each.
pub(crate) fn violations(_db: &Connection, _limit: u32) -> Result<Vec<Violation>> {
    Ok(Vec::new())
}
