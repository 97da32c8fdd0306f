//! What is saved is loaded again, equal: every table, every optional field, the longest and the strangest texts.

use std::sync::Arc;

use domain::caller::Caller;
use domain::catalog::{Offer, OfferStatus, Sku, SkuStatus};
use domain::event::Fact;
use domain::ids::{Mint, OfferId, OrderItemId, OrderNumber, PaymentId, RefundId, ShipmentId, SkuId};
use domain::money::{AMOUNT_MAX, Currency};
use domain::order::{AddressRef, Channel, LineSubject, Order, PaymentStanding, Status, Totals};
use domain::payment::{Payment, Status as PaymentStatus};
use domain::refund::{Refund, Status as RefundStatus};
use domain::shipment::{Shipment, ShipmentLine, Status as ShipmentStatus};
use domain::stock::{Balance, BalanceDelta, Reservation, StockState};
use domain::task::{Kind as TaskKind, Task};
use domain::time::Time;
use domain::{Changes, Needs};
use engine::port::{Page, Store};
use engine::wire;

use super::hands::Hands;
use super::specimen::{
    LATEST, STRANGE, bare_offer, bare_order, bare_payment, bare_sku, captured_payment, cart, checkout, first_stock, full_order, hold, id,
    key_row, order_id, placed, refund, reservation, task, tell, ticket_line, write,
};
use super::{canonical, hands};
use crate::clock::START;

async fn order_comes_back(hands: &mut Hands, store: &Arc<dyn Store>, order: &Order) {
    let mut needs = Needs::default();
    needs.orders.insert(order.order_id);
    let seen = hands.load(&needs).await;
    let loaded = seen.orders.get(&order.order_id).expect("it was asked for").expect("the order was saved");
    assert_eq!(canonical::order(loaded), canonical::order(order), "by load");
    let asked = store.order(&Caller::local_admin(), order.order_id).await.expect("it answers").expect("the order was saved");
    assert_eq!(canonical::order(&asked.order), canonical::order(order), "by query");
}

pub(super) async fn nothing_is_found_in_an_empty_store(store: Arc<dyn Store>) {
    let mut hands = Hands::of(&store).await;
    let row = key_row("k", "a");
    let reservation = reservation("a", "r", 1);
    let mut needs = Needs::default();
    needs.keys.insert(row.key.clone());
    needs.skus.insert("a".into());
    needs.orders.insert(order_id(1));
    needs.payments.insert(PaymentId(id(5, 1)));
    needs.refunds.insert(refund(1).refund_id);
    needs.tasks.insert(task(1, 1).task_id);
    needs.reservations.insert(reservation.key.clone());
    needs.carts.insert(cart(1).owner);
    needs.checkouts.insert(checkout(1).session_id);
    needs.holds.insert(hold(1).hold_id);
    needs.stock.insert("a".into());
    let seen = hands.load(&needs).await;
    assert_eq!(seen.holds.get(&hold(1).hold_id), Ok(None));
    assert_eq!(seen.carts.get(&cart(1).owner), Ok(None));
    assert_eq!(seen.checkouts.get(&checkout(1).session_id), Ok(None));
    assert_eq!(seen.keys.get(&row.key), Ok(None));
    assert_eq!(seen.skus.get(&"a".into()), Ok(None));
    assert_eq!(seen.orders.get(&order_id(1)), Ok(None));
    assert_eq!(seen.payments.get(&PaymentId(id(5, 1))), Ok(None));
    assert_eq!(seen.refunds.get(&refund(1).refund_id), Ok(None));
    assert_eq!(seen.tasks.get(&task(1, 1).task_id), Ok(None));
    assert_eq!(seen.reservations.get(&reservation.key), Ok(None));
    assert_eq!(seen.stock.get(&"a".into()), Ok(None));
    hands.load(&Needs::default()).await;
    store.ready().await.expect("it is ready");
}

pub(super) async fn orders_come_back_as_they_were_saved(store: Arc<dyn Store>) {
    let mut hands = Hands::of(&store).await;
    let mut orders = vec![bare_order(1), full_order(2)];
    let many = (0..500).map(|place| ticket_line(id(3, (3 << 12) + (place * 7) % 500), 1)).collect();
    let totals = Totals { subtotal: 250_000, discount: 0, tax: 0, shipping: 0, total: 250_000 };
    orders.push(Order { lines: many, totals, ..bare_order(3) });
    let serial = 12_345_678_901;
    orders.push(Order { number: OrderNumber { year: 9999, serial }, created_at: LATEST, updated_at: LATEST, ..bare_order(4) });
    orders.push(Order { created_at: Time(0), updated_at: Time(1), ..bare_order(5) });
    let free = Totals { subtotal: 500, discount: 500, tax: 0, shipping: 0, total: 0 };
    let half = AddressRef { id: None, snapshot: Some("[]".into()) };
    orders.push(Order { totals: free, shipping_address: half, ..bare_order(6) });
    for order in &orders {
        hands.save(&placed(order.clone())).await;
    }
    for order in &orders {
        order_comes_back(&mut hands, &store, order).await;
    }
}

