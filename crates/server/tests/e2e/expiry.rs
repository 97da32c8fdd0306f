//! Orders that nobody pays are given up by themselves, and their stock is free again.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Database, Http, Setup, audit_is_clean, cart, crowd, goods, metric, place, stock, until};

on_each_database![an_unpaid_order_expires_once_and_frees_its_stock, an_order_that_was_paid_in_time_does_not_expire];
on_postgres_only![two_instances_expire_each_order_once];

const ORDERS: usize = 10;
/// From the end of the window to free stock: five seconds, and one for the window.
const WITHIN: Duration = Duration::from_secs(6);

async fn expire(database: &Database, instances: &[&Http]) {
    let http = instances[0];
    goods(http, "TEA", 10).await;
    let placed = Instant::now();
    let orders = crowd(ORDERS, |index| place(instances[index % instances.len()], &format!("k-{index}"), &cart(&[("TEA", 1)])).send()).await;
    let orders: Vec<Value> = orders.into_iter().map(|reply| reply.expect(201).json()).collect();
    until("the stock is free", WITHIN.saturating_sub(placed.elapsed()), async || (stock(http, "TEA").await == (10, 0)).then_some(())).await;
    for order in &orders {
        let path = format!("/api/v1/orders/{}", order["order_id"].as_str().expect("an id"));
        let now = http.get(&*path).send().await.expect(200).json();
        assert_eq!((&now["status"], &now["cancellation_reason"]), (&json!("CANCELED"), &json!("expired")));
        let events = http.get(format!("{path}/events")).send().await.expect(200).json();
        let words: Vec<_> = events["items"].as_array().into_iter().flatten().filter_map(|event| event["event_type"].as_str()).collect();
        let expected = ["ORDER_CREATED", "INVENTORY_RESERVED", "ORDER_EXPIRED", "ORDER_CANCELED", "INVENTORY_RELEASED"];
        assert_eq!(words, expected);
        let (expires_at, canceled_at) = (order["expires_at"].as_str(), events["items"][3]["created_at"].as_str());
        assert!(expires_at <= canceled_at, "it was given up at {canceled_at:?}, before {expires_at:?}");
        // Nothing brings it back.
        let reply = http.post(format!("/orders/{}/confirm", order["order_id"].as_str().expect("an id"))).send().await;
        assert_eq!((reply.status, reply.string("error").as_str()), (400, "invalid_state"));
    }
    let mut expired = 0.0;
    for instance in instances {
        expired += metric(instance, "order_cancel_total{status=\"expired\"}").await;
    }
    assert!((expired - 10.0).abs() < f64::EPSILON, "{expired} of {ORDERS} were counted");
    audit_is_clean(database).await;
}

fn setup(database: &Database) -> Setup {
    Setup::on(database).set("ORDO_ORDERS__PAYMENT_WINDOW_SECONDS", "1")
}

async fn an_unpaid_order_expires_once_and_frees_its_stock(database: &Database) {
    let server = setup(database).start().await;
    expire(database, &[&server.http]).await;
}

async fn two_instances_expire_each_order_once(database: &Database) {
    let (one, two) = (setup(database).start().await, setup(database).start().await);
    expire(database, &[&one.http, &two.http]).await;
}

async fn an_order_that_was_paid_in_time_does_not_expire(database: &Database) {
    let server = setup(database).start().await;
    let http = &server.http;
    goods(http, "TEA", 10).await;
    let paid = place(http, "paid", &cart(&[("TEA", 1)])).send().await.expect(201).string("order_id");
    http.post(format!("/orders/{paid}/confirm")).send().await.expect(200);
    let mut cod = cart(&[("TEA", 1)]);
    cod["payment_method"] = json!("cod");
    let cod = place(http, "cod", &cod).send().await.expect(201).json();
    assert_eq!(cod["expires_at"], Value::Null);
    // A later order that expires shows that the sweeper has looked at them.
    let left = place(http, "left", &cart(&[("TEA", 1)])).send().await.expect(201).string("order_id");
    until("the last order has expired", WITHIN, async || {
        let order = http.get(format!("/api/v1/orders/{left}")).send().await.expect(200);
        (order.string("status") == "CANCELED").then_some(())
    })
    .await;
    let order = http.get(format!("/api/v1/orders/{paid}")).send().await.expect(200);
    assert_eq!(order.string("status"), "PAID");
    let order = http.get(format!("/api/v1/orders/{}", cod["order_id"].as_str().expect("an id"))).send().await.expect(200);
    assert_eq!(order.string("status"), "CREATED");
    assert_eq!(stock(http, "TEA").await, (9, 1));
}
