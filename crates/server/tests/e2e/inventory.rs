//! Stock that is moved by hand or by other services.

use serde_json::{Value, json};

use crate::support::{Database, Http, Reply, Server, audit_is_clean, cart, crowd, goods, place, problem, stock};

on_each_database![
    every_movement_answers_with_the_balance_after_it,
    too_little_stock_moves_nothing,
    a_key_in_the_body_or_the_header_moves_stock_once,
    stock_of_unknown_and_of_new_skus_reads_as_such,
    movements_at_once_lose_no_unit,
    a_reservation_ends_only_under_its_own_reference,
];

async fn moved(http: &Http, operation: &str, body: &Value) -> Reply {
    http.post(format!("/api/v1/inventory/TEA/{operation}")).json(body).send().await
}

async fn every_movement_answers_with_the_balance_after_it(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 0).await;
    let cart_of = |qty: i64| json!({ "qty": qty, "ref_type": "cart", "ref_id": "c-1" });
    let mut version = 0;
    for (operation, body, on_hand, reserved) in [
        ("restock", json!({ "qty": 10 }), 10, 0),
        ("reserve", cart_of(4), 10, 4),
        ("release", cart_of(1), 10, 3),
        ("deduct", cart_of(2), 8, 1),
        ("adjust", json!({ "qty": -3 }), 5, 1),
        ("adjust", json!({ "qty": 2 }), 7, 1),
    ] {
        let balance = moved(http, operation, &body).await.expect(200).json();
        version += 1;
        let expected = json!({
            "sku_id": "TEA", "on_hand_qty": on_hand, "reserved_qty": reserved, "available_qty": on_hand - reserved, "version": version,
        });
        assert_eq!(balance, expected, "{operation}");
        assert_eq!(http.get("/api/v1/inventory/TEA").send().await.expect(200).json(), expected);
    }
    audit_is_clean(database).await;
}

async fn too_little_stock_moves_nothing(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 5).await;
    moved(http, "reserve", &json!({ "qty": 3, "ref_type": "cart", "ref_id": "c" })).await.expect(200);
    let before = http.get("/api/v1/inventory/TEA").send().await.expect(200).json();
    for (operation, qty, available) in [("reserve", 3, 2), ("adjust", -3, 2), ("release", 4, 3), ("deduct", 4, 3)] {
        let body = json!({ "qty": qty, "ref_type": "cart", "ref_id": "c" });
        let told = problem(&moved(http, operation, &body).await, 409, "INSUFFICIENT_STOCK");
        assert_eq!(told["lines"][0]["available"], available, "{operation}: {told}");
    }
    for (operation, body) in [
        ("restock", json!({ "qty": 0 })),
        ("restock", json!({ "qty": -1 })),
        ("reserve", json!({ "qty": 1_000_001 })),
        ("adjust", json!({ "qty": 0 })),
        ("restock", json!({})),
        ("restock", json!({ "quantity": 1 })),
        ("restock", json!({ "qty": 1.5 })),
    ] {
        problem(&moved(http, operation, &body).await, 422, "VALIDATION_FAILED");
    }
    problem(&moved(http, "steal", &json!({ "qty": 1 })).await, 404, "NOT_FOUND");
    assert_eq!(http.get("/api/v1/inventory/TEA").send().await.expect(200).json(), before);
}

async fn a_key_in_the_body_or_the_header_moves_stock_once(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 0).await;
    let keyed = json!({ "qty": 5, "idempotency_key": "k" });
    let first = moved(http, "restock", &keyed).await.expect(200);
    assert!(!first.is_replay());
    moved(http, "restock", &json!({ "qty": 1 })).await.expect(200);
    let again = moved(http, "restock", &keyed).await.expect(200);
    assert!(again.is_replay());
    assert_eq!(again.text(), first.text(), "the first answer again");
    let by_header = http.post("/api/v1/inventory/TEA/restock").key("k").json(&json!({ "qty": 5 })).send().await.expect(200);
    assert!(by_header.is_replay());
    problem(&moved(http, "restock", &json!({ "qty": 6, "idempotency_key": "k" })).await, 422, "IDEMPOTENCY_KEY_REUSED");
    problem(&moved(http, "adjust", &json!({ "qty": 5, "idempotency_key": "k" })).await, 422, "IDEMPOTENCY_KEY_REUSED");
    problem(&moved(http, "restock", &json!({ "qty": "x", "idempotency_key": "k" })).await, 422, "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(stock(http, "TEA").await, (6, 0));
    // Without a key, two calls are two movements.
    moved(http, "restock", &json!({ "qty": 1 })).await.expect(200);
    assert_eq!(stock(http, "TEA").await, (7, 0));
}

async fn stock_of_unknown_and_of_new_skus_reads_as_such(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    problem(&http.get("/api/v1/inventory/NONE").send().await, 404, "SKU_NOT_FOUND");
    problem(&http.post("/api/v1/inventory/NONE/restock").json(&json!({ "qty": 1 })).send().await, 404, "SKU_NOT_FOUND");
    goods(http, "NEW", 0).await;
    let balance = http.get("/api/v1/inventory/NEW").send().await.expect(200).json();
    assert_eq!(balance, json!({ "sku_id": "NEW", "on_hand_qty": 0, "reserved_qty": 0, "available_qty": 0, "version": 0 }));
    problem(&http.post("/api/v1/inventory/NEW/reserve").json(&json!({ "qty": 1 })).send().await, 409, "INSUFFICIENT_STOCK");
    http.post("/api/v1/inventory/NEW/adjust").json(&json!({ "qty": 2 })).send().await.expect(200);
    assert_eq!(stock(http, "NEW").await, (2, 0));
}

async fn movements_at_once_lose_no_unit(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 0).await;
    let replies = crowd(60, |index| {
        let (operation, qty) = if index % 3 == 0 { ("adjust", -1) } else { ("restock", 2) };
        http.post(format!("/api/v1/inventory/TEA/{operation}")).json(&json!({ "qty": qty })).send()
    })
    .await;
    let done: i64 = replies
        .iter()
        .enumerate()
        .map(|(index, reply)| match (index % 3, reply.status) {
            (0, 200) => -1,
            (_, 200) => 2,
            // There was nothing yet to take from.
            (0, 409) => 0,
            (_, status) => panic!("{status}: {}", reply.text()),
        })
        .sum();
    assert_eq!(stock(http, "TEA").await, (done, 0));
    audit_is_clean(database).await;
}

async fn a_reservation_ends_only_under_its_own_reference(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 10).await;
    place(http, "k", &cart(&[("TEA", 4)])).send().await.expect(201);
    moved(http, "reserve", &json!({ "qty": 2, "ref_type": "cart", "ref_id": "mine" })).await.expect(200);
    // Neither what the order has nor what another cart has.
    for (operation, reference) in [("release", "other"), ("deduct", "other")] {
        let body = json!({ "qty": 1, "ref_type": "cart", "ref_id": reference });
        problem(&moved(http, operation, &body).await, 409, "INSUFFICIENT_STOCK");
    }
    problem(&moved(http, "release", &json!({ "qty": 3, "ref_type": "cart", "ref_id": "mine" })).await, 409, "INSUFFICIENT_STOCK");
    moved(http, "release", &json!({ "qty": 2, "ref_type": "cart", "ref_id": "mine" })).await.expect(200);
    assert_eq!(stock(http, "TEA").await, (10, 4));
    audit_is_clean(database).await;
}
