//! Orders in the words of the tickets door.

use domain::command::OrderAnswer;
use domain::ids::SkuId;
use domain::order::{Line, LineSubject, Order, Status};
use domain::payment::{self, Payment};
use serde::Serialize;
use uuid::Uuid;

use crate::output::amount::Amount;
use crate::output::time::UtcTime;

/// What the door calls the state of an order.
pub(super) const fn word(status: Status) -> &'static str {
    match status {
        Status::Created | Status::PaymentPending => "pending",
        Status::Paid | Status::ReadyToShip | Status::Shipped | Status::Delivered | Status::RefundPending | Status::Refunded => "confirmed",
        Status::Canceled => "cancelled",
    }
}

/// What the door calls the state of a payment.
const fn payment_word(status: payment::Status) -> &'static str {
    match status {
        payment::Status::Initiated | payment::Status::Authorized | payment::Status::Unknown => "pending",
        payment::Status::Captured | payment::Status::PartiallyRefunded | payment::Status::Refunded => "succeeded",
        payment::Status::Failed | payment::Status::Canceled => "failed",
    }
}

/// What placing answers.
#[derive(Serialize)]
pub(super) struct Placed<'a> {
    order_id: Uuid,
    status: &'static str,
    total_amount: Amount,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'static str>,
    items: Vec<Item<'a>>,
    created_at: UtcTime,
}

impl<'a> Placed<'a> {
    pub(super) fn of(order: &'a Order, is_replay: bool) -> Self {
        Self {
            order_id: order.order_id.0,
            status: word(order.status),
            total_amount: Amount { minor: order.totals.total, currency: order.currency },
            message: is_replay.then_some("Order already exists for this idempotency key"),
            items: items(order),
            created_at: UtcTime(order.created_at),
        }
    }
}

/// What reading answers.
#[derive(Serialize)]
pub(super) struct Details<'a> {
    order_id: Uuid,
    status: &'static str,
    total_amount: Amount,
    currency: &'static str,
    customer_email: Option<&'a str>,
    hold_id: Option<Uuid>,
    items: Vec<Item<'a>>,
    payment: Option<PaymentPart<'a>>,
    created_at: UtcTime,
    updated_at: UtcTime,
}

impl<'a> Details<'a> {
    pub(super) fn of(answer: &'a OrderAnswer) -> Self {
        let order: &Order = &answer.order;
        Self {
            order_id: order.order_id.0,
            status: word(order.status),
            total_amount: Amount { minor: order.totals.total, currency: order.currency },
            currency: order.currency.code(),
            customer_email: order.customer_email.as_deref(),
            hold_id: order.hold_id.map(|id| id.0),
            items: items(order),
            payment: answer.payment.as_deref().map(PaymentPart::of),
            created_at: UtcTime(order.created_at),
            updated_at: UtcTime(order.updated_at),
        }
    }
}

/// What confirming answers.
#[derive(Serialize)]
pub(super) struct Confirmed<'a> {
    order_id: Uuid,
    status: &'static str,
    payment: Option<PaymentPart<'a>>,
}

impl<'a> Confirmed<'a> {
    pub(super) fn of(answer: &'a OrderAnswer) -> Self {
        Self {
            order_id: answer.order.order_id.0,
            status: word(answer.order.status),
            payment: answer.payment.as_deref().map(PaymentPart::of),
        }
    }
}

/// What canceling answers.
#[derive(Serialize)]
pub(super) struct Canceled {
    order_id: Uuid,
    status: &'static str,
}

impl Canceled {
    pub(super) fn of(order: &Order) -> Self {
        Self { order_id: order.order_id.0, status: word(order.status) }
    }
}

#[derive(Serialize)]
struct PaymentPart<'a> {
    id: Uuid,
    status: &'static str,
    amount: Amount,
    payment_method: &'a str,
}

impl<'a> PaymentPart<'a> {
    fn of(payment: &'a Payment) -> Self {
        Self {
            id: payment.payment_id.0,
            status: payment_word(payment.status),
            amount: Amount { minor: payment.amount, currency: payment.currency },
            payment_method: payment.method.as_str(),
        }
    }
}

#[derive(Serialize)]
struct Item<'a> {
    id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ticket_type_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sku_id: Option<&'a str>,
    quantity: i64,
    unit_price: Amount,
}

fn items(order: &Order) -> Vec<Item<'_>> {
    order.lines.iter().map(|line| item(line, order)).collect()
}

fn item<'a>(line: &'a Line, order: &Order) -> Item<'a> {
    let (session_id, ticket_type_id, sku_id) = match &line.subject {
        LineSubject::Ticket { session_id, ticket_type_id } => (Some(*session_id), Some(*ticket_type_id), None),
        LineSubject::Sku { sku_id, .. } => (None, None, Some(SkuId::as_str(sku_id))),
    };
    let unit_price = Amount { minor: line.unit_price, currency: order.currency };
    Item { id: line.order_item_id.0, session_id, ticket_type_id, sku_id, quantity: line.qty, unit_price }
}
