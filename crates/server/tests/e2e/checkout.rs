//! Checkout sessions: from a filled cart to one order, however often and from wherever it is confirmed.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{
    Database, Http, Mode, Proxy, Reply, Request, Server, Setup, all_orders, audit_is_clean, crowd, event_types, goods, priced_goods,
    problem, stock, until,
};

on_each_database![
    a_guest_takes_a_cart_to_an_order,
    a_customer_checks_out_the_cart_that_he_means,
    what_is_missing_is_named_and_nothing_is_done,
    what_is_not_shipped_needs_no_address,
    an_address_has_what_its_country_needs,
    nothing_is_promised_before_it_is_confirmed,
    a_changed_price_and_missing_stock_leave_the_session_open,
    cash_on_delivery_waits_for_nobody,
    an_order_for_nothing_is_paid,
    a_declined_payment_leaves_the_order_waiting_for_another,
    a_provider_that_does_not_answer_leaves_the_payment_open,
    fifty_confirms_at_once_make_one_order,
    fifty_confirms_of_a_card_that_is_declined_make_one_attempt,
    two_sessions_of_one_cart_make_one_order,
    a_session_ends_by_itself_and_begins_anew,
    a_guests_token_opens_his_session_alone,
    a_confirmed_session_is_not_changed,
    a_session_in_another_version_is_left_alone,
];
on_postgres_only![two_instances_confirm_one_session, a_confirm_of_many_lines_sends_as_many_statements_as_one_of_a_single_line];

fn put(http: &Http, session: &str, sku_id: &str, qty: i64) -> Request {
    http.post("/api/v1/cart/items").json(&json!({ "session_id": session, "sku_id": sku_id, "qty": qty }))
}

fn start(http: &Http, body: &Value) -> Request {
    http.post("/checkout/start").json(body)
}

fn state(http: &Http, session: &str, mut change: Value) -> Request {
    change["session_id"] = json!(session);
    http.put("/checkout/state").json(&change)
}

fn confirm(http: &Http, session: &str) -> Request {
    http.post("/checkout/confirm").json(&json!({ "session_id": session }))
}

async fn session(http: &Http, session: &str) -> Value {
    http.get(format!("/checkout/{session}")).send().await.expect(200).json()
}

fn home() -> Value {
    json!({ "name": "Ada", "line1": "1 Main St", "city": "Springfield", "country": "US", "region": "IL", "postal_code": "62701" })
}

/// Everything that a guest must say.
fn complete(method: &str) -> Value {
    json!({ "shipping_address": home(), "payment_method": method, "customer_email": "ada@mail.example" })
}

/// A guest's session that can be confirmed.
async fn ready(http: &Http, name: &str, sku_id: &str, method: &str) {
    put(http, name, sku_id, 2).send().await.expect(201);
    start(http, &json!({ "session_id": name })).send().await.expect(201);
    let ready = state(http, name, complete(method)).send().await.expect(200).json();
    assert_eq!(ready["missing"], json!([]), "{ready}");
}

async fn order(http: &Http, reply: &Reply) -> Value {
    http.get(format!("/api/v1/orders/{}", reply.string("order_id"))).send().await.expect(200).json()
}

