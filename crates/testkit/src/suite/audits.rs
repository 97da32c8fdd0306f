//! The audit: silent after everything legal, and not silent where a row lies.

use std::sync::Arc;

use domain::cart::{Cart, CartEnd};
use domain::checkout::{Checkout, Status as CheckoutStatus};
use domain::command::{
    CancelOrder, Ended, ExpireHold, ExpireOrder, Expired, HoldItem, PlaceHold, PlaceOrder, ProviderAnswer, RecordPayment, ReleaseHold,
    RequestPayment, TakePayment, Taken,
};
use domain::event::Fact;
use domain::hold::{Hold, Status as HoldStatus};
use domain::ids::{HoldId, OrderId};
use domain::money::Currency;
use domain::order::{Order, Status, Totals};
use domain::payment::{Payment, Status as PaymentStatus};
use domain::refund::{Refund, Status as RefundStatus};
use domain::stock::{BalanceDelta, LedgerEntry, Operation, StockRef, StockState};
use domain::time::Time;
use domain::{Changes, Refusal};
use engine::port::Store;

use super::desk::{Desk, Outcome};
use super::hands::Hands;
use super::specimen::{
    bare_order, captured_payment, cart, checkout, entry, first_stock, full_order, hold, key_row, moved, order_id, place_into, placed,
    refund, reservation, tell, write,
};
use crate::StepClock;
use crate::builders::{context, keyed, movement, offer, place, restock, sku, tickets};

async fn is_clean(store: &Arc<dyn Store>, after: &str) {
    assert_eq!(store.audit(10).await.expect("it answers"), [], "after {after}");
}

fn done<A: std::fmt::Debug>(outcome: Outcome<A>) -> A {
    match outcome {
        Outcome::Done(answer) => answer,
        other => panic!("not done, but {other:?}"),
    }
}

pub(super) async fn the_audit_is_silent_after_everything_legal(store: Arc<dyn Store>) {
    is_clean(&store, "nothing").await;
    let clock = StepClock::default();
    let mut desk = Desk::of(&store).await;
    for (sku_id, price) in [("a", 1999), ("b", 5)] {
        done(desk.act(sku(sku_id), context(&clock)).await);
        done(desk.act(offer(sku_id, price), context(&clock)).await);
        done(desk.act(restock(sku_id, 10), context(&clock)).await);
    }
    done(desk.act(movement("a", Operation::Reserve, 3), context(&clock)).await);
    done(desk.act(movement("a", Operation::Deduct, 2), context(&clock)).await);
    done(desk.act(movement("b", Operation::Adjust, -1), context(&clock)).await);
    is_clean(&store, "movements by hand").await;

    let mut orders = Vec::new();
    for (key, more) in [("k1", None), ("k2", Some("a")), ("k3", None), ("k4", None)] {
        let cx = keyed::<PlaceOrder>(context(&clock), key);
        let order = more.into_iter().fold(place().line("a", 1).line("b", 1), |order, sku_id| order.line(sku_id, 1));
        orders.push(done(desk.act(order.0, cx).await).order.order_id);
    }
    is_clean(&store, "orders").await;
    let short = desk.act(place().line("b", 99).0, context(&clock)).await;
    assert!(matches!(short, Outcome::Refused(Refusal::Order(_))), "{short:?}");
    let ticket = done(desk.act(tickets(7, 2, 2500), context(&clock)).await).order.order_id;

    let asked = |order_id: OrderId| RequestPayment { order_id, method: None };
    let captured = ProviderAnswer::Captured { provider_ref: "ref".into() };
    let declined = ProviderAnswer::Declined { reason: "card_declined".into() };
    for (order_id, said) in [
        (orders[0], vec![captured.clone(), captured.clone(), declined.clone()]),
        (orders[1], vec![ProviderAnswer::Silent, ProviderAnswer::Silent, declined.clone()]),
        (ticket, vec![declined.clone(), captured.clone()]),
    ] {
        let payment = done(desk.act(asked(order_id), context(&clock)).await).payment.expect("a payment was asked for");
        for said in said {
            done(desk.act(RecordPayment { payment_id: payment.payment_id, said }, context(&clock)).await);
            is_clean(&store, "what a provider said").await;
        }
    }
    let canceled = done(desk.act(CancelOrder { order_id: orders[2], reason: None, notes: None }, context(&clock)).await);
    assert_eq!(canceled.order.status, Status::Canceled);
    is_clean(&store, "a cancellation").await;
    let hold = |qty| PlaceHold { items: vec![HoldItem { sku_id: "a".into(), qty }], ttl_seconds: 60 };
    let (sold, given, late) = (
        done(desk.act(hold(1), context(&clock)).await).0.hold_id,
        done(desk.act(hold(1), context(&clock)).await).0.hold_id,
        done(desk.act(hold(1), context(&clock)).await).0.hold_id,
    );
    is_clean(&store, "holds").await;
    let bought = done(desk.act(tickets(sold.0.as_u128(), 1, 0), context(&clock)).await);
    assert_eq!((bought.order.status, bought.order.stock), (Status::Paid, StockState::Deducted));
    done(desk.act(ReleaseHold { hold_id: given }, context(&clock)).await);
    is_clean(&store, "what became of holds").await;
    clock.advance_ms(3_600_000);
    assert_eq!(done(desk.act(ExpireHold { hold_id: late }, context(&clock)).await), Ended(true));
    is_clean(&store, "a hold that ran out").await;
    let open = done(desk.act(asked(orders[1]), context(&clock)).await).payment.expect("a second attempt").payment_id;
    clock.advance_ms(6_000);
    let taken = done(desk.act(TakePayment { payment_id: open, lease_seconds: 30 }, context(&clock)).await);
    assert!(matches!(taken, Taken(Some(_))), "{taken:?}");
    let expired = done(desk.act(ExpireOrder { order_id: orders[3] }, context(&clock)).await);
    assert_eq!(expired, Expired(true));
    is_clean(&store, "an expiry").await;
}

