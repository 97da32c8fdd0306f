//! Brings the log back into the file on a thread of its own, so that no save waits for it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use domain::Changes;
use rusqlite::Connection;

use crate::connection;
use crate::log::Log;
use crate::writing::Writing;

/// The log is brought back once about this many rows were saved. An order of two lines is 11 rows and logs about five pages, so
/// the log then has about 40 MiB. More often, pages that every order touches are written and synced again and again, and the
/// disk is busy when a save wants it.
const ROWS: u64 = 20_000;

/// Rounds beside the writers. Each has less to do than the one before, since it writes a page once that was logged many times.
const ROUNDS_BESIDE: usize = 3;

/// Counts what is saved and wakes the thread.
#[derive(Debug)]
pub(crate) struct Checkpoints {
    rows: AtomicU64,
    wake: SyncSender<()>,
}

impl Checkpoints {
    /// Starts the thread; it ends with the last clone of the store. `writing` is where its writers wait for
    /// their turn.
    pub(crate) fn start(path: &Path, writing: &Arc<Writing>, log: &Arc<Log>) -> std::io::Result<Self> {
        let (wake, woken) = sync_channel(1);
        let (path, writing, log) = (path.to_owned(), writing.clone(), log.clone());
        std::thread::Builder::new().name("checkpoint".into()).spawn(move || run(&path, &writing, &log, &woken))?;
        Ok(Self { rows: AtomicU64::new(0), wake })
    }

    /// After a save.
    pub(crate) fn saved(&self, changes: &Changes) {
        let rows = changes.orders.len() * 4 + changes.ledger.len() + changes.facts.len() + changes.outbox.len() + changes.keys.len();
        let more = u64::try_from(rows).unwrap_or(u64::MAX);
        if self.rows.fetch_add(more, Ordering::Relaxed) + more >= ROWS {
            self.rows.store(0, Ordering::Relaxed);
            // Full: it is awake already.
            let _awake = self.wake.try_send(());
        }
    }
}

fn run(path: &Path, writing: &Writing, log: &Log, woken: &Receiver<()>) {
    let mut db: Option<Connection> = None;
    while woken.recv().is_ok() {
        let done = match &db {
            Some(db) => Ok(db),
            None => open(path).map(|opened| &*db.insert(opened)),
        }
        .and_then(|db| bring_back(db, writing, log));
        if let Err(error) = done {
            // The writers bring the log back themselves once it is large.
            tracing::debug!(%error, "the log was not brought back");
            db = None;
        }
    }
}

fn open(path: &Path) -> rusqlite::Result<Connection> {
    let db = connection::writer(path)?;
    connection::leaves_log(&db)?;
    Ok(db)
}

fn bring_back(db: &Connection, writing: &Writing, log: &Log) -> rusqlite::Result<()> {
    for _ in 0..ROUNDS_BESIDE {
        // Pages of a log of which the disk may lack others would tear the file.
        if log.sound().is_err() {
            return Ok(());
        }
        passive(db)?;
    }
    // The log begins anew only when all of it is back: the last few pages, while nobody adds to them.
    let _turn = writing.turn();
    if log.sound().is_ok() { passive(db) } else { Ok(()) }
}

/// Brings back what no reader needs, without keeping anybody waiting.
fn passive(db: &Connection) -> rusqlite::Result<()> {
    db.query_row("pragma wal_checkpoint(passive)", [], |_| Ok(()))
}
