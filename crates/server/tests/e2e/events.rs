//! Events of other services: each drives its order once, for ever, whoever brings it and how often.

use serde_json::{Value, json};

use crate::support::{Database, Http, Reply, Request, Server, audit_is_clean, cart, crowd, event_types, goods, place, problem, stock};

on_each_database![
    money_that_others_took_pays_the_order_once,
    a_failure_that_others_tell_leaves_the_order_open,
    an_amount_that_is_not_due_moves_nothing_and_calls_for_a_person,
    carriers_may_skip_steps_and_never_go_back,
    the_words_of_the_history_are_understood_too,
    what_is_not_understood_is_refused,
    an_event_that_was_refused_may_come_again,
];
on_postgres_only![two_instances_hear_an_event_once];

async fn order(http: &Http, key: &str) -> String {
    place(http, key, &cart(&[("TEA", 2)])).send().await.expect(201).string("order_id")
}

fn telling(http: &Http, order_id: &str, event_type: &str, event_id: &str, payload: &Value) -> Request {
    let event = json!({ "event_type": event_type, "event_id": event_id, "payload": payload });
    http.post(format!("/internal/orders/{order_id}/events")).json(&event)
}

async fn tell(http: &Http, order_id: &str, event_type: &str, event_id: &str, payload: Value) -> Reply {
    telling(http, order_id, event_type, event_id, &payload).send().await
}

async fn status(http: &Http, order_id: &str) -> String {
    http.get(format!("/api/v1/orders/{order_id}")).send().await.expect(200).string("status")
}

async fn money_that_others_took_pays_the_order_once(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 10).await;
    let order_id = order(http, "o").await;
    let replies = crowd(30, |_| {
        telling(http, &order_id, "payment.confirmed", "e-1", &json!({ "order_id": order_id, "amount": 20.00, "more": 1 })).send()
    })
    .await;
    assert!(replies.iter().all(|reply| reply.status == 200 && reply.json() == json!({ "applied": true })));
    assert_eq!(replies.iter().filter(|reply| !reply.is_replay()).count(), 1);
    let paid = http.get(format!("/api/v1/orders/{order_id}")).send().await.expect(200).json();
    assert_eq!(
        (&paid["status"], &paid["payment"]["provider"], &paid["payment"]["status"]),
        (&json!("PAID"), &json!("external"), &json!("CAPTURED"))
    );
    assert_eq!(stock(http, "TEA").await, (8, 0));
    // The same money under another id: known already.
    let again = tell(http, &order_id, "payment.confirmed", "e-2", json!({ "amount": "20.00", "currency": "USD" })).await.expect(200);
    assert_eq!(again.json(), json!({ "applied": false }));
    // The same id for something else: one of the two would be lost.
    problem(&tell(http, &order_id, "payment.failed", "e-1", json!({})).await, 422, "IDEMPOTENCY_KEY_REUSED");
    let other = order(http, "o2").await;
    problem(&tell(http, &other, "payment.confirmed", "e-1", json!({ "amount": 20 })).await, 422, "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(event_types(http, &order_id).await.len(), 4);
    audit_is_clean(database).await;
}

async fn a_failure_that_others_tell_leaves_the_order_open(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 10).await;
    let order_id = order(http, "o").await;
    let failed = tell(http, &order_id, "payment.failed", "e-1", json!({ "reason": "insufficient funds" })).await.expect(200);
    assert_eq!(failed.json(), json!({ "applied": true }));
    let now = http.get(format!("/api/v1/orders/{order_id}")).send().await.expect(200).json();
    assert_eq!((&now["status"], &now["payment_status"]), (&json!("CREATED"), &json!("failed")));
    assert_eq!(now["payment"]["failure_reason"], "insufficient funds");
    tell(http, &order_id, "payment.confirmed", "e-2", json!({ "amount": 20 })).await.expect(200);
    assert_eq!(status(http, &order_id).await, "PAID");
    let late = tell(http, &order_id, "payment.failed", "e-3", json!({})).await.expect(200);
    assert_eq!(late.json(), json!({ "applied": false }));
    audit_is_clean(database).await;
}

async fn an_amount_that_is_not_due_moves_nothing_and_calls_for_a_person(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 10).await;
    let order_id = order(http, "o").await;
    for _ in 0..3 {
        problem(&tell(http, &order_id, "payment.confirmed", "e-1", json!({ "amount": 1 })).await, 409, "AMOUNT_MISMATCH");
    }
    problem(&tell(http, &order_id, "payment.confirmed", "e-2", json!({ "amount": 20, "currency": "EUR" })).await, 409, "AMOUNT_MISMATCH");
    let now = http.get(format!("/api/v1/orders/{order_id}")).send().await.expect(200).json();
    assert_eq!((&now["status"], &now["version"], &now["payment"]), (&json!("CREATED"), &json!(2), &Value::Null));
    let tasks = http.get("/api/v1/ops-tasks?limit=1").send().await.expect(200).json();
    assert_eq!(tasks["items"][0]["kind"], "AMOUNT_MISMATCH");
    let next = tasks["next_cursor"].as_str().expect("a second one");
    let rest = http.get(format!("/api/v1/ops-tasks?cursor={next}")).send().await.expect(200).json();
    assert_eq!((rest["items"].as_array().map(Vec::len), &rest["next_cursor"]), (Some(1), &Value::Null));
    audit_is_clean(database).await;
}