async fn a_guest_takes_a_cart_to_an_order(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 5).await;
    priced_goods(http, "CUP", ("4.50", "USD"), 5).await;
    put(http, "s", "TEA", 2).send().await.expect(201);
    let cart = put(http, "s", "CUP", 1).send().await.expect(201).json();
    let started = start(http, &json!({ "session_id": "s" })).send().await.expect(201);
    let begun = started.json();
    assert_eq!(started.raw("/totals/total_amount"), "24.50");
    assert_eq!(begun["missing"], json!(["shipping_address", "payment_method", "customer_email"]));
    assert_eq!((&begun["status"], &begun["cart_id"], &begun["items"]), (&json!("active"), &cart["cart_id"], &cart["items"]));
    assert_eq!(
        (&begun["customer_id"], &begun["order_id"], begun["guest_token"].as_str().map(str::len)),
        (&Value::Null, &Value::Null, Some(64))
    );
    let mut change = complete("card_stub");
    change["notes"] = json!("ring twice");
    change["shipping_method"] = json!("express");
    change["promotion_codes"] = json!(["SPRING", "Zoë"]);
    let filled = state(http, "s", change).send().await.expect(200).json();
    assert_eq!(session(http, "s").await, filled, "what is shown is what was said");
    for (name, value) in [
        ("shipping_address", home()),
        ("billing_address", Value::Null),
        ("shipping_method", json!("express")),
        ("payment_method", json!("card_stub")),
        ("promotion_codes", json!(["SPRING", "Zoë"])),
        ("notes", json!("ring twice")),
        ("customer_email", json!("ada@mail.example")),
        ("missing", json!([])),
        ("price_changes", json!([])),
    ] {
        assert_eq!(filled[name], value, "{name}");
    }
    assert!(filled["guest_token"].is_null(), "it is told once");

    let confirmed = confirm(http, "s").send().await.expect(201);
    let body = confirmed.json();
    assert_eq!((&body["status"], &body["payment_status"]), (&json!("PAID"), &json!("paid")));
    assert!(body["order_number"].as_str().is_some_and(|number| number.starts_with("ORD-")));
    let placed = order(http, &confirmed).await;
    for (name, value) in [
        ("channel", json!("checkout")),
        ("order_number", body["order_number"].clone()),
        ("cart_id", cart["cart_id"].clone()),
        ("user_id", Value::Null),
        ("customer_email", json!("ada@mail.example")),
        ("shipping_address", home()),
        ("billing_address", home()),
        ("payment_method", json!("card_stub")),
        ("notes", json!("ring twice")),
    ] {
        assert_eq!(placed[name], value, "{name}");
    }
    let facts = ["ORDER_CREATED", "INVENTORY_RESERVED", "PAYMENT_REQUESTED", "PAYMENT_SUCCEEDED", "INVENTORY_DEDUCTED"];
    assert_eq!(event_types(http, &confirmed.string("order_id")).await, facts);
    assert_eq!((stock(http, "TEA").await, stock(http, "CUP").await), ((3, 0), (4, 0)));
    let after = session(http, "s").await;
    assert_eq!((&after["status"], &after["order_id"], &after["missing"]), (&json!("confirmed"), &body["order_id"], &json!([])));
    assert_eq!(http.get("/api/v1/cart?session_id=s").send().await.expect(200).json()["is_active"], json!(false));
    assert_eq!(confirm(http, "s").send().await.expect(200).json(), body);
    // The same guest comes again: another cart, another order.
    ready(http, "s", "TEA", "card_stub").await;
    let next = confirm(http, "s").send().await.expect(201).json();
    assert_ne!(next["order_id"], body["order_id"]);
    audit_is_clean(database).await;
}

async fn a_customer_checks_out_the_cart_that_he_means(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 50).await;
    let own = json!({ "user_id": "ada", "sku_id": "TEA", "qty": 3 });
    let own = http.post("/api/v1/cart/items").json(&own).send().await.expect(201).json();
    let guests = put(http, "s", "TEA", 1).send().await.expect(201).json();
    let begun = |body: Value| async move { start(http, &body).send().await.expect(201).json()["cart_id"].clone() };
    assert_eq!(begun(json!({ "session_id": "s" })).await, guests["cart_id"]);
    assert_eq!(begun(json!({ "session_id": "s", "customer_id": "ada" })).await, own["cart_id"], "the customer's own goes before");
    assert_eq!(begun(json!({ "session_id": "s", "customer_id": "ada", "cart_id": guests["cart_id"] })).await, guests["cart_id"]);
    assert_eq!(begun(json!({ "session_id": "s", "customer_id": "bob" })).await, guests["cart_id"], "bob has none of his own");
    // Who is known needs no address to write to, and has no guest's token.
    let started = start(http, &json!({ "session_id": "x", "customer_id": "ada" })).send().await.expect(201).json();
    assert_eq!((&started["guest_token"], &started["missing"]), (&Value::Null, &json!(["shipping_address", "payment_method"])));
    state(http, "x", json!({ "shipping_address_id": "home", "payment_method": "card_stub" })).send().await.expect(200);
    let confirmed = confirm(http, "x").send().await.expect(201);
    let placed = order(http, &confirmed).await;
    assert_eq!(
        (&placed["user_id"], &placed["shipping_address_id"], &placed["billing_address_id"]),
        (&json!("ada"), &json!("home"), &json!("home"))
    );
    // A cart that has become an order, and one that never was.
    let closed = start(http, &json!({ "session_id": "y", "cart_id": own["cart_id"] })).send().await;
    assert_eq!(problem(&closed, 409, "CART_CLOSED")["order_id"], placed["order_id"]);
    let nothing = "018f4e9a-0000-7000-8000-000000000000";
    problem(&start(http, &json!({ "session_id": "y", "cart_id": nothing })).send().await, 404, "CART_NOT_FOUND");
    audit_is_clean(database).await;
}

