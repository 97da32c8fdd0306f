//! The one list of tables, and its readings: what a command needs, what it sees, what it changes, what a memory store
//! keeps. A table that is forgotten in one of them does not compile.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::Arc;

use crate::cart::{Cart, CartOwner};
use crate::catalog::Sku;
use crate::checkout::Checkout;
use crate::event::OrderEvent;
use crate::hold::Hold;
use crate::ids::{HoldId, OrderId, OrderNumber, PaymentId, RefundId, SessionId, SkuId, TaskId};
use crate::key::{KeyRow, ScopedKey};
use crate::message::Message;
use crate::order::Order;
use crate::payment::Payment;
use crate::refund::Refund;
use crate::stock::{Balance, BalanceDelta, LedgerEntry, Reservation, ReservationKey};
use crate::task::Task;

/// A table whose rows are found by a key.
pub trait Table: 'static {
    /// What a row is found by.
    type Key: Ord + Clone + Debug + Send + Sync;
    /// A row; cheap to clone.
    type Row: Clone + PartialEq + Debug + Send + Sync;
    /// For gaps and conflicts.
    const NAME: &'static str;
}

/// Rows that are written whole, guarded by their version.
pub trait RowTable: Table {
    /// The version of `row`; from 1.
    fn version(row: &Self::Row) -> i64;
}

/// Rows that are changed by adding, guarded by a CHECK: any order of the same changes gives the same row.
pub trait CounterTable: Table {
    /// What is added.
    type Delta: Clone + Debug + Default + PartialEq + Send + Sync;
    /// Adds `more` to `sum`.
    fn add(sum: &mut Self::Delta, more: &Self::Delta);
    /// `row` after `delta`.
    fn apply(row: Option<&Self::Row>, delta: &Self::Delta) -> Self::Row;
}

/// Rows that are only appended.
pub trait LogTable: 'static {
    /// A row.
    type Row: Clone + PartialEq + Debug + Send + Sync;
}

macro_rules! tables {
    ($($(#[$doc:meta])* $name:ident: $key:ty => $row:ty;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub enum $name {}
        impl Table for $name {
            type Key = $key;
            type Row = $row;
            const NAME: &'static str = stringify!($name);
        }
    )*};
}

tables! {
    /// Idempotency keys.
    Keys: ScopedKey => Arc<KeyRow>;
    /// SKUs with their offers.
    Skus: SkuId => Arc<Sku>;
    /// Carts with their lines: of each owner the latest.
    Carts: CartOwner => Arc<Cart>;
    /// Checkout sessions: of each name the latest.
    Checkouts: SessionId => Arc<Checkout>;
    /// Orders with their lines.
    Orders: OrderId => Arc<Order>;
    /// Attempts to be paid.
    Payments: PaymentId => Arc<Payment>;
    /// Money on its way back.
    Refunds: RefundId => Arc<Refund>;
    /// What was reserved by hand.
    Reservations: ReservationKey => Arc<Reservation>;
    /// What is held for a while.
    Holds: HoldId => Arc<Hold>;
    /// What needs a person.
    Tasks: TaskId => Arc<Task>;
    /// Stock balances.
    Stock: SkuId => Balance;
}

impl RowTable for Keys {
    // Never changed.
    fn version(_: &Self::Row) -> i64 {
        1
    }
}

macro_rules! versioned {
    ($($name:ident)*) => {$(
        impl RowTable for $name {
            fn version(row: &Self::Row) -> i64 {
                row.version
            }
        }
    )*};
}

versioned! { Skus Carts Checkouts Orders Payments Refunds Reservations Holds Tasks }

impl CounterTable for Stock {
    type Delta = BalanceDelta;

    fn add(sum: &mut BalanceDelta, more: &BalanceDelta) {
        sum.on_hand = sum.on_hand.saturating_add(more.on_hand);
        sum.reserved = sum.reserved.saturating_add(more.reserved);
        sum.steps = sum.steps.saturating_add(more.steps);
        sum.is_new |= more.is_new;
    }

    fn apply(row: Option<&Balance>, delta: &BalanceDelta) -> Balance {
        let row = row.copied().unwrap_or_default();
        Balance {
            on_hand: row.on_hand.saturating_add(delta.on_hand),
            reserved: row.reserved.saturating_add(delta.reserved),
            version: row.version.saturating_add(delta.steps),
        }
    }
}

/// Movements of stock.
#[derive(Debug)]
pub enum Ledger {}
impl LogTable for Ledger {
    type Row = LedgerEntry;
}

/// Facts of orders.
#[derive(Debug)]
pub enum Facts {}
impl LogTable for Facts {
    type Row = Arc<OrderEvent>;
}

/// Messages to other services.
#[derive(Debug)]
pub enum Outbox {}
impl LogTable for Outbox {
    type Row = Message;
}

/// What a table is, in one reading of the list.
pub trait Family: 'static {
    /// For rows with a version.
    type Rows<T: RowTable>: Default + Debug;
    /// For counters.
    type Counters<T: CounterTable>: Default + Debug;
    /// For logs.
    type Log<T: LogTable>: Default + Debug;
    /// For order numbers: drawn, never written.
    type Numbers: Default + Debug;
}

