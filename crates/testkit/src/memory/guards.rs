//! What the tables guard beside versions: unique keys, sums, references, the range of a balance.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::Changes;
use domain::cart::Cart;
use domain::ids::{CartId, OrderId, OrderNumber, PaymentId, Uuid};
use domain::order::Order;
use domain::payment::{Payment, Status};
use domain::tables::{CounterTable as _, Stock};
use engine::port::SaveError;

use super::faults::{Bug, Bugs};
use super::tables::Memory;

/// The unique indexes.
#[derive(Debug, Default)]
pub(super) struct Index {
    order_keys: BTreeMap<Arc<str>, OrderId>,
    numbers: BTreeMap<OrderNumber, OrderId>,
    carts: BTreeMap<CartId, OrderId>,
    ledger: BTreeSet<Arc<str>>,
    sequences: BTreeSet<(OrderId, i64)>,
    names: BTreeSet<Uuid>,
    captured: BTreeMap<OrderId, BTreeSet<PaymentId>>,
}

/// As the partial index of the databases: captured for the order, whether or not some of it went back.
fn is_captured(payment: &Payment) -> bool {
    matches!(payment.status, Status::Captured | Status::PartiallyRefunded) && !payment.is_surplus
}

fn lost<T>(guard: &str) -> Result<T, SaveError> {
    Err(SaveError::Lost(guard.into()))
}

fn rejected<T>(guard: &str) -> Result<T, SaveError> {
    Err(SaveError::Rejected(guard.into()))
}

impl Index {
    /// Refuses what is not unique.
    pub(super) fn check(&self, changes: &Changes, bugs: &Bugs) -> Result<(), SaveError> {
        self.orders_are_unique(changes, bugs)?;
        let mut ledger = BTreeSet::new();
        let unique = changes.ledger.iter().all(|entry| ledger.insert(&entry.key) && !self.ledger.contains(&entry.key));
        if !unique && !bugs.has(Bug::NoLedgerCheck) {
            return lost("ledger key");
        }
        let mut sequences = BTreeSet::new();
        let mut places = changes.facts.iter().map(|fact| (fact.order_id, fact.sequence));
        let unique = places.all(|place| sequences.insert(place) && !self.sequences.contains(&place));
        if !unique && !bugs.has(Bug::NoSequenceCheck) {
            return lost("fact sequence");
        }
        let mut names = BTreeSet::new();
        if !names_of(changes).all(|name| names.insert(name) && !self.names.contains(&name)) {
            return lost("fact or message id");
        }
        self.captured_once(changes, bugs)
    }

    fn orders_are_unique(&self, changes: &Changes, bugs: &Bugs) -> Result<(), SaveError> {
        let (mut keys, mut numbers, mut carts) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for (&order_id, write) in &changes.orders {
            let is_mine = |holder: Option<&OrderId>| holder.is_none_or(|holder| *holder == order_id);
            if let Some(key) = &write.row.idempotency_key
                && !bugs.has(Bug::NoKeyCheck)
                && !(is_mine(self.order_keys.get(key)) && keys.insert(key.clone(), order_id).is_none())
            {
                return lost("order idempotency key");
            }
            let number = write.row.number;
            let is_free = is_mine(self.numbers.get(&number)) && numbers.insert(number, order_id).is_none();
            if !is_free && !bugs.has(Bug::NoNumberCheck) {
                return lost("order number");
            }
            if let Some(cart_id) = write.row.cart_id
                && !bugs.has(Bug::NoCartCheck)
                && !(is_mine(self.carts.get(&cart_id)) && carts.insert(cart_id, order_id).is_none())
            {
                return lost("the cart of an order");
            }
        }
        Ok(())
    }

    fn captured_once(&self, changes: &Changes, bugs: &Bugs) -> Result<(), SaveError> {
        let mut after = BTreeMap::<OrderId, BTreeSet<PaymentId>>::new();
        for (payment_id, write) in &changes.payments {
            let order_id = write.row.order_id;
            let held = after.entry(order_id).or_insert_with(|| self.captured.get(&order_id).cloned().unwrap_or_default());
            if is_captured(&write.row) {
                held.insert(*payment_id);
            } else {
                held.remove(payment_id);
            }
        }
        if after.values().any(|held| held.len() > 1) && !bugs.has(Bug::NoCapturedCheck) {
            return lost("one captured payment an order");
        }
        Ok(())
    }

