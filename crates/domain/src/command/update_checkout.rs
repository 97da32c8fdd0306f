//! Takes what the customer says in the course of his checkout, and shows what it would cost.

use std::sync::Arc;

use super::start_checkout::{CheckoutAnswer, decided, visible};
use super::{Command, Context, Decision, Stop, checkout_hold};
use crate::cart::CartOwner;
use crate::checkout::{Checkout, GuestToken, Status};
use crate::ids::{AddressId, SessionId};
use crate::order::PaymentMethod;
use crate::refusal::CheckoutRefusal;
use crate::tables::{Changes, Needs, View};

/// What is changed of a session. An outer `None` leaves a field as it is, an inner one clears it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CheckoutChange {
    /// Where the goods go, by reference.
    pub shipping_address_id: Option<Option<AddressId>>,
    /// Where the goods go, as JSON text.
    pub shipping_address: Option<Option<Arc<str>>>,
    /// Where the bill goes, by reference.
    pub billing_address_id: Option<Option<AddressId>>,
    /// Where the bill goes, as JSON text.
    pub billing_address: Option<Option<Arc<str>>>,
    /// How the goods go.
    pub shipping_method: Option<Option<Arc<str>>>,
    /// How it is paid.
    pub payment_method: Option<Option<PaymentMethod>>,
    /// What the customer hopes to save with.
    pub promotion_codes: Option<Vec<Arc<str>>>,
    /// The customer's words.
    pub notes: Option<Option<Arc<str>>>,
    /// Where to write to.
    pub customer_email: Option<Option<Arc<str>>>,
}

/// Changes a session.
///
/// Of a session that is confirmed only the payment method can be changed, while its order still waits for money.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UpdateCheckout {
    /// Which session.
    pub session_id: SessionId,
    /// What the caller proves himself with, if he does.
    pub guest_token: Option<GuestToken>,
    /// What is changed.
    pub change: CheckoutChange,
}

impl CheckoutChange {
    /// `checkout` with the changes.
    fn of(&self, checkout: Checkout) -> Checkout {
        let mut changed = checkout;
        put(&mut changed.shipping_address.id, self.shipping_address_id.as_ref());
        put(&mut changed.shipping_address.snapshot, self.shipping_address.as_ref());
        put(&mut changed.billing_address.id, self.billing_address_id.as_ref());
        put(&mut changed.billing_address.snapshot, self.billing_address.as_ref());
        put(&mut changed.shipping_method, self.shipping_method.as_ref());
        put(&mut changed.payment_method, self.payment_method.as_ref());
        put(&mut changed.promotion_codes, self.promotion_codes.as_ref());
        put(&mut changed.notes, self.notes.as_ref());
        put(&mut changed.customer_email, self.customer_email.as_ref());
        changed
    }
}

fn put<T: Clone>(old: &mut T, new: Option<&T>) {
    if let Some(new) = new {
        old.clone_from(new);
    }
}

impl Command for UpdateCheckout {
    type Answer = CheckoutAnswer;
    const NAME: &'static str = "update_checkout";

    fn needs(&self, seen: &View, cx: &Context, needs: &mut Needs) {
        // As in confirming.
        needs.carts.insert(CartOwner::Session(self.session_id.clone()));
        CheckoutAnswer::needs_of(&self.session_id, seen, needs);
        if let Some(checkout) = seen.checkouts.peek(&self.session_id) {
            needs.orders.extend(checkout.order_id);
            checkout_hold::needs(checkout, seen, cx, needs);
        }
    }

    fn decide(&self, seen: &View, cx: &Context) -> Result<Decision<CheckoutAnswer>, Stop> {
        let known = visible(&self.session_id, self.guest_token, seen, cx)?;
        let changed = self.change.of((**known).clone());
        match (known.status_at(cx.now), known.order_id) {
            (Status::Active, _) => {
                let mut changed = changed.changed(Status::Active, &cx.settings.checkout, cx.now);
                // What is short now is refused when it is confirmed: until then the cart can change, or stock can come.
                let (held, _short) = checkout_hold::go_on(&mut changed, seen, cx)?;
                decided(changed, held, seen, cx)
            }
            (Status::Confirmed, Some(order_id)) => {
                let waits = seen.orders.get(&order_id)?.is_some_and(|order| order.status.awaits_payment());
                let only_method = Checkout { payment_method: changed.payment_method.clone(), ..(**known).clone() };
                if !waits || changed != only_method || changed.payment_method.is_none() {
                    return Err(CheckoutRefusal::Confirmed(order_id).into());
                }
                decided(changed.changed(Status::Confirmed, &cx.settings.checkout, cx.now), Changes::default(), seen, cx)
            }
            _ => Err(CheckoutRefusal::Expired.into()),
        }
    }
}