pub(super) async fn every_word_of_an_order_comes_back(store: Arc<dyn Store>) {
    let mut hands = Hands::of(&store).await;
    let statuses = Status::ALL.iter().map(|status| (Some(*status), None, None, None));
    let channels = Channel::ALL.iter().map(|channel| (None, Some(*channel), None, None));
    let standings = PaymentStanding::ALL.iter().map(|standing| (None, None, Some(*standing), None));
    let stocks = StockState::ALL.iter().map(|stock| (None, None, None, Some(*stock)));
    for (n, (status, channel, payment_standing, stock)) in (1..).zip(statuses.chain(channels).chain(standings).chain(stocks)) {
        let bare = bare_order(n);
        let order = Order {
            status: status.unwrap_or(bare.status),
            channel: channel.unwrap_or(bare.channel),
            payment_standing: payment_standing.unwrap_or(bare.payment_standing),
            stock: stock.unwrap_or(bare.stock),
            ..bare
        };
        hands.save(&placed(order.clone())).await;
        order_comes_back(&mut hands, &store, &order).await;
    }
}

/// What an order is never changes: its number, its door, its customer, its sums, its lines. What happens to it does.
pub(super) async fn everything_that_happens_to_an_order_comes_back(store: Arc<dyn Store>) {
    let mut hands = Hands::of(&store).await;
    let full = full_order(1);
    let bare = Order {
        number: full.number,
        channel: full.channel,
        user_id: full.user_id.clone(),
        idempotency_key: full.idempotency_key.clone(),
        currency: full.currency,
        totals: full.totals,
        created_at: full.created_at,
        lines: full.lines.clone(),
        customer_email: full.customer_email.clone(),
        cart_id: full.cart_id,
        external_id: full.external_id.clone(),
        hold_id: full.hold_id,
        stock: StockState::Reserved,
        version: 2,
        ..bare_order(1)
    };
    hands.save(&placed(full.clone())).await;
    for (version, shape) in [(2, &bare), (3, &full), (4, &bare)] {
        let order = Arc::new(Order { version, ..shape.clone() });
        let mut changes = Changes::default();
        tell(&mut changes, &order, version, Fact::InventoryReserved);
        hands.save(&changes).await;
        order_comes_back(&mut hands, &store, &order).await;
    }
}

pub(super) async fn skus_and_offers_come_back_as_they_were_saved(store: Arc<dyn Store>) {
    let mut hands = Hands::of(&store).await;
    let bhd = Currency::from_code("BHD").expect("an ISO code");
    let offers = |sku_id: &str| {
        let mut offers: Vec<Offer> = OfferStatus::ALL.iter().map(|status| Offer { status: *status, ..bare_offer(0, sku_id) }).collect();
        offers.push(Offer { price: AMOUNT_MAX, currency: bhd, priority: i32::MAX, valid_to: Some(LATEST), ..bare_offer(0, sku_id) });
        offers.push(Offer { price: 0, currency: Currency::JPY, priority: i32::MIN, valid_from: Time(0), ..bare_offer(0, sku_id) });
        (0..).zip(&mut offers).for_each(|(n, offer)| offer.offer_id = OfferId(id(2, n)));
        offers
    };
    let full = Sku {
        product_id: STRANGE.into(),
        name: "ß".repeat(255).into(),
        status: SkuStatus::Inactive,
        tax_class: "".into(),
        title: Some(STRANGE.into()),
        author: Some("".into()),
        offers: offers(STRANGE),
        updated_at: LATEST,
        ..bare_sku(STRANGE)
    };
    for (expected, sku) in
        [(0, bare_sku("a")), (0, full.clone()), (1, Sku { version: 2, offers: full.offers.clone(), ..bare_sku(STRANGE) })]
    {
        let mut changes = Changes::default();
        changes.skus.insert(sku.sku_id.clone(), write(expected, sku.clone()));
        hands.save(&changes).await;
        sku_comes_back(&mut hands, &store, &sku).await;
    }
    // One offer changes, one comes, the others stay.
    let mut third = Sku { version: 3, offers: full.offers.clone(), ..bare_sku(STRANGE) };
    if let Some(offer) = third.offers.first_mut() {
        *offer = Offer { price: 5, priority: 5, valid_to: Some(LATEST), status: OfferStatus::Ended, updated_at: LATEST, ..offer.clone() };
    }
    third.offers.push(bare_offer(99, STRANGE));
    let mut changes = Changes::default();
    changes.skus.insert(third.sku_id.clone(), write(2, third.clone()));
    hands.save(&changes).await;
    sku_comes_back(&mut hands, &store, &third).await;
}

