//! Whether what was committed is on the disk: a COMMIT only writes the log, which is then synced for several commits at once.
//!
//! The connection that saves runs with `synchronous=NORMAL`: it syncs the log before pages go back into the file, and the file
//! before the log begins anew, but not at each COMMIT. [`Log::durable`] does that, outside of the writers' turn. Whoever is
//! about to tell something calls it: a writer for what it has loaded and saved, a reader for what it has read.
//!
//! Commits are counted, and a sync covers those that had ended when it began. A log that begins anew does not harm the count: by then
//! SQLite has synced the file with everything that the log held.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use engine::port::Unavailable;

/// What makes a file durable.
pub(crate) trait Disk: std::fmt::Debug + Send + Sync {
    /// Returns once everything that was written to `log` is on the disk.
    fn sync(&self, log: &File) -> io::Result<()>;
}

/// The machine's.
#[derive(Debug)]
pub(crate) struct RealDisk;

impl Disk for RealDisk {
    fn sync(&self, log: &File) -> io::Result<()> {
        log.sync_data()
    }
}

/// The log of a file, and how much of it is on the disk.
#[derive(Debug)]
pub(crate) struct Log {
    path: PathBuf,
    disk: Arc<dyn Disk>,
    /// Commits of this process that have begun. Counted before, so that nobody sees a commit that is not counted.
    begun: AtomicU64,
    /// How many of them have ended, well or not: what they wrote is written.
    ended: AtomicU64,
    /// How many of them are on the disk.
    synced: AtomicU64,
    /// The log as the connection that saves has it open. Whoever holds it syncs, for all who wait for it.
    file: Mutex<Option<File>>,
    /// Why nothing can be trusted any more.
    broken: OnceLock<Unavailable>,
}

impl Log {
    /// The log of the database at `path`, which is there.
    pub(crate) fn of(path: &Path, disk: Arc<dyn Disk>) -> io::Result<Self> {
        // SQLite names the log after the file that a link leads to.
        let mut name = std::fs::canonicalize(path)?.into_os_string();
        name.push("-wal");
        let count = AtomicU64::default;
        Ok(Self {
            path: name.into(),
            disk,
            begun: count(),
            ended: count(),
            synced: count(),
            file: Mutex::default(),
            broken: OnceLock::new(),
        })
    }

