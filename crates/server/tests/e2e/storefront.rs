//! The storefront door: the whole life of an order in its seven words, and what may not happen to it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{
    Database, Http, Reply, Request, Server, Setup, audit_is_clean, cart, crowd, event_types, goods, metric, place, priced_goods, problem,
    stock, until,
};

on_each_database![
    an_order_goes_its_whole_way_and_stock_and_history_follow,
    an_order_shows_every_field_of_the_tables,
    a_product_is_sold_by_its_only_sku_or_by_the_one_that_is_named,
    what_is_asked_for_wrongly_is_told_at_once,
    canceling_a_paid_order_brings_goods_and_money_back,
    canceling_twice_at_once_gives_the_money_back_once,
    canceling_against_shipping_has_one_winner,
    paying_against_canceling_never_keeps_the_money,
    money_comes_back_though_the_service_is_killed,
    a_declined_payment_cancels_the_order,
    no_status_is_reached_but_by_the_lifecycle,
    the_same_key_does_it_once,
    orders_of_every_door_are_found_by_their_words,
    the_channel_decides_what_may_be_canceled,
];
on_postgres_only![canceling_at_two_instances_gives_the_money_back_once];

/// What an instance has begun is its own for five seconds, and for thirty once another one has taken it over.
const BACK_WITHIN: Duration = Duration::from_secs(45);

const NOBODY: &str = "67e55044-10b1-426f-9247-bb680e5fe0c8";

fn body(lines: &[(&str, i64)]) -> Value {
    let items: Vec<Value> =
        lines.iter().map(|(sku_id, qty)| json!({ "product_id": format!("product-of-{sku_id}"), "quantity": qty })).collect();
    json!({ "user_id": "ada", "items": items, "shipping_address_id": "home", "billing_address_id": "office" })
}

async fn order(http: &Http, lines: &[(&str, i64)]) -> String {
    http.post("/api/orders").json(&body(lines)).send().await.expect(201).string("id")
}

async fn pay(http: &Http, id: &str) {
    http.post(format!("/orders/{id}/confirm")).send().await.expect(200);
}

fn put(http: &Http, id: &str, status: &str) -> Request {
    http.put(format!("/api/orders/{id}/status")).json(&json!({ "status": status }))
}

fn cancel(http: &Http, id: &str) -> Request {
    http.post(format!("/api/orders/{id}/cancel"))
}

async fn read(http: &Http, id: &str) -> Value {
    http.get(format!("/api/orders/{id}")).send().await.expect(200).json()
}

/// An order of one TEA that stands at `word`.
async fn order_at(http: &Http, word: &str) -> String {
    let id = order(http, &[("TEA", 1)]).await;
    let by_hand: &[&str] = match word {
        "PENDING" => return id,
        "CONFIRMED" => &[],
        "PROCESSING" => &["PROCESSING"],
        "SHIPPED" => &["PROCESSING", "SHIPPED"],
        "DELIVERED" => &["PROCESSING", "SHIPPED", "DELIVERED"],
        "CANCELLED" => &["CANCELLED"],
        other => panic!("no way to {other}"),
    };
    pay(http, &id).await;
    for status in by_hand {
        put(http, &id, status).send().await.expect(200);
    }
    if word == "CANCELLED" {
        money_is_back(http, &id).await;
    }
    id
}

/// From, to and notes of the history.
fn history(order: &Value) -> Vec<[&str; 3]> {
    let changes = order["status_history"].as_array().unwrap_or_else(|| panic!("no history in {order}"));
    let text = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
    for change in changes {
        assert_eq!(change["order_id"], order["id"], "{change}");
        assert!(["id", "to_status", "changed_by", "created_at"].iter().all(|name| text(&change[*name])), "{change}");
    }
    changes.iter().map(|change| ["from_status", "to_status", "notes"].map(|name| change[name].as_str().unwrap_or("-"))).collect()
}

