//! Table `reservation`: what is held by hand or for another service.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::ids::SkuId;
use domain::stock::{Reservation, ReservationKey, StockRef};
use domain::tables::{Reservations, Shelf, Write};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::error::{Trouble, one_row};
use crate::value::Cells;

/// Puts what is there of `keys` onto the shelf.
pub(crate) fn load(db: &Connection, keys: &BTreeSet<ReservationKey>, seen: &mut Shelf<Reservations>) -> rusqlite::Result<()> {
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
pub(crate) fn save(db: &Connection, writes: &BTreeMap<ReservationKey, Write<Arc<Reservation>>>) -> Result<(), Trouble> {
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
