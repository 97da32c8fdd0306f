//! Fills a cart: a line for each SKU, each change at the price that counts now.

use std::sync::Arc;

use super::draft::{unchanged, unreadable};
use super::{Answer, Command, Context, Decision, Stop};
use crate::cart::{Cart, CartLine, CartOwner};
use crate::ids::{CartItemId, SkuId};
use crate::refusal::CartRefusal;
use crate::tables::{Changes, Gap, Needs, View, Write};

/// What is done to a cart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CartChange {
    /// Puts so many more in.
    Add {
        /// What.
        sku_id: SkuId,
        /// How many more, from 1.
        qty: i64,
    },
    /// Says how many there shall be, and reads the price again.
    Set {
        /// Of which line.
        cart_item_id: CartItemId,
        /// What it is a line of; a line never moves to another SKU.
        sku_id: SkuId,
        /// How many, from 1.
        qty: i64,
    },
    /// Takes a line out.
    Remove {
        /// Which line.
        cart_item_id: CartItemId,
    },
    /// Takes everything out.
    Clear,
}

/// Changes the cart of an owner; what is added to none, or to one that has ended, begins a new one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChangeCart {
    /// Whose cart.
    pub owner: CartOwner,
    /// What is done to it.
    pub change: CartChange,
}

/// The cart of an owner as it is now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CartAnswer {
    /// Whose.
    pub owner: CartOwner,
    /// The one he fills; `None`: he has begun none since the last one ended.
    pub cart: Option<Arc<Cart>>,
}

impl CartAnswer {
    pub(super) fn of(cart: &Arc<Cart>) -> Self {
        Self { owner: cart.owner.clone(), cart: cart.is_active().then(|| cart.clone()) }
    }

    pub(super) fn seen(owner: &CartOwner, seen: &View) -> Result<Self, Gap> {
        Ok(Self { owner: owner.clone(), cart: seen.carts.get(owner)?.filter(|cart| cart.is_active()).cloned() })
    }
}

impl Answer for CartAnswer {
    fn remember(&self) -> String {
        self.owner.to_string()
    }

    fn needs(stored: &str, _: &View, needs: &mut Needs) {
        needs.carts.extend(CartOwner::parse(stored));
    }

    fn recall(stored: &str, seen: &View) -> Result<Self, Stop> {
        Ok(Self::seen(&CartOwner::parse(stored).ok_or_else(|| unreadable("Carts", stored))?, seen)?)
    }
}

impl Command for ChangeCart {
    type Answer = CartAnswer;
    const NAME: &'static str = "change_cart";

    fn needs(&self, _: &View, _: &Context, needs: &mut Needs) {
        needs.carts.insert(self.owner.clone());
        if let CartChange::Add { sku_id, .. } | CartChange::Set { sku_id, .. } = &self.change {
            needs.skus.insert(sku_id.clone());
        }
    }

    fn decide(&self, seen: &View, cx: &Context) -> Result<Decision<CartAnswer>, Stop> {
        let now = visible(&self.owner, seen, cx)?;
        let active = now.filter(|cart| cart.is_active());
        let mut cart = match active {
            Some(cart) => (**cart).clone(),
            None => Cart::begun(self.owner.clone(), cx.id(), version_of(now), cx.now),
        };
        match &self.change {
            CartChange::Add { sku_id, qty } => {
                let there = cart.lines.iter().find(|line| line.sku_id == *sku_id);
                let (cart_item_id, there) = there.map_or_else(|| (cx.mint.id(1).into(), 0), |line| (line.cart_item_id, line.qty));
                put(&mut cart, cart_item_id, sku_id, there.saturating_add(*qty), seen, cx)?;
            }
            CartChange::Set { cart_item_id, sku_id, qty } => {
                cart.line(*cart_item_id)?;
                put(&mut cart, *cart_item_id, sku_id, *qty, seen, cx)?;
            }
            CartChange::Remove { cart_item_id } => {
                cart.line(*cart_item_id)?;
                cart.lines.retain(|line| line.cart_item_id != *cart_item_id);
            }
            CartChange::Clear if cart.lines.is_empty() => return Ok(unchanged(CartAnswer::seen(&self.owner, seen)?)),
            CartChange::Clear => cart.lines.clear(),
        }
        let cart = Arc::new(cart.changed(None, &cx.settings.cart, cx.now));
        Ok(Decision { changes: written([&cart]), answer: CartAnswer::of(&cart) })
    }
}

/// The owner's cart, ended or not, in a version that the caller means.
pub(super) fn visible<'v>(owner: &CartOwner, seen: &'v View, cx: &Context) -> Result<Option<&'v Arc<Cart>>, Stop> {
    // A session belongs to whoever knows it.
    if let (Some(own), Some(user_id)) = (cx.caller.only_own(), owner.user_id())
        && user_id.as_str() != own
    {
        return Err(CartRefusal::ForeignOwner.into());
    }
    let cart = seen.carts.get(owner)?;
    match &cx.only_if {
        Some(versions) if !versions.contains(&version_of(cart)) => Err(CartRefusal::VersionMismatch(version_of(cart)).into()),
        _ => Ok(cart),
    }
}

