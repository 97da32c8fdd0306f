//! Makes an order of a checkout session: placed, its stock promised, its payment begun, its cart closed, in one step or not at all.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::place_cart::items;
use super::request_payment::begin_attempt;
use super::start_checkout::{CheckoutAnswer, visible, written};
use super::{Answer, Command, Context, Decision, OrderAnswer, PlaceOrder, RequestPayment, Stop, change_cart, checkout_hold};
use crate::cart::{Cart, CartEnd, CartOwner};
use crate::checkout::{Checkout, GuestToken, Preview, Status, held};
use crate::ids::{OrderId, SessionId};
use crate::order::{AddressRef, Channel, Order};
use crate::payment;
use crate::refusal::CheckoutRefusal;
use crate::tables::{Needs, View, Write};

/// Confirms a session. Again, the same order; if its payment was declined meanwhile, with another attempt.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfirmCheckout {
    /// Which session.
    pub session_id: SessionId,
    /// What the caller proves himself with, if he does.
    pub guest_token: Option<GuestToken>,
}

/// The order of a session.
#[derive(Clone, PartialEq, Debug)]
pub struct ConfirmAnswer {
    /// The order as it is now.
    pub answer: OrderAnswer,
    /// It had been confirmed before.
    pub is_again: bool,
}

impl Answer for ConfirmAnswer {
    fn remember(&self) -> String {
        self.answer.remember()
    }

    fn needs(stored: &str, seen: &View, needs: &mut Needs) {
        OrderAnswer::needs(stored, seen, needs);
    }

    fn recall(stored: &str, seen: &View) -> Result<Self, Stop> {
        Ok(Self { answer: OrderAnswer::recall(stored, seen)?, is_again: true })
    }

    fn order(&self) -> Option<&Order> {
        Some(&self.answer.order)
    }
}

impl Command for ConfirmCheckout {
    type Answer = ConfirmAnswer;
    const NAME: &'static str = "confirm_checkout";

    fn needs(&self, seen: &View, cx: &Context, needs: &mut Needs) {
        needs.checkouts.insert(self.session_id.clone());
        // A guest's cart mostly has the name of his session: it is there when the session is, without another way to the store.
        needs.carts.insert(CartOwner::Session(self.session_id.clone()));
        let Some(checkout) = seen.checkouts.peek(&self.session_id) else { return };
        if let Some(order_id) = checkout.order_id {
            OrderAnswer::needs_of(order_id, seen, needs);
            return;
        }
        CheckoutAnswer::needs_of(&self.session_id, seen, needs);
        if let Some(cart) = seen.carts.peek(&checkout.owner) {
            if let Some(order_id) = became(checkout, cart) {
                OrderAnswer::needs_of(order_id, seen, needs);
            }
            needs.numbers.insert(cx.id(), cx.now.year());
            needs.stock.extend(cart.lines.iter().map(|line| line.sku_id.clone()));
        }
        checkout_hold::needs(checkout, seen, cx, needs);
    }

    fn decide(&self, seen: &View, cx: &Context) -> Result<Decision<ConfirmAnswer>, Stop> {
        let checkout = visible(&self.session_id, self.guest_token, seen, cx)?;
        match (checkout.status_at(cx.now), checkout.order_id) {
            (Status::Active, _) => confirm(checkout, seen, cx),
            (Status::Confirmed, Some(order_id)) => again(checkout, order_id, seen, cx),
            _ => Err(CheckoutRefusal::Expired.into()),
        }
    }
}

/// Everything at once: what is refused leaves no trace.
fn confirm(checkout: &Checkout, seen: &View, cx: &Context) -> Result<Decision<ConfirmAnswer>, Stop> {
    let preview = Preview::of(checkout, seen, cx.now)?;
    let latest = seen.carts.get(&checkout.owner)?;
    if let Some(order_id) = latest.and_then(|cart| became(checkout, cart)) {
        // Another session, or another door, has ordered the cart: its order is the one that is there.
        let decision = again(checkout, order_id, seen, cx)?;
        let mut changes = decision.changes;
        checkout_hold::give_back(&mut changes, checkout, seen, cx)?;
        changes.checkouts = confirmed(checkout, order_id, cx);
        return Ok(Decision { changes, ..decision });
    }
    let Some(cart) = preview.cart.filter(|_| preview.missing.is_empty()) else {
        return Err(CheckoutRefusal::Incomplete(preview.missing).into());
    };
    let held = held(checkout, seen)?.map(|hold| &**hold);
    let (mut draft, price_changes) = order_of(checkout, &cart).draft(held, seen, cx)?;
    if draft.order.status.awaits_payment() {
        let method = draft.order.payment_method.clone().ok_or_else(|| CheckoutRefusal::Incomplete(vec!["payment_method"]))?;
        let asks_provider = !method.is_cod();
        let payment_id = draft.next_id();
        begin_attempt(&mut draft, cx, payment_id, method, asks_provider)?;
    }
    let decision = draft.finish();
    let (mut changes, mut answer) = (decision.changes, decision.answer);
    let order_id = answer.order.order_id;
    let cart = Arc::new((*cart).clone().changed(Some(CartEnd::Ordered(order_id)), &cx.settings.cart, cx.now));
    changes.carts = change_cart::written([&cart]).carts;
    changes.checkouts = confirmed(checkout, order_id, cx);
    answer.price_changes = price_changes;
    Ok(Decision { changes, answer: ConfirmAnswer { answer, is_again: false } })
}

/// The order that the session's cart has become while the session went on.
fn became(checkout: &Checkout, cart: &Cart) -> Option<OrderId> {
    cart.ended.and_then(CartEnd::order_id).filter(|_| checkout.created_at <= cart.updated_at)
}

/// The session, over.
fn confirmed(checkout: &Checkout, order_id: OrderId, cx: &Context) -> BTreeMap<SessionId, Write<Arc<Checkout>>> {
    let confirmed = Checkout { order_id: Some(order_id), ..checkout.clone() };
    written(&Arc::new(confirmed.changed(Status::Confirmed, &cx.settings.checkout, cx.now)))
}

/// The order that the session became; after a decline with another attempt, in the way that the session now says.
fn again(checkout: &Checkout, order_id: OrderId, seen: &View, cx: &Context) -> Result<Decision<ConfirmAnswer>, Stop> {
    let cx = &Context { only_if: None, ..cx.clone() };
    let now = OrderAnswer::visible(order_id, seen, cx)?;
    let declined = now.payment.as_ref().is_some_and(|payment| payment.status == payment::Status::Failed);
    let decision = if declined && now.order.status.awaits_payment() {
        RequestPayment { order_id, method: checkout.payment_method.clone() }.decide(seen, cx)?
    } else {
        super::draft::unchanged(now)
    };
    Ok(Decision { changes: decision.changes, answer: ConfirmAnswer { answer: decision.answer, is_again: true } })
}

/// What the session asks for, at the prices that the cart shows.
fn order_of(checkout: &Checkout, cart: &Cart) -> PlaceOrder {
    let billing_address =
        if checkout.billing_address == AddressRef::default() { &checkout.shipping_address } else { &checkout.billing_address };
    PlaceOrder {
        channel: Channel::Checkout,
        user_id: checkout.customer_id.clone(),
        customer_email: checkout.customer_email.clone(),
        cart_id: Some(cart.cart_id),
        external_id: None,
        currency: cart.currency,
        items: items(cart),
        shipping_address: checkout.shipping_address.clone(),
        billing_address: billing_address.clone(),
        payment_method: checkout.payment_method.clone(),
        notes: checkout.notes.clone(),
        metadata: "{}".into(),
    }
}
