//! Tables `inventory_balance`, `inventory_ledger` and `reservation`: what is there, how it moved, what is held by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::ids::SkuId;
use domain::stock::{Balance, BalanceDelta, LedgerEntry, Reservation, ReservationKey, StockRef};
use domain::tables::{Reservations, Shelf, Stock, Write};
use domain::time::Time;
use rusqlite::{Connection, OptionalExtension as _, Result, params};

use crate::error::{Trouble, one_row};
use crate::value::Cells;

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

/// Adds to balances; their CHECKs are the guard.
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

/// Appends movements.
pub(crate) fn append(db: &Connection, entries: &[LedgerEntry]) -> Result<()> {
    let mut insert = db.prepare_cached(
        "insert into inventory_ledger
             (ledger_key, sku_id, operation, qty, on_hand_delta, reserved_delta, ref_type, ref_id, created_at)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?;
    for entry in entries {
        insert.execute(params![
            entry.key,
            entry.sku_id.0,
            entry.operation.as_str(),
            entry.qty,
            entry.on_hand_delta,
            entry.reserved_delta,
            entry.reference.kind,
            entry.reference.id,
            entry.created_at.0
        ])?;
    }
    Ok(())
}

/// Puts what is there of `keys` onto the shelf.
pub(crate) fn load_reservations(db: &Connection, keys: &BTreeSet<ReservationKey>, seen: &mut Shelf<Reservations>) -> Result<()> {
    for key in keys {
        let found = db
            .prepare_cached(
                "select sku_id, ref_type, ref_id, qty, version, created_at, updated_at from reservation where reservation_key = ?",
            )?
            .query_row([&key.0], |row| {
                let mut cells = Cells::of(row);
                Ok(Reservation {
                    key: key.clone(),
                    sku_id: SkuId(cells.get()?),
                    reference: StockRef { kind: cells.get()?, id: cells.get()? },
                    qty: cells.get()?,
                    version: cells.get()?,
                    created_at: cells.time()?,
                    updated_at: cells.time()?,
                })
            })
            .optional()?;
        if let Some(reservation) = found {
            seen.found(key.clone(), Arc::new(reservation));
        }
    }
    Ok(())
}

/// Writes what is reserved by hand. What a reservation is for never changes.
pub(crate) fn save_reservations(db: &Connection, writes: &BTreeMap<ReservationKey, Write<Arc<Reservation>>>) -> Result<(), Trouble> {
    for (key, Write { expected, row: reservation }) in writes {
        if *expected == 0 {
            db.prepare_cached(
                "insert into reservation (reservation_key, sku_id, ref_type, ref_id, qty, version, created_at, updated_at)
                 values (?, ?, ?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![
                key.0,
                reservation.sku_id.0,
                reservation.reference.kind,
                reservation.reference.id,
                reservation.qty,
                reservation.version,
                reservation.created_at.0,
                reservation.updated_at.0
            ])?;
        } else {
            let changed = db
                .prepare_cached("update reservation set qty = ?, version = ?, updated_at = ? where reservation_key = ? and version = ?")?
                .execute(params![reservation.qty, reservation.version, reservation.updated_at.0, key.0, expected])?;
            one_row(changed, "reservation")?;
        }
    }
    Ok(())
}