    /// Opens the log that a new connection has just opened: as long as that is open, the log is neither removed nor replaced.
    ///
    /// The sync of a file opened by others counts: it is the file that is synced, not the handle. Opening and closing it
    /// releases none of SQLite's locks: those are on the database and on the index of the log.
    pub(crate) fn open(&self) -> Result<(), Unavailable> {
        self.sound()?;
        let opened = OpenOptions::new().read(true).write(true).open(&self.path).and_then(|file| {
            // SQLite syncs the folder too, but when it first syncs the log: a log that others have left may not be in it yet.
            self.path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())?;
            Ok(file)
        });
        *self.file() = Some(opened.map_err(|error| Unavailable::new(format_args!("the log of the database cannot be opened: {error}")))?);
        Ok(())
    }

    /// Before the connection that saves is closed, and the log perhaps with it: all of it is synced.
    ///
    /// Here an error comes to light that the system has told only to SQLite: a file opened later would not be told again.
    pub(crate) fn close(&self) {
        let mut file = self.file();
        if let Some(open) = &*file {
            // Who saves next is told.
            let _broken = self.sync(open);
        }
        *file = None;
    }

    /// Before a COMMIT. Only one runs at a time.
    pub(crate) fn begins(&self) {
        self.begun.fetch_add(1, Ordering::SeqCst);
    }

    /// After a COMMIT, however it ended.
    pub(crate) fn ended(&self) {
        self.ended.store(self.begun.load(Ordering::SeqCst), Ordering::SeqCst);
    }

    /// No commit beyond this one can have been seen by now.
    pub(crate) fn seen(&self) -> u64 {
        self.begun.load(Ordering::SeqCst)
    }

    /// Waits until everything written up to the commit `seen` is on the disk.
    pub(crate) fn durable(&self, seen: u64) -> Result<(), Unavailable> {
        if self.synced.load(Ordering::SeqCst) >= seen {
            return Ok(());
        }
        let file = self.file();
        // Whoever had the file before may have synced this commit too.
        if self.synced.load(Ordering::SeqCst) >= seen {
            return Ok(());
        }
        let Some(open) = &*file else {
            return self.sound().and_then(|()| Err(Unavailable::new("the log of the database is not open")));
        };
        // A commit that has not ended yet may have been seen: then it had been written, and this sync covers it.
        self.sync(open)?;
        match self.removed(open) {
            None => Ok(()),
            Some(why) => Err(self.breaks(&why)),
        }
    }

    /// Whether the log can still be trusted.
    pub(crate) fn sound(&self) -> Result<(), Unavailable> {
        self.broken.get().map_or(Ok(()), |why| Err(why.clone()))
    }

    fn file(&self) -> MutexGuard<'_, Option<File>> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sync(&self, file: &File) -> Result<(), Unavailable> {
        self.sound()?;
        let covers = self.ended.load(Ordering::SeqCst);
        self.disk.sync(file).map_err(|error| self.breaks(&error.to_string()))?;
        self.synced.fetch_max(covers, Ordering::SeqCst);
        Ok(())
    }

    /// Somebody removed the log: what is written to it is gone with the process.
    fn removed(&self, file: &File) -> Option<String> {
        let same = file.metadata().and_then(|open| {
            let named = std::fs::metadata(&self.path)?;
            Ok((open.dev(), open.ino()) == (named.dev(), named.ino()))
        });
        match same {
            Ok(true) => None,
            Ok(false) => Some("somebody replaced it".into()),
            Err(error) => Some(error.to_string()),
        }
    }

    /// For good: the system may have dropped what it could not write, and would say at the next sync that all is well.
    fn breaks(&self, why: &str) -> Unavailable {
        let told = self.broken.get_or_init(|| {
            tracing::error!(why, log = %self.path.display(), "the log of the database is not on the disk; nothing is saved any more");
            Unavailable::new(format_args!(
                "the disk did not take the log of the database, and what it lacks is not known: look at the disk, then start ordo again ({why})"
            ))
        });
        told.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Condvar;
    use std::sync::mpsc::{Receiver, channel};
    use std::time::Duration;

    use domain::ids::Uuid;
    use domain::{Changes, Needs, View};
    use engine::port::{Mark, Queries as _, SaveError, Schema as _, Session as _, Store as _};
    use rusqlite::Connection;
    use testkit::StepClock;

    use super::*;
    use crate::SqliteStore;
    use crate::session::SqliteSession;

    /// Long enough for whoever is not held.
    const A_WHILE: Duration = Duration::from_millis(100);

    /// Syncs when it is let to, fails when it is told to, and remembers how long the log was.
    #[derive(Debug, Default)]
    struct TestDisk {
        state: Mutex<State>,
        changed: Condvar,
    }

    #[derive(Debug, Default)]
    struct State {
        is_held: bool,
        fails: bool,
        synced_bytes: u64,
    }

    impl TestDisk {
        fn set(&self, change: impl FnOnce(&mut State)) {
            change(&mut self.state.lock().unwrap());
            self.changed.notify_all();
        }

        fn synced_bytes(&self) -> u64 {
            self.state.lock().unwrap().synced_bytes
        }
    }

    impl Disk for TestDisk {
        fn sync(&self, log: &File) -> io::Result<()> {
            let bytes = log.metadata()?.len();
            let mut state = self.changed.wait_while(self.state.lock().unwrap(), |state| state.is_held).unwrap();
            if state.fails {
                return Err(io::Error::from(io::ErrorKind::Other));
            }
            state.synced_bytes = bytes;
            Ok(())
        }
    }

    struct House {
        folder: PathBuf,
        disk: Arc<TestDisk>,
        store: SqliteStore,
    }

    impl House {
        async fn new() -> Self {
            let folder = std::env::temp_dir().join(format!("ordo-log-{:016x}", rand::random::<u64>()));
            let disk = Arc::new(TestDisk::default());
            let store = SqliteStore::open_on(&folder.join("ordo.db"), disk.clone()).unwrap();
            store.migrate().await.unwrap();
            // All of it into the file, so that the log begins with what the test does.
            Connection::open(folder.join("ordo.db")).unwrap().query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(())).unwrap();
            Self { folder, disk, store }
        }

        fn session(&self) -> SqliteSession {
            SqliteSession::open(self.store.shared.clone()).unwrap()
        }

        fn file(&self, name: &str) -> PathBuf {
            self.folder.join(name)
        }

        /// What a database holds that begins with this file and log.
        fn found_after_crash(&self, log: &[u8]) -> BTreeSet<String> {
            let crashed = self.file("crashed");
            std::fs::create_dir_all(&crashed).unwrap();
            std::fs::copy(self.file("ordo.db"), crashed.join("ordo.db")).unwrap();
            std::fs::write(crashed.join("ordo.db-wal"), log).unwrap();
            let db = Connection::open(crashed.join("ordo.db")).unwrap();
            let mut select = db.prepare("select sku_id from sku").unwrap();
            let found = select.query_map([], |row| row.get(0)).unwrap().collect::<rusqlite::Result<_>>().unwrap();
            drop(select);
            drop(db);
            std::fs::remove_dir_all(crashed).unwrap();
            found
        }
    }

    impl Drop for House {
        fn drop(&mut self) {
            self.disk.set(|state| state.is_held = false);
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }

    /// A new SKU.
    fn sku(name: &str) -> Changes {
        use domain::command::Command as _;
        let command = testkit::builders::sku(name);
        let cx = testkit::builders::context(&StepClock::default());
        let (mut needs, mut seen) = (Needs::default(), View::default());
        command.needs(&seen, &cx, &mut needs);
        seen.settle(&needs);
        command.decide(&seen, &cx).unwrap().changes
    }

    fn mark() -> Mark {
        Mark(Uuid::from_u128(rand::random()))
    }

    /// Runs `work` on a thread with a runtime of its own, and tells when it is done.
    fn beside<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Receiver<T> {
        let (done, is_done) = channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let _gone = done.send(runtime.block_on(work));
        });
        is_done
    }

    #[tokio::test]
    async fn nothing_is_answered_or_read_before_the_log_is_synced() {
        let house = House::new().await;
        let (mut one, mut other) = (house.session(), house.session());
        house.disk.set(|state| state.is_held = true);
        one.save(&sku("a"), mark()).await.unwrap();
        // It has only loaded, but what it loaded is not on the disk.
        other.load(&Needs::default(), &mut View::default()).await.unwrap();
        let saver = beside(async move { one.durable().await });
        let loader = beside(async move { other.durable().await });
        let store = house.store.clone();
        let reader = beside(async move { store.sku(&"a".into()).await });
        saver.recv_timeout(A_WHILE).unwrap_err();
        loader.recv_timeout(A_WHILE).unwrap_err();
        reader.recv_timeout(A_WHILE).unwrap_err();
        // The next batch does not wait for the disk, only its answer does.
        let mut next = house.session();
        next.save(&sku("b"), mark()).await.unwrap();
        house.disk.set(|state| state.is_held = false);
        saver.recv().unwrap().unwrap();
        loader.recv().unwrap().unwrap();
        assert!(reader.recv().unwrap().unwrap().is_some());
        next.durable().await.unwrap();
        assert_eq!(house.disk.synced_bytes(), std::fs::metadata(house.file("ordo.db-wal")).unwrap().len());
    }

    #[tokio::test]
    async fn a_sync_that_failed_is_the_end_until_the_process_starts_again() {
        let house = House::new().await;
        let mut session = house.session();
        house.disk.set(|state| state.fails = true);
        let asked = mark();
        session.save(&sku("a"), asked).await.unwrap();
        session.durable().await.unwrap_err();
        // The second try of a broken disk says that all is well: it has forgotten what it could not write.
        house.disk.set(|state| state.fails = false);
        session.durable().await.unwrap_err();
        let refused = session.save(&sku("b"), mark()).await;
        assert!(matches!(&refused, Err(SaveError::Unavailable(why)) if why.to_string().contains("start ordo again")), "{refused:?}");
        session.settle(asked).await.unwrap_err();
        session.load(&Needs::default(), &mut View::default()).await.unwrap_err();
        house.store.sku(&"a".into()).await.unwrap_err();
        house.store.ready().await.unwrap_err();
        house.store.forget_marks(domain::time::Time(0)).await.unwrap_err();
        assert!(house.store.session().await.is_err());
        let again = SqliteStore::open(&house.file("ordo.db")).unwrap();
        again.ready().await.unwrap();
        let mut session = SqliteSession::open(again.shared).unwrap();
        session.save(&sku("b"), mark()).await.unwrap();
        session.durable().await.unwrap();
    }

    #[tokio::test]
    async fn an_error_that_only_the_old_connection_was_told_is_found_before_a_new_one_saves() {
        let house = House::new().await;
        let mut session = house.session();
        session.save(&sku("a"), mark()).await.unwrap();
        session.durable().await.unwrap();
        house.disk.set(|state| state.fails = true);
        house.store.shared.writing.turn().close();
        house.disk.set(|state| state.fails = false);
        session.save(&sku("b"), mark()).await.unwrap_err();
    }

    #[tokio::test]
    async fn whatever_was_answered_is_in_the_part_of_the_log_that_was_synced() {
        let house = House::new().await;
        let answered = Arc::new(Mutex::new(Vec::new()));
        let writers: Vec<_> = (0..3)
            .map(|writer| {
                let (mut session, disk, answered) = (house.session(), house.disk.clone(), answered.clone());
                beside(async move {
                    for n in 0..15 {
                        let name = format!("{writer}-{n}");
                        session.save(&sku(&name), mark()).await.unwrap();
                        session.durable().await.unwrap();
                        answered.lock().unwrap().push((name, disk.synced_bytes()));
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.recv().unwrap();
        }
        let log = std::fs::read(house.file("ordo.db-wal")).unwrap();
        let answered = answered.lock().unwrap();
        assert_eq!(answered.len(), 45);
        for (position, (_, bytes)) in answered.iter().enumerate() {
            let found = house.found_after_crash(&log[..usize::try_from(*bytes).unwrap()]);
            for (name, _) in &answered[..=position] {
                assert!(found.contains(name), "{name} was answered and is lost when the log ends at {bytes}");
            }
        }
    }

    #[tokio::test]
    async fn a_log_that_begins_anew_loses_nothing_that_was_not_synced_before() {
        let house = House::new().await;
        let mut session = house.session();
        house.disk.set(|state| state.is_held = true);
        session.save(&sku("a"), mark()).await.unwrap();
        let before = std::fs::metadata(house.file("ordo.db-wal")).unwrap().len();
        Connection::open(house.file("ordo.db")).unwrap().query_row("pragma wal_checkpoint(passive)", [], |_| Ok(())).unwrap();
        session.save(&sku("b"), mark()).await.unwrap();
        let log = std::fs::read(house.file("ordo.db-wal")).unwrap();
        assert_eq!(u64::try_from(log.len()).unwrap(), before, "the log did not begin anew");
        // Nothing of the new log is on the disk, and the old one is written over.
        assert_eq!(house.found_after_crash(&[]), BTreeSet::from(["a".to_owned()]));
        house.disk.set(|state| state.is_held = false);
        session.durable().await.unwrap();
        assert_eq!(house.found_after_crash(&log), BTreeSet::from(["a".to_owned(), "b".to_owned()]));
    }

    #[tokio::test]
    async fn a_log_that_somebody_removed_is_no_place_to_save() {
        let house = House::new().await;
        let mut session = house.session();
        std::fs::remove_file(house.file("ordo.db-wal")).unwrap();
        session.save(&sku("a"), mark()).await.unwrap();
        session.durable().await.unwrap_err();
        session.save(&sku("b"), mark()).await.unwrap_err();
    }
}