/// The list.
#[derive(Debug)]
pub struct Tables<F: Family> {
    /// Idempotency keys.
    pub keys: F::Rows<Keys>,
    /// SKUs with their offers.
    pub skus: F::Rows<Skus>,
    /// Carts with their lines: of each owner the latest.
    pub carts: F::Rows<Carts>,
    /// Checkout sessions: of each name the latest.
    pub checkouts: F::Rows<Checkouts>,
    /// Orders with their lines.
    pub orders: F::Rows<Orders>,
    /// Attempts to be paid.
    pub payments: F::Rows<Payments>,
    /// Money on its way back.
    pub refunds: F::Rows<Refunds>,
    /// What was reserved by hand.
    pub reservations: F::Rows<Reservations>,
    /// What is held for a while.
    pub holds: F::Rows<Holds>,
    /// What needs a person.
    pub tasks: F::Rows<Tasks>,
    /// Order numbers.
    pub numbers: F::Numbers,
    /// Movements of stock.
    pub ledger: F::Log<Ledger>,
    /// Facts of orders.
    pub facts: F::Log<Facts>,
    /// Messages to other services.
    pub outbox: F::Log<Outbox>,
    /// Stock balances; last, since they are the ones that everybody wants.
    pub stock: F::Counters<Stock>,
}

impl<F: Family> Default for Tables<F> {
    fn default() -> Self {
        Self {
            keys: Default::default(),
            skus: Default::default(),
            carts: Default::default(),
            checkouts: Default::default(),
            orders: Default::default(),
            payments: Default::default(),
            refunds: Default::default(),
            reservations: Default::default(),
            holds: Default::default(),
            tasks: Default::default(),
            numbers: Default::default(),
            ledger: Default::default(),
            facts: Default::default(),
            outbox: Default::default(),
            stock: Default::default(),
        }
    }
}

/// Walks two readings of the list, table by table.
pub trait Visit<A: Family, B: Family> {
    /// Why it stops.
    type Error;
    /// At a table of rows.
    fn rows<T: RowTable>(&mut self, left: &mut A::Rows<T>, right: &B::Rows<T>) -> Result<(), Self::Error>;
    /// At a table of counters.
    fn counters<T: CounterTable>(&mut self, left: &mut A::Counters<T>, right: &B::Counters<T>) -> Result<(), Self::Error>;
    /// At a log.
    fn log<T: LogTable>(&mut self, left: &mut A::Log<T>, right: &B::Log<T>) -> Result<(), Self::Error>;
    /// At the order numbers.
    fn numbers(&mut self, left: &mut A::Numbers, right: &B::Numbers) -> Result<(), Self::Error>;
}

