//! The invariants of the product, each asked of everything that is kept. The databases ask the same in SQL.

use std::collections::BTreeMap;

use domain::cart::CartEnd;
use domain::event::{Fact, OrderEvent};
use domain::hold::{Hold, Status as HoldStatus};
use domain::ids::{OrderId, PaymentId, SkuId};
use domain::message::messages_of;
use domain::order::{Order, Status};
use domain::payment::{Payment, Status as PaymentStatus};
use domain::refund::{Refund, Status as RefundStatus};
use domain::stock::{Operation, StockState};
use domain::task::Kind as TaskKind;
use domain::time::Time;
use engine::port::Violation;

use super::tables::Memory;

/// How long after its deadline an order may still wait.
const GRACE_SECONDS: i64 = 60;

/// An invariant: its stable name, what should hold, and the rows that break it.
pub type Invariant = (&'static str, &'static str, fn(&Books<'_>) -> Vec<String>);

/// Every invariant.
#[rustfmt::skip]
pub const INVARIANTS: &[Invariant] = &[
    ("stock-range",      "0 <= reserved <= on_hand",                                                       stock_range),
    ("stock-reserved",   "reserved is what orders and reservations hold",                                  stock_reserved),
    ("stock-ledger",     "a balance is the sum of its ledger",                                             stock_ledger),
    ("stock-ended-once", "what an order reserved ends once, as its stock state says",                        stock_ended_once),
    ("order-sum",        "total = lines + tax + shipping - discount",                                      order_sum),
    ("order-lines",      "an order has lines, each the product of quantity and price",                     order_lines),
    ("facts-gapless",    "the facts of an order are numbered 1 to its version",                            facts_gapless),
    ("facts-status",     "the status of an order is where its last fact led",                              facts_status),
    ("facts-chain",      "ORDER_CREATED comes first, and each fact begins where the one before ended",                                    facts_chain),
    ("payment-covers",   "an order is paid exactly when one payment captured its total",                   payment_covers),
    ("refund-counted",   "what went back of a payment is the sum of its refunds, never more than was captured", refund_counted),
    ("money-goes-back",  "money that covers nothing is on its way back, went back, or has called for a person", money_goes_back),
    ("key-order",        "the key of an order leads to it",                                                key_order),
    ("cart-ordered",     "a cart and the order that it became name each other",                            cart_ordered),
    ("cart-priced",      "a cart has a currency exactly when something is in it",                          cart_priced),
    ("checkout-order",   "a confirmed checkout session names an order that came from a cart",               checkout_order),
    ("hold-stock",       "what a hold has booked is what its status says",                                 hold_stock),
    ("hold-order",       "a hold and the live order that it backs name each other",                        hold_order),
    ("outbox-complete",  "each fact has its messages",                                                     outbox_complete),
    ("deadline",         "no unpaid order waits 60 s beyond its deadline, unless a payment is under way",  deadline),
];

/// The tables, sorted for the invariants.
pub struct Books<'a> {
    memory: &'a Memory,
    now: Time,
    facts: BTreeMap<OrderId, Vec<&'a OrderEvent>>,
    payments: BTreeMap<OrderId, Vec<&'a Payment>>,
}

impl Books<'_> {
    fn orders_that(&self, break_it: impl Fn(&Order) -> bool) -> Vec<String> {
        self.memory.orders.values().filter(|order| break_it(order)).map(|order| format!("{order:?}")).collect()
    }

    fn facts_of(&self, order: &Order) -> &[&OrderEvent] {
        self.facts.get(&order.order_id).map_or(&[], Vec::as_slice)
    }

    fn payments_of(&self, order: &Order) -> &[&Payment] {
        self.payments.get(&order.order_id).map_or(&[], Vec::as_slice)
    }
}

/// The rows that break an invariant at `now`, at most `limit` of each.
pub(super) fn audit(memory: &Memory, now: Time, limit: usize) -> Vec<Violation> {
    let mut books = Books { memory, now, facts: BTreeMap::new(), payments: BTreeMap::new() };
    for fact in &memory.facts {
        books.facts.entry(fact.order_id).or_default().push(fact);
    }
    books.facts.values_mut().for_each(|facts| facts.sort_by_key(|fact| fact.sequence));
    for payment in memory.payments.values() {
        books.payments.entry(payment.order_id).or_default().push(payment);
    }
    let violations = |(invariant, explanation, rows): &Invariant| {
        let (invariant, explanation) = (*invariant, *explanation);
        let rows = rows(&books).into_iter().take(limit);
        rows.map(|row| Violation { invariant, explanation, row }).collect::<Vec<_>>()
    };
    INVARIANTS.iter().flat_map(violations).collect()
}

