//! What went back: once, no more than came, as the provider's and the cashier's books say; what stays here has called a person.

use std::collections::BTreeMap;

use domain::event::Fact;
use domain::ids::RefundId;
use domain::order::Status as OrderStatus;
use domain::refund::Status;
use domain::task::Kind as TaskKind;

use super::Case;
use crate::marks::Mark;

/// What a history says of one refund.
#[derive(Clone, Copy, Default, Debug)]
struct Told {
    requested: usize,
    done: usize,
    failed: usize,
}

pub(super) fn judge(case: &mut Case<'_>) {
    let mut told = BTreeMap::<RefundId, Told>::new();
    for fact in &case.memory.facts {
        match fact.fact {
            Fact::RefundRequested { refund_id, .. } => told.entry(refund_id).or_default().requested += 1,
            Fact::RefundSucceeded { refund_id, .. } | Fact::LatePaymentRefunded { refund_id, .. } => {
                told.entry(refund_id).or_default().done += 1;
            }
            Fact::RefundFailed { refund_id, .. } => told.entry(refund_id).or_default().failed += 1,
            _ => {}
        }
    }
    for refund in case.memory.refunds.values() {
        let facts = told.remove(&refund.refund_id).unwrap_or_default();
        let (done, failed) = (refund.status == Status::Refunded, refund.status == Status::Failed);
        case.must(done || failed, || format!("a refund has no end: {refund:?}"));
        let once = facts.requested == 1 && facts.done == usize::from(done) && facts.failed <= 1 && (!failed || facts.failed == 1);
        case.must(once, || format!("the history tells {facts:?} of {refund:?}"));
        let payment = case.memory.payments.get(&refund.payment_id);
        let belongs = payment.is_some_and(|payment| payment.order_id == refund.order_id && refund.amount == payment.captured);
        case.must(belongs, || format!("{refund:?} is not all the money of {payment:?}"));
        let by_provider = case.books.get(&refund.payment_id).and_then(|entry| entry.refunds.get(&refund.refund_id)).copied();
        let by_hand = case.history.by_hand.get(&refund.refund_id).copied();
        let gave = by_provider.or(by_hand).filter(|_| by_provider.is_none() || by_hand.is_none());
        case.must(gave == done.then_some(refund.amount), || format!("we say {refund:?}, but {by_provider:?} or {by_hand:?} was given"));
        if done && by_provider.is_some() {
            case.world.mark(Mark::WentBack);
        }
        if facts.failed > 0 {
            let of_order = case.memory.tasks.values().any(|task| task.kind == TaskKind::RefundFailed && task.order_id == refund.order_id);
            case.must(of_order, || format!("nobody was called for {refund:?}"));
        }
        if failed {
            case.world.mark(Mark::StayedHere);
        }
    }
    case.must(told.is_empty(), || format!("facts of refunds that are not there: {told:?}"));
    for payment in case.memory.payments.values().filter(|payment| payment.captured > 0) {
        let canceled = case.memory.orders.get(&payment.order_id).is_some_and(|order| order.status == OrderStatus::Canceled);
        let refunds = case.memory.refunds.values().filter(|refund| refund.payment_id == payment.payment_id).count();
        // Money that covers nothing goes back, once; no other.
        case.must(refunds == usize::from(payment.is_surplus || canceled), || format!("{refunds} refunds of {payment:?}"));
    }
}
