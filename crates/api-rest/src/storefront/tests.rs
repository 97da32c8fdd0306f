//! What this door tells whom, over an engine on the memory store: roles, foreign orders, and words that no call reaches yet.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::middleware::from_fn;
use domain::Caller;
use domain::caller::Role;
use domain::catalog::SkuStatus;
use domain::command::{OrderAnswer, PlaceProducts, ProductRequest, PutSku, RequestPayment, Settings};
use domain::ids::Uuid;
use domain::order::{Channel, Order, Status};
use engine::port::RecordedEvent;
use engine::{Ask, Engine, Failure, Options, RealPause, StopSignal, Stopper};
use http_body_util::BodyExt as _;
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::{Value, json};
use testkit::{MemoryStore, StepClock, builders};
use tower::ServiceExt as _;

use super::list::Picked;
use super::shape::history;
use super::word::Word;
use crate::app::{App, AppOptions};
use crate::request::RequestId;

/// The door, its engine, and what ends the engine's workers when it is dropped.
struct House {
    app: App,
    _stopper: Stopper,
}

fn caller(id: &str, role: Role) -> Caller {
    Caller { id: id.into(), role }
}

fn ask() -> Ask {
    Ask::of(Caller::local_admin(), "test".into())
}

impl House {
    async fn open() -> Self {
        let clock = Arc::new(StepClock::default());
        let store = Arc::new(MemoryStore::new().with_clock(clock.clone()));
        let (engine, writers) = Engine::new(store, clock, Arc::new(RealPause), Settings::default(), Options::default());
        for writer in writers {
            tokio::spawn(writer.run());
        }
        let (stopper, stop): (Stopper, StopSignal) = Stopper::new();
        tokio::spawn(engine::worker::run_payments(engine.clone(), Arc::new(engine::worker::StubProvider), stop.clone()));
        engine.submit(builders::sku("tea"), ask()).await.unwrap();
        engine.submit(builders::offer("tea", 1000), ask()).await.unwrap();
        engine.submit(builders::restock("tea", 100), ask()).await.unwrap();
        let options = AppOptions {
            answer_within: Duration::from_secs(5),
            patience: Duration::from_secs(5),
            metrics: PrometheusBuilder::new().build_recorder().handle(),
            version: "test",
            process: 1,
            stopped: stop,
        };
        Self { app: App::new(engine, options), _stopper: stopper }
    }

    /// What `who` is answered. Every request has the same id, so that answers can be compared to the byte.
    async fn call(&self, who: &Caller, method: &str, path: &str, body: Option<Value>) -> (StatusCode, Vec<u8>) {
        let who = who.clone();
        let identity = from_fn(move |mut request: Request<Body>, next: axum::middleware::Next| {
            request.extensions_mut().insert(who.clone());
            request.extensions_mut().insert(RequestId::parse("r").expect("it is one"));
            next.run(request)
        });
        let door: Router = super::router().layer(identity).with_state(self.app.clone());
        let request = Request::builder().method(method).uri(path);
        let request = match body {
            Some(body) => request.header("content-type", "application/json").body(Body::from(body.to_string())),
            None => request.body(Body::empty()),
        };
        let response = door.oneshot(request.expect("it is a request")).await.expect("a door always answers");
        let status = response.status();
        (status, response.into_body().collect().await.expect("it is in memory").to_bytes().to_vec())
    }

    async fn json(&self, who: &Caller, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let (status, bytes) = self.call(who, method, path, body).await;
        (status.as_u16(), serde_json::from_slice(&bytes).expect("every answer is JSON"))
    }

    async fn order_of(&self, who: &Caller) -> String {
        let (status, order) = self.json(who, "POST", "/api/orders", Some(body(None))).await;
        assert_eq!(status, 201, "{order}");
        order["id"].as_str().expect("an id").to_owned()
    }

    async fn pay(&self, id: &str) {
        let command = RequestPayment { order_id: id.parse::<Uuid>().expect("an id").into(), method: None };
        self.app.engine.pay(command, ask(), Duration::from_secs(5)).await.unwrap();
    }
}

fn body(user_id: Option<&str>) -> Value {
    let items = json!([{ "product_id": "product of tea", "quantity": 1 }]);
    json!({ "user_id": user_id, "items": items, "shipping_address_id": "home", "billing_address_id": "home" })
}

#[tokio::test]
async fn a_customer_orders_for_himself_and_others_say_for_whom() {
    let house = House::open().await;
    let ada = caller("ada", Role::Customer);
    for user_id in [None, Some("ada")] {
        let (status, order) = house.json(&ada, "POST", "/api/orders", Some(body(user_id))).await;
        assert_eq!((status, &order["user_id"]), (201, &json!("ada")));
    }
    let (status, told) = house.json(&ada, "POST", "/api/orders", Some(body(Some("bob")))).await;
    assert_eq!((status, &told["code"]), (403, &json!("FORBIDDEN")));
    for role in [Role::Service, Role::Admin] {
        let who = caller("desk", role);
        let (status, order) = house.json(&who, "POST", "/api/orders", Some(body(Some("bob")))).await;
        assert_eq!((status, &order["user_id"]), (201, &json!("bob")));
        let (status, told) = house.json(&who, "POST", "/api/orders", Some(body(None))).await;
        assert_eq!((status, &told["errors"][0]["pointer"]), (422, &json!("/user_id")));
    }
    let (status, _) = house.json(&caller("s", Role::Support), "POST", "/api/orders", Some(body(Some("bob")))).await;
    assert_eq!(status, 403);
}

