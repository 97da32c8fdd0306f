//! A session that decides commands one after the other, as the engine's writer does, and the files that tests use.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::command::{Answer as _, Command, Context, Stop};
use domain::ids::Uuid;
use domain::key::{Fingerprint, KeyRow};
use domain::tables::Write;
use domain::{Changes, Needs, View};
use engine::port::{Mark, SaveError, Schema as _, Session, Store as _};
use store_sqlite::SqliteStore;

/// A folder that is gone when the test is over.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// A fresh one.
    pub(crate) fn fresh() -> Self {
        let folder = std::env::temp_dir().join(format!("ordo-sqlite-{:016x}", rand::random::<u64>()));
        std::fs::create_dir_all(&folder).expect("the temporary folder takes new ones");
        Self(folder)
    }

    /// Where the database goes: into a folder that is not there yet.
    pub(crate) fn file(&self) -> PathBuf {
        self.0.join("data").join("ordo.db")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A store with its schema.
pub(crate) async fn store(path: &Path) -> SqliteStore {
    let store = SqliteStore::open(path).expect("the folder is ours");
    store.migrate().await.expect("the file is ours");
    store
}

/// A batch in the making: what was seen, what was decided.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// What was loaded, and what the batch did to it.
    pub(crate) seen: View,
    /// What is to be saved.
    pub(crate) changes: Changes,
}

impl Batch {
    /// Decides one command more. What it needs must have been loaded.
    pub(crate) fn decide<C: Command>(&mut self, command: &C, cx: &Context) -> Result<C::Answer, Stop> {
        let mut decision = command.decide(&self.seen, cx)?;
        if let Some(key) = &cx.key {
            let row = KeyRow {
                key: key.clone(),
                fingerprint: Fingerprint([7; 32]),
                answer: decision.answer.remember().into(),
                created_at: cx.now,
            };
            decision.changes.keys.insert(key.clone(), Write { expected: 0, row: Arc::new(row) });
        }
        self.seen.apply(&decision.changes);
        self.changes.absorb(&decision.changes);
        Ok(decision.answer)
    }
}

/// What `command` must see, its key included.
pub(crate) fn needs<C: Command>(command: &C, cx: &Context, seen: &View, needs: &mut Needs) {
    needs.keys.extend(cx.key.clone());
    command.needs(seen, cx, needs);
}

/// One session.
pub(crate) struct Desk {
    /// The session.
    pub(crate) session: Box<dyn Session>,
}

impl Desk {
    /// Opens a session.
    pub(crate) async fn of(store: &SqliteStore) -> Self {
        Self { session: store.session().await.expect("a session needs a file only") }
    }

    /// Loads whatever `command` needs, step by step, and decides it.
    pub(crate) async fn decide<C: Command>(&mut self, command: &C, cx: &Context, batch: &mut Batch) -> C::Answer {
        loop {
            let mut wanted = Needs::default();
            needs(command, cx, &batch.seen, &mut wanted);
            let wanted = wanted.without(&batch.seen);
            if wanted.is_empty() {
                break;
            }
            self.session.load(&wanted, &mut batch.seen).await.expect("the file can be read");
            batch.seen.settle(&wanted);
        }
        batch.decide(command, cx).expect("the test asks for what is allowed")
    }

    /// Saves a batch.
    pub(crate) async fn save(&mut self, batch: &Batch) -> Result<(), SaveError> {
        self.session.save(&batch.changes, Mark(Uuid::from_u128(rand::random()))).await
    }

    /// Decides and saves.
    pub(crate) async fn try_run<C: Command>(&mut self, command: &C, cx: &Context) -> Result<C::Answer, SaveError> {
        let mut batch = Batch::default();
        let answer = self.decide(command, cx, &mut batch).await;
        self.session.save(&batch.changes, Mark(cx.mint.id(4095))).await.map(|()| answer)
    }

    /// Decides and saves; both succeed.
    pub(crate) async fn run<C: Command>(&mut self, command: &C, cx: &Context) -> C::Answer {
        self.try_run(command, cx).await.expect("nothing is in the way")
    }
}
