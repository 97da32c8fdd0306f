//! An order as it was at a time: every state that was ever answered is answered again.

use serde_json::{Value, json};

use crate::support::{Database, Http, Server, cart, goods, place, problem};

on_each_database![
    every_state_that_was_shown_is_shown_again,
    before_it_was_placed_there_is_no_order,
    what_names_people_is_shown_as_it_is_now
];

async fn read(http: &Http, order_id: &str, query: &str) -> Value {
    let reply = http.get(format!("/api/v1/orders/{order_id}{query}")).send().await.expect(200);
    assert_eq!(reply.header("etag").is_some(), query.is_empty(), "only what is now has a tag: {query}");
    reply.json()
}

/// Time goes on: two changes in one millisecond are one moment.
async fn tick() {
    tokio::time::sleep(std::time::Duration::from_millis(3)).await;
}

async fn every_state_that_was_shown_is_shown_again(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 100).await;
    let mut body = cart(&[("TEA", 2)]);
    body["payment_method"] = json!("card_stub_decline");
    let mut states = Vec::new();
    let mut orders = Vec::new();
    for key in ["paid", "canceled"] {
        let order_id = place(http, key, &body).send().await.expect(201).string("order_id");
        states.push(read(http, &order_id, "").await);
        tick().await;
        http.post(format!("/orders/{order_id}/confirm")).send().await.expect(402);
        states.push(read(http, &order_id, "").await);
        tick().await;
        orders.push(order_id);
    }
    let confirm = http.post(format!("/orders/{}/confirm", orders[0])).json(&json!({ "payment_method": "card_stub" }));
    confirm.send().await.expect(200);
    http.post(format!("/api/v1/orders/{}/cancel", orders[1])).json(&json!({ "reason": "changed my mind" })).send().await.expect(200);
    for order_id in &orders {
        states.push(read(http, order_id, "").await);
    }
    let words: Vec<_> = states.iter().map(|state| state["status"].as_str().expect("a word")).collect();
    assert_eq!(words, ["CREATED", "PAYMENT_PENDING", "CREATED", "PAYMENT_PENDING", "PAID", "CANCELED"]);
    for state in &states {
        let (order_id, at) = (state["order_id"].as_str().expect("an id"), state["updated_at"].as_str().expect("a time"));
        assert_eq!(&read(http, order_id, &format!("?at={at}")).await, state, "at {at}");
    }
    assert_eq!(&read(http, &orders[0], "?at=2999-01-01T00:00:00Z").await, &states[4], "the future is now");
    // Its first state, whatever happened since.
    let created_at = states[0]["created_at"].as_str().expect("a time");
    let first = read(http, &orders[0], &format!("?at={created_at}")).await;
    assert_eq!((&first["payment"], &first["payment_status"], &first["version"]), (&Value::Null, &json!("pending"), &json!(2)));
    // Between two changes it is as the earlier one left it; other zones name the same moment.
    let between = states[4]["updated_at"].as_str().expect("a time").replace('Z', "%2B00:00");
    assert_eq!(read(http, &orders[0], &format!("?at={between}")).await, states[4]);
}

async fn before_it_was_placed_there_is_no_order(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 100).await;
    let order_id = place(http, "k", &cart(&[("TEA", 1)])).send().await.expect(201).string("order_id");
    tick().await;
    http.post(format!("/api/v1/orders/{order_id}/cancel")).send().await.expect(200);
    let path = format!("/api/v1/orders/{order_id}");
    problem(&http.get(format!("{path}?at=2001-01-01T00:00:00Z")).send().await, 404, "ORDER_NOT_FOUND");
    for wrong in ["at=yesterday", "at=", "at=2026-02-30T00:00:00Z", "att=2026-01-01T00:00:00Z"] {
        problem(&http.get(format!("{path}?{wrong}")).send().await, 422, "INVALID_PARAMETER");
    }
    let nobody = "/api/v1/orders/018f4e9a-0000-7000-8000-000000000000?at=2999-01-01T00:00:00Z";
    problem(&http.get(nobody).send().await, 404, "ORDER_NOT_FOUND");
}

async fn what_names_people_is_shown_as_it_is_now(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 100).await;
    let placed = place(http, "k", &cart(&[("TEA", 1)])).send().await.expect(201).json();
    let order_id = placed["order_id"].as_str().expect("an id");
    tick().await;
    let change = json!({ "notes": "ring twice", "metadata": { "a": 1 } });
    http.request("PATCH", format!("/api/v1/orders/{order_id}")).json(&change).send().await.expect(200);
    let first = read(http, order_id, &format!("?at={}", placed["updated_at"].as_str().expect("a time"))).await;
    let mut expected = placed.clone();
    expected["notes"] = json!("ring twice");
    expected["metadata"] = json!({ "a": 1 });
    assert_eq!(first, expected);
}
