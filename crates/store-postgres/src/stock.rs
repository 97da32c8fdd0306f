//! Balances and their movements: tables `inventory_balance` and `inventory_ledger`.

use domain::ids::SkuId;
use domain::stock::{Balance, BalanceDelta, LedgerEntry};
use tokio_postgres::Row;

use crate::error::Failure;
use crate::types::{Column, Fields, Moment, column, named, rows};

pub(crate) const LOAD: &str = "
    select sku_id, on_hand, reserved, version
    from inventory_balance
    where sku_id = any($1)";

pub(crate) const INSERT: &str = "
    insert into inventory_balance (sku_id, on_hand, reserved, version, updated_at)
    select sku_id, on_hand, reserved, steps, now()
    from unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[]) as x (sku_id, on_hand, reserved, steps)";

/// Adds, so that a hot item does not conflict; its checks refuse what cannot be.
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
    select ledger_key, sku_id, operation, qty, on_hand_delta, reserved_delta, ref_type, ref_id, created_at
    from unnest($1::inventory_ledger[])";

pub(crate) fn moved<'c>(rows: &[(&'c SkuId, &'c BalanceDelta)]) -> Vec<Column<'c>> {
    vec![
        column(rows, |(sku_id, _)| sku_id.as_str()),
        column(rows, |(_, delta)| delta.on_hand),
        column(rows, |(_, delta)| delta.reserved),
        column(rows, |(_, delta)| delta.steps),
    ]
}

pub(crate) fn booked<'c>(entries: &[&'c LedgerEntry]) -> Vec<Column<'c>> {
    rows(vec![
        named("ledger_key", entries, |entry| &*entry.key),
        named("sku_id", entries, |entry| entry.sku_id.as_str()),
        named("operation", entries, |entry| entry.operation.as_str()),
        named("qty", entries, |entry| entry.qty),
        named("on_hand_delta", entries, |entry| entry.on_hand_delta),
        named("reserved_delta", entries, |entry| entry.reserved_delta),
        named("ref_type", entries, |entry| &*entry.reference.kind),
        named("ref_id", entries, |entry| &*entry.reference.id),
        named("created_at", entries, |entry| Moment(entry.created_at)),
    ])
}

pub(crate) fn read(row: &Row) -> Result<(SkuId, Balance), Failure> {
    let mut row = Fields::of(row);
    Ok((SkuId(row.text()?), Balance { on_hand: row.take()?, reserved: row.take()?, version: row.take()? }))
}
