//! Balances and their movements: tables `inventory_balance` and `inventory_ledger`.

use domain::ids::SkuId;
use domain::stock::{Balance, BalanceDelta, LedgerEntry};
use tokio_postgres::Row;

use crate::error::Failure;
use crate::types::{Column, Fields, Moment, column};

pub(crate) const LOAD: &str = "
    select sku_id, on_hand, reserved, version
    from inventory_balance
    where sku_id = any($1)";

pub(crate) const INSERT: &str = "
    insert into inventory_balance (sku_id, on_hand, reserved, version, updated_at)
    select sku_id, on_hand, reserved, steps, now()
    from unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[]) as x (sku_id, on_hand, reserved, steps)";

/// Adds, so that a hot item does not conflict; the CHECKs refuse what cannot be.
///
/// Rows are locked in the order of their keys first: a sorted input alone does not sort the locks, and two sessions with
/// crossed keys would wait for each other.
pub(crate) const UPDATE: &str = "
    with locked as materialized (
        select sku_id from inventory_balance where sku_id = any($1) order by sku_id for no key update),
    changed as (
        update inventory_balance as b
        set on_hand = b.on_hand + x.on_hand, reserved = b.reserved + x.reserved, version = b.version + x.steps, updated_at = now()
        from locked
        join unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[]) as x (sku_id, on_hand, reserved, steps)
            on x.sku_id = locked.sku_id
        where b.sku_id = any($1) and b.sku_id = locked.sku_id
        returning 1)
    select ordo_expect('inventory_balance', (select count(*) from changed), cardinality($1))";

pub(crate) const INSERT_LEDGER: &str = "
    insert into inventory_ledger (ledger_key, sku_id, operation, qty, on_hand_delta, reserved_delta, ref_type, ref_id, created_at)
    select * from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[], $8::text[],
        $9::timestamptz[])";

pub(crate) fn moved<'c>(rows: &[(&'c SkuId, &'c BalanceDelta)]) -> Vec<Column<'c>> {
    vec![
        column(rows, |(sku_id, _)| sku_id.as_str()),
        column(rows, |(_, delta)| delta.on_hand),
        column(rows, |(_, delta)| delta.reserved),
        column(rows, |(_, delta)| delta.steps),
    ]
}

pub(crate) fn booked<'c>(rows: &[&'c LedgerEntry]) -> Vec<Column<'c>> {
    vec![
        column(rows, |entry| &*entry.key),
        column(rows, |entry| entry.sku_id.as_str()),
        column(rows, |entry| entry.operation.as_str()),
        column(rows, |entry| entry.qty),
        column(rows, |entry| entry.on_hand_delta),
        column(rows, |entry| entry.reserved_delta),
        column(rows, |entry| &*entry.reference.kind),
        column(rows, |entry| &*entry.reference.id),
        column(rows, |entry| Moment(entry.created_at)),
    ]
}

pub(crate) fn read(row: &Row) -> Result<(SkuId, Balance), Failure> {
    let mut row = Fields::of(row);
    Ok((SkuId(row.text()?), Balance { on_hand: row.take()?, reserved: row.take()?, version: row.take()? }))
}