async fn an_order_goes_its_whole_way_and_stock_and_history_follow(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 10).await;
    let placed = http.post("/api/orders").json(&body(&[("TEA", 3)])).send().await.expect(201).json();
    let id = placed["id"].as_str().expect("an id");
    assert_eq!((&placed["status"], stock(http, "TEA").await), (&json!("PENDING"), (10, 3)));
    pay(http, id).await;
    let paid = read(http, id).await;
    assert_eq!((&paid["status"], &paid["payment_status"], stock(http, "TEA").await), (&json!("CONFIRMED"), &json!("paid"), (7, 0)));
    let prepared = http.put(format!("/api/orders/{id}/status")).json(&json!({ "status": "PROCESSING", "notes": "desk 4" }));
    let prepared = prepared.send().await.expect(200).json();
    assert_eq!((&prepared["status"], &prepared["shipped_at"], stock(http, "TEA").await), (&json!("PROCESSING"), &Value::Null, (7, 0)));
    let tracked = http.get(format!("/api/orders/{id}/tracking")).send().await.expect(200).json();
    assert_eq!((&tracked["shipments"], &tracked["tracking_number"]), (&json!([]), &Value::Null));

    let change = json!({ "status": "SHIPPED", "notes": "by bike", "tracking_number": "T-1", "carrier_code": "post" });
    let shipped = http.put(format!("/api/orders/{id}/status")).json(&change).send().await.expect(200).json();
    assert_eq!((&shipped["status"], &shipped["tracking_number"]), (&json!("SHIPPED"), &json!("T-1")));
    let tracked = http.get(format!("/api/orders/{id}/tracking")).send().await.expect(200).json();
    assert_eq!((&tracked["order_id"], &tracked["status"], &tracked["carrier_code"]), (&json!(id), &json!("SHIPPED"), &json!("post")));
    assert_eq!((&tracked["tracking_number"], &tracked["shipped_at"]), (&json!("T-1"), &shipped["shipped_at"]));
    assert_eq!(tracked["shipments"][0]["items"], json!([{ "order_item_id": shipped["items"][0]["id"], "quantity": 3 }]));
    let delivered = put(http, id, "DELIVERED").send().await.expect(200).json();
    assert_eq!((&delivered["status"], &delivered["shipped_at"]), (&json!("DELIVERED"), &shipped["shipped_at"]));
    assert!(delivered["delivered_at"].is_string(), "{delivered}");
    let tracked = http.get(format!("/api/orders/{id}/tracking")).send().await.expect(200).json();
    assert_eq!((&tracked["shipments"][0]["status"], tracked["shipments"].as_array().map(Vec::len)), (&json!("DELIVERED"), Some(1)));

    assert_eq!(read(http, id).await, delivered);
    assert_eq!(
        history(&delivered),
        [
            ["-", "PENDING", "-"],
            ["PENDING", "CONFIRMED", "-"],
            ["CONFIRMED", "PROCESSING", "desk 4"],
            ["PROCESSING", "SHIPPED", "by bike"],
            ["SHIPPED", "DELIVERED", "-"],
        ]
    );
    assert_eq!(stock(http, "TEA").await, (7, 0));
    for (line, expected) in [
        ("shipment_status_update_total{from=\"NONE\",to=\"SHIPPED\"}", 1.0),
        ("shipment_status_update_total{from=\"SHIPPED\",to=\"DELIVERED\"}", 1.0),
    ] {
        assert!((metric(http, line).await - expected).abs() < f64::EPSILON, "{line}");
    }
    audit_is_clean(database).await;
}

