//! A guest logs in: what is in his cart goes into the customer's.

use std::sync::Arc;

use super::change_cart::{version_of, visible, written};
use super::draft::unchanged;
use super::{CartAnswer, Command, Context, Decision, Stop};
use crate::cart::{Cart, CartEnd, CartLine, CartOwner};
use crate::ids::{SessionId, UserId};
use crate::tables::{Needs, View};

/// Moves the lines of a guest's cart into the customer's, whose lines stay. Again, or without a guest's cart, it changes nothing.
///
/// Of a SKU that is in both, the pieces add up, at most to what a line may have: nobody is kept from logging in by a full line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MergeCarts {
    /// The guest.
    pub session_id: SessionId,
    /// The customer.
    pub user_id: UserId,
}

impl MergeCarts {
    fn owners(&self) -> (CartOwner, CartOwner) {
        (CartOwner::Session(self.session_id.clone()), CartOwner::User(self.user_id.clone()))
    }
}

impl Command for MergeCarts {
    type Answer = CartAnswer;
    const NAME: &'static str = "merge_carts";

    fn needs(&self, _: &View, _: &Context, needs: &mut Needs) {
        let (guest, user) = self.owners();
        needs.carts.extend([guest, user]);
    }

    fn decide(&self, seen: &View, cx: &Context) -> Result<Decision<CartAnswer>, Stop> {
        let (guest, user) = self.owners();
        let now = visible(&user, seen, cx)?;
        let Some(guest) = seen.carts.get(&guest)?.filter(|cart| cart.is_active() && !cart.lines.is_empty()) else {
            return Ok(unchanged(CartAnswer::seen(&user, seen)?));
        };
        let mut cart = match now.filter(|cart| cart.is_active()) {
            Some(cart) => (**cart).clone(),
            None => Cart::begun(user, cx.id(), version_of(now), cx.now),
        };
        let rules = &cx.settings.cart;
        for (line, n) in guest.lines.iter().zip(1..) {
            let known = cart.lines.iter().find(|known| known.sku_id == line.sku_id);
            let cart_item_id = known.map_or_else(|| cx.mint.id(n).into(), |known| known.cart_item_id);
            let qty = line.qty.saturating_add(known.map_or(0, |known| known.qty)).min(rules.qty_max);
            // The price that was seen last.
            let latest = known.filter(|known| known.captured_at > line.captured_at).unwrap_or(line).clone();
            cart.put(CartLine { cart_item_id, qty, ..latest }, guest.currency.unwrap_or(cx.settings.currency), rules)?;
        }
        let merged = Arc::new((**guest).clone().changed(Some(CartEnd::Merged), rules, cx.now));
        let cart = Arc::new(cart.changed(None, rules, cx.now));
        Ok(Decision { changes: written([&merged, &cart]), answer: CartAnswer::of(&cart) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caller::{Caller, Role};
    use crate::cart::CartRules;
    use crate::command::Settings;
    use crate::ids::{CartId, CartItemId, Mint, OfferId, Uuid};
    use crate::money::Currency;
    use crate::time::Time;

    fn cart(owner: CartOwner, n: u128, lines: &[(&str, i64, i64)], currency: Currency) -> Arc<Cart> {
        let mut cart = Cart::begun(owner, CartId(Uuid::from_u128(n)), 0, Time(1));
        for (index, (sku_id, qty, price)) in (1..).zip(lines) {
            let line = CartLine {
                cart_item_id: CartItemId(Uuid::from_u128(n << 8 | index)),
                sku_id: (*sku_id).into(),
                qty: *qty,
                unit_price: *price,
                offer_id: OfferId(Uuid::from_u128(1)),
                captured_at: Time(i64::try_from(n).unwrap()),
            };
            cart.put(line, currency, &CartRules::default()).unwrap();
        }
        Arc::new(cart.changed(None, &CartRules::default(), Time(2)))
    }

    fn merge() -> MergeCarts {
        MergeCarts { session_id: "s".into(), user_id: "ada".into() }
    }

    fn context(caller: Caller) -> Context {
        Context {
            now: Time(9),
            caller,
            request_id: "r".into(),
            key: None,
            mint: Mint { time: Time(9), seed: 7 },
            settings: Arc::new(Settings::default()),
            only_if: None,
        }
    }

    fn seen(carts: &[Arc<Cart>]) -> View {
        let mut seen = View::default();
        for cart in carts {
            seen.carts.found(cart.owner.clone(), cart.clone());
        }
        let mut needs = Needs::default();
        merge().needs(&seen, &context(Caller::local_admin()), &mut needs);
        seen.settle(&needs);
        seen
    }

    #[test]
    fn pieces_add_up_to_what_a_line_may_have_at_the_price_that_was_seen_last() {
        let (guest, user) = merge().owners();
        let mut seen = seen(&[
            cart(guest.clone(), 5, &[("tea", 3, 250), ("cup", 15, 900)], Currency::USD),
            cart(user.clone(), 4, &[("cup", 10, 950), ("pot", 1, 2000)], Currency::USD),
        ]);
        let decision = merge().decide(&seen, &context(Caller::local_admin())).unwrap();
        let merged = decision.answer.cart.unwrap();
        let lines: Vec<_> = merged.lines.iter().map(|line| (line.sku_id.as_str(), line.qty, line.unit_price)).collect();
        assert_eq!(lines, [("cup", 20, 900), ("pot", 1, 2000), ("tea", 3, 250)]);
        assert_eq!(merged.cart_id, CartId(Uuid::from_u128(4)));
        seen.apply(&decision.changes);
        let guest = seen.carts.peek(&guest).unwrap();
        assert_eq!((guest.ended, guest.version, guest.lines.len()), (Some(CartEnd::Merged), 2, 2));
        // Again: nothing is doubled.
        let again = merge().decide(&seen, &context(Caller::local_admin())).unwrap();
        assert!(again.changes.is_empty());
        assert_eq!(again.answer.cart, Some(merged));
    }

    #[test]
    fn a_customer_without_a_cart_gets_one_of_his_own() {
        let (guest, _) = merge().owners();
        let seen = seen(&[cart(guest, 5, &[("tea", 3, 250)], Currency::EUR)]);
        let ada = Caller { id: "ada".into(), role: Role::Customer };
        let merged = merge().decide(&seen, &context(ada)).unwrap().answer.cart.unwrap();
        assert_eq!((merged.version, merged.currency, merged.lines.len()), (1, Some(Currency::EUR), 1));
        assert_ne!(merged.cart_id, CartId(Uuid::from_u128(5)));
        let bob = Caller { id: "bob".into(), role: Role::Customer };
        assert!(matches!(merge().decide(&seen, &context(bob)), Err(Stop::Refused(refusal)) if refusal.code() == "FORBIDDEN"));
    }

    #[test]
    fn carts_in_two_currencies_are_both_left_as_they_are() {
        let (guest, user) = merge().owners();
        let seen = seen(&[
            cart(guest, 5, &[("wine", 3, 700)], Currency::EUR),
            cart(user, 4, &[("cup", 10, 950), ("pot", 1, 2000)], Currency::USD),
        ]);
        let refused = merge().decide(&seen, &context(Caller::local_admin()));
        assert!(matches!(refused, Err(Stop::Refused(refusal)) if refusal.code() == "CURRENCY_MISMATCH"));
    }
}
