//! Orders in the fields of the order service's tables. Every field is always there.

use domain::Caller;
use domain::command::OrderAnswer;
use domain::ids::{AddressId, ProductId, SkuId, UserId};
use domain::order::{Action, Line, LineSubject, Order, PaymentMethod, Status};
use domain::refund::Refund;
use domain::shipment::Shipment;
use engine::port::RecordedEvent;
use serde::Serialize;
use uuid::Uuid;

use super::word::Word;
use crate::output::amount::Amount;
use crate::output::time::UtcTime;

/// An order, as lists show it.
#[derive(Serialize)]
pub(super) struct OrderShape<'a> {
    id: Uuid,
    order_number: String,
    user_id: Option<&'a str>,
    status: &'static str,
    subtotal: Amount,
    tax_amount: Amount,
    shipping_amount: Amount,
    discount_amount: Amount,
    total_amount: Amount,
    currency: &'static str,
    shipping_address_id: Option<&'a str>,
    billing_address_id: Option<&'a str>,
    notes: Option<&'a str>,
    tracking_number: Option<&'a str>,
    shipped_at: Option<UtcTime>,
    delivered_at: Option<UtcTime>,
    cancelled_at: Option<UtcTime>,
    cancellation_reason: Option<&'a str>,
    created_at: UtcTime,
    updated_at: UtcTime,
    customer_email: Option<&'a str>,
    payment_status: &'static str,
    payment_method: Option<&'a str>,
    expires_at: Option<UtcTime>,
    version: i64,
    allowed_actions: Vec<&'static str>,
    items: Vec<ItemShape<'a>>,
    refunds: Vec<RefundShape<'a>>,
}

/// An order with its history; `null` where it could not be read.
#[derive(Serialize)]
pub(super) struct Details<'a> {
    #[serde(flatten)]
    pub(super) order: OrderShape<'a>,
    pub(super) status_history: Option<Vec<ChangeShape<'a>>>,
}

#[derive(Serialize)]
struct ItemShape<'a> {
    id: Uuid,
    order_id: Uuid,
    product_id: Option<&'a str>,
    product_name: Option<&'a str>,
    product_sku: Option<&'a str>,
    quantity: i64,
    unit_price: Amount,
    total_price: Amount,
    created_at: UtcTime,
}

#[derive(Serialize)]
struct RefundShape<'a> {
    id: Uuid,
    status: &'static str,
    amount: Amount,
    reason: &'a str,
    created_at: UtcTime,
    updated_at: UtcTime,
}

/// A change of the status.
#[derive(Serialize)]
pub(super) struct ChangeShape<'a> {
    id: Uuid,
    order_id: Uuid,
    from_status: Option<&'static str>,
    to_status: &'static str,
    notes: Option<&'a str>,
    changed_by: &'a str,
    created_at: UtcTime,
}

/// Where the goods are.
#[derive(Serialize)]
pub(super) struct TrackingShape<'a> {
    order_id: Uuid,
    order_number: String,
    status: &'static str,
    carrier_code: Option<&'a str>,
    tracking_number: Option<&'a str>,
    shipped_at: Option<UtcTime>,
    delivered_at: Option<UtcTime>,
    shipments: Vec<ShipmentShape<'a>>,
}

#[derive(Serialize)]
struct ShipmentShape<'a> {
    id: Uuid,
    status: &'static str,
    carrier_code: Option<&'a str>,
    tracking_number: Option<&'a str>,
    shipped_at: Option<UtcTime>,
    delivered_at: Option<UtcTime>,
    items: Vec<PackedShape>,
}

#[derive(Serialize)]
struct PackedShape {
    order_item_id: Uuid,
    quantity: i64,
}