async fn sku_comes_back(hands: &mut Hands, store: &Arc<dyn Store>, sku: &Sku) {
    let mut needs = Needs::default();
    needs.skus.insert(sku.sku_id.clone());
    let seen = hands.load(&needs).await;
    let loaded = seen.skus.get(&sku.sku_id).expect("it was asked for").expect("the SKU was saved");
    assert_eq!(canonical::sku(loaded), canonical::sku(sku), "by load");
    let asked = store.sku(&sku.sku_id).await.expect("it answers").expect("the SKU was saved");
    assert_eq!(canonical::sku(&asked), canonical::sku(sku), "by query");
}

pub(super) async fn payments_come_back_as_they_were_saved(store: Arc<dyn Store>) {
    let mut hands = Hands::of(&store).await;
    let full = |payment: Payment| Payment {
        provider: STRANGE.into(),
        provider_ref: Some("".into()),
        status: PaymentStatus::PartiallyRefunded,
        amount: AMOUNT_MAX,
        captured: AMOUNT_MAX,
        refunded: 1,
        currency: Currency::JPY,
        method: STRANGE.into(),
        failure_reason: Some(STRANGE.into()),
        silences: i32::MAX,
        next_check_at: Some(LATEST),
        updated_at: LATEST,
        ..payment
    };
    let mut payments = vec![bare_payment(1, 1), full(bare_payment(2, 2))];
    payments.extend((3..).zip(PaymentStatus::ALL).map(|(n, status)| Payment { status: *status, ..bare_payment(n, n) }));
    for payment in &payments {
        let n = payment.payment_id.0.as_u128() - id(5, 0).as_u128();
        let mut changes = placed(bare_order(n));
        changes.payments.insert(payment.payment_id, write(0, payment.clone()));
        hands.save(&changes).await;
        payment_comes_back(&mut hands, &store, payment).await;
    }
    // What is due, from whom and how never changes; what became of it does.
    let told = Payment { amount: 500, captured: 500, refunded: 500, ..full(bare_payment(1, 1)) };
    let Payment { provider, currency, method, .. } = bare_payment(1, 1);
    let told = Payment { provider, currency, method, ..told };
    for (expected, shape) in [(1, told), (2, bare_payment(1, 1)), (3, captured_payment(1, 1))] {
        let payment = Payment { version: expected + 1, ..shape };
        let mut changes = Changes::default();
        changes.payments.insert(payment.payment_id, write(expected, payment.clone()));
        hands.save(&changes).await;
        payment_comes_back(&mut hands, &store, &payment).await;
    }
}

pub(super) async fn refunds_come_back_as_they_were_saved(store: Arc<dyn Store>) {
    let mut hands = Hands::of(&store).await;
    let full = |refund: Refund| Refund {
        provider_ref: Some("".into()),
        failure_reason: Some(STRANGE.into()),
        silences: i32::MAX,
        next_check_at: Some(LATEST),
        updated_at: LATEST,
        ..refund
    };
    let mut refunds = vec![Refund { amount: AMOUNT_MAX, currency: Currency::JPY, reason: STRANGE.into(), ..full(refund(1)) }];
    refunds.extend((2..).zip(RefundStatus::ALL).map(|(n, status)| Refund { status: *status, ..refund(n) }));
    for (n, refund) in (1..).zip(&refunds) {
        let payment = captured_payment(n, n);
        let mut changes = placed(Order { refunds: vec![refund.refund_id], payment_id: Some(payment.payment_id), ..bare_order(n) });
        changes.payments.insert(payment.payment_id, write(0, payment));
        changes.refunds.insert(refund.refund_id, write(0, refund.clone()));
        hands.save(&changes).await;
        refund_comes_back(&mut hands, &store, n, refund).await;
    }
    // What a refund is of never changes; what became of it does.
    for (expected, shape) in [(1, full(refund(2))), (2, refund(2))] {
        let row = Refund { version: expected + 1, ..shape };
        let mut changes = Changes::default();
        changes.refunds.insert(row.refund_id, write(expected, row.clone()));
        hands.save(&changes).await;
        refund_comes_back(&mut hands, &store, 2, &row).await;
    }
}

