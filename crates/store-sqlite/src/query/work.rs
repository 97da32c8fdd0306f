//! What is waiting for the workers.

use domain::ids::{OrderId, PaymentId, RefundId, Uuid};
use domain::time::Time;
use engine::port::OutboxStanding;
use rusqlite::{Connection, Params, Result, params};

/// Unpaid orders whose time has passed, the most overdue first.
pub(super) fn orders_to_expire(db: &Connection, now: Time, limit: u32) -> Result<Vec<OrderId>> {
    ids(
        db,
        "select order_id from orders indexed by orders_expiring
         where expires_at <= ? and status in ('CREATED', 'PAYMENT_PENDING')
             and not exists (
                 select 1 from payment
                 where payment.payment_id = orders.payment_id and payment.status in ('INITIATED', 'AUTHORIZED', 'UNKNOWN')
                     and payment.next_check_at is not null)
         order by expires_at limit ?",
        params![now.0, limit],
    )
}

/// Open payments that are due to be asked about, the most overdue first.
pub(super) fn payments_to_ask(db: &Connection, now: Time, limit: u32) -> Result<Vec<PaymentId>> {
    ids(
        db,
        "select payment_id from payment indexed by payment_due
         where next_check_at <= ? and status in ('INITIATED', 'AUTHORIZED', 'UNKNOWN') order by next_check_at limit ?",
        params![now.0, limit],
    )
}

/// Refunds under way that are due to be asked about, the most overdue first.
pub(super) fn refunds_to_ask(db: &Connection, now: Time, limit: u32) -> Result<Vec<RefundId>> {
    ids(
        db,
        "select refund_id from refund indexed by refund_due
         where next_check_at <= ? and status = 'PROCESSING' order by next_check_at limit ?",
        params![now.0, limit],
    )
}

fn ids<T: From<Uuid>>(db: &Connection, sql: &str, values: impl Params) -> Result<Vec<T>> {
    db.prepare_cached(sql)?.query_map(values, |row| row.get(0).map(|bytes| Uuid::from_bytes(bytes).into()))?.collect()
}

/// How far the outbox is behind.
pub(super) fn outbox(db: &Connection) -> Result<OutboxStanding> {
    db.prepare_cached("select count(*), min(created_at) from outbox where published = 0")?
        .query_row([], |row| Ok(OutboxStanding { pending: row.get(0)?, oldest: row.get::<_, Option<_>>(1)?.map(Time) }))
}