async fn an_order_shows_every_field_of_the_tables(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    priced_goods(http, "TEA", ("19.99", "USD"), 10).await;
    let mut sent = body(&[("TEA", 3)]);
    sent["notes"] = json!("ring twice");
    sent["currency"] = json!("USD");
    sent["customer_email"] = json!("ada@example.com");
    let reply = http.post("/api/orders").json(&sent).send().await.expect(201);
    let order = reply.json();
    for name in [
        "id order_number user_id status subtotal tax_amount shipping_amount discount_amount total_amount currency shipping_address_id",
        "billing_address_id notes tracking_number shipped_at delivered_at cancelled_at cancellation_reason created_at updated_at",
        "customer_email payment_status payment_method expires_at version allowed_actions items status_history refunds",
    ]
    .iter()
    .flat_map(|names| names.split(' '))
    {
        assert!(order.get(name).is_some(), "no {name} in {order}");
    }
    for (pointer, exact) in [("/subtotal", "59.97"), ("/tax_amount", "0.00"), ("/total_amount", "59.97"), ("/items/0/unit_price", "19.99")]
    {
        assert_eq!(reply.raw(pointer), exact, "{pointer}");
    }
    assert_eq!(reply.raw("/items/0/total_price"), "59.97");
    let item = &order["items"][0];
    assert_eq!(
        (&item["product_id"], &item["product_name"], &item["product_sku"], &item["quantity"], &item["order_id"], &item["created_at"]),
        (&json!("product-of-TEA"), &json!("TEA by the piece"), &json!("TEA"), &json!(3), &order["id"], &order["created_at"])
    );
    assert!(item["id"].is_string() && order["order_number"].as_str().is_some_and(|number| number.starts_with("ORD-")), "{order}");
    assert_eq!(
        (&order["user_id"], &order["notes"], &order["shipping_address_id"], &order["billing_address_id"], &order["currency"]),
        (&json!("ada"), &json!("ring twice"), &json!("home"), &json!("office"), &json!("USD"))
    );
    assert_eq!(read(http, order["id"].as_str().expect("an id")).await, order);
    // It stops where its money is to be asked for.
    assert_eq!(event_types(http, order["id"].as_str().expect("an id")).await, ["ORDER_CREATED", "INVENTORY_RESERVED"]);
}

async fn sku(http: &Http, sku_id: &str, product_id: &str, status: &str) {
    let sku = json!({ "product_id": product_id, "name": sku_id, "status": status });
    let reply = http.put(format!("/api/v1/skus/{sku_id}")).json(&sku).send().await;
    assert!(matches!(reply.status, 200 | 201), "{}", reply.text());
}

async fn a_product_is_sold_by_its_only_sku_or_by_the_one_that_is_named(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    for sku_id in ["SHIRT-S", "SHIRT-M", "SHIRT-L", "HAT"] {
        goods(http, sku_id, 10).await;
    }
    for (sku_id, status) in [("SHIRT-S", "ACTIVE"), ("SHIRT-M", "ACTIVE"), ("SHIRT-L", "INACTIVE")] {
        sku(http, sku_id, "shirt", status).await;
    }
    let line = |product_id: &str, product_sku: Option<&str>| {
        let mut order = body(&[]);
        order["items"] = json!([{ "product_id": product_id, "product_sku": product_sku, "quantity": 2 }]);
        http.post("/api/orders").json(&order)
    };
    let named = line("shirt", Some("SHIRT-S")).send().await.expect(201).json();
    assert_eq!(named["items"][0]["product_sku"], "SHIRT-S");
    let told = problem(&line("shirt", None).send().await, 422, "AMBIGUOUS_PRODUCT");
    let shirts = json!([{ "product_id": "shirt", "product_sku": null, "choices": ["SHIRT-M", "SHIRT-S"] }]);
    assert_eq!(told["lines"], shirts);
    for product_sku in ["HAT", "NONE"] {
        let told = problem(&line("shirt", Some(product_sku)).send().await, 422, "UNKNOWN_PRODUCT");
        assert_eq!((&told["lines"][0]["product_id"], &told["lines"][0]["product_sku"]), (&json!("shirt"), &json!(product_sku)));
    }
    let told = problem(&line("coat", None).send().await, 422, "UNKNOWN_PRODUCT");
    assert_eq!(told["lines"], json!([{ "product_id": "coat", "product_sku": null, "choices": [] }]));
    let told = problem(&line("shirt", Some("SHIRT-L")).send().await, 422, "UNKNOWN_SKU");
    assert_eq!(told["lines"], json!([{ "sku_id": "SHIRT-L" }]));
    // With one of them gone, the product is the other one.
    sku(http, "SHIRT-S", "shirt", "INACTIVE").await;
    let only = line("shirt", None).send().await.expect(201).json();
    assert_eq!(only["items"][0]["product_sku"], "SHIRT-M");
    let short = problem(
        &http
            .post("/api/orders")
            .json(&{
                let mut order = body(&[("HAT", 4)]);
                order["items"][0]["quantity"] = json!(11);
                order
            })
            .send()
            .await,
        409,
        "OUT_OF_STOCK",
    );
    assert_eq!(short["lines"], json!([{ "sku_id": "HAT", "requested": 11, "available": 10 }]));
    assert_eq!((stock(http, "SHIRT-S").await, stock(http, "SHIRT-M").await), ((10, 2), (10, 2)));
    audit_is_clean(database).await;
}