async fn refund_comes_back(hands: &mut Hands, store: &Arc<dyn Store>, n: u128, refund: &Refund) {
    let mut needs = Needs::default();
    needs.refunds.insert(refund.refund_id);
    needs.orders.insert(order_id(n));
    let seen = hands.load(&needs).await;
    assert_eq!(seen.refunds.get(&refund.refund_id).expect("it was asked for").map(|row| &**row), Some(refund), "by load");
    let order = seen.orders.get(&order_id(n)).expect("it was asked for").expect("the order was saved");
    assert_eq!(order.refunds, [refund.refund_id], "by its order");
    let asked = store.refund(&Caller::local_admin(), refund.refund_id).await.expect("it answers");
    assert_eq!(asked.as_deref(), Some(refund), "by query");
    assert_eq!(store.refund(&crate::builders::customer("nobody"), refund.refund_id).await.expect("it answers"), None, "by a stranger");
    let answer = store.order(&Caller::local_admin(), order_id(n)).await.expect("it answers").expect("the order was saved");
    assert_eq!(answer.refunds.iter().map(|row| &**row).collect::<Vec<_>>(), [refund], "by the query of its order");
    assert_eq!(answer.order.refunds, [refund.refund_id], "by the query of its order");
}

pub(super) async fn shipments_come_back_with_their_order(store: Arc<dyn Store>) {
    let mut hands = Hands::of(&store).await;
    let line = |place: u128, qty: i64| ShipmentLine { order_item_id: OrderItemId(id(3, (1 << 12) + place)), qty };
    let bare = |n: u128, status: ShipmentStatus| Shipment {
        shipment_id: ShipmentId(id(9, n)),
        status,
        carrier_code: None,
        tracking_number: None,
        lines: vec![line(0, 1)],
        shipped_at: None,
        delivered_at: None,
        created_at: START,
        updated_at: START,
    };
    let mut shipments: Vec<Shipment> = (2..).zip(ShipmentStatus::ALL).map(|(n, status)| bare(n, *status)).collect();
    shipments.insert(0, Shipment { lines: vec![line(0, 1), line(1, 999_999)], ..bare(1, ShipmentStatus::Ready) });
    let full = Shipment {
        status: ShipmentStatus::Delivered,
        carrier_code: Some(STRANGE.into()),
        tracking_number: Some("9".repeat(100).into()),
        shipped_at: Some(START),
        delivered_at: Some(LATEST),
        updated_at: LATEST,
        ..shipments[0].clone()
    };
    hands.save(&placed(bare_order(1))).await;
    for (version, first) in [(2, shipments[0].clone()), (3, full), (4, shipments[0].clone())] {
        shipments[0] = first;
        let order = Arc::new(Order { version, shipments: shipments.clone(), ..bare_order(1) });
        let mut changes = Changes::default();
        tell(&mut changes, &order, version, Fact::OrderReady);
        hands.save(&changes).await;
        order_comes_back(&mut hands, &store, &order).await;
    }
}

pub(super) async fn tasks_come_back_and_the_open_ones_are_listed(store: Arc<dyn Store>) {
    let mut hands = Hands::of(&store).await;
    let mut changes = placed(bare_order(1));
    let mut tasks: Vec<Task> = (1..=5).map(|n| task(n, 1)).collect();
    tasks[1].kind = TaskKind::RefundFailed;
    // The fifth is older than the others.
    tasks[4].created_at = Time(1);
    for task in &tasks {
        changes.tasks.insert(task.task_id, write(0, task.clone()));
    }
    hands.save(&changes).await;
    let closed = Task {
        assigned_to: Some(STRANGE.into()),
        note: Some("".into()),
        closed_at: Some(LATEST),
        version: 2,
        updated_at: LATEST,
        ..tasks[2].clone()
    };
    let mut changes = Changes::default();
    changes.tasks.insert(closed.task_id, write(1, closed.clone()));
    hands.save(&changes).await;
    let mut needs = Needs::default();
    needs.tasks.extend(tasks.iter().map(|task| task.task_id));
    let seen = hands.load(&needs).await;
    for task in tasks.iter().map(|task| if task.task_id == closed.task_id { &closed } else { task }) {
        assert_eq!(seen.tasks.get(&task.task_id).expect("it was asked for").map(|row| &**row), Some(task));
    }
    let mut after = None;
    let mut listed = Vec::new();
    loop {
        let page = store.open_tasks(Page { after, limit: 2 }).await.expect("it answers");
        let Some(last) = page.last() else { break };
        after = Some((last.created_at, last.task_id));
        listed.extend(page.iter().map(|task| task.task_id));
    }
    assert_eq!(listed, [4, 0, 1, 3].map(|index: usize| tasks[index].task_id));
}