async fn what_is_missing_is_named_and_nothing_is_done(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 5).await;
    problem(&confirm(http, "s").send().await, 404, "CHECKOUT_NOT_FOUND");
    problem(&state(http, "s", json!({ "notes": "n" })).send().await, 404, "CHECKOUT_NOT_FOUND");
    problem(&http.get("/checkout/s").send().await, 404, "CHECKOUT_NOT_FOUND");
    let begun = start(http, &json!({ "session_id": "s" })).send().await.expect(201).json();
    assert_eq!((&begun["cart_id"], &begun["totals"]), (&Value::Null, &Value::Null));
    let all = json!(["items", "payment_method", "customer_email"]);
    assert_eq!(problem(&confirm(http, "s").send().await, 422, "CHECKOUT_INCOMPLETE")["missing"], all);
    put(http, "s", "TEA", 1).send().await.expect(201);
    let all = json!(["shipping_address", "payment_method", "customer_email"]);
    assert_eq!(problem(&confirm(http, "s").send().await, 422, "CHECKOUT_INCOMPLETE")["missing"], all);
    let mut left = vec!["shipping_address", "payment_method", "customer_email"];
    let said = complete("card_stub");
    while let Some(next) = left.first().copied() {
        state(http, "s", json!({ next: said[next] })).send().await.expect(200);
        left.remove(0);
        if !left.is_empty() {
            assert_eq!(problem(&confirm(http, "s").send().await, 422, "CHECKOUT_INCOMPLETE")["missing"], json!(left));
        }
    }
    // What was said can be taken back.
    state(http, "s", json!({ "payment_method": null })).send().await.expect(200);
    problem(&confirm(http, "s").send().await, 422, "CHECKOUT_INCOMPLETE");
    assert_eq!((stock(http, "TEA").await, all_orders(http, "").await), ((5, 0), vec![]));
    audit_is_clean(database).await;
}

async fn what_is_not_shipped_needs_no_address(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "SONG", 5).await;
    let digital = json!({ "product_id": "p", "name": "A song", "tax_class": "digital" });
    http.put("/api/v1/skus/SONG").json(&digital).send().await.expect(200);
    put(http, "s", "SONG", 1).send().await.expect(201);
    let begun = start(http, &json!({ "session_id": "s" })).send().await.expect(201).json();
    assert_eq!(begun["missing"], json!(["payment_method", "customer_email"]));
    state(http, "s", json!({ "payment_method": "card_stub", "customer_email": "ada@mail.example" })).send().await.expect(200);
    let confirmed = confirm(http, "s").send().await.expect(201);
    assert_eq!(order(http, &confirmed).await["shipping_address"], Value::Null);
}

async fn an_address_has_what_its_country_needs(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    start(http, &json!({ "session_id": "s" })).send().await.expect(201);
    for (field, value, code) in [
        ("postal_code", json!("6270"), "INVALID_POSTAL_CODE"),
        ("postal_code", Value::Null, "REQUIRED"),
        ("region", Value::Null, "REQUIRED"),
        ("country", json!("XX"), "INVALID_COUNTRY"),
        ("city", json!(""), "TOO_SHORT"),
        ("zip", json!("62701"), "UNKNOWN_FIELD"),
    ] {
        let mut address = home();
        address[field] = value;
        for name in ["shipping_address", "billing_address"] {
            let told = problem(&state(http, "s", json!({ name: address })).send().await, 422, "VALIDATION_FAILED");
            assert_eq!(
                (&told["errors"][0]["pointer"], &told["errors"][0]["code"], told["errors"].as_array().map(Vec::len)),
                (&json!(format!("/{name}/{field}")), &json!(code), Some(1))
            );
        }
    }
    let berlin = json!({ "name": "Ada", "line1": "Torstraße 1", "city": "Berlin", "country": "DE", "postal_code": "10117" });
    state(http, "s", json!({ "billing_address": berlin })).send().await.expect(200);
    assert_eq!(session(http, "s").await["billing_address"], berlin);
}

