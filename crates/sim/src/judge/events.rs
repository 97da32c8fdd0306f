//! Each event that was told is applied once, whoever told it, and the same money is counted once, whatever event tells of it.

use std::collections::{BTreeMap, BTreeSet};

use domain::ids::OrderId;
use domain::key::ScopedKey;
use domain::order::PaymentMethod;
use domain::payment::EXTERNAL;
use domain::task::Kind as TaskKind;

use super::Case;
use crate::history::{Kind, Tells};

/// What became of the events of one order.
#[derive(Default)]
struct Heard {
    money: usize,
    no_money: usize,
    mismatches: usize,
}

pub(super) fn judge(case: &mut Case<'_>) {
    let mut heard = BTreeMap::<OrderId, Heard>::new();
    let mut known = BTreeSet::<&ScopedKey>::new();
    for wish in &case.history.wishes {
        let (Kind::Event(event), Some(key)) = (&wish.kind, &wish.key) else { continue };
        let Some(row) = case.memory.keys.get(key).filter(|_| known.insert(key)) else { continue };
        let heard = heard.entry(event.order_id).or_default();
        match (&event.tells, &*row.answer) {
            (Tells::Money { is_due: true, .. }, "applied") => heard.money += 1,
            (Tells::Money { is_due: false, .. }, "amount_mismatch") => heard.mismatches += 1,
            (Tells::NoMoney, "applied") => heard.no_money += 1,
            (Tells::Money { .. } | Tells::NoMoney, "nothing") | (Tells::Other, _) => {}
            (tells, answer) => case.wrong.push(format!("{}: {tells:?} came to {answer}", wish.tag)),
        }
    }
    let mut references = BTreeSet::new();
    for payment in case.memory.payments.values().filter(|payment| &*payment.provider == EXTERNAL) {
        if let Some(reference) = &payment.provider_ref {
            let first = references.insert((payment.order_id, reference.clone()));
            case.must(first, || format!("the money that is called {reference} was counted twice: {payment:?}"));
        }
        // Money that was collected by hand was told by nobody.
        if case.history.collected.contains(&payment.payment_id) {
            continue;
        }
        let heard = heard.entry(payment.order_id).or_default();
        let left = if payment.came() { &mut heard.money } else { &mut heard.no_money };
        match left.checked_sub(1) {
            Some(less) => *left = less,
            None => case.wrong.push(format!("nobody told of {payment:?}")),
        }
    }
    for task in case.memory.tasks.values().filter(|task| task.kind == TaskKind::AmountMismatch) {
        let heard = heard.entry(task.order_id).or_default();
        match heard.mismatches.checked_sub(1) {
            Some(less) => heard.mismatches = less,
            None => case.wrong.push(format!("a person was called for nothing: {task:?}")),
        }
    }
    for (order_id, Heard { money, no_money, mismatches }) in heard {
        case.must(money + no_money + mismatches == 0, || {
            format!("events of order {order_id} that left nothing: money {money}, no money {no_money}, mismatches {mismatches}")
        });
    }
    for payment in case.memory.payments.values().filter(|payment| PaymentMethod::is_cod(&payment.method) && payment.came()) {
        let asked = case.history.collected.contains(&payment.payment_id);
        case.must(asked || &*payment.provider == EXTERNAL, || format!("nobody collected {payment:?}"));
    }
}
