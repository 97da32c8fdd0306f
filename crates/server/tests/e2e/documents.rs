//! What the source documents ask for and no other scenario looks at: snapshots of prices, lines of the log, times.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Database, Http, Server, cart, goods, place, until};

on_each_database![
    a_line_keeps_what_it_was_priced_from,
    an_outcome_is_one_line_of_the_log_with_its_names,
    a_change_moves_updated_at_and_never_created_at,
    placing_confirming_and_both_are_as_quick_as_promised,
];

async fn a_line_keeps_what_it_was_priced_from(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    let sku = json!({ "product_id": "p-1", "name": "Dune, bound", "title": "Dune", "author": "Frank Herbert" });
    http.put("/api/v1/skus/BOOK").json(&sku).send().await.expect(201);
    let offer = json!({ "sku_id": "BOOK", "price": "19.99", "currency": "USD" });
    let offer_id = http.post("/api/v1/offers").json(&offer).send().await.expect(201).string("offer_id");
    http.post("/api/v1/inventory/BOOK/restock").json(&json!({ "qty": 5 })).send().await.expect(200);
    let placed = place(http, "k", &cart(&[("BOOK", 3)])).send().await.expect(201);
    let (order, path) = (placed.json(), format!("/api/v1/orders/{}", placed.string("order_id")));

    let renamed = json!({ "product_id": "p-2", "name": "Other", "title": "Other", "author": "Nobody" });
    http.put("/api/v1/skus/BOOK").json(&renamed).send().await.expect(200);
    let dearer = json!({ "sku_id": "BOOK", "price": "29.99", "currency": "USD", "priority": 1 });
    http.post("/api/v1/offers").json(&dearer).send().await.expect(201);

    let read = http.get(&*path).send().await.expect(200);
    assert_eq!(read.text(), placed.text(), "an order changed with its catalogue");
    let line = &order["items"][0];
    assert_eq!((&line["product_id"], &line["name"], &line["sku_id"]), (&json!("p-1"), &json!("Dune, bound"), &json!("BOOK")));
    let snapshot = &line["price_snapshot"];
    assert_eq!(
        (&snapshot["offer_id"], &snapshot["title"], &snapshot["author"]),
        (&json!(offer_id), &json!("Dune"), &json!("Frank Herbert"))
    );
    assert_eq!(snapshot["captured_at"], order["created_at"]);
    assert_eq!((read.raw("/items/0/price_snapshot/unit_price"), read.raw("/items/0/item_total_amount")), ("19.99", "59.97"));
    // The next one has the new price and the new name.
    let next = place(http, "next", &cart(&[("BOOK", 1)])).send().await.expect(201);
    assert_eq!((next.raw("/items/0/unit_price"), next.raw("/items/0/name")), ("29.99", "\"Other\""));
}

/// The lines of the log that a request caused.
async fn lines(server: &Server, request_id: &str) -> Vec<Value> {
    let logged = async || {
        let lines = server.logged(&format!("\"request_id\":\"{request_id}\""));
        (!lines.is_empty()).then_some(lines)
    };
    until("the request is logged", Duration::from_secs(5), logged).await
}

async fn an_outcome_is_one_line_of_the_log_with_its_names(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 5).await;
    let mut body = cart(&[("TEA", 1)]);
    body["user_id"] = json!("u-1");
    body["customer_email"] = json!("ana@example.com");
    let placed = place(http, "key-1", &body).header("X-Request-Id", "req-place").send().await.expect(201);
    let order_id = placed.string("order_id");
    let cancel = http.post(format!("/api/v1/orders/{order_id}/cancel")).header("X-Request-Id", "req-cancel");
    cancel.send().await.expect(200);
    place(http, "key-2", &cart(&[("TEA", 9)])).header("X-Request-Id", "req-short").send().await.expect(409);
    for (request_id, key, transition, order_id) in [
        ("req-place", json!("key-1"), json!(">CREATED"), json!(order_id)),
        ("req-cancel", Value::Null, json!("CREATED>CANCELED"), json!(order_id)),
        ("req-short", json!("key-2"), Value::Null, Value::Null),
    ] {
        let lines = lines(&server, request_id).await;
        let [line] = &lines[..] else { panic!("{} lines of {request_id}: {lines:?}", lines.len()) };
        assert_eq!((&line["idempotency_key"], &line["status_transition"], &line["order_id"]), (&key, &transition, &order_id), "{line}");
        assert_eq!(line["user_id"], if order_id.is_null() { Value::Null } else { json!("u-1") }, "{line}");
    }
    assert!(!server.has_logged("ana@example.com"), "an e-mail address is in the log");
}

async fn a_change_moves_updated_at_and_never_created_at(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 5).await;
    let placed = place(http, "k", &cart(&[("TEA", 1)])).send().await.expect(201).json();
    assert_eq!(placed["created_at"], placed["updated_at"]);
    let path = format!("/api/v1/orders/{}", placed["order_id"].as_str().expect("an id"));
    let others = AtomicUsize::new(0);
    until("a millisecond has passed", Duration::from_secs(1), async || {
        let key = format!("other-{}", others.fetch_add(1, Ordering::Relaxed));
        let other = place(http, &key, &cart(&[("TEA", 1)])).send().await.expect(201);
        http.post(format!("/api/v1/orders/{}/cancel", other.string("order_id"))).send().await.expect(200);
        (other.json()["created_at"].as_str() > placed["created_at"].as_str()).then_some(())
    })
    .await;
    assert_eq!(http.get(&*path).send().await.expect(200).json()["updated_at"], placed["updated_at"], "reading changed it");
    let canceled = http.post(format!("{path}/cancel")).send().await.expect(200).json();
    assert_eq!(canceled["created_at"], placed["created_at"]);
    assert!(canceled["updated_at"].as_str() > placed["updated_at"].as_str(), "{canceled}");
    assert_eq!((&placed["version"], &canceled["version"]), (&json!(2), &json!(4)), "each fact is a version");
}

/// Calls whose middle one counts: a neighbour that takes the machine for a moment proves nothing.
const CALLS: usize = 21;

async fn ticket_order(http: &Http, key: usize) -> String {
    let body = json!({
        "customer_email": "ana@example.com",
        "hold_id": format!("7a3f1f0e-52c7-4d1b-9a35-{key:012x}"),
        "items": [{
            "session_id": "0b7a2c34-1111-4222-8333-444455556666",
            "ticket_type_id": "0b7a2c34-aaaa-4bbb-8ccc-ddddeeeeffff",
            "quantity": 2,
            "unit_price": 50.00,
        }],
    });
    http.post("/orders").key(&format!("k-{key}")).json(&body).send().await.expect(201).string("order_id")
}

async fn placing_confirming_and_both_are_as_quick_as_promised(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    let (mut creating, mut confirming, mut both) = (Vec::new(), Vec::new(), Vec::new());
    for key in 0..CALLS {
        let began = Instant::now();
        let order_id = ticket_order(http, key).await;
        creating.push(began.elapsed());
        let asked = Instant::now();
        let confirmed = http.post(format!("/orders/{order_id}/confirm")).send().await.expect(200);
        confirming.push(asked.elapsed());
        both.push(began.elapsed());
        assert_eq!(confirmed.string("status"), "confirmed");
    }
    for (what, mut took, limit_ms) in [("creating", creating, 200), ("confirming", confirming, 300), ("both", both, 1000)] {
        took.sort_unstable();
        let median = took[CALLS / 2];
        assert!(median < Duration::from_millis(limit_ms), "{what} took {median:?}, {limit_ms} ms are promised: {took:?}");
    }
}
