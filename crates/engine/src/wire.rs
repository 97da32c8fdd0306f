//! The JSON that is stored with facts and messages. Both stores keep the same text; doors and relays pass it on.

use domain::event::Fact;
use domain::ids::Uuid;
use domain::message::{Message, MessageKind};
use domain::money::{self, Currency};
use domain::order::{Line, LineSubject, Order, PaymentMethod, PriceSnapshot};
use serde::Serialize;
use serde_json::value::RawValue;

fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("structs of texts and numbers always serialize")
}

/// An amount as a JSON number with exactly the currency's decimals.
pub fn amount(minor: i64, currency: Currency) -> Box<RawValue> {
    RawValue::from_string(money::to_text(minor, currency)).expect("a decimal number is JSON")
}

/// The payload of a fact.
pub fn fact(fact: &Fact) -> String {
    #[derive(Serialize, Default)]
    struct Payload<'a> {
        #[serde(skip_serializing_if = "Option::is_none")]
        payment_id: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        amount: Option<Box<RawValue>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        total_amount: Option<Box<RawValue>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        currency: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        items: Option<usize>,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        refund_id: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        in_full: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        by_hand: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        shipment_id: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        carrier_code: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        tracking_number: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        fields: Option<&'a [&'static str]>,
        #[serde(skip_serializing_if = "Option::is_none")]
        payment_method: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        expires_at: Option<String>,
    }
    let none = Payload::default();
    text(&match fact {
        Fact::OrderCreated { total, currency, lines, payment_method, expires_at } => Payload {
            total_amount: Some(amount(*total, *currency)),
            currency: Some(currency.code()),
            items: Some(*lines),
            payment_method: payment_method.as_ref().map(PaymentMethod::as_str),
            expires_at: expires_at.map(|at| at.to_string()),
            ..none
        },
        Fact::PaymentRequested { payment_id, amount: minor, currency, payment_method, expires_at } => Payload {
            payment_id: Some(payment_id.to_string()),
            amount: Some(amount(*minor, *currency)),
            currency: Some(currency.code()),
            payment_method: Some(payment_method.as_str()),
            expires_at: expires_at.map(|at| at.to_string()),
            ..none
        },
        Fact::PaymentSucceeded { payment_id, amount: minor, currency }
        | Fact::LatePaymentReceived { payment_id, amount: minor, currency } => Payload {
            payment_id: Some(payment_id.to_string()),
            amount: Some(amount(*minor, *currency)),
            currency: Some(currency.code()),
            ..none
        },
        Fact::PaymentFailed { payment_id, reason } => Payload { payment_id: Some(payment_id.to_string()), reason: Some(reason), ..none },
        Fact::OrderCanceled { reason } => Payload { reason: Some(reason), ..none },
        Fact::ShipmentCreated { shipment_id } => Payload { shipment_id: Some(shipment_id.to_string()), ..none },
        Fact::OrderShipped { carrier_code, tracking_number } => {
            Payload { carrier_code: carrier_code.as_deref(), tracking_number: tracking_number.as_deref(), ..none }
        }
        Fact::RefundRequested { refund_id, payment_id, amount: minor, currency, reason, by_hand } => Payload {
            refund_id: Some(refund_id.to_string()),
            payment_id: Some(payment_id.to_string()),
            amount: Some(amount(*minor, *currency)),
            currency: Some(currency.code()),
            reason: Some(reason),
            by_hand: Some(*by_hand),
            ..none
        },
        Fact::RefundSucceeded { refund_id, payment_id, amount: minor, currency, in_full } => Payload {
            refund_id: Some(refund_id.to_string()),
            payment_id: Some(payment_id.to_string()),
            amount: Some(amount(*minor, *currency)),
            currency: Some(currency.code()),
            in_full: Some(*in_full),
            ..none
        },
        Fact::LatePaymentRefunded { refund_id, payment_id, amount: minor, currency } => Payload {
            refund_id: Some(refund_id.to_string()),
            payment_id: Some(payment_id.to_string()),
            amount: Some(amount(*minor, *currency)),
            currency: Some(currency.code()),
            ..none
        },
        Fact::RefundFailed { refund_id, reason } => Payload { refund_id: Some(refund_id.to_string()), reason: Some(reason), ..none },
        Fact::OrderChanged { fields } => Payload { fields: Some(fields), ..none },
        Fact::InventoryReserved
        | Fact::InventoryDeducted
        | Fact::OrderExpired
        | Fact::InventoryReleased
        | Fact::OrderReady
        | Fact::OrderDelivered
        | Fact::InventoryRestocked => none,
    })
}

/// What a line was priced from, as it is stored with the line.
pub fn price_snapshot(snapshot: &PriceSnapshot, currency: Currency) -> String {
    #[derive(Serialize)]
    struct Snapshot<'a> {
        offer_id: String,
        unit_price: Box<RawValue>,
        captured_at: String,
        title: Option<&'a str>,
        author: Option<&'a str>,
    }
    text(&Snapshot {
        offer_id: snapshot.offer_id.to_string(),
        unit_price: amount(snapshot.unit_price, currency),
        captured_at: snapshot.captured_at.to_string(),
        title: snapshot.title.as_deref(),
        author: snapshot.author.as_deref(),
    })
}

#[derive(Serialize)]
struct WireLine<'a> {
    order_item_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sku_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    product_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ticket_type_id: Option<Uuid>,
    quantity: i64,
    unit_price: Box<RawValue>,
    item_total_amount: Box<RawValue>,
}

