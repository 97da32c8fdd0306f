//! Marks of saves: table `commit_mark`. They tell, after a cut connection, whether a save happened.

use engine::port::Mark;

use crate::types::Column;

/// The first statement of every save.
pub(crate) const INSERT: &str = "insert into commit_mark (mark) values ($1)";

/// Takes the mark away from a save whose end was not seen.
///
/// Waits for a transaction that holds the mark. A save that comes later fails at its own insert, and with it as a whole.
/// Whoever asks again finds `saved = false`, so that a cut while settling does no harm.
pub(crate) const TAKE: &str = "insert into commit_mark (mark, saved) values ($1, false) on conflict (mark) do nothing";

pub(crate) const WHOSE: &str = "select saved from commit_mark where mark = $1";

pub(crate) const FORGET: &str = "delete from commit_mark where saved_at < $1";

pub(crate) fn inserted(mark: Mark) -> Vec<Column<'static>> {
    vec![Box::new(mark.0)]
}
