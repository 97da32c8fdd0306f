//! What the workers are told to do next, and how far the outbox is behind.

use std::sync::Arc;

use domain::Changes;
use domain::cart::{Cart, CartEnd};
use domain::checkout::{Checkout, Status as CheckoutStatus};
use domain::hold::{Hold, Status as HoldStatus};
use domain::ids::{HoldId, OrderId, PaymentId, RefundId};
use domain::order::{Order, Status};
use domain::payment::{Payment, Status as PaymentStatus};
use domain::refund::{Refund, Status as RefundStatus};
use engine::port::{OutboxStanding, Store};

use super::hands::Hands;
use super::specimen::{bare_order, bare_payment, captured_payment, cart, checkout, hold, id, order_id, placed, refund, write};
use crate::clock::START;

pub(super) async fn orders_are_due_when_their_time_has_passed(store: Arc<dyn Store>) {
    let mut hands = Hands::of(&store).await;
    // Seconds after the start; the later an order was placed, the earlier it is due.
    for (n, status, due) in [
        (1, Status::Created, Some(50)),
        (2, Status::PaymentPending, Some(40)),
        (3, Status::Created, Some(30)),
        (4, Status::Created, None),
        (5, Status::Paid, None),
        (6, Status::Canceled, None),
        (7, Status::PaymentPending, Some(20)),
    ] {
        let expires_at = due.map(|seconds| START.plus_seconds(seconds));
        hands.save(&placed(Order { status, expires_at, ..bare_order(n) })).await;
    }
    for (seconds, limit, expected) in
        [(19, 9, vec![]), (20, 9, vec![7]), (30, 9, vec![7, 3]), (100, 9, vec![7, 3, 2, 1]), (100, 2, vec![7, 3]), (100, 1, vec![7])]
    {
        let due = store.orders_to_expire(START.plus_seconds(seconds), limit).await.expect("it answers");
        let expected: Vec<OrderId> = expected.into_iter().map(order_id).collect();
        assert_eq!(due, expected, "{seconds} s after the start, at most {limit}");
    }
}

pub(super) async fn payments_are_due_while_they_are_open(store: Arc<dyn Store>) {
    let mut hands = Hands::of(&store).await;
    for (n, status, due) in [
        (1, PaymentStatus::Initiated, Some(50)),
        (2, PaymentStatus::Unknown, Some(40)),
        (3, PaymentStatus::Authorized, Some(30)),
        (4, PaymentStatus::Initiated, None),
        (5, PaymentStatus::Captured, None),
        (6, PaymentStatus::Failed, None),
        (7, PaymentStatus::Unknown, Some(20)),
    ] {
        let mut changes: Changes = placed(bare_order(n));
        let next_check_at = due.map(|seconds| START.plus_seconds(seconds));
        let payment = Payment { status, next_check_at, ..bare_payment(n, n) };
        changes.payments.insert(payment.payment_id, write(0, payment));
        hands.save(&changes).await;
    }
    for (seconds, limit, expected) in
        [(19, 9, vec![]), (20, 9, vec![7]), (30, 9, vec![7, 3]), (100, 9, vec![7, 3, 2, 1]), (100, 2, vec![7, 3])]
    {
        let due = store.payments_to_ask(START.plus_seconds(seconds), limit).await.expect("it answers");
        let expected: Vec<PaymentId> = expected.into_iter().map(|n| PaymentId(id(5, n))).collect();
        assert_eq!(due, expected, "{seconds} s after the start, at most {limit}");
    }
}

