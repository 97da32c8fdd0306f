//! Places an order from a cart, and closes the cart with it: one order a cart, for ever.

use std::sync::Arc;

use super::change_cart::written;
use super::{Command, Context, Decision, ItemRequest, OrderAnswer, PlaceOrder, Stop};
use crate::cart::{Cart, CartEnd, CartLine, CartOwner};
use crate::ids::CartId;
use crate::money::{Currency, Decimal};
use crate::refusal::CartRefusal;
use crate::tables::{Needs, View};

/// Places an order from a cart.
///
/// It is [`PlaceOrder`] in another form: the same keys, the same outcomes. What the cart saw as prices is what its owner expects.
#[derive(Clone, Debug)]
pub struct PlaceCart {
    /// The order without its items; `user_id`: none, or the cart's.
    pub order: PlaceOrder,
    /// Which cart.
    pub cart_id: CartId,
    /// Whose it is; `None`: nobody's any more. A known key is answered all the same.
    pub owner: Option<CartOwner>,
}

impl Command for PlaceCart {
    type Answer = OrderAnswer;
    const NAME: &'static str = PlaceOrder::NAME;

    fn needs(&self, seen: &View, cx: &Context, needs: &mut Needs) {
        self.order.needs(seen, cx, needs);
        needs.carts.extend(self.owner.clone());
        if let Some(cart) = self.owner.as_ref().and_then(|owner| seen.carts.peek(owner)) {
            needs.skus.extend(cart.lines.iter().map(|line| line.sku_id.clone()));
            needs.stock.extend(cart.lines.iter().map(|line| line.sku_id.clone()));
        }
    }

    fn decide(&self, seen: &View, cx: &Context) -> Result<Decision<OrderAnswer>, Stop> {
        let cart = self.cart(seen, cx)?;
        let order = PlaceOrder {
            user_id: self.order.user_id.as_ref().or(cart.owner.user_id()).cloned(),
            cart_id: Some(cart.cart_id),
            currency: self.order.currency.or(cart.currency),
            items: items(cart),
            ..self.order.clone()
        };
        let mut decision = order.decide(seen, cx)?;
        let end = CartEnd::Ordered(decision.answer.order.order_id);
        let ended = Arc::new(cart.clone().changed(Some(end), &cx.settings.cart, cx.now));
        decision.changes.carts = written([&ended]).carts;
        Ok(decision)
    }
}

impl PlaceCart {
    /// The cart, if it is the caller's to order and there is something in it.
    fn cart<'v>(&self, seen: &'v View, cx: &Context) -> Result<&'v Cart, Stop> {
        let cart = match &self.owner {
            Some(owner) => seen.carts.get(owner)?.filter(|cart| cart.cart_id == self.cart_id),
            None => None,
        };
        let is_theirs = |cart: &&Arc<Cart>| {
            let named = |user_id: &str| cart.owner.user_id().is_none_or(|owner| owner.as_str() == user_id);
            cx.caller.only_own().is_none_or(named) && self.order.user_id.as_ref().is_none_or(|user_id| named(user_id.as_str()))
        };
        let cart = cart.filter(is_theirs).ok_or(CartRefusal::NotFound(self.cart_id))?;
        if let Some(end) = cart.ended {
            return Err(CartRefusal::Closed { cart_id: self.cart_id, order_id: end.order_id() }.into());
        }
        if cart.lines.is_empty() {
            return Err(CartRefusal::Empty.into());
        }
        Ok(cart)
    }
}

/// The lines of a cart as they are asked for: at the prices that were seen.
pub(super) fn items(cart: &Cart) -> Vec<ItemRequest> {
    let scale = cart.currency.map_or(0, Currency::exponent);
    let item = |line: &CartLine| ItemRequest {
        sku_id: line.sku_id.clone(),
        qty: line.qty,
        expected_unit_price: Some(Decimal { mantissa: line.unit_price, scale }),
        offer_id: Some(line.offer_id),
    };
    cart.lines.iter().map(item).collect()
}