fn stock_range(books: &Books<'_>) -> Vec<String> {
    let broken = books.memory.stock.iter().filter(|(_, balance)| !(0..=balance.on_hand).contains(&balance.reserved));
    broken.map(|row| format!("{row:?}")).collect()
}

fn cart_ordered(books: &Books<'_>) -> Vec<String> {
    let carts = books.memory.carts.values().filter(|cart| {
        let order = cart.ended.and_then(CartEnd::order_id);
        let became = books.memory.orders.values().find(|order| order.cart_id == Some(cart.cart_id)).map(|order| order.order_id);
        order != became
    });
    carts.map(|cart| format!("{cart:?}")).collect()
}

fn cart_priced(books: &Books<'_>) -> Vec<String> {
    let carts = books.memory.carts.values().filter(|cart| cart.currency.is_some() == cart.lines.is_empty());
    carts.map(|cart| format!("{cart:?}")).collect()
}

fn checkout_order(books: &Books<'_>) -> Vec<String> {
    let checkouts = books.memory.checkouts.values().filter(|checkout| {
        let order = checkout.order_id.map(|order_id| books.memory.orders.get(&order_id));
        order.is_some_and(|order| order.is_none_or(|order| order.cart_id.is_none()))
    });
    checkouts.map(|checkout| format!("{checkout:?}")).collect()
}

fn stock_reserved(books: &Books<'_>) -> Vec<String> {
    let mut held = BTreeMap::<&SkuId, i64>::new();
    for reservation in books.memory.reservations.values() {
        *held.entry(&reservation.sku_id).or_default() += reservation.qty;
    }
    for order in books.memory.orders.values().filter(|order| order.stock == StockState::Reserved) {
        for line in &order.lines {
            if let Some(sku_id) = line.sku_id() {
                *held.entry(sku_id).or_default() += line.qty;
            }
        }
    }
    for hold in books.memory.holds.values().filter(|hold| hold.status == HoldStatus::Active) {
        for line in &hold.items {
            *held.entry(&line.sku_id).or_default() += line.qty;
        }
    }
    for (sku_id, balance) in &books.memory.stock {
        *held.entry(sku_id).or_default() -= balance.reserved;
    }
    held.into_iter().filter(|(_, missing)| *missing != 0).map(|row| format!("{row:?}")).collect()
}

fn hold_stock(books: &Books<'_>) -> Vec<String> {
    let mut missing = BTreeMap::<(String, &SkuId), (i64, i64)>::new();
    for hold in books.memory.holds.values() {
        for line in &hold.items {
            let sum = missing.entry((hold.hold_id.to_string(), &line.sku_id)).or_default();
            sum.0 += if hold.status == HoldStatus::Active { line.qty } else { 0 };
            sum.1 -= if hold.status == HoldStatus::Committed { line.qty } else { 0 };
        }
    }
    for entry in books.memory.ledger.iter().filter(|entry| &*entry.reference.kind == "hold") {
        let sum = missing.entry((entry.reference.id.to_string(), &entry.sku_id)).or_default();
        *sum = (sum.0 - entry.reserved_delta, sum.1 - entry.on_hand_delta);
    }
    missing.into_iter().filter(|(_, missing)| *missing != (0, 0)).map(|row| format!("{row:?}")).collect()
}

fn hold_order(books: &Books<'_>) -> Vec<String> {
    let (orders, holds) = (&books.memory.orders, &books.memory.holds);
    let alone = books.orders_that(|order| {
        let hold = order.hold_id.filter(|_| order.status != Status::Canceled).map(|hold_id| holds.get(&hold_id));
        hold.is_some_and(|hold| hold.is_none_or(|hold| hold.order_id != Some(order.order_id)))
    });
    let is_backing = |order: &Order, hold: &Hold| {
        let stock = match hold.status {
            _ if hold.is_foreign() => StockState::Foreign,
            HoldStatus::Active => StockState::Reserved,
            HoldStatus::Committed | HoldStatus::Released | HoldStatus::Expired => StockState::Deducted,
        };
        order.hold_id == Some(hold.hold_id) && order.status != Status::Canceled && order.stock == stock
    };
    let taken = holds.values().filter(|hold| matches!(hold.status, HoldStatus::Active | HoldStatus::Committed));
    let unlike = taken.filter(|hold| {
        let order = hold.order_id.map(|order_id| orders.get(&order_id));
        order.is_some_and(|order| !order.is_some_and(|order| is_backing(order, hold)))
    });
    alone.into_iter().chain(unlike.map(|hold| format!("{hold:?}"))).collect()
}

