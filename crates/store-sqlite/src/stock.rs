//! Tables `inventory_balance` and `inventory_ledger`: what is there, and how it moved.

use std::collections::{BTreeMap, BTreeSet};

use domain::ids::SkuId;
use domain::stock::{Balance, BalanceDelta, LedgerEntry};
use domain::tables::{Shelf, Stock};
use domain::time::Time;
use rusqlite::{Connection, OptionalExtension as _, Result, params};

use crate::error::{Trouble, one_row};
use crate::rows::Insert;

static INSERT: Insert =
    Insert::new("inventory_ledger (ledger_key, sku_id, operation, qty, on_hand_delta, reserved_delta, ref_type, ref_id, created_at)", 9);

/// The balance of a SKU.
pub(crate) fn find(db: &Connection, sku_id: &SkuId) -> Result<Option<Balance>> {
    db.prepare_cached("select on_hand, reserved, version from inventory_balance where sku_id = ?")?
        .query_row([&sku_id.0], |row| Ok(Balance { on_hand: row.get(0)?, reserved: row.get(1)?, version: row.get(2)? }))
        .optional()
}

/// Puts what is there of `keys` onto the shelf.
pub(crate) fn load(db: &Connection, keys: &BTreeSet<SkuId>, seen: &mut Shelf<Stock>) -> Result<()> {
    for sku_id in keys {
        if let Some(balance) = find(db, sku_id)? {
            seen.found(sku_id.clone(), balance);
        }
    }
    Ok(())
}

/// Adds to balances; their checks are the guard.
pub(crate) fn save(db: &Connection, deltas: &BTreeMap<SkuId, BalanceDelta>, now: Time) -> Result<(), Trouble> {
    let mut update = db.prepare_cached(
        "update inventory_balance set on_hand = on_hand + ?, reserved = reserved + ?, version = version + ?, updated_at = ?
         where sku_id = ?",
    )?;
    for (sku_id, delta) in deltas {
        if delta.is_new {
            db.prepare_cached("insert into inventory_balance (on_hand, reserved, version, updated_at, sku_id) values (?, ?, ?, ?, ?)")?
                .execute(params![delta.on_hand, delta.reserved, delta.steps, now.0, sku_id.0])?;
        } else {
            let changed = update.execute(params![delta.on_hand, delta.reserved, delta.steps, now.0, sku_id.0])?;
            one_row(changed, "inventory_balance")?;
        }
    }
    Ok(())
}

/// Appends movements, in the order of the table: then those of new orders come at its end.
pub(crate) fn append(db: &Connection, entries: &[LedgerEntry]) -> Result<()> {
    let mut entries: Vec<_> = entries.iter().collect();
    entries.sort_by(|one, other| one.key.cmp(&other.key));
    INSERT.rows(db, &entries, |entry, row| {
        row.next(&entry.key)?;
        row.next(&entry.sku_id.0)?;
        row.next(entry.operation.as_str())?;
        row.next(entry.qty)?;
        row.next(entry.on_hand_delta)?;
        row.next(entry.reserved_delta)?;
        row.next(&entry.reference.kind)?;
        row.next(&entry.reference.id)?;
        row.next(entry.created_at.0)
    })
}
