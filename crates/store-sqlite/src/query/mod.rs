//! Reads beside commands. Every list is one statement a table, however long the page.

mod catalog;
mod orders;
mod work;

use std::sync::Arc;

use async_trait::async_trait;
use domain::Caller;
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
use engine::port::{OrderFilter, OutboxStanding, Page, Queries, RecordedEvent, Unavailable, Violation};

use crate::{SqliteStore, audit, cart, checkout, hold, key, mark, stock, task};

/// Whose things alone a caller sees, in a form that outlives the call.
fn own(caller: &Caller) -> Option<Arc<str>> {
    caller.only_own().map(Arc::from)
}

/// Texts as one parameter, for `in (select value from json_each(?))`.
fn list<T: ToString>(values: impl IntoIterator<Item = T>) -> String {
    let texts: Vec<String> = values.into_iter().map(|value| value.to_string()).collect();
    serde_json::to_string(&texts).expect("texts always serialize")
}

#[async_trait]
impl Queries for SqliteStore {
    async fn order(&self, caller: &Caller, order_id: OrderId) -> Result<Option<OrderAnswer>, Unavailable> {
        let own = own(caller);
        self.shared.readers.read(move |db| orders::one(db, own.as_deref(), order_id)).await
    }

    async fn orders(&self, caller: &Caller, filter: &OrderFilter, page: Page<(Time, Uuid)>) -> Result<Vec<OrderAnswer>, Unavailable> {
        let (own, filter) = (own(caller), filter.clone());
        self.shared.readers.read(move |db| orders::page(db, own.as_deref(), &filter, page)).await
    }

    async fn order_events(&self, caller: &Caller, order_id: OrderId, page: Page<i64>) -> Result<Option<Vec<RecordedEvent>>, Unavailable> {
        let own = own(caller);
        self.shared.readers.read(move |db| orders::events(db, own.as_deref(), order_id, page)).await
    }

    async fn payment(&self, caller: &Caller, payment_id: PaymentId) -> Result<Option<Arc<Payment>>, Unavailable> {
        let own = own(caller);
        self.shared.readers.read(move |db| orders::payment(db, own.as_deref(), payment_id)).await
    }

    async fn sku(&self, sku_id: &SkuId) -> Result<Option<Arc<Sku>>, Unavailable> {
        let sku_id = sku_id.clone();
        self.shared.readers.read(move |db| crate::sku::find(db, &sku_id)).await
    }

    async fn skus(&self, product_id: Option<&ProductId>, page: Page<SkuId>) -> Result<Vec<Arc<Sku>>, Unavailable> {
        let product_id = product_id.cloned();
        self.shared.readers.read(move |db| catalog::page(db, product_id.as_ref(), &page)).await
    }

    async fn sku_of_offer(&self, offer_id: OfferId) -> Result<Option<SkuId>, Unavailable> {
        self.shared.readers.read(move |db| catalog::sku_of_offer(db, offer_id)).await
    }

    async fn cart(&self, owner: &CartOwner) -> Result<Option<Arc<Cart>>, Unavailable> {
        let owner = owner.clone();
        self.shared.readers.read(move |db| cart::find(db, &owner)).await
    }

    async fn owner_of_cart(&self, cart_id: CartId) -> Result<Option<CartOwner>, Unavailable> {
        self.shared.readers.read(move |db| cart::owner(db, cart_id)).await
    }

    async fn owner_of_cart_item(&self, cart_item_id: CartItemId) -> Result<Option<(CartOwner, SkuId)>, Unavailable> {
        self.shared.readers.read(move |db| cart::owner_of_item(db, cart_item_id)).await
    }

    async fn carts_to_abandon(&self, now: Time, limit: u32) -> Result<Vec<CartOwner>, Unavailable> {
        self.shared.readers.read(move |db| cart::expired(db, now, limit)).await
    }

    async fn forget_carts(&self, now: Time, limit: u32) -> Result<u64, Unavailable> {
        self.write_once(move |db| cart::forget(db, now, limit)).await
    }