async fn what_is_asked_for_wrongly_is_told_at_once(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 10).await;
    let told = problem(&http.post("/api/orders").json(&json!({})).send().await, 422, "VALIDATION_FAILED");
    let pointers = |told: &Value| -> Vec<String> {
        told["errors"].as_array().into_iter().flatten().filter_map(|error| error["pointer"].as_str().map(str::to_owned)).collect()
    };
    assert_eq!(pointers(&told), ["/user_id", "/shipping_address_id", "/billing_address_id", "/items"]);
    let mut broken = body(&[("TEA", 0)]);
    broken["total_amount"] = json!(0.01);
    broken["items"][0]["unit_price"] = json!(0.01);
    broken["note"] = json!("x");
    let told = problem(&http.post("/api/orders").json(&broken).send().await, 422, "VALIDATION_FAILED");
    assert_eq!(pointers(&told), ["/total_amount", "/items/0/unit_price", "/items/0/quantity", "/note"]);
    assert!(told["errors"][3]["message"].as_str().is_some_and(|message| message.contains("notes")), "{told}");

    let id = order(http, &[("TEA", 1)]).await;
    for (change, expected) in [
        (json!({}), vec!["/status"]),
        (json!({ "status": "SHIPED" }), vec!["/status"]),
        (json!({ "status": "CANCELED" }), vec!["/status"]),
        (json!({ "status": "shipped" }), vec!["/status"]),
        (json!({ "status": "PROCESSING", "tracking_number": "T", "carrier_code": "c" }), vec!["/tracking_number", "/carrier_code"]),
        (json!({ "status": "SHIPPED", "tracking_number": "", "trackingnumber": 1 }), vec!["/tracking_number", "/trackingnumber"]),
    ] {
        let told = problem(&http.put(format!("/api/orders/{id}/status")).json(&change).send().await, 422, "VALIDATION_FAILED");
        assert_eq!(pointers(&told), expected, "{change}");
    }
    let empty = http.put(format!("/api/orders/{id}/status")).body("application/json", "");
    problem(&empty.send().await, 400, "BODY_REQUIRED");
    let told = problem(&cancel(http, &id).json(&json!({ "raison": "x" })).send().await, 422, "VALIDATION_FAILED");
    assert!(told["errors"][0]["message"].as_str().is_some_and(|message| message.contains("reason")), "{told}");
    for query in ["status=PAID", "state=PENDING", "limit=0", "from=yesterday"] {
        problem(&http.get(format!("/api/orders?{query}")).send().await, 422, "INVALID_PARAMETER");
    }
    for path in [format!("/api/orders/{NOBODY}"), "/api/orders/42".to_owned()] {
        for reply in [
            http.get(&*path).send().await,
            http.get(format!("{path}/tracking")).send().await,
            http.post(format!("{path}/cancel")).send().await,
        ] {
            assert_eq!(reply.status, 404, "{path}: {}", reply.text());
        }
    }
    for status in ["PENDING", "PROCESSING", "SHIPPED", "DELIVERED", "CANCELLED"] {
        problem(&put(http, NOBODY, status).send().await, 404, "ORDER_NOT_FOUND");
    }
    assert_eq!(read(http, &id).await["status"], "PENDING");
}

/// The message that tells other services is in the outbox. On SQLite, `ordo audit` says that every fact has its messages.
fn refund_is_told(database: &Database, id: &str) {
    if let Database::Postgres(_) = database {
        let found = format!("select 1 from outbox where aggregate_id = '{id}' and event_type = 'payment.refunded'");
        database
            .run_sql(&format!("do $$ begin if (select count(*) from ({found}) as told) <> 1 then raise 'not told once'; end if; end $$"));
    }
}