pub(super) async fn refunds_are_due_while_they_are_under_way(store: Arc<dyn Store>) {
    let mut hands = Hands::of(&store).await;
    for (n, status, due) in [
        (1, RefundStatus::Processing, Some(50)),
        (2, RefundStatus::Processing, Some(40)),
        (3, RefundStatus::Failed, Some(30)),
        (4, RefundStatus::Processing, None),
        (5, RefundStatus::Refunded, None),
        (6, RefundStatus::Processing, Some(20)),
    ] {
        let next_check_at = due.map(|seconds| START.plus_seconds(seconds));
        let (payment, refund) = (captured_payment(n, n), Refund { status, next_check_at, ..refund(n) });
        let mut changes: Changes = placed(Order { refunds: vec![refund.refund_id], ..bare_order(n) });
        changes.payments.insert(payment.payment_id, write(0, payment));
        changes.refunds.insert(refund.refund_id, write(0, refund));
        hands.save(&changes).await;
    }
    for (seconds, limit, expected) in
        [(19, 9, vec![]), (20, 9, vec![6]), (40, 9, vec![6, 2]), (100, 9, vec![6, 2, 1]), (100, 2, vec![6, 2])]
    {
        let due = store.refunds_to_ask(START.plus_seconds(seconds), limit).await.expect("it answers");
        let expected: Vec<RefundId> = expected.into_iter().map(|n| RefundId(id(7, n))).collect();
        assert_eq!(due, expected, "{seconds} s after the start, at most {limit}");
    }
}

pub(super) async fn carts_are_due_while_they_are_active_and_forgotten_once_they_have_ended(store: Arc<dyn Store>) {
    let mut hands = Hands::of(&store).await;
    let mut owners = Vec::new();
    for (n, seconds, ended) in [
        (1, 50, None),
        (2, 40, None),
        (3, 30, Some(CartEnd::Merged)),
        (4, 20, Some(CartEnd::Abandoned)),
        (5, 60, Some(CartEnd::Ordered(order_id(5)))),
    ] {
        let mut changes = placed(Order { cart_id: Some(cart(n).cart_id), ..bare_order(n) });
        let cart = Cart { ended, expires_at: START.plus_seconds(seconds), ..cart(n) };
        owners.push(cart.owner.clone());
        changes.carts.insert(cart.owner.clone(), write(0, cart));
        hands.save(&changes).await;
    }
    for (seconds, limit, expected) in
        [(39, 9, &[][..]), (40, 9, &owners[1..2]), (100, 9, &[owners[1].clone(), owners[0].clone()]), (100, 1, &owners[1..2])]
    {
        let due = store.carts_to_abandon(START.plus_seconds(seconds), limit).await.expect("it answers");
        assert_eq!(due, expected, "{seconds} s after the start, at most {limit}");
    }
    for (seconds, limit, forgotten, left) in [(19, 9, 0, 5), (100, 1, 1, 4), (59, 9, 1, 3), (60, 9, 1, 2), (100, 9, 0, 2)] {
        assert_eq!(store.forget_carts(START.plus_seconds(seconds), limit).await.expect("it answers"), forgotten, "{seconds} s, {limit}");
        let mut found = 0;
        for owner in &owners {
            found += usize::from(store.cart(owner).await.expect("it answers").is_some());
        }
        assert_eq!(found, left, "{seconds} s after the start, at most {limit}");
    }
    let line = cart(3).lines[0].cart_item_id;
    assert_eq!(store.owner_of_cart_item(line).await.expect("it answers"), None, "the lines go with their cart");
}

pub(super) async fn checkouts_are_due_while_they_are_active_and_forgotten_once_they_have_ended(store: Arc<dyn Store>) {
    let mut hands = Hands::of(&store).await;
    let mut names = Vec::new();
    for (n, seconds, status) in [
        (1, 50, CheckoutStatus::Active),
        (2, 40, CheckoutStatus::Active),
        (3, 30, CheckoutStatus::Confirmed),
        (4, 20, CheckoutStatus::Abandoned),
        (5, 60, CheckoutStatus::Expired),
    ] {
        let order_id = (status == CheckoutStatus::Confirmed).then(|| order_id(n));
        let mut changes = placed(bare_order(n));
        let checkout = Checkout { status, order_id, expires_at: START.plus_seconds(seconds), ..checkout(n) };
        names.push(checkout.session_id.clone());
        changes.checkouts.insert(checkout.session_id.clone(), write(0, checkout));
        hands.save(&changes).await;
    }
    for (seconds, limit, expected) in
        [(39, 9, &[][..]), (40, 9, &names[1..2]), (100, 9, &[names[1].clone(), names[0].clone()]), (100, 1, &names[1..2])]
    {
        let due = store.checkouts_to_end(START.plus_seconds(seconds), limit).await.expect("it answers");
        assert_eq!(due, expected, "{seconds} s after the start, at most {limit}");
    }
    for (seconds, limit, forgotten, left) in [(19, 9, 0, 5), (100, 1, 1, 4), (59, 9, 1, 3), (60, 9, 1, 2), (100, 9, 0, 2)] {
        assert_eq!(
            store.forget_checkouts(START.plus_seconds(seconds), limit).await.expect("it answers"),
            forgotten,
            "{seconds} s, {limit}"
        );
        let mut found = 0;
        for name in &names {
            found += usize::from(store.checkout(name).await.expect("it answers").is_some());
        }
        assert_eq!(found, left, "{seconds} s after the start, at most {limit}");
    }
}

