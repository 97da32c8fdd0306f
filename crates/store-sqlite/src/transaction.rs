//! A transaction whose BEGIN and COMMIT are prepared once a connection: `rusqlite`'s own parses them each time.

use rusqlite::{Connection, Result};

/// What a transaction will do.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// See one state of the database.
    Read,
    /// Write; waits until nobody else does.
    Write,
}

/// Rolled back unless committed.
#[derive(Debug)]
pub(crate) struct Transaction<'c> {
    db: &'c Connection,
}

impl<'c> Transaction<'c> {
    /// Begins.
    pub(crate) fn begin(db: &'c Connection, kind: Kind) -> Result<Self> {
        db.prepare_cached(match kind {
            Kind::Read => "begin deferred",
            Kind::Write => "begin immediate",
        })?
        .execute([])?;
        Ok(Self { db })
    }

    /// Commits. After an error the transaction is still open, unless SQLite closed it.
    pub(crate) fn commit(&self) -> Result<()> {
        self.db.prepare_cached("commit")?.execute([]).map(drop)
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if !self.db.is_autocommit()
            && let Err(error) = self.db.execute_batch("rollback")
        {
            tracing::warn!(%error, "a transaction could not be rolled back");
        }
    }
}
