//! What a save must refuse, and that nothing of a refused save is there.

use std::sync::Arc;

use domain::cart::Cart;
use domain::catalog::Sku;
use domain::checkout::Checkout;
use domain::event::Fact;
use domain::hold::Hold;
use domain::ids::{OrderNumber, PaymentId, SkuId};
use domain::order::{Order, Totals};
use domain::payment::{Payment, Status as PaymentStatus};
use domain::stock::{Balance, BalanceDelta, Operation};
use domain::{Caller, Changes, Needs};
use engine::port::{Page, SaveError, Store};
use futures_util::future::join_all;

use super::hands::Hands;
use super::specimen::{
    bare_offer, bare_order, bare_payment, bare_sku, captured_payment, cart, checkout, entry, event, first_stock, hold, key_row, moved,
    one_of_each, order_id, placed, reservation, write,
};

async fn balance(store: &Arc<dyn Store>, sku_id: &str) -> Option<Balance> {
    store.balance(&sku_id.into()).await.expect("it answers")
}

fn delta(on_hand: i64, reserved: i64) -> BalanceDelta {
    BalanceDelta { on_hand, reserved, steps: 1, is_new: false }
}

pub(super) async fn a_row_that_is_there_cannot_be_made_again(store: Arc<dyn Store>) {
    let mut hands = Hands::of(&store).await;
    hands.save(&one_of_each(1, "k1")).await;
    let again = one_of_each(1, "k1");
    let only = |pick: fn(&mut Changes, &Changes)| {
        let mut changes = Changes::default();
        pick(&mut changes, &again);
        changes
    };
    hands.loses(&only(|to, from| to.keys.clone_from(&from.keys)), "a key").await;
    hands.loses(&only(|to, from| to.skus.clone_from(&from.skus)), "a SKU").await;
    hands.loses(&only(|to, from| to.orders.clone_from(&from.orders)), "an order").await;
    hands.loses(&only(|to, from| to.payments.clone_from(&from.payments)), "a payment").await;
    hands.loses(&only(|to, from| to.refunds.clone_from(&from.refunds)), "a refund").await;
    hands.loses(&only(|to, from| to.tasks.clone_from(&from.tasks)), "a task").await;
    hands.loses(&only(|to, from| to.reservations.clone_from(&from.reservations)), "a reservation").await;
    hands.loses(&only(|to, from| to.carts.clone_from(&from.carts)), "a cart").await;
    hands.loses(&only(|to, from| to.checkouts.clone_from(&from.checkouts)), "a checkout session").await;
    hands.loses(&only(|to, from| to.holds.clone_from(&from.holds)), "a hold").await;
}

/// What may be expected of a row at version 2, and whether it is right.
const VERSIONS: &[(i64, bool)] = &[(0, false), (1, false), (3, false), (2, true)];

