//! The store as the engine sees it: the memory store, with somebody looking on who notes races, settles and numbers.

use std::sync::Arc;

use async_trait::async_trait;
use domain::cart::{Cart, CartOwner};
use domain::catalog::Sku;
use domain::checkout::Checkout;
use domain::command::OrderAnswer;
use domain::hold::Hold;
use domain::ids::{CartId, CartItemId, HoldId, OfferId, OrderId, PaymentId, ProductId, RefundId, SessionId, SkuId, TaskId, Uuid};
use domain::key::{KeyRow, ScopedKey};
use domain::payment::Payment;
use domain::refund::Refund;
use domain::stock::Balance;
use domain::task::Task;
use domain::time::Time;
use domain::{Caller, Changes, Needs, View};
use engine::port::{
    Mark as SaveMark, OrderFilter, OutboxStanding, Page, Queries, RecordedEvent, SaveError, Session, Settled, Store, Unavailable, Violation,
};
use testkit::MemoryStore;

use crate::marks::Mark;
use crate::world::World;

/// The store of one instance.
pub struct Watched {
    /// What is watched.
    pub store: MemoryStore,
    /// Who wants to know.
    pub world: Arc<World>,
    /// Whose connections these are.
    pub instance: usize,
}

#[async_trait]
impl Store for Watched {
    async fn session(&self) -> Result<Box<dyn Session>, Unavailable> {
        let session = self.store.session().await?;
        let world = self.world.clone();
        Ok(Box::new(WatchedSession {
            session,
            world,
            instance: self.instance,
            losses: 0,
            raced: false,
            wanted: 0,
            loads: 0,
            desperate: false,
        }))
    }
}

struct WatchedSession {
    session: Box<dyn Session>,
    world: Arc<World>,
    instance: usize,
    /// Attempts lost in a row.
    losses: u32,
    /// One of them by a real race.
    raced: bool,
    /// How much the first load of the latest attempt asked for.
    wanted: usize,
    /// Loads of this attempt.
    loads: u32,
    /// It was told that one loss more is too much.
    desperate: bool,
}

impl Drop for WatchedSession {
    fn drop(&mut self) {
        self.ended();
    }
}

/// Losses in a row after which nothing is made to fail.
const DESPERATE_AFTER: u32 = 6;

fn size(needs: &Needs) -> usize {
    needs.keys.len() + needs.orders.len() + needs.payments.len() + needs.numbers.len() + needs.reservations.len()
}

impl WatchedSession {
    fn lost(&mut self) {
        (self.losses, self.loads) = (self.losses + 1, 0);
        if self.losses >= DESPERATE_AFTER && !std::mem::replace(&mut self.desperate, true) {
            self.world.losses.despair();
        }
    }

    fn ended(&mut self) {
        if std::mem::take(&mut self.desperate) {
            self.world.losses.relax();
        }
        (self.losses, self.loads, self.raced) = (0, 0, false);
    }

    fn saved(&mut self, changes: &Changes) {
        if self.raced {
            self.world.mark(Mark::LostRace);
        }
        if changes.orders.len() > 1 {
            self.world.mark(Mark::BigBatch);
        }
        self.ended();
    }
}

fn summary(changes: &Changes) -> String {
    let mut parts = Vec::new();
    parts.extend(changes.orders.values().map(|write| {
        let order = &write.row;
        format!("{} {} v{}", order.number, order.status.as_str(), order.version)
    }));
    parts.extend(changes.payments.values().map(|write| format!("payment {:?} v{}", write.row.status, write.row.version)));
    parts.extend(changes.skus.values().map(|write| format!("{} v{}", write.row.sku_id, write.row.version)));
    parts.extend(changes.stock.iter().map(|(sku_id, delta)| format!("{sku_id} {:+}/{:+}", delta.on_hand, delta.reserved)));
    parts.extend(changes.keys.keys().map(|key| format!("key {}", key.as_caller_wrote())));
    parts.join(", ")
}

#[async_trait]
impl Session for WatchedSession {
    async fn load(&mut self, needs: &Needs, seen: &mut View) -> Result<(), Unavailable> {
        if self.loads == 0 {
            let wanted = size(needs);
            if self.losses == 3 && wanted < self.wanted {
                self.world.mark(Mark::Halved);
                self.losses = 0;
            }
            self.wanted = wanted;
        }
        self.loads += 1;
        let loaded = self.session.load(needs, seen).await;
        if loaded.is_err() {
            self.ended();
            return loaded;
        }
        let mut history = self.world.history();
        for key in &needs.keys {
            *history.key_loads.entry(key.clone()).or_default() += 1;
        }
        for number in needs.numbers.keys().filter_map(|order_id| seen.numbers.get(order_id)) {
            if let Some(wrong) = history.drawn(*number) {
                self.world.violation(wrong);
            }
        }
        Ok(())
    }

    async fn save(&mut self, changes: &Changes, mark: SaveMark) -> Result<(), SaveError> {
        let saved = self.session.save(changes, mark).await;
        self.world.say(|| {
            let end = saved.as_ref().map_or_else(ToString::to_string, |()| "saved".into());
            format!("store of {}: {} -> {end}", self.instance, summary(changes))
        });
        match &saved {
            Ok(()) => self.saved(changes),
            Err(SaveError::Lost(reason)) => {
                self.raced |= &**reason != "on purpose";
                self.lost();
            }
            Err(SaveError::Rejected(reason)) => self.world.violation(format!("the store refuses rows for good: {reason}")),
            Err(SaveError::Unavailable(_)) => self.ended(),
            Err(SaveError::Unknown(_)) => {}
        }
        saved
    }

    async fn durable(&mut self) -> Result<(), Unavailable> {
        self.session.durable().await
    }