async fn payment_comes_back(hands: &mut Hands, store: &Arc<dyn Store>, payment: &Payment) {
    let mut needs = Needs::default();
    needs.payments.insert(payment.payment_id);
    let seen = hands.load(&needs).await;
    let loaded = seen.payments.get(&payment.payment_id).expect("it was asked for").map(|row| &**row);
    assert_eq!(loaded, Some(payment), "by load");
    let asked = store.payment(&Caller::local_admin(), payment.payment_id).await.expect("it answers");
    assert_eq!(asked.as_deref(), Some(payment), "by query");
}

pub(super) async fn keys_and_reservations_come_back_as_they_were_saved(store: Arc<dyn Store>) {
    let mut hands = Hands::of(&store).await;
    let mut needs = Needs::default();
    let mut changes = Changes::default();
    let keys = [key_row("plain", ""), key_row(STRANGE, STRANGE), key_row(&"~".repeat(255), &"é".repeat(1000))];
    for row in &keys {
        needs.keys.insert(row.key.clone());
        changes.keys.insert(row.key.clone(), write(0, row.clone()));
    }
    let largest = Reservation { qty: 1_000_000_000_000, updated_at: LATEST, ..reservation(STRANGE, STRANGE, 0) };
    let mut reservations = [reservation("a", "", 0), largest];
    for row in &reservations {
        needs.reservations.insert(row.key.clone());
        changes.reservations.insert(row.key.clone(), write(0, row.clone()));
    }
    hands.save(&changes).await;
    let seen = hands.load(&needs).await;
    for row in &keys {
        assert_eq!(seen.keys.get(&row.key).expect("it was asked for").map(|row| &**row), Some(row), "by load");
        assert_eq!(store.key(&row.key).await.expect("it answers").as_deref(), Some(row), "by query");
    }
    for row in &mut reservations {
        assert_eq!(seen.reservations.get(&row.key).expect("it was asked for").map(|row| &**row), Some(&*row));
        row.version = 2;
        row.qty = 7;
        let mut changes = Changes::default();
        changes.reservations.insert(row.key.clone(), write(1, row.clone()));
        hands.save(&changes).await;
    }
    let seen = hands.load(&needs).await;
    for row in &reservations {
        assert_eq!(seen.reservations.get(&row.key).expect("it was asked for").map(|row| &**row), Some(row));
    }
}

pub(super) async fn balances_come_back_as_they_were_saved(store: Arc<dyn Store>) {
    let mut hands = Hands::of(&store).await;
    let (most, nothing): (SkuId, SkuId) = (STRANGE.into(), "nothing".into());
    let mut changes = first_stock("l1", STRANGE, 1_000_000_000_000);
    changes.stock.insert(nothing.clone(), BalanceDelta { on_hand: 0, reserved: 0, steps: 3, is_new: true });
    hands.save(&changes).await;
    let mut needs = Needs::default();
    needs.stock.extend([most.clone(), nothing.clone()]);
    let seen = hands.load(&needs).await;
    for (sku_id, expected) in [
        (most, Balance { on_hand: 1_000_000_000_000, reserved: 0, version: 1 }),
        (nothing, Balance { on_hand: 0, reserved: 0, version: 3 }),
    ] {
        assert_eq!(seen.stock.get(&sku_id), Ok(Some(&expected)), "by load");
        assert_eq!(store.balance(&sku_id).await.expect("it answers"), Some(expected), "by query");
    }
}