pub(super) async fn a_row_of_another_version_is_not_written(store: Arc<dyn Store>) {
    let mut hands = Hands::of(&store).await;
    hands.save(&one_of_each(1, "k1")).await;
    let row = reservation("sku-1", "r", 0);
    let change = |expected: i64, version: i64| {
        let (mut sku, mut order, mut payment, mut reserved, mut filled, mut begun, mut held) = <[Changes; 7]>::default().into();
        let offers = vec![bare_offer(1, "sku-1")];
        sku.skus.insert("sku-1".into(), write(expected, Sku { version, offers, ..bare_sku("sku-1") }));
        let paid = one_of_each(1, "k1").orders.pop_first().expect("it has an order").1.row;
        order.orders.insert(order_id(1), write(expected, Order { version, ..(*paid).clone() }));
        let captured = captured_payment(1, 1);
        payment.payments.insert(captured.payment_id, write(expected, Payment { version, ..captured }));
        reserved.reservations.insert(row.key.clone(), write(expected, domain::stock::Reservation { version, ..row.clone() }));
        filled.carts.insert(cart(1).owner, write(expected, Cart { version, ..cart(1) }));
        begun.checkouts.insert(checkout(1).session_id, write(expected, Checkout { version, ..checkout(1) }));
        held.holds.insert(hold(1).hold_id, write(expected, Hold { version, ..hold(1) }));
        [
            ("a SKU", sku),
            ("an order", order),
            ("a payment", payment),
            ("a reservation", reserved),
            ("a cart", filled),
            ("a checkout session", begun),
            ("a hold", held),
        ]
    };
    for (_, changes) in &change(1, 2) {
        hands.save(changes).await;
    }
    for &(expected, is_right) in VERSIONS {
        for (name, changes) in &change(expected, 3) {
            if is_right {
                hands.save(changes).await;
            } else {
                hands.loses(changes, &format!("{name} at version 2, expected {expected}")).await;
            }
        }
    }
    // What is not there has no version.
    let mut absent = Changes::default();
    absent.skus.insert("nowhere".into(), write(1, Sku { version: 2, ..bare_sku("nowhere") }));
    hands.loses(&absent, "a SKU that is not there").await;
    let mut absent = Changes::default();
    absent.payments.insert(PaymentId(super::specimen::id(5, 9)), write(1, Payment { version: 2, ..bare_payment(9, 1) }));
    hands.loses(&absent, "a payment that is not there").await;
}

pub(super) async fn of_two_writers_that_saw_the_same_row_one_loses(store: Arc<dyn Store>) {
    let (mut first, mut second) = (Hands::of(&store).await, Hands::of(&store).await);
    first.save(&placed(bare_order(1))).await;
    let change = |notes: &str, version: i64| {
        let mut changes = Changes::default();
        changes.orders.insert(order_id(1), write(version - 1, Order { version, notes: Some(notes.into()), ..bare_order(1) }));
        changes
    };
    first.save(&change("first", 2)).await;
    second.loses(&change("second", 2), "who comes second").await;
    second.save(&change("second", 3)).await;
    let order = store.order(&Caller::local_admin(), order_id(1)).await.expect("it answers").expect("it is there").order;
    assert_eq!((order.version, order.notes.as_deref()), (3, Some("second")));
}

/// Something that makes a save lose, in each table that can.
fn losing_parts() -> Vec<(&'static str, Changes)> {
    let mut parts = Vec::new();
    let mut part = |name, fill: &dyn Fn(&mut Changes)| {
        let mut changes = Changes::default();
        fill(&mut changes);
        parts.push((name, changes));
    };
    let known = one_of_each(1, "k1");
    part("a known key", &|to| to.keys.clone_from(&known.keys));
    part("a known SKU", &|to| to.skus.clone_from(&known.skus));
    part("a known order", &|to| to.orders.clone_from(&known.orders));
    part("a known payment", &|to| to.payments.clone_from(&known.payments));
    part("a known reservation", &|to| to.reservations.clone_from(&known.reservations));
    part("a known hold", &|to| to.holds.clone_from(&known.holds));
    part("a known movement", &|to| to.ledger.push(entry("ledger-1", "sku-1", Operation::Adjust, 1)));
    part("a known place in a history", &|to| to.facts.clone_from(&known.facts));
    part("stock below zero", &|to| {
        to.stock.insert("sku-1".into(), delta(-11, 0));
    });
    part("more reserved than there is", &|to| {
        to.stock.insert("sku-1".into(), delta(0, 11));
    });
    part("a key that an order has", &|to| {
        let idempotency_key = Some(key_row("k1", "").key.0);
        *to = placed(Order { idempotency_key, ..bare_order(8) });
    });
    part("a number that an order has", &|to| *to = placed(Order { number: bare_order(1).number, ..bare_order(8) }));
    part("a second captured payment", &|to| {
        let payment = captured_payment(8, 1);
        to.payments.insert(payment.payment_id, write(0, payment));
    });
    parts
}

