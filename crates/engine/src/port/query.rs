//! What can be read beside commands: single things, lists, what is due. Reads see committed rows only.

use std::sync::Arc;

use async_trait::async_trait;
use domain::Caller;
use domain::cart::{Cart, CartOwner};
use domain::catalog::Sku;
use domain::checkout::Checkout;
use domain::command::OrderAnswer;
use domain::hold::Hold;
use domain::ids::{
    CartId, CartItemId, HoldId, OfferId, OrderEventId, OrderId, OrderNumber, PaymentId, ProductId, RefundId, SessionId, SkuId, TaskId,
    UserId, Uuid,
};
use domain::key::{KeyRow, ScopedKey};
use domain::order::{Order, Status};
use domain::payment::Payment;
use domain::refund::Refund;
use domain::stock::Balance;
use domain::task::Task;
use domain::time::Time;

use super::Unavailable;

/// Which orders, and in which order. `None` and empty: any.
#[derive(Clone, Debug, Default)]
pub struct OrderFilter {
    /// Whose.
    pub user_id: Option<UserId>,
    /// In one of these statuses.
    pub statuses: Vec<Status>,
    /// Placed at or after.
    pub from: Option<Time>,
    /// Placed before.
    pub to: Option<Time>,
    /// With this number.
    pub number: Option<OrderNumber>,
    /// With this address to write to, letter for letter.
    pub email: Option<Arc<str>>,
    /// Last changed at or after. With this or `updated_to`, the list is sorted by the latest change.
    pub updated_from: Option<Time>,
    /// Last changed before.
    pub updated_to: Option<Time>,
}

impl OrderFilter {
    /// Whether the list is of changes, the oldest change first; else it is of orders, the newest first.
    pub const fn is_by_change(&self) -> bool {
        self.updated_from.is_some() || self.updated_to.is_some()
    }

    /// Where an order stands in the list: the cursor that goes on after it.
    pub fn place_of(&self, order: &Order) -> (Time, Uuid) {
        (if self.is_by_change() { order.updated_at } else { order.created_at }, order.order_id.0)
    }
}

/// A piece of a list.
#[derive(Clone, Copy, Debug)]
pub struct Page<C> {
    /// The last one already seen; `None`: from the beginning.
    pub after: Option<C>,
    /// How many at most.
    pub limit: u32,
}

/// A fact as it was stored.
#[derive(Clone, PartialEq, Debug)]
pub struct RecordedEvent {
    /// Its name.
    pub order_event_id: OrderEventId,
    /// Its place in the history.
    pub sequence: i64,
    /// What happened.
    pub event_type: String,
    /// The status before, in canonical words.
    pub from: Option<String>,
    /// The status after, in canonical words.
    pub to: String,
    /// What is worth telling, as JSON.
    pub payload: String,
    /// What the one who changed the status had to say.
    pub notes: Option<String>,
    /// Who did it.
    pub changed_by: String,
    /// The request that did it.
    pub request_id: String,
    /// When.
    pub created_at: Time,
}

/// How far the outbox is behind.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct OutboxStanding {
    /// Messages that were not published.
    pub pending: i64,
    /// When the oldest of them was written.
    pub oldest: Option<Time>,
}

/// A row that breaks an invariant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// The invariant's stable name.
    pub invariant: &'static str,
    /// What should hold, in a sentence.
    pub explanation: &'static str,
    /// The row, readable.
    pub row: String,
}

