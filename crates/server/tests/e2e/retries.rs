//! A hundred clients repeat one request at the same moment: there is one order.

use std::collections::BTreeSet;

use crate::support::{Database, Http, Reply, Server, all_orders, audit_is_clean, cart, crowd, goods, place, stock, until};

on_each_database![
    a_hundred_retries_at_once_make_one_order,
    retries_on_both_sides_of_a_crash_make_one_order,
    a_hundred_restocks_with_one_key_restock_once,
];
on_postgres_only![retries_at_two_instances_make_one_order];

/// One order id, exactly one 201, and everybody else was told that it is a replay.
fn are_one_order(replies: &[Reply]) {
    let ids: BTreeSet<String> = replies.iter().map(|reply| reply.string("order_id")).collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    let statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    for reply in replies {
        assert!(matches!((reply.status, reply.is_replay()), (201, false) | (200, true)), "{}: {}", reply.status, reply.text());
    }
}

async fn a_hundred_retries_at_once_make_one_order(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 1000).await;
    let body = cart(&[("TEA", 2)]);
    let replies = crowd(100, |_| place(http, "k", &body).send()).await;
    are_one_order(&replies);
    assert_eq!(all_orders(http, "").await.len(), 1);
    assert_eq!(stock(http, "TEA").await, (1000, 2));
    audit_is_clean(database).await;
}

async fn retries_on_both_sides_of_a_crash_make_one_order(database: &Database) {
    let server = Server::on(database).await;
    goods(&server.http, "TEA", 1000).await;
    let body = cart(&[("TEA", 2)]);
    // Half of them before the crash, which comes as soon as there is an order, the other half and the unanswered after it.
    let before = {
        let (http, body) = (server.http.clone(), body.clone());
        tokio::spawn(async move { crowd(50, |_| place(&http, "k", &body).try_send()).await })
    };
    let probe = server.http.clone();
    until("there is an order", std::time::Duration::from_secs(10), async || (!all_orders(&probe, "").await.is_empty()).then_some(())).await;
    let server = server.kill().await.start().await;
    let mut answered: Vec<Reply> = before.await.expect("nothing there can fail").into_iter().filter_map(Result::ok).collect();
    let http = &server.http;
    let after = crowd(100, |_| place(http, "k", &body).send()).await;
    assert!(after.iter().all(Reply::is_replay), "an order that was there before the crash is made again");
    answered.extend(after);
    let ids: BTreeSet<String> = answered.iter().map(|reply| reply.string("order_id")).collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert!(answered.iter().filter(|reply| reply.status == 201).count() <= 1);
    assert_eq!(all_orders(http, "").await.len(), 1);
    assert_eq!(stock(http, "TEA").await, (1000, 2));
    audit_is_clean(database).await;
}

async fn a_hundred_restocks_with_one_key_restock_once(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 0).await;
    let body = serde_json::json!({ "qty": 7, "idempotency_key": "r" });
    let replies = crowd(100, |_| http.post("/api/v1/inventory/TEA/restock").json(&body).send()).await;
    assert_eq!(replies.iter().filter(|reply| !reply.is_replay()).count(), 1);
    assert!(replies.iter().all(|reply| reply.status == 200 && reply.text() == replies[0].text()));
    assert_eq!(stock(http, "TEA").await, (7, 0));
}

async fn retries_at_two_instances_make_one_order(database: &Database) {
    let (one, two) = (Server::on(database).await, Server::on(database).await);
    goods(&one.http, "TEA", 1000).await;
    let body = cart(&[("TEA", 2)]);
    for key in ["a", "b", "c"] {
        let at = |index: usize| -> &Http { if index.is_multiple_of(2) { &one.http } else { &two.http } };
        are_one_order(&crowd(100, |index| place(at(index), key, &body).send()).await);
    }
    assert_eq!(all_orders(&two.http, "").await.len(), 3);
    assert_eq!(stock(&two.http, "TEA").await, (1000, 6));
    audit_is_clean(database).await;
}