    async fn settle(&mut self, mark: SaveMark) -> Result<Settled, Unavailable> {
        let settled = self.session.settle(mark).await?;
        self.world.say(|| format!("store of {}: settled: {settled:?}", self.instance));
        match settled {
            Settled::Saved => {
                self.world.mark(Mark::SettledSaved);
                self.ended();
            }
            Settled::NotSaved => {
                self.world.mark(Mark::SettledNotSaved);
                self.lost();
            }
        }
        Ok(settled)
    }
}

#[async_trait]
impl Queries for Watched {
    async fn order(&self, caller: &Caller, order_id: OrderId) -> Result<Option<OrderAnswer>, Unavailable> {
        self.store.order(caller, order_id).await
    }

    async fn orders(&self, caller: &Caller, filter: &OrderFilter, page: Page<(Time, Uuid)>) -> Result<Vec<OrderAnswer>, Unavailable> {
        self.store.orders(caller, filter, page).await
    }

    async fn order_events(&self, caller: &Caller, order_id: OrderId, page: Page<i64>) -> Result<Option<Vec<RecordedEvent>>, Unavailable> {
        self.store.order_events(caller, order_id, page).await
    }

    async fn payment(&self, caller: &Caller, payment_id: PaymentId) -> Result<Option<Arc<Payment>>, Unavailable> {
        self.store.payment(caller, payment_id).await
    }

    async fn sku(&self, sku_id: &SkuId) -> Result<Option<Arc<Sku>>, Unavailable> {
        self.store.sku(sku_id).await
    }

    async fn skus(&self, product_id: Option<&ProductId>, page: Page<SkuId>) -> Result<Vec<Arc<Sku>>, Unavailable> {
        self.store.skus(product_id, page).await
    }

    async fn sku_of_offer(&self, offer_id: OfferId) -> Result<Option<SkuId>, Unavailable> {
        self.store.sku_of_offer(offer_id).await
    }

    async fn cart(&self, owner: &CartOwner) -> Result<Option<Arc<Cart>>, Unavailable> {
        self.store.cart(owner).await
    }

    async fn owner_of_cart(&self, cart_id: CartId) -> Result<Option<CartOwner>, Unavailable> {
        self.store.owner_of_cart(cart_id).await
    }

    async fn owner_of_cart_item(&self, cart_item_id: CartItemId) -> Result<Option<(CartOwner, SkuId)>, Unavailable> {
        self.store.owner_of_cart_item(cart_item_id).await
    }

    async fn carts_to_abandon(&self, now: Time, limit: u32) -> Result<Vec<CartOwner>, Unavailable> {
        self.store.carts_to_abandon(now, limit).await
    }

    async fn forget_carts(&self, now: Time, limit: u32) -> Result<u64, Unavailable> {
        self.store.forget_carts(now, limit).await
    }

    async fn checkout(&self, session_id: &SessionId) -> Result<Option<Arc<Checkout>>, Unavailable> {
        self.store.checkout(session_id).await
    }

    async fn hold(&self, hold_id: HoldId) -> Result<Option<Arc<Hold>>, Unavailable> {
        self.store.hold(hold_id).await
    }

    async fn holds_to_expire(&self, now: Time, limit: u32) -> Result<Vec<HoldId>, Unavailable> {
        self.store.holds_to_expire(now, limit).await
    }

    async fn forget_holds(&self, ended_before: Time, limit: u32) -> Result<u64, Unavailable> {
        self.store.forget_holds(ended_before, limit).await
    }

    async fn checkouts_to_end(&self, now: Time, limit: u32) -> Result<Vec<SessionId>, Unavailable> {
        self.store.checkouts_to_end(now, limit).await
    }

    async fn forget_checkouts(&self, now: Time, limit: u32) -> Result<u64, Unavailable> {
        self.store.forget_checkouts(now, limit).await
    }

    async fn skus_named(&self, sku_ids: &[SkuId]) -> Result<Vec<Arc<Sku>>, Unavailable> {
        self.store.skus_named(sku_ids).await
    }

    async fn balance(&self, sku_id: &SkuId) -> Result<Option<Balance>, Unavailable> {
        self.store.balance(sku_id).await
    }

    async fn key(&self, key: &ScopedKey) -> Result<Option<Arc<KeyRow>>, Unavailable> {
        self.store.key(key).await
    }

    async fn orders_to_expire(&self, now: Time, limit: u32) -> Result<Vec<OrderId>, Unavailable> {
        self.store.orders_to_expire(now, limit).await
    }

    async fn payments_to_ask(&self, now: Time, limit: u32) -> Result<Vec<PaymentId>, Unavailable> {
        self.store.payments_to_ask(now, limit).await
    }

    async fn refund(&self, caller: &Caller, refund_id: RefundId) -> Result<Option<Arc<Refund>>, Unavailable> {
        self.store.refund(caller, refund_id).await
    }

    async fn refunds_to_ask(&self, now: Time, limit: u32) -> Result<Vec<RefundId>, Unavailable> {
        self.store.refunds_to_ask(now, limit).await
    }

    async fn open_tasks(&self, page: Page<(Time, TaskId)>) -> Result<Vec<Arc<Task>>, Unavailable> {
        self.store.open_tasks(page).await
    }

    async fn outbox(&self) -> Result<OutboxStanding, Unavailable> {
        self.store.outbox().await
    }

    async fn audit(&self, limit: u32) -> Result<Vec<Violation>, Unavailable> {
        self.store.audit(limit).await
    }

    async fn forget_marks(&self, before: Time) -> Result<u64, Unavailable> {
        self.store.forget_marks(before).await
    }

    async fn ready(&self) -> Result<(), Unavailable> {
        self.store.ready().await
    }
}
