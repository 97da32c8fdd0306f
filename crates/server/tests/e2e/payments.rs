//! Payments at the canonical door: begun, completed by hand, collected, late, doubled; every captured cent covers an order or goes back.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{
    Database, Http, Reply, Request, Server, Setup, audit_is_clean, cart, crowd, event_types, goods, place, problem, stock, until,
};

on_each_database![
    an_attempt_waits_for_somebody_to_complete_it,
    a_failed_attempt_leaves_the_order_open_for_another,
    a_failure_cancels_the_order_where_the_operator_says_so,
    the_amount_and_the_currency_must_be_what_is_due,
    a_key_begins_one_attempt,
    of_two_attempts_the_first_money_pays_and_the_second_goes_back,
    money_for_a_canceled_order_is_recorded_and_goes_back,
    a_refund_that_is_refused_calls_for_a_person,
    cash_is_collected_on_delivery,
    an_order_for_nothing_is_paid_at_once,
    the_stub_answers_by_itself_where_its_method_is_named,
    payments_that_nobody_answers_do_not_stand_before_the_others,
    what_is_not_there_cannot_be_paid,
];

async fn order(http: &Http, key: &str, method: Option<&str>) -> String {
    let mut body = cart(&[("TEA", 2)]);
    if let Some(method) = method {
        body["payment_method"] = json!(method);
    }
    place(http, key, &body).send().await.expect(201).string("order_id")
}

fn pay(http: &Http, key: &str, order_id: &str, amount: &str) -> Request {
    http.post("/api/v1/payments").key(key).json(&json!({ "order_id": order_id, "amount": amount }))
}

fn completing(http: &Http, payment_id: &str, result: &str) -> Request {
    http.post(format!("/api/v1/payments/{payment_id}/mock/complete")).json(&json!({ "result": result }))
}

async fn complete(http: &Http, payment_id: &str, result: &str) -> Reply {
    completing(http, payment_id, result).send().await
}

async fn read(http: &Http, path: &str, id: &str) -> Value {
    http.get(format!("/api/v1/{path}/{id}")).send().await.expect(200).json()
}

/// Until all of the payment's money went back.
async fn goes_back(http: &Http, payment_id: &str) -> Value {
    until("the money went back", Duration::from_secs(10), async || {
        let payment = read(http, "payments", payment_id).await;
        (payment["status"] == "REFUNDED").then_some(payment)
    })
    .await
}

async fn an_attempt_waits_for_somebody_to_complete_it(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 10).await;
    let order_id = order(http, "o", None).await;
    let begun = pay(http, "p", &order_id, "20.00").send().await.expect(201);
    assert_eq!((begun.string("status").as_str(), begun.raw("/amount")), ("INITIATED", "20.00"));
    let payment_id = begun.string("payment_id");
    assert_eq!(read(http, "orders", &order_id).await["status"], "PAYMENT_PENDING");
    assert_eq!(stock(http, "TEA").await, (10, 2));
    for _ in 0..2 {
        let done = complete(http, &payment_id, "SUCCESS").await.expect(200);
        assert_eq!((done.string("status").as_str(), done.raw("/captured_amount")), ("CAPTURED", "20.00"));
    }
    // Money that came stays, whatever is said later.
    assert_eq!(complete(http, &payment_id, "FAIL").await.expect(200).string("status"), "CAPTURED");
    let now = read(http, "orders", &order_id).await;
    assert_eq!(
        (&now["status"], &now["payment_status"], &now["payment"]["payment_id"]),
        (&json!("PAID"), &json!("paid"), &json!(payment_id))
    );
    assert_eq!(now["expires_at"], Value::Null);
    assert_eq!(stock(http, "TEA").await, (8, 0));
    let expected = ["ORDER_CREATED", "INVENTORY_RESERVED", "PAYMENT_REQUESTED", "PAYMENT_SUCCEEDED", "INVENTORY_DEDUCTED"];
    assert_eq!(event_types(http, &order_id).await, expected);
    let refused = pay(http, "p2", &order_id, "20.00").send().await;
    assert_eq!(problem(&refused, 409, "INVALID_TRANSITION")["status_now"], "PAID");
    let wrong = http.post(format!("/api/v1/payments/{payment_id}/mock/complete")).json(&json!({ "result": "MAYBE" })).send().await;
    assert_eq!(problem(&wrong, 422, "VALIDATION_FAILED")["errors"][0]["pointer"], "/result");
    audit_is_clean(database).await;
}