async fn nothing_is_promised_before_it_is_confirmed(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 2).await;
    for name in ["s", "t"] {
        ready(http, name, "TEA", "card_stub").await;
    }
    assert_eq!((stock(http, "TEA").await, all_orders(http, "").await), ((2, 0), vec![]));
    let asked = confirm(http, "s").header("Prefer", "dry-run").send().await.expect(200).json();
    assert_eq!(asked["status"], json!("PAYMENT_PENDING"));
    assert_eq!((stock(http, "TEA").await, all_orders(http, "").await), ((2, 0), vec![]));
    confirm(http, "t").send().await.expect(201);
    // The last two are sold: who comes later is told so, and keeps his session.
    let short = problem(&confirm(http, "s").send().await, 409, "OUT_OF_STOCK");
    assert_eq!(short["lines"], json!([{ "sku_id": "TEA", "requested": 2, "available": 0 }]));
    assert_eq!(session(http, "s").await["status"], json!("active"));
    audit_is_clean(database).await;
}

async fn a_changed_price_and_missing_stock_leave_the_session_open(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 1).await;
    ready(http, "s", "TEA", "card_stub").await;
    let offer = json!({ "sku_id": "TEA", "price": "12.00", "currency": "USD", "priority": 1 });
    http.post("/api/v1/offers").json(&offer).send().await.expect(201);
    let shown = http.get("/checkout/s").send().await.expect(200);
    assert_eq!((shown.raw("/totals/total_amount"), shown.raw("/price_changes/0/new_unit_price")), ("24.00", "12.00"));
    let told = problem(&confirm(http, "s").send().await, 409, "PRICE_CHANGED");
    assert_eq!(told["lines"], shown.json()["price_changes"]);
    let cart = http.get("/api/v1/cart?session_id=s").send().await.expect(200).json();
    let path = format!("/api/v1/cart/items/{}", cart["items"][0]["cart_item_id"].as_str().expect("a line"));
    http.request("PATCH", &*path).json(&json!({ "qty": 2 })).send().await.expect(200);
    problem(&confirm(http, "s").send().await, 409, "OUT_OF_STOCK");
    http.request("PATCH", path).json(&json!({ "qty": 1 })).send().await.expect(200);
    let confirmed = confirm(http, "s").send().await.expect(201);
    assert_eq!(order(http, &confirmed).await["total_amount"], json!(12.0));
    audit_is_clean(database).await;
}

async fn cash_on_delivery_waits_for_nobody(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 5).await;
    ready(http, "s", "TEA", "cod").await;
    let confirmed = confirm(http, "s").send().await.expect(201);
    let body = confirmed.json();
    assert_eq!((&body["status"], &body["payment_status"]), (&json!("PAYMENT_PENDING"), &json!("pending")));
    let placed = order(http, &confirmed).await;
    assert_eq!((&placed["expires_at"], &placed["payment"]["payment_method"]), (&Value::Null, &json!("cod")));
    assert_eq!(confirm(http, "s").send().await.expect(200).json(), body);
    let payment_id = placed["payment"]["payment_id"].as_str().expect("a payment");
    http.post(format!("/api/v1/payments/{payment_id}/collect")).send().await.expect(200);
    assert_eq!(confirm(http, "s").send().await.expect(200).json()["payment_status"], json!("paid"));
    audit_is_clean(database).await;
}

async fn an_order_for_nothing_is_paid(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    priced_goods(http, "FREE", ("0.00", "USD"), 5).await;
    ready(http, "s", "FREE", "card_stub_decline").await;
    let confirmed = confirm(http, "s").send().await.expect(201);
    assert_eq!(confirmed.json()["payment_status"], json!("paid"));
    assert_eq!(order(http, &confirmed).await["payment_method"], json!("none"));
    audit_is_clean(database).await;
}

