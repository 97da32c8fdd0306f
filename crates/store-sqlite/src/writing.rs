//! The one connection that saves, and whose turn it is: all of a process's writers share it, so that its page cache never goes stale.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use engine::port::Unavailable;
use rusqlite::Connection;

use crate::checkpoint::Wake;
use crate::connection;
use crate::error::unavailable_sql;
use crate::log::Log;
use crate::sku::Known;

/// Where writers wait for their turn.
#[derive(Debug)]
pub(crate) struct Writing {
    desk: Mutex<Desk>,
}

/// What whoever has the turn works with.
#[derive(Debug)]
pub(crate) struct Desk {
    path: Box<Path>,
    log: Arc<Log>,
    wake: Wake,
    db: Option<Connection>,
    known: Known,
}

impl Writing {
    /// The connection is opened when it is first needed.
    pub(crate) fn new(path: &Path, log: Arc<Log>, wake: Wake) -> Self {
        Self { desk: Mutex::new(Desk { path: path.into(), log, wake, db: None, known: Known::default() }) }
    }

    /// The turn of one of this process's writers. Other processes write without it: SQLite's own lock is between them and us.
    pub(crate) fn turn(&self) -> MutexGuard<'_, Desk> {
        // A panic leaves nothing half done that the transaction does not undo.
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Desk {
    /// The connection, opened again after [`Desk::close`], and what it has loaded.
    pub(crate) fn connected(&mut self) -> Result<(&Connection, &mut Known), Unavailable> {
        self.log.sound()?;
        let db = match &mut self.db {
            Some(db) => db,
            none => {
                let db = connection::shared_writer(&self.path, self.wake.clone()).map_err(|error| unavailable_sql(&error))?;
                self.log.open()?;
                none.insert(db)
            }
        };
        Ok((db, &mut self.known))
    }

    /// After an error that may have harmed the connection.
    pub(crate) fn close(&mut self) {
        let Some(db) = self.db.take() else { return };
        self.known = Known::default();
        self.log.close();
        if self.log.sound().is_err()
            // Else the last connection would bring a log back of which the disk may lack pages.
            && let Err(error) = connection::leaves_log(&db)
        {
            tracing::warn!(%error, "a broken log may be brought back into the file");
        }
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.close();
    }
}
