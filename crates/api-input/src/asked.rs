//! What several doors ask for alike: a command, or a part of one, out of the fields of a request.

use std::sync::Arc;

use domain::checkout::GuestToken;
use domain::command::{CheckoutChange, ConfirmCheckout, UpdateCheckout};
use domain::ids::{CartId, SessionId, UserId};

use crate::address::{changed, changed_address};
use crate::document::Doc;
use crate::fields::Fields;
use crate::rules::{email, identifier, multiline, text, uuid};

/// Codes that one order could be made cheaper with.
const CODES_MAX: usize = 20;

/// A checkout session as it is to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// Its name.
    pub session_id: SessionId,
    /// Who buys.
    pub customer_id: Option<UserId>,
    /// Which cart is meant.
    pub cart_id: Option<CartId>,
}

/// The name of a session.
pub fn session(f: &mut Fields<'_>) -> SessionId {
    f.required("session_id", identifier()).into()
}

/// How a checkout session begins.
pub fn start_checkout(f: &mut Fields<'_>) -> Start {
    Start {
        session_id: session(f),
        customer_id: f.optional("customer_id", identifier()).map(Into::into),
        cart_id: f.optional("cart_id", uuid()).map(CartId),
    }
}

/// What changes of a checkout session: what is absent stays, `null` clears. `doc` is the document of `f`.
pub fn update_checkout(f: &mut Fields<'_>, doc: &Doc, guest_token: Option<GuestToken>) -> UpdateCheckout {
    f.read_only(&["status", "totals", "total_amount", "order_id", "customer_id", "cart_id", "items"]);
    UpdateCheckout {
        session_id: session(f),
        guest_token,
        change: CheckoutChange {
            shipping_address_id: changed(f.patch("shipping_address_id", identifier())),
            shipping_address: changed_address(f, doc, "shipping_address"),
            billing_address_id: changed(f.patch("billing_address_id", identifier())),
            billing_address: changed_address(f, doc, "billing_address"),
            shipping_method: changed(f.patch("shipping_method", identifier())),
            payment_method: changed::<String, String>(f.patch("payment_method", identifier()))
                .map(|method| method.map(|word| word.as_str().into())),
            promotion_codes: f
                .optional_values("promotion_codes", 0..=CODES_MAX, text(1..=100))
                .map(|codes| codes.into_iter().map(Into::into).collect()),
            notes: changed(f.patch("notes", multiline(0..=2000))),
            customer_email: changed(f.patch("customer_email", email())),
        },
    }
}

/// Which checkout session becomes an order.
pub fn confirm_checkout(f: &mut Fields<'_>, guest_token: Option<GuestToken>) -> ConfirmCheckout {
    ConfirmCheckout { session_id: session(f), guest_token }
}

/// Why an order is canceled.
pub fn cancel_reason(f: &mut Fields<'_>) -> Option<Arc<str>> {
    f.optional("reason", multiline(1..=500)).map(Into::into)
}
