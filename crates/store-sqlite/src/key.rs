//! Tables `idempotency_key` and `orders`: one key, one effect. A key that placed an order stands in the row of that order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::ids::{OrderId, Uuid};
use domain::key::{Fingerprint, KeyRow, ScopedKey};
use domain::order::Order;
use domain::tables::{Keys, Shelf, Write};
use rusqlite::{Connection, OptionalExtension as _, Result, params};

use crate::error::{Trouble, one_row};
use crate::value::Cells;

/// The row of `key`.
pub(crate) fn find(db: &Connection, key: &ScopedKey) -> Result<Option<Arc<KeyRow>>> {
    let of_an_order = db
        .prepare_cached(
            "select key_fingerprint, order_id, created_at from orders where idempotency_key = ? and key_fingerprint is not null",
        )?
        .query_row([&key.0], |row| {
            let mut cells = Cells::of(row);
            let fingerprint = Fingerprint(cells.get()?);
            let order_id: OrderId = cells.id()?;
            Ok(Arc::new(KeyRow { key: key.clone(), fingerprint, answer: order_id.to_string().into(), created_at: cells.time()? }))
        })
        .optional()?;
    if of_an_order.is_some() {
        return Ok(of_an_order);
    }
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

/// Of new keys, those that go into the rows of the orders they place.
#[derive(Debug)]
pub(crate) struct Placed<'c>(BTreeMap<OrderId, &'c KeyRow>);

impl<'c> Placed<'c> {
    /// Those whose order is new too and says all that the key would say, but for the fingerprint.
    pub(crate) fn of(keys: &'c BTreeMap<ScopedKey, Write<Arc<KeyRow>>>, orders: &BTreeMap<OrderId, Write<Arc<Order>>>) -> Self {
        let leads_to_new = |row: &'c KeyRow| {
            let order_id = OrderId(Uuid::try_parse(&row.answer).ok()?);
            let Write { expected, row: order } = orders.get(&order_id)?;
            let says_all = *expected == 0
                && order.idempotency_key.as_ref() == Some(&row.key.0)
                && order.created_at == row.created_at
                && *order_id.to_string() == *row.answer;
            says_all.then_some((order_id, row))
        };
        Self(keys.values().filter_map(|write| leads_to_new(&write.row)).collect())
    }

    /// The key to keep in the row of this order.
    pub(crate) fn of_order(&self, order: &Order) -> Option<&'c KeyRow> {
        self.0.get(&order.order_id).copied()
    }

    fn has(&self, row: &KeyRow) -> bool {
        Uuid::try_parse(&row.answer).is_ok_and(|order_id| self.0.get(&OrderId(order_id)).is_some_and(|placed| placed.key == row.key))
    }
}

/// Writes new keys; a key is never changed. Nowhere is a key that the other table has.
pub(crate) fn save(db: &Connection, writes: &BTreeMap<ScopedKey, Write<Arc<KeyRow>>>, placed: &Placed<'_>) -> Result<(), Trouble> {
    let mut taken = db.prepare_cached("select 1 from idempotency_key where scoped_key = ?")?;
    let mut insert = db.prepare_cached(
        "insert into idempotency_key (scoped_key, fingerprint, answer, created_at)
         select ?1, ?2, ?3, ?4
         where not exists (select 1 from orders where idempotency_key = ?1 and key_fingerprint is not null)",
    )?;
    for (key, Write { row, .. }) in writes {
        if placed.has(row) {
            if taken.exists([&key.0])? {
                return Err(Trouble::Version("idempotency_key"));
            }
        } else {
            one_row(insert.execute(params![key.0, row.fingerprint.0, row.answer, row.created_at.0])?, "idempotency_key")?;
        }
    }
    Ok(())
}
