//! Table `payment`: attempts to be paid.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::ids::PaymentId;
use domain::order::PaymentMethod;
use domain::payment::{Payment, Status};
use domain::tables::{Payments, Shelf, Write};
use rusqlite::{Connection, OptionalExtension as _, Result, Row, params};

use crate::error::{Trouble, one_row};
use crate::value::{Cells, ms};

/// What [`payment_of`] reads.
macro_rules! columns {
    () => {
        "payment_id, order_id, provider, provider_ref, status, amount, captured, refunded, surplus, currency, payment_method, \
         failure_reason, silences, next_check_at, version, created_at, updated_at"
    };
}
pub(crate) use columns;

/// A payment from its [`columns`].
pub(crate) fn payment_of(row: &Row<'_>) -> Result<Arc<Payment>> {
    let mut cells = Cells::of(row);
    Ok(Arc::new(Payment {
        payment_id: cells.id()?,
        order_id: cells.id()?,
        provider: cells.get()?,
        provider_ref: cells.get()?,
        status: cells.word(Status::ALL, Status::as_str)?,
        amount: cells.get()?,
        captured: cells.get()?,
        refunded: cells.get()?,
        is_surplus: cells.get()?,
        currency: cells.currency()?,
        method: PaymentMethod(cells.get()?),
        failure_reason: cells.get()?,
        silences: cells.get()?,
        next_check_at: cells.maybe_time()?,
        version: cells.get()?,
        created_at: cells.time()?,
        updated_at: cells.time()?,
    }))
}

/// A payment.
pub(crate) fn find(db: &Connection, payment_id: PaymentId) -> Result<Option<Arc<Payment>>> {
    db.prepare_cached(concat!("select ", columns!(), " from payment where payment_id = ?"))?
        .query_row([payment_id.0.as_bytes()], payment_of)
        .optional()
}

/// Puts what is there of `keys` onto the shelf.
pub(crate) fn load(db: &Connection, keys: &BTreeSet<PaymentId>, seen: &mut Shelf<Payments>) -> Result<()> {
    for &payment_id in keys {
        if let Some(payment) = find(db, payment_id)? {
            seen.found(payment_id, payment);
        }
    }
    Ok(())
}

/// Writes payments. What an attempt is for never changes.
pub(crate) fn save(db: &Connection, writes: &BTreeMap<PaymentId, Write<Arc<Payment>>>) -> Result<(), Trouble> {
    for (payment_id, Write { expected, row: payment }) in writes {
        if *expected == 0 {
            insert(db, payment)?;
            continue;
        }
        let changed = db
            .prepare_cached(
                "update payment set provider = ?, provider_ref = ?, status = ?, captured = ?, refunded = ?, surplus = ?, payment_method = ?, failure_reason = ?,
                     silences = ?, next_check_at = ?, version = ?, updated_at = ?
                 where payment_id = ? and version = ?",
            )?
            .execute(params![
                payment.provider,
                payment.provider_ref,
                payment.status.as_str(),
                payment.captured,
                payment.refunded,
                payment.is_surplus,
                payment.method.0,
                payment.failure_reason,
                payment.silences,
                ms(payment.next_check_at),
                payment.version,
                payment.updated_at.0,
                payment_id.0.as_bytes(),
                expected
            ])?;
        one_row(changed, "payment")?;
    }
    Ok(())
}

fn insert(db: &Connection, payment: &Payment) -> Result<()> {
    db.prepare_cached(concat!("insert into payment (", columns!(), ") values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"))?
        .execute(params![
            payment.payment_id.0.as_bytes(),
            payment.order_id.0.as_bytes(),
            payment.provider,
            payment.provider_ref,
            payment.status.as_str(),
            payment.amount,
            payment.captured,
            payment.refunded,
            payment.is_surplus,
            payment.currency.code(),
            payment.method.0,
            payment.failure_reason,
            payment.silences,
            ms(payment.next_check_at),
            payment.version,
            payment.created_at.0,
            payment.updated_at.0
        ])
        .map(drop)
}
