//! Asking what would be: the same yes or no with the same sums, and nothing happens.

use serde_json::{Value, json};

use crate::support::{
    Database, Http, Reply, Request, Server, all_orders, audit_is_clean, cart, crowd, event_types, goods, metric, place, problem, stock,
};

on_each_database![
    what_would_be_placed_is_what_is_placed,
    many_who_only_ask_for_the_last_unit_all_hear_yes_and_take_nothing,
    asking_among_buyers_changes_nothing_for_them,
    what_would_be_refused_is_refused_alike,
    what_would_be_canceled_stays,
    a_preference_that_nobody_knows_is_ignored,
];

fn would(request: Request) -> Request {
    request.header("Prefer", "dry-run")
}

/// The answer of a call that was only asked for.
fn asked(reply: &Reply, status: u16) -> Value {
    assert_eq!(reply.status, status, "{}", reply.text());
    assert_eq!(reply.header("preference-applied"), Some("dry-run"), "{}", reply.text());
    assert_eq!(reply.header("etag"), None, "what is not there has no tag");
    reply.json()
}

/// Without what names a thing or a moment of its own.
fn nameless(order: &Value) -> Value {
    let mut order = order.clone();
    for name in ["order_id", "order_number", "created_at", "updated_at", "expires_at"] {
        order.as_object_mut().expect("an order").remove(name);
    }
    for item in order["items"].as_array_mut().expect("lines") {
        item["order_item_id"] = Value::Null;
        item["price_snapshot"]["captured_at"] = Value::Null;
    }
    order
}

async fn count(http: &Http) -> usize {
    all_orders(http, "").await.len()
}

async fn what_would_be_placed_is_what_is_placed(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 10).await;
    goods(http, "CUP", 10).await;
    let mut body = cart(&[("TEA", 2), ("CUP", 1), ("TEA", 1)]);
    body["user_id"] = json!("u-1");
    body["metadata"] = json!({ "a": 1 });
    let reply = would(place(http, "k", &body)).send().await;
    let dry = asked(&reply, 200);
    assert!(!reply.is_replay());
    for name in ["order_id", "order_number"] {
        assert_eq!(dry[name], Value::Null, "{name}");
    }
    assert!(dry["items"].as_array().expect("lines").iter().all(|item| item["order_item_id"].is_null()), "{dry}");
    assert_eq!((stock(http, "TEA").await, count(http).await), ((10, 0), 0));
    let real = place(http, "k", &body).send().await.expect(201);
    assert!(!real.is_replay(), "asking does not use a key up");
    assert_eq!(nameless(&dry), nameless(&real.json()));
    assert_eq!(real.raw("/total_amount"), reply.raw("/total_amount"));
    assert!(real.string("order_number").ends_with("-00001"), "asking draws no number");
    // A key that was used is answered as it would be: with the order that is there.
    let again = would(place(http, "k", &body)).send().await.expect(200);
    assert!(again.is_replay());
    assert_eq!(again.string("order_id"), real.string("order_id"));
    body["notes"] = json!("other");
    problem(&would(place(http, "k", &body)).send().await, 422, "IDEMPOTENCY_KEY_REUSED");
    audit_is_clean(database).await;
}

async fn many_who_only_ask_for_the_last_unit_all_hear_yes_and_take_nothing(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "LAST", 1).await;
    let body = cart(&[("LAST", 1)]);
    for reply in crowd(50, |index| would(place(http, &format!("ask-{index}"), &body)).send()).await {
        asked(&reply, 200);
    }
    assert_eq!((stock(http, "LAST").await, count(http).await), ((1, 0), 0));
    place(http, "ask-7", &body).send().await.expect(201);
    assert_eq!(stock(http, "LAST").await, (1, 1));
    audit_is_clean(database).await;
}