async fn a_failed_attempt_leaves_the_order_open_for_another(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 10).await;
    let order_id = order(http, "o", None).await;
    let first = pay(http, "p1", &order_id, "20.00").send().await.expect(201).string("payment_id");
    assert_eq!(complete(http, &first, "FAIL").await.expect(200).string("status"), "FAILED");
    let now = read(http, "orders", &order_id).await;
    assert_eq!((&now["status"], &now["payment_status"]), (&json!("PAYMENT_PENDING"), &json!("failed")));
    assert_eq!(stock(http, "TEA").await, (10, 2));
    let second = pay(http, "p2", &order_id, "20.00").send().await.expect(201).string("payment_id");
    complete(http, &second, "SUCCESS").await.expect(200);
    assert_eq!(read(http, "orders", &order_id).await["status"], "PAID");
    audit_is_clean(database).await;
}

async fn a_failure_cancels_the_order_where_the_operator_says_so(database: &Database) {
    let server = Setup::on(database).set("ORDO_PAYMENTS__ON_FAILURE", "cancel").start().await;
    let http = &server.http;
    goods(http, "TEA", 10).await;
    let order_id = order(http, "o", None).await;
    let payment_id = pay(http, "p", &order_id, "20.00").send().await.expect(201).string("payment_id");
    complete(http, &payment_id, "FAIL").await.expect(200);
    let now = read(http, "orders", &order_id).await;
    assert_eq!((&now["status"], &now["cancellation_reason"]), (&json!("CANCELED"), &json!("payment_failed")));
    assert_eq!(stock(http, "TEA").await, (10, 0));
    audit_is_clean(database).await;
}

async fn the_amount_and_the_currency_must_be_what_is_due(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 10).await;
    let order_id = order(http, "o", None).await;
    for wrong in ["19.99", "20.01", "0.00"] {
        let refused = pay(http, wrong, &order_id, wrong).send().await;
        let told = problem(&refused, 422, "AMOUNT_MISMATCH");
        assert_eq!(told["currency"], "USD", "{told}");
        assert_eq!(refused.raw("/due_amount"), "20.00");
    }
    let yen = json!({ "order_id": order_id, "amount": 20, "currency": "JPY" });
    problem(&http.post("/api/v1/payments").key("y").json(&yen).send().await, 422, "CURRENCY_MISMATCH");
    problem(&pay(http, "z", &order_id, "20.001").send().await, 422, "INVALID_AMOUNT_SCALE");
    let none = http.post("/api/v1/payments").json(&json!({ "order_id": order_id, "amount": "20.00" })).send().await;
    problem(&none, 400, "IDEMPOTENCY_KEY_REQUIRED");
    let now = read(http, "orders", &order_id).await;
    assert_eq!((&now["status"], &now["payment"]), (&json!("CREATED"), &Value::Null));
}

async fn a_key_begins_one_attempt(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 10).await;
    let order_id = order(http, "o", None).await;
    let replies = crowd(20, |_| pay(http, "same", &order_id, "20.00").send()).await;
    let ids: std::collections::BTreeSet<String> = replies.iter().map(|reply| reply.string("payment_id")).collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 1);
    assert!(replies.iter().all(|reply| reply.status == 201 || (reply.status == 200 && reply.is_replay())));
    problem(&pay(http, "same", &order_id, "20.01").send().await, 422, "IDEMPOTENCY_KEY_REUSED");
    // The key may stand in the body, as the document of the trade has it.
    let body = json!({ "order_id": order_id, "amount": "20.00", "idempotency_key": "same" });
    assert!(http.post("/api/v1/payments").json(&body).send().await.expect(200).is_replay());
    let asked = event_types(http, &order_id).await.into_iter().filter(|word| word == "PAYMENT_REQUESTED").count();
    assert_eq!(asked, 1);
}

async fn of_two_attempts_the_first_money_pays_and_the_second_goes_back(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 10).await;
    let order_id = order(http, "o", None).await;
    let attempts = crowd(2, |index| pay(http, &format!("p{index}"), &order_id, "20.00").send()).await;
    let attempts: Vec<String> = attempts.into_iter().map(|reply| reply.expect(201).string("payment_id")).collect();
    let captured = crowd(2, |index| completing(http, &attempts[index], "SUCCESS").send()).await;
    assert!(captured.iter().all(|reply| reply.status == 200));
    let paid = until("one of them was too much", Duration::from_secs(10), async || {
        let now = read(http, "orders", &order_id).await;
        (now["refunds"][0]["status"] == "REFUNDED").then_some(now)
    })
    .await;
    let pays = paid["payment"]["payment_id"].as_str().expect("an id");
    let late = attempts.iter().find(|id| *id != pays).expect("two attempts");
    assert_eq!((&paid["status"], &paid["payment"]["status"]), (&json!("PAID"), &json!("CAPTURED")));
    let back = goes_back(http, late).await;
    assert_eq!(back["refunded_amount"].to_string(), "20.0");
    assert_eq!(paid["refunds"][0]["payment_id"], json!(late));
    let history = event_types(http, &order_id).await;
    for word in ["LATE_PAYMENT_RECEIVED", "REFUND_REQUESTED", "LATE_PAYMENT_REFUNDED"] {
        assert_eq!(history.iter().filter(|found| *found == word).count(), 1, "{word} in {history:?}");
    }
    let refund_id = paid["refunds"][0]["refund_id"].as_str().expect("an id");
    assert_eq!(read(http, "refunds", refund_id).await["amount"].to_string(), "20.0");
    assert_eq!(stock(http, "TEA").await, (8, 0));
    audit_is_clean(database).await;
}