#[tokio::test]
async fn a_foreign_order_is_like_none_to_the_byte() {
    let house = House::open().await;
    let (ada, bob) = (caller("ada", Role::Customer), caller("bob", Role::Customer));
    let id = house.order_of(&ada).await;
    let none = Uuid::from_u128(7).to_string();
    for (method, path) in [("GET", ""), ("GET", "/tracking"), ("POST", "/cancel")] {
        let ask = |id: &str| format!("/api/orders/{id}{path}");
        let foreign = house.call(&bob, method, &ask(&id), None).await;
        let absent = house.call(&bob, method, &ask(&none), None).await;
        assert_eq!(foreign.0, StatusCode::NOT_FOUND, "{method} {path}");
        let text = |(_, bytes): (StatusCode, Vec<u8>)| String::from_utf8(bytes).expect("it is JSON");
        // The id that the caller asked for is his own word.
        assert_eq!(text(foreign).replace(&id, "ID"), text(absent).replace(&none, "ID"), "{method} {path}");
        assert_eq!(house.call(&ada, "GET", &ask(&id).replace("/cancel", ""), None).await.0, StatusCode::OK);
    }
    let (_, mine) = house.json(&bob, "GET", "/api/orders", None).await;
    let (_, asked) = house.json(&bob, "GET", "/api/orders?user_id=ada", None).await;
    assert_eq!((&mine["items"], &asked["items"]), (&json!([]), &json!([])));
    let (_, hers) = house.json(&ada, "GET", "/api/orders", None).await;
    assert_eq!(hers["items"][0]["id"], json!(id));
}

#[tokio::test]
async fn only_an_administrator_moves_an_order_by_hand() {
    let house = House::open().await;
    let ada = caller("ada", Role::Customer);
    let id = house.order_of(&ada).await;
    house.pay(&id).await;
    let path = format!("/api/orders/{id}/status");
    for who in [ada.clone(), caller("s", Role::Support), caller("w", Role::Service)] {
        let (status, told) = house.json(&who, "PUT", &path, Some(json!({ "status": "PROCESSING" }))).await;
        assert_eq!((status, &told["code"]), (403, &json!("FORBIDDEN")), "{who:?}");
    }
    let admin = caller("root", Role::Admin);
    let (status, order) = house.json(&admin, "PUT", &path, Some(json!({ "status": "PROCESSING", "notes": "desk 4" }))).await;
    assert_eq!((status, &order["status"]), (200, &json!("PROCESSING")));
    let last = order["status_history"].as_array().and_then(|changes| changes.last()).expect("a history");
    assert_eq!((&last["changed_by"], &last["notes"]), (&json!("root"), &json!("desk 4")));
}

#[tokio::test]
async fn what_is_packed_is_canceled_by_an_administrator_alone() {
    let house = House::open().await;
    let (ada, admin) = (caller("ada", Role::Customer), caller("root", Role::Admin));
    let id = house.order_of(&ada).await;
    let paid = house.order_of(&ada).await;
    for id in [&id, &paid] {
        house.pay(id).await;
    }
    house.json(&admin, "PUT", &format!("/api/orders/{id}/status"), Some(json!({ "status": "PROCESSING" }))).await;
    let path = format!("/api/orders/{id}/cancel");
    for who in [ada.clone(), caller("s", Role::Support), caller("w", Role::Service)] {
        let (status, told) = house.json(&who, "POST", &path, None).await;
        assert_eq!((status, &told["code"], &told["status_now"]), (409, &json!("INVALID_TRANSITION"), &json!("PROCESSING")), "{who:?}");
    }
    // What is only paid, the customer may still give up.
    let (status, order) = house.json(&ada, "POST", &format!("/api/orders/{paid}/cancel"), None).await;
    assert_eq!((status, &order["status"], &order["refunds"][0]["amount"]), (200, &json!("CANCELLED"), &json!(10.00)));
    let (status, order) = house.json(&admin, "POST", &path, None).await;
    assert_eq!((status, &order["status"], &order["cancellation_reason"]), (200, &json!("CANCELLED"), &json!("user_requested")));
}

/// An order as it would be at another status.
async fn order_like(status: Status, before: Option<Status>) -> OrderAnswer {
    let house = House::open().await;
    let id = house.order_of(&caller("ada", Role::Customer)).await;
    let found = house.app.engine.queries().order(&Caller::local_admin(), id.parse::<Uuid>().expect("an id").into()).await;
    let answer = found.unwrap().expect("it was placed");
    let order = Order { status, status_before: before, ..(*answer.order).clone() };
    OrderAnswer { order: Arc::new(order), ..answer }
}

