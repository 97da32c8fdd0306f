//! The file and its schema: made, brought up to date, and refused where it does not fit.

use engine::port::{Queries as _, Schema as _, SchemaTrouble, Store as _};
use engine::schema::SchemaError;
use rusqlite::Connection;
use store_sqlite::SqliteStore;

use crate::support::{Folder, store};

fn setting(db: &Connection, name: &str) -> String {
    db.pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0).map(|value| format!("{value:?}")))
        .expect("SQLite knows the setting")
}

#[tokio::test]
async fn a_file_is_made_with_its_folder_and_migrated_once() {
    let folder = Folder::fresh();
    let store = SqliteStore::open(&folder.file()).unwrap();
    assert_eq!(store.missing().await.unwrap(), [1, 2, 3, 4, 5]);
    let said = store.ready().await.unwrap_err().to_string();
    assert!(said.contains("run `ordo migrate`"), "{said}");
    assert_eq!(store.migrate().await.unwrap(), [1, 2, 3, 4, 5]);
    assert_eq!(store.migrate().await.unwrap(), [0_i32; 0]);
    assert_eq!(store.missing().await.unwrap(), [0_i32; 0]);
    store.ready().await.unwrap();
    let again = SqliteStore::open(&folder.file()).unwrap();
    assert_eq!(again.migrate().await.unwrap(), [0_i32; 0]);
    again.session().await.unwrap();
    let db = Connection::open(folder.file()).unwrap();
    assert_eq!((setting(&db, "page_size"), setting(&db, "journal_mode")), ("Integer(4096)".into(), "Text(\"wal\")".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_that_migrate_at_once_one_does_it() {
    let folder = Folder::fresh();
    let tasks: Vec<_> = (0..6)
        .map(|_| {
            let store = SqliteStore::open(&folder.file()).unwrap();
            tokio::spawn(async move { store.migrate().await.unwrap().len() })
        })
        .collect();
    let mut steps = 0;
    for task in tasks {
        steps += task.await.unwrap();
    }
    assert_eq!(steps, 5);
}

#[tokio::test]
async fn a_step_that_was_changed_afterwards_is_refused() {
    let folder = Folder::fresh();
    let store = store(&folder.file()).await;
    Connection::open(folder.file()).unwrap().execute("update schema_migration set checksum = replace(checksum, 'a', 'b')", []).unwrap();
    for refused in [store.missing().await, store.migrate().await] {
        assert!(matches!(refused, Err(SchemaTrouble::Unfit(SchemaError::Changed { number: 1 }))), "{refused:?}");
    }
    assert!(store.ready().await.is_err());
}

#[tokio::test]
async fn a_schema_that_needs_a_newer_ordo_is_refused_and_one_that_does_not_is_served() {
    let folder = Folder::fresh();
    let store = store(&folder.file()).await;
    let db = Connection::open(folder.file()).unwrap();
    let sql = "insert into schema_migration (number, name, checksum, min_binary, applied_by) values (?, 'later', ?, ?, 'ordo 9')";
    db.execute(sql, (998, "0".repeat(64), 1)).unwrap();
    store.ready().await.unwrap();
    db.execute(sql, (999, "0".repeat(64), 99)).unwrap();
    let refused = store.missing().await;
    assert!(matches!(refused, Err(SchemaTrouble::Unfit(SchemaError::BinaryTooOld { min_binary: 99, .. }))), "{refused:?}");
}

#[tokio::test]
async fn what_is_no_database_is_named() {
    let folder = Folder::fresh();
    std::fs::create_dir_all(folder.file().parent().unwrap()).unwrap();
    std::fs::write(folder.file(), "not a database, but long enough to have a header of its own, which SQLite will look at and refuse")
        .unwrap();
    let said = SqliteStore::open(&folder.file()).unwrap_err().to_string();
    assert!(said.contains("restore it from a backup"), "{said}");
    let said = SqliteStore::open(&folder.file().join("below").join("a file")).unwrap_err().to_string();
    assert!(said.contains("the folder of the database cannot be made"), "{said}");
    let said = SqliteStore::open(folder.file().parent().unwrap()).unwrap_err().to_string();
    assert!(said.contains("cannot be opened"), "{said}");
}