    async fn checkout(&self, session_id: &SessionId) -> Result<Option<Arc<Checkout>>, Unavailable> {
        let session_id = session_id.clone();
        self.shared.readers.read(move |db| checkout::find(db, &session_id)).await
    }

    async fn checkouts_to_end(&self, now: Time, limit: u32) -> Result<Vec<SessionId>, Unavailable> {
        self.shared.readers.read(move |db| checkout::expired(db, now, limit)).await
    }

    async fn forget_checkouts(&self, now: Time, limit: u32) -> Result<u64, Unavailable> {
        self.write_once(move |db| checkout::forget(db, now, limit)).await
    }

    async fn hold(&self, hold_id: HoldId) -> Result<Option<Arc<Hold>>, Unavailable> {
        self.shared.readers.read(move |db| hold::find(db, hold_id)).await
    }

    async fn holds_to_expire(&self, now: Time, limit: u32) -> Result<Vec<HoldId>, Unavailable> {
        self.shared.readers.read(move |db| hold::expired(db, now, limit)).await
    }

    async fn forget_holds(&self, ended_before: Time, limit: u32) -> Result<u64, Unavailable> {
        self.write_once(move |db| hold::forget(db, ended_before, limit)).await
    }

    async fn skus_named(&self, sku_ids: &[SkuId]) -> Result<Vec<Arc<Sku>>, Unavailable> {
        let sku_ids = sku_ids.to_vec();
        self.shared.readers.read(move |db| sku_ids.iter().filter_map(|sku_id| crate::sku::find(db, sku_id).transpose()).collect()).await
    }

    async fn balance(&self, sku_id: &SkuId) -> Result<Option<Balance>, Unavailable> {
        let sku_id = sku_id.clone();
        self.shared.readers.read(move |db| stock::find(db, &sku_id)).await
    }

    async fn key(&self, key: &ScopedKey) -> Result<Option<Arc<KeyRow>>, Unavailable> {
        let key = key.clone();
        self.shared.readers.read(move |db| key::find(db, &key)).await
    }

    async fn orders_to_expire(&self, now: Time, limit: u32) -> Result<Vec<OrderId>, Unavailable> {
        self.shared.readers.read(move |db| work::orders_to_expire(db, now, limit)).await
    }

    async fn payments_to_ask(&self, now: Time, limit: u32) -> Result<Vec<PaymentId>, Unavailable> {
        self.shared.readers.read(move |db| work::payments_to_ask(db, now, limit)).await
    }

    async fn refund(&self, caller: &Caller, refund_id: RefundId) -> Result<Option<Arc<Refund>>, Unavailable> {
        let own = own(caller);
        self.shared.readers.read(move |db| orders::refund(db, own.as_deref(), refund_id)).await
    }

    async fn refunds_to_ask(&self, now: Time, limit: u32) -> Result<Vec<RefundId>, Unavailable> {
        self.shared.readers.read(move |db| work::refunds_to_ask(db, now, limit)).await
    }

    async fn open_tasks(&self, page: Page<(Time, TaskId)>) -> Result<Vec<Arc<Task>>, Unavailable> {
        self.shared.readers.read(move |db| task::open(db, page)).await
    }

    async fn outbox(&self) -> Result<OutboxStanding, Unavailable> {
        self.shared.readers.read(work::outbox).await
    }

    async fn audit(&self, limit: u32) -> Result<Vec<Violation>, Unavailable> {
        let mut found = Vec::new();
        for invariant in audit::INVARIANTS {
            // Each in a snapshot of its own: while one is held, the log cannot be written back and grows.
            found.extend(self.shared.readers.read(move |db| invariant.violations(db, limit)).await?);
        }
        Ok(found)
    }

    async fn forget_marks(&self, before: Time) -> Result<u64, Unavailable> {
        self.write_once(move |db| mark::forget(db, before)).await
    }

    async fn ready(&self) -> Result<(), Unavailable> {
        self.fits().await
    }
}