/// A lie, with the invariants of which at least one must be reported.
type Lie = (&'static [&'static str], Changes);

/// Each of these passes the guards of a save: only the audit can know.
fn lies() -> Vec<Lie> {
    let with = |mut changes: Changes, more: &dyn Fn(&mut Changes)| {
        more(&mut changes);
        changes
    };
    let none = Changes::default;
    vec![
        (&["stock-ledger"], with(first_stock("l", "a", 5), &|to| to.ledger.clear())),
        (&["stock-ledger"], with(first_stock("l", "a", 5), &|to| to.ledger.push(entry("m", "a", Operation::Restock, 1)))),
        (&["stock-ledger"], with(none(), &|to| to.ledger.push(entry("m", "nowhere", Operation::Restock, 1)))),
        (&["stock-reserved"], {
            let mut changes = first_stock("l", "a", 5);
            changes.absorb(&moved("m", "a", Operation::Reserve, 1));
            changes
        }),
        (
            &["stock-reserved"],
            with(first_stock("l", "a", 5), &|to| {
                let row = reservation("a", "r", 2);
                to.reservations.insert(row.key.clone(), write(0, row));
            }),
        ),
        (&["stock-reserved"], placed(Order { stock: StockState::Reserved, idempotency_key: None, ..full_order(1) })),
        (
            &["stock-ended-once"],
            with(first_stock("l", "a", 5), &|to| {
                // What is promised by hand lets the order's promise end twice without leaving the range.
                to.absorb(&moved("hand", "a", Operation::Reserve, 1));
                for (operation, on_hand, reserved) in [(Operation::Reserve, 0, 1), (Operation::Release, 0, -1), (Operation::Deduct, -1, -1)]
                {
                    let mut row = entry(operation.as_str(), "a", operation, 1);
                    row.reference = StockRef { kind: "order".into(), id: order_id(1).to_string().into() };
                    to.ledger.push(row);
                    to.absorb(&with_delta(on_hand, reserved));
                }
            }),
        ),
        (&["stock-ended-once"], placed(Order { stock: StockState::Deducted, idempotency_key: None, ..full_order(1) })),
        (&["order-sum", "order-lines"], {
            let totals = Totals { subtotal: 501, discount: 0, tax: 0, shipping: 0, total: 501 };
            placed(Order { totals, ..bare_order(1) })
        }),
        (&["order-lines"], {
            let totals = Totals { subtotal: 0, discount: 0, tax: 0, shipping: 0, total: 0 };
            placed(Order { totals, lines: Vec::new(), ..bare_order(1) })
        }),
        (&["facts-gapless"], placed(Order { version: 2, ..bare_order(1) })),
        (
            &["facts-gapless"],
            with(placed(Order { version: 1, ..bare_order(1) }), &|to| {
                to.facts.iter_mut().for_each(|fact| Arc::make_mut(fact).sequence = 2);
            }),
        ),
        (&["facts-gapless"], with(placed(bare_order(1)), &|to| to.facts.clear())),
        (
            &["facts-status"],
            with(placed(bare_order(1)), &|to| {
                to.facts.iter_mut().for_each(|fact| Arc::make_mut(fact).to = Status::Canceled);
            }),
        ),
        (
            &["facts-chain"],
            with(placed(bare_order(1)), &|to| {
                to.facts.iter_mut().for_each(|fact| Arc::make_mut(fact).from = Some(Status::Created));
            }),
        ),
        (
            &["facts-chain"],
            with(placed(Order { version: 2, ..bare_order(1) }), &|to| {
                let order = Arc::new(Order { version: 2, ..bare_order(1) });
                tell(to, &order, 2, Fact::InventoryReserved);
                to.facts.iter_mut().skip(1).for_each(|fact| Arc::make_mut(fact).from = Some(Status::Paid));
                to.orders.values_mut().for_each(|write| write.expected = 0);
            }),
        ),
        (&["payment-covers"], placed(Order { status: Status::Paid, ..bare_order(1) })),
        (&["payment-covers"], paid(|_| (), Status::Created)),
        (&["payment-covers"], paid(|payment| payment.captured = 499, Status::Paid)),
        (&["payment-covers"], paid(|payment| payment.currency = Currency::JPY, Status::Paid)),
        (&["refund-counted"], refunded(|_| (), RefundStatus::Refunded, 0)),
        (&["refund-counted"], refunded(|_| (), RefundStatus::Processing, 500)),
        (&["refund-counted"], refunded(|refund| refund.amount = 501, RefundStatus::Processing, 0)),
        (&["money-goes-back"], refunded(|_| (), RefundStatus::Failed, 0)),
        (&["money-goes-back"], refunded(|_| (), RefundStatus::Rejected, 0)),
        (&["money-goes-back"], paid(|payment| payment.is_surplus = true, Status::Canceled)),
        (&["money-goes-back"], paid(|_| (), Status::Canceled)),
        (&["key-order"], placed(Order { idempotency_key: Some("k".into()), ..bare_order(1) })),
        (&["key-order"], {
            let row = key_row("k", &order_id(2).to_string());
            let order = Order { idempotency_key: Some(row.key.0.clone()), ..bare_order(1) };
            with(placed(order), &|to| drop(to.keys.insert(row.key.clone(), write(0, row.clone()))))
        }),
        (&["outbox-complete"], with(placed(bare_order(1)), &|to| to.outbox.clear())),
        (&["outbox-complete"], with(placed(bare_order(1)), &|to| drop(to.outbox.pop()))),
        (&["deadline"], placed(Order { expires_at: Some(Time(1000)), created_at: Time(0), ..bare_order(1) })),
    ]
}