#[tokio::test]
async fn a_page_shows_only_the_word_asked_for_and_goes_on_behind_what_it_hides() {
    let confirmed = order_like(Status::Paid, None).await;
    let hidden = order_like(Status::RefundPending, Some(Status::Delivered)).await;
    let shown = order_like(Status::RefundPending, Some(Status::Paid)).await;
    let words = [Word::Confirmed];
    let mut picked = Picked::after(None, 2);
    // One more than a page: there are others behind.
    picked.pick(vec![hidden.clone(), confirmed.clone(), hidden.clone()], &words);
    assert_eq!((picked.orders.len(), picked.has_more, picked.wants_more()), (1, true, true));
    assert_eq!(picked.last, Some((confirmed.order.created_at, confirmed.order.order_id.0)));
    picked.pick(vec![shown.clone(), confirmed.clone()], &words);
    assert_eq!((picked.orders.len(), picked.has_more, picked.wants_more()), (2, true, false));
    assert_eq!(picked.last, Some((shown.order.created_at, shown.order.order_id.0)));
    let mut all = Picked::after(None, 2);
    all.pick(vec![hidden.clone(), confirmed], &[]);
    assert_eq!((all.orders.len(), all.has_more), (2, false));
}

#[tokio::test]
async fn what_became_another_products_meanwhile_is_not_sold() {
    let house = House::open().await;
    let engine = &house.app.engine;
    let order = |named: Option<&str>| PlaceProducts {
        order: builders::place().through(Channel::Storefront).0,
        lines: vec![ProductRequest { product_id: "product of tea".into(), named: named.map(Into::into), qty: 1 }],
        candidates: ["tea".into()].into(),
    };
    assert_eq!(engine.submit(order(None), ask()).await.unwrap().answer.order.lines.len(), 1);
    for moved in [
        PutSku { product_id: "another".into(), ..builders::sku("tea") },
        PutSku { product_id: "another".into(), status: SkuStatus::Inactive, ..builders::sku("tea") },
    ] {
        engine.submit(moved, ask()).await.unwrap();
        for named in [None, Some("tea")] {
            let refused = engine.submit(order(named), ask()).await;
            assert!(matches!(refused, Err(Failure::Refused(ref refusal)) if refusal.code() == "UNKNOWN_PRODUCT"), "{refused:?}");
        }
    }
}

fn fact(sequence: i64, from: Option<&str>, to: &str) -> RecordedEvent {
    RecordedEvent {
        order_event_id: Uuid::from_u128(sequence.unsigned_abs().into()).into(),
        sequence,
        event_type: "X".into(),
        from: from.map(Into::into),
        to: to.into(),
        payload: "{}".into(),
        notes: None,
        changed_by: "ada".into(),
        request_id: "r".into(),
        created_at: domain::time::Time(sequence),
    }
}

#[tokio::test]
async fn money_on_its_way_back_has_the_word_of_the_status_before() {
    for (before, word) in [
        (Status::Paid, Word::Confirmed),
        (Status::ReadyToShip, Word::Processing),
        (Status::Shipped, Word::Shipped),
        (Status::Delivered, Word::Delivered),
    ] {
        assert_eq!(Word::of(&order_like(Status::RefundPending, Some(before)).await.order), word);
        assert!(Word::statuses(&[word]).contains(&Status::RefundPending), "{word:?}");
    }
    assert_eq!(Word::statuses(&[Word::Refunded, Word::Pending]), [Status::Created, Status::PaymentPending, Status::Refunded]);
    assert_eq!(Word::statuses(&[]), []);
    let order = order_like(Status::Refunded, None).await;
    let facts = [
        fact(1, None, "CREATED"),
        fact(2, Some("CREATED"), "CREATED"),
        fact(3, Some("CREATED"), "PAYMENT_PENDING"),
        fact(4, Some("PAYMENT_PENDING"), "PAID"),
        fact(5, Some("PAID"), "REFUND_PENDING"),
        fact(6, Some("REFUND_PENDING"), "PAID"),
        fact(7, Some("PAID"), "REFUND_PENDING"),
        fact(8, Some("REFUND_PENDING"), "REFUNDED"),
    ];
    let told = serde_json::to_value(history(&order.order, &facts)).unwrap();
    let words: Vec<_> =
        told.as_array().into_iter().flatten().map(|change| (change["from_status"].as_str(), change["to_status"].as_str())).collect();
    assert_eq!(words, [(None, Some("PENDING")), (Some("PENDING"), Some("CONFIRMED")), (Some("CONFIRMED"), Some("REFUNDED"))], "{told}");
}

#[test]
fn every_word_is_read_back_and_every_status_is_found_by_one() {
    for (text, word) in Word::ALL {
        assert_eq!(word.as_str(), *text);
    }
    let all: Vec<Word> = Word::ALL.iter().map(|(_, word)| *word).collect();
    assert_eq!(Word::statuses(&all), Status::ALL);
}