fn stock_ledger(books: &Books<'_>) -> Vec<String> {
    let mut sums = BTreeMap::<&SkuId, (i64, i64)>::new();
    for entry in &books.memory.ledger {
        let sum = sums.entry(&entry.sku_id).or_default();
        *sum = (sum.0 + entry.on_hand_delta, sum.1 + entry.reserved_delta);
    }
    for (sku_id, balance) in &books.memory.stock {
        let sum = sums.entry(sku_id).or_default();
        *sum = (sum.0 - balance.on_hand, sum.1 - balance.reserved);
    }
    sums.into_iter().filter(|(_, missing)| *missing != (0, 0)).map(|row| format!("{row:?}")).collect()
}

/// The movements that an order has behind it when its stock is in `state`.
fn movements_of(state: StockState) -> &'static [Operation] {
    match state {
        StockState::Foreign => &[],
        StockState::Reserved => &[Operation::Reserve],
        StockState::Deducted => &[Operation::Reserve, Operation::Deduct],
        StockState::Released => &[Operation::Reserve, Operation::Release],
        StockState::Restocked => &[Operation::Reserve, Operation::Deduct, Operation::Restock],
    }
}

fn stock_ended_once(books: &Books<'_>) -> Vec<String> {
    let mut missing = BTreeMap::<(String, &SkuId, Operation), i64>::new();
    for order in books.memory.orders.values() {
        for (line, operation) in
            order.lines.iter().flat_map(|line| movements_of(order.stock).iter().map(move |operation| (line, operation)))
        {
            if let Some(sku_id) = line.sku_id() {
                *missing.entry((order.order_id.to_string(), sku_id, *operation)).or_default() += line.qty;
            }
        }
    }
    let mut left = BTreeMap::<_, i64>::new();
    for entry in &books.memory.ledger {
        let (reference, sku_id, operation) = (&entry.reference, &entry.sku_id, entry.operation);
        let of_order = format!("{}/{}/{sku_id}", reference.id, operation.as_str());
        if &*reference.kind == "order" && *entry.key == *of_order {
            *missing.entry((reference.id.to_string(), sku_id, operation)).or_default() -= entry.qty;
        }
        *left.entry((reference, sku_id)).or_default() += match operation {
            Operation::Reserve => entry.qty,
            Operation::Release | Operation::Deduct => -entry.qty,
            Operation::Restock | Operation::Adjust => 0,
        };
    }
    let unlike = missing.into_iter().filter(|(_, missing)| *missing != 0).map(|row| format!("{row:?}"));
    unlike.chain(left.into_iter().filter(|(_, left)| *left < 0).map(|row| format!("{row:?}"))).collect()
}

fn order_sum(books: &Books<'_>) -> Vec<String> {
    books.orders_that(|order| {
        let totals = order.totals;
        totals.subtotal != order.lines.iter().map(|line| line.total).sum::<i64>()
            || totals.total != totals.subtotal + totals.tax + totals.shipping - totals.discount
    })
}

fn order_lines(books: &Books<'_>) -> Vec<String> {
    books.orders_that(|order| {
        order.lines.is_empty() || order.lines.iter().any(|line| line.qty <= 0 || line.total != line.qty * line.unit_price)
    })
}

fn facts_gapless(books: &Books<'_>) -> Vec<String> {
    books.orders_that(|order| !books.facts_of(order).iter().map(|fact| fact.sequence).eq(1..=order.version))
}

fn facts_status(books: &Books<'_>) -> Vec<String> {
    books.orders_that(|order| books.facts_of(order).last().is_some_and(|fact| fact.to != order.status))
}

