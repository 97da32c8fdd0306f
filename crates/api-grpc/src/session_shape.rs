//! Checkout sessions as messages.

use domain::cart::{Cart, CartLine};
use domain::checkout::Status;
use domain::command::CheckoutAnswer;
use domain::ids::{SkuId, UserId};
use domain::money::{Currency, to_text};
use domain::order::{PaymentMethod, Totals};
use domain::refusal::PriceChange;
use domain::time::Time;

use crate::checkout_v1 as v1;
use crate::shape::address;

/// A session with what would become of it at `now`; `guest_token` is told when it is made.
pub(crate) fn session(answer: &CheckoutAnswer, now: Time, guest_token: Option<String>) -> v1::CheckoutSession {
    let (checkout, preview) = (&*answer.checkout, &answer.preview);
    let status = checkout.status_at(now);
    let is_active = status == Status::Active;
    let cart = preview.cart.as_deref().filter(|_| is_active);
    let (shipping_address_id, shipping_address) = address(&checkout.shipping_address);
    let (billing_address_id, billing_address) = address(&checkout.billing_address);
    v1::CheckoutSession {
        session_id: checkout.session_id.as_str().into(),
        status: status.as_str().into(),
        customer_id: checkout.customer_id.as_ref().map(UserId::as_str).map(Into::into),
        customer_email: checkout.customer_email.as_deref().map(Into::into),
        cart_id: cart.map(|cart| cart.cart_id.0.to_string()),
        items: cart.map(items).unwrap_or_default(),
        shipping_address_id,
        shipping_address,
        billing_address_id,
        billing_address,
        shipping_method: checkout.shipping_method.as_deref().map(Into::into),
        payment_method: checkout.payment_method.as_ref().map(PaymentMethod::as_str).map(Into::into),
        promotion_codes: checkout.promotion_codes.iter().map(|code| (**code).into()).collect(),
        notes: checkout.notes.as_deref().map(Into::into),
        totals: preview.totals.filter(|_| is_active).map(totals),
        price_changes: preview.price_changes.iter().filter(|_| is_active).map(price_change).collect(),
        missing: preview.missing.iter().filter(|_| is_active).map(|name| (*name).into()).collect(),
        order_id: checkout.order_id.map(|id| id.0.to_string()),
        reserved_until: preview.reserved_until.filter(|_| is_active).map(|at| at.to_string()),
        expires_at: checkout.expires_at.to_string(),
        version: checkout.version,
        created_at: checkout.created_at.to_string(),
        updated_at: checkout.updated_at.to_string(),
        guest_token,
    }
}

fn items(cart: &Cart) -> Vec<v1::CheckoutItem> {
    // An empty cart has no currency, and no amount to show in it.
    let currency = cart.currency.unwrap_or(Currency::USD);
    let item = |line: &CartLine| v1::CheckoutItem {
        cart_item_id: line.cart_item_id.0.to_string(),
        sku_id: SkuId::as_str(&line.sku_id).into(),
        qty: line.qty,
        unit_price: to_text(line.unit_price, currency),
    };
    cart.lines.iter().map(item).collect()
}

fn totals((totals, currency): (Totals, Currency)) -> v1::Totals {
    v1::Totals {
        subtotal_amount: to_text(totals.subtotal, currency),
        discount_amount: to_text(totals.discount, currency),
        tax_amount: to_text(totals.tax, currency),
        shipping_fee: to_text(totals.shipping, currency),
        total_amount: to_text(totals.total, currency),
        currency: currency.code().into(),
    }
}

fn price_change(change: &PriceChange) -> v1::PriceChange {
    v1::PriceChange {
        sku_id: SkuId::as_str(&change.sku_id).into(),
        old_unit_price: to_text(change.old_unit_price, change.currency),
        new_unit_price: to_text(change.new_unit_price, change.currency),
        currency: change.currency.code().into(),
    }
}