pub(super) async fn every_fact_is_read_back_with_its_payload(store: Arc<dyn Store>) {
    let mut hands = Hands::of(&store).await;
    let (payment_id, refund_id) = (PaymentId(id(5, 1)), RefundId(id(7, 1)));
    let (amount, currency) = (1990, Currency::USD);
    let facts = [
        Fact::OrderCreated { total: 500, currency, lines: 1, payment_method: None, expires_at: Some(START) },
        Fact::InventoryReserved,
        Fact::PaymentRequested { payment_id, amount, currency, payment_method: "cod".into(), expires_at: None },
        Fact::PaymentSucceeded { payment_id, amount, currency: Currency::JPY },
        Fact::PaymentFailed { payment_id, reason: STRANGE.into() },
        Fact::LatePaymentReceived { payment_id, amount, currency },
        Fact::InventoryDeducted,
        Fact::OrderCanceled { reason: "".into() },
        Fact::OrderExpired,
        Fact::InventoryReleased,
        Fact::OrderReady,
        Fact::ShipmentCreated { shipment_id: ShipmentId(id(9, 1)) },
        Fact::OrderShipped { carrier_code: None, tracking_number: Some(STRANGE.into()) },
        Fact::OrderDelivered,
        Fact::InventoryRestocked,
        Fact::RefundRequested { refund_id, payment_id, amount, currency, reason: STRANGE.into(), by_hand: true },
        Fact::RefundSucceeded { refund_id, payment_id, amount, currency, in_full: false },
        Fact::RefundFailed { refund_id, reason: STRANGE.into() },
        Fact::LatePaymentRefunded { refund_id, payment_id, amount, currency },
        Fact::OrderChanged { fields: ["notes", "metadata"].into() },
    ];
    let mut expected = Vec::new();
    for (sequence, fact) in (1..).zip(&facts) {
        let notes = (sequence % 2 == 0).then(|| STRANGE.into());
        let order = Arc::new(Order { version: sequence, notes, ..bare_order(1) });
        let mut changes = Changes::default();
        tell(&mut changes, &order, sequence, fact.clone());
        hands.save(&changes).await;
        expected.extend(changes.facts);
    }
    let page = Page { after: None, limit: 200 };
    let events = store.order_events(&Caller::local_admin(), order_id(1), page).await.expect("it answers").expect("the order is there");
    assert_eq!(events.len(), expected.len());
    for (event, fact) in events.iter().zip(&expected) {
        let event = canonical::event(event);
        assert_eq!(event.payload, crate::json::canonical(&wire::fact(&fact.fact)));
        assert_eq!((event.order_event_id, event.sequence), (fact.order_event_id, fact.sequence));
        assert_eq!(event.event_type, fact.fact.event_type());
        assert_eq!(event.from.as_deref(), fact.from.map(Status::as_str));
        assert_eq!(event.to, fact.to.as_str());
        assert_eq!(event.notes.as_deref(), fact.notes.as_deref());
        assert_eq!((event.changed_by.as_str(), event.request_id.as_str()), (&*fact.changed_by, &*fact.request_id));
        assert_eq!(event.created_at, fact.created_at);
    }
}

pub(super) async fn what_the_view_knows_is_not_overwritten_by_a_load(store: Arc<dyn Store>) {
    let mut session = store.session().await.expect("a store that works gives a session");
    session.save(&first_stock("l", "a", 5), hands::fresh_mark()).await.expect("it saves");
    let mut needs = Needs::default();
    needs.stock.insert("a".into());
    let mut seen = domain::View::default();
    session.load(&needs, &mut seen).await.expect("it loads");
    let mut decided = Changes::default();
    decided.stock.insert("a".into(), BalanceDelta { on_hand: 0, reserved: 2, steps: 1, is_new: false });
    seen.apply(&decided);
    session.load(&needs, &mut seen).await.expect("it loads");
    assert_eq!(seen.stock.get(&"a".into()), Ok(Some(&Balance { on_hand: 5, reserved: 2, version: 2 })));
}

pub(super) async fn minted_names_come_back_as_they_were_saved(store: Arc<dyn Store>) {
    let mut hands = Hands::of(&store).await;
    for seed in [0, 1, u64::MAX] {
        let mint = Mint { time: START, seed };
        let mut order = bare_order(u128::from(seed & 0xff) + 1);
        order.order_id = mint.id(0).into();
        order.lines.iter_mut().for_each(|line| {
            line.order_item_id = mint.id(1).into();
            line.subject = LineSubject::Ticket { session_id: mint.id(2), ticket_type_id: mint.id(4095) };
        });
        let mut changes = placed(order.clone());
        for (n, fact) in (100..).zip(&mut changes.facts) {
            Arc::make_mut(fact).order_event_id = mint.id(n).into();
        }
        for (n, message) in (200..).zip(&mut changes.outbox) {
            message.message_id = mint.id(n).into();
        }
        hands.save(&changes).await;
        order_comes_back(&mut hands, &store, &order).await;
    }
}
