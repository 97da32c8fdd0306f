//! Idempotency keys: table `idempotency_key`.

use std::sync::Arc;

use domain::key::{Fingerprint, KeyRow, ScopedKey};
use tokio_postgres::Row;

use crate::error::Failure;
use crate::types::{Column, Fields, Moment, named, rows};

pub(crate) const LOAD: &str = "
    select scoped_key, fingerprint, answer, created_at
    from idempotency_key
    where scoped_key = any($1)";

/// A key is never changed: who comes second has lost.
pub(crate) const INSERT: &str = "
    insert into idempotency_key (scoped_key, fingerprint, answer, created_at)
    select scoped_key, fingerprint, answer, created_at
    from unnest($1::idempotency_key[])";

pub(crate) fn inserted<'c>(keys: &[&'c Arc<KeyRow>]) -> Vec<Column<'c>> {
    rows(vec![
        named("scoped_key", keys, |row| &*row.key.0),
        named("fingerprint", keys, |row| row.fingerprint.0.as_slice()),
        named("answer", keys, |row| &*row.answer),
        named("created_at", keys, |row| Moment(row.created_at)),
    ])
}

pub(crate) fn read(row: &Row) -> Result<KeyRow, Failure> {
    let mut row = Fields::of(row);
    let key = ScopedKey(row.text()?);
    let fingerprint = row.take::<&[u8]>()?;
    let fingerprint = Fingerprint(fingerprint.try_into().map_err(|_| row.unreadable("not 32 bytes"))?);
    Ok(KeyRow { key, fingerprint, answer: row.text()?, created_at: row.time()? })
}