async fn money_for_a_canceled_order_is_recorded_and_goes_back(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 10).await;
    let order_id = order(http, "o", None).await;
    let payment_id = pay(http, "p", &order_id, "20.00").send().await.expect(201).string("payment_id");
    // An attempt that nobody answers holds nothing up.
    http.post(format!("/api/v1/orders/{order_id}/cancel")).send().await.expect(200);
    assert_eq!(read(http, "payments", &payment_id).await["status"], "CANCELED");
    complete(http, &payment_id, "SUCCESS").await.expect(200);
    goes_back(http, &payment_id).await;
    let now = read(http, "orders", &order_id).await;
    assert_eq!(now["status"], "CANCELED");
    assert_eq!(stock(http, "TEA").await, (10, 0));
    let history = event_types(http, &order_id).await;
    assert!(history.ends_with(&["LATE_PAYMENT_RECEIVED", "REFUND_REQUESTED", "LATE_PAYMENT_REFUNDED"].map(str::to_owned)), "{history:?}");
    audit_is_clean(database).await;
}

async fn a_refund_that_is_refused_calls_for_a_person(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 10).await;
    let order_id = order(http, "o", Some("card_stub_no_refund")).await;
    http.post(format!("/orders/{order_id}/confirm")).send().await.expect(200);
    // The order is paid; another service tells of other money for it.
    let event = json!({ "event_type": "payment.confirmed", "event_id": "e", "payload": { "amount": 20, "payment_id": "tx-2" } });
    let heard = http.post(format!("/internal/orders/{order_id}/events")).json(&event).send().await.expect(200).json();
    assert_eq!(heard, json!({ "applied": true }));
    let now = read(http, "orders", &order_id).await;
    let refund = &now["refunds"][0];
    assert_eq!((&refund["status"], &refund["reason"]), (&json!("PROCESSING"), &json!("late_payment")));
    let refund_id = refund["refund_id"].as_str().expect("an id");
    let failed =
        json!({ "event_type": "refund.failed", "event_id": "f", "payload": { "refund_id": refund_id, "reason": "account closed" } });
    http.post(format!("/internal/orders/{order_id}/events")).json(&failed).send().await.expect(200);
    let tasks = http.get("/api/v1/ops-tasks").send().await.expect(200).json();
    assert_eq!((&tasks["items"][0]["kind"], &tasks["items"][0]["order_id"]), (&json!("REFUND_FAILED"), &json!(order_id)));
    assert_eq!(read(http, "refunds", refund_id).await["failure_reason"], "account closed");
    // Told late that it went back after all: the money is what counts.
    let done = json!({ "event_type": "refund.succeeded", "event_id": "g", "payload": { "refund_id": refund_id } });
    http.post(format!("/internal/orders/{order_id}/events")).json(&done).send().await.expect(200);
    assert_eq!(read(http, "refunds", refund_id).await["status"], "REFUNDED");
    audit_is_clean(database).await;
}

