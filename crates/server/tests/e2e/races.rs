//! Confirm against cancel at the same moment: exactly one wins, and the stock shows which.

use serde_json::json;

use crate::support::{Database, Http, Reply, Server, audit_is_clean, cart, crowd, event_types, goods, place, stock};

on_each_database![confirm_and_cancel_at_once_have_one_winner, many_confirms_at_once_charge_once];
on_postgres_only![confirm_and_cancel_at_two_instances_have_one_winner];

const ORDERS: usize = 50;

async fn race(database: &Database, confirms: &Http, cancels: &Http) {
    goods(confirms, "TEA", 100).await;
    let mut orders = Vec::new();
    for index in 0..ORDERS {
        orders.push(place(confirms, &format!("k-{index}"), &cart(&[("TEA", 1)])).send().await.expect(201).string("order_id"));
    }
    let call = |index: usize| {
        let order_id = &orders[index / 2];
        if index.is_multiple_of(2) {
            confirms.post(format!("/orders/{order_id}/confirm"))
        } else {
            cancels.post(format!("/api/v1/orders/{order_id}/cancel")).json(&json!({ "reason": "race" }))
        }
    };
    let replies = crowd(2 * ORDERS, |index| call(index).send()).await;
    let mut paid = 0;
    for (order_id, pair) in orders.iter().zip(replies.chunks(2)) {
        let [confirm, cancel] = pair else { panic!("two calls an order") };
        let status = confirms.get(format!("/api/v1/orders/{order_id}")).send().await.expect(200).string("status");
        let events = event_types(confirms, order_id).await;
        match (confirm.status, cancel.status) {
            (200, 409) => {
                paid += 1;
                assert_eq!((status.as_str(), confirm.string("status").as_str()), ("PAID", "confirmed"));
                assert_eq!(cancel.string("code"), "INVALID_TRANSITION");
                assert!(!events.contains(&"ORDER_CANCELED".to_owned()), "{events:?}");
                assert_eq!(events.iter().filter(|word| *word == "PAYMENT_SUCCEEDED").count(), 1, "{events:?}");
            }
            (400, 200) => {
                assert_eq!((status.as_str(), cancel.string("status").as_str()), ("CANCELED", "CANCELED"));
                assert_eq!(confirm.string("error"), "invalid_state");
                assert!(!events.contains(&"PAYMENT_SUCCEEDED".to_owned()), "{events:?}");
            }
            other => panic!("{other:?} at {status}: {} {}", confirm.text(), cancel.text()),
        }
    }
    assert_eq!(stock(confirms, "TEA").await, (100 - paid, 0));
    audit_is_clean(database).await;
}

async fn confirm_and_cancel_at_once_have_one_winner(database: &Database) {
    let server = Server::on(database).await;
    race(database, &server.http, &server.http).await;
}

async fn confirm_and_cancel_at_two_instances_have_one_winner(database: &Database) {
    let (one, two) = (Server::on(database).await, Server::on(database).await);
    race(database, &one.http, &two.http).await;
}

async fn many_confirms_at_once_charge_once(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 10).await;
    let order_id = place(http, "k", &cart(&[("TEA", 1)])).send().await.expect(201).string("order_id");
    let replies = crowd(30, |_| http.post(format!("/orders/{order_id}/confirm")).send()).await;
    let payment = |reply: &Reply| reply.json()["payment"]["id"].clone();
    for reply in &replies {
        assert_eq!((reply.status, reply.string("status").as_str()), (200, "confirmed"), "{}", reply.text());
        assert_eq!(payment(reply), payment(&replies[0]));
    }
    let events = event_types(http, &order_id).await;
    assert_eq!(events, ["ORDER_CREATED", "INVENTORY_RESERVED", "PAYMENT_REQUESTED", "PAYMENT_SUCCEEDED", "INVENTORY_DEDUCTED"]);
    assert_eq!(stock(http, "TEA").await, (9, 0));
}