    /// Notes what was saved.
    pub(super) fn note(&mut self, changes: &Changes) {
        for (order_id, write) in &changes.orders {
            self.order_keys.extend(write.row.idempotency_key.clone().map(|key| (key, *order_id)));
            self.numbers.insert(write.row.number, *order_id);
            self.carts.extend(write.row.cart_id.map(|cart_id| (cart_id, *order_id)));
        }
        self.ledger.extend(changes.ledger.iter().map(|entry| entry.key.clone()));
        self.sequences.extend(changes.facts.iter().map(|fact| (fact.order_id, fact.sequence)));
        self.names.extend(names_of(changes));
        for (payment_id, write) in &changes.payments {
            let held = self.captured.entry(write.row.order_id).or_default();
            if is_captured(&write.row) {
                held.insert(*payment_id);
            } else {
                held.remove(payment_id);
            }
        }
    }
}

fn names_of(changes: &Changes) -> impl Iterator<Item = Uuid> + '_ {
    changes.facts.iter().map(|fact| fact.order_event_id.0).chain(changes.outbox.iter().map(|message| message.message_id.0))
}

/// Refuses a balance that could not be.
pub(super) fn stock_is_covered(memory: &Memory, changes: &Changes, bugs: &Bugs) -> Result<(), SaveError> {
    for (sku_id, delta) in &changes.stock {
        let before = memory.stock.get(sku_id);
        if before.is_none() && !delta.is_new {
            return lost("a balance that is not there");
        }
        let after = Stock::apply(before, delta);
        if !(0..=after.on_hand).contains(&after.reserved) && !bugs.has(Bug::NoStockCheck) {
            return lost("the range of a balance");
        }
    }
    Ok(())
}

/// Refuses for good what adds up wrongly or belongs to nothing.
pub(super) fn rows_make_sense(memory: &Memory, changes: &Changes, bugs: &Bugs) -> Result<(), SaveError> {
    if bugs.has(Bug::NoSumCheck) {
        return Ok(());
    }
    let adds_up = |order: &Order| {
        let totals = order.totals;
        totals.subtotal + totals.tax + totals.shipping - totals.discount == totals.total
            && order.lines.iter().all(|line| line.qty > 0 && line.total == line.qty * line.unit_price)
    };
    if !changes.orders.values().all(|write| adds_up(&write.row)) {
        return rejected("the sums of an order");
    }
    let fits = |cart: &Cart| {
        let skus: BTreeSet<_> = cart.lines.iter().map(|line| &line.sku_id).collect();
        skus.len() == cart.lines.len() && cart.lines.iter().all(|line| line.qty > 0 && line.unit_price >= 0)
    };
    if !changes.carts.values().all(|write| fits(&write.row)) {
        return rejected("the lines of a cart");
    }
    let is_there = |order_id: &OrderId| memory.orders.contains_key(order_id) || changes.orders.contains_key(order_id);
    let owners = changes.payments.values().map(|write| write.row.order_id).chain(changes.facts.iter().map(|fact| fact.order_id));
    if !owners.into_iter().all(|order_id| is_there(&order_id)) {
        return rejected("the order of a payment or a fact");
    }
    let in_range = changes.payments.values().all(|write| {
        let payment = &write.row;
        0 <= payment.refunded && payment.refunded <= payment.captured && payment.captured <= payment.amount
    });
    if !in_range {
        return rejected("the amounts of a payment");
    }
    let mut offers = changes.skus.values().flat_map(|write| &write.row.offers);
    if !offers.all(|offer| offer.price >= 0 && offer.valid_to.is_none_or(|end| end > offer.valid_from)) {
        return rejected("the price or the window of an offer");
    }
    Ok(())
}
