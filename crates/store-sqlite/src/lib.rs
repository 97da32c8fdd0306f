//! Keeps orders in one SQLite file: write-ahead log, synced before anybody is told, one writer at a time.
//!
//! The engine's two verbs are in `session`, its reads in `query`, the invariants in `audit`; each table has a file
//! with its SQL in sight. Correctness rests on versions, UNIQUE and CHECK, as in PostgreSQL; that SQLite lets one writer
//! in at a time only makes lost races rare.
//!
//! Absent here: rules of the business. What a row means is decided in `domain`.

mod audit;
mod cart;
mod checkout;
mod checkpoint;
mod connection;
mod error;
mod event;
mod hold;
mod key;
mod line;
mod log;
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
mod rows;
mod session;
mod shipment;
mod sku;
mod stock;
mod task;
mod transaction;
mod value;
mod writing;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use engine::port::{Session, Store, Unavailable};
use rusqlite::Connection;

use crate::error::{unavailable, unavailable_sql};
use crate::log::{Disk, Log, RealDisk};
use crate::number::Numbers;
use crate::readers::Readers;
use crate::session::SqliteSession;
use crate::writing::Writing;

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
    writing: Arc<Writing>,
    log: Arc<Log>,
}

impl SqliteStore {
    /// Opens the file at `path`; it and its folder are made if they are not there. The schema is left to [`engine::port::Schema`].
    pub fn open(path: &Path) -> Result<Self, Unavailable> {
        Self::open_on(path, Arc::new(RealDisk))
    }

    /// The same on a disk that may be slow or broken.
    fn open_on(path: &Path, disk: Arc<dyn Disk>) -> Result<Self, Unavailable> {
        connection::create(path).map_err(|error| unavailable(&error))?;
        let log = Arc::new(Log::of(path, disk).map_err(Unavailable::new)?);
        let (wake, woken) = checkpoint::wake(&log);
        let writing = Arc::new(Writing::new(path, log.clone(), wake));
        checkpoint::start(path, &writing, &log, woken).map_err(Unavailable::new)?;
        let readers = Readers::new(path, log.clone());
        let shared = Shared { path: path.into(), numbers: Numbers::default(), readers, writing, log };
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
            let _turn = shared.writing.turn();
            // What it adds to must be there.
            shared.log.sound()?;
            connection::writer(&shared.path).and_then(|db| write(&db)).map_err(|error| unavailable_sql(&error))
        });
        done.await.map_err(Unavailable::new)?
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn session(&self) -> Result<Box<dyn Session>, Unavailable> {
        Ok(Box::new(SqliteSession::open(self.shared.clone())?))
    }
}