async fn canceling_a_paid_order_brings_goods_and_money_back(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 10).await;
    for word in ["CONFIRMED", "PROCESSING"] {
        let id = order_at(http, word).await;
        assert_eq!(stock(http, "TEA").await, (9, 0));
        let canceled = cancel(http, &id).json(&json!({ "reason": "too late" })).send().await.expect(200).json();
        assert_eq!((&canceled["status"], &canceled["cancellation_reason"]), (&json!("CANCELLED"), &json!("too late")));
        assert!(canceled["cancelled_at"].is_string(), "{canceled}");
        assert_eq!(history(&canceled).last(), Some(&[word, "CANCELLED", "too late"]));
        assert_eq!(stock(http, "TEA").await, (10, 0));
        money_is_back(http, &id).await;
        let events = event_types(http, &id).await;
        let (_, after) = events.split_at(events.len() - 4);
        assert_eq!(after, ["ORDER_CANCELED", "INVENTORY_RESTOCKED", "REFUND_REQUESTED", "REFUND_SUCCEEDED"]);
        refund_is_told(database, &id);
    }
    assert!((metric(http, "refund_create_total{status=\"created\"}").await - 2.0).abs() < f64::EPSILON);
    assert!((metric(http, "order_cancel_total{status=\"canceled\"}").await - 2.0).abs() < f64::EPSILON);
    audit_is_clean(database).await;
}

/// The whole price of an order for one TEA goes back, once.
async fn money_is_back(http: &Http, id: &str) {
    until("the money is back", BACK_WITHIN, async || (read(http, id).await["payment_status"] == "refunded").then_some(())).await;
    let reply = http.get(format!("/api/orders/{id}")).send().await.expect(200);
    let refunds = &reply.json()["refunds"];
    assert_eq!((refunds.as_array().map(Vec::len), &refunds[0]["status"]), (Some(1), &json!("REFUNDED")));
    assert_eq!((reply.raw("/refunds/0/amount"), &reply.json()["status"]), ("10.00", &json!("CANCELLED")));
}

async fn canceled_at_once(database: &Database, doors: [&Http; 2]) {
    let [http, _] = doors;
    goods(http, "TEA", 30).await;
    for _ in 0..10 {
        let id = order_at(http, "CONFIRMED").await;
        let replies = crowd(4, |index| cancel(doors[index % 2], &id).send()).await;
        for reply in replies {
            assert_eq!(reply.expect(200).string("status"), "CANCELLED");
        }
        money_is_back(http, &id).await;
        let events = event_types(http, &id).await;
        assert_eq!(events.iter().filter(|word| *word == "REFUND_REQUESTED").count(), 1, "{events:?}");
        // Long after, it is still a repetition.
        assert_eq!(cancel(http, &id).send().await.expect(200).json()["refunds"].as_array().map(Vec::len), Some(1));
    }
    assert_eq!(stock(http, "TEA").await, (30, 0));
    audit_is_clean(database).await;
}

async fn canceling_twice_at_once_gives_the_money_back_once(database: &Database) {
    let server = Server::on(database).await;
    canceled_at_once(database, [&server.http, &server.http]).await;
}

async fn canceling_at_two_instances_gives_the_money_back_once(database: &Database) {
    let (one, two) = (Server::on(database).await, Server::on(database).await);
    canceled_at_once(database, [&one.http, &two.http]).await;
}

async fn canceling_against_shipping_has_one_winner(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 30).await;
    let mut shipped = 0;
    for round in 0..20 {
        let id = order_at(http, if round % 2 == 0 { "CONFIRMED" } else { "PROCESSING" }).await;
        let call = |index| if index == 0 { cancel(http, &id) } else { put(http, &id, "SHIPPED") };
        let replies = crowd(2, |index| call(index).send()).await;
        let events = event_types(http, &id).await;
        let happened = |word: &str| events.iter().any(|event| event == word);
        match (replies[0].status, replies[1].status) {
            (200, 409) => {
                problem(&replies[1], 409, "INVALID_TRANSITION");
                assert!(happened("ORDER_CANCELED") && !happened("ORDER_SHIPPED"), "{events:?}");
                money_is_back(http, &id).await;
            }
            (409, 200) => {
                shipped += 1;
                assert_eq!(problem(&replies[0], 409, "INVALID_TRANSITION")["status_now"], "SHIPPED");
                assert!(happened("ORDER_SHIPPED") && !happened("ORDER_CANCELED"), "{events:?}");
                assert_eq!(read(http, &id).await["payment_status"], "paid");
            }
            other => panic!("{other:?}: {} {}", replies[0].text(), replies[1].text()),
        }
    }
    assert_eq!(stock(http, "TEA").await, (30 - shipped, 0));
    audit_is_clean(database).await;
}

