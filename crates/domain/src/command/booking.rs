//! Movements of stock, each of which can happen once to what it belongs to; and the holds that they begin and end.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::hold::{Hold, Status};
use crate::ids::SkuId;
use crate::refusal::Shortage;
use crate::stock::{Balance, BalanceDelta, LedgerEntry, Operation, StockRef};
use crate::tables::{Changes, CounterTable as _, Gap, Stock, View, Write};
use crate::time::Time;

/// The units of each SKU, added up.
pub(super) fn sums<'a>(lines: impl IntoIterator<Item = (&'a SkuId, i64)>) -> BTreeMap<SkuId, i64> {
    let mut sums = BTreeMap::<SkuId, i64>::new();
    for (sku_id, qty) in lines {
        let sum = sums.entry(sku_id.clone()).or_default();
        *sum = sum.saturating_add(qty);
    }
    sums
}

/// Books a movement.
pub(super) fn book(changes: &mut Changes, of: &StockRef, sku_id: &SkuId, operation: Operation, qty: i64, now: Time) {
    let (on_hand, reserved) = operation.deltas(qty);
    changes.ledger.push(LedgerEntry {
        key: format!("{}/{}/{sku_id}", of.id, operation.as_str()).into(),
        sku_id: sku_id.clone(),
        operation,
        qty,
        on_hand_delta: on_hand,
        reserved_delta: reserved,
        reference: of.clone(),
        created_at: now,
    });
    let delta = BalanceDelta { on_hand, reserved, steps: 1, is_new: false };
    Stock::add(changes.stock.entry(sku_id.clone()).or_default(), &delta);
}

/// Promises `quantities`, or tells what is short. What `changes` give back before counts as there.
pub(super) fn reserve(
    changes: &mut Changes,
    seen: &View,
    of: &StockRef,
    quantities: &BTreeMap<SkuId, i64>,
    now: Time,
) -> Result<Vec<Shortage>, Gap> {
    let mut short = Vec::new();
    for (sku_id, &requested) in quantities {
        let there = seen.stock.get(sku_id)?.map_or(0, Balance::available);
        let given_back = changes.stock.get(sku_id).map_or(0, |delta| delta.on_hand.saturating_sub(delta.reserved));
        let available = there.saturating_add(given_back);
        if available < requested {
            short.push(Shortage { sku_id: sku_id.clone(), requested, available });
        } else {
            book(changes, of, sku_id, Operation::Reserve, requested, now);
        }
    }
    Ok(short)
}

/// Writes the next version of `hold`.
pub(super) fn write(changes: &mut Changes, hold: Hold, now: Time) {
    // What the same command wrote before was never saved.
    let expected = changes.holds.get(&hold.hold_id).map_or(hold.version, |write| write.expected);
    let row = Hold { version: expected.saturating_add(1), updated_at: now.max(hold.updated_at), ..hold };
    changes.holds.insert(row.hold_id, Write { expected, row: Arc::new(row) });
}

/// Takes `hold` and its units where `operation` leads; nothing if it is not where that begins.
pub(super) fn turn(changes: &mut Changes, hold: &Hold, operation: Operation, now: Time) {
    let status = match (hold.status, operation) {
        (Status::Active, Operation::Deduct) => Status::Committed,
        (Status::Active, Operation::Release) | (Status::Committed, Operation::Restock) => Status::Released,
        _ => return,
    };
    end(changes, hold, status, operation, now);
}

/// Ends an active hold as `status` says, and its promise by `operation`.
pub(super) fn end(changes: &mut Changes, hold: &Hold, status: Status, operation: Operation, now: Time) {
    let of = hold.stock_ref();
    for line in &hold.items {
        book(changes, &of, &line.sku_id, operation, line.qty, now);
    }
    write(changes, Hold { status, ..hold.clone() }, now);
}
