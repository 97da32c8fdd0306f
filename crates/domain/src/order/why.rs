//! What an order waits for, in plain words: since when, until when, and what would move it.

use super::{Action, Order, Status};
use crate::caller::Caller;
use crate::command::OrderAnswer;
use crate::money;
use crate::payment::{Payment, Status as PaymentStatus};
use crate::time::Time;

/// What an order waits for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum WaitsFor {
    /// Nobody has asked for the money yet.
    PaymentRequest,
    /// The provider was asked, and will answer.
    PaymentProvider,
    /// The provider was asked, and has been silent: nobody knows whether it took the money.
    PaymentOutcome,
    /// An attempt that somebody completes by hand.
    PaymentCompletion,
    /// Another attempt, since the last one was refused.
    AnotherPayment,
    /// Somebody to pack it.
    Packing,
    /// The carrier to take it.
    Shipping,
    /// The carrier to bring it.
    Delivery,
    /// Somebody to collect the money on delivery.
    Collection,
    /// The money to be back.
    Refund,
    /// Nothing: it is over.
    Nothing,
}

impl WaitsFor {
    /// The published word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PaymentRequest => "payment_request",
            Self::PaymentProvider => "payment_provider",
            Self::PaymentOutcome => "payment_outcome",
            Self::PaymentCompletion => "payment_completion",
            Self::AnotherPayment => "another_payment",
            Self::Packing => "packing",
            Self::Shipping => "shipping",
            Self::Delivery => "delivery",
            Self::Collection => "collection",
            Self::Refund => "refund",
            Self::Nothing => "nothing",
        }
    }
}

/// Why an order stands where it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Why {
    /// What it waits for.
    pub waits_for: WaitsFor,
    /// Until when, before something happens by itself.
    pub until: Option<Time>,
    /// In a sentence or two.
    pub explanation: String,
    /// What the caller may ask for next.
    pub moves: Vec<Action>,
}

/// Why the order stands where it stands, for `caller`.
pub fn why(shown: &OrderAnswer, caller: &Caller) -> Why {
    let (order, payment) = (&*shown.order, shown.payment.as_deref());
    let waits_for = waits_for(shown);
    let until = match waits_for {
        WaitsFor::PaymentProvider | WaitsFor::PaymentOutcome => payment.and_then(|payment| payment.next_check_at),
        _ => order.expires_at,
    };
    Why { waits_for, until, explanation: explanation(waits_for, order, payment), moves: order.allowed_actions(caller).collect() }
}

fn waits_for(shown: &OrderAnswer) -> WaitsFor {
    let (order, payment) = (&shown.order, shown.payment.as_deref());
    let is_cod = order.payment_method.as_ref().is_some_and(super::PaymentMethod::is_cod);
    let is_unpaid = payment.is_none_or(|payment| !payment.came());
    let goes_back = shown.refunds.iter().any(|refund| refund.status.is_open());
    match order.status {
        Status::Created | Status::PaymentPending if is_cod => WaitsFor::Packing,
        Status::Created | Status::PaymentPending => match payment.map(|payment| (payment.status, payment.awaits_provider())) {
            None => WaitsFor::PaymentRequest,
            Some((PaymentStatus::Failed | PaymentStatus::Canceled, _)) => WaitsFor::AnotherPayment,
            Some((PaymentStatus::Unknown, true)) => WaitsFor::PaymentOutcome,
            Some((_, true)) => WaitsFor::PaymentProvider,
            Some((_, false)) => WaitsFor::PaymentCompletion,
        },
        Status::Paid => WaitsFor::Packing,
        Status::ReadyToShip => WaitsFor::Shipping,
        Status::Shipped => WaitsFor::Delivery,
        Status::Delivered if is_cod && is_unpaid => WaitsFor::Collection,
        Status::RefundPending => WaitsFor::Refund,
        Status::Delivered | Status::Canceled | Status::Refunded if goes_back => WaitsFor::Refund,
        Status::Delivered | Status::Canceled | Status::Refunded => WaitsFor::Nothing,
    }
}

