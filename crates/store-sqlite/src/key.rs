//! Table `idempotency_key`: one key, one effect.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::key::{Fingerprint, KeyRow, ScopedKey};
use domain::tables::{Keys, Shelf, Write};
use rusqlite::{Connection, OptionalExtension as _, Result, params};

use crate::error::Trouble;
use crate::value::Cells;

/// The row of `key`.
pub(crate) fn find(db: &Connection, key: &ScopedKey) -> Result<Option<Arc<KeyRow>>> {
    db.prepare_cached("select fingerprint, answer, created_at from idempotency_key where scoped_key = ?")?
        .query_row([&key.0], |row| {
            let mut cells = Cells::of(row);
            let row = KeyRow { key: key.clone(), fingerprint: Fingerprint(cells.get()?), answer: cells.get()?, created_at: cells.time()? };
            Ok(Arc::new(row))
        })
        .optional()
}

/// Puts what is there under `keys` onto the shelf.
pub(crate) fn load(db: &Connection, keys: &BTreeSet<ScopedKey>, seen: &mut Shelf<Keys>) -> Result<()> {
    for key in keys {
        if let Some(row) = find(db, key)? {
            seen.found(key.clone(), row);
        }
    }
    Ok(())
}

/// Writes new keys; a key is never changed.
pub(crate) fn save(db: &Connection, writes: &BTreeMap<ScopedKey, Write<Arc<KeyRow>>>) -> Result<(), Trouble> {
    let mut insert = db.prepare_cached("insert into idempotency_key (scoped_key, fingerprint, answer, created_at) values (?, ?, ?, ?)")?;
    for (key, Write { row, .. }) in writes {
        insert.execute(params![key.0, row.fingerprint.0, row.answer, row.created_at.0])?;
    }
    Ok(())
}