async fn paying_against_canceling_never_keeps_the_money(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 30).await;
    for _ in 0..20 {
        let id = order_at(http, "PENDING").await;
        let call = |index| if index == 0 { cancel(http, &id) } else { http.post(format!("/orders/{id}/confirm")) };
        let replies = crowd(2, |index| call(index).send()).await;
        assert_eq!(replies[0].status, 200, "{}", replies[0].text());
        let events = event_types(http, &id).await;
        if events.iter().any(|word| word == "PAYMENT_SUCCEEDED") {
            money_is_back(http, &id).await;
        } else {
            assert_eq!(replies[1].status, 400, "{}", replies[1].text());
            let order = read(http, &id).await;
            assert_eq!((&order["status"], &order["refunds"]), (&json!("CANCELLED"), &json!([])));
        }
    }
    assert_eq!(stock(http, "TEA").await, (30, 0));
    audit_is_clean(database).await;
}

async fn money_comes_back_though_the_service_is_killed(database: &Database) {
    let server = Server::on(database).await;
    goods(&server.http, "TEA", 30).await;
    let mut orders = Vec::new();
    for _ in 0..10 {
        orders.push(order_at(&server.http, "CONFIRMED").await);
    }
    // Sent, not waited for: some of them are under way when the process dies, and so are their refunds.
    for id in &orders {
        drop(cancel(&server.http, id).send_only(usize::MAX).await.expect("the service listens"));
    }
    let server = server.kill().await.start().await;
    for id in &orders {
        assert_eq!(cancel(&server.http, id).send().await.expect(200).string("status"), "CANCELLED");
    }
    for id in &orders {
        money_is_back(&server.http, id).await;
    }
    assert_eq!(stock(&server.http, "TEA").await, (30, 0));
    audit_is_clean(database).await;
}

async fn a_declined_payment_cancels_the_order(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 10).await;
    let id = order(http, &[("TEA", 2)]).await;
    let declined = http.post(format!("/orders/{id}/confirm")).json(&json!({ "payment_method": "card_stub_decline" }));
    assert_eq!(declined.send().await.status, 402);
    let order = read(http, &id).await;
    assert_eq!((&order["status"], &order["payment_status"]), (&json!("CANCELLED"), &json!("failed")));
    assert_eq!((&order["cancellation_reason"], &order["refunds"]), (&json!("payment_failed"), &json!([])));
    assert_eq!(history(&order), [["-", "PENDING", "-"], ["PENDING", "CANCELLED", "-"]]);
    assert_eq!(stock(http, "TEA").await, (10, 0));
    audit_is_clean(database).await;
}