pub(super) async fn nothing_of_a_lost_save_is_there(store: Arc<dyn Store>) {
    let mut hands = Hands::of(&store).await;
    hands.save(&one_of_each(1, "k1")).await;
    let before = store.outbox().await.expect("it answers");
    for (name, part) in losing_parts() {
        let mut changes = one_of_each(2, "k2");
        changes.absorb(&part);
        hands.loses(&changes, name).await;
        nothing_is_there(&store, &mut hands, name).await;
        assert_eq!(store.outbox().await.expect("it answers"), before, "{name}: messages");
    }
    // Whatever is unique among it was not left behind either.
    hands.save(&one_of_each(2, "k2")).await;
    assert_eq!(balance(&store, "sku-1").await, Some(Balance { on_hand: 10, reserved: 0, version: 1 }));
}

async fn nothing_is_there(store: &Arc<dyn Store>, hands: &mut Hands, name: &str) {
    let changes = one_of_each(2, "k2");
    let mut needs = Needs::default();
    needs.keys.extend(changes.keys.keys().cloned());
    needs.skus.extend(changes.skus.keys().cloned());
    needs.orders.extend(changes.orders.keys().copied());
    needs.payments.extend(changes.payments.keys().copied());
    needs.reservations.extend(changes.reservations.keys().cloned());
    needs.holds.extend(changes.holds.keys().copied());
    needs.stock.extend(changes.stock.keys().cloned());
    let seen = hands.load(&needs).await;
    assert!(needs.keys.iter().all(|key| seen.keys.peek(key).is_none()), "{name}: the key is there");
    assert!(needs.skus.iter().all(|key| seen.skus.peek(key).is_none()), "{name}: the SKU is there");
    assert!(needs.orders.iter().all(|key| seen.orders.peek(key).is_none()), "{name}: the order is there");
    assert!(needs.payments.iter().all(|key| seen.payments.peek(key).is_none()), "{name}: the payment is there");
    assert!(needs.reservations.iter().all(|key| seen.reservations.peek(key).is_none()), "{name}: the reservation is there");
    assert!(needs.holds.iter().all(|key| seen.holds.peek(key).is_none()), "{name}: the hold is there");
    assert!(needs.stock.iter().all(|key| seen.stock.peek(key).is_none()), "{name}: the balance is there");
    let page = Page { after: None, limit: 10 };
    let events = store.order_events(&Caller::local_admin(), order_id(2), page).await.expect("it answers");
    assert_eq!(events, None, "{name}: the history is there");
    assert_eq!(store.audit(10).await.expect("it answers"), [], "{name}");
}

pub(super) async fn what_is_added_to_a_balance_adds_up(store: Arc<dyn Store>) {
    let (mut first, mut second) = (Hands::of(&store).await, Hands::of(&store).await);
    first.save(&first_stock("l0", "a", 10)).await;
    first.save(&moved("l1", "a", Operation::Reserve, 4)).await;
    second.save(&moved("l2", "a", Operation::Reserve, 5)).await;
    first.save(&moved("l3", "a", Operation::Deduct, 4)).await;
    second.save(&moved("l4", "a", Operation::Release, 2)).await;
    let mut folded = moved("l5", "a", Operation::Restock, 7);
    folded.absorb(&moved("l6", "a", Operation::Adjust, -1));
    folded.absorb(&first_stock("l7", "b", 1));
    first.save(&folded).await;
    assert_eq!(balance(&store, "a").await, Some(Balance { on_hand: 12, reserved: 3, version: 7 }));
    assert_eq!(balance(&store, "b").await, Some(Balance { on_hand: 1, reserved: 0, version: 1 }));
}

