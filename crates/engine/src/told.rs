//! Reads facts and price snapshots back from the text that [`wire`](crate::wire) made of them.

use std::sync::Arc;

use domain::command::CHANGEABLE;
use domain::event::Fact;
use domain::ids::Uuid;
use domain::money::Currency;
use domain::order::{PaymentMethod, PriceSnapshot};
use domain::time::Time;
use serde::Deserialize;
use serde_json::value::RawValue;

/// Everything that the payload of a fact may hold; fields of later versions are passed over.
#[derive(Deserialize)]
struct Payload {
    payment_id: Option<Uuid>,
    amount: Option<Box<RawValue>>,
    total_amount: Option<Box<RawValue>>,
    currency: Option<String>,
    items: Option<usize>,
    reason: Option<String>,
    refund_id: Option<Uuid>,
    in_full: Option<bool>,
    by_hand: Option<bool>,
    shipment_id: Option<Uuid>,
    carrier_code: Option<String>,
    tracking_number: Option<String>,
    fields: Option<Vec<String>>,
    payment_method: Option<String>,
    expires_at: Option<String>,
}

#[derive(Deserialize)]
struct Snapshot<'t> {
    offer_id: Uuid,
    #[serde(borrow)]
    unit_price: &'t RawValue,
    captured_at: &'t str,
    title: Option<String>,
    author: Option<String>,
}

/// Reads back what [`wire::price_snapshot`](crate::wire::price_snapshot) made; `None`: it is something else.
pub fn price_snapshot(text: &str) -> Option<PriceSnapshot> {
    let told: Snapshot<'_> = serde_json::from_str(text).ok()?;
    Some(PriceSnapshot {
        offer_id: told.offer_id.into(),
        unit_price: minor(told.unit_price)?,
        captured_at: Time::parse(told.captured_at)?,
        title: told.title.map(Into::into),
        author: told.author.map(Into::into),
    })
}

/// The fact; `None`: a version of the service wrote it that knows more than this one.
pub(crate) fn fact(event_type: &str, payload: &str) -> Option<Fact> {
    let told: Payload = serde_json::from_str(payload).ok()?;
    let payment_id = told.payment_id.map(Into::into);
    let refund_id = told.refund_id.map(Into::into);
    let currency = told.currency.as_deref().and_then(Currency::from_code);
    let amount = told.amount.as_deref().and_then(minor);
    let payment_method = told.payment_method.map(|word| PaymentMethod(word.into()));
    let reason = told.reason.map(Arc::<str>::from);
    let expires_at = told.expires_at.as_deref().and_then(Time::parse);
    Some(match event_type {
        "ORDER_CREATED" => Fact::OrderCreated {
            total: told.total_amount.as_deref().and_then(minor)?,
            currency: currency?,
            lines: told.items?,
            payment_method,
            expires_at,
        },
        "INVENTORY_RESERVED" => Fact::InventoryReserved,
        "PAYMENT_REQUESTED" => Fact::PaymentRequested {
            payment_id: payment_id?,
            amount: amount?,
            currency: currency?,
            payment_method: payment_method?,
            expires_at,
        },
        "PAYMENT_SUCCEEDED" => Fact::PaymentSucceeded { payment_id: payment_id?, amount: amount?, currency: currency? },
        "PAYMENT_FAILED" => Fact::PaymentFailed { payment_id: payment_id?, reason: reason? },
        "LATE_PAYMENT_RECEIVED" => Fact::LatePaymentReceived { payment_id: payment_id?, amount: amount?, currency: currency? },
        "INVENTORY_DEDUCTED" => Fact::InventoryDeducted,
        "ORDER_CANCELED" => Fact::OrderCanceled { reason: reason? },
        "ORDER_EXPIRED" => Fact::OrderExpired,
        "INVENTORY_RELEASED" => Fact::InventoryReleased,
        "ORDER_READY" => Fact::OrderReady,
        "SHIPMENT_CREATED" => Fact::ShipmentCreated { shipment_id: told.shipment_id?.into() },
        "ORDER_SHIPPED" => {
            Fact::OrderShipped { carrier_code: told.carrier_code.map(Into::into), tracking_number: told.tracking_number.map(Into::into) }
        }
        "ORDER_DELIVERED" => Fact::OrderDelivered,
        "INVENTORY_RESTOCKED" => Fact::InventoryRestocked,
        "REFUND_REQUESTED" => Fact::RefundRequested {
            refund_id: refund_id?,
            payment_id: payment_id?,
            amount: amount?,
            currency: currency?,
            reason: reason?,
            by_hand: told.by_hand?,
        },
        "REFUND_SUCCEEDED" => Fact::RefundSucceeded {
            refund_id: refund_id?,
            payment_id: payment_id?,
            amount: amount?,
            currency: currency?,
            in_full: told.in_full?,
        },
        "REFUND_FAILED" => Fact::RefundFailed { refund_id: refund_id?, reason: reason? },
        "LATE_PAYMENT_REFUNDED" => {
            Fact::LatePaymentRefunded { refund_id: refund_id?, payment_id: payment_id?, amount: amount?, currency: currency? }
        }
        "ORDER_CHANGED" => {
            let names = told.fields?;
            Fact::OrderChanged { fields: CHANGEABLE.into_iter().filter(|known| names.iter().any(|name| name == known)).collect() }
        }
        _ => return None,
    })
}

