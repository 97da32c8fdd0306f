//! Our books against the provider's: one charge for each captured payment, no charge without record.

use std::collections::BTreeMap;

use domain::event::Fact;
use domain::ids::OrderId;
use domain::order::Status;
use domain::payment::Status as PaymentStatus;

use super::Case;

pub(super) fn judge(case: &mut Case<'_>) {
    let mut charges = BTreeMap::<OrderId, i64>::new();
    for (payment_id, entry) in case.books {
        let payment = case.memory.payments.get(payment_id);
        let (captured, order_id) = payment.map_or((0, None), |payment| (payment.captured, Some(payment.order_id)));
        case.must(captured == entry.charged && order_id == Some(entry.order_id), || {
            format!("the provider's books say {entry:?} of payment {payment_id}, ours say {payment:?}")
        });
        if entry.charged > 0 {
            *charges.entry(entry.order_id).or_default() += 1;
        }
    }
    for (payment_id, payment) in &case.memory.payments {
        let charged = case.books.get(payment_id).map_or(0, |entry| entry.charged);
        let captured = payment.status == PaymentStatus::Captured;
        case.must(payment.captured == charged && captured == (charged > 0), || {
            format!("we say {payment:?}, the provider charged {charged}")
        });
        let cod = payment.method.is_cod();
        case.must(!payment.status.is_open() || cod, || format!("nobody ever learned how a payment ended: {payment:?}"));
    }
    for order in case.memory.orders.values() {
        let count = charges.get(&order.order_id).copied().unwrap_or(0);
        case.must(count <= 1, || format!("order {} was charged {count} times", order.number));
        let is_late = |fact: &std::sync::Arc<domain::event::OrderEvent>| {
            fact.order_id == order.order_id && matches!(fact.fact, Fact::LatePaymentReceived { .. })
        };
        let fits = match order.status {
            Status::Paid => count == 1,
            Status::Canceled => count == 0 || case.memory.facts.iter().any(is_late),
            _ => count == 0,
        };
        case.must(fits, || format!("order {} is {:?} and was charged {count} times", order.number, order.status));
    }
}
