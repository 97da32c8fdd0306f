//! An order as the canonical door shows it. Every field is always there.

use domain::Caller;
use domain::command::OrderAnswer;
use domain::ids::{AddressId, ProductId, SkuId, UserId};
use domain::order::{Action, Line, LineSubject, Order, PaymentMethod, PriceSnapshot};
use engine::port::RecordedEvent;
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::payment::PaymentShape;
use super::refund::RefundShape;
use super::shipment::ShipmentShape;
use crate::output::amount::Amount;
use crate::output::stored;
use crate::output::time::UtcTime;
use crate::refusals::price_changes;

#[derive(Serialize)]
pub(super) struct OrderShape<'a> {
    /// `None`: it would be made, but was not.
    order_id: Option<Uuid>,
    order_number: Option<String>,
    channel: &'static str,
    user_id: Option<&'a str>,
    customer_email: Option<&'a str>,
    cart_id: Option<Uuid>,
    external_id: Option<&'a str>,
    hold_id: Option<Uuid>,
    status: &'static str,
    payment_status: &'static str,
    payment_method: Option<&'a str>,
    currency: &'static str,
    subtotal_amount: Amount,
    discount_amount: Amount,
    tax_amount: Amount,
    shipping_fee: Amount,
    total_amount: Amount,
    items: Vec<ItemShape<'a>>,
    payment: Option<PaymentShape<'a>>,
    shipments: Vec<ShipmentShape<'a>>,
    refunds: Vec<RefundShape<'a>>,
    shipping_address_id: Option<&'a str>,
    shipping_address: Option<&'a RawValue>,
    billing_address_id: Option<&'a str>,
    billing_address: Option<&'a RawValue>,
    notes: Option<&'a str>,
    metadata: Option<&'a RawValue>,
    tracking_number: Option<&'a str>,
    cancellation_reason: Option<&'a str>,
    allowed_actions: Vec<&'static str>,
    expires_at: Option<UtcTime>,
    version: i64,
    created_at: UtcTime,
    updated_at: UtcTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    price_changes: Option<Box<RawValue>>,
}

#[derive(Serialize)]
struct ItemShape<'a> {
    order_item_id: Option<Uuid>,
    sku_id: Option<&'a str>,
    product_id: Option<&'a str>,
    name: Option<&'a str>,
    session_id: Option<Uuid>,
    ticket_type_id: Option<Uuid>,
    qty: i64,
    unit_price: Amount,
    item_total_amount: Amount,
    price_snapshot: Option<SnapshotShape<'a>>,
    shipped_qty: i64,
    refunded_qty: i64,
}

#[derive(Serialize)]
struct SnapshotShape<'a> {
    offer_id: Uuid,
    unit_price: Amount,
    captured_at: UtcTime,
    title: Option<&'a str>,
    author: Option<&'a str>,
}

impl<'a> OrderShape<'a> {
    pub(super) fn of(answer: &'a OrderAnswer, caller: &Caller) -> Self {
        let order: &Order = &answer.order;
        let amount = |minor| Amount { minor, currency: order.currency };
        Self {
            order_id: Some(order.order_id.0),
            order_number: Some(order.number.to_string()),
            channel: order.channel.as_str(),
            user_id: order.user_id.as_ref().map(UserId::as_str),
            customer_email: order.customer_email.as_deref(),
            cart_id: order.cart_id.map(|id| id.0),
            external_id: order.external_id.as_deref(),
            hold_id: order.hold_id.map(|id| id.0),
            status: order.status.as_str(),
            payment_status: order.payment_standing.as_str(),
            payment_method: order.payment_method.as_ref().map(PaymentMethod::as_str),
            currency: order.currency.code(),
            subtotal_amount: amount(order.totals.subtotal),
            discount_amount: amount(order.totals.discount),
            tax_amount: amount(order.totals.tax),
            shipping_fee: amount(order.totals.shipping),
            total_amount: amount(order.totals.total),
            items: order.lines.iter().map(|line| ItemShape::of(line, order)).collect(),
            payment: answer.payment.as_deref().map(PaymentShape::of),
            shipments: order.shipments.iter().map(|shipment| ShipmentShape::of(shipment, order)).collect(),
            refunds: answer.refunds.iter().map(|refund| RefundShape::of(refund)).collect(),
            shipping_address_id: order.shipping_address.id.as_ref().map(AddressId::as_str),
            shipping_address: stored(order.shipping_address.snapshot.as_deref()),
            billing_address_id: order.billing_address.id.as_ref().map(AddressId::as_str),
            billing_address: stored(order.billing_address.snapshot.as_deref()),
            notes: order.notes.as_deref(),
            metadata: stored(Some(&order.metadata)),
            tracking_number: order.tracking_number.as_deref(),
            cancellation_reason: order.cancellation_reason.as_deref(),
            allowed_actions: order.allowed_actions(caller).map(Action::as_str).collect(),
            expires_at: order.expires_at.map(UtcTime),
            version: order.version,
            created_at: UtcTime(order.created_at),
            updated_at: UtcTime(order.updated_at),
            price_changes: (!answer.price_changes.is_empty())
                .then(|| serde_json::value::to_raw_value(&price_changes(&answer.price_changes)).ok())
                .flatten(),
        }
    }
}

