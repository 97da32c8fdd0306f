//! A few connections that only read, used on Tokio's blocking threads: readers see the last
//! commit and never wait for a writer, only for the disk to have what they saw.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use engine::port::Unavailable;
use rusqlite::Connection;
use tokio::sync::Semaphore;

use crate::connection;
use crate::error::unavailable_sql;
use crate::log::Log;
use crate::transaction::{Kind, Transaction};

/// How many reads run at once: a read takes one core, and the doors and writers need theirs too.
const READERS_MAX: usize = 4;

/// The connections.
#[derive(Clone, Debug)]
pub(crate) struct Readers {
    pool: Arc<Pool>,
}

#[derive(Debug)]
struct Pool {
    path: Box<Path>,
    log: Arc<Log>,
    idle: Mutex<Vec<Connection>>,
    turns: Arc<Semaphore>,
}

impl Readers {
    /// Connections are opened when they are first needed.
    pub(crate) fn new(path: &Path, log: Arc<Log>) -> Self {
        let pool = Pool { path: path.into(), log, idle: Mutex::default(), turns: Arc::new(Semaphore::new(READERS_MAX)) };
        Self { pool: Arc::new(pool) }
    }

    /// Runs `read` in one snapshot of the database.
    pub(crate) async fn read<T, F>(&self, read: F) -> Result<T, Unavailable>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let pool = self.pool.clone();
        let turn = pool.turns.clone().acquire_owned().await.map_err(Unavailable::new)?;
        let done = tokio::task::spawn_blocking(move || {
            // Given back when the read ends, also if the caller has left.
            let _turn = turn;
            let found = pool.run(read).map_err(|error| unavailable_sql(&error))?;
            // What was seen is counted by now, and is not told before it is on the disk.
            pool.log.durable(pool.log.seen())?;
            Ok(found)
        });
        done.await.map_err(Unavailable::new)?
    }
}

impl Pool {
    fn run<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let db = match idle {
            Some(db) => db,
            None => connection::reader(&self.path)?,
        };
        let snapshot = Transaction::begin(&db, Kind::Read)?;
        let found = read(&db)?;
        snapshot.commit()?;
        drop(snapshot);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(db);
        Ok(found)
    }
}
