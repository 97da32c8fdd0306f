//! A guest who fills a cart and checks it out, and a buyer of tickets that are held here first.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::Caller;
use domain::caller::Role;
use domain::cart::CartOwner;
use domain::checkout::GuestToken;
use domain::command::{
    CartChange, ChangeCart, CheckoutChange, Command, ConfirmCheckout, HoldItem, PlaceHold, StartCheckout, UpdateCheckout,
};
use domain::ids::{HoldId, SessionId, SkuId};

use crate::ask::{Observed, Outcome, Request, Want, insist};
use crate::history::{Kind, OrderWish};
use crate::marks::Mark;
use crate::shopper::{Shopper, note_refusal, sku_name};

/// Guests come through the shop: it is the one who calls.
fn shop() -> Caller {
    Caller { id: "shop".into(), role: Role::Service }
}

impl Shopper {
    /// A question of the shop under a key of its own.
    fn of_the_shop<C: Command>(&mut self, command: C, kind: Kind) -> Request<C> {
        let tag = self.tag();
        let key = Some(Arc::from(format!("k-{tag}")));
        Want { caller: shop(), key, body: self.dice.throw(), command, tag, kind }.written(&self.world)
    }

    /// Asks for something beside an order; the answer, if it was carried out.
    async fn settle<C>(&mut self, command: C) -> Option<C::Answer>
    where
        C: Command + Clone + Sync,
        C::Answer: Observed + Sync,
    {
        let request = self.of_the_shop(command, Kind::Other);
        let world = self.world.clone();
        match insist(&world, &request, &mut self.dice).await {
            Outcome::Done(done) => Some(done.answer),
            Outcome::Refused(refusal) => {
                note_refusal(&world, &refusal);
                None
            }
            Outcome::GaveUp => None,
        }
    }

    fn some_units(&mut self) -> (SkuId, i64) {
        (sku_name(self.dice.index(self.world.plan.skus.len())).as_str().into(), self.dice.between(1, 3))
    }

    /// Fills a cart and checks it out; what is refused is left.
    pub(crate) async fn check_out(&mut self) {
        let name = self.tag();
        let session_id = SessionId::from(name.as_str());
        let mut units = BTreeMap::<SkuId, i64>::new();
        for _ in 0..self.dice.count(1, 3) {
            let (sku_id, qty) = self.some_units();
            let owner = CartOwner::Session(session_id.clone());
            let change = CartChange::Add { sku_id: sku_id.clone(), qty };
            // Who was not told what is in his cart does not order it.
            if self.settle(ChangeCart { owner, change }).await.is_none() {
                return;
            }
            *units.entry(sku_id).or_default() += qty;
        }
        let start = StartCheckout { session_id: session_id.clone(), customer_id: None, cart: None, guest_token: Some(GuestToken([7; 32])) };
        let Some(begun) = self.settle(start).await else { return };
        if begun.preview.reserved_until.is_some() {
            self.world.mark(Mark::Held);
        }
        let method = self.method().unwrap_or_else(|| "card_stub".into());
        let change = CheckoutChange {
            shipping_address_id: Some(Some("home".into())),
            payment_method: Some(Some(method)),
            notes: Some(Some(name.as_str().into())),
            customer_email: Some(Some("guest@example.org".into())),
            ..CheckoutChange::default()
        };
        let update = UpdateCheckout { session_id: session_id.clone(), guest_token: None, change };
        if self.settle(update).await.is_none() {
            return;
        }
        // Some think for longer than anything is held.
        let thinks_ms = if self.dice.below(3) == 0 { 40_000 } else { self.world.plan.think_ms };
        self.world.timers.sleep(self.dice.between(0, thinks_ms)).await;
        self.confirm(session_id, OrderWish { believed: vec![None; units.len()], units, held: BTreeMap::new(), owner: None, name }).await;
    }

    /// Confirms, and once more under another key: it is the same order.
    async fn confirm(&mut self, session_id: SessionId, wish: OrderWish) {
        let command = ConfirmCheckout { session_id, guest_token: None };
        let request = self.of_the_shop(command.clone(), Kind::Order(wish));
        let world = self.world.clone();
        let confirmed = match insist(&world, &request, &mut self.dice).await {
            Outcome::Done(done) => done.answer,
            Outcome::Refused(refusal) => return note_refusal(&world, &refusal),
            Outcome::GaveUp => return,
        };
        world.mark(Mark::CheckedOut);
        let order_id = confirmed.answer.order.order_id;
        if let Some(again) = self.settle(command).await
            && (again.answer.order.order_id != order_id || !again.is_again)
        {
            world.violation(format!("{} became order {order_id}, and then {again:?}", request.tag));
        }
    }

    /// Holds units for tickets; mostly they are bought.
    pub(crate) async fn hold(&mut self) -> Option<(HoldId, BTreeMap<SkuId, i64>)> {
        let (sku_id, qty) = self.some_units();
        let items = vec![HoldItem { sku_id: sku_id.clone(), qty }];
        let ttl_seconds = self.dice.between(1, 30);
        let held = self.settle(PlaceHold { items, ttl_seconds }).await?;
        self.world.mark(Mark::Held);
        if self.dice.below(4) == 0 {
            // He never comes back.
            return None;
        }
        self.world.timers.sleep(self.dice.between(0, 4000)).await;
        Some((held.0.hold_id, BTreeMap::from([(sku_id, qty)])))
    }
}
