//! Holds: table `inventory_hold`.

use std::sync::Arc;

use domain::hold::{Hold, HoldLine, Status};
use domain::ids::{HoldId, OrderId, SkuId};
use domain::tables::Write;
use tokio_postgres::Row;

use crate::error::Failure;
use crate::types::{Column, Fields, Moment, column, named, rows};

/// What [`read`] reads, and an insert writes.
macro_rules! columns {
    () => {
        "hold_id, status, sku_ids, quantities, order_id, expires_at, version, created_at, updated_at"
    };
}

pub(crate) const LOAD: &str = concat!("select ", columns!(), " from inventory_hold where hold_id = any($1)");

/// Holds that no order has and whose time has passed at `$1`.
pub(crate) const EXPIRED: &str = "
    select hold_id from inventory_hold
    where status = 'ACTIVE' and order_id is null and expires_at <= $1
    order by expires_at, hold_id limit $2";

/// At most `$2` of the holds that ended long ago without ever backing an order.
pub(crate) const FORGET: &str = "
    delete from inventory_hold
    where hold_id = any(array(
        select hold_id from inventory_hold
        where status in ('RELEASED', 'EXPIRED') and order_id is null and updated_at <= $1
        order by updated_at limit $2
        for update skip locked))";

pub(crate) const INSERT: &str =
    concat!("insert into inventory_hold (", columns!(), ") select ", columns!(), " from unnest($1::inventory_hold[])");

/// What is held never changes.
pub(crate) const UPDATE: &str = "
    with changed as (
        update inventory_hold as t
        set status = x.status, order_id = x.order_id, expires_at = x.expires_at, version = x.version, updated_at = x.updated_at
        from unnest($1::uuid[], $2::text[], $3::uuid[], $4::timestamptz[], $5::bigint[], $6::timestamptz[], $7::bigint[])
            as x (hold_id, status, order_id, expires_at, version, updated_at, expected)
        where t.hold_id = any($1) and t.hold_id = x.hold_id and t.version = x.expected
        returning 1)
    select ordo_expect('inventory_hold', (select count(*) from changed), cardinality($1))";

pub(crate) fn inserted<'c>(holds: &[&'c Write<Arc<Hold>>]) -> Vec<Column<'c>> {
    rows(vec![
        named("hold_id", holds, |write| write.row.hold_id.0),
        named("status", holds, |write| write.row.status.as_str()),
        named("sku_ids", holds, |write| write.row.items.iter().map(|line| line.sku_id.as_str()).collect::<Vec<_>>()),
        named("quantities", holds, |write| write.row.items.iter().map(|line| line.qty).collect::<Vec<_>>()),
        named("order_id", holds, |write| write.row.order_id.map(|id| id.0)),
        named("expires_at", holds, |write| write.row.expires_at.map(Moment)),
        named("version", holds, |write| write.row.version),
        named("created_at", holds, |write| Moment(write.row.created_at)),
        named("updated_at", holds, |write| Moment(write.row.updated_at)),
    ])
}

pub(crate) fn updated<'c>(holds: &[&'c Write<Arc<Hold>>]) -> Vec<Column<'c>> {
    vec![
        column(holds, |write| write.row.hold_id.0),
        column(holds, |write| write.row.status.as_str()),
        column(holds, |write| write.row.order_id.map(|id| id.0)),
        column(holds, |write| write.row.expires_at.map(Moment)),
        column(holds, |write| write.row.version),
        column(holds, |write| Moment(write.row.updated_at)),
        column(holds, |write| write.expected),
    ]
}

pub(crate) fn read(row: &Row) -> Result<Hold, Failure> {
    let mut row = Fields::of(row);
    Ok(Hold {
        hold_id: HoldId(row.take()?),
        status: row.word(Status::ALL, Status::as_str)?,
        items: {
            let (sku_ids, quantities) = (row.take::<Vec<&str>>()?, row.take::<Vec<i64>>()?);
            sku_ids.into_iter().zip(quantities).map(|(sku_id, qty)| HoldLine { sku_id: SkuId::from(sku_id), qty }).collect()
        },
        order_id: row.take::<Option<_>>()?.map(OrderId),
        expires_at: row.time_or_none()?,
        version: row.take()?,
        created_at: row.time()?,
        updated_at: row.time()?,
    })
}
