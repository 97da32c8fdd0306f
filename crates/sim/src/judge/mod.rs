//! Compares everything that is kept with everything that was answered, and with the provider's books.

mod events;
mod keys;
mod lists;
mod money;
mod orders;
mod refunds;
mod shipments;
mod stock;

use std::collections::BTreeMap;

use domain::ids::{OrderId, PaymentId};
use engine::port::Queries as _;
use futures_util::FutureExt as _;
use testkit::MemoryStore;
use testkit::memory::Memory;

use crate::bank::Entry;
use crate::history::{History, Kind, OrderWish, Wish};
use crate::world::World;

/// What is judged.
pub(crate) struct Case<'a> {
    /// What was turned on.
    pub(crate) world: &'a World,
    /// What is kept.
    pub(crate) memory: &'a Memory,
    /// What was asked and answered.
    pub(crate) history: &'a History,
    /// What the provider wrote down.
    pub(crate) books: &'a BTreeMap<PaymentId, Entry>,
    /// The orders by the names of their wishes.
    pub(crate) by_name: BTreeMap<String, Vec<OrderId>>,
    /// What is wrong.
    pub(crate) wrong: Vec<String>,
}

impl Case<'_> {
    /// Notes what is wrong, if it is.
    pub(crate) fn must(&mut self, holds: bool, else_wrong: impl FnOnce() -> String) {
        if !holds {
            self.wrong.push(else_wrong());
        }
    }
}

impl Case<'_> {
    /// What was given back of a payment by the provider's and the cashier's books, minor units.
    fn given_back(&self, payment_id: PaymentId) -> i64 {
        let by_provider: i64 = self.books.get(&payment_id).map_or(0, |entry| entry.refunds.values().sum());
        let refunds = self.memory.refunds.values().filter(|refund| refund.payment_id == payment_id);
        by_provider + refunds.filter_map(|refund| self.history.by_hand.get(&refund.refund_id)).sum::<i64>()
    }
}

/// Judges; everything wrong is told to `world`.
pub fn judge(world: &World, store: &MemoryStore, books: &BTreeMap<PaymentId, Entry>) {
    let audited = store.audit(3).now_or_never().and_then(Result::ok);
    let history = world.history();
    let mut wrong = store.look(|memory| {
        let mut case = Case { world, memory, history: &history, books, by_name: names(memory), wrong: Vec::new() };
        keys::judge(&mut case);
        orders::judge(&mut case);
        stock::judge(&mut case);
        money::judge(&mut case);
        refunds::judge(&mut case);
        shipments::judge(&mut case);
        events::judge(&mut case);
        case.wrong
    });
    wrong.extend(lists::judge(&history, store));
    drop(history);
    match audited {
        None => wrong.push("the audit does not answer".into()),
        Some(found) => wrong.extend(found.into_iter().map(|one| format!("audit: {} ({}): {}", one.invariant, one.explanation, one.row))),
    }
    for wrong in wrong {
        world.violation(wrong);
    }
}

fn names(memory: &Memory) -> BTreeMap<String, Vec<OrderId>> {
    let mut names = BTreeMap::<String, Vec<OrderId>>::new();
    for order in memory.orders.values() {
        let text = order.external_id.as_ref().or(order.notes.as_ref());
        let name = order.hold_id.map(|hold| hold.to_string()).or_else(|| text.map(ToString::to_string));
        names.entry(name.unwrap_or_default()).or_default().push(order.order_id);
    }
    names
}

/// The wishes for orders with what was found of them.
fn order_wishes(history: &History) -> impl Iterator<Item = (&Wish, &OrderWish)> {
    history.wishes.iter().filter_map(|wish| match &wish.kind {
        Kind::Order(order) => Some((wish, order)),
        Kind::Move { .. } | Kind::Event(_) | Kind::Other => None,
    })
}