async fn no_status_is_reached_but_by_the_lifecycle(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 100).await;
    // From each word, what may be asked for by hand; everything else is refused. The same word again changes nothing.
    let allowed: &[(&str, &[&str])] = &[
        ("PENDING", &["CANCELLED"]),
        ("CONFIRMED", &["PROCESSING", "SHIPPED", "CANCELLED"]),
        ("PROCESSING", &["PROCESSING", "SHIPPED", "CANCELLED"]),
        ("SHIPPED", &["SHIPPED", "DELIVERED"]),
        ("DELIVERED", &["DELIVERED"]),
        ("CANCELLED", &["CANCELLED"]),
    ];
    for (from, legal) in allowed {
        for to in ["PENDING", "CONFIRMED", "PROCESSING", "SHIPPED", "DELIVERED", "CANCELLED", "REFUNDED"] {
            let id = order_at(http, from).await;
            let before = read(http, &id).await;
            let reply = put(http, &id, to).send().await;
            if legal.contains(&to) {
                assert_eq!(reply.expect(200).string("status"), to, "{from} to {to}");
            } else {
                assert_eq!(problem(&reply, 409, "INVALID_TRANSITION")["status_now"], *from, "{from} to {to}");
            }
            if !legal.contains(&to) || *from == to {
                assert_eq!(read(http, &id).await, before, "{from} to {to}");
            }
        }
        let id = order_at(http, from).await;
        let reply = cancel(http, &id).send().await;
        let expected = if legal.contains(&"CANCELLED") { 200 } else { 409 };
        assert_eq!(reply.status, expected, "cancel at {from}: {}", reply.text());
    }
    // Shipped under another number than it was is no repetition.
    let id = order_at(http, "SHIPPED").await;
    let other = json!({ "status": "SHIPPED", "tracking_number": "T-2" });
    problem(&http.put(format!("/api/orders/{id}/status")).json(&other).send().await, 409, "INVALID_TRANSITION");
    audit_is_clean(database).await;
}

async fn the_same_key_does_it_once(database: &Database) {
    let server = Setup::on(database).start().await;
    let http = &server.http;
    goods(http, "TEA", 30).await;
    let place = |qty: i64| http.post("/api/orders").key("k").json(&body(&[("TEA", qty)]));
    let replies: Vec<Reply> = crowd(20, |_| place(2).send()).await;
    let mut statuses: Vec<_> = replies.iter().map(|reply| reply.status).collect();
    statuses.sort_unstable();
    assert_eq!((statuses[..19].to_vec(), statuses[19]), (vec![200; 19], 201));
    let id = replies[0].string("id");
    assert!(replies.iter().all(|reply| reply.string("id") == id));
    problem(&place(3).send().await, 422, "IDEMPOTENCY_KEY_REUSED");
    problem(&place(0).send().await, 422, "IDEMPOTENCY_KEY_REUSED");
    // Whatever the catalogue says meanwhile.
    sku(http, "TEA", "another-product", "INACTIVE").await;
    let again = place(2).send().await.expect(200);
    assert!(again.is_replay() && again.string("id") == id, "{}", again.text());
    sku(http, "TEA", "product-of-TEA", "ACTIVE").await;
    // Without a key, each is an order of its own.
    assert_ne!(order(http, &[("TEA", 1)]).await, order(http, &[("TEA", 1)]).await);
    assert_eq!(stock(http, "TEA").await, (30, 4));

    pay(http, &id).await;
    let ship = json!({ "status": "SHIPPED", "tracking_number": "T-1" });
    let ship = || http.put(format!("/api/orders/{id}/status")).key("s").json(&ship);
    let first = ship().send().await.expect(200);
    put(http, &id, "DELIVERED").send().await.expect(200);
    let again = ship().send().await.expect(200);
    assert!(!first.is_replay() && again.is_replay(), "{}", again.text());
    assert_eq!((first.string("status"), again.string("status")), ("SHIPPED".to_owned(), "DELIVERED".to_owned()));
    let reused = http.put(format!("/api/orders/{id}/status")).key("s").json(&json!({ "status": "SHIPPED", "tracking_number": "T-2" }));
    problem(&reused.send().await, 422, "IDEMPOTENCY_KEY_REUSED");
    let broken = http.put(format!("/api/orders/{id}/status")).key("s").json(&json!({ "status": "SENT" }));
    problem(&broken.send().await, 422, "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(event_types(http, &id).await.iter().filter(|word| *word == "SHIPMENT_CREATED").count(), 1);
    audit_is_clean(database).await;
}

async fn orders_of_every_door_are_found_by_their_words(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 100).await;
    let mut made = Vec::new();
    for word in ["PENDING", "CONFIRMED", "PROCESSING", "SHIPPED", "DELIVERED", "CANCELLED"] {
        made.push(order_at(http, word).await);
    }
    let ticket = json!({
        "customer_email": "bob@example.com",
        "hold_id": NOBODY,
        "items": [{ "session_id": NOBODY, "ticket_type_id": NOBODY, "quantity": 2, "unit_price": 5 }],
    });
    made.push(http.post("/orders").key("t").json(&ticket).send().await.expect(201).string("order_id"));
    let mut canonical = cart(&[("TEA", 1)]);
    canonical["user_id"] = json!("bob");
    made.push(place(http, "c", &canonical).send().await.expect(201).string("order_id"));
    // Asked for its money, it is still the same to this door.
    let asked = http.post(format!("/orders/{}/confirm", made[7])).json(&json!({ "payment_method": "cod" }));
    asked.send().await.expect(202);
    let line = &read(http, &made[6]).await["items"][0];
    assert_eq!((&line["product_id"], &line["product_name"], &line["product_sku"]), (&Value::Null, &Value::Null, &Value::Null));
    assert_eq!((&line["quantity"], &read(http, &made[7]).await["status"]), (&json!(2), &json!("PENDING")));
    assert_eq!(history(&read(http, &made[7]).await), [["-", "PENDING", "-"]]);
    for (query, expected) in [
        ("", vec![7, 6, 5, 4, 3, 2, 1, 0]),
        ("status=PENDING", vec![7, 6, 0]),
        ("status=CONFIRMED", vec![1]),
        ("status=CONFIRMED,CANCELLED", vec![5, 1]),
        ("status=PROCESSING", vec![2]),
        ("status=SHIPPED", vec![3]),
        ("status=DELIVERED", vec![4]),
        ("status=REFUNDED", vec![]),
        ("user_id=bob", vec![7]),
        ("userId=ada&status=PENDING", vec![0]),
        ("from=2999-01-01T00:00:00Z", vec![]),
        ("to=2001-01-01T00:00:00Z", vec![]),
    ] {
        let mut found = Vec::new();
        let mut next = Some(String::new());
        while let Some(cursor) = next {
            let page = http.get(format!("/api/orders?limit=2&{query}{cursor}")).send().await.expect(200).json();
            let items = page["items"].as_array().expect("a page has items");
            assert!(items.len() <= 2 && items.iter().all(|order| order.get("status_history").is_none()), "{page}");
            found.extend(items.iter().filter_map(|order| order["id"].as_str().map(str::to_owned)));
            next = page["next_cursor"].as_str().map(|cursor| format!("&cursor={cursor}"));
        }
        let expected: Vec<_> = expected.into_iter().map(|index| made[index].clone()).collect();
        assert_eq!(found, expected, "{query}");
    }
    let foreign = http.get("/api/v1/orders?limit=1").send().await.expect(200).string("next_cursor");
    problem(&http.get(format!("/api/orders?cursor={foreign}")).send().await, 400, "INVALID_CURSOR");
}