fn explanation(waits_for: WaitsFor, order: &Order, payment: Option<&Payment>) -> String {
    let due = format!("{} {}", money::to_text(order.totals.total, order.currency), order.currency);
    let gives_up =
        if order.expires_at.is_some() { " If it is not paid in time, the order is canceled and its stock is free again." } else { "" };
    match waits_for {
        WaitsFor::PaymentRequest => format!("Nobody has asked for the {due} yet.{gives_up}"),
        WaitsFor::PaymentProvider => format!("The payment provider was asked for {due} and has not answered yet."),
        WaitsFor::PaymentOutcome => {
            let silences = payment.map_or(0, |payment| payment.silences);
            let times = if silences == 1 { "once".to_owned() } else { format!("{silences} times") };
            format!(
                "The payment provider was asked for {due} and did not answer in time, {times} so far: it is not known whether the money was taken. It is \
                 asked again, which charges nobody twice; until it answers, the order can be neither canceled nor paid in another way."
            )
        }
        WaitsFor::PaymentCompletion => format!("An attempt to pay {due} waits for somebody to complete it.{gives_up}"),
        WaitsFor::AnotherPayment => {
            let reason = payment.and_then(|payment| payment.failure_reason.as_deref()).map(|reason| format!(" ({reason})"));
            format!("The last attempt to pay {due} was refused{}. Another one may follow.{gives_up}", reason.unwrap_or_default())
        }
        WaitsFor::Packing if order.status.awaits_payment() => format!("It is paid on delivery ({due}) and waits to be packed."),
        WaitsFor::Packing => format!("The {due} are there; it waits to be packed."),
        WaitsFor::Shipping => "It is packed and waits for the carrier.".to_owned(),
        WaitsFor::Delivery => match &order.tracking_number {
            Some(number) => format!("It is with the carrier under {number} and waits to be delivered."),
            None => "It is with the carrier and waits to be delivered.".to_owned(),
        },
        WaitsFor::Collection => format!("It was delivered; the {due} that were to be paid on delivery have not been collected yet."),
        WaitsFor::Refund => "Money is on its way back to the customer.".to_owned(),
        WaitsFor::Nothing => match (order.status, &order.cancellation_reason) {
            (Status::Canceled, Some(reason)) => format!("It is over: it was canceled ({reason})."),
            (Status::Canceled, None) => "It is over: it was canceled.".to_owned(),
            (Status::Refunded, _) => "It is over: all the money went back.".to_owned(),
            _ => "It is over: it was delivered.".to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::ids::{OrderId, OrderNumber, PaymentId, RefundId, Uuid};
    use crate::money::Currency;
    use crate::order::{AddressRef, Channel, PaymentStanding, Totals};
    use crate::refund::{Refund, Status as RefundStatus};
    use crate::stock::StockState;

    fn order(status: Status) -> Order {
        Order {
            order_id: OrderId(Uuid::from_u128(1)),
            number: OrderNumber { year: 2026, serial: 1 },
            channel: Channel::Canonical,
            user_id: None,
            customer_email: None,
            cart_id: None,
            external_id: None,
            hold_id: None,
            idempotency_key: None,
            status,
            status_before: None,
            payment_standing: PaymentStanding::Pending,
            payment_method: None,
            payment_id: None,
            stock: StockState::Reserved,
            currency: Currency::USD,
            totals: Totals { subtotal: 1999, discount: 0, tax: 0, shipping: 0, total: 1999 },
            shipping_address: AddressRef::default(),
            billing_address: AddressRef::default(),
            notes: None,
            metadata: "{}".into(),
            tracking_number: Some("1Z".into()),
            shipped_at: None,
            delivered_at: None,
            cancelled_at: None,
            cancellation_reason: Some("expired".into()),
            expires_at: status.awaits_payment().then_some(Time(900)),
            version: 1,
            created_at: Time(0),
            updated_at: Time(0),
            lines: Vec::new(),
            shipments: Vec::new(),
            refunds: Vec::new(),
        }
    }

    fn payment(status: PaymentStatus, next_check_at: Option<i64>) -> Payment {
        let none = Payment::of_nothing(PaymentId(Uuid::from_u128(2)), OrderId(Uuid::from_u128(1)), Currency::USD, Time(0));
        let (silences, failure_reason) = (2, Some("card_declined".into()));
        Payment { status, amount: 1999, silences, failure_reason, next_check_at: next_check_at.map(Time), ..none }
    }

    fn told(order: Order, payment: Option<Payment>, refund: Option<RefundStatus>) -> Why {
        let refund = refund.map(|status| {
            Arc::new(Refund {
                refund_id: RefundId(Uuid::from_u128(3)),
                order_id: order.order_id,
                payment_id: PaymentId(Uuid::from_u128(2)),
                status,
                amount: 1999,
                currency: Currency::USD,
                reason: "r".into(),
                provider_ref: None,
                failure_reason: None,
                silences: 0,
                next_check_at: None,
                version: 1,
                created_at: Time(0),
                updated_at: Time(0),
            })
        });
        why(&OrderAnswer::now(Arc::new(order), payment.map(Arc::new), refund.into_iter().collect()), &Caller::local_admin())
    }

    #[test]
    fn every_status_and_every_payment_waits_for_something_that_is_said() {
        use PaymentStatus::{Authorized, Captured, Failed, Initiated, Unknown};
        let pending = || order(Status::PaymentPending);
        let cod = |status| Order { payment_method: Some("cod".into()), ..order(status) };
        for (order, payment, refund, expected, says, until) in [
            (order(Status::Created), None, None, "payment_request", "19.99 USD", Some(900)),
            (pending(), Some(payment(Initiated, Some(50))), None, "payment_provider", "has not answered", Some(50)),
            (pending(), Some(payment(Authorized, Some(50))), None, "payment_provider", "19.99 USD", Some(50)),
            (pending(), Some(payment(Unknown, Some(50))), None, "payment_outcome", "2 times", Some(50)),
            (pending(), Some(payment(Initiated, None)), None, "payment_completion", "somebody", Some(900)),
            (pending(), Some(payment(Failed, None)), None, "another_payment", "(card_declined)", Some(900)),
            (cod(Status::PaymentPending), Some(payment(Initiated, None)), None, "packing", "paid on delivery", Some(900)),
            (order(Status::Paid), Some(payment(Captured, None)), None, "packing", "are there", None),
            (order(Status::ReadyToShip), Some(payment(Captured, None)), None, "shipping", "carrier", None),
            (order(Status::Shipped), Some(payment(Captured, None)), None, "delivery", "1Z", None),
            (cod(Status::Delivered), Some(payment(Initiated, None)), None, "collection", "not been collected", None),
            (order(Status::Delivered), Some(payment(Captured, None)), None, "nothing", "delivered", None),
            (order(Status::Delivered), Some(payment(Captured, None)), Some(RefundStatus::Processing), "refund", "way back", None),
            (order(Status::Canceled), None, None, "nothing", "(expired)", None),
            (order(Status::Canceled), Some(payment(Captured, None)), Some(RefundStatus::Requested), "refund", "way back", None),
            (order(Status::RefundPending), Some(payment(Captured, None)), None, "refund", "way back", None),
            (
                order(Status::Refunded),
                Some(payment(PaymentStatus::Refunded, None)),
                Some(RefundStatus::Refunded),
                "nothing",
                "went back",
                None,
            ),
        ] {
            let status = order.status;
            let told = told(order, payment, refund);
            assert_eq!(told.waits_for.as_str(), expected, "{status:?}");
            assert!(told.explanation.contains(says), "{status:?}: {}", told.explanation);
            assert_eq!(told.until, until.map(Time), "{status:?}");
        }
        for status in Status::ALL {
            assert!(told(order(*status), None, None).explanation.ends_with('.'), "{status:?}");
        }
    }
}
