//! SIGTERM: nothing new, everything under way is answered, and a quick end.

use std::time::Duration;

use serde_json::json;

use crate::support::{Answers, Database, Http, Load, Server, Setup, all_orders, audit_is_clean, cart, goods, place, signal, until};

on_each_database![
    an_idle_service_ends_in_under_a_second_though_connections_are_open,
    a_call_under_way_is_answered_before_the_end,
    orders_under_way_are_answered_or_never_happened,
    a_second_service_takes_over_where_the_first_ended,
];

async fn an_idle_service_ends_in_under_a_second_though_connections_are_open(database: &Database) {
    let mut server = Server::on(database).await;
    // Three kept after a call, one that never said anything, one that has begun to.
    let clients: Vec<Http> = (0..3).map(|_| Http::to(server.http.address())).collect();
    for client in &clients {
        client.get("/livez").send().await.expect(200);
    }
    let _silent = tokio::net::TcpStream::connect(server.http.address()).await.expect("it listens");
    let (code, took) = server.terminate().await;
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(1), "it took {took:?}");
}

async fn a_call_under_way_is_answered_before_the_end(database: &Database) {
    let mut server = Setup::on(database).set("ORDO_PAYMENTS__ANSWER_WITHIN_MS", "1000").start().await;
    let http = server.http.clone();
    goods(&http, "TEA", 10).await;
    let order_id = place(&http, "k", &cart(&[("TEA", 1)])).send().await.expect(201).string("order_id");
    let call = http.post(format!("/orders/{order_id}/confirm")).json(&json!({ "payment_method": "card_stub_timeout" })).send();
    let call = tokio::spawn(call);
    until("the call is under way", Duration::from_secs(5), async || {
        let order = http.get(format!("/api/v1/orders/{order_id}")).send().await.expect(200);
        (order.string("status") == "PAYMENT_PENDING").then_some(())
    })
    .await;
    signal(server.pid(), "TERM");
    let reply = call.await.expect("it was answered");
    assert_eq!((reply.status, reply.string("status").as_str()), (202, "pending"), "{}", reply.text());
    assert_eq!(server.ended().await, Some(0));
}

async fn orders_under_way_are_answered_or_never_happened(database: &Database) {
    let mut server = Server::on(database).await;
    goods(&server.http, "TEA", 1_000_000).await;
    let mut load = Load::start(&server.http, "k", 16, &cart(&[("TEA", 1)]));
    load.has_placed(100).await;
    let (code, took) = server.terminate().await;
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(5), "it took {took:?}");
    let answers = load.end().await;
    let server = Server::on(database).await;
    // A request that reached the service was carried out and answered: what was not answered is not there.
    assert_eq!(all_orders(&server.http, "").await.len(), answers.answered(), "an order whose caller was not told");
    answers.hold(&server.http).await;
    Answers::are_all(&[&answers], &server.http).await;
    audit_is_clean(database).await;
}

async fn a_second_service_takes_over_where_the_first_ended(database: &Database) {
    let mut server = Server::on(database).await;
    goods(&server.http, "TEA", 10).await;
    let first = place(&server.http, "a", &cart(&[("TEA", 1)])).send().await.expect(201).string("order_number");
    assert_eq!(server.terminate().await.0, Some(0));
    let refused = server.http.get("/livez").try_send().await;
    assert!(refused.is_err(), "somebody still answers");
    let server = Server::on(database).await;
    let second = place(&server.http, "b", &cart(&[("TEA", 1)])).send().await.expect(201).string("order_number");
    assert!(second > first, "{second} after {first}");
}