/// An amount that was written with exactly its currency's decimals, in minor units.
fn minor(amount: &RawValue) -> Option<i64> {
    amount.get().replacen('.', "", 1).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire;

    /// The next kind of fact. A new kind does not compile until it stands here.
    fn next(fact: &Fact) -> Option<Fact> {
        let id = Uuid::from_u128;
        let (payment_id, refund_id) = (id(1).into(), id(2).into());
        let (amount, currency, reason) = (1990, Currency::USD, Arc::<str>::from("no \"funds\" é"));
        Some(match fact {
            Fact::OrderCreated { expires_at: Some(_), .. } => {
                Fact::OrderCreated { total: 500, currency: Currency::JPY, lines: 1, payment_method: None, expires_at: None }
            }
            Fact::OrderCreated { .. } => Fact::InventoryReserved,
            Fact::InventoryReserved => Fact::PaymentRequested {
                payment_id,
                amount,
                currency,
                payment_method: "cod".into(),
                expires_at: Some(Time(1_795_170_249_007)),
            },
            Fact::PaymentRequested { .. } => Fact::PaymentSucceeded { payment_id, amount: 5, currency },
            Fact::PaymentSucceeded { .. } => Fact::PaymentFailed { payment_id, reason },
            Fact::PaymentFailed { .. } => Fact::LatePaymentReceived { payment_id, amount: 1990, currency: Currency::JPY },
            Fact::LatePaymentReceived { .. } => Fact::InventoryDeducted,
            Fact::InventoryDeducted => Fact::OrderCanceled { reason },
            Fact::OrderCanceled { .. } => Fact::OrderExpired,
            Fact::OrderExpired => Fact::InventoryReleased,
            Fact::InventoryReleased => Fact::OrderReady,
            Fact::OrderReady => Fact::ShipmentCreated { shipment_id: id(3).into() },
            Fact::ShipmentCreated { .. } => Fact::OrderShipped { carrier_code: Some("ups".into()), tracking_number: Some("1Z".into()) },
            Fact::OrderShipped { carrier_code: Some(_), .. } => Fact::OrderShipped { carrier_code: None, tracking_number: None },
            Fact::OrderShipped { .. } => Fact::OrderDelivered,
            Fact::OrderDelivered => Fact::InventoryRestocked,
            Fact::InventoryRestocked => Fact::RefundRequested { refund_id, payment_id, amount, currency, reason, by_hand: true },
            Fact::RefundRequested { .. } => Fact::RefundSucceeded { refund_id, payment_id, amount, currency, in_full: false },
            Fact::RefundSucceeded { .. } => Fact::RefundFailed { refund_id, reason },
            Fact::RefundFailed { .. } => Fact::LatePaymentRefunded { refund_id, payment_id, amount, currency },
            Fact::LatePaymentRefunded { .. } => Fact::OrderChanged { fields: ["billing_address", "notes"].into() },
            Fact::OrderChanged { .. } => return None,
        })
    }

    #[test]
    fn every_fact_is_read_back_as_it_was() {
        let first = Fact::OrderCreated {
            total: 0,
            currency: Currency::USD,
            lines: 500,
            payment_method: Some("card_stub".into()),
            expires_at: Some(Time(0)),
        };
        for told in std::iter::successors(Some(first), next) {
            assert_eq!(fact(told.event_type(), &wire::fact(&told)), Some(told));
        }
    }

    #[test]
    fn what_later_versions_write_is_passed_over() {
        assert_eq!(fact("ORDER_READY", r#"{"by":"robot"}"#), Some(Fact::OrderReady));
        for (event_type, payload) in [("ORDER_GIFTED", "{}"), ("SHIPMENT_CREATED", "{}"), ("ORDER_READY", "[1]"), ("ORDER_READY", "")] {
            assert_eq!(fact(event_type, payload), None, "{event_type} {payload}");
        }
    }
}
