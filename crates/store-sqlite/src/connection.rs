//! How a connection to the file is set up.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::checkpoint::{PAGES_MAX, Wake};

/// How long a connection waits for another process's write.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// A page that a batch touches is logged whole, and half of them are leaves that it touches at random: those of the keys' indexes.
const PAGE_SIZE_BYTES: u32 = 4096;

/// A page cache of 16 MiB for a writer, in SQLite's unit of −KiB. Ends of transactions look through it; a larger one costs more
/// than it saves, since the kernel caches the file too.
const WRITER_CACHE: i32 = -16_384;

/// A page cache of 8 MiB for a reader.
const READER_CACHE: i32 = -8_192;

/// A log that a long read kept from being written back shrinks to this many bytes afterwards. Shorter than it usually becomes, it would be cut and
/// made longer again each time, and a log that grows costs a sync about twice as much as one that is written over.
const LOG_LIMIT_BYTES: u32 = 512 << 20;

/// Why a file could not be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// Its folder could not be made.
    #[error("the folder of the database cannot be made: {0}")]
    Folder(std::io::Error),
    /// SQLite refused it.
    #[error(transparent)]
    Sql(#[from] rusqlite::Error),
}

/// Makes the file and its folder unless they are there, in the format that every connection expects.
pub(crate) fn create(path: &Path) -> Result<(), OpenError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(OpenError::Folder)?;
    }
    let db = Connection::open_with_flags(path, flags() | OpenFlags::SQLITE_OPEN_CREATE)?;
    db.busy_timeout(BUSY_TIMEOUT)?;
    // Without effect on a file that has pages already.
    db.pragma_update(None, "page_size", PAGE_SIZE_BYTES)?;
    db.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    Ok(())
}

/// A connection that may write, and syncs every COMMIT.
pub(crate) fn writer(path: &Path) -> rusqlite::Result<Connection> {
    let db = open(path, WRITER_CACHE)?;
    db.pragma_update(None, "synchronous", "full")?;
    db.pragma_update(None, "foreign_keys", "on")?;
    db.pragma_update_and_check(None, "journal_size_limit", LOG_LIMIT_BYTES, |_| Ok(()))?;
    db.pragma_update_and_check(None, "wal_autocheckpoint", PAGES_MAX, |_| Ok(()))?;
    Ok(db)
}

/// The connection that all writers share: a COMMIT writes the log, and [`log`](crate::log) syncs it. The log is open when this returns.
pub(crate) fn shared_writer(path: &Path, wake: Wake) -> rusqlite::Result<Connection> {
    let mut db = writer(path)?;
    wake.hears_of_commits(&mut db)?;
    db.pragma_update(None, "synchronous", "normal")?;
    // The first read opens the log.
    db.query_row("select count(*) from sqlite_schema", [], |_| Ok(()))?;
    Ok(db)
}

/// A connection that only reads. It is opened for writing, since a log can only be read along with its index.
pub(crate) fn reader(path: &Path) -> rusqlite::Result<Connection> {
    let db = open(path, READER_CACHE)?;
    db.pragma_update(None, "query_only", "on")?;
    leaves_log(&db)?;
    Ok(db)
}

/// Closing this connection does not bring the log back: only who knows whether the log is sound may do that.
pub(crate) fn leaves_log(db: &Connection) -> rusqlite::Result<()> {
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map(drop)
}

fn open(path: &Path, cache: i32) -> rusqlite::Result<Connection> {
    let db = Connection::open_with_flags(path, flags())?;
    db.busy_timeout(BUSY_TIMEOUT)?;
    db.pragma_update(None, "cache_size", cache)?;
    db.pragma_update(None, "temp_store", "memory")?;
    // One plan for all values of a parameter. Else SQLite plans some statements again whenever a value is bound: a
    // seventh of all time.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    db.set_prepared_statement_cache_capacity(64);
    Ok(db)
}

/// A connection is used by one thread at a time: SQLite need not lock it.
fn flags() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::checkpoint::wake;
    use crate::log::{Log, RealDisk};

    #[test]
    fn a_writer_syncs_every_commit_the_shared_one_does_not_and_a_reader_cannot_write() {
        let folder = std::env::temp_dir().join(format!("ordo-connection-{:016x}", rand::random::<u64>()));
        let path = folder.join("ordo.db");
        create(&path).unwrap();
        let writer = writer(&path).unwrap();
        for (setting, expected) in [("synchronous", 2), ("foreign_keys", 1), ("page_size", 4096), ("wal_autocheckpoint", 256_000)] {
            let found: i64 = writer.pragma_query_value(None, setting, |row| row.get(0)).unwrap();
            assert_eq!(found, expected, "{setting}");
        }
        let log = Arc::new(Log::of(&path, Arc::new(RealDisk)).unwrap());
        let shared: i64 = shared_writer(&path, wake(&log).0).unwrap().pragma_query_value(None, "synchronous", |row| row.get(0)).unwrap();
        assert_eq!(shared, 1, "NORMAL: the log is synced before pages go back, and by `Log` for everybody who is answered");
        let journal: String = writer.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
        assert_eq!(journal, "wal");
        writer.execute_batch("create table one (n integer)").unwrap();
        let refused = reader(&path).unwrap().execute("insert into one values (1)", []).unwrap_err();
        assert_eq!(refused.sqlite_error_code(), Some(rusqlite::ErrorCode::ReadOnly));
        let _ = std::fs::remove_dir_all(folder);
    }
}
