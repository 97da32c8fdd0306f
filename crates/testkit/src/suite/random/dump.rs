//! Everything that a history may have touched, as the store gives it back.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::Arc;

use domain::cart::CartOwner;
use domain::ids::{HoldId, OrderId, PaymentId, SessionId, SkuId};
use domain::key::ScopedKey;
use domain::stock::ReservationKey;
use domain::tables::{RowTable, Shelf};
use domain::{Caller, Needs};
use engine::port::{OrderFilter, Page, Store};

use super::super::canonical;
use super::super::hands::Hands;
use crate::clock::START;

/// The names of all things that commands may have made.
#[derive(Debug, Default)]
pub(super) struct Touched {
    pub(super) keys: BTreeSet<ScopedKey>,
    pub(super) skus: BTreeSet<SkuId>,
    pub(super) carts: BTreeSet<CartOwner>,
    pub(super) checkouts: BTreeSet<SessionId>,
    pub(super) orders: BTreeSet<OrderId>,
    pub(super) payments: BTreeSet<PaymentId>,
    pub(super) reservations: BTreeSet<ReservationKey>,
    pub(super) holds: BTreeSet<HoldId>,
}

fn rows<T: RowTable>(lines: &mut Vec<String>, keys: &BTreeSet<T::Key>, shelf: &Shelf<T>, show: impl Fn(&T::Row) -> String) {
    lines.extend(keys.iter().filter_map(|key| shelf.peek(key)).map(|row| format!("{}: {}", T::NAME, show(row))));
}

fn plain<R: Debug>(row: &R) -> String {
    format!("{row:?}")
}

pub(super) async fn dump(store: &Arc<dyn Store>, touched: &Touched) -> Vec<String> {
    let mut needs = Needs::default();
    needs.keys.clone_from(&touched.keys);
    needs.skus.clone_from(&touched.skus);
    needs.stock.clone_from(&touched.skus);
    needs.carts.clone_from(&touched.carts);
    needs.checkouts.clone_from(&touched.checkouts);
    needs.orders.clone_from(&touched.orders);
    needs.payments.clone_from(&touched.payments);
    needs.reservations.clone_from(&touched.reservations);
    needs.holds.clone_from(&touched.holds);
    let seen = Hands::of(store).await.load(&needs).await;
    let mut lines = Vec::new();
    rows(&mut lines, &needs.keys, &seen.keys, plain);
    rows(&mut lines, &needs.skus, &seen.skus, |sku| plain(&canonical::sku(sku)));
    rows(&mut lines, &needs.carts, &seen.carts, plain);
    rows(&mut lines, &needs.checkouts, &seen.checkouts, plain);
    rows(&mut lines, &needs.orders, &seen.orders, |order| plain(&canonical::order(order)));
    rows(&mut lines, &needs.payments, &seen.payments, plain);
    rows(&mut lines, &needs.reservations, &seen.reservations, plain);
    rows(&mut lines, &needs.holds, &seen.holds, plain);
    let mut of_orders = Needs::default();
    of_orders.refunds.extend(needs.orders.iter().filter_map(|id| seen.orders.peek(id)).flat_map(|order| order.refunds.iter()));
    let refunds = Hands::of(store).await.load(&of_orders).await;
    rows(&mut lines, &of_orders.refunds, &refunds.refunds, plain);
    let tasks = store.open_tasks(Page { after: None, limit: 200 }).await.expect("it answers");
    lines.extend(tasks.iter().map(|task| format!("Task: {task:?}")));
    lines.extend(needs.stock.iter().map(|sku_id| format!("Stock: {sku_id} {:?}", seen.stock.peek(sku_id))));
    lists(store, touched, &mut lines).await;
    lines
}

async fn lists(store: &Arc<dyn Store>, touched: &Touched, lines: &mut Vec<String>) {
    let admin = Caller::local_admin();
    for order_id in &touched.orders {
        let page = Page { after: None, limit: 200 };
        let events = store.order_events(&admin, *order_id, page).await.expect("it answers");
        lines.extend(events.iter().flatten().map(|event| format!("Fact: {order_id} {:?}", canonical::event(event))));
    }
    for caller in [admin, crate::builders::customer("ada")] {
        let page = Page { after: None, limit: 200 };
        let orders = store.orders(&caller, &OrderFilter::default(), page).await.expect("it answers");
        let names: Vec<OrderId> = orders.iter().map(|answer| answer.order.order_id).collect();
        lines.push(format!("List: {} sees {names:?}", caller.id));
    }
    let day = START.plus_seconds(86_400);
    lines.push(format!("To expire: {:?}", store.orders_to_expire(day, 200).await.expect("it answers")));
    lines.push(format!("To abandon: {:?}", store.carts_to_abandon(day.plus_seconds(31 * 86_400), 200).await.expect("it answers")));
    lines.push(format!("To end: {:?}", store.checkouts_to_end(day, 200).await.expect("it answers")));
    lines.push(format!("To give up: {:?}", store.holds_to_expire(day, 200).await.expect("it answers")));
    lines.push(format!("To ask: {:?}", store.payments_to_ask(day, 200).await.expect("it answers")));
    lines.push(format!("To give back: {:?}", store.refunds_to_ask(day, 200).await.expect("it answers")));
    lines.push(format!("Outbox: {:?}", store.outbox().await.expect("it answers")));
    let audit = store.audit(100).await.expect("it answers");
    lines.extend(audit.iter().map(|violation| format!("Violation: {}", violation.invariant)));
}