pub(super) async fn holds_are_due_while_nobody_has_them(store: Arc<dyn Store>) {
    let mut hands = Hands::of(&store).await;
    for (n, status, order, due) in [
        (1, HoldStatus::Active, None, Some(50)),
        (2, HoldStatus::Active, None, Some(40)),
        (3, HoldStatus::Active, Some(order_id(1)), None),
        (4, HoldStatus::Active, Some(order_id(2)), Some(10)),
        (5, HoldStatus::Released, None, Some(10)),
        (6, HoldStatus::Expired, None, Some(10)),
        (7, HoldStatus::Committed, Some(order_id(3)), Some(10)),
    ] {
        let mut changes = Changes::default();
        let expires_at = due.map(|seconds| START.plus_seconds(seconds));
        let hold = Hold { status, order_id: order, expires_at, ..hold(n) };
        changes.holds.insert(hold.hold_id, write(0, hold));
        hands.save(&changes).await;
    }
    for (seconds, limit, expected) in [(39, 9, &[][..]), (40, 9, &[2]), (100, 9, &[2, 1]), (100, 1, &[2])] {
        let due = store.holds_to_expire(START.plus_seconds(seconds), limit).await.expect("it answers");
        let expected: Vec<HoldId> = expected.iter().map(|n| hold(*n).hold_id).collect();
        assert_eq!(due, expected, "{seconds} s after the start, at most {limit}");
    }
}

pub(super) async fn holds_are_forgotten_once_they_have_ended_without_an_order(store: Arc<dyn Store>) {
    let mut hands = Hands::of(&store).await;
    for (n, status, order, seconds) in [
        (1, HoldStatus::Active, None, 10),
        (2, HoldStatus::Active, Some(order_id(1)), 10),
        (3, HoldStatus::Committed, Some(order_id(2)), 10),
        (4, HoldStatus::Released, Some(order_id(3)), 10),
        (5, HoldStatus::Released, None, 20),
        (6, HoldStatus::Expired, None, 30),
        (7, HoldStatus::Released, None, 40),
    ] {
        let mut changes = Changes::default();
        let hold = Hold { status, order_id: order, updated_at: START.plus_seconds(seconds), ..hold(n) };
        changes.holds.insert(hold.hold_id, write(0, hold));
        hands.save(&changes).await;
    }
    for (seconds, limit, forgotten, left) in
        [(19, 9, 0, &[1, 2, 3, 4, 5, 6, 7][..]), (40, 1, 1, &[1, 2, 3, 4, 6, 7]), (39, 9, 1, &[1, 2, 3, 4, 7])]
    {
        assert_eq!(store.forget_holds(START.plus_seconds(seconds), limit).await.expect("it answers"), forgotten, "{seconds} s, {limit}");
        let mut found = Vec::new();
        for n in 1..=7 {
            found.extend(store.hold(hold(n).hold_id).await.expect("it answers").map(|_| n));
        }
        assert_eq!(found, left, "{seconds} s after the start, at most {limit}");
    }
}

pub(super) async fn the_outbox_tells_how_far_it_is_behind(store: Arc<dyn Store>) {
    let mut hands = Hands::of(&store).await;
    assert_eq!(store.outbox().await.expect("it answers"), OutboxStanding { pending: 0, oldest: None });
    for (n, seconds) in [(1, 20), (2, 10), (3, 30)] {
        hands.save(&placed(Order { created_at: START.plus_seconds(seconds), ..bare_order(n) })).await;
    }
    // Two messages an order.
    let oldest = Some(START.plus_seconds(10));
    assert_eq!(store.outbox().await.expect("it answers"), OutboxStanding { pending: 6, oldest });
}
