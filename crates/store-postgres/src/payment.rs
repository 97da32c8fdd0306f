//! Payments: table `payment`.

use std::sync::Arc;

use domain::ids::{OrderId, PaymentId};
use domain::order::PaymentMethod;
use domain::payment::{Payment, Status};
use domain::tables::Write;
use tokio_postgres::Row;

use crate::error::Failure;
use crate::types::{Column, Fields, Moment, column};

/// What [`read`] reads, of a table called `p`.
macro_rules! columns {
    () => {
        "p.payment_id, p.order_id, p.provider, p.provider_ref, p.status, p.amount, p.captured, p.refunded, p.surplus, p.currency,
        p.payment_method, p.failure_reason, p.silences, p.next_check_at, p.version, p.created_at, p.updated_at"
    };
}

pub(crate) const LOAD: &str = concat!("select ", columns!(), " from payment p where p.payment_id = any($1)");

/// One payment, seen by whoever sees its order; `$2`: the owner to whom the caller is confined.
pub(crate) const OF_CALLER: &str = concat!(
    "select ",
    columns!(),
    " from payment p join orders o on o.order_id = p.order_id where p.payment_id = $1 and ($2::text is null or o.user_id = $2)"
);

/// Open payments that are due to be asked about at `$1`.
pub(crate) const DUE: &str = "
    select payment_id
    from payment
    where next_check_at <= $1 and status in ('INITIATED', 'AUTHORIZED', 'UNKNOWN')
    order by next_check_at, payment_id
    limit $2";

pub(crate) const INSERT: &str = "
    insert into payment (payment_id, provider, provider_ref, status, amount, captured, refunded, currency, payment_method,
        failure_reason, silences, next_check_at, version, updated_at, surplus, order_id, created_at)
    select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::text[],
        $9::text[], $10::text[], $11::integer[], $12::timestamptz[], $13::bigint[], $14::timestamptz[],
        $15::boolean[], $16::uuid[], $17::timestamptz[])";

/// Everything may change but the payment's name, order and age.
pub(crate) const UPDATE: &str = "
    with changed as (
        update payment as t
        set provider = x.provider, provider_ref = x.provider_ref, status = x.status, amount = x.amount, captured = x.captured,
            refunded = x.refunded, currency = x.currency, payment_method = x.payment_method, failure_reason = x.failure_reason,
            silences = x.silences, next_check_at = x.next_check_at, version = x.version, updated_at = x.updated_at,
            surplus = x.surplus
        from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::text[],
                $9::text[], $10::text[], $11::integer[], $12::timestamptz[], $13::bigint[], $14::timestamptz[], $15::boolean[], $16::bigint[])
            as x (payment_id, provider, provider_ref, status, amount, captured, refunded, currency, payment_method,
                failure_reason, silences, next_check_at, version, updated_at, surplus, expected)
        where t.payment_id = any($1) and t.payment_id = x.payment_id and t.version = x.expected
        returning 1)
    select ordo_expect('payment', (select count(*) from changed), cardinality($1))";

fn written<'c>(rows: &[&'c Write<Arc<Payment>>]) -> Vec<Column<'c>> {
    vec![
        column(rows, |write| write.row.payment_id.0),
        column(rows, |write| &*write.row.provider),
        column(rows, |write| write.row.provider_ref.as_deref()),
        column(rows, |write| write.row.status.as_str()),
        column(rows, |write| write.row.amount),
        column(rows, |write| write.row.captured),
        column(rows, |write| write.row.refunded),
        column(rows, |write| write.row.currency.code()),
        column(rows, |write| write.row.method.as_str()),
        column(rows, |write| write.row.failure_reason.as_deref()),
        column(rows, |write| write.row.silences),
        column(rows, |write| write.row.next_check_at.map(Moment)),
        column(rows, |write| write.row.version),
        column(rows, |write| Moment(write.row.updated_at)),
        column(rows, |write| write.row.is_surplus),
    ]
}

pub(crate) fn inserted<'c>(rows: &[&'c Write<Arc<Payment>>]) -> Vec<Column<'c>> {
    let mut columns = written(rows);
    columns.push(column(rows, |write| write.row.order_id.0));
    columns.push(column(rows, |write| Moment(write.row.created_at)));
    columns
}

pub(crate) fn updated<'c>(rows: &[&'c Write<Arc<Payment>>]) -> Vec<Column<'c>> {
    let mut columns = written(rows);
    columns.push(column(rows, |write| write.expected));
    columns
}

pub(crate) fn read(row: &Row) -> Result<Payment, Failure> {
    let mut row = Fields::of(row);
    Ok(Payment {
        payment_id: PaymentId(row.take()?),
        order_id: OrderId(row.take()?),
        provider: row.text()?,
        provider_ref: row.text_or_none()?,
        status: row.word(Status::ALL, Status::as_str)?,
        amount: row.take()?,
        captured: row.take()?,
        refunded: row.take()?,
        is_surplus: row.take()?,
        currency: row.currency()?,
        method: PaymentMethod(row.text()?),
        failure_reason: row.text_or_none()?,
        silences: row.take()?,
        next_check_at: row.time_or_none()?,
        version: row.take()?,
        created_at: row.time()?,
        updated_at: row.time()?,
    })
}
