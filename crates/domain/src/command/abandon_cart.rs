//! Ends a cart that nobody has touched for long.

use std::sync::Arc;

use super::change_cart::written;
use super::draft::unchanged;
use super::{Answer, Command, Context, Decision, Stop};
use crate::cart::{CartEnd, CartOwner};
use crate::tables::{Needs, View};

/// Ends the cart of an owner if its time has passed; else does nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AbandonCart {
    /// Whose.
    pub owner: CartOwner,
}

/// Whether it was ended by this.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Abandoned(pub bool);

impl Answer for Abandoned {
    fn remember(&self) -> String {
        self.0.to_string()
    }

    fn recall(stored: &str, _: &View) -> Result<Self, Stop> {
        Ok(Self(stored == "true"))
    }
}

impl Command for AbandonCart {
    type Answer = Abandoned;
    const NAME: &'static str = "abandon_cart";

    fn needs(&self, _: &View, _: &Context, needs: &mut Needs) {
        needs.carts.insert(self.owner.clone());
    }

    fn decide(&self, seen: &View, cx: &Context) -> Result<Decision<Abandoned>, Stop> {
        match seen.carts.get(&self.owner)?.filter(|cart| cart.is_active() && cart.expires_at <= cx.now) {
            Some(cart) => {
                let cart = Arc::new((**cart).clone().changed(Some(CartEnd::Abandoned), &cx.settings.cart, cx.now));
                Ok(Decision { changes: written([&cart]), answer: Abandoned(true) })
            }
            None => Ok(unchanged(Abandoned(false))),
        }
    }
}