impl<'a> WireLine<'a> {
    fn of(line: &'a Line, currency: Currency) -> Self {
        let mut item = Self {
            order_item_id: line.order_item_id.to_string(),
            sku_id: None,
            product_id: None,
            name: None,
            session_id: None,
            ticket_type_id: None,
            quantity: line.qty,
            unit_price: amount(line.unit_price, currency),
            item_total_amount: amount(line.total, currency),
        };
        match &line.subject {
            LineSubject::Sku { sku_id, product_id, name, .. } => {
                item.sku_id = Some(sku_id.as_str());
                item.product_id = Some(product_id.as_str());
                item.name = Some(name);
            }
            LineSubject::Ticket { session_id, ticket_type_id } => {
                item.session_id = Some(*session_id);
                item.ticket_type_id = Some(*ticket_type_id);
            }
        }
        item
    }
}

fn items(order: &Order) -> Vec<WireLine<'_>> {
    order.lines.iter().map(|line| WireLine::of(line, order.currency)).collect()
}

/// The payload of a message: an order with its lines where that is what it is about, else what changed.
pub fn message(message: &Message) -> String {
    match message.kind {
        MessageKind::OrderCreated
        | MessageKind::OrderConfirmed
        | MessageKind::OrderShipped
        | MessageKind::OrderDelivered
        | MessageKind::OrderRefunded => whole_order(&message.order),
        MessageKind::OrderStatusChanged => status_changed(message),
        MessageKind::OrderCancelled => cancelled(message),
        MessageKind::PaymentRequested => payment_requested(message),
        // The fact says which refund, of which payment, how much and why.
        MessageKind::PaymentRefunded | MessageKind::RefundRequested => of_fact(message),
    }
}

fn whole_order(order: &Order) -> String {
    #[derive(Serialize)]
    struct Payload<'a> {
        order_id: String,
        order_number: String,
        channel: &'static str,
        status: &'static str,
        payment_status: &'static str,
        user_id: Option<&'a str>,
        customer_email: Option<&'a str>,
        hold_id: Option<String>,
        external_id: Option<&'a str>,
        currency: &'static str,
        subtotal_amount: Box<RawValue>,
        discount_amount: Box<RawValue>,
        tax_amount: Box<RawValue>,
        shipping_fee: Box<RawValue>,
        total_amount: Box<RawValue>,
        items: Vec<WireLine<'a>>,
        tracking_number: Option<&'a str>,
        shipped_at: Option<String>,
        delivered_at: Option<String>,
        created_at: String,
    }
    let amount = |minor| amount(minor, order.currency);
    text(&Payload {
        order_id: order.order_id.to_string(),
        order_number: order.number.to_string(),
        channel: order.channel.as_str(),
        status: order.status.as_str(),
        payment_status: order.payment_standing.as_str(),
        user_id: order.user_id.as_ref().map(domain::ids::UserId::as_str),
        customer_email: order.customer_email.as_deref(),
        hold_id: order.hold_id.map(|id| id.to_string()),
        external_id: order.external_id.as_deref(),
        currency: order.currency.code(),
        subtotal_amount: amount(order.totals.subtotal),
        discount_amount: amount(order.totals.discount),
        tax_amount: amount(order.totals.tax),
        shipping_fee: amount(order.totals.shipping),
        total_amount: amount(order.totals.total),
        items: items(order),
        tracking_number: order.tracking_number.as_deref(),
        shipped_at: order.shipped_at.map(|at| at.to_string()),
        delivered_at: order.delivered_at.map(|at| at.to_string()),
        created_at: order.created_at.to_string(),
    })
}

fn status_changed(message: &Message) -> String {
    #[derive(Serialize)]
    struct Payload {
        order_id: String,
        order_number: String,
        from_status: Option<&'static str>,
        to_status: &'static str,
        payment_status: &'static str,
    }
    text(&Payload {
        order_id: message.order.order_id.to_string(),
        order_number: message.order.number.to_string(),
        from_status: message.cause.from.map(domain::order::Status::as_str),
        to_status: message.cause.to.as_str(),
        payment_status: message.order.payment_standing.as_str(),
    })
}

fn cancelled(message: &Message) -> String {
    #[derive(Serialize)]
    struct Payload<'a> {
        order_id: String,
        reason: &'a str,
        hold_id: Option<String>,
        items: Vec<WireLine<'a>>,
    }
    text(&Payload {
        order_id: message.order.order_id.to_string(),
        reason: message.order.cancellation_reason.as_deref().unwrap_or_default(),
        hold_id: message.order.hold_id.map(|id| id.to_string()),
        items: items(&message.order),
    })
}

/// The payload of the fact, with whose it is.
fn of_fact(message: &Message) -> String {
    let order_id = message.order.order_id;
    let payload = fact(&message.cause.fact);
    payload.replacen('{', &format!("{{\"order_id\":\"{order_id}\","), 1)
}

fn payment_requested(message: &Message) -> String {
    #[derive(Serialize)]
    struct Payload<'a> {
        order_id: String,
        payment_id: Option<String>,
        amount: Box<RawValue>,
        currency: &'static str,
        payment_method: Option<&'a str>,
    }
    let order = &message.order;
    text(&Payload {
        order_id: order.order_id.to_string(),
        payment_id: order.payment_id.map(|id| id.to_string()),
        amount: amount(order.totals.total, order.currency),
        currency: order.currency.code(),
        payment_method: order.payment_method.as_ref().map(PaymentMethod::as_str),
    })
}