impl<'a> OrderShape<'a> {
    pub(super) fn of(answer: &'a OrderAnswer, caller: &Caller) -> Self {
        let order: &Order = &answer.order;
        let amount = |minor| Amount { minor, currency: order.currency };
        Self {
            id: order.order_id.0,
            order_number: order.number.to_string(),
            user_id: order.user_id.as_ref().map(UserId::as_str),
            status: Word::of(order).as_str(),
            subtotal: amount(order.totals.subtotal),
            tax_amount: amount(order.totals.tax),
            shipping_amount: amount(order.totals.shipping),
            discount_amount: amount(order.totals.discount),
            total_amount: amount(order.totals.total),
            currency: order.currency.code(),
            shipping_address_id: order.shipping_address.id.as_ref().map(AddressId::as_str),
            billing_address_id: order.billing_address.id.as_ref().map(AddressId::as_str),
            notes: order.notes.as_deref(),
            tracking_number: order.tracking_number.as_deref(),
            shipped_at: order.shipped_at.map(UtcTime),
            delivered_at: order.delivered_at.map(UtcTime),
            cancelled_at: order.cancelled_at.map(UtcTime),
            cancellation_reason: order.cancellation_reason.as_deref(),
            created_at: UtcTime(order.created_at),
            updated_at: UtcTime(order.updated_at),
            customer_email: order.customer_email.as_deref(),
            payment_status: order.payment_standing.as_str(),
            payment_method: order.payment_method.as_ref().map(PaymentMethod::as_str),
            expires_at: order.expires_at.map(UtcTime),
            version: order.version,
            allowed_actions: order.allowed_actions(caller).map(Action::as_str).collect(),
            items: order.lines.iter().map(|line| ItemShape::of(line, order)).collect(),
            refunds: answer.refunds.iter().map(|refund| RefundShape::of(refund)).collect(),
        }
    }
}

impl<'a> ItemShape<'a> {
    fn of(line: &'a Line, order: &Order) -> Self {
        let amount = |minor| Amount { minor, currency: order.currency };
        let (product_id, product_name, product_sku) = match &line.subject {
            LineSubject::Sku { sku_id, product_id, name, .. } => {
                (Some(ProductId::as_str(product_id)), Some(&**name), Some(SkuId::as_str(sku_id)))
            }
            LineSubject::Ticket { .. } => (None, None, None),
        };
        Self {
            id: line.order_item_id.0,
            order_id: order.order_id.0,
            product_id,
            product_name,
            product_sku,
            quantity: line.qty,
            unit_price: amount(line.unit_price),
            total_price: amount(line.total),
            created_at: UtcTime(order.created_at),
        }
    }
}

impl<'a> RefundShape<'a> {
    fn of(refund: &'a Refund) -> Self {
        Self {
            id: refund.refund_id.0,
            status: refund.status.as_str(),
            amount: Amount { minor: refund.amount, currency: refund.currency },
            reason: &refund.reason,
            created_at: UtcTime(refund.created_at),
            updated_at: UtcTime(refund.updated_at),
        }
    }
}

/// The facts that changed the word of the order.
pub(super) fn history<'a>(order: &Order, events: &'a [RecordedEvent]) -> Vec<ChangeShape<'a>> {
    let mut word = None;
    let mut changes = Vec::new();
    for event in events {
        // A status without a word of its own keeps the word before it.
        let to = Status::parse(&event.to).and_then(Word::of_status).or(word);
        if let Some(to_word) = to.filter(|_| to != word) {
            changes.push(ChangeShape {
                id: event.order_event_id.0,
                order_id: order.order_id.0,
                from_status: word.map(Word::as_str),
                to_status: to_word.as_str(),
                notes: event.notes.as_deref(),
                changed_by: &event.changed_by,
                created_at: UtcTime(event.created_at),
            });
        }
        word = to;
    }
    changes
}

impl<'a> TrackingShape<'a> {
    pub(super) fn of(order: &'a Order) -> Self {
        Self {
            order_id: order.order_id.0,
            order_number: order.number.to_string(),
            status: Word::of(order).as_str(),
            carrier_code: order.shipments.iter().rev().find_map(|shipment| shipment.carrier_code.as_deref()),
            tracking_number: order.tracking_number.as_deref(),
            shipped_at: order.shipped_at.map(UtcTime),
            delivered_at: order.delivered_at.map(UtcTime),
            shipments: order.shipments.iter().map(ShipmentShape::of).collect(),
        }
    }
}

impl<'a> ShipmentShape<'a> {
    fn of(shipment: &'a Shipment) -> Self {
        let packed = shipment.lines.iter().map(|line| PackedShape { order_item_id: line.order_item_id.0, quantity: line.qty });
        Self {
            id: shipment.shipment_id.0,
            status: shipment.status.as_str(),
            carrier_code: shipment.carrier_code.as_deref(),
            tracking_number: shipment.tracking_number.as_deref(),
            shipped_at: shipment.shipped_at.map(UtcTime),
            delivered_at: shipment.delivered_at.map(UtcTime),
            items: packed.collect(),
        }
    }
}
