//! A checkout session, and what it became, as this door shows them.

use domain::checkout::Status;
use domain::command::{CheckoutAnswer, OrderAnswer};
use domain::ids::{AddressId, UserId};
use domain::money::Currency;
use domain::order::{PaymentMethod, Totals};
use domain::time::Time;
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::canonical::cart::{ItemShape, items};
use crate::output::amount::Amount;
use crate::output::stored;
use crate::output::time::UtcTime;
use crate::refusals::price_changes;

/// A session with what would become of it now. Every field is always there.
#[derive(Serialize)]
pub(super) struct SessionShape<'a> {
    session_id: &'a str,
    status: &'static str,
    customer_id: Option<&'a str>,
    customer_email: Option<&'a str>,
    cart_id: Option<Uuid>,
    items: Vec<ItemShape<'a>>,
    shipping_address_id: Option<&'a str>,
    shipping_address: Option<&'a RawValue>,
    billing_address_id: Option<&'a str>,
    billing_address: Option<&'a RawValue>,
    shipping_method: Option<&'a str>,
    payment_method: Option<&'a str>,
    promotion_codes: Vec<&'a str>,
    notes: Option<&'a str>,
    totals: Option<TotalsShape>,
    price_changes: Option<Box<RawValue>>,
    missing: &'a [&'static str],
    order_id: Option<Uuid>,
    /// Until when the goods are held; `null`: they are reserved when it is confirmed.
    reserved_until: Option<UtcTime>,
    expires_at: UtcTime,
    version: i64,
    created_at: UtcTime,
    updated_at: UtcTime,
    /// Told when it is made, and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    guest_token: Option<&'a str>,
}

#[derive(Serialize)]
struct TotalsShape {
    subtotal_amount: Amount,
    discount_amount: Amount,
    tax_amount: Amount,
    shipping_fee: Amount,
    total_amount: Amount,
    currency: &'static str,
}

impl TotalsShape {
    fn of((totals, currency): (Totals, Currency)) -> Self {
        let amount = |minor| Amount { minor, currency };
        Self {
            subtotal_amount: amount(totals.subtotal),
            discount_amount: amount(totals.discount),
            tax_amount: amount(totals.tax),
            shipping_fee: amount(totals.shipping),
            total_amount: amount(totals.total),
            currency: currency.code(),
        }
    }
}

impl<'a> SessionShape<'a> {
    pub(super) fn of(answer: &'a CheckoutAnswer, now: Time, guest_token: Option<&'a str>) -> Self {
        let (checkout, preview) = (&*answer.checkout, &answer.preview);
        let status = checkout.status_at(now);
        let is_active = status == Status::Active;
        let cart = preview.cart.as_deref().filter(|_| is_active);
        Self {
            session_id: checkout.session_id.as_str(),
            status: status.as_str(),
            customer_id: checkout.customer_id.as_ref().map(UserId::as_str),
            customer_email: checkout.customer_email.as_deref(),
            cart_id: cart.map(|cart| cart.cart_id.0),
            items: cart.map(items).unwrap_or_default(),
            shipping_address_id: checkout.shipping_address.id.as_ref().map(AddressId::as_str),
            shipping_address: stored(checkout.shipping_address.snapshot.as_deref()),
            billing_address_id: checkout.billing_address.id.as_ref().map(AddressId::as_str),
            billing_address: stored(checkout.billing_address.snapshot.as_deref()),
            shipping_method: checkout.shipping_method.as_deref(),
            payment_method: checkout.payment_method.as_ref().map(PaymentMethod::as_str),
            promotion_codes: checkout.promotion_codes.iter().map(|code| &**code).collect(),
            notes: checkout.notes.as_deref(),
            totals: preview.totals.filter(|_| is_active).map(TotalsShape::of),
            price_changes: serde_json::value::to_raw_value(&price_changes(if is_active { &preview.price_changes } else { &[] })).ok(),
            missing: if is_active { &preview.missing } else { &[] },
            order_id: checkout.order_id.map(|id| id.0),
            reserved_until: preview.reserved_until.filter(|_| is_active).map(UtcTime),
            expires_at: UtcTime(checkout.expires_at),
            version: checkout.version,
            created_at: UtcTime(checkout.created_at),
            updated_at: UtcTime(checkout.updated_at),
            guest_token,
        }
    }
}

/// What a session became.
#[derive(Serialize)]
pub(super) struct Confirmed {
    order_id: Uuid,
    order_number: String,
    status: &'static str,
    payment_status: &'static str,
}

impl Confirmed {
    pub(super) fn of(answer: &OrderAnswer) -> Self {
        Self {
            order_id: answer.order.order_id.0,
            order_number: answer.order.number.to_string(),
            status: answer.order.status.as_str(),
            payment_status: answer.order.payment_standing.as_str(),
        }
    }
}