pub(super) async fn a_balance_is_never_out_of_range(store: Arc<dyn Store>) {
    let mut hands = Hands::of(&store).await;
    hands.save(&first_stock("l0", "a", 10)).await;
    hands.save(&moved("l1", "a", Operation::Reserve, 4)).await;
    for (name, delta) in [
        ("more taken than there is", delta(-11, 0)),
        ("more reserved than there is", delta(0, 7)),
        ("what is reserved taken away", delta(-7, 0)),
        ("more released than reserved", delta(0, -5)),
    ] {
        let mut changes = Changes::default();
        changes.stock.insert("a".into(), delta);
        hands.loses(&changes, name).await;
    }
    let mut nowhere = Changes::default();
    nowhere.stock.insert("nowhere".into(), delta(0, 1));
    hands.loses(&nowhere, "reserved where nothing is").await;
    assert_eq!(balance(&store, "a").await, Some(Balance { on_hand: 10, reserved: 4, version: 2 }));
    assert_eq!(balance(&store, "nowhere").await, None);
    hands.save(&moved("l2", "a", Operation::Reserve, 6)).await;
    hands.save(&moved("l3", "a", Operation::Deduct, 10)).await;
    assert_eq!(balance(&store, "a").await, Some(Balance { on_hand: 0, reserved: 0, version: 4 }));
}

/// Two writers may both believe that the first units are theirs: either the second loses, or both count.
pub(super) async fn the_first_units_of_a_sku_are_not_forgotten(store: Arc<dyn Store>) {
    let (mut first, mut second) = (Hands::of(&store).await, Hands::of(&store).await);
    first.save(&first_stock("l0", "a", 10)).await;
    let expected = match second.try_save(&first_stock("l1", "a", 5)).await {
        Ok(()) => 15,
        Err(SaveError::Lost(_)) => 10,
        Err(error) => panic!("neither saved nor lost: {error:?}"),
    };
    assert_eq!(balance(&store, "a").await.map(|balance| balance.on_hand), Some(expected));
}

pub(super) async fn the_same_movement_is_booked_once(store: Arc<dyn Store>) {
    let mut hands = Hands::of(&store).await;
    hands.save(&first_stock("l0", "a", 10)).await;
    hands.save(&moved("order-1/RESERVE/a", "a", Operation::Reserve, 1)).await;
    hands.loses(&moved("order-1/RESERVE/a", "a", Operation::Reserve, 1), "booked in another save").await;
    let mut twice = moved("order-2/RESERVE/a", "a", Operation::Reserve, 1);
    twice.absorb(&moved("order-2/RESERVE/a", "a", Operation::Reserve, 1));
    hands.loses(&twice, "booked twice in one save").await;
    assert_eq!(balance(&store, "a").await, Some(Balance { on_hand: 10, reserved: 1, version: 2 }));
}

pub(super) async fn two_orders_never_have_one_key(store: Arc<dyn Store>) {
    let mut hands = Hands::of(&store).await;
    let with_key = |n: u128| placed(Order { idempotency_key: Some("k".into()), ..bare_order(n) });
    let mut both = with_key(1);
    both.absorb(&with_key(2));
    hands.loses(&both, "in one save").await;
    hands.save(&with_key(1)).await;
    hands.loses(&with_key(2), "in two saves").await;
    for n in [3, 4] {
        hands.save(&placed(bare_order(n))).await;
    }
}

pub(super) async fn two_orders_never_come_from_one_cart(store: Arc<dyn Store>) {
    let mut hands = Hands::of(&store).await;
    let from_cart = |n, of| placed(Order { cart_id: Some(cart(of).cart_id), ..bare_order(n) });
    hands.save(&from_cart(1, 1)).await;
    hands.loses(&from_cart(2, 1), "the cart of another order").await;
    hands.save(&from_cart(2, 2)).await;
    let mut both = from_cart(3, 3);
    both.absorb(&from_cart(4, 3));
    hands.loses(&both, "one cart for two orders of one save").await;
}

pub(super) async fn two_orders_never_have_one_number(store: Arc<dyn Store>) {
    let mut hands = Hands::of(&store).await;
    let number = OrderNumber { year: 2100, serial: 7 };
    hands.save(&placed(Order { number, ..bare_order(1) })).await;
    hands.loses(&placed(Order { number, ..bare_order(2) }), "the same number").await;
    hands.save(&placed(Order { number: OrderNumber { year: 2101, serial: 7 }, ..bare_order(2) })).await;
}