impl<A: Family> Tables<A> {
    /// Takes `visit` through every table of `self` and `other`.
    pub fn walk<B: Family, V: Visit<A, B>>(&mut self, other: &Tables<B>, visit: &mut V) -> Result<(), V::Error> {
        let Self {
            keys,
            skus,
            carts,
            checkouts,
            orders,
            payments,
            refunds,
            reservations,
            holds,
            tasks,
            numbers,
            ledger,
            facts,
            outbox,
            stock,
        } = self;
        visit.rows::<Keys>(keys, &other.keys)?;
        visit.rows::<Skus>(skus, &other.skus)?;
        visit.rows::<Carts>(carts, &other.carts)?;
        visit.rows::<Checkouts>(checkouts, &other.checkouts)?;
        visit.rows::<Orders>(orders, &other.orders)?;
        visit.rows::<Payments>(payments, &other.payments)?;
        visit.rows::<Refunds>(refunds, &other.refunds)?;
        visit.rows::<Reservations>(reservations, &other.reservations)?;
        visit.rows::<Holds>(holds, &other.holds)?;
        visit.rows::<Tasks>(tasks, &other.tasks)?;
        visit.numbers(numbers, &other.numbers)?;
        visit.log::<Ledger>(ledger, &other.ledger)?;
        visit.log::<Facts>(facts, &other.facts)?;
        visit.log::<Outbox>(outbox, &other.outbox)?;
        visit.counters::<Stock>(stock, &other.stock)
    }
}

/// The reading that says what must be loaded.
#[derive(Debug)]
pub enum NeedsFamily {}
impl Family for NeedsFamily {
    type Rows<T: RowTable> = BTreeSet<T::Key>;
    type Counters<T: CounterTable> = BTreeSet<T::Key>;
    type Log<T: LogTable> = ();
    type Numbers = BTreeMap<OrderId, i32>;
}

/// The keys of everything that a command must see; for a new order's number, the year.
pub type Needs = Tables<NeedsFamily>;

/// A row that nobody loaded. The engine asks for the needs again; a second time, it is a bug.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{table} {key} was not loaded")]
pub struct Gap {
    /// Which table.
    pub table: &'static str,
    /// Which row.
    pub key: String,
}

/// What is known of a table: found, known to be absent, or a gap.
pub struct Shelf<T: Table> {
    known: BTreeMap<T::Key, Option<T::Row>>,
}

impl<T: Table> Debug for Shelf<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(&self.known).finish()
    }
}

impl<T: Table> Default for Shelf<T> {
    fn default() -> Self {
        Self { known: BTreeMap::new() }
    }
}

impl<T: Table> Shelf<T> {
    /// The row, or that there is none.
    pub fn get(&self, key: &T::Key) -> Result<Option<&T::Row>, Gap> {
        self.known.get(key).map(Option::as_ref).ok_or_else(|| Gap { table: T::NAME, key: format!("{key:?}") })
    }

    /// The row if it was loaded and found. For `needs`, which may run before anything is there.
    pub fn peek(&self, key: &T::Key) -> Option<&T::Row> {
        self.known.get(key).and_then(Option::as_ref)
    }

    /// Puts what the store found. What a command of the batch has written stays.
    pub fn found(&mut self, key: T::Key, row: T::Row) {
        let known = self.known.entry(key).or_insert(None);
        if known.is_none() {
            *known = Some(row);
        }
    }

    /// Notes that nothing was found under the keys that are not known yet.
    pub fn absent(&mut self, keys: &BTreeSet<T::Key>) {
        for key in keys {
            if !self.known.contains_key(key) {
                self.known.insert(key.clone(), None);
            }
        }
    }

    fn put(&mut self, key: T::Key, row: T::Row) {
        self.known.insert(key, Some(row));
    }

    fn knows(&self, key: &T::Key) -> bool {
        self.known.contains_key(key)
    }
}

/// The reading that a command sees.
#[derive(Debug)]
pub enum ViewFamily {}
impl Family for ViewFamily {
    type Rows<T: RowTable> = Shelf<T>;
    type Counters<T: CounterTable> = Shelf<T>;
    type Log<T: LogTable> = ();
    type Numbers = BTreeMap<OrderId, OrderNumber>;
}

/// What a command sees.
pub type View = Tables<ViewFamily>;