async fn a_declined_payment_leaves_the_order_waiting_for_another(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 5).await;
    ready(http, "s", "TEA", "card_stub_decline").await;
    let declined = confirm(http, "s").send().await;
    let order_id = problem(&declined, 402, "PAYMENT_FAILED")["order_id"].as_str().expect("the order").to_owned();
    assert_eq!(stock(http, "TEA").await, (5, 2), "the order keeps its stock");
    // Again in the same way: another attempt, another refusal, the same order.
    assert_eq!(problem(&confirm(http, "s").send().await, 402, "PAYMENT_FAILED")["order_id"], json!(order_id));
    state(http, "s", json!({ "payment_method": "card_stub" })).send().await.expect(200);
    let paid = confirm(http, "s").send().await.expect(200).json();
    assert_eq!((&paid["order_id"], &paid["payment_status"]), (&json!(order_id), &json!("paid")));
    let types = event_types(http, &order_id).await;
    let count = |word: &str| types.iter().filter(|event| *event == word).count();
    assert_eq!((count("ORDER_CREATED"), count("PAYMENT_REQUESTED"), count("PAYMENT_FAILED"), count("PAYMENT_SUCCEEDED")), (1, 3, 2, 1));
    assert_eq!((stock(http, "TEA").await, all_orders(http, "").await.len()), ((3, 0), 1));
    audit_is_clean(database).await;
}

async fn a_provider_that_does_not_answer_leaves_the_payment_open(database: &Database) {
    let server = Setup::on(database).set("ORDO_PAYMENTS__ANSWER_WITHIN_MS", "300").start().await;
    let http = &server.http;
    goods(http, "TEA", 5).await;
    ready(http, "s", "TEA", "card_stub_timeout").await;
    let body = confirm(http, "s").send().await.expect(201).json();
    assert_eq!((&body["status"], &body["payment_status"]), (&json!("PAYMENT_PENDING"), &json!("pending")));
    let again = confirm(http, "s").send().await.expect(200);
    assert_eq!(again.json(), body);
    let types = event_types(http, &again.string("order_id")).await;
    assert_eq!(types.iter().filter(|event| *event == "PAYMENT_REQUESTED").count(), 1, "{types:?}");
    // The way to pay is not changed while it is not known whether it was paid.
    audit_is_clean(database).await;
}

async fn fifty_confirms_at_once_make_one_order(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 500).await;
    ready(http, "s", "TEA", "card_stub").await;
    let replies = crowd(50, |_| confirm(http, "s").send()).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 1);
    let first = replies[0].json();
    for reply in &replies {
        assert!(matches!(reply.status, 200 | 201), "{}", reply.text());
        assert_eq!(reply.json(), first);
    }
    assert_eq!(first["payment_status"], json!("paid"));
    let types = event_types(http, first["order_id"].as_str().expect("an id")).await;
    assert_eq!(types.iter().filter(|event| *event == "PAYMENT_REQUESTED").count(), 1, "{types:?}");
    assert_eq!((stock(http, "TEA").await, all_orders(http, "").await.len()), ((498, 0), 1));
    audit_is_clean(database).await;
}

async fn fifty_confirms_of_a_card_that_is_declined_make_one_attempt(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 500).await;
    ready(http, "s", "TEA", "card_stub_decline").await;
    let replies = crowd(50, |_| confirm(http, "s").send()).await;
    let order_id = problem(&replies[0], 402, "PAYMENT_FAILED")["order_id"].clone();
    for reply in &replies {
        assert_eq!(problem(reply, 402, "PAYMENT_FAILED")["order_id"], order_id);
    }
    let types = event_types(http, order_id.as_str().expect("an id")).await;
    let count = |word: &str| types.iter().filter(|event| *event == word).count();
    // Who comes after the refusal tries anew; each attempt has one end, and no two are open at once.
    assert_eq!(count("PAYMENT_REQUESTED"), count("PAYMENT_FAILED"), "{types:?}");
    assert_eq!((count("ORDER_CREATED"), all_orders(http, "").await.len(), stock(http, "TEA").await), (1, 1, (500, 2)));
    audit_is_clean(database).await;
}

