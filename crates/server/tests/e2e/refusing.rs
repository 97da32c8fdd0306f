//! Orders that are refused leave nothing behind.

use serde_json::{Value, json};

use crate::support::{Database, Http, Server, all_orders, audit_is_clean, cart, goods, metric, place, priced_goods, problem};

on_each_database![
    a_changed_price_is_told_before_missing_stock_and_nothing_is_kept,
    an_accepted_price_change_is_told_in_the_answer,
    every_short_line_is_told_and_every_line_is_rolled_back,
    what_cannot_be_sold_is_named,
];

/// Balances to the last field, version included.
async fn balances(http: &Http, skus: &[&str]) -> Vec<Value> {
    let mut balances = Vec::new();
    for sku_id in skus {
        balances.push(http.get(format!("/api/v1/inventory/{sku_id}")).send().await.expect(200).json());
    }
    balances
}

async fn a_changed_price_is_told_before_missing_stock_and_nothing_is_kept(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "A", 5).await;
    priced_goods(http, "B", ("3.50", "USD"), 1).await;
    goods(http, "C", 5).await;
    let seen = http.get("/api/v1/skus/C/current-offer").send().await.expect(200).string("offer_id");
    for (sku_id, price) in [("A", "12.50"), ("C", "9.99")] {
        let offer = json!({ "sku_id": sku_id, "price": price, "currency": "USD", "priority": 1 });
        http.post("/api/v1/offers").json(&offer).send().await.expect(201);
    }
    let before = balances(http, &["A", "B", "C"]).await;
    // B is short, and its price is what was expected; C is known by the offer that the caller saw.
    let body = json!({ "items": [
        { "sku_id": "A", "qty": 1, "expected_unit_price": 10.00 },
        { "sku_id": "B", "qty": 2, "expected_unit_price": "3.5" },
        { "sku_id": "C", "qty": 1, "offer_id": seen },
    ] });
    let reply = place(http, "k", &body).send().await;
    let told = problem(&reply, 409, "PRICE_CHANGED");
    assert_eq!(told["lines"].as_array().map(Vec::len), Some(2), "{told}");
    for (pointer, expected) in [
        ("/lines/0/sku_id", "\"A\""),
        ("/lines/0/old_unit_price", "10.00"),
        ("/lines/0/new_unit_price", "12.50"),
        ("/lines/1/sku_id", "\"C\""),
        ("/lines/1/old_unit_price", "10.00"),
        ("/lines/1/new_unit_price", "9.99"),
    ] {
        assert_eq!(reply.raw(pointer), expected, "{pointer}");
    }
    assert_eq!(balances(http, &["A", "B", "C"]).await, before);
    assert_eq!(all_orders(http, "").await, Vec::<Value>::new());
    assert!((metric(http, "order_price_changed_total").await - 1.0).abs() < f64::EPSILON);
    // Whoever agrees gets the order under the same key; it is the first.
    let agreed = json!({ "items": [{ "sku_id": "A", "qty": 1, "expected_unit_price": 12.5 }] });
    let placed = place(http, "k", &agreed).send().await.expect(201);
    assert_eq!(placed.raw("/total_amount"), "12.50");
    assert_eq!(all_orders(http, "").await.len(), 1);
    audit_is_clean(database).await;
}

async fn an_accepted_price_change_is_told_in_the_answer(database: &Database) {
    let server = crate::support::Setup::on(database).set("ORDO_PRICE_POLICY", "accept").start().await;
    let http = &server.http;
    goods(http, "A", 5).await;
    let body = json!({ "items": [{ "sku_id": "A", "qty": 2, "expected_unit_price": 8 }] });
    let placed = place(http, "k", &body).send().await.expect(201);
    assert_eq!(placed.raw("/total_amount"), "20.00");
    assert_eq!(placed.raw("/price_changes/0/old_unit_price"), "8.00");
    assert_eq!(placed.raw("/price_changes/0/new_unit_price"), "10.00");
}

async fn every_short_line_is_told_and_every_line_is_rolled_back(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "A", 3).await;
    goods(http, "B", 10).await;
    goods(http, "C", 0).await;
    let before = balances(http, &["A", "B", "C"]).await;
    let reply = place(http, "k1", &cart(&[("A", 5), ("B", 2), ("C", 1)])).send().await;
    let told = problem(&reply, 409, "OUT_OF_STOCK");
    let expected = json!([
        { "sku_id": "A", "requested": 5, "available": 3 },
        { "sku_id": "C", "requested": 1, "available": 0 },
    ]);
    assert_eq!(told["lines"], expected);
    // Two lines of the same SKU are one demand.
    let reply = place(http, "k2", &cart(&[("A", 2), ("B", 1), ("A", 2)])).send().await;
    let told = problem(&reply, 409, "OUT_OF_STOCK");
    assert_eq!(told["lines"], json!([{ "sku_id": "A", "requested": 4, "available": 3 }]));
    assert_eq!(balances(http, &["A", "B", "C"]).await, before);
    assert_eq!(all_orders(http, "").await, Vec::<Value>::new());
    assert!((metric(http, "order_out_of_stock_total").await - 2.0).abs() < f64::EPSILON);
    let placed = place(http, "k2", &cart(&[("A", 2), ("B", 1), ("A", 1)])).send().await.expect(201).json();
    assert_eq!(placed["items"].as_array().map(Vec::len), Some(3));
    assert_eq!(crate::support::stock(http, "A").await, (3, 3));
    assert_eq!(all_orders(http, "").await, [placed]);
    audit_is_clean(database).await;
}

async fn what_cannot_be_sold_is_named(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "A", 5).await;
    goods(http, "OFF", 5).await;
    let off = json!({ "product_id": "p", "name": "Off", "status": "INACTIVE" });
    http.put("/api/v1/skus/OFF").json(&off).send().await.expect(200);
    http.put("/api/v1/skus/FREE").json(&json!({ "product_id": "p", "name": "No price" })).send().await.expect(201);
    priced_goods(http, "YEN", ("500", "JPY"), 5).await;
    for (lines, code, named) in [
        (&[("A", 1), ("OFF", 1), ("NONE", 1)][..], "UNKNOWN_SKU", &["OFF", "NONE"][..]),
        (&[("A", 1), ("FREE", 1)], "NO_CURRENT_OFFER", &["FREE"]),
    ] {
        let reply = place(http, "k", &cart(lines)).send().await;
        let told = problem(&reply, 422, code);
        let skus: Vec<_> = told["lines"].as_array().into_iter().flatten().filter_map(|line| line["sku_id"].as_str()).collect();
        assert_eq!(skus, named, "{told}");
    }
    let reply = place(http, "k", &cart(&[("A", 1), ("YEN", 1)])).send().await;
    problem(&reply, 422, "CURRENCY_MISMATCH");
    place(http, "k", &cart(&[("A", 1)])).send().await.expect(201);
}
