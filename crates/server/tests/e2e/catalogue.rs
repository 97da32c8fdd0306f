//! SKUs and offers: what is sold, at which price, and when.

use serde_json::{Value, json};

use crate::support::{Database, Http, Reply, Server, cart, place, problem, until};

on_each_database![
    a_sku_is_put_read_and_listed,
    the_current_offer_is_the_one_that_counts_now,
    an_offer_is_changed_within_its_rules,
    an_offer_counts_only_inside_its_window,
    offers_are_listed_the_newest_first,
];

async fn put(http: &Http, sku_id: &str, body: &Value) -> Reply {
    http.put(format!("/api/v1/skus/{sku_id}")).json(body).send().await
}

async fn offer(http: &Http, body: &Value) -> Value {
    http.post("/api/v1/offers").json(body).send().await.expect(201).json()
}

async fn a_sku_is_put_read_and_listed(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    let body = json!({ "product_id": "P", "name": "Tea", "title": "T", "author": "A", "tax_class": "food" });
    let made = put(http, "TEA", &body).await.expect(201).json();
    let expected = json!({
        "sku_id": "TEA", "product_id": "P", "name": "Tea", "status": "ACTIVE", "tax_class": "food", "title": "T", "author": "A",
    });
    assert_eq!(made, expected);
    assert_eq!(put(http, "TEA", &body).await.expect(200).json(), expected);
    let changed = put(http, "TEA", &json!({ "product_id": "P", "name": "Green tea" })).await.expect(200).json();
    assert_eq!((&changed["name"], &changed["title"], &changed["tax_class"]), (&json!("Green tea"), &Value::Null, &json!("standard")));
    assert_eq!(http.get("/api/v1/skus/TEA").send().await.expect(200).json(), changed);
    put(http, "gr%C3%B6%C3%9Fe%201", &json!({ "product_id": "Q", "name": "Odd name" })).await.expect(201);
    for number in 0..5 {
        put(http, &format!("S-{number}"), &json!({ "product_id": "S", "name": "S" })).await.expect(201);
    }
    let all = http.get("/api/v1/skus").send().await.expect(200).json();
    assert_eq!(all["items"].as_array().map(Vec::len), Some(7));
    let mut found = Vec::new();
    let mut path = "/api/v1/skus?product_id=S&limit=2".to_owned();
    loop {
        let page = http.get(&*path).send().await.expect(200).json();
        found.extend(page["items"].as_array().into_iter().flatten().filter_map(|sku| sku["sku_id"].as_str().map(str::to_owned)));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/api/v1/skus?product_id=S&limit=2&cursor={cursor}");
    }
    assert_eq!(found, ["S-0", "S-1", "S-2", "S-3", "S-4"]);
    problem(&http.get("/api/v1/skus/NONE").send().await, 404, "SKU_NOT_FOUND");
    problem(&http.get("/api/v1/skus?cursor=zz").send().await, 400, "INVALID_CURSOR");
    problem(&put(http, "TEA", &json!({ "name": "", "status": "GONE" })).await, 422, "VALIDATION_FAILED");
}

async fn the_current_offer_is_the_one_that_counts_now(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    put(http, "TEA", &json!({ "product_id": "P", "name": "Tea" })).await.expect(201);
    problem(&http.get("/api/v1/skus/TEA/current-offer").send().await, 404, "NO_CURRENT_OFFER");
    problem(&http.get("/api/v1/skus/NONE/current-offer").send().await, 404, "SKU_NOT_FOUND");
    let missing = http.post("/api/v1/offers").json(&json!({ "sku_id": "NONE", "price": 1, "currency": "USD" })).send().await;
    problem(&missing, 404, "SKU_NOT_FOUND");

    let current = async || http.get("/api/v1/skus/TEA/current-offer").send().await.expect(200);
    let base = offer(http, &json!({ "sku_id": "TEA", "price": "10.00", "currency": "USD" })).await;
    assert_eq!((&base["priority"], &base["valid_to"], &base["status"]), (&json!(0), &Value::Null, &json!("ACTIVE")));
    let reply = current().await;
    assert_eq!((reply.string("offer_id"), reply.raw("/effective_price")), (base["offer_id"].as_str().expect("an id").to_owned(), "10.00"));
    assert_eq!(reply.raw("/is_in_stock"), "false");
    http.post("/api/v1/inventory/TEA/restock").json(&json!({ "qty": 1 })).send().await.expect(200);
    assert_eq!(current().await.raw("/is_in_stock"), "true");
    // The newest of the same priority, the highest priority of all, and none that is paused, past or to come.
    let newer = offer(http, &json!({ "sku_id": "TEA", "price": 9, "currency": "USD" })).await;
    assert_eq!(current().await.json()["offer_id"], newer["offer_id"]);
    let high = offer(http, &json!({ "sku_id": "TEA", "price": "8.50", "currency": "USD", "priority": 5 })).await;
    offer(http, &json!({ "sku_id": "TEA", "price": 1, "currency": "USD", "priority": 9, "status": "PAUSED" })).await;
    let past = json!({
        "sku_id": "TEA", "price": 1, "currency": "USD", "priority": 9,
        "valid_from": "2020-01-01T00:00:00Z", "valid_to": "2021-01-01T00:00:00Z",
    });
    offer(http, &past).await;
    offer(http, &json!({ "sku_id": "TEA", "price": 1, "currency": "USD", "priority": 9, "valid_from": "2999-01-01T00:00:00Z" })).await;
    offer(http, &json!({ "sku_id": "TEA", "price": 7, "currency": "USD", "priority": 4 })).await;
    let reply = current().await;
    assert_eq!((&reply.json()["offer_id"], reply.raw("/price")), (&high["offer_id"], "8.50"));
    let placed = place(http, "k", &cart(&[("TEA", 1)])).send().await.expect(201);
    assert_eq!(placed.json()["items"][0]["price_snapshot"]["offer_id"], high["offer_id"]);
}

