//! Rows in the form in which stores may be compared: JSON in one form, offers in one order.

use std::sync::Arc;

use domain::catalog::Sku;
use domain::command::OrderAnswer;
use domain::order::{AddressRef, Order};
use engine::port::RecordedEvent;

use crate::json;

fn text(text: &Arc<str>) -> Arc<str> {
    json::canonical(text).into()
}

fn address(address: &AddressRef) -> AddressRef {
    AddressRef { id: address.id.clone(), snapshot: address.snapshot.as_ref().map(text) }
}

pub(super) fn order(order: &Order) -> Order {
    Order {
        metadata: text(&order.metadata),
        shipping_address: address(&order.shipping_address),
        billing_address: address(&order.billing_address),
        ..order.clone()
    }
}

pub(super) fn answer(answer: &OrderAnswer) -> OrderAnswer {
    OrderAnswer { order: Arc::new(order(&answer.order)), ..answer.clone() }
}

/// No order among the offers of a SKU is promised.
pub(super) fn sku(sku: &Sku) -> Sku {
    let mut sku = sku.clone();
    sku.offers.sort_by_key(|offer| offer.offer_id);
    sku
}

pub(super) fn event(event: &RecordedEvent) -> RecordedEvent {
    RecordedEvent { payload: json::canonical(&event.payload), ..event.clone() }
}
