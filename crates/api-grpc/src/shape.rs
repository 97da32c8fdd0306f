//! Orders, and what belongs to them, as messages.

use domain::Caller;
use domain::command::OrderAnswer;
use domain::ids::{AddressId, ProductId, SkuId, UserId};
use domain::money::{Currency, to_text};
use domain::order::{Action, AddressRef, Line, LineSubject, Order, PaymentMethod, PriceSnapshot};
use domain::payment::Payment;
use domain::refund::Refund;
use domain::shipment::Shipment;
use engine::port::RecordedEvent;
use serde_json::Value;

use crate::order_v1 as v1;

/// An address by reference and as given.
pub(crate) fn address(address: &AddressRef) -> (Option<String>, Option<v1::Address>) {
    (address.id.as_ref().map(AddressId::as_str).map(Into::into), address.snapshot.as_deref().and_then(given))
}

/// An address as given. It was one when it was stored.
fn given(text: &str) -> Option<v1::Address> {
    let stored: Value = serde_json::from_str(text).ok()?;
    let field = |name: &str| stored.get(name).and_then(Value::as_str).map(Into::into);
    Some(v1::Address {
        name: field("name"),
        line1: field("line1"),
        line2: field("line2"),
        city: field("city"),
        region: field("region"),
        postal_code: field("postal_code"),
        country: field("country"),
        company: field("company"),
        phone: field("phone"),
    })
}

/// An order as `caller` sees it.
pub(crate) fn order(answer: &OrderAnswer, caller: &Caller) -> v1::Order {
    let order: &Order = &answer.order;
    let amount = |minor| to_text(minor, order.currency);
    let (shipping_address_id, shipping_address) = address(&order.shipping_address);
    let (billing_address_id, billing_address) = address(&order.billing_address);
    v1::Order {
        order_id: order.order_id.0.to_string(),
        order_number: order.number.to_string(),
        channel: order.channel.as_str().into(),
        user_id: order.user_id.as_ref().map(UserId::as_str).map(Into::into),
        customer_email: order.customer_email.as_deref().map(Into::into),
        cart_id: order.cart_id.map(|id| id.0.to_string()),
        external_id: order.external_id.as_deref().map(Into::into),
        hold_id: order.hold_id.map(|id| id.0.to_string()),
        status: order.status.as_str().into(),
        payment_status: order.payment_standing.as_str().into(),
        payment_method: order.payment_method.as_ref().map(PaymentMethod::as_str).map(Into::into),
        currency: order.currency.code().into(),
        subtotal_amount: amount(order.totals.subtotal),
        discount_amount: amount(order.totals.discount),
        tax_amount: amount(order.totals.tax),
        shipping_fee: amount(order.totals.shipping),
        total_amount: amount(order.totals.total),
        items: order.lines.iter().map(|line| item(line, order.currency)).collect(),
        payment: answer.payment.as_deref().map(payment),
        shipments: order.shipments.iter().map(|one| shipment(one, order)).collect(),
        refunds: answer.refunds.iter().map(|one| refund(one)).collect(),
        shipping_address_id,
        shipping_address,
        billing_address_id,
        billing_address,
        notes: order.notes.as_deref().map(Into::into),
        metadata: (*order.metadata).into(),
        tracking_number: order.tracking_number.as_deref().map(Into::into),
        cancellation_reason: order.cancellation_reason.as_deref().map(Into::into),
        allowed_actions: order.allowed_actions(caller).map(Action::as_str).map(Into::into).collect(),
        expires_at: order.expires_at.map(|at| at.to_string()),
        version: order.version,
        created_at: order.created_at.to_string(),
        updated_at: order.updated_at.to_string(),
    }
}

fn item(line: &Line, currency: Currency) -> v1::OrderItem {
    let mut item = v1::OrderItem {
        order_item_id: line.order_item_id.0.to_string(),
        qty: line.qty,
        unit_price: to_text(line.unit_price, currency),
        item_total_amount: to_text(line.total, currency),
        shipped_qty: line.shipped_qty,
        refunded_qty: line.refunded_qty,
        ..v1::OrderItem::default()
    };
    match &line.subject {
        LineSubject::Sku { sku_id, product_id, name, snapshot } => {
            item.sku_id = Some(SkuId::as_str(sku_id).into());
            item.product_id = Some(ProductId::as_str(product_id).into());
            item.name = Some((**name).into());
            item.price_snapshot = Some(price_snapshot(snapshot, currency));
        }
        LineSubject::Ticket { session_id, ticket_type_id } => {
            item.session_id = Some(session_id.to_string());
            item.ticket_type_id = Some(ticket_type_id.to_string());
        }
    }
    item
}

fn price_snapshot(snapshot: &PriceSnapshot, currency: Currency) -> v1::PriceSnapshot {
    v1::PriceSnapshot {
        offer_id: snapshot.offer_id.0.to_string(),
        unit_price: to_text(snapshot.unit_price, currency),
        captured_at: snapshot.captured_at.to_string(),
        title: snapshot.title.as_deref().map(Into::into),
        author: snapshot.author.as_deref().map(Into::into),
    }
}

fn payment(payment: &Payment) -> v1::Payment {
    let amount = |minor| to_text(minor, payment.currency);
    v1::Payment {
        payment_id: payment.payment_id.0.to_string(),
        order_id: payment.order_id.0.to_string(),
        status: payment.status.as_str().into(),
        amount: amount(payment.amount),
        captured_amount: amount(payment.captured),
        refunded_amount: amount(payment.refunded),
        currency: payment.currency.code().into(),
        payment_method: payment.method.as_str().into(),
        provider: (*payment.provider).into(),
        failure_reason: payment.failure_reason.as_deref().map(Into::into),
        created_at: payment.created_at.to_string(),
    }
}

fn shipment(shipment: &Shipment, order: &Order) -> v1::Shipment {
    v1::Shipment {
        shipment_id: shipment.shipment_id.0.to_string(),
        order_id: order.order_id.0.to_string(),
        status: shipment.status.as_str().into(),
        carrier_code: shipment.carrier_code.as_deref().map(Into::into),
        tracking_number: shipment.tracking_number.as_deref().map(Into::into),
        items: shipment
            .lines
            .iter()
            .map(|line| v1::ShipmentItem { order_item_id: line.order_item_id.0.to_string(), qty: line.qty })
            .collect(),
        shipped_at: shipment.shipped_at.map(|at| at.to_string()),
        delivered_at: shipment.delivered_at.map(|at| at.to_string()),
        created_at: shipment.created_at.to_string(),
    }
}

fn refund(refund: &Refund) -> v1::Refund {
    v1::Refund {
        refund_id: refund.refund_id.0.to_string(),
        order_id: refund.order_id.0.to_string(),
        payment_id: refund.payment_id.0.to_string(),
        status: refund.status.as_str().into(),
        amount: to_text(refund.amount, refund.currency),
        currency: refund.currency.code().into(),
        reason: (*refund.reason).into(),
        failure_reason: refund.failure_reason.as_deref().map(Into::into),
        created_at: refund.created_at.to_string(),
        updated_at: refund.updated_at.to_string(),
    }
}

/// A fact of an order.
pub(crate) fn event(event: RecordedEvent) -> v1::OrderEvent {
    v1::OrderEvent {
        order_event_id: event.order_event_id.0.to_string(),
        sequence: event.sequence,
        event_type: event.event_type,
        from_status: event.from,
        to_status: event.to,
        notes: event.notes,
        payload: event.payload,
        changed_by: event.changed_by,
        request_id: event.request_id,
        created_at: event.created_at.to_string(),
    }
}