impl OrderShape<'_> {
    /// The order that would be placed: it and what belongs to it have no names by which they could be found.
    pub(super) fn without_names(mut self) -> Self {
        self.order_id = None;
        self.order_number = None;
        self.payment = None;
        for item in &mut self.items {
            item.order_item_id = None;
        }
        self
    }
}

impl<'a> ItemShape<'a> {
    fn of(line: &'a Line, order: &Order) -> Self {
        let amount = |minor| Amount { minor, currency: order.currency };
        let mut shape = Self {
            order_item_id: Some(line.order_item_id.0),
            sku_id: None,
            product_id: None,
            name: None,
            session_id: None,
            ticket_type_id: None,
            qty: line.qty,
            unit_price: amount(line.unit_price),
            item_total_amount: amount(line.total),
            price_snapshot: None,
            shipped_qty: line.shipped_qty,
            refunded_qty: line.refunded_qty,
        };
        match &line.subject {
            LineSubject::Sku { sku_id, product_id, name, snapshot } => {
                shape.sku_id = Some(SkuId::as_str(sku_id));
                shape.product_id = Some(ProductId::as_str(product_id));
                shape.name = Some(name);
                shape.price_snapshot = Some(SnapshotShape::of(snapshot, order));
            }
            LineSubject::Ticket { session_id, ticket_type_id } => {
                shape.session_id = Some(*session_id);
                shape.ticket_type_id = Some(*ticket_type_id);
            }
        }
        shape
    }
}

impl<'a> SnapshotShape<'a> {
    fn of(snapshot: &'a PriceSnapshot, order: &Order) -> Self {
        Self {
            offer_id: snapshot.offer_id.0,
            unit_price: Amount { minor: snapshot.unit_price, currency: order.currency },
            captured_at: UtcTime(snapshot.captured_at),
            title: snapshot.title.as_deref(),
            author: snapshot.author.as_deref(),
        }
    }
}

#[derive(Serialize)]
pub(super) struct EventShape<'a> {
    order_event_id: Uuid,
    sequence: i64,
    event_type: &'a str,
    from_status: Option<&'a str>,
    to_status: &'a str,
    notes: Option<&'a str>,
    payload: Option<&'a RawValue>,
    changed_by: &'a str,
    request_id: &'a str,
    created_at: UtcTime,
}

impl<'a> EventShape<'a> {
    pub(super) fn of(event: &'a RecordedEvent) -> Self {
        Self {
            order_event_id: event.order_event_id.0,
            sequence: event.sequence,
            event_type: &event.event_type,
            from_status: event.from.as_deref(),
            to_status: &event.to,
            notes: event.notes.as_deref(),
            payload: stored(Some(&event.payload)),
            changed_by: &event.changed_by,
            request_id: &event.request_id,
            created_at: UtcTime(event.created_at),
        }
    }
}
