//! Idempotency keys as one caller uses them, one call after the other.

use serde_json::json;

use crate::support::{Database, Server, all_orders, cart, goods, place, problem, stock};

on_each_database![
    the_same_key_answers_with_the_same_order,
    a_used_key_refuses_another_request_whatever_else_is_wrong_with_it,
    a_refused_request_does_not_burn_its_key,
    a_key_is_required_and_only_one,
    a_replay_shows_the_order_as_it_is_now,
    a_used_key_is_known_after_a_restart,
];

async fn the_same_key_answers_with_the_same_order(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 10).await;
    let first = place(http, "k", &cart(&[("TEA", 2)])).send().await.expect(201);
    assert!(!first.is_replay());
    let again = place(http, "k", &cart(&[("TEA", 2)])).send().await.expect(200);
    assert!(again.is_replay());
    assert_eq!(again.text(), first.text());
    // The same request in other words: another order of fields, the key in the body.
    let spelled = r#" { "idempotency_key": "k", "shipping_address_id": "home", "items": [ { "qty": 2, "sku_id": "TEA" } ] } "#;
    let again = http.post("/api/v1/orders").body("application/json", spelled).send().await.expect(200);
    assert!(again.is_replay());
    assert_eq!(again.text(), first.text());
    // Quoted, as the draft of the IETF has it.
    let again = place(http, "\"k\"", &cart(&[("TEA", 2)])).send().await.expect(200);
    assert_eq!(again.text(), first.text());
    assert_eq!(stock(http, "TEA").await, (10, 2));
    assert_eq!(all_orders(http, "").await.len(), 1);
}

async fn a_used_key_refuses_another_request_whatever_else_is_wrong_with_it(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 10).await;
    place(http, "k", &cart(&[("TEA", 2)])).send().await.expect(201);
    for other in [
        cart(&[("TEA", 3)]),
        cart(&[("TEA", 0)]),
        cart(&[("NO-SUCH", 1)]),
        json!({}),
        json!({ "items": "many", "foo": 1 }),
        json!({ "items": [{ "sku_id": "TEA", "qty": 2 }], "shipping_address_id": "home", "notes": "x" }),
    ] {
        let reply = place(http, "k", &other).send().await;
        problem(&reply, 422, "IDEMPOTENCY_KEY_REUSED");
    }
    // What cannot be parsed has no key yet.
    let reply = http.post("/api/v1/orders").key("k").body("application/json", "{").send().await;
    problem(&reply, 400, "MALFORMED_JSON");
    assert_eq!(all_orders(http, "").await.len(), 1);
    assert_eq!(stock(http, "TEA").await, (10, 2));
}

async fn a_refused_request_does_not_burn_its_key(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 1).await;
    let reply = place(http, "k", &cart(&[("TEA", 2)])).send().await;
    problem(&reply, 409, "OUT_OF_STOCK");
    let reply = place(http, "k", &cart(&[("TEA", 0)])).send().await;
    problem(&reply, 422, "VALIDATION_FAILED");
    http.post("/api/v1/inventory/TEA/restock").json(&json!({ "qty": 1 })).send().await.expect(200);
    let placed = place(http, "k", &cart(&[("TEA", 2)])).send().await.expect(201);
    assert!(!placed.is_replay());
}

async fn a_key_is_required_and_only_one(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 10).await;
    let body = cart(&[("TEA", 1)]);
    let reply = http.post("/api/v1/orders").json(&body).send().await;
    problem(&reply, 400, "IDEMPOTENCY_KEY_REQUIRED");
    let mut two = body.clone();
    two["idempotency_key"] = json!("b");
    let reply = place(http, "a", &two).send().await;
    problem(&reply, 400, "IDEMPOTENCY_KEY_MISMATCH");
    for wrong in ["", "a b", &"k".repeat(256)] {
        let reply = place(http, wrong, &body).send().await;
        problem(&reply, 400, "IDEMPOTENCY_KEY_INVALID");
    }
    assert_eq!(all_orders(http, "").await.len(), 0);
    let mut same = body;
    same["idempotency_key"] = json!("a");
    place(http, "a", &same).send().await.expect(201);
}

async fn a_replay_shows_the_order_as_it_is_now(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 10).await;
    let placed = place(http, "k", &cart(&[("TEA", 1)])).send().await.expect(201);
    let order_id = placed.string("order_id");
    http.post(format!("/api/v1/orders/{order_id}/cancel")).send().await.expect(200);
    let again = place(http, "k", &cart(&[("TEA", 1)])).send().await.expect(200);
    assert!(again.is_replay());
    assert_eq!((again.string("order_id"), again.string("status")), (order_id, "CANCELED".to_owned()));
    assert_eq!(stock(http, "TEA").await, (10, 0));
}

async fn a_used_key_is_known_after_a_restart(database: &Database) {
    let mut server = Server::on(database).await;
    goods(&server.http, "TEA", 10).await;
    let placed = place(&server.http, "k", &cart(&[("TEA", 1)])).send().await.expect(201);
    let restock = |http: &crate::support::Http| http.post("/api/v1/inventory/TEA/restock").key("r").json(&json!({ "qty": 5 }));
    let stocked = restock(&server.http).send().await.expect(200);
    assert_eq!(server.terminate().await.0, Some(0));
    let server = Server::on(database).await;
    let again = place(&server.http, "k", &cart(&[("TEA", 1)])).send().await.expect(200);
    assert_eq!(again.text(), placed.text());
    let again = restock(&server.http).send().await.expect(200);
    assert!(again.is_replay());
    assert_eq!(again.text(), stocked.text());
    assert_eq!(stock(&server.http, "TEA").await, (15, 1));
}