async fn an_offer_is_changed_within_its_rules(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    put(http, "TEA", &json!({ "product_id": "P", "name": "Tea" })).await.expect(201);
    let made = offer(http, &json!({ "sku_id": "TEA", "price": 10, "currency": "USD" })).await;
    let path = format!("/api/v1/offers/{}", made["offer_id"].as_str().expect("an id"));
    let change = async |body: Value| http.request("PATCH", &*path).json(&body).send().await;
    let changed = change(json!({ "price": "11.5" })).await.expect(200);
    assert_eq!((changed.raw("/price"), changed.raw("/priority")), ("11.50", "0"));
    assert_eq!(http.get("/api/v1/skus/TEA/current-offer").send().await.expect(200).raw("/effective_price"), "11.50");
    let closed = change(json!({ "valid_to": "2999-01-01T00:00:00.000Z" })).await.expect(200);
    assert_eq!(closed.string("valid_to"), "2999-01-01T00:00:00.000Z");
    assert_eq!(change(json!({ "valid_to": null })).await.expect(200).raw("/valid_to"), "null");
    problem(&change(json!({ "price": 1.001 })).await, 422, "INVALID_AMOUNT_SCALE");
    problem(&change(json!({ "currency": "EUR" })).await, 422, "VALIDATION_FAILED");
    problem(&change(json!({ "valid_to": "2000-01-01T00:00:00Z" })).await, 422, "OFFER_WINDOW_EMPTY");
    change(json!({ "status": "PAUSED" })).await.expect(200);
    problem(&http.get("/api/v1/skus/TEA/current-offer").send().await, 404, "NO_CURRENT_OFFER");
    change(json!({ "status": "ENDED" })).await.expect(200);
    problem(&change(json!({ "status": "ACTIVE" })).await, 409, "OFFER_ENDED");
    let none = http.request("PATCH", "/api/v1/offers/67e55044-10b1-426f-9247-bb680e5fe0c8").json(&json!({ "price": 1 })).send().await;
    problem(&none, 404, "OFFER_NOT_FOUND");
    // The same key twice makes one offer.
    let body = json!({ "sku_id": "TEA", "price": 3, "currency": "USD" });
    let first = http.post("/api/v1/offers").key("o").json(&body).send().await.expect(201);
    let again = http.post("/api/v1/offers").key("o").json(&body).send().await.expect(200);
    assert!(again.is_replay() && again.string("offer_id") == first.string("offer_id"));
}

async fn an_offer_counts_only_inside_its_window(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    put(http, "TEA", &json!({ "product_id": "P", "name": "Tea" })).await.expect(201);
    offer(http, &json!({ "sku_id": "TEA", "price": 10, "currency": "USD" })).await;
    #[expect(clippy::disallowed_methods, reason = "the window is one of the running service's clock")]
    let ends = jiff::Timestamp::now() + jiff::SignedDuration::from_millis(1500);
    let sale = json!({ "sku_id": "TEA", "price": 5, "currency": "USD", "priority": 1, "valid_to": ends.to_string() });
    offer(http, &sale).await;
    let price = async || http.get("/api/v1/skus/TEA/current-offer").send().await.expect(200).raw("/effective_price").to_owned();
    assert_eq!(price().await, "5.00");
    until("the sale is over", std::time::Duration::from_secs(5), async || (price().await == "10.00").then_some(())).await;
    let expected = json!({ "items": [{ "sku_id": "TEA", "qty": 1, "expected_unit_price": 5 }] });
    problem(&place(http, "k", &expected).send().await, 409, "PRICE_CHANGED");
}

async fn offers_are_listed_the_newest_first(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    put(http, "TEA", &json!({ "product_id": "P", "name": "Tea" })).await.expect(201);
    let mut made = Vec::new();
    for price in 1..=5 {
        made.push(offer(http, &json!({ "sku_id": "TEA", "price": price, "currency": "USD" })).await);
        // Two of one millisecond are equally new.
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    made.reverse();
    let mut found = Vec::new();
    let mut path = "/api/v1/skus/TEA/offers?limit=2".to_owned();
    loop {
        let page = http.get(&*path).send().await.expect(200).json();
        found.extend(page["items"].as_array().into_iter().flatten().cloned());
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/api/v1/skus/TEA/offers?limit=2&cursor={cursor}");
    }
    assert_eq!(found, made);
}
