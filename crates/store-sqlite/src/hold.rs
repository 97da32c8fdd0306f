//! Table `inventory_hold`: what is held for a while.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::hold::{Hold, HoldLine, Status};
use domain::ids::{HoldId, SkuId};
use domain::tables::{Holds, Shelf, Write};
use domain::time::Time;
use rusqlite::{Connection, OptionalExtension as _, Result, Row, params};

use crate::error::{Trouble, one_row};
use crate::value::Cells;

/// What [`hold_of`] reads and an insert writes.
macro_rules! columns {
    () => {
        "hold_id, status, items, order_id, expires_at, version, created_at, updated_at"
    };
}

fn hold_of(row: &Row<'_>) -> Result<Arc<Hold>> {
    let mut cells = Cells::of(row);
    Ok(Arc::new(Hold {
        hold_id: cells.id()?,
        status: cells.word(Status::ALL, Status::as_str)?,
        items: {
            let items = cells.read(|text| serde_json::from_str::<Vec<(String, i64)>>(text).ok())?;
            items.into_iter().map(|(sku_id, qty)| HoldLine { sku_id: SkuId::from(sku_id), qty }).collect()
        },
        order_id: cells.maybe_id()?,
        expires_at: cells.maybe_time()?,
        version: cells.get()?,
        created_at: cells.time()?,
        updated_at: cells.time()?,
    }))
}

/// A hold by its name.
pub(crate) fn find(db: &Connection, hold_id: HoldId) -> Result<Option<Arc<Hold>>> {
    db.prepare_cached(concat!("select ", columns!(), " from inventory_hold where hold_id = ?"))?
        .query_row([hold_id.0.as_bytes()], hold_of)
        .optional()
}

/// Holds that no order has and whose time has passed.
pub(crate) fn expired(db: &Connection, now: Time, limit: u32) -> Result<Vec<HoldId>> {
    db.prepare_cached(
        "select hold_id from inventory_hold where status = 'ACTIVE' and order_id is null and expires_at <= ?
         order by expires_at, hold_id limit ?",
    )?
    .query_map(params![now.0, limit], |row| Cells::of(row).id())?
    .collect()
}

/// Deletes holds that ended long ago without ever backing an order.
pub(crate) fn forget(db: &Connection, ended_before: Time, limit: u32) -> Result<u64> {
    let forgotten = db
        .prepare_cached(
            "delete from inventory_hold where hold_id in (
                 select hold_id from inventory_hold
                 where status in ('RELEASED', 'EXPIRED') and order_id is null and updated_at <= ?
                 order by updated_at limit ?)",
        )?
        .execute(params![ended_before.0, limit])?;
    Ok(u64::try_from(forgotten).unwrap_or(u64::MAX))
}

/// Puts what is there of `keys` onto the shelf.
pub(crate) fn load(db: &Connection, keys: &BTreeSet<HoldId>, seen: &mut Shelf<Holds>) -> Result<()> {
    for hold_id in keys {
        if let Some(hold) = find(db, *hold_id)? {
            seen.found(*hold_id, hold);
        }
    }
    Ok(())
}

/// Writes holds. What is held never changes.
pub(crate) fn save(db: &Connection, writes: &BTreeMap<HoldId, Write<Arc<Hold>>>) -> std::result::Result<(), Trouble> {
    for (hold_id, Write { expected, row: hold }) in writes {
        let order_id = hold.order_id.as_ref().map(|id| id.0.as_bytes());
        let expires_at = hold.expires_at.map(|end| end.0);
        if *expected == 0 {
            let items: Vec<_> = hold.items.iter().map(|line| (line.sku_id.as_str(), line.qty)).collect();
            db.prepare_cached(concat!("insert into inventory_hold (", columns!(), ") values (?, ?, ?, ?, ?, ?, ?, ?)"))?.execute(
                params![
                    hold_id.0.as_bytes(),
                    hold.status.as_str(),
                    serde_json::to_string(&items).expect("texts and numbers always serialize"),
                    order_id,
                    expires_at,
                    hold.version,
                    hold.created_at.0,
                    hold.updated_at.0
                ],
            )?;
        } else {
            let changed = db
                .prepare_cached(
                    "update inventory_hold set status = ?, order_id = ?, expires_at = ?, version = ?, updated_at = ?
                     where hold_id = ? and version = ?",
                )?
                .execute(params![
                    hold.status.as_str(),
                    order_id,
                    expires_at,
                    hold.version,
                    hold.updated_at.0,
                    hold_id.0.as_bytes(),
                    expected
                ])?;
            one_row(changed, "inventory_hold")?;
        }
    }
    Ok(())
}
