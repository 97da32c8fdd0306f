//! Our books against the provider's: one charge for each captured payment, no charge without record.

use std::collections::{BTreeMap, BTreeSet};

use domain::event::Fact;
use domain::ids::{OrderId, PaymentId};
use domain::order::{Channel, PaymentMethod, Status};
use domain::payment::Status as PaymentStatus;

use super::Case;
use crate::marks::Mark;

pub(super) fn judge(case: &mut Case<'_>) {
    for (payment_id, entry) in case.books {
        let payment = case.memory.payments.get(payment_id);
        let (captured, order_id) = payment.map_or((0, None), |payment| (payment.captured, Some(payment.order_id)));
        case.must(captured == entry.charged && order_id == Some(entry.order_id), || {
            format!("the provider's books say {entry:?} of payment {payment_id}, ours say {payment:?}")
        });
    }
    // What came from several sides is surplus but for the first.
    let revised: BTreeSet<OrderId> = case.books.values().filter(|entry| entry.was_revised).map(|entry| entry.order_id).collect();
    let may_be_late = |order_id: &OrderId| revised.contains(order_id) || case.history.sides.contains(order_id);
    let mut late = BTreeSet::<PaymentId>::new();
    for fact in &case.memory.facts {
        if let Fact::LatePaymentReceived { payment_id, .. } = fact.fact {
            case.must(late.insert(payment_id), || format!("payment {payment_id} came too late twice"));
        }
    }
    let mut charges = BTreeMap::<OrderId, Charges>::new();
    for (payment_id, payment) in &case.memory.payments {
        let entry = case.books.get(payment_id);
        // What others took stands in no books of the provider: the events and the collecting tell of it.
        let elsewhere = payment.is_by_hand() && entry.is_none();
        let taken = if elsewhere { payment.captured } else { entry.map_or(0, |entry| entry.charged) };
        let captured = payment.came();
        case.must(payment.captured == taken && captured == (taken > 0), || format!("we say {payment:?}, the provider charged {taken}"));
        case.must(!elsewhere || matches!(payment.captured, 0) || payment.captured == payment.amount, || {
            format!("not all came: {payment:?}")
        });
        case.must(!payment.awaits_provider(), || format!("nobody ever learned how a payment ended: {payment:?}"));
        let surplus = payment.is_surplus;
        case.must(surplus == late.remove(payment_id), || format!("surplus money and its fact do not fit: {payment:?}"));
        let went_back: i64 = case.given_back(*payment_id);
        case.must(payment.refunded == went_back, || format!("we say {payment:?}, but {went_back} was given back"));
        let all_back = payment.status == PaymentStatus::Refunded && payment.refunded == payment.captured;
        case.must(payment.refunded == 0 || all_back, || format!("money goes back in full or not at all: {payment:?}"));
        if surplus {
            case.world.mark(Mark::Surplus);
            // No order is given up, and no second attempt begun, while the first may still bring money: unless the provider
            // goes back on its word, nothing comes too late.
            if case.history.sides.contains(&payment.order_id) {
                case.world.mark(Mark::SecondMoney);
            }
            // A driver may take the cash for an order that is canceled at that moment.
            let by_hand = case.history.collected.contains(payment_id);
            case.must(by_hand || may_be_late(&payment.order_id), || format!("the order did not wait for its own payment: {payment:?}"));
        }
        let sum = charges.entry(payment.order_id).or_default();
        sum.for_it += usize::from(captured && !surplus);
        sum.in_time += usize::from(entry.is_some_and(|entry| entry.charged > 0 && !entry.was_revised));
    }
    case.must(late.is_empty(), || format!("late payments that are not there: {late:?}"));
    for order in case.memory.orders.values() {
        let Charges { for_it, in_time } = charges.remove(&order.order_id).unwrap_or_default();
        let cod = order.payment_method.as_ref().is_some_and(PaymentMethod::is_cod);
        let fits = match order.status {
            Status::Created | Status::PaymentPending => for_it == 0,
            Status::Canceled => for_it == 0 || (for_it == 1 && order.channel == Channel::Storefront),
            Status::Paid => for_it == 1,
            Status::ReadyToShip | Status::Shipped | Status::Delivered => for_it == 1 || (cod && for_it == 0),
            Status::RefundPending | Status::Refunded => false,
        };
        case.must(fits, || format!("order {} is {:?}, and {for_it} payments count for it", order.number, order.status));
        case.must(in_time <= 1 || case.history.sides.contains(&order.order_id), || {
            format!("order {} was charged {in_time} times by our asking", order.number)
        });
    }
}

#[derive(Default)]
struct Charges {
    /// Captured payments that count for the order.
    for_it: usize,
    /// Charges that the provider made when it was asked; not those that it made by itself later.
    in_time: usize,
}
