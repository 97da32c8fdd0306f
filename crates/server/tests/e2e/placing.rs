//! An order from its placing to its cancellation, with amounts that are exact to the character.

use serde_json::{Value, json};

use crate::support::{Database, Server, cart, event_types, goods, place, priced_goods, stock};

on_each_database![
    an_order_is_placed_read_listed_and_canceled,
    amounts_are_exact_to_the_character,
    order_numbers_rise_from_one,
    what_the_caller_says_about_an_order_is_kept,
    an_order_for_nothing_is_possible,
];

/// Every field of an order that the contract names.
const FIELDS: &[&str] = &[
    "order_id",
    "order_number",
    "channel",
    "user_id",
    "customer_email",
    "cart_id",
    "external_id",
    "status",
    "payment_status",
    "payment_method",
    "currency",
    "subtotal_amount",
    "discount_amount",
    "tax_amount",
    "shipping_fee",
    "total_amount",
    "items",
    "payment",
    "shipments",
    "refunds",
    "shipping_address_id",
    "shipping_address",
    "billing_address_id",
    "billing_address",
    "notes",
    "metadata",
    "tracking_number",
    "allowed_actions",
    "expires_at",
    "version",
    "created_at",
    "updated_at",
];

/// And of each of its lines.
const ITEM_FIELDS: &[&str] = &[
    "order_item_id",
    "sku_id",
    "product_id",
    "name",
    "qty",
    "unit_price",
    "item_total_amount",
    "price_snapshot",
    "shipped_qty",
    "refunded_qty",
];

fn has_all(object: &Value, names: &[&str]) {
    for name in names {
        assert!(object.get(name).is_some(), "no {name} in {object}");
    }
}

async fn an_order_is_placed_read_listed_and_canceled(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 10).await;
    let placed = place(http, "k", &cart(&[("TEA", 3)])).header("X-Request-Id", "req-place").send().await.expect(201);
    assert!(!placed.is_replay());
    let order = placed.json();
    has_all(&order, FIELDS);
    has_all(&order["items"][0], ITEM_FIELDS);
    assert_eq!(
        (&order["status"], &order["payment_status"], &order["channel"]),
        (&json!("CREATED"), &json!("pending"), &json!("canonical"))
    );
    assert_eq!(stock(http, "TEA").await, (10, 3));
    let order_id = placed.string("order_id");
    let path = format!("/api/v1/orders/{order_id}");

    let read = http.get(&*path).send().await.expect(200);
    assert_eq!(read.text(), placed.text());
    let list = http.get("/api/v1/orders").send().await.expect(200).json();
    assert_eq!(list, json!({ "items": [order], "next_cursor": null }));
    let events = http.get(format!("{path}/events")).send().await.expect(200).json();
    assert_eq!(event_types(http, &order_id).await, ["ORDER_CREATED", "INVENTORY_RESERVED"]);
    has_all(&events["items"][0], &["order_event_id", "sequence", "event_type", "payload", "request_id", "created_at"]);
    assert_eq!(events["items"][0]["request_id"], "req-place");

    let canceled = http.post(format!("{path}/cancel")).json(&json!({ "reason": "too late" })).send().await.expect(200).json();
    assert_eq!((&canceled["status"], &canceled["allowed_actions"]), (&json!("CANCELED"), &json!([])));
    assert_eq!(canceled["cancellation_reason"], "too late");
    assert_eq!(stock(http, "TEA").await, (10, 0));
    let history = ["ORDER_CREATED", "INVENTORY_RESERVED", "ORDER_CANCELED", "INVENTORY_RELEASED"];
    assert_eq!(event_types(http, &order_id).await, history);

    let again = http.post(format!("{path}/cancel")).send().await.expect(200).json();
    assert_eq!(again, canceled, "canceling twice changes nothing");
    assert_eq!(event_types(http, &order_id).await, history);
    assert_eq!(stock(http, "TEA").await, (10, 0));
}

