//! What was asked for, what was answered: written down as it happens, to judge what is kept by.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::command::OrderAnswer;
use domain::ids::{OrderId, OrderNumber, PaymentId, RefundId, SkuId};
use domain::key::ScopedKey;
use domain::order::Status;
use domain::stock::Operation;

/// What somebody wants, under one name for ever, however often he asks.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Its name in the trace and in the store.
    pub tag: String,
    /// What is wanted.
    pub kind: Kind,
    /// The key it is asked with.
    pub key: Option<ScopedKey>,
    /// What it says, as a number: another body with the same key is another wish.
    pub body: u64,
    /// How often it was asked, and what came of it.
    pub tries: Vec<Try>,
}

/// What is wanted.
#[derive(Clone, Debug)]
pub enum Kind {
    /// An order.
    Order(OrderWish),
    /// A movement of stock.
    Move {
        /// Of what.
        sku_id: SkuId,
        /// How.
        operation: Operation,
        /// How many.
        qty: i64,
        /// The name of the reference; with the operation it names this movement.
        reference: Arc<str>,
    },
    /// An event about an order.
    Event(EventWish),
    /// Something else.
    Other,
}

/// An event that is told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EventWish {
    /// Of which order.
    pub order_id: OrderId,
    /// What it tells.
    pub tells: Tells,
}

/// What an event tells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Tells {
    /// Its money came.
    Money {
        /// All that is due, in its currency.
        is_due: bool,
        /// The teller's name for it.
        reference: Option<Arc<str>>,
    },
    /// Its money did not come.
    NoMoney,
    /// Where its goods or a refund are.
    Other,
}

/// An order that is wanted.
#[derive(Clone, Debug)]
pub struct OrderWish {
    /// Units of each SKU; empty for tickets.
    pub units: BTreeMap<SkuId, i64>,
    /// Units that are held for tickets.
    pub held: BTreeMap<SkuId, i64>,
    /// What the buyer believes that one of each line costs, minor units.
    pub believed: Vec<Option<i64>>,
    /// For whom.
    pub owner: Option<Arc<str>>,
    /// The name under which it is found in the store: the external id, the hold of tickets, or the notes of a guest.
    pub name: String,
}

/// One try.
#[derive(Clone, Debug)]
pub struct Try {
    /// The step at which it was asked.
    pub began: u64,
    /// The step at which it ended.
    pub ended: u64,
    /// At which instance.
    pub instance: usize,
    /// What came of it.
    pub end: End,
}

/// What came of a try.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum End {
    /// Not yet known.
    Open,
    /// It was carried out: what the key remembers.
    Done {
        /// What is stored with the key.
        identity: String,
        /// It had been carried out before.
        is_replay: bool,
        /// The version of what was shown; 0 where there is none.
        version: i64,
    },
    /// The answer was no.
    Refused(&'static str),
    /// It was not carried out, and the caller was told so.
    Nothing,
    /// Nobody knows.
    Unsure {
        /// Since the instance crashed.
        crashed: bool,
    },
}

impl Wish {
    /// What it was answered with, if it was.
    pub fn identity(&self) -> Option<&str> {
        self.tries.iter().find_map(|one| match &one.end {
            End::Done { identity, .. } => Some(identity.as_str()),
            End::Open | End::Refused(_) | End::Nothing | End::Unsure { .. } => None,
        })
    }

    /// Whether nobody can say if some try was carried out.
    pub fn is_unsure(&self) -> bool {
        self.tries.iter().any(|one| matches!(one.end, End::Open | End::Unsure { .. }))
    }

    /// From the first question to the last answer; who has left is carried out at any time after.
    pub fn span(&self) -> (u64, u64) {
        let began = self.tries.iter().map(|one| one.began).min().unwrap_or(0);
        let ended = self.tries.iter().map(|one| one.ended).max().filter(|_| !self.is_unsure());
        (began, ended.unwrap_or(u64::MAX))
    }
}

/// A price while it could be met.
#[derive(Clone, Copy, Debug)]
pub struct PriceSpan {
    /// Minor units.
    pub price: i64,
    /// The step at which it was first asked for.
    pub from: u64,
    /// The step at which the next one was certain.
    pub to: u64,
}

/// What is known of an order from answers alone.
#[derive(Clone, Debug)]
pub struct Sighting {
    /// Its number.
    pub number: OrderNumber,
    /// Its total, minor units.
    pub total: i64,
    /// The status at each version that was seen.
    pub statuses: BTreeMap<i64, Status>,
}

/// Everything that was asked and answered.
#[derive(Debug, Default)]
pub struct History {
    /// What was wanted.
    pub wishes: Vec<Wish>,
    /// What was seen of orders.
    pub orders: BTreeMap<OrderId, Sighting>,
    /// The prices of each SKU.
    pub prices: BTreeMap<SkuId, Vec<PriceSpan>>,
    /// From which step to which each SKU could certainly not be ordered.
    pub closed: BTreeMap<SkuId, Vec<(u64, u64)>>,
    /// The last number drawn of each year.
    pub numbers: BTreeMap<i32, i64>,
    /// Orders whose money may come from several sides at once: attempts side by side, other services.
    pub sides: BTreeSet<OrderId>,
    /// Attempts that somebody collected, or tried to.
    pub collected: BTreeSet<PaymentId>,
    /// What the cashier gave back by hand, minor units.
    pub by_hand: BTreeMap<RefundId, i64>,
    /// How often each key was loaded by a writer.
    pub key_loads: BTreeMap<ScopedKey, u32>,
}

impl History {
    /// Notes what is wanted; its number.
    pub fn wish(&mut self, wish: Wish) -> usize {
        self.wishes.push(wish);
        self.wishes.len() - 1
    }

    /// Notes a try; its number.
    pub fn begin(&mut self, wish: usize, instance: usize, step: u64) -> usize {
        let tries = &mut self.wishes[wish].tries;
        tries.push(Try { began: step, ended: u64::MAX, instance, end: End::Open });
        tries.len() - 1
    }

    /// Notes what came of a try.
    pub fn end(&mut self, wish: usize, one: usize, end: End, step: u64) {
        let one = &mut self.wishes[wish].tries[one];
        (one.end, one.ended) = (end, step);
    }

    /// Notes what an answer said of an order; what contradicts an earlier answer is told.
    pub fn saw(&mut self, answer: &OrderAnswer) -> Option<String> {
        let order = &answer.order;
        let sighting = self.orders.entry(order.order_id).or_insert_with(|| Sighting {
            number: order.number,
            total: order.totals.total,
            statuses: BTreeMap::new(),
        });
        let before = *sighting.statuses.entry(order.version).or_insert(order.status);
        if (sighting.number, sighting.total, before) != (order.number, order.totals.total, order.status) {
            return Some(format!("order {} was answered as {sighting:?}, then as {order:?}", order.order_id));
        }
        None
    }

    /// Notes that a number was drawn; what is wrong with it is told.
    pub fn drawn(&mut self, number: OrderNumber) -> Option<String> {
        let last = self.numbers.insert(number.year, number.serial).unwrap_or(0);
        (number.serial != last + 1).then(|| format!("{number} was drawn after serial {last} of its year"))
    }
}
