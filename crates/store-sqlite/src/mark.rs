//! Table `commit_mark`: it tells, after an end that nobody saw, whether a save happened.

use domain::time::Time;
use engine::port::{Mark, Settled};
use rusqlite::{Connection, Result};

use crate::transaction::{Kind, Transaction};

/// The first statement of every save.
pub(crate) fn insert(db: &Connection, mark: Mark) -> Result<()> {
    db.prepare_cached("insert into commit_mark (mark) values (?)")?.execute([mark.0.as_bytes()]).map(drop)
}

/// Takes the mark away from a save whose end was not seen, unless it happened.
///
/// A save that comes later fails at its own insert, and with it as a whole. Whoever asks again finds `saved = 0`.
pub(crate) fn settle(db: &Connection, mark: Mark) -> Result<Settled> {
    let transaction = Transaction::begin(db, Kind::Write)?;
    db.execute("insert into commit_mark (mark, saved) values (?, 0) on conflict (mark) do nothing", [mark.0.as_bytes()])?;
    let saved = db.query_row("select saved from commit_mark where mark = ?", [mark.0.as_bytes()], |row| row.get(0))?;
    transaction.commit()?;
    Ok(if saved { Settled::Saved } else { Settled::NotSaved })
}

/// Forgets marks of saves that ended before `before`; tells how many.
pub(crate) fn forget(db: &Connection, before: Time) -> Result<u64> {
    let forgotten = db.execute("delete from commit_mark where saved_at < ?", [before.0])?;
    Ok(u64::try_from(forgotten).unwrap_or(u64::MAX))
}