pub(super) async fn a_history_has_one_fact_at_each_place(store: Arc<dyn Store>) {
    let mut hands = Hands::of(&store).await;
    hands.save(&placed(bare_order(1))).await;
    let mut again = Changes::default();
    let mut fact = event(&bare_order(1), 1, Fact::InventoryReserved);
    fact.order_event_id = super::specimen::id(9, 1).into();
    again.facts.push(Arc::new(fact));
    hands.loses(&again, "the first fact again").await;
}

/// Each save moves a SKU and its balance together: nobody may see one of them moved and the other not.
pub(super) async fn a_load_sees_one_moment(store: Arc<dyn Store>) {
    let (mut writer, mut reader) = (Hands::of(&store).await, Hands::of(&store).await);
    let step = |version: i64| {
        let key = format!("step-{version}");
        let mut changes = if version == 1 { first_stock(&key, "a", 1) } else { moved(&key, "a", Operation::Restock, 1) };
        changes.skus.insert("a".into(), write(version - 1, Sku { version, ..bare_sku("a") }));
        changes
    };
    writer.save(&step(1)).await;
    let writing = tokio::spawn(async move {
        for version in 2..=200 {
            writer.save(&step(version)).await;
            tokio::task::yield_now().await;
        }
    });
    let mut needs = Needs::default();
    needs.skus.insert("a".into());
    needs.stock.insert("a".into());
    while !writing.is_finished() {
        let seen = reader.load(&needs).await;
        let sku = seen.skus.peek(&"a".into()).map(|sku| sku.version);
        let stock = seen.stock.peek(&"a".into()).map(|balance| balance.version);
        assert_eq!(sku, stock, "the SKU and its balance are of two moments");
        tokio::task::yield_now().await;
    }
    writing.await.expect("the writer saves");
}

pub(super) async fn an_order_has_at_most_one_captured_payment(store: Arc<dyn Store>) {
    let mut hands = Hands::of(&store).await;
    for n in [1, 2] {
        hands.save(&placed(bare_order(n))).await;
    }
    let with = |payments: Vec<(i64, Payment)>| {
        let mut changes = Changes::default();
        changes.payments.extend(payments.into_iter().map(|(expected, payment)| (payment.payment_id, write(expected, payment))));
        changes
    };
    let failed = Payment { status: PaymentStatus::Failed, ..bare_payment(1, 1) };
    hands.save(&with(vec![(0, failed), (0, captured_payment(2, 1)), (0, captured_payment(3, 2))])).await;
    hands.loses(&with(vec![(0, captured_payment(4, 1))]), "a second one").await;
    hands.save(&with(vec![(0, Payment { is_surplus: true, ..captured_payment(5, 1) })])).await;
    hands.loses(&with(vec![(1, Payment { version: 2, ..captured_payment(1, 1) })]), "one that had failed").await;
    let refunded = Payment { status: PaymentStatus::Refunded, refunded: 500, version: 2, ..captured_payment(2, 1) };
    hands.save(&with(vec![(1, refunded)])).await;
    hands.save(&with(vec![(0, captured_payment(4, 1))])).await;
}

pub(super) async fn rows_that_make_no_sense_are_refused(store: Arc<dyn Store>) {
    let mut hands = Hands::of(&store).await;
    let totals = Totals { subtotal: 500, discount: 0, tax: 0, shipping: 1, total: 500 };
    hands.is_refused(&placed(Order { totals, ..bare_order(1) }), "totals that do not add up").await;
    let mut order = bare_order(1);
    order.lines.iter_mut().for_each(|line| line.qty = 2);
    hands.is_refused(&placed(order), "a line that does not add up").await;
    let mut orphan = Changes::default();
    orphan.payments.insert(bare_payment(1, 9).payment_id, write(0, bare_payment(1, 9)));
    hands.is_refused(&orphan, "a payment of no order").await;
    let mut orphan = Changes::default();
    orphan.facts.push(Arc::new(event(&bare_order(9), 1, Fact::OrderExpired)));
    hands.is_refused(&orphan, "a fact of no order").await;
    let mut overdrawn = placed(bare_order(1));
    let payment = Payment { captured: 501, ..captured_payment(1, 1) };
    overdrawn.payments.insert(payment.payment_id, write(0, payment));
    hands.is_refused(&overdrawn, "more captured than due").await;
    assert!(store.order(&Caller::local_admin(), order_id(1)).await.expect("it answers").is_none());
}

