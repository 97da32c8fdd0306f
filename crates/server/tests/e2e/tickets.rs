//! The tickets door: its three words, its short errors, its payments.

use serde_json::{Value, json};

use crate::support::{Database, Http, Reply, Server, Setup, event_types};

on_each_database![
    a_ticket_order_is_created_confirmed_and_read,
    confirming_twice_answers_with_the_same_payment,
    a_declined_payment_leaves_the_order_open_for_another,
    a_silent_provider_leaves_everything_pending,
    only_a_pending_order_can_be_canceled,
    a_key_makes_one_ticket_order,
    this_door_has_its_own_errors,
];

const HOLD: &str = "7a3f1f0e-52c7-4d1b-9a35-0c1c6f1f7d10";
const SESSION: &str = "0b7a2c34-1111-4222-8333-444455556666";
const SEAT: &str = "0b7a2c34-aaaa-4bbb-8ccc-ddddeeeeffff";

fn body() -> Value {
    json!({
        "customer_email": "ana@example.com",
        "hold_id": HOLD,
        "items": [{ "session_id": SESSION, "ticket_type_id": SEAT, "quantity": 3, "unit_price": 19.99 }],
    })
}

async fn create(http: &Http, key: &str) -> String {
    create_for(http, key, HOLD).await
}

async fn create_for(http: &Http, key: &str, hold_id: &str) -> String {
    let mut body = body();
    body["hold_id"] = json!(hold_id);
    http.post("/orders").key(key).json(&body).send().await.expect(201).string("order_id")
}

fn confirm(http: &Http, order_id: &str, method: Option<&str>) -> crate::support::Request {
    let request = http.post(format!("/orders/{order_id}/confirm"));
    match method {
        Some(method) => request.json(&json!({ "payment_method": method })),
        None => request,
    }
}

/// The two members of an error, and no others.
fn error(reply: &Reply, status: u16, word: &str) -> String {
    assert_eq!(reply.status, status, "{}", reply.text());
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let told = reply.json();
    let names: Vec<_> = told.as_object().into_iter().flat_map(|object| object.keys()).collect();
    assert_eq!(names, ["error", "message"], "{told}");
    assert_eq!(told["error"], word, "{told}");
    told["message"].as_str().expect("a message is text").to_owned()
}

async fn a_ticket_order_is_created_confirmed_and_read(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    let created = http.post("/orders").key("k").json(&body()).send().await.expect(201);
    assert_eq!(created.raw("/total_amount"), "59.97");
    assert_eq!(created.raw("/items/0/unit_price"), "19.99");
    let order = created.json();
    assert_eq!(order["status"], "pending");
    assert!(order["created_at"].is_string() && order["items"][0]["id"].is_string(), "{order}");
    assert_eq!((&order["items"][0]["session_id"], &order["items"][0]["quantity"]), (&json!(SESSION), &json!(3)));
    let order_id = created.string("order_id");

    let confirmed = confirm(http, &order_id, None).send().await.expect(200);
    let answer = confirmed.json();
    assert_eq!((&answer["order_id"], &answer["status"]), (&json!(order_id), &json!("confirmed")));
    assert_eq!((&answer["payment"]["status"], &answer["payment"]["payment_method"]), (&json!("succeeded"), &json!("card_stub")));
    assert_eq!(confirmed.raw("/payment/amount"), "59.97");

    let read = http.get(format!("/orders/{order_id}")).send().await.expect(200).json();
    assert_eq!((&read["status"], &read["customer_email"]), (&json!("confirmed"), &json!("ana@example.com")));
    assert_eq!((&read["hold_id"], &read["currency"], &read["payment"]), (&json!(HOLD), &json!("USD"), &answer["payment"]));
    assert!(read["updated_at"].is_string());
    // The canonical door sees the same order in its own words.
    let canonical = http.get(format!("/api/v1/orders/{order_id}")).send().await.expect(200).json();
    assert_eq!((&canonical["status"], &canonical["channel"]), (&json!("PAID"), &json!("tickets")));
}

async fn confirming_twice_answers_with_the_same_payment(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    let order_id = create(http, "k").await;
    let first = confirm(http, &order_id, None).send().await.expect(200).json();
    let again = confirm(http, &order_id, Some("card_stub_decline")).send().await.expect(200).json();
    assert_eq!(again, first);
    let events = event_types(http, &order_id).await;
    assert_eq!(events, ["ORDER_CREATED", "PAYMENT_REQUESTED", "PAYMENT_SUCCEEDED"]);
}

async fn a_declined_payment_leaves_the_order_open_for_another(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    let order_id = create(http, "k").await;
    error(&confirm(http, &order_id, Some("card_stub_decline")).send().await, 402, "payment_failed");
    let read = http.get(format!("/orders/{order_id}")).send().await.expect(200).json();
    assert_eq!((&read["status"], &read["payment"]["status"]), (&json!("pending"), &json!("failed")));
    let paid = confirm(http, &order_id, Some("card_stub")).send().await.expect(200).json();
    assert_eq!((&paid["status"], &paid["payment"]["status"]), (&json!("confirmed"), &json!("succeeded")));
    assert_ne!(paid["payment"]["id"], read["payment"]["id"]);
    let events = event_types(http, &order_id).await;
    assert_eq!(events, ["ORDER_CREATED", "PAYMENT_REQUESTED", "PAYMENT_FAILED", "PAYMENT_REQUESTED", "PAYMENT_SUCCEEDED"]);
    // A 402 is an outcome: the same key tells it again.
    let other = create_for(http, "k2", SESSION).await;
    for _ in 0..2 {
        let reply = confirm(http, &other, Some("card_stub_decline")).key("c").send().await;
        error(&reply, 402, "payment_failed");
    }
    assert_eq!(event_types(http, &other).await, ["ORDER_CREATED", "PAYMENT_REQUESTED", "PAYMENT_FAILED"]);
}