async fn two_sessions_of_one_cart_make_one_order(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 500).await;
    let cart = put(http, "s", "TEA", 2).send().await.expect(201).json();
    for name in ["s", "t", "u", "v"] {
        start(http, &json!({ "session_id": name, "cart_id": cart["cart_id"] })).send().await.expect(201);
        state(http, name, complete("card_stub")).send().await.expect(200);
    }
    let replies = crowd(20, |index| confirm(http, ["s", "t", "u", "v"][index % 4]).send()).await;
    let mut orders: Vec<String> = Vec::new();
    for reply in &replies {
        assert!(matches!(reply.status, 200 | 201), "{}", reply.text());
        orders.push(reply.string("order_id"));
    }
    assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 1);
    orders.dedup();
    for name in ["s", "t", "u", "v"] {
        assert_eq!(session(http, name).await["order_id"], json!(orders[0]), "each session has ended with the one order");
    }
    // A session that begins afterwards is about the next cart.
    start(http, &json!({ "session_id": "w", "customer_id": "ada" })).send().await.expect(201);
    put(http, "w", "TEA", 1).send().await.expect(201);
    assert_eq!(session(http, "w").await["order_id"], Value::Null);
    assert_eq!((orders.len(), all_orders(http, "").await.len(), stock(http, "TEA").await), (1, 1, (498, 0)));
    audit_is_clean(database).await;
}

async fn a_session_ends_by_itself_and_begins_anew(database: &Database) {
    let server = Setup::on(database).set("ORDO_CHECKOUT__SESSION_TTL_SECONDS", "1").start().await;
    let http = &server.http;
    goods(http, "TEA", 5).await;
    put(http, "s", "TEA", 1).send().await.expect(201);
    let ended = async |name: &str, word: &str| {
        let is_over = async || (session(http, name).await["status"] == json!(word)).then_some(());
        until("the session is over", Duration::from_secs(10), is_over).await;
        problem(&confirm(http, name).send().await, 409, "CHECKOUT_EXPIRED");
        problem(&state(http, name, json!({ "notes": "n" })).send().await, 409, "CHECKOUT_EXPIRED");
    };
    start(http, &json!({ "session_id": "s" })).send().await.expect(201);
    ended("s", "expired").await;
    let again = start(http, &json!({ "session_id": "s" })).send().await.expect(201).json();
    assert_eq!((&again["status"], &again["notes"]), (&json!("active"), &Value::Null));
    state(http, "s", json!({ "customer_email": "ada@mail.example" })).send().await.expect(200);
    ended("s", "abandoned").await;
    // It is written down, not only told.
    let noted = async || database.contents()["checkout"].iter().any(|row| row.contains("abandoned")).then_some(());
    until("the end is noted", Duration::from_secs(10), noted).await;
    let fresh = start(http, &json!({ "session_id": "s" })).send().await.expect(201).json();
    assert_eq!(fresh["customer_email"], Value::Null, "nothing is taken over from one that was given up");
    // The cart outlives it.
    assert_eq!(fresh["items"][0]["sku_id"], json!("TEA"));
}

async fn a_guests_token_opens_his_session_alone(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 5).await;
    put(http, "s", "TEA", 1).send().await.expect(201);
    let token = start(http, &json!({ "session_id": "s" })).send().await.expect(201).string("guest_token");
    let other = start(http, &json!({ "session_id": "t" })).send().await.expect(201).string("guest_token");
    for (guest, status) in [(&token, 200), (&other, 404)] {
        assert_eq!(http.get("/checkout/s").header("X-Guest-Token", guest).send().await.status, status);
        assert_eq!(state(http, "s", complete("card_stub")).header("X-Guest-Token", guest).send().await.status, status);
    }
    problem(&confirm(http, "s").header("X-Guest-Token", &other).send().await, 404, "CHECKOUT_NOT_FOUND");
    // Who begins again has the new one.
    let renewed = start(http, &json!({ "session_id": "s" })).send().await.expect(201).string("guest_token");
    problem(&confirm(http, "s").header("X-Guest-Token", &token).send().await, 404, "CHECKOUT_NOT_FOUND");
    confirm(http, "s").header("X-Guest-Token", &renewed).send().await.expect(201);
    let kept: String = database.contents().into_values().flatten().collect();
    for token in [token, other, renewed] {
        assert!(!kept.contains(&token), "a token is kept as it is");
        assert!(!server.has_logged(&token), "a token is in the log");
    }
}

