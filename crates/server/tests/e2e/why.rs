//! Why an order stands where it stands: over its whole life, in words.

use serde_json::{Value, json};

use crate::support::{Database, Http, Server, Setup, cart, goods, place, problem};

on_each_database![an_order_says_what_it_waits_for_all_its_life, what_went_wrong_is_said, an_order_that_is_not_there_says_nothing];

async fn why(http: &Http, order_id: &str) -> Value {
    http.get(format!("/api/v1/orders/{order_id}/why")).send().await.expect(200).json()
}

fn calls(told: &Value) -> Vec<String> {
    let moves = told["moves"].as_array().unwrap_or_else(|| panic!("no moves in {told}"));
    moves.iter().map(|step| step["call"].as_str().expect("a call").to_owned()).collect()
}

async fn an_order_says_what_it_waits_for_all_its_life(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 10).await;
    let order = place(http, "k", &cart(&[("TEA", 2)])).send().await.expect(201).json();
    let order_id = order["order_id"].as_str().expect("an id");
    let told = why(http, order_id).await;
    assert_eq!(
        (&told["waiting_for"], &told["since"], &told["until"]),
        (&json!("payment_request"), &order["created_at"], &order["expires_at"])
    );
    assert!(told["explanation"].as_str().is_some_and(|text| text.contains("20.00 USD")), "{told}");
    assert_eq!(calls(&told), ["POST /api/v1/payments".to_owned(), format!("POST /api/v1/orders/{order_id}/cancel")]);
    let events = format!("/internal/orders/{order_id}/events");
    let hear = async |number: u32, body: Value| {
        let mut body = body;
        body["event_id"] = json!(format!("e-{number}"));
        http.post(&*events).json(&body).send().await.expect(200);
    };
    hear(1, json!({ "event_type": "payment.confirmed", "payload": { "amount": "20.00" } })).await;
    let told = why(http, order_id).await;
    assert_eq!((&told["waiting_for"], &told["status"], &told["until"]), (&json!("packing"), &json!("PAID"), &Value::Null));
    let paid_at = told["since"].clone();
    assert!(paid_at.as_str() > order["created_at"].as_str());
    // A change of the notes moves nothing.
    http.request("PATCH", format!("/api/v1/orders/{order_id}")).json(&json!({ "notes": "n" })).send().await.expect(200);
    assert_eq!(why(http, order_id).await["since"], paid_at);
    http.put(format!("/api/orders/{order_id}/status")).json(&json!({ "status": "PROCESSING" })).send().await.expect(200);
    assert_eq!(why(http, order_id).await["waiting_for"], json!("shipping"));
    hear(2, json!({ "event_type": "shipment.shipped", "payload": { "tracking_number": "1Z" } })).await;
    let told = why(http, order_id).await;
    assert_eq!(told["waiting_for"], json!("delivery"));
    assert!(told["explanation"].as_str().is_some_and(|text| text.contains("1Z")), "{told}");
    hear(3, json!({ "event_type": "shipment.delivered", "payload": {} })).await;
    assert_eq!(why(http, order_id).await["waiting_for"], json!("nothing"));
}

async fn what_went_wrong_is_said(database: &Database) {
    let server = Setup::on(database).set("ORDO_PAYMENTS__ANSWER_WITHIN_MS", "100").start().await;
    let http = &server.http;
    goods(http, "TEA", 10).await;
    let placed = async |key: &str, method: &str| {
        let order_id = place(http, key, &cart(&[("TEA", 1)])).send().await.expect(201).string("order_id");
        http.post(format!("/orders/{order_id}/confirm")).json(&json!({ "payment_method": method })).send().await;
        order_id
    };
    let declined = why(http, &placed("d", "card_stub_decline").await).await;
    assert_eq!(declined["waiting_for"], json!("another_payment"));
    assert!(declined["explanation"].as_str().is_some_and(|text| text.contains("card_declined")), "{declined}");
    let silent = why(http, &placed("t", "card_stub_timeout").await).await;
    assert_eq!(silent["waiting_for"], json!("payment_provider"));
    assert!(silent["until"].is_string(), "when it is asked next: {silent}");
    let canceled = placed("c", "card_stub_decline").await;
    http.post(format!("/api/v1/orders/{canceled}/cancel")).json(&json!({ "reason": "too slow" })).send().await.expect(200);
    let told = why(http, &canceled).await;
    assert_eq!((&told["waiting_for"], calls(&told)), (&json!("nothing"), vec![]));
    assert!(told["explanation"].as_str().is_some_and(|text| text.contains("too slow")), "{told}");
}

async fn an_order_that_is_not_there_says_nothing(database: &Database) {
    let server = Server::on(database).await;
    problem(&server.http.get("/api/v1/orders/018f4e9a-0000-7000-8000-000000000000/why").send().await, 404, "ORDER_NOT_FOUND");
    problem(&server.http.get("/api/v1/orders/x/why").send().await, 404, "NOT_FOUND");
}