async fn the_channel_decides_what_may_be_canceled(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 10).await;
    let canonical = place(http, "c", &cart(&[("TEA", 1)])).send().await.expect(201).string("order_id");
    pay(http, &canonical).await;
    let told = problem(&cancel(http, &canonical).send().await, 409, "INVALID_TRANSITION");
    assert_eq!(
        (&told["status_now"], told["detail"].as_str()),
        (&json!("CONFIRMED"), Some("An order that is CONFIRMED does not allow cancel."))
    );
    // And the other way round: the canonical door cancels a paid order of this one.
    let id = order_at(http, "CONFIRMED").await;
    http.post(format!("/api/v1/orders/{id}/cancel")).send().await.expect(200);
    money_is_back(http, &id).await;
    // Paid on delivery, it is packed without money, and canceled by an administrator without a refund.
    let id = order(http, &[("TEA", 1)]).await;
    http.post(format!("/orders/{id}/confirm")).json(&json!({ "payment_method": "cod" })).send().await.expect(202);
    put(http, &id, "PROCESSING").send().await.expect(200);
    assert_eq!(stock(http, "TEA").await, (8, 0));
    let canceled = put(http, &id, "CANCELLED").send().await.expect(200).json();
    assert_eq!((&canceled["refunds"], &canceled["status"], stock(http, "TEA").await), (&json!([]), &json!("CANCELLED"), (9, 0)));
    audit_is_clean(database).await;
}
