//! What other services are told, to the last field, and by which fact.

use std::sync::Arc;

use async_trait::async_trait;
use domain::Caller;
use domain::command::{CancelOrder, DeliverOrder, OrderAnswer, ProviderAnswer, RecordPayment, RequestPayment, Settings, ShipOrder};
use domain::event::Fact;
use domain::ids::{PaymentId, RefundId, ShipmentId, Uuid};
use domain::message::{Message, messages_of};
use domain::money::Currency;
use engine::port::Store;
use engine::{Ask, Engine, Options, Pause, wire};
use serde_json::{Value, json};
use testkit::builders::{offer, place, restock, sku, tickets};
use testkit::{MemoryStore, StepClock};

/// Time passes at once.
struct NoPause;

#[async_trait]
impl Pause for NoPause {
    async fn pause(&self, _: u64) {
        tokio::task::yield_now().await;
    }
}

/// An engine at work, and its store.
fn house() -> (Engine, MemoryStore) {
    let clock = Arc::new(StepClock::default());
    let store = MemoryStore::new().with_clock(clock.clone());
    let shared: Arc<dyn Store> = Arc::new(store.clone());
    let options = Options { writers: 1, ..Options::default() };
    let (engine, writers) = Engine::new(shared, clock, Arc::new(NoPause), Settings::default(), options);
    for writer in writers {
        drop(tokio::spawn(writer.run()));
    }
    (engine, store)
}

fn ask() -> Ask {
    Ask::of(Caller::local_admin(), "test".into())
}

/// What is told so far, as published: word, sequence, payload.
fn told(store: &MemoryStore) -> Vec<(&'static str, i64, Value)> {
    let read = |message: &Message| {
        let payload = serde_json::from_str(&wire::message(message)).expect("a payload is JSON");
        (message.kind.event_type(), message.sequence(), payload)
    };
    store.look(|memory| memory.outbox.iter().map(read).collect())
}

fn words(store: &MemoryStore) -> Vec<&'static str> {
    told(store).into_iter().map(|(word, ..)| word).collect()
}

async fn pay(engine: &Engine, order: &OrderAnswer) {
    let order_id = order.order.order_id;
    let asked = engine.submit(RequestPayment { order_id, method: None }, ask()).await.expect("it can be asked for").answer;
    let payment_id = asked.payment.expect("there is an attempt now").payment_id;
    let said = ProviderAnswer::Captured { provider_ref: "p-1".into() };
    engine.submit(RecordPayment { payment_id, said }, ask()).await.expect("it can be recorded");
}

#[tokio::test]
async fn a_confirmed_order_tells_the_inventory_which_hold_to_commit() {
    let (engine, store) = house();
    let order = engine.submit(tickets(7, 2, 5000), ask()).await.unwrap().answer;
    assert_eq!(words(&store), ["order.created", "order.status_changed"]);
    pay(&engine, &order).await;
    let confirmed: Vec<_> = told(&store).into_iter().filter(|(word, ..)| *word == "order.confirmed").collect();
    let [(_, sequence, payload)] = &confirmed[..] else { panic!("told {} times", confirmed.len()) };
    // ORDER_CREATED, PAYMENT_REQUESTED, PAYMENT_SUCCEEDED.
    assert_eq!(*sequence, 3);
    let item = &order.order.lines[0].order_item_id;
    let expected = json!({
        "order_id": order.order.order_id.to_string(),
        "hold_id": Uuid::from_u128(7).to_string(),
        "customer_email": "ada@example.org",
        "items": [{
            "order_item_id": item.to_string(),
            "session_id": Uuid::from_u128(0x5e55).to_string(),
            "ticket_type_id": Uuid::from_u128(0x71c3).to_string(),
            "quantity": 2,
            "unit_price": 50.00,
            "item_total_amount": 100.00,
        }],
        "total_amount": 100.00,
        "status": "PAID",
        "payment_status": "paid",
        "channel": "tickets",
        "currency": "USD",
    });
    for (name, value) in expected.as_object().expect("it is one") {
        assert_eq!(&payload[name], value, "{name} of {payload}");
    }
    // Amounts have their decimals, for consumers that read digits.
    let text = store.look(|memory| memory.outbox.iter().map(wire::message).collect::<Vec<_>>());
    assert!(text.iter().any(|text| text.contains("\"total_amount\":100.00,")), "{text:?}");
}

#[tokio::test]
async fn a_cancelled_order_tells_why_and_which_hold_to_release() {
    for (reason, expected) in [(None, "user_requested"), (Some("sold by mistake"), "sold by mistake")] {
        let (engine, store) = house();
        let order_id = engine.submit(tickets(7, 2, 5000), ask()).await.unwrap().answer.order.order_id;
        let cancel = CancelOrder { order_id, reason: reason.map(Into::into), notes: None };
        engine.submit(cancel, ask()).await.unwrap();
        let (word, sequence, payload) = told(&store).remove(2);
        assert_eq!((word, sequence), ("order.cancelled", 2));
        assert_eq!((&payload["order_id"], &payload["reason"]), (&json!(order_id.to_string()), &json!(expected)));
        assert_eq!(payload["hold_id"], Uuid::from_u128(7).to_string());
        assert_eq!(payload["items"][0]["quantity"], 2);
        assert_eq!(words(&store).len(), 4);
    }
}

