//! The JSON that is stored with facts and messages. Both stores keep the same text; doors and relays pass it on.

use domain::event::Fact;
use domain::message::{Message, MessageKind};
use domain::money::{self, Currency};
use domain::order::{Line, LineSubject, Order, PaymentMethod, PriceSnapshot};
use serde_json::value::RawValue;

use crate::object::Object;

/// An amount as a JSON number with exactly the currency's decimals.
pub fn amount(minor: i64, currency: Currency) -> Box<RawValue> {
    RawValue::from_string(money::to_text(minor, currency)).expect("a decimal number is JSON")
}

/// The payload of a fact.
pub fn fact(fact: &Fact) -> String {
    fact_fields(Object::new(), fact).end()
}

fn fact_fields(object: Object, fact: &Fact) -> Object {
    match fact {
        Fact::OrderCreated { total, currency, lines, payment_method, expires_at } => object
            .amount("total_amount", *total, *currency)
            .text("currency", currency.code())
            .bare("items", lines)
            .with(payment_method.as_ref(), |object, method| object.text("payment_method", method.as_str()))
            .with(*expires_at, |object, at| object.plain("expires_at", at)),
        Fact::PaymentRequested { payment_id, amount, currency, payment_method, expires_at } => object
            .plain("payment_id", payment_id)
            .amount("amount", *amount, *currency)
            .text("currency", currency.code())
            .text("payment_method", payment_method.as_str())
            .with(*expires_at, |object, at| object.plain("expires_at", at)),
        Fact::PaymentSucceeded { payment_id, amount, currency } | Fact::LatePaymentReceived { payment_id, amount, currency } => {
            object.plain("payment_id", payment_id).amount("amount", *amount, *currency).text("currency", currency.code())
        }
        Fact::PaymentFailed { payment_id, reason } => object.plain("payment_id", payment_id).text("reason", reason),
        Fact::OrderCanceled { reason } => object.text("reason", reason),
        Fact::ShipmentCreated { shipment_id } => object.plain("shipment_id", shipment_id),
        Fact::OrderShipped { carrier_code, tracking_number } => object
            .with(carrier_code.as_deref(), |object, code| object.text("carrier_code", code))
            .with(tracking_number.as_deref(), |object, number| object.text("tracking_number", number)),
        Fact::RefundRequested { refund_id, payment_id, amount, currency, reason, by_hand } => object
            .plain("payment_id", payment_id)
            .amount("amount", *amount, *currency)
            .text("currency", currency.code())
            .text("reason", reason)
            .plain("refund_id", refund_id)
            .bare("by_hand", by_hand),
        Fact::RefundSucceeded { refund_id, payment_id, amount, currency, in_full } => object
            .plain("payment_id", payment_id)
            .amount("amount", *amount, *currency)
            .text("currency", currency.code())
            .plain("refund_id", refund_id)
            .bare("in_full", in_full),
        Fact::LatePaymentRefunded { refund_id, payment_id, amount, currency } => object
            .plain("payment_id", payment_id)
            .amount("amount", *amount, *currency)
            .text("currency", currency.code())
            .plain("refund_id", refund_id),
        Fact::RefundFailed { refund_id, reason } => object.text("reason", reason).plain("refund_id", refund_id),
        Fact::OrderChanged { fields } => object.words("fields", fields),
        Fact::InventoryReserved
        | Fact::InventoryDeducted
        | Fact::OrderExpired
        | Fact::InventoryReleased
        | Fact::OrderReady
        | Fact::OrderDelivered
        | Fact::InventoryRestocked => object,
    }
}

/// What a line was priced from, as it is stored with the line.
pub fn price_snapshot(snapshot: &PriceSnapshot, currency: Currency) -> String {
    Object::new()
        .plain("offer_id", snapshot.offer_id)
        .amount("unit_price", snapshot.unit_price, currency)
        .plain("captured_at", snapshot.captured_at)
        .text_or_null("title", snapshot.title.as_deref())
        .text_or_null("author", snapshot.author.as_deref())
        .end()
}

fn items(object: Object, order: &Order) -> Object {
    object.objects("items", &order.lines, |item, line| item_fields(item, line, order.currency))
}

fn item_fields(item: Object, line: &Line, currency: Currency) -> Object {
    let item = item.plain("order_item_id", line.order_item_id);
    let item = match &line.subject {
        LineSubject::Sku { sku_id, product_id, name, .. } => {
            item.text("sku_id", sku_id.as_str()).text("product_id", product_id.as_str()).text("name", name)
        }
        LineSubject::Ticket { session_id, ticket_type_id } => item.plain("session_id", session_id).plain("ticket_type_id", ticket_type_id),
    };
    item.bare("quantity", line.qty).amount("unit_price", line.unit_price, currency).amount("item_total_amount", line.total, currency)
}

/// The payload of a message: an order with its lines where that is what it is about, else what changed.
pub fn message(message: &Message) -> String {
    let (object, order) = (Object::new().plain("order_id", message.order_id()), &*message.order);
    let object = match message.kind {
        MessageKind::OrderCreated
        | MessageKind::OrderConfirmed
        | MessageKind::OrderShipped
        | MessageKind::OrderDelivered
        | MessageKind::OrderRefunded => whole_order(object, order),
        MessageKind::OrderStatusChanged => object
            .plain("order_number", order.number)
            .text_or_null("from_status", message.cause.from.map(domain::order::Status::as_str))
            .text("to_status", message.cause.to.as_str())
            .text("payment_status", order.payment_standing.as_str()),
        MessageKind::OrderCancelled => items(
            object.text("reason", order.cancellation_reason.as_deref().unwrap_or_default()).plain_or_null("hold_id", order.hold_id),
            order,
        ),
        MessageKind::PaymentRequested => object
            .plain_or_null("payment_id", order.payment_id)
            .amount("amount", order.totals.total, order.currency)
            .text("currency", order.currency.code())
            .text_or_null("payment_method", order.payment_method.as_ref().map(PaymentMethod::as_str)),
        // The fact says which refund, of which payment, how much and why.
        MessageKind::PaymentRefunded | MessageKind::RefundRequested => fact_fields(object, &message.cause.fact),
    };
    object.end()
}

fn whole_order(object: Object, order: &Order) -> Object {
    let object = object
        .plain("order_number", order.number)
        .text("channel", order.channel.as_str())
        .text("status", order.status.as_str())
        .text("payment_status", order.payment_standing.as_str())
        .text_or_null("user_id", order.user_id.as_ref().map(domain::ids::UserId::as_str))
        .text_or_null("customer_email", order.customer_email.as_deref())
        .plain_or_null("hold_id", order.hold_id)
        .text_or_null("external_id", order.external_id.as_deref())
        .text("currency", order.currency.code())
        .amount("subtotal_amount", order.totals.subtotal, order.currency)
        .amount("discount_amount", order.totals.discount, order.currency)
        .amount("tax_amount", order.totals.tax, order.currency)
        .amount("shipping_fee", order.totals.shipping, order.currency)
        .amount("total_amount", order.totals.total, order.currency);
    items(object, order)
        .text_or_null("tracking_number", order.tracking_number.as_deref())
        .plain_or_null("shipped_at", order.shipped_at)
        .plain_or_null("delivered_at", order.delivered_at)
        .plain("created_at", order.created_at)
}