async fn a_silent_provider_leaves_everything_pending(database: &Database) {
    let server = Setup::on(database).set("ORDO_PAYMENTS__ANSWER_WITHIN_MS", "300").start().await;
    let http = &server.http;
    let order_id = create(http, "k").await;
    let first = confirm(http, &order_id, Some("card_stub_timeout")).send().await.expect(202).json();
    assert_eq!((&first["status"], &first["payment"]["status"]), (&json!("pending"), &json!("pending")));
    // Asked again, it is the same attempt: nothing is charged twice.
    let again = confirm(http, &order_id, Some("card_stub")).send().await.expect(202).json();
    assert_eq!(again["payment"]["id"], first["payment"]["id"]);
    assert_eq!(event_types(http, &order_id).await, ["ORDER_CREATED", "PAYMENT_REQUESTED"]);
    // What may still be charged cannot be given up.
    let reply = http.post(format!("/orders/{order_id}/cancel")).send().await;
    error(&reply, 409, "payment_in_progress");
}

async fn only_a_pending_order_can_be_canceled(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    let pending = create(http, "a").await;
    let canceled = http.post(format!("/orders/{pending}/cancel")).send().await.expect(200).json();
    assert_eq!(canceled, json!({ "order_id": pending, "status": "cancelled" }));
    let message = error(&http.post(format!("/orders/{pending}/cancel")).send().await, 400, "invalid_state");
    assert_eq!(message, "Cannot cancel cancelled order");
    error(&confirm(http, &pending, None).send().await, 400, "invalid_state");
    let confirmed = create(http, "b").await;
    confirm(http, &confirmed, None).send().await.expect(200);
    let message = error(&http.post(format!("/orders/{confirmed}/cancel")).send().await, 400, "invalid_state");
    assert_eq!(message, "Cannot cancel confirmed order");
    let read = http.get(format!("/orders/{confirmed}")).send().await.expect(200).json();
    assert_eq!((&read["status"], &read["payment"]["status"]), (&json!("confirmed"), &json!("succeeded")));
}

async fn a_key_makes_one_ticket_order(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    let order_id = create(http, "k").await;
    let again = http.post("/orders").key("k").json(&body()).send().await.expect(200);
    assert!(again.is_replay());
    let told = again.json();
    assert_eq!((&told["order_id"], &told["status"]), (&json!(order_id), &json!("pending")));
    assert_eq!(told["message"], "Order already exists for this idempotency key");
    assert_eq!(again.raw("/total_amount"), "59.97");
    let mut other = body();
    other["items"][0]["quantity"] = json!(4);
    error(&http.post("/orders").key("k").json(&other).send().await, 422, "idempotency_key_reused");
    other["items"] = json!([]);
    error(&http.post("/orders").key("k").json(&other).send().await, 422, "idempotency_key_reused");
    error(&http.post("/orders").json(&body()).send().await, 400, "idempotency_key_required");
}

async fn this_door_has_its_own_errors(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    for path in ["/orders/67e55044-10b1-426f-9247-bb680e5fe0c8", "/orders/42"] {
        error(&http.get(path).send().await, 404, "order_not_found");
        for action in ["confirm", "cancel"] {
            error(&http.post(format!("{path}/{action}")).send().await, 404, "order_not_found");
        }
    }
    for (broken, named) in [
        (json!({ "customer_email": "no address" }), "/customer_email"),
        (json!({ "hold_id": "42" }), "/hold_id"),
        (json!({ "items": [] }), "/items"),
        (json!({ "items": [{ "session_id": SESSION, "ticket_type_id": SEAT, "quantity": 0, "unit_price": 1 }] }), "/items/0/quantity"),
        (json!({ "items": [{ "session_id": SESSION, "ticket_type_id": SEAT, "quantity": 1, "unit_price": -1 }] }), "/items/0/unit_price"),
        (json!({ "items": [{ "session_id": SESSION, "ticket_type_id": SEAT, "quantity": 1, "unit_price": 1.001 }] }), ""),
        (json!({ "email": "x" }), "/email"),
    ] {
        let mut body = body();
        for (name, value) in broken.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        let message = error(&http.post("/orders").key("k").json(&body).send().await, 422, "validation_error");
        assert!(message.contains(named), "{named}: {message}");
    }
    error(&http.post("/orders").key("k").body("application/json", "{").send().await, 400, "malformed_json");
    let order_id = create(http, "k").await;
    assert_eq!(http.get(format!("/orders/{order_id}")).send().await.expect(200).string("status"), "pending");
}