pub(super) async fn many_writers_sell_what_is_there_and_no_more(store: Arc<dyn Store>) {
    Hands::of(&store).await.save(&first_stock("l", "hot", 5)).await;
    let sold: Vec<usize> = join_all((0..8).map(|writer| sell_out(&store, writer))).await;
    assert_eq!(sold.iter().sum::<usize>(), 5, "{sold:?}");
    assert_eq!(balance(&store, "hot").await, Some(Balance { on_hand: 5, reserved: 5, version: 6 }));
}

/// Reserves one after the other until nothing is left.
async fn sell_out(store: &Arc<dyn Store>, writer: usize) -> usize {
    let mut hands = Hands::of(store).await;
    let hot: SkuId = "hot".into();
    let mut needs = Needs::default();
    needs.stock.insert(hot.clone());
    let mut sold = 0;
    for attempt in 0..1000 {
        let seen = hands.load(&needs).await;
        if seen.stock.peek(&hot).is_none_or(|balance| balance.available() == 0) {
            return sold;
        }
        match hands.try_save(&moved(&format!("{writer}/{attempt}"), "hot", Operation::Reserve, 1)).await {
            Ok(()) => sold += 1,
            Err(SaveError::Lost(_) | SaveError::Unavailable(_)) => {}
            Err(error) => panic!("neither saved nor lost: {error:?}"),
        }
    }
    panic!("not sold out after 1000 attempts");
}

pub(super) async fn order_numbers_rise_from_1_in_each_year(store: Arc<dyn Store>) {
    let (mut first, mut second) = (Hands::of(&store).await, Hands::of(&store).await);
    let needs = |orders: std::ops::Range<u128>, year: i32| {
        let mut needs = Needs::default();
        needs.numbers.extend(orders.map(|n| (order_id(n), year)));
        needs
    };
    let numbers = |seen: domain::View| seen.numbers.into_values().collect::<Vec<OrderNumber>>();
    let of = |year: i32, serials: std::ops::RangeInclusive<i64>| serials.map(|serial| OrderNumber { year, serial }).collect::<Vec<_>>();
    assert_eq!(numbers(first.load(&needs(0..1, 2100)).await), of(2100, 1..=1));
    // Several at once: in the order of the names, which is the order in which they were minted.
    assert_eq!(numbers(second.load(&needs(1..4, 2100)).await), of(2100, 2..=4));
    assert_eq!(numbers(first.load(&needs(4..5, 2101)).await), of(2101, 1..=1));
    assert_eq!(numbers(second.load(&needs(5..7, 2100)).await), of(2100, 5..=6));
    let mut both = needs(7..8, 2100);
    both.numbers.insert(order_id(8), 2101);
    assert_eq!(numbers(first.load(&both).await), [of(2100, 7..=7), of(2101, 2..=2)].concat());
}

pub(super) async fn writers_that_draw_at_once_draw_different_numbers(store: Arc<dyn Store>) {
    let draw = async |writer: u128| {
        let mut hands = Hands::of(&store).await;
        let mut drawn = Vec::new();
        for round in 0..10 {
            let mut needs = Needs::default();
            needs.numbers.extend((0..3).map(|n| (order_id(writer * 1000 + round * 10 + n), 2100)));
            drawn.extend(hands.load(&needs).await.numbers.into_values());
        }
        assert!(drawn.windows(2).all(|pair| pair[0] < pair[1]), "they fall: {drawn:?}");
        drawn
    };
    let mut drawn = join_all((0..4).map(draw)).await.concat();
    drawn.sort();
    drawn.dedup();
    assert_eq!(drawn.len(), 120, "drawn twice");
}