fn with_delta(on_hand: i64, reserved: i64) -> Changes {
    let mut changes = Changes::default();
    changes.stock.insert("a".into(), BalanceDelta { on_hand, reserved, steps: 1, is_new: false });
    changes
}

/// An order at `status` with a captured payment that may not fit.
fn paid(bend: fn(&mut Payment), status: Status) -> Changes {
    let mut payment = captured_payment(1, 1);
    bend(&mut payment);
    let mut changes = Changes::default();
    place_into(&mut changes, Order { status, payment_id: Some(payment.payment_id), ..bare_order(1) });
    changes.payments.insert(payment.payment_id, write(0, payment));
    changes
}

/// A canceled order whose money went back so far as its payment says, with a refund that may say something else.
fn refunded(bend: fn(&mut Refund), status: RefundStatus, said: i64) -> Changes {
    let payment_status = if said == 500 { PaymentStatus::Refunded } else { PaymentStatus::Captured };
    let payment = Payment { refunded: said, status: payment_status, ..captured_payment(1, 1) };
    let mut refund = Refund { status, ..refund(1) };
    bend(&mut refund);
    let order = Order { status: Status::Canceled, payment_id: Some(payment.payment_id), refunds: vec![refund.refund_id], ..bare_order(1) };
    let mut changes = Changes::default();
    place_into(&mut changes, order);
    changes.payments.insert(payment.payment_id, write(0, payment));
    changes.refunds.insert(refund.refund_id, write(0, refund));
    changes
}

/// Carts that do not fit.
fn lies_about_carts() -> Vec<Lie> {
    vec![
        (&["cart-ordered"], filled(|cart| cart.ended = Some(CartEnd::Ordered(order_id(1))), bare_order(1))),
        (&["cart-ordered"], filled(|_| (), Order { cart_id: Some(cart(1).cart_id), ..bare_order(1) })),
        (&["cart-ordered"], {
            let order = Order { cart_id: Some(cart(1).cart_id), ..bare_order(1) };
            filled(|cart| cart.ended = Some(CartEnd::Ordered(order_id(2))), order)
        }),
        (&["cart-priced"], filled(|cart| cart.currency = None, bare_order(1))),
        (&["checkout-order"], confirmed(order_id(2))),
        (&["checkout-order"], confirmed(order_id(1))),
        (&["cart-priced"], filled(|cart| cart.lines.clear(), bare_order(1))),
    ]
}

