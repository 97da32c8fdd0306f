//! A shop: goods with a price and stock, orders for them, and what can be asked about both.

use serde_json::{Value, json};

use super::{Database, Http, Reply, Request, Setup};

/// Goods that cost 10.00 USD.
pub(crate) async fn goods(http: &Http, sku_id: &str, units: i64) {
    priced_goods(http, sku_id, ("10.00", "USD"), units).await;
}

/// Goods at a price.
pub(crate) async fn priced_goods(http: &Http, sku_id: &str, (price, currency): (&str, &str), units: i64) {
    let sku = json!({ "product_id": format!("product-of-{sku_id}"), "name": format!("{sku_id} by the piece") });
    http.put(format!("/api/v1/skus/{sku_id}")).json(&sku).send().await.expect(201);
    let offer = json!({ "sku_id": sku_id, "price": price, "currency": currency });
    http.post("/api/v1/offers").json(&offer).send().await.expect(201);
    if units > 0 {
        let restock = http.post(format!("/api/v1/inventory/{sku_id}/restock")).json(&json!({ "qty": units }));
        restock.send().await.expect(200);
    }
}

/// The body of an order.
pub(crate) fn cart(lines: &[(&str, i64)]) -> Value {
    let items: Vec<Value> = lines.iter().map(|(sku_id, qty)| json!({ "sku_id": sku_id, "qty": qty })).collect();
    json!({ "items": items, "shipping_address_id": "home" })
}

/// The request that places an order.
pub(crate) fn place(http: &Http, key: &str, body: &Value) -> Request {
    http.post("/api/v1/orders").key(key).json(body)
}

/// What is there and what is promised of it.
pub(crate) async fn stock(http: &Http, sku_id: &str) -> (i64, i64) {
    let balance = http.get(format!("/api/v1/inventory/{sku_id}")).send().await.expect(200).json();
    let number = |name: &str| balance[name].as_i64().unwrap_or_else(|| panic!("no {name} in {balance}"));
    let (on_hand, reserved) = (number("on_hand_qty"), number("reserved_qty"));
    assert_eq!(number("available_qty"), on_hand - reserved, "{balance}");
    (on_hand, reserved)
}

/// Every order that `query` finds, page by page, the newest first.
pub(crate) async fn all_orders(http: &Http, query: &str) -> Vec<Value> {
    let mut orders = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = http.get(format!("/api/v1/orders?limit=200{query}{cursor}")).send().await.expect(200).json();
        orders.extend(page["items"].as_array().expect("a page has items").iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return orders,
        }
    }
}

/// The words of the history of an order, the oldest first.
pub(crate) async fn event_types(http: &Http, order_id: &str) -> Vec<String> {
    let page = http.get(format!("/api/v1/orders/{order_id}/events")).send().await.expect(200).json();
    assert_eq!(page["next_cursor"], Value::Null, "{page}");
    let events = page["items"].as_array().expect("a page has items");
    let sequences: Vec<_> = events.iter().map(|event| event["sequence"].as_u64()).collect();
    let expected: Vec<_> = (1..).take(events.len()).map(Some).collect();
    assert_eq!(sequences, expected, "{page}");
    events.iter().map(|event| event["event_type"].as_str().unwrap_or_default().to_owned()).collect()
}

/// The problem that an answer holds, after looking at everything that all problems have.
pub(crate) fn problem(reply: &Reply, status: u16, code: &str) -> Value {
    assert_eq!(reply.status, status, "{code} was expected: {}", reply.text());
    assert_eq!(reply.header("content-type"), Some("application/problem+json"), "{}", reply.text());
    let problem = reply.json();
    assert_eq!(problem["code"], code, "{problem}");
    assert_eq!(problem["status"], status, "{problem}");
    assert_eq!(problem["request_id"].as_str(), reply.header("x-request-id"), "{problem}");
    for name in ["type", "title", "detail"] {
        assert!(problem[name].as_str().is_some_and(|text| !text.is_empty()), "no {name} in {problem}");
    }
    if matches!(status, 429 | 503) {
        assert!(reply.header("retry-after").is_some_and(|seconds| seconds.parse::<u32>().is_ok()), "{problem}");
    }
    problem
}

/// The value of one line of `/metrics`, such as `order_create_total{status="created"}`; 0 when it is not there.
pub(crate) async fn metric(http: &Http, line: &str) -> f64 {
    let reply = http.get("/metrics").send().await.expect(200);
    let found = reply.text().lines().find_map(|other| other.strip_prefix(line)?.trim().parse().ok());
    found.unwrap_or(0.0)
}

/// `ordo audit` says that every invariant holds.
pub(crate) async fn audit_is_clean(database: &Database) {
    let audit = Setup::on(database).run(&["audit"]).await;
    assert_eq!((audit.code, audit.stdout.as_str()), (Some(0), "every invariant holds\n"), "{}", audit.stderr);
}
