//! What was reserved by hand: table `reservation`.

use std::sync::Arc;

use domain::ids::SkuId;
use domain::stock::{Reservation, ReservationKey, StockRef};
use domain::tables::Write;
use tokio_postgres::Row;

use crate::error::Failure;
use crate::types::{Column, Fields, Moment, column};

pub(crate) const LOAD: &str = "
    select reservation_key, sku_id, ref_type, ref_id, qty, version, created_at, updated_at
    from reservation
    where reservation_key = any($1)";

pub(crate) const INSERT: &str = "
    insert into reservation (reservation_key, qty, version, updated_at, sku_id, ref_type, ref_id, created_at)
    select * from unnest($1::text[], $2::bigint[], $3::bigint[], $4::timestamptz[], $5::text[], $6::text[], $7::text[],
        $8::timestamptz[])";

/// Only the quantity changes: the rest is the key.
pub(crate) const UPDATE: &str = "
    with changed as (
        update reservation as t
        set qty = x.qty, version = x.version, updated_at = x.updated_at
        from unnest($1::text[], $2::bigint[], $3::bigint[], $4::timestamptz[], $5::bigint[])
            as x (reservation_key, qty, version, updated_at, expected)
        where t.reservation_key = any($1) and t.reservation_key = x.reservation_key and t.version = x.expected
        returning 1)
    select ordo_expect('reservation', (select count(*) from changed), cardinality($1))";

fn written<'c>(rows: &[&'c Write<Arc<Reservation>>]) -> Vec<Column<'c>> {
    vec![
        column(rows, |write| &*write.row.key.0),
        column(rows, |write| write.row.qty),
        column(rows, |write| write.row.version),
        column(rows, |write| Moment(write.row.updated_at)),
    ]
}

pub(crate) fn inserted<'c>(rows: &[&'c Write<Arc<Reservation>>]) -> Vec<Column<'c>> {
    let mut columns = written(rows);
    columns.push(column(rows, |write| write.row.sku_id.as_str()));
    columns.push(column(rows, |write| &*write.row.reference.kind));
    columns.push(column(rows, |write| &*write.row.reference.id));
    columns.push(column(rows, |write| Moment(write.row.created_at)));
    columns
}

pub(crate) fn updated<'c>(rows: &[&'c Write<Arc<Reservation>>]) -> Vec<Column<'c>> {
    let mut columns = written(rows);
    columns.push(column(rows, |write| write.expected));
    columns
}

pub(crate) fn read(row: &Row) -> Result<Reservation, Failure> {
    let mut row = Fields::of(row);
    Ok(Reservation {
        key: ReservationKey(row.text()?),
        sku_id: SkuId(row.text()?),
        reference: StockRef { kind: row.text()?, id: row.text()? },
        qty: row.take()?,
        version: row.take()?,
        created_at: row.time()?,
        updated_at: row.time()?,
    })
}