async fn amounts_are_exact_to_the_character(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    for (sku_id, price, currency, qty, expected_unit, expected_total) in [
        ("A", "19.99", "USD", 3, "19.99", "59.97"),
        ("B", "0.10", "USD", 3, "0.10", "0.30"),
        ("C", "1000", "JPY", 1, "1000", "1000"),
        ("D", "1.005", "BHD", 2, "1.005", "2.010"),
        ("E", "100", "EUR", 1, "100.00", "100.00"),
        ("F", "99999.99", "USD", 1_000_000, "99999.99", "99999990000.00"),
        ("G", "0.01", "USD", 1, "0.01", "0.01"),
    ] {
        priced_goods(http, sku_id, (price, currency), 1_000_000).await;
        let placed = place(http, sku_id, &cart(&[(sku_id, qty)])).send().await.expect(201);
        let read = http.get(format!("/api/v1/orders/{}", placed.string("order_id"))).send().await.expect(200);
        for reply in [&placed, &read] {
            assert_eq!(reply.raw("/currency"), format!("\"{currency}\""));
            assert_eq!(reply.raw("/items/0/unit_price"), expected_unit);
            assert_eq!(reply.raw("/items/0/price_snapshot/unit_price"), expected_unit);
            for total in ["/items/0/item_total_amount", "/subtotal_amount", "/total_amount"] {
                assert_eq!(reply.raw(total), expected_total, "{total} of {sku_id}");
            }
        }
    }
    // A number in JSON is as good as a text, and an expected price may be either.
    http.post("/api/v1/offers")
        .body("application/json", r#"{"sku_id":"A","price":19.95,"currency":"USD","priority":1}"#)
        .send()
        .await
        .expect(201);
    for expected in ["19.95", "\"19.95\""] {
        let body = format!(r#"{{"items":[{{"sku_id":"A","qty":7,"expected_unit_price":{expected}}}]}}"#);
        let placed =
            http.post("/api/v1/orders").key(&format!("A{}", expected.len())).body("application/json", body).send().await.expect(201);
        assert_eq!(placed.raw("/total_amount"), "139.65");
    }
}

async fn order_numbers_rise_from_one(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 100).await;
    let mut last = 0;
    for key in ["a", "b", "c", "d", "e"] {
        let order = place(http, key, &cart(&[("TEA", 1)])).send().await.expect(201).json();
        let number = order["order_number"].as_str().expect("every order has a number");
        let year = order["created_at"].as_str().and_then(|time| time.get(..4)).expect("a time begins with its year");
        let count = number.strip_prefix(&format!("ORD-{year}-")).unwrap_or_else(|| panic!("{number} is not of {year}"));
        assert!(count.len() == 5 && count.bytes().all(|byte| byte.is_ascii_digit()), "{number}");
        let count: u32 = count.parse().expect("five digits are a number");
        assert!(if last == 0 { count == 1 } else { count > last }, "{number} after {last}");
        last = count;
    }
}

async fn what_the_caller_says_about_an_order_is_kept(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 10).await;
    let address = json!({ "name": "Ana", "line1": "Gran Vía 1", "city": "Málaga", "country": "ES", "postal_code": "29005" });
    let body = json!({
        "items": [{ "sku_id": "TEA", "qty": 1 }],
        "user_id": "u-1", "customer_email": "ana@example.com", "notes": "bell\nis broken", "metadata": { "a": [1, "ü"] },
        "external_id": "x-1", "payment_method": "card_stub", "currency": "USD",
        "shipping_address": address, "billing_address_id": "bill",
    });
    let order = place(http, "k", &body).send().await.expect(201).json();
    for name in ["user_id", "customer_email", "notes", "metadata", "external_id", "payment_method", "currency", "shipping_address"] {
        assert_eq!(order[name], body[name], "{name}");
    }
    assert_eq!(order["billing_address_id"], "bill");
    assert_eq!(order["shipping_address_id"], Value::Null);
}

async fn an_order_for_nothing_is_possible(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    priced_goods(http, "GIFT", ("0.00", "USD"), 10).await;
    let order = place(http, "k", &cart(&[("GIFT", 1)])).send().await.expect(201);
    assert_eq!(order.raw("/total_amount"), "0.00");
    // A total of 0 is PAID in the placing transaction with a payment of 0, method `none`.
    let json = order.json();
    assert_eq!((&json["status"], &json["payment_status"]), (&json!("PAID"), &json!("paid")), "{json}");
    assert_eq!(order.raw("/payment/amount"), "0.00");
    assert_eq!(order.raw("/payment/payment_method"), "\"none\"");
    assert_eq!(stock(http, "GIFT").await, (9, 0));
}