/// Holds that do not fit.
fn lies_about_holds() -> Vec<Lie> {
    let reserved = || {
        let mut changes = first_stock("l", "a", 5);
        let row = LedgerEntry { reference: hold(1).stock_ref(), ..entry("h", "a", Operation::Reserve, 2) };
        changes.ledger.push(row);
        changes.absorb(&with_delta(0, 2));
        changes
    };
    let backed = |hold_id: HoldId, status: HoldStatus, order: Order| {
        let mut changes = placed(order);
        let hold = Hold { hold_id, status, items: Vec::new(), order_id: Some(order_id(1)), ..hold(1) };
        changes.holds.insert(hold.hold_id, write(0, hold));
        changes
    };
    let named = |n| Order { hold_id: Some(hold(n).hold_id), ..bare_order(1) };
    vec![
        // Held, and nothing is reserved for it.
        (&["stock-reserved", "hold-stock"], with_hold(first_stock("l", "a", 5), HoldStatus::Active)),
        // Given back, and still reserved; sold, and still there.
        (&["hold-stock"], with_hold(reserved(), HoldStatus::Released)),
        (&["hold-stock"], with_hold(reserved(), HoldStatus::Expired)),
        (&["hold-stock"], with_hold(first_stock("l", "a", 5), HoldStatus::Committed)),
        (&["hold-stock"], reserved()),
        // The order names no hold, or another; the hold has no such order, or one that is over.
        (&["hold-order"], backed(hold(1).hold_id, HoldStatus::Active, bare_order(1))),
        (&["hold-order"], placed(named(1))),
        (&["hold-order"], backed(hold(1).hold_id, HoldStatus::Released, Order { order_id: order_id(2), ..named(1) })),
        (&["hold-order"], backed(hold(1).hold_id, HoldStatus::Active, named(2))),
        (&["hold-order"], backed(hold(1).hold_id, HoldStatus::Committed, Order { status: Status::Canceled, ..named(1) })),
    ]
}

fn with_hold(mut changes: Changes, status: HoldStatus) -> Changes {
    let order_id = (status == HoldStatus::Committed).then(|| order_id(1));
    changes.holds.insert(hold(1).hold_id, write(0, Hold { status, order_id, ..hold(1) }));
    changes
}

/// A ticket order, and a session that names an order.
fn confirmed(order_id: OrderId) -> Changes {
    let mut changes = placed(bare_order(1));
    let checkout = Checkout { status: CheckoutStatus::Confirmed, order_id: Some(order_id), ..checkout(1) };
    changes.checkouts.insert(checkout.session_id.clone(), write(0, checkout));
    changes
}

/// A cart that may not fit beside an order.
fn filled(bend: fn(&mut Cart), order: Order) -> Changes {
    let mut cart = cart(1);
    bend(&mut cart);
    let mut changes = placed(order);
    changes.carts.insert(cart.owner.clone(), write(0, cart));
    changes
}

/// How many lies there are. Each wants a store of its own.
pub(super) fn lies_count() -> usize {
    lies().len() + lies_about_carts().len() + lies_about_holds().len()
}

pub(super) async fn a_lie_is_found(store: Arc<dyn Store>, index: usize) {
    let (invariants, changes) = lies().into_iter().chain(lies_about_carts()).chain(lies_about_holds()).nth(index).expect("it was counted");
    Hands::of(&store).await.save(&changes).await;
    let found = store.audit(10).await.expect("it answers");
    assert!(
        found.iter().any(|violation| invariants.contains(&violation.invariant)),
        "none of {invariants:?} found, but {found:?} in {changes:#?}"
    );
    assert!(found.iter().all(|violation| !violation.row.is_empty() && !violation.explanation.is_empty()), "{found:?}");
}

pub(super) async fn the_audit_shows_no_more_than_asked_for(store: Arc<dyn Store>) {
    let mut hands = Hands::of(&store).await;
    for n in 1..=5 {
        let mut changes = placed(bare_order(n));
        changes.outbox.clear();
        changes.facts.clear();
        hands.save(&changes).await;
    }
    for limit in [1, 3] {
        let found = store.audit(limit).await.expect("it answers");
        let gaps = found.iter().filter(|violation| violation.invariant == "facts-gapless").count();
        assert_eq!(u32::try_from(gaps), Ok(limit));
    }
}