/// A row to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct Write<R> {
    /// The version it must have in the store; 0: it must not be there.
    pub expected: i64,
    /// The row as it shall be.
    pub row: R,
}

/// The reading that says what was decided.
#[derive(Debug)]
pub enum ChangesFamily {}
impl Family for ChangesFamily {
    type Rows<T: RowTable> = BTreeMap<T::Key, Write<T::Row>>;
    type Counters<T: CounterTable> = BTreeMap<T::Key, T::Delta>;
    type Log<T: LogTable> = Vec<T::Row>;
    type Numbers = ();
}

/// What was decided, to be saved together or not at all.
pub type Changes = Tables<ChangesFamily>;

impl Needs {
    /// Whether nothing is needed.
    pub fn is_empty(&self) -> bool {
        let Self {
            keys,
            skus,
            carts,
            checkouts,
            orders,
            payments,
            refunds,
            reservations,
            holds,
            tasks,
            numbers,
            ledger: (),
            facts: (),
            outbox: (),
            stock,
        } = self;
        keys.is_empty()
            && skus.is_empty()
            && carts.is_empty()
            && checkouts.is_empty()
            && orders.is_empty()
            && payments.is_empty()
            && refunds.is_empty()
            && reservations.is_empty()
            && holds.is_empty()
            && tasks.is_empty()
            && numbers.is_empty()
            && stock.is_empty()
    }

    /// Drops what `seen` knows already.
    #[must_use]
    pub fn without(mut self, seen: &View) -> Self {
        struct Without;
        impl Visit<NeedsFamily, ViewFamily> for Without {
            type Error = std::convert::Infallible;
            fn rows<T: RowTable>(&mut self, needs: &mut BTreeSet<T::Key>, seen: &Shelf<T>) -> Result<(), Self::Error> {
                needs.retain(|key| !seen.knows(key));
                Ok(())
            }
            fn counters<T: CounterTable>(&mut self, needs: &mut BTreeSet<T::Key>, seen: &Shelf<T>) -> Result<(), Self::Error> {
                needs.retain(|key| !seen.knows(key));
                Ok(())
            }
            fn log<T: LogTable>(&mut self, (): &mut (), (): &()) -> Result<(), Self::Error> {
                Ok(())
            }
            fn numbers(&mut self, needs: &mut BTreeMap<OrderId, i32>, seen: &BTreeMap<OrderId, OrderNumber>) -> Result<(), Self::Error> {
                needs.retain(|order, _| !seen.contains_key(order));
                Ok(())
            }
        }
        let Ok(()) = self.walk(seen, &mut Without);
        self
    }

    /// The stock of every SKU that `order` sells from this service's own inventory, by its lines or by the hold behind it.
    pub fn stock_of(&mut self, order: Option<&Arc<Order>>, seen: &View) {
        let Some(order) = order else { return };
        self.stock.extend(order.lines.iter().filter_map(|line| line.sku_id().cloned()));
        if let Some(hold_id) = order.hold_id {
            self.stock_of_hold(hold_id, seen);
        }
    }

    /// A hold, and the stock that it holds.
    pub fn stock_of_hold(&mut self, hold_id: HoldId, seen: &View) {
        self.stock.extend(seen.holds.peek(&hold_id).into_iter().flat_map(|hold| &hold.items).map(|line| line.sku_id.clone()));
        self.holds.insert(hold_id);
    }
}

impl View {
    /// Notes as absent whatever of `needs` was not found.
    pub fn settle(&mut self, needs: &Needs) {
        struct Absent;
        impl Visit<ViewFamily, NeedsFamily> for Absent {
            type Error = std::convert::Infallible;
            fn rows<T: RowTable>(&mut self, seen: &mut Shelf<T>, needs: &BTreeSet<T::Key>) -> Result<(), Self::Error> {
                seen.absent(needs);
                Ok(())
            }
            fn counters<T: CounterTable>(&mut self, seen: &mut Shelf<T>, needs: &BTreeSet<T::Key>) -> Result<(), Self::Error> {
                seen.absent(needs);
                Ok(())
            }
            fn log<T: LogTable>(&mut self, (): &mut (), (): &()) -> Result<(), Self::Error> {
                Ok(())
            }
            fn numbers(&mut self, _: &mut BTreeMap<OrderId, OrderNumber>, _: &BTreeMap<OrderId, i32>) -> Result<(), Self::Error> {
                Ok(())
            }
        }
        let Ok(()) = self.walk(needs, &mut Absent);
    }

