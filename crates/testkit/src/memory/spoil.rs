//! Bugs that lose or double a part of what was rightly saved.

use std::sync::Arc;

use domain::Changes;
use domain::stock::Operation;

use super::faults::{Bug, Bugs};
use super::tables::Memory;

/// What is kept in place of `changes`; `None`: `changes`.
pub(super) fn spoiled(changes: &Changes, memory: &Memory, bugs: &Bugs) -> Option<Changes> {
    if ![Bug::EventKeysForgotten, Bug::RefundsCountTwice, Bug::RestocksForgotten].iter().any(|bug| bugs.has(*bug)) {
        return None;
    }
    let mut kept = Changes::default();
    kept.absorb(changes);
    if bugs.has(Bug::EventKeysForgotten) {
        kept.keys.retain(|key, _| !key.0.contains("\u{1f}hear_event\u{1f}"));
    }
    if bugs.has(Bug::RefundsCountTwice) {
        for (payment_id, write) in &mut kept.payments {
            let before = memory.payments.get(payment_id).map_or(0, |payment| payment.refunded);
            let payment = Arc::make_mut(&mut write.row);
            payment.refunded += payment.refunded - before;
        }
    }
    if bugs.has(Bug::RestocksForgotten) {
        let of_order = |entry: &&domain::stock::LedgerEntry| entry.operation == Operation::Restock && &*entry.reference.kind == "order";
        for entry in changes.ledger.iter().filter(of_order) {
            if let Some(delta) = kept.stock.get_mut(&entry.sku_id) {
                delta.on_hand -= entry.on_hand_delta;
                delta.reserved -= entry.reserved_delta;
            }
        }
        kept.ledger.retain(|entry| !of_order(&entry));
    }
    Some(kept)
}