/// The version to go on from; 0: the owner never had a cart.
pub(super) fn version_of(cart: Option<&Arc<Cart>>) -> i64 {
    cart.map_or(0, |cart| cart.version)
}

/// Carts in their next versions.
pub(super) fn written<'c>(carts: impl IntoIterator<Item = &'c Arc<Cart>>) -> Changes {
    let mut changes = Changes::default();
    for cart in carts {
        changes.carts.insert(cart.owner.clone(), Write { expected: cart.version.saturating_sub(1), row: cart.clone() });
    }
    changes
}

/// Makes the line of a SKU, or changes it, at the price that counts now.
fn put(cart: &mut Cart, cart_item_id: CartItemId, sku_id: &SkuId, qty: i64, seen: &View, cx: &Context) -> Result<(), Stop> {
    let sku = seen.skus.get(sku_id)?.filter(|sku| sku.is_for_sale());
    let sku = sku.ok_or_else(|| CartRefusal::UnknownSku(sku_id.clone()))?;
    let offer = sku.current_offer(cx.now).ok_or_else(|| CartRefusal::NoCurrentOffer(sku_id.clone()))?;
    let line =
        CartLine { cart_item_id, sku_id: sku_id.clone(), qty, unit_price: offer.price, offer_id: offer.offer_id, captured_at: cx.now };
    Ok(cart.put(line, offer.currency, &cx.settings.cart)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caller::{Caller, Role};
    use crate::cart::{CartEnd, CartRules};
    use crate::catalog::{Offer, OfferStatus, Sku, SkuStatus};
    use crate::command::Settings;
    use crate::ids::{Mint, OfferId, OrderId, Uuid};
    use crate::money::Currency;
    use crate::refusal::Refusal;
    use crate::time::Time;

    fn owner() -> CartOwner {
        CartOwner::User("ada".into())
    }

    fn context(now: i64) -> Context {
        Context {
            now: Time(now),
            caller: Caller::local_admin(),
            request_id: "r".into(),
            key: None,
            mint: Mint { time: Time(now), seed: 7 },
            settings: Arc::new(Settings::default()),
            only_if: None,
        }
    }

    /// A shop that sells `tea` and `cup` in dollars, `wine` in euros, and has no price for `air`.
    fn shop() -> View {
        let mut seen = View::default();
        for (n, (id, price)) in
            [("tea", Some((250, Currency::USD))), ("cup", Some((900, Currency::USD))), ("wine", Some((700, Currency::EUR))), ("air", None)]
                .into_iter()
                .enumerate()
        {
            let offers = price.map(|(price, currency)| Offer {
                offer_id: OfferId(Uuid::from_u128(u128::try_from(n).unwrap())),
                sku_id: id.into(),
                price,
                currency,
                priority: 0,
                valid_from: Time(0),
                valid_to: None,
                status: OfferStatus::Active,
                created_at: Time(0),
                updated_at: Time(0),
            });
            let sku = Sku {
                sku_id: id.into(),
                product_id: "p".into(),
                name: id.into(),
                status: SkuStatus::Active,
                tax_class: "standard".into(),
                title: None,
                author: None,
                offers: offers.into_iter().collect(),
                version: 1,
                created_at: Time(0),
                updated_at: Time(0),
            };
            seen.skus.found(id.into(), Arc::new(sku));
        }
        let mut asked = Needs::default();
        asked.skus.insert("gold".into());
        asked.carts.insert(owner());
        seen.settle(&asked);
        seen
    }

    fn change(seen: &mut View, change: CartChange, cx: &Context) -> Result<Option<Arc<Cart>>, Refusal> {
        match (ChangeCart { owner: owner(), change }).decide(seen, cx) {
            Ok(decision) => {
                seen.apply(&decision.changes);
                Ok(decision.answer.cart)
            }
            Err(Stop::Refused(refusal)) => Err(refusal),
            Err(Stop::Gap(gap)) => panic!("{gap}"),
        }
    }

    fn add(seen: &mut View, sku_id: &str, qty: i64, cx: &Context) -> Result<Arc<Cart>, Refusal> {
        change(seen, CartChange::Add { sku_id: sku_id.into(), qty }, cx).map(|cart| cart.expect("what is filled is there"))
    }

    #[test]
    fn what_is_added_twice_is_one_line_at_the_latest_price() {
        let mut seen = shop();
        let first = add(&mut seen, "tea", 2, &context(10)).unwrap();
        assert_eq!((first.version, first.lines.len(), first.currency), (1, 1, Some(Currency::USD)));
        let mut dearer = (**seen.skus.peek(&"tea".into()).unwrap()).clone();
        dearer.offers[0].price = 300;
        let mut news = Changes::default();
        news.skus.insert("tea".into(), Write { expected: 1, row: Arc::new(dearer) });
        seen.apply(&news);
        let second = add(&mut seen, "tea", 3, &context(20)).unwrap();
        assert_eq!((second.version, second.lines.len()), (2, 1));
        let line = &second.lines[0];
        assert_eq!((line.qty, line.unit_price, line.captured_at), (5, 300, Time(20)));
        assert_eq!((line.cart_item_id, second.cart_id), (first.lines[0].cart_item_id, first.cart_id));
    }

    #[test]
    fn what_cannot_be_bought_or_goes_beyond_the_limits_leaves_the_cart_as_it_was() {
        let mut seen = shop();
        add(&mut seen, "tea", 18, &context(10)).unwrap();
        let before = seen.carts.peek(&owner()).cloned();
        for (sku_id, qty, code) in [
            ("gold", 1, "UNKNOWN_SKU"),
            ("air", 1, "NO_CURRENT_OFFER"),
            ("wine", 1, "CURRENCY_MISMATCH"),
            ("tea", 3, "CART_LINE_LIMIT"),
            ("cup", 21, "CART_LINE_LIMIT"),
            ("tea", i64::MAX, "CART_LINE_LIMIT"),
        ] {
            assert_eq!(add(&mut seen, sku_id, qty, &context(20)).unwrap_err().code(), code, "{qty} {sku_id}");
        }
        assert_eq!(seen.carts.peek(&owner()).cloned(), before);
        let mut small = context(30);
        let settings = Settings { cart: CartRules { lines_max: 1, ..CartRules::default() }, ..Settings::default() };
        small.settings = Arc::new(settings);
        assert_eq!(add(&mut seen, "cup", 1, &small).unwrap_err().code(), "CART_LIMIT");
        add(&mut seen, "tea", 2, &small).unwrap();
    }

    #[test]
    fn a_line_is_set_and_taken_out_by_its_name_and_an_empty_cart_has_no_currency() {
        let mut seen = shop();
        let cart = add(&mut seen, "tea", 2, &context(10)).unwrap();
        let (cart_item_id, sku_id) = (cart.lines[0].cart_item_id, SkuId::from("tea"));
        let set = change(&mut seen, CartChange::Set { cart_item_id, sku_id, qty: 7 }, &context(20)).unwrap().unwrap();
        assert_eq!(set.lines[0].qty, 7);
        let emptied = change(&mut seen, CartChange::Remove { cart_item_id }, &context(30)).unwrap().unwrap();
        assert_eq!((emptied.lines.len(), emptied.currency, emptied.version), (0, None, 3));
        assert_eq!(change(&mut seen, CartChange::Remove { cart_item_id }, &context(40)).unwrap_err().code(), "CART_ITEM_NOT_FOUND");
        // An empty cart may be filled in another currency.
        assert_eq!(add(&mut seen, "wine", 1, &context(50)).unwrap().currency, Some(Currency::EUR));
        assert_eq!(change(&mut seen, CartChange::Clear, &context(60)).unwrap().unwrap().lines, []);
    }

    #[test]
    fn what_is_added_after_the_end_begins_another_cart() {
        let mut seen = shop();
        let first = add(&mut seen, "tea", 2, &context(10)).unwrap();
        let ended = (*first).clone().changed(Some(CartEnd::Ordered(OrderId(Uuid::from_u128(9)))), &CartRules::default(), Time(20));
        seen.apply(&written([&Arc::new(ended)]));
        assert_eq!(change(&mut seen, CartChange::Clear, &context(25)).unwrap(), None);
        let second = add(&mut seen, "tea", 1, &context(30)).unwrap();
        assert_eq!((second.version, second.lines[0].qty, second.created_at), (3, 1, Time(30)));
        assert_ne!(second.cart_id, first.cart_id);
        assert_ne!(second.lines[0].cart_item_id, first.lines[0].cart_item_id);
    }

    #[test]
    fn a_customer_fills_his_own_cart_and_any_session_that_he_knows() {
        let mut seen = shop();
        let bob = Context { caller: Caller { id: "bob".into(), role: Role::Customer }, ..context(10) };
        assert_eq!(add(&mut seen, "tea", 1, &bob).unwrap_err().code(), "FORBIDDEN");
        let guest = ChangeCart { owner: CartOwner::Session("s".into()), change: CartChange::Clear };
        let mut needs = Needs::default();
        guest.needs(&seen, &bob, &mut needs);
        seen.settle(&needs);
        assert_eq!(guest.decide(&seen, &bob).unwrap().answer.cart, None);
    }

    #[test]
    fn a_cart_in_another_version_is_not_changed() {
        let mut seen = shop();
        let only_if = |versions: &[i64]| Context { only_if: Some(versions.into()), ..context(10) };
        assert_eq!(add(&mut seen, "tea", 1, &only_if(&[1])).unwrap_err(), CartRefusal::VersionMismatch(0).into());
        add(&mut seen, "tea", 1, &only_if(&[0])).unwrap();
        assert_eq!(add(&mut seen, "tea", 1, &only_if(&[0, 2])).unwrap_err(), CartRefusal::VersionMismatch(1).into());
        assert_eq!(add(&mut seen, "tea", 1, &only_if(&[5, 1])).unwrap().version, 2);
    }
}