async fn carriers_may_skip_steps_and_never_go_back(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 10).await;
    let order_id = order(http, "o").await;
    let unpaid = tell(http, &order_id, "shipment.shipped", "s-1", json!({})).await;
    assert_eq!(problem(&unpaid, 409, "INVALID_TRANSITION")["action"], "ship");
    tell(http, &order_id, "payment.confirmed", "e-1", json!({ "amount": 20 })).await.expect(200);
    tell(http, &order_id, "shipment.delivered", "d-1", json!({ "carrier_code": "ups" })).await.expect(200);
    assert_eq!(status(http, &order_id).await, "DELIVERED");
    for (event_type, event_id) in [("shipment.shipped", "s-2"), ("shipment.delivered", "d-2")] {
        let stale = tell(http, &order_id, event_type, event_id, json!({})).await.expect(200);
        assert_eq!(stale.json(), json!({ "applied": false }), "{event_type}");
    }
    let history = event_types(http, &order_id).await;
    assert!(history.ends_with(&["ORDER_READY", "SHIPMENT_CREATED", "ORDER_SHIPPED", "ORDER_DELIVERED"].map(str::to_owned)), "{history:?}");
    assert_eq!(stock(http, "TEA").await, (8, 0));
    audit_is_clean(database).await;
}

async fn the_words_of_the_history_are_understood_too(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 10).await;
    let order_id = order(http, "o").await;
    for (word, payload, then) in [
        ("PAYMENT_FAILED", Value::Null, "CREATED"),
        ("PAYMENT_SUCCEEDED", json!({ "amount": 20 }), "PAID"),
        ("ORDER_SHIPPED", json!({ "tracking_number": "T" }), "SHIPPED"),
        ("ORDER_DELIVERED", json!({}), "DELIVERED"),
    ] {
        tell(http, &order_id, word, word, payload).await.expect(200);
        assert_eq!(status(http, &order_id).await, then, "{word}");
    }
}

async fn what_is_not_understood_is_refused(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 10).await;
    let order_id = order(http, "o").await;
    for (event_type, payload, pointer) in [
        ("payment.exploded", json!({}), "/event_type"),
        ("payment.confirmed", Value::Null, "/payload"),
        ("payment.confirmed", json!({}), "/payload/amount"),
        ("payment.confirmed", json!({ "amount": -20 }), "/payload/amount"),
        ("payment.confirmed", json!({ "amount": 20, "currency": "usd" }), "/payload/currency"),
        ("payment.confirmed", json!({ "amount": 20, "order_id": "0193b7a0-0000-7000-8000-000000000000" }), "/payload/order_id"),
        ("refund.succeeded", json!({}), "/payload/refund_id"),
    ] {
        let refused = tell(http, &order_id, event_type, "e", payload).await;
        assert_eq!(problem(&refused, 422, "VALIDATION_FAILED")["errors"][0]["pointer"], pointer);
    }
    let nobody = "0193b7a0-0000-7000-8000-000000000000";
    problem(&tell(http, nobody, "payment.confirmed", "e", json!({ "amount": 1 })).await, 404, "ORDER_NOT_FOUND");
    let foreign = tell(http, &order_id, "refund.succeeded", "e", json!({ "refund_id": nobody })).await;
    problem(&foreign, 404, "REFUND_NOT_FOUND");
    // None of these has used the id up.
    tell(http, &order_id, "payment.confirmed", "e", json!({ "amount": 20 })).await.expect(200);
}

async fn an_event_that_was_refused_may_come_again(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 10).await;
    let order_id = order(http, "o").await;
    problem(&tell(http, &order_id, "shipment.shipped", "s", json!({})).await, 409, "INVALID_TRANSITION");
    tell(http, &order_id, "payment.confirmed", "p", json!({ "amount": 20 })).await.expect(200);
    let shipped = tell(http, &order_id, "shipment.shipped", "s", json!({})).await.expect(200);
    assert_eq!(shipped.json(), json!({ "applied": true }));
}

async fn two_instances_hear_an_event_once(database: &Database) {
    let (one, two) = (Server::on(database).await, Server::on(database).await);
    goods(&one.http, "TEA", 100).await;
    for round in 0..10 {
        let order_id = order(&one.http, &format!("o-{round}")).await;
        let event_id = format!("e-{round}");
        let replies = crowd(8, |index| {
            let http = if index % 2 == 0 { &one.http } else { &two.http };
            telling(http, &order_id, "payment.confirmed", &event_id, &json!({ "amount": 20 })).send()
        })
        .await;
        assert!(replies.iter().all(|reply| reply.status == 200), "{:?}", replies.iter().map(Reply::text).collect::<Vec<_>>());
        assert_eq!(replies.iter().filter(|reply| !reply.is_replay()).count(), 1);
        assert_eq!(event_types(&one.http, &order_id).await.len(), 4);
    }
    audit_is_clean(database).await;
}