async fn asking_among_buyers_changes_nothing_for_them(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "HOT", 30).await;
    let body = cart(&[("HOT", 1)]);
    let replies = crowd(120, |index| {
        let request = place(http, &format!("k-{index}"), &body);
        if index % 2 == 0 { would(request).send() } else { request.send() }
    })
    .await;
    let bought = replies.iter().skip(1).step_by(2).filter(|reply| reply.status == 201).count();
    assert_eq!(bought, 30, "as many as there are, whoever asks in between");
    for reply in replies.iter().step_by(2) {
        assert!(matches!(reply.status, 200 | 409), "{}", reply.text());
    }
    assert_eq!((stock(http, "HOT").await, count(http).await), ((30, 30), 30));
    let placed = metric(http, r#"order_create_total{status="created"}"#).await;
    assert!((placed - 30.0).abs() < 0.5, "{placed} were counted as placed");
    audit_is_clean(database).await;
}

async fn what_would_be_refused_is_refused_alike(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 1).await;
    let mut dear = cart(&[("TEA", 1)]);
    dear["items"][0]["expected_unit_price"] = json!("9.99");
    for (body, status, code) in [
        (cart(&[("TEA", 2)]), 409, "OUT_OF_STOCK"),
        (cart(&[("COFFEE", 1)]), 422, "UNKNOWN_SKU"),
        (dear, 409, "PRICE_CHANGED"),
        (json!({ "items": [] }), 422, "VALIDATION_FAILED"),
    ] {
        let mut dry = problem(&would(place(http, "k", &body)).send().await, status, code);
        let mut real = problem(&place(http, "k", &body).send().await, status, code);
        for told in [&mut dry, &mut real] {
            told["request_id"] = Value::Null;
        }
        assert_eq!(dry, real);
    }
    problem(&would(http.post("/api/v1/orders").json(&cart(&[("TEA", 1)]))).send().await, 400, "IDEMPOTENCY_KEY_REQUIRED");
}

async fn what_would_be_canceled_stays(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 5).await;
    let order = place(http, "k", &cart(&[("TEA", 2)])).send().await.expect(201).json();
    let order_id = order["order_id"].as_str().expect("an id");
    let cancel = || http.post(format!("/api/v1/orders/{order_id}/cancel")).json(&json!({ "reason": "too slow" }));
    let dry = asked(&would(cancel()).send().await, 200);
    assert_eq!((&dry["status"], &dry["cancellation_reason"]), (&json!("CANCELED"), &json!("too slow")));
    assert_eq!(dry["order_id"], order["order_id"], "it is there, and has its name");
    assert_eq!(http.get(format!("/api/v1/orders/{order_id}")).send().await.expect(200).json(), order);
    assert_eq!((stock(http, "TEA").await, event_types(http, order_id).await.len()), ((5, 2), 2));
    problem(&would(cancel()).header("If-Match", "\"1\"").send().await, 412, "VERSION_MISMATCH");
    let changed = would(http.request("PATCH", format!("/api/v1/orders/{order_id}")).json(&json!({ "notes": "x" }))).send().await;
    assert_eq!(asked(&changed, 200)["notes"], "x");
    assert_eq!(http.get(format!("/api/v1/orders/{order_id}")).send().await.expect(200).json()["notes"], Value::Null);
    let real = cancel().send().await.expect(200).json();
    assert_eq!(nameless(&dry), nameless(&real));
    audit_is_clean(database).await;
}

async fn a_preference_that_nobody_knows_is_ignored(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 50).await;
    let body = cart(&[("TEA", 1)]);
    for (index, ignored) in
        ["return=minimal", "dry", "dry-runs", "respond-async, wait=10", "x=\"dry-run, y\"", "dry-run=false", ""].iter().enumerate()
    {
        let reply = place(http, &format!("k-{index}"), &body).header("Prefer", ignored).send().await.expect(201);
        assert_eq!(reply.header("preference-applied"), None, "{ignored}");
    }
    let placed = count(http).await;
    for known in ["DRY-RUN", "wait=10, dry-run", "dry-run; x=1", "dry-run=\"\"", "dry-run=true"] {
        asked(&place(http, "dry", &body).header("Prefer", known).send().await, 200);
    }
    let twice = place(http, "dry", &body).header("Prefer", "return=minimal").header("Prefer", "dry-run");
    asked(&twice.send().await, 200);
    assert_eq!(count(http).await, placed);
}