#[tokio::test]
async fn an_order_of_goods_tells_each_step_of_its_way() {
    let (engine, store) = house();
    engine.submit(sku("a"), ask()).await.unwrap();
    engine.submit(offer("a", 1000), ask()).await.unwrap();
    engine.submit(restock("a", 5), ask()).await.unwrap();
    let order = engine.submit(place().line("a", 2).0, ask()).await.unwrap().answer;
    pay(&engine, &order).await;
    let order_id = order.order.order_id;
    let ship = ShipOrder { order_id, carrier_code: Some("DHL".into()), tracking_number: Some("T-1".into()), notes: None };
    engine.submit(ship, ask()).await.unwrap();
    engine.submit(DeliverOrder { order_id, notes: None }, ask()).await.unwrap();
    let expected = [
        ("order.created", Value::Null, "CREATED"),
        ("payment.requested", json!("CREATED"), "PAYMENT_PENDING"),
        ("order.confirmed", json!("PAYMENT_PENDING"), "PAID"),
        ("", json!("PAID"), "READY_TO_SHIP"),
        ("order.shipped", json!("READY_TO_SHIP"), "SHIPPED"),
        ("order.delivered", json!("SHIPPED"), "DELIVERED"),
    ];
    let told = told(&store);
    let mut rest = told.iter();
    for (word, from, to) in expected {
        if !word.is_empty() {
            assert_eq!(rest.next().map(|(word, ..)| *word), Some(word));
        }
        let (word, _, payload) = rest.next().expect("the change of status is told after it");
        assert_eq!((*word, &payload["from_status"], &payload["to_status"]), ("order.status_changed", &from, &json!(to)));
    }
    assert_eq!(rest.next(), None);
    assert!(told.windows(2).all(|pair| pair[0].1 <= pair[1].1), "{told:?}");
    let shipped = told.iter().find(|(word, ..)| *word == "order.shipped").expect("it was seen above");
    assert_eq!(shipped.2["tracking_number"], "T-1");
}

#[test]
fn each_fact_causes_its_messages_and_no_others() {
    let payment_id = PaymentId::from(Uuid::from_u128(1));
    let refund_id = RefundId::from(Uuid::from_u128(2));
    let (amount, currency) = (500, Currency::USD);
    let requested = |by_hand| Fact::RefundRequested { refund_id, payment_id, amount, currency, reason: "r".into(), by_hand };
    let succeeded = |in_full| Fact::RefundSucceeded { refund_id, payment_id, amount, currency, in_full };
    for (fact, expected) in [
        (
            Fact::OrderCreated { total: amount, currency, lines: 1, expires_at: None, payment_method: None },
            &["order.created", "order.status_changed"][..],
        ),
        (
            Fact::PaymentRequested { payment_id, amount, currency, expires_at: None, payment_method: "card_stub".into() },
            &["payment.requested", "order.status_changed"],
        ),
        (Fact::PaymentSucceeded { payment_id, amount, currency }, &["order.confirmed", "order.status_changed"]),
        (Fact::OrderReady, &["order.status_changed"]),
        (Fact::OrderShipped { carrier_code: None, tracking_number: None }, &["order.shipped", "order.status_changed"]),
        (Fact::OrderDelivered, &["order.delivered", "order.status_changed"]),
        (Fact::OrderCanceled { reason: "r".into() }, &["order.cancelled", "order.status_changed"]),
        (succeeded(true), &["payment.refunded", "order.refunded"]),
        (succeeded(false), &["payment.refunded"]),
        (Fact::LatePaymentRefunded { refund_id, payment_id, amount, currency }, &["payment.refunded"]),
        (requested(true), &["refund.requested"]),
        (requested(false), &[]),
        (Fact::PaymentFailed { payment_id, reason: "r".into() }, &[]),
        (Fact::LatePaymentReceived { payment_id, amount, currency }, &[]),
        (Fact::RefundFailed { refund_id, reason: "r".into() }, &[]),
        (Fact::ShipmentCreated { shipment_id: ShipmentId::from(Uuid::from_u128(3)) }, &[]),
        (Fact::OrderExpired, &[]),
        (Fact::InventoryReserved, &[]),
        (Fact::InventoryDeducted, &[]),
        (Fact::InventoryReleased, &[]),
        (Fact::InventoryRestocked, &[]),
    ] {
        let words: Vec<_> = messages_of(&fact).iter().map(|kind| kind.event_type()).collect();
        assert_eq!(words, expected, "{fact:?}");
    }
}