fn facts_chain(books: &Books<'_>) -> Vec<String> {
    books.orders_that(|order| {
        let facts = books.facts_of(order);
        let begins = |fact: &OrderEvent| matches!(fact.fact, Fact::OrderCreated { .. });
        let before = std::iter::once(None).chain(facts.iter().map(|fact| Some(fact.to)));
        facts.iter().zip(before).any(|(fact, before)| fact.from != before || begins(fact) != before.is_none())
    })
}

fn payment_covers(books: &Books<'_>) -> Vec<String> {
    books.orders_that(|order| {
        let came = |payment: &&&Payment| {
            !payment.is_surplus
                && matches!(payment.status, PaymentStatus::Captured | PaymentStatus::PartiallyRefunded | PaymentStatus::Refunded)
        };
        let captured: Vec<&&Payment> = books.payments_of(order).iter().filter(came).collect();
        let covers = |payment: &&&Payment| payment.captured == order.totals.total && payment.currency == order.currency;
        match order.status {
            Status::Created | Status::PaymentPending => !captured.is_empty(),
            // Money that came too late is recorded and goes back.
            Status::Canceled => false,
            Status::Paid | Status::ReadyToShip | Status::Shipped | Status::Delivered | Status::RefundPending | Status::Refunded => {
                let cod = order.payment_method.as_ref().is_some_and(domain::order::PaymentMethod::is_cod);
                captured.iter().filter(|payment| covers(payment)).count() != 1 && !(cod && captured.is_empty())
            }
        }
    })
}

fn refund_counted(books: &Books<'_>) -> Vec<String> {
    let mut sums = BTreeMap::<PaymentId, (i64, i64)>::new();
    for refund in books.memory.refunds.values() {
        let sum = sums.entry(refund.payment_id).or_default();
        sum.0 += if refund.status == RefundStatus::Refunded { refund.amount } else { 0 };
        sum.1 += if refund.status.counts() { refund.amount } else { 0 };
    }
    let broken = books.memory.payments.values().filter(|payment| {
        let (refunded, counted) = sums.get(&payment.payment_id).copied().unwrap_or_default();
        payment.refunded != refunded || counted > payment.captured
    });
    broken.map(|payment| format!("{payment:?}")).collect()
}

fn money_goes_back(books: &Books<'_>) -> Vec<String> {
    books.orders_that(|order| {
        let calls = books.memory.tasks.values().any(|task| task.order_id == order.order_id && task.kind == TaskKind::RefundFailed);
        let under_way = |payment: &Payment| {
            let open = |refund: &Refund| refund.status.counts() && refund.status != RefundStatus::Refunded;
            books.memory.refunds.values().any(|refund| refund.payment_id == payment.payment_id && open(refund))
        };
        books.payments_of(order).iter().any(|payment| {
            let covers_nothing = payment.is_surplus || order.status == Status::Canceled;
            payment.captured > payment.refunded && covers_nothing && !under_way(payment) && !calls
        })
    })
}

fn key_order(books: &Books<'_>) -> Vec<String> {
    books.orders_that(|order| {
        let leads_here = |key: &std::sync::Arc<str>| {
            let row = books.memory.keys.get(&domain::key::ScopedKey(key.clone()));
            row.is_some_and(|row| *row.answer == *order.order_id.to_string())
        };
        order.idempotency_key.as_ref().is_some_and(|key| !leads_here(key))
    })
}

fn outbox_complete(books: &Books<'_>) -> Vec<String> {
    let mut missing = BTreeMap::<(OrderId, i64, &'static str), i64>::new();
    for fact in &books.memory.facts {
        for kind in messages_of(&fact.fact) {
            *missing.entry((fact.order_id, fact.sequence, kind.event_type())).or_default() += 1;
        }
    }
    for message in &books.memory.outbox {
        *missing.entry((message.order_id(), message.sequence(), message.kind.event_type())).or_default() -= 1;
    }
    missing.into_iter().filter(|(_, missing)| *missing != 0).map(|row| format!("{row:?}")).collect()
}

fn deadline(books: &Books<'_>) -> Vec<String> {
    let under_way = |payment_id: PaymentId| books.memory.payments.get(&payment_id).is_some_and(|payment| payment.status.is_open());
    books.orders_that(|order| {
        order.status.awaits_payment()
            && order.expires_at.is_some_and(|end| end.plus_seconds(GRACE_SECONDS) < books.now)
            && !order.payment_id.is_some_and(under_way)
    })
}