async fn a_confirmed_session_is_not_changed(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 5).await;
    ready(http, "s", "TEA", "card_stub_decline").await;
    let order_id = problem(&confirm(http, "s").send().await, 402, "PAYMENT_FAILED")["order_id"].clone();
    for change in [json!({ "notes": "n" }), json!({ "payment_method": "card_stub", "notes": "n" }), json!({ "payment_method": null })] {
        assert_eq!(problem(&state(http, "s", change).send().await, 409, "CHECKOUT_CONFIRMED")["order_id"], order_id);
    }
    state(http, "s", json!({ "payment_method": "card_stub" })).send().await.expect(200);
    confirm(http, "s").send().await.expect(200);
    problem(&state(http, "s", json!({ "payment_method": "cod" })).send().await, 409, "CHECKOUT_CONFIRMED");
    audit_is_clean(database).await;
}

async fn a_session_in_another_version_is_left_alone(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    let started = start(http, &json!({ "session_id": "s" })).key("k").send().await.expect(201);
    let tag = started.header("etag").expect("a tag").to_owned();
    let again = start(http, &json!({ "session_id": "s" })).key("k").send().await.expect(200);
    assert!(again.is_replay());
    assert_eq!(again.json()["guest_token"], Value::Null, "it is told once");
    problem(&start(http, &json!({ "session_id": "t" })).key("k").send().await, 422, "IDEMPOTENCY_KEY_REUSED");
    state(http, "s", json!({ "notes": "a" })).header("If-Match", &tag).send().await.expect(200);
    problem(&state(http, "s", json!({ "notes": "b" })).header("If-Match", &tag).send().await, 412, "VERSION_MISMATCH");
    let replies = crowd(20, |index| state(http, "s", json!({ "notes": format!("n{index}") })).header("If-Match", "\"2\"").send()).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 1);
    state(http, "s", json!({ "notes": "c" })).send().await.expect(200);
}

async fn two_instances_confirm_one_session(database: &Database) {
    let (one, two) = (Server::on(database).await, Server::on(database).await);
    goods(&one.http, "TEA", 1000).await;
    for round in 0..10 {
        let name = format!("s-{round}");
        ready(&one.http, &name, "TEA", "card_stub").await;
        let replies = crowd(10, |index| confirm(if index.is_multiple_of(2) { &one.http } else { &two.http }, &name).send()).await;
        let first = replies[0].json();
        assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 1);
        for reply in &replies {
            assert_eq!(reply.json(), first, "{}", reply.text());
        }
    }
    assert_eq!((stock(&two.http, "TEA").await, all_orders(&two.http, "").await.len()), ((980, 0), 10));
    audit_is_clean(database).await;
}

/// Statements of one confirm: the least of several, since workers look for what is due beside it.
async fn statements_of_a_confirm(server: &Server, proxy: &Proxy, lines: usize) -> u64 {
    let http = &server.http;
    let mut least = u64::MAX;
    for round in 0..6 {
        let name = format!("{lines}-{round}");
        for line in 0..lines {
            put(http, &name, &format!("SKU-{line}"), 1).send().await.expect(201);
        }
        start(http, &json!({ "session_id": name })).send().await.expect(201);
        state(http, &name, complete("cod")).send().await.expect(200);
        tokio::time::sleep(Duration::from_millis(20)).await;
        let before = proxy.statements();
        confirm(http, &name).send().await.expect(201);
        least = least.min(proxy.statements() - before);
    }
    least
}

async fn a_confirm_of_many_lines_sends_as_many_statements_as_one_of_a_single_line(database: &Database) {
    let proxy = Proxy::to(database.place().host(), Mode::Open).await;
    let server = Setup::at(database.place().at(&proxy.address.to_string()).url()).start().await;
    for line in 0..60 {
        goods(&server.http, &format!("SKU-{line}"), 100).await;
    }
    let (one, many) = (statements_of_a_confirm(&server, &proxy, 1).await, statements_of_a_confirm(&server, &proxy, 60).await);
    eprintln!("{one} statements");
    assert!(one > 10, "they are counted");
    assert_eq!(one, many);
}