async fn cash_is_collected_on_delivery(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 10).await;
    let order_id = order(http, "o", Some("cod")).await;
    let begun = pay(http, "p", &order_id, "20.00").send().await.expect(201);
    let payment_id = begun.string("payment_id");
    let pending = read(http, "orders", &order_id).await;
    assert_eq!(
        (&pending["status"], &pending["payment_status"], &pending["expires_at"]),
        (&json!("PAYMENT_PENDING"), &json!("pending"), &Value::Null)
    );
    let tell = async |event_type: &str| {
        let event = json!({ "event_type": event_type, "event_id": event_type, "payload": { "tracking_number": "1Z" } });
        http.post(format!("/internal/orders/{order_id}/events")).json(&event).send().await.expect(200);
    };
    tell("shipment.shipped").await;
    let shipped = read(http, "orders", &order_id).await;
    assert_eq!((&shipped["status"], &shipped["tracking_number"]), (&json!("SHIPPED"), &json!("1Z")));
    assert_eq!((&shipped["shipments"][0]["items"][0]["qty"], &shipped["items"][0]["shipped_qty"]), (&json!(2), &json!(2)));
    assert_eq!(stock(http, "TEA").await, (8, 0));
    tell("shipment.delivered").await;
    for key in ["c", "c", "again"] {
        let collected = http.post(format!("/api/v1/payments/{payment_id}/collect")).key(key).send().await.expect(200);
        assert_eq!(collected.string("status"), "CAPTURED");
    }
    let done = read(http, "orders", &order_id).await;
    assert_eq!((&done["status"], &done["payment_status"]), (&json!("DELIVERED"), &json!("paid")));
    assert_eq!(event_types(http, &order_id).await.into_iter().filter(|word| word == "PAYMENT_SUCCEEDED").count(), 1);
    audit_is_clean(database).await;
}

async fn an_order_for_nothing_is_paid_at_once(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    crate::support::priced_goods(http, "FREE", ("0.00", "USD"), 5).await;
    let order = place(http, "o", &cart(&[("FREE", 2)])).send().await.expect(201);
    assert_eq!((order.string("status").as_str(), order.string("payment_method").as_str()), ("PAID", "none"));
    assert_eq!(order.raw("/payment/amount"), "0.00");
    let refused = pay(http, "p", &order.string("order_id"), "0.00").send().await;
    problem(&refused, 409, "INVALID_TRANSITION");
    audit_is_clean(database).await;
}

async fn the_stub_answers_by_itself_where_its_method_is_named(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 10).await;
    for (method, ends) in [("card_stub", "CAPTURED"), ("card_stub_decline", "FAILED")] {
        let order_id = order(http, method, None).await;
        let body = json!({ "order_id": order_id, "amount": 20.00, "payment_method": method });
        let payment_id = http.post("/api/v1/payments").key(method).json(&body).send().await.expect(201).string("payment_id");
        until("the stub has answered", Duration::from_secs(5), async || {
            (read(http, "payments", &payment_id).await["status"] == ends).then_some(())
        })
        .await;
        let by_hand = http.post(format!("/api/v1/payments/{payment_id}/collect")).send().await;
        assert_eq!(by_hand.status, 200, "{}", by_hand.text());
    }
}

/// Each of them is a call to the provider that takes its four seconds.
async fn payments_that_nobody_answers_do_not_stand_before_the_others(database: &Database) {
    let server = Setup::on(database).set("ORDO_PAYMENTS__ANSWER_WITHIN_MS", "2000").start().await;
    let http = &server.http;
    goods(http, "TEA", 1000).await;
    let silent: Vec<String> = crowd(100, |n| {
        let http = http.clone();
        async move { order(&http, &format!("silent-{n}"), None).await }
    })
    .await;
    let waiting: Vec<_> = silent
        .iter()
        .map(|order_id| {
            let body = json!({ "payment_method": "card_stub_timeout" });
            let request = http.post(format!("/orders/{order_id}/confirm")).json(&body);
            tokio::spawn(async move { request.send().await.status })
        })
        .collect();
    until("all of them wait for the provider", Duration::from_secs(10), async || {
        let pending = http.get("/api/v1/orders?status=PAYMENT_PENDING&limit=100").send().await.expect(200);
        (pending.json()["items"].as_array()?.len() == silent.len()).then_some(())
    })
    .await;
    let order_id = order(http, "good", None).await;
    let paid = http.post(format!("/orders/{order_id}/confirm")).json(&json!({ "payment_method": "card_stub" })).send().await;
    assert_eq!(paid.status, 200, "{}", paid.text());
    for status in waiting {
        assert_eq!(status.await.expect("it was answered"), 202);
    }
}

async fn what_is_not_there_cannot_be_paid(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    let nobody = "0193b7a0-0000-7000-8000-000000000000";
    problem(&pay(http, "p", nobody, "1.00").send().await, 404, "ORDER_NOT_FOUND");
    problem(&http.get(format!("/api/v1/payments/{nobody}")).send().await, 404, "PAYMENT_NOT_FOUND");
    problem(&complete(http, nobody, "SUCCESS").await, 404, "PAYMENT_NOT_FOUND");
    problem(&http.post(format!("/api/v1/payments/{nobody}/collect")).send().await, 404, "PAYMENT_NOT_FOUND");
    problem(&http.get(format!("/api/v1/refunds/{nobody}")).send().await, 404, "REFUND_NOT_FOUND");
}
