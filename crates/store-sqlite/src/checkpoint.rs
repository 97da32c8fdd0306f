//! Brings the log back into the file on a thread of its own, so that no save waits for it.

use std::ffi::c_int;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Weak};

use rusqlite::Connection;
use rusqlite::hooks::Wal;
use rusqlite::wal::CheckpointMode;

use crate::connection;
use crate::log::Log;
use crate::writing::Writing;

/// How many pages the log may have.
#[derive(Clone, Copy, Debug)]
struct Pages {
    /// Then it is brought back.
    due: c_int,
    /// If it could not be, since somebody reads, it is tried again after so many more.
    more: c_int,
    /// Then the writer whose commit got there brings it back: the thread could not.
    max: c_int,
}

/// 256 MiB, 64 and 1024. More often, pages that every order touches are written and synced again and again, and the disk is busy when a save wants
/// it: at a sixth of this a tenth fewer orders were placed. The log is as large as that for as long as the file is used.
const USUAL: Pages = Pages { due: 64_000, more: 16_000, max: PAGES_MAX };

/// For connections that nobody wakes the thread for.
pub(crate) const PAGES_MAX: c_int = 256_000;

/// Rounds beside the writers. Each has less to do than the one before, since it writes a page once that was logged many times.
const ROUNDS_BESIDE: usize = 3;

/// Wakes the thread. It ends when nobody is left who could.
#[derive(Clone, Debug)]
pub(crate) struct Wake {
    thread: SyncSender<()>,
    log: Arc<Log>,
    pages: Pages,
}

/// Who wakes, and who is woken.
pub(crate) fn wake(log: &Arc<Log>) -> (Wake, Receiver<()>) {
    let (thread, woken) = sync_channel(1);
    (Wake { thread, log: log.clone(), pages: USUAL }, woken)
}

impl Wake {
    /// Hears of every commit of a connection how many pages the log has.
    pub(crate) fn hears_of_commits(self, db: &mut Connection) -> rusqlite::Result<()> {
        let Self { thread, log, pages: Pages { due: usual, more, max } } = self;
        let (mut due, mut before) = (usual, 0);
        db.wal_hook(Some(move |wal: &mut Wal, pages: c_int| {
            if pages < before {
                // It began anew.
                due = usual;
            }
            before = pages;
            if pages >= due {
                due = pages.saturating_add(more);
                // Full: it is awake already.
                let _awake = thread.try_send(());
            }
            if pages >= max
                // Pages of a log of which the disk may lack others would tear the file.
                && log.sound().is_ok()
                // The commit has happened, whatever becomes of the log.
                && let Err(error) = wal.checkpoint_v2(CheckpointMode::PASSIVE)
            {
                tracing::debug!(%error, "the log was not brought back");
            }
            Ok(())
        }))
    }
}

/// Starts the thread. Its last round takes the writers' turn.
pub(crate) fn start(path: &Path, writing: &Arc<Writing>, log: &Arc<Log>, woken: Receiver<()>) -> std::io::Result<()> {
    let (path, writing, log) = (path.to_owned(), Arc::downgrade(writing), log.clone());
    std::thread::Builder::new().name("checkpoint".into()).spawn(move || run(&path, &writing, &log, &woken))?;
    Ok(())
}

fn run(path: &Path, writing: &Weak<Writing>, log: &Log, woken: &Receiver<()>) {
    let mut db: Option<Connection> = None;
    while let (Ok(()), Some(writing)) = (woken.recv(), writing.upgrade()) {
        let done = match &db {
            Some(db) => Ok(db),
            None => open(path).map(|opened| &*db.insert(opened)),
        }
        .and_then(|db| bring_back(db, &writing, log));
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
    db.wal_checkpoint_v2(None::<&str>, CheckpointMode::PASSIVE).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::RealDisk;

    /// One page of the log and one for what leads to it, at least.
    fn commit(db: &Connection) {
        db.execute("insert into page (bytes) values (zeroblob(3000))", []).unwrap();
    }

    fn log_pages(db: &Connection) -> c_int {
        db.wal_checkpoint_v2(None::<&str>, CheckpointMode::NOOP).unwrap().0
    }

    fn commit_until(db: &Connection, pages: c_int) {
        while log_pages(db) < pages {
            commit(db);
        }
    }

    #[test]
    fn the_thread_is_woken_by_the_size_of_the_log_and_the_writer_helps_itself_when_that_is_of_no_use() {
        let folder = std::env::temp_dir().join(format!("ordo-checkpoint-{:016x}", rand::random::<u64>()));
        let path = folder.join("ordo.db");
        connection::create(&path).unwrap();
        let mut db = connection::writer(&path).unwrap();
        db.execute_batch("create table page (bytes blob)").unwrap();
        let log = Log::of(&path, Arc::new(RealDisk)).unwrap();
        let (wake, woken) = wake(&Arc::new(log));
        Wake { pages: Pages { due: 20, more: 10, max: 60 }, ..wake }.hears_of_commits(&mut db).unwrap();

        commit_until(&db, 16);
        woken.try_recv().unwrap_err();
        commit_until(&db, 24);
        woken.try_recv().unwrap();
        commit_until(&db, 28);
        woken.try_recv().unwrap_err();
        commit_until(&db, 40);
        woken.try_recv().unwrap();
        // Nobody reads: the log is brought back and begins anew.
        passive(&db).unwrap();
        commit(&db);
        assert!(log_pages(&db) < 10, "it begins anew");
        woken.try_recv().unwrap_err();
        commit_until(&db, 24);
        woken.try_recv().unwrap();

        for _ in 0..200 {
            commit(&db);
            assert!(log_pages(&db) < 70, "the writer brings it back");
        }
        let _ = std::fs::remove_dir_all(folder);
    }
}