/// Everything that can be read. Where a caller is given, only what he may see is found, by the query's own WHERE.
#[async_trait]
pub trait Queries: Send + Sync + 'static {
    /// An order with its latest payment.
    async fn order(&self, caller: &Caller, order_id: OrderId) -> Result<Option<OrderAnswer>, Unavailable>;

    /// Orders, the newest first; by change, the one that has been as it is for the longest first. The cursor is the
    /// [place](OrderFilter::place_of) of the last one seen: an order that changes again comes again, none is passed over.
    async fn orders(&self, caller: &Caller, filter: &OrderFilter, page: Page<(Time, Uuid)>) -> Result<Vec<OrderAnswer>, Unavailable>;

    /// The history of an order, the oldest first; the cursor is the last sequence seen. `None`: no such order for this caller.
    async fn order_events(&self, caller: &Caller, order_id: OrderId, page: Page<i64>) -> Result<Option<Vec<RecordedEvent>>, Unavailable>;

    /// A payment, seen by whoever sees its order.
    async fn payment(&self, caller: &Caller, payment_id: PaymentId) -> Result<Option<Arc<Payment>>, Unavailable>;

    /// A SKU with its offers.
    async fn sku(&self, sku_id: &SkuId) -> Result<Option<Arc<Sku>>, Unavailable>;

    /// SKUs in the order of their ids, of one product or of all; the cursor is the last id seen.
    async fn skus(&self, product_id: Option<&ProductId>, page: Page<SkuId>) -> Result<Vec<Arc<Sku>>, Unavailable>;

    /// Of which SKU an offer is.
    async fn sku_of_offer(&self, offer_id: OfferId) -> Result<Option<SkuId>, Unavailable>;

    /// The latest cart of an owner, ended or not.
    async fn cart(&self, owner: &CartOwner) -> Result<Option<Arc<Cart>>, Unavailable>;

    /// Whose cart it is, if it is its owner's latest.
    async fn owner_of_cart(&self, cart_id: CartId) -> Result<Option<CartOwner>, Unavailable>;

    /// Whose line of a cart it is, and of which SKU.
    async fn owner_of_cart_item(&self, cart_item_id: CartItemId) -> Result<Option<(CartOwner, SkuId)>, Unavailable>;

    /// Active carts whose time has passed at `now`, the most overdue first.
    async fn carts_to_abandon(&self, now: Time, limit: u32) -> Result<Vec<CartOwner>, Unavailable>;

    /// Forgets carts that have ended and whose time has passed at `now`, at most `limit`; how many.
    async fn forget_carts(&self, now: Time, limit: u32) -> Result<u64, Unavailable>;

    /// The latest checkout session of a name.
    async fn checkout(&self, session_id: &SessionId) -> Result<Option<Arc<Checkout>>, Unavailable>;

    /// Active checkout sessions whose time has passed at `now`, the most overdue first.
    async fn checkouts_to_end(&self, now: Time, limit: u32) -> Result<Vec<SessionId>, Unavailable>;

    /// Forgets checkout sessions that have ended and whose time has passed at `now`, at most `limit`; how many.
    async fn forget_checkouts(&self, now: Time, limit: u32) -> Result<u64, Unavailable>;

    /// A hold; one of a foreign inventory too, once an order has named it.
    async fn hold(&self, hold_id: HoldId) -> Result<Option<Arc<Hold>>, Unavailable>;

    /// Holds that no order has and whose time has passed at `now`, the most overdue first.
    async fn holds_to_expire(&self, now: Time, limit: u32) -> Result<Vec<HoldId>, Unavailable>;

    /// Forgets holds that ended before `ended_before` without ever backing an order, at most `limit`; how many.
    async fn forget_holds(&self, ended_before: Time, limit: u32) -> Result<u64, Unavailable>;

    /// Those of the SKUs that are there, in any order.
    async fn skus_named(&self, sku_ids: &[SkuId]) -> Result<Vec<Arc<Sku>>, Unavailable>;

    /// The balance of a SKU; `None`: it never had one.
    async fn balance(&self, sku_id: &SkuId) -> Result<Option<Balance>, Unavailable>;

    /// What a key did.
    async fn key(&self, key: &ScopedKey) -> Result<Option<Arc<KeyRow>>, Unavailable>;

    /// Unpaid orders whose time has passed at `now` and whose payment no provider has still to decide, the most overdue first.
    async fn orders_to_expire(&self, now: Time, limit: u32) -> Result<Vec<OrderId>, Unavailable>;

    /// Open payments that are due to be asked about at `now`, the most overdue first.
    async fn payments_to_ask(&self, now: Time, limit: u32) -> Result<Vec<PaymentId>, Unavailable>;

    /// A refund, seen by whoever sees its order.
    async fn refund(&self, caller: &Caller, refund_id: RefundId) -> Result<Option<Arc<Refund>>, Unavailable>;

    /// Refunds under way that are due to be asked about at `now`, the most overdue first.
    async fn refunds_to_ask(&self, now: Time, limit: u32) -> Result<Vec<RefundId>, Unavailable>;

    /// What needs a person, the oldest first; the cursor is `(created_at, task_id)` of the last one seen.
    async fn open_tasks(&self, page: Page<(Time, TaskId)>) -> Result<Vec<Arc<Task>>, Unavailable>;

    /// How far the outbox is behind.
    async fn outbox(&self) -> Result<OutboxStanding, Unavailable>;

    /// Rows that break an invariant, at most `limit` of each.
    async fn audit(&self, limit: u32) -> Result<Vec<Violation>, Unavailable>;

    /// Forgets marks of saves that ended before `before`.
    async fn forget_marks(&self, before: Time) -> Result<u64, Unavailable>;

    /// Whether the store answers and its schema fits.
    async fn ready(&self) -> Result<(), Unavailable>;
}
