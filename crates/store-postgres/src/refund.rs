//! Refunds: table `refund`.

use std::collections::HashMap;
use std::sync::Arc;

use domain::ids::{OrderId, PaymentId, RefundId};
use domain::refund::{Refund, Status};
use domain::tables::Write;
use tokio_postgres::Row;

use crate::error::Failure;
use crate::types::{Column, Fields, Moment, column};

/// What [`read`] reads, of a table called `r`.
macro_rules! columns {
    () => {
        "r.refund_id, r.order_id, r.payment_id, r.status, r.amount, r.currency, r.reason, r.provider_ref, r.failure_reason, r.silences,
        r.next_check_at, r.version, r.created_at, r.updated_at"
    };
}

pub(crate) const LOAD: &str = concat!("select ", columns!(), " from refund r where r.refund_id = any($1)");

/// Which refunds orders have.
pub(crate) const IDS_OF_ORDERS: &str = "select order_id, refund_id from refund where order_id = any($1) order by order_id, refund_id";

/// The refunds of orders.
pub(crate) const OF_ORDERS: &str =
    concat!("select ", columns!(), " from refund r where r.order_id = any($1) order by r.order_id, r.refund_id");

/// One refund, seen by whoever sees its order; `$2`: the owner to whom the caller is confined.
pub(crate) const OF_CALLER: &str = concat!(
    "select ",
    columns!(),
    " from refund r join orders o on o.order_id = r.order_id where r.refund_id = $1 and ($2::text is null or o.user_id = $2)"
);

/// Refunds under way that are due to be asked about at `$1`.
pub(crate) const DUE: &str = "
    select refund_id
    from refund
    where next_check_at <= $1 and status = 'PROCESSING'
    order by next_check_at, refund_id
    limit $2";

pub(crate) const INSERT: &str = "
    insert into refund (refund_id, status, provider_ref, failure_reason, silences, next_check_at, version, updated_at, order_id,
        payment_id, amount, currency, reason, created_at)
    select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::integer[], $6::timestamptz[], $7::bigint[],
        $8::timestamptz[], $9::uuid[], $10::uuid[], $11::bigint[], $12::text[], $13::text[], $14::timestamptz[])";

/// What a refund is of, and how much, never changes.
pub(crate) const UPDATE: &str = "
    with changed as (
        update refund as t
        set status = x.status, provider_ref = x.provider_ref, failure_reason = x.failure_reason, silences = x.silences,
            next_check_at = x.next_check_at, version = x.version, updated_at = x.updated_at
        from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::integer[], $6::timestamptz[], $7::bigint[],
                $8::timestamptz[], $9::bigint[])
            as x (refund_id, status, provider_ref, failure_reason, silences, next_check_at, version, updated_at, expected)
        where t.refund_id = any($1) and t.refund_id = x.refund_id and t.version = x.expected
        returning 1)
    select ordo_expect('refund', (select count(*) from changed), cardinality($1))";

fn written<'c>(rows: &[&'c Write<Arc<Refund>>]) -> Vec<Column<'c>> {
    vec![
        column(rows, |write| write.row.refund_id.0),
        column(rows, |write| write.row.status.as_str()),
        column(rows, |write| write.row.provider_ref.as_deref()),
        column(rows, |write| write.row.failure_reason.as_deref()),
        column(rows, |write| write.row.silences),
        column(rows, |write| write.row.next_check_at.map(Moment)),
        column(rows, |write| write.row.version),
        column(rows, |write| Moment(write.row.updated_at)),
    ]
}

pub(crate) fn inserted<'c>(rows: &[&'c Write<Arc<Refund>>]) -> Vec<Column<'c>> {
    let mut columns = written(rows);
    columns.push(column(rows, |write| write.row.order_id.0));
    columns.push(column(rows, |write| write.row.payment_id.0));
    columns.push(column(rows, |write| write.row.amount));
    columns.push(column(rows, |write| write.row.currency.code()));
    columns.push(column(rows, |write| &*write.row.reason));
    columns.push(column(rows, |write| Moment(write.row.created_at)));
    columns
}

pub(crate) fn updated<'c>(rows: &[&'c Write<Arc<Refund>>]) -> Vec<Column<'c>> {
    let mut columns = written(rows);
    columns.push(column(rows, |write| write.expected));
    columns
}

pub(crate) fn read(row: &Row) -> Result<Refund, Failure> {
    let mut row = Fields::of(row);
    Ok(Refund {
        refund_id: RefundId(row.take()?),
        order_id: OrderId(row.take()?),
        payment_id: PaymentId(row.take()?),
        status: row.word(Status::ALL, Status::as_str)?,
        amount: row.take()?,
        currency: row.currency()?,
        reason: row.text()?,
        provider_ref: row.text_or_none()?,
        failure_reason: row.text_or_none()?,
        silences: row.take()?,
        next_check_at: row.time_or_none()?,
        version: row.take()?,
        created_at: row.time()?,
        updated_at: row.time()?,
    })
}

/// The ids of each order's refunds.
pub(crate) fn ids(rows: &[Row]) -> Result<HashMap<OrderId, Vec<RefundId>>, Failure> {
    let mut of_order = HashMap::<OrderId, Vec<RefundId>>::new();
    for row in rows {
        let mut row = Fields::of(row);
        of_order.entry(OrderId(row.take()?)).or_default().push(RefundId(row.take()?));
    }
    Ok(of_order)
}
