//! Which store the configuration names.

use std::sync::Arc;

use engine::port::{Schema, Store, Unavailable};
use store_postgres::PostgresStore;
use store_sqlite::SqliteStore;

use crate::config::kinds::Database;

/// The store with its schema: two views of one thing.
#[derive(Clone)]
pub(crate) struct Opened {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) schema: Arc<dyn Schema>,
}

/// Opens the store. PostgreSQL is not asked before it is used, a file is.
pub(crate) fn open(database: &Database) -> Result<Opened, Unavailable> {
    Ok(match database {
        Database::Sqlite(path) => both(SqliteStore::open(path)?),
        Database::Postgres(url) => both(PostgresStore::connect(url)?),
    })
}

fn both(store: impl Store + Schema) -> Opened {
    let store = Arc::new(store);
    Opened { store: store.clone(), schema: store }
}
