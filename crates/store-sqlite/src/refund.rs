//! Table `refund`: money on its way back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::ids::{OrderId, RefundId};
use domain::refund::{Refund, Status};
use domain::tables::{Refunds, Shelf, Write};
use rusqlite::{Connection, OptionalExtension as _, Result, Row, params};

use crate::error::{Trouble, one_row};
use crate::value::{Cells, ms};

/// What [`refund_of`] reads.
macro_rules! columns {
    () => {
        "refund_id, order_id, payment_id, status, amount, currency, reason, provider_ref, failure_reason, silences, next_check_at, \
         version, created_at, updated_at"
    };
}
pub(crate) use columns;

/// A refund from its [`columns`].
pub(crate) fn refund_of(row: &Row<'_>) -> Result<Arc<Refund>> {
    let mut cells = Cells::of(row);
    Ok(Arc::new(Refund {
        refund_id: cells.id()?,
        order_id: cells.id()?,
        payment_id: cells.id()?,
        status: cells.word(Status::ALL, Status::as_str)?,
        amount: cells.get()?,
        currency: cells.currency()?,
        reason: cells.get()?,
        provider_ref: cells.get()?,
        failure_reason: cells.get()?,
        silences: cells.get()?,
        next_check_at: cells.maybe_time()?,
        version: cells.get()?,
        created_at: cells.time()?,
        updated_at: cells.time()?,
    }))
}

/// The names of an order's refunds.
pub(crate) fn ids_of_order(db: &Connection, order_id: OrderId) -> Result<Vec<RefundId>> {
    db.prepare_cached("select refund_id from refund where order_id = ? order by refund_id")?
        .query_map([order_id.0.as_bytes()], |row| Cells::of(row).id())?
        .collect()
}

/// The refunds of an order.
pub(crate) fn of_order(db: &Connection, order_id: OrderId) -> Result<Vec<Arc<Refund>>> {
    db.prepare_cached(concat!("select ", columns!(), " from refund where order_id = ? order by refund_id"))?
        .query_map([order_id.0.as_bytes()], refund_of)?
        .collect()
}

/// Puts what is there of `keys` onto the shelf.
pub(crate) fn load(db: &Connection, keys: &BTreeSet<RefundId>, seen: &mut Shelf<Refunds>) -> Result<()> {
    for &refund_id in keys {
        let refund = db
            .prepare_cached(concat!("select ", columns!(), " from refund where refund_id = ?"))?
            .query_row([refund_id.0.as_bytes()], refund_of)
            .optional()?;
        if let Some(refund) = refund {
            seen.found(refund_id, refund);
        }
    }
    Ok(())
}

/// Writes refunds. What a refund is of, and how much, never changes.
pub(crate) fn save(db: &Connection, writes: &BTreeMap<RefundId, Write<Arc<Refund>>>) -> Result<(), Trouble> {
    for (refund_id, Write { expected, row: refund }) in writes {
        if *expected == 0 {
            insert(db, refund)?;
            continue;
        }
        let changed = db
            .prepare_cached(
                "update refund set status = ?, provider_ref = ?, failure_reason = ?, silences = ?, next_check_at = ?, version = ?,
                     updated_at = ?
                 where refund_id = ? and version = ?",
            )?
            .execute(params![
                refund.status.as_str(),
                refund.provider_ref,
                refund.failure_reason,
                refund.silences,
                ms(refund.next_check_at),
                refund.version,
                refund.updated_at.0,
                refund_id.0.as_bytes(),
                expected
            ])?;
        one_row(changed, "refund")?;
    }
    Ok(())
}

fn insert(db: &Connection, refund: &Refund) -> Result<()> {
    db.prepare_cached(concat!("insert into refund (", columns!(), ") values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"))?
        .execute(params![
            refund.refund_id.0.as_bytes(),
            refund.order_id.0.as_bytes(),
            refund.payment_id.0.as_bytes(),
            refund.status.as_str(),
            refund.amount,
            refund.currency.code(),
            refund.reason,
            refund.provider_ref,
            refund.failure_reason,
            refund.silences,
            ms(refund.next_check_at),
            refund.version,
            refund.created_at.0,
            refund.updated_at.0
        ])
        .map(drop)
}