    /// Shows the commands that follow what `changes` will have done.
    pub fn apply(&mut self, changes: &Changes) {
        struct Apply;
        impl Visit<ViewFamily, ChangesFamily> for Apply {
            type Error = std::convert::Infallible;
            fn rows<T: RowTable>(&mut self, seen: &mut Shelf<T>, changes: &BTreeMap<T::Key, Write<T::Row>>) -> Result<(), Self::Error> {
                for (key, write) in changes {
                    seen.put(key.clone(), write.row.clone());
                }
                Ok(())
            }
            fn counters<T: CounterTable>(&mut self, seen: &mut Shelf<T>, changes: &BTreeMap<T::Key, T::Delta>) -> Result<(), Self::Error> {
                for (key, delta) in changes {
                    let row = T::apply(seen.peek(key), delta);
                    seen.put(key.clone(), row);
                }
                Ok(())
            }
            fn log<T: LogTable>(&mut self, (): &mut (), _: &Vec<T::Row>) -> Result<(), Self::Error> {
                Ok(())
            }
            fn numbers(&mut self, _: &mut BTreeMap<OrderId, OrderNumber>, (): &()) -> Result<(), Self::Error> {
                Ok(())
            }
        }
        let Ok(()) = self.walk(changes, &mut Apply);
    }
}

impl Changes {
    /// Whether nothing was decided that must be saved.
    pub fn is_empty(&self) -> bool {
        let Self {
            keys,
            skus,
            carts,
            checkouts,
            orders,
            payments,
            refunds,
            reservations,
            holds,
            tasks,
            numbers: (),
            ledger,
            facts,
            outbox,
            stock,
        } = self;
        keys.is_empty()
            && skus.is_empty()
            && carts.is_empty()
            && checkouts.is_empty()
            && orders.is_empty()
            && payments.is_empty()
            && refunds.is_empty()
            && reservations.is_empty()
            && holds.is_empty()
            && tasks.is_empty()
            && ledger.is_empty()
            && facts.is_empty()
            && outbox.is_empty()
            && stock.is_empty()
    }

    /// Folds what the next command of the batch decided: the first expectation and the last row win, deltas add up.
    pub fn absorb(&mut self, next: &Changes) {
        struct Absorb;
        impl Visit<ChangesFamily, ChangesFamily> for Absorb {
            type Error = std::convert::Infallible;
            fn rows<T: RowTable>(
                &mut self,
                sum: &mut BTreeMap<T::Key, Write<T::Row>>,
                next: &BTreeMap<T::Key, Write<T::Row>>,
            ) -> Result<(), Self::Error> {
                for (key, write) in next {
                    sum.entry(key.clone()).and_modify(|earlier| earlier.row = write.row.clone()).or_insert_with(|| write.clone());
                }
                Ok(())
            }
            fn counters<T: CounterTable>(
                &mut self,
                sum: &mut BTreeMap<T::Key, T::Delta>,
                next: &BTreeMap<T::Key, T::Delta>,
            ) -> Result<(), Self::Error> {
                for (key, delta) in next {
                    T::add(sum.entry(key.clone()).or_default(), delta);
                }
                Ok(())
            }
            fn log<T: LogTable>(&mut self, sum: &mut Vec<T::Row>, next: &Vec<T::Row>) -> Result<(), Self::Error> {
                sum.extend(next.iter().cloned());
                Ok(())
            }
            fn numbers(&mut self, (): &mut (), (): &()) -> Result<(), Self::Error> {
                Ok(())
            }
        }
        let Ok(()) = self.walk(next, &mut Absorb);
    }
}
