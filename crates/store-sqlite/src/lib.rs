//! Keeps orders in one SQLite file: write-ahead log, every commit synced, one writer at a time.
//!
//! The engine's two verbs are in `session`, its reads in `query`, the invariants in `audit`; each table has a file
//! with its SQL in sight. Correctness rests on versions, UNIQUE and CHECK, as in PostgreSQL; that SQLite lets one writer
//! in at a time only makes lost races rare.
//!
//! Absent here: rules of the business. What a row means is decided in `domain`.

mod audit;
mod checkpoint;
mod connection;
mod error;
mod event;
mod key;
mod line;
mod mark;
mod migrate;
mod number;
mod offer;
mod order;
mod outbox;
mod payment;
mod query;
mod readers;
mod refund;
mod reservation;
mod session;
mod shipment;
mod sku;
mod stock;
mod task;
mod transaction;
mod value;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use engine::port::{Session, Store, Unavailable};
use rusqlite::Connection;

use crate::checkpoint::Checkpoints;
use crate::error::{unavailable, unavailable_sql};
use crate::number::Numbers;
use crate::readers::Readers;
use crate::session::SqliteSession;

/// A store in one file. Clones share it.
#[derive(Clone, Debug)]
pub struct SqliteStore {
    shared: Arc<Shared>,
}

/// What all sessions of a process have in common.
#[derive(Debug)]
struct Shared {
    path: Box<Path>,
    numbers: Numbers,
    readers: Readers,
    /// Held while saving, so that this process's writers queue here instead of polling SQLite's lock. Only for speed:
    /// other processes write without it.
    writing: Arc<Mutex<()>>,
    checkpoints: Checkpoints,
}

impl SqliteStore {
    /// Opens the file at `path`; it and its folder are made if they are not there. The schema is left to [`engine::port::Schema`].
    pub fn open(path: &Path) -> Result<Self, Unavailable> {
        connection::create(path).map_err(|error| unavailable(&error))?;
        let writing = Arc::default();
        let checkpoints = Checkpoints::start(path, &writing).map_err(Unavailable::new)?;
        let shared = Shared { path: path.into(), numbers: Numbers::default(), readers: Readers::new(path), writing, checkpoints };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Writes beside the sessions, on a connection and a blocking thread of its own.
    async fn write_once<T, F>(&self, write: F) -> Result<T, Unavailable>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let shared = self.shared.clone();
        let done = tokio::task::spawn_blocking(move || {
            let _turn = shared.turn();
            connection::writer(&shared.path).and_then(|db| write(&db)).map_err(|error| unavailable_sql(&error))
        });
        done.await.map_err(Unavailable::new)?
    }
}

impl Shared {
    /// The turn of one of this process's writers.
    fn turn(&self) -> MutexGuard<'_, ()> {
        // Nothing is kept under the lock: a panic leaves nothing half done that the transaction does not undo.
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn session(&self) -> Result<Box<dyn Session>, Unavailable> {
        Ok(Box::new(SqliteSession::open(self.shared.clone())?))
    }
}
