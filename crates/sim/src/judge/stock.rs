//! The shelves as they must be after what was answered: a model that knows nothing of versions, batches or races.

use std::collections::BTreeMap;

use domain::ids::SkuId;
use domain::order::Status;
use domain::stock::Operation;

use super::{Case, order_wishes};
use crate::history::{Kind, Wish};

pub(super) fn judge(case: &mut Case<'_>) {
    let mut shelves = BTreeMap::<SkuId, (i64, i64)>::new();
    let history = case.history;
    for wish in &history.wishes {
        if let Kind::Move { sku_id, operation, qty, reference } = &wish.kind {
            let booked = judge_move(case, wish, *operation, reference);
            let (on_hand, reserved) = operation.deltas(*qty);
            let shelf = shelves.entry(sku_id.clone()).or_default();
            *shelf = (shelf.0 + on_hand * booked, shelf.1 + reserved * booked);
        }
    }
    for (_, wanted) in order_wishes(history) {
        for order_id in case.by_name.get(&wanted.name).into_iter().flatten() {
            let Some(status) = case.memory.orders.get(order_id).map(|order| order.status) else { continue };
            for (sku_id, qty) in wanted.units.iter().chain(&wanted.held) {
                let shelf = shelves.entry(sku_id.clone()).or_default();
                match status {
                    Status::Created | Status::PaymentPending => shelf.1 += qty,
                    Status::Canceled => {}
                    Status::Paid | Status::ReadyToShip | Status::Shipped | Status::Delivered | Status::RefundPending | Status::Refunded => {
                        shelf.0 -= qty;
                    }
                }
            }
        }
    }
    for (sku_id, balance) in &case.memory.stock {
        let (on_hand, reserved) = shelves.remove(sku_id).unwrap_or_default();
        case.must((balance.on_hand, balance.reserved) == (on_hand, reserved), || {
            format!("{sku_id}: {on_hand} on hand and {reserved} reserved after all that was answered, but kept is {balance:?}")
        });
        case.must(0 <= reserved && reserved <= on_hand, || format!("{sku_id}: {reserved} promised of {on_hand}"));
    }
    shelves.retain(|_, shelf| *shelf != (0, 0));
    case.must(shelves.is_empty(), || format!("no balance is kept for {shelves:?}"));
}

/// How often the movement was booked: as it was answered.
fn judge_move(case: &mut Case<'_>, wish: &Wish, operation: Operation, reference: &str) -> i64 {
    let is_it = |entry: &&domain::stock::LedgerEntry| *entry.reference.id == *reference && entry.operation == operation;
    let booked = case.memory.ledger.iter().filter(is_it).count();
    let fits = match (wish.identity(), wish.is_unsure()) {
        (Some(_), _) => booked == 1,
        (None, true) => booked <= 1,
        (None, false) => booked == 0,
    };
    case.must(fits, || format!("{} was booked {booked} times: {wish:?}", wish.tag));
    i64::try_from(booked).unwrap_or(i64::MAX)
}
