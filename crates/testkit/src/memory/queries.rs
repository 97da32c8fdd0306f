//! The queries over the same tables, with the meaning that the databases give them.

use std::sync::Arc;

use async_trait::async_trait;
use domain::Caller;
use domain::cart::{Cart, CartOwner};
use domain::catalog::Sku;
use domain::checkout::{Checkout, Status as CheckoutStatus};
use domain::command::OrderAnswer;
use domain::hold::{self, Hold};
use domain::ids::{CartId, CartItemId, HoldId, OfferId, OrderId, PaymentId, ProductId, RefundId, SessionId, SkuId, TaskId, Uuid};
use domain::key::{KeyRow, ScopedKey};
use domain::order::Order;
use domain::payment::Payment;
use domain::refund::{Refund, Status as RefundStatus};
use domain::stock::Balance;
use domain::task::Task;
use domain::time::Time;
use engine::port::{OrderFilter, OutboxStanding, Page, Queries, RecordedEvent, Unavailable, Violation};
use engine::wire;

use super::faults::{Bug, Point};
use super::tables::Memory;
use super::{MemoryStore, audit};

fn limited(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

fn with_details(memory: &Memory, order: &Arc<Order>) -> OrderAnswer {
    let payment = order.payment_id.and_then(|payment_id| memory.payments.get(&payment_id)).cloned();
    let refunds = order.refunds.iter().filter_map(|refund_id| memory.refunds.get(refund_id)).cloned().collect();
    OrderAnswer::now(order.clone(), payment, refunds)
}

/// The first `limit` of `due` in the order of their times, then of their names.
fn most_overdue<T: Ord>(due: impl Iterator<Item = (Time, T)>, limit: u32) -> Vec<T> {
    let mut due: Vec<(Time, T)> = due.collect();
    due.sort();
    due.into_iter().map(|(_, name)| name).take(limited(limit)).collect()
}

impl MemoryStore {
    fn sees(&self, caller: &Caller, order: &Order) -> bool {
        self.bugs.has(Bug::NoOwnerFilter) || caller.sees(order.user_id.as_ref())
    }

    fn fits(&self, filter: &OrderFilter, order: &Order) -> bool {
        let OrderFilter { user_id, statuses, from, to, number, email, updated_from, updated_to } = filter;
        let by_user = user_id.as_ref().is_none_or(|user| order.user_id.as_ref() == Some(user));
        let by_rest = (statuses.is_empty() || statuses.contains(&order.status))
            && from.is_none_or(|from| from <= order.created_at)
            && to.is_none_or(|to| order.created_at < to)
            && updated_from.is_none_or(|from| from <= order.updated_at)
            && updated_to.is_none_or(|to| order.updated_at < to)
            && number.is_none_or(|number| order.number == number)
            && email.as_ref().is_none_or(|email| order.customer_email.as_ref() == Some(email));
        by_user && (by_rest || self.bugs.has(Bug::FiltersIgnored))
    }

    /// Whether a row at `place` comes after the last one seen.
    fn is_after<C: Ord>(&self, place: &C, last: Option<&C>) -> bool {
        last.is_none_or(|last| place > last || (place == last && self.bugs.has(Bug::PagesOverlap)))
    }

    async fn ask<R>(&self, answer: impl FnOnce(&Memory) -> R + Send) -> Result<R, Unavailable> {
        self.reach(Point::Query).await?;
        Ok(self.look(answer))
    }
}

#[async_trait]
impl Queries for MemoryStore {
    async fn order(&self, caller: &Caller, order_id: OrderId) -> Result<Option<OrderAnswer>, Unavailable> {
        self.ask(|memory| memory.orders.get(&order_id).filter(|order| self.sees(caller, order)).map(|order| with_details(memory, order)))
            .await
    }

    async fn orders(&self, caller: &Caller, filter: &OrderFilter, page: Page<(Time, Uuid)>) -> Result<Vec<OrderAnswer>, Unavailable> {
        self.ask(|memory| {
            let mut found: Vec<&Arc<Order>> =
                memory.orders.values().filter(|order| self.sees(caller, order) && self.fits(filter, order)).collect();
            let newest_first = |order: &Order| std::cmp::Reverse(filter.place_of(order));
            if filter.is_by_change() {
                found.sort_by_key(|order| filter.place_of(order));
                found.retain(|order| self.is_after(&filter.place_of(order), page.after.as_ref()));
            } else {
                found.sort_by_key(|order| newest_first(order));
                found.retain(|order| self.is_after(&newest_first(order), page.after.map(std::cmp::Reverse).as_ref()));
            }
            if self.bugs.has(Bug::OldestFirst) {
                found.reverse();
            }
            found.into_iter().take(limited(page.limit)).map(|order| with_details(memory, order)).collect()
        })
        .await
    }

    async fn order_events(&self, caller: &Caller, order_id: OrderId, page: Page<i64>) -> Result<Option<Vec<RecordedEvent>>, Unavailable> {
        self.ask(|memory| {
            memory.orders.get(&order_id).filter(|order| self.sees(caller, order))?;
            let mut facts: Vec<_> = memory.facts.iter().filter(|fact| fact.order_id == order_id).collect();
            facts.retain(|fact| self.is_after(&fact.sequence, page.after.as_ref()));
            facts.sort_by_key(|fact| fact.sequence);
            let recorded = facts.into_iter().take(limited(page.limit)).map(|fact| RecordedEvent {
                order_event_id: fact.order_event_id,
                sequence: fact.sequence,
                event_type: fact.fact.event_type().to_owned(),
                from: fact.from.map(|status| status.as_str().to_owned()),
                to: fact.to.as_str().to_owned(),
                payload: wire::fact(&fact.fact),
                notes: fact.notes.as_ref().map(ToString::to_string),
                changed_by: fact.changed_by.to_string(),
                request_id: fact.request_id.to_string(),
                created_at: fact.created_at,
            });
            Some(recorded.collect())
        })
        .await
    }

    async fn payment(&self, caller: &Caller, payment_id: PaymentId) -> Result<Option<Arc<Payment>>, Unavailable> {
        self.ask(|memory| {
            let payment = memory.payments.get(&payment_id)?;
            memory.orders.get(&payment.order_id).filter(|order| self.sees(caller, order)).map(|_| payment.clone())
        })
        .await
    }

    async fn sku(&self, sku_id: &SkuId) -> Result<Option<Arc<Sku>>, Unavailable> {
        self.ask(|memory| memory.skus.get(sku_id).cloned()).await
    }

    async fn skus(&self, product_id: Option<&ProductId>, page: Page<SkuId>) -> Result<Vec<Arc<Sku>>, Unavailable> {
        self.ask(|memory| {
            let of_product = |sku: &&Arc<Sku>| product_id.is_none_or(|product_id| sku.product_id == *product_id);
            let rest = memory.skus.values().filter(|sku| self.is_after(&sku.sku_id, page.after.as_ref()));
            rest.filter(of_product).take(limited(page.limit)).cloned().collect()
        })
        .await
    }

    async fn sku_of_offer(&self, offer_id: OfferId) -> Result<Option<SkuId>, Unavailable> {
        self.ask(|memory| {
            let holds = |sku: &&Arc<Sku>| sku.offers.iter().any(|offer| offer.offer_id == offer_id);
            memory.skus.values().find(holds).map(|sku| sku.sku_id.clone())
        })
        .await
    }

    async fn cart(&self, owner: &CartOwner) -> Result<Option<Arc<Cart>>, Unavailable> {
        self.ask(|memory| memory.carts.get(owner).cloned()).await
    }

    async fn owner_of_cart(&self, cart_id: CartId) -> Result<Option<CartOwner>, Unavailable> {
        self.ask(|memory| memory.carts.values().find(|cart| cart.cart_id == cart_id).map(|cart| cart.owner.clone())).await
    }

    async fn owner_of_cart_item(&self, cart_item_id: CartItemId) -> Result<Option<(CartOwner, SkuId)>, Unavailable> {
        self.ask(|memory| {
            let mut lines = memory.carts.values().flat_map(|cart| cart.lines.iter().map(move |line| (cart, line)));
            let found = lines.find(|(_, line)| line.cart_item_id == cart_item_id);
            found.map(|(cart, line)| (cart.owner.clone(), line.sku_id.clone()))
        })
        .await
    }

    async fn carts_to_abandon(&self, now: Time, limit: u32) -> Result<Vec<CartOwner>, Unavailable> {
        let now = if self.bugs.has(Bug::DueIgnoresTime) { Time(i64::MAX) } else { now };
        self.ask(|memory| {
            let due = memory.carts.values().filter(|cart| cart.is_active() && cart.expires_at <= now);
            most_overdue(due.map(|cart| (cart.expires_at, cart.owner.clone())), limit)
        })
        .await
    }

    async fn forget_carts(&self, now: Time, limit: u32) -> Result<u64, Unavailable> {
        self.reach(Point::Query).await?;
        let memory = &mut self.state().memory;
        let over = memory.carts.values().filter(|cart| !cart.is_active() && cart.expires_at <= now);
        let over = most_overdue(over.map(|cart| (cart.expires_at, cart.owner.clone())), limit);
        for owner in &over {
            memory.carts.remove(owner);
        }
        Ok(u64::try_from(over.len()).unwrap_or(u64::MAX))
    }

    async fn checkout(&self, session_id: &SessionId) -> Result<Option<Arc<Checkout>>, Unavailable> {
        self.ask(|memory| memory.checkouts.get(session_id).cloned()).await
    }

    async fn checkouts_to_end(&self, now: Time, limit: u32) -> Result<Vec<SessionId>, Unavailable> {
        let now = if self.bugs.has(Bug::DueIgnoresTime) { Time(i64::MAX) } else { now };
        self.ask(|memory| {
            let due = memory.checkouts.values().filter(|checkout| checkout.status == CheckoutStatus::Active && checkout.expires_at <= now);
            most_overdue(due.map(|checkout| (checkout.expires_at, checkout.session_id.clone())), limit)
        })
        .await
    }

    async fn forget_checkouts(&self, now: Time, limit: u32) -> Result<u64, Unavailable> {
        self.reach(Point::Query).await?;
        let memory = &mut self.state().memory;
        let over = memory.checkouts.values().filter(|checkout| checkout.status != CheckoutStatus::Active && checkout.expires_at <= now);
        let over = most_overdue(over.map(|checkout| (checkout.expires_at, checkout.session_id.clone())), limit);
        for session_id in &over {
            memory.checkouts.remove(session_id);
        }
        Ok(u64::try_from(over.len()).unwrap_or(u64::MAX))
    }

    async fn hold(&self, hold_id: HoldId) -> Result<Option<Arc<Hold>>, Unavailable> {
        self.ask(|memory| memory.holds.get(&hold_id).cloned()).await
    }

    async fn holds_to_expire(&self, now: Time, limit: u32) -> Result<Vec<HoldId>, Unavailable> {
        let now = if self.bugs.has(Bug::DueIgnoresTime) { Time(i64::MAX) } else { now };
        self.ask(|memory| {
            let free = memory.holds.values().filter(|hold| hold.status == hold::Status::Active && hold.order_id.is_none());
            most_overdue(free.filter_map(|hold| Some((hold.expires_at.filter(|end| *end <= now)?, hold.hold_id))), limit)
        })
        .await
    }

    async fn forget_holds(&self, ended_before: Time, limit: u32) -> Result<u64, Unavailable> {
        self.reach(Point::Query).await?;
        let memory = &mut self.state().memory;
        let over = memory.holds.values().filter(|hold| matches!(hold.status, hold::Status::Released | hold::Status::Expired));
        let over = over.filter(|hold| hold.order_id.is_none() && hold.updated_at <= ended_before);
        let over = most_overdue(over.map(|hold| (hold.updated_at, hold.hold_id)), limit);
        for hold_id in &over {
            memory.holds.remove(hold_id);
        }
        Ok(u64::try_from(over.len()).unwrap_or(u64::MAX))
    }

    async fn skus_named(&self, sku_ids: &[SkuId]) -> Result<Vec<Arc<Sku>>, Unavailable> {
        self.ask(|memory| sku_ids.iter().filter_map(|sku_id| memory.skus.get(sku_id).cloned()).collect()).await
    }

    async fn balance(&self, sku_id: &SkuId) -> Result<Option<Balance>, Unavailable> {
        self.ask(|memory| memory.stock.get(sku_id).copied()).await
    }

    async fn key(&self, key: &ScopedKey) -> Result<Option<Arc<KeyRow>>, Unavailable> {
        self.ask(|memory| memory.keys.get(key).filter(|_| !self.bugs.has(Bug::NoKeyCheck)).cloned()).await
    }

    async fn orders_to_expire(&self, now: Time, limit: u32) -> Result<Vec<OrderId>, Unavailable> {
        let now = if self.bugs.has(Bug::DueIgnoresTime) { Time(i64::MAX) } else { now };
        self.ask(|memory| {
            let undecided = |order: &Order| {
                order.payment_id.and_then(|payment_id| memory.payments.get(&payment_id)).is_some_and(|payment| payment.awaits_provider())
            };
            let waiting = memory.orders.values().filter(|order| order.status.awaits_payment() && !undecided(order));
            most_overdue(waiting.filter_map(|order| Some((order.expires_at.filter(|end| *end <= now)?, order.order_id))), limit)
        })
        .await
    }

    async fn payments_to_ask(&self, now: Time, limit: u32) -> Result<Vec<PaymentId>, Unavailable> {
        let now = if self.bugs.has(Bug::DueIgnoresTime) { Time(i64::MAX) } else { now };
        self.ask(|memory| {
            let open = memory.payments.values().filter(|payment| payment.status.is_open());
            most_overdue(open.filter_map(|payment| Some((payment.next_check_at.filter(|at| *at <= now)?, payment.payment_id))), limit)
        })
        .await
    }

    async fn refund(&self, caller: &Caller, refund_id: RefundId) -> Result<Option<Arc<Refund>>, Unavailable> {
        self.ask(|memory| {
            let refund = memory.refunds.get(&refund_id)?;
            memory.orders.get(&refund.order_id).filter(|order| self.sees(caller, order)).map(|_| refund.clone())
        })
        .await
    }

    async fn refunds_to_ask(&self, now: Time, limit: u32) -> Result<Vec<RefundId>, Unavailable> {
        let now = if self.bugs.has(Bug::DueIgnoresTime) { Time(i64::MAX) } else { now };
        self.ask(|memory| {
            let open = memory.refunds.values().filter(|refund| refund.status == RefundStatus::Processing);
            most_overdue(open.filter_map(|refund| Some((refund.next_check_at.filter(|at| *at <= now)?, refund.refund_id))), limit)
        })
        .await
    }

    async fn open_tasks(&self, page: Page<(Time, TaskId)>) -> Result<Vec<Arc<Task>>, Unavailable> {
        self.ask(|memory| {
            let place = |task: &Arc<Task>| (task.created_at, task.task_id);
            let mut open: Vec<Arc<Task>> = memory.tasks.values().filter(|task| task.closed_at.is_none()).cloned().collect();
            open.sort_by_key(place);
            open.into_iter().filter(|task| self.is_after(&place(task), page.after.as_ref())).take(limited(page.limit)).collect()
        })
        .await
    }

    async fn outbox(&self) -> Result<OutboxStanding, Unavailable> {
        self.ask(|memory| OutboxStanding {
            pending: i64::try_from(memory.outbox.len()).unwrap_or(i64::MAX),
            oldest: memory.outbox.iter().map(domain::message::Message::created_at).min(),
        })
        .await
    }

    async fn audit(&self, limit: u32) -> Result<Vec<Violation>, Unavailable> {
        let (now, blind) = (self.clock.now(), self.bugs.has(Bug::BlindAudit));
        self.ask(|memory| if blind { Vec::new() } else { audit::audit(memory, now, limited(limit)) }).await
    }

    async fn forget_marks(&self, before: Time) -> Result<u64, Unavailable> {
        self.reach(Point::Query).await?;
        let marks = &mut self.state().marks;
        let kept = marks.len();
        marks.retain(|_, noted| noted.at >= before);
        Ok(u64::try_from(kept - marks.len()).unwrap_or(u64::MAX))
    }

    async fn ready(&self) -> Result<(), Unavailable> {
        self.reach(Point::Query).await
    }
}
