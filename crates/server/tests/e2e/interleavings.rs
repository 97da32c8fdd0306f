//! Two calls, or a call and a crash, in one exact order: each has one outcome.

use std::time::Duration;

use serde_json::json;

use crate::support::{
    Database, Server, Setup, all_orders, audit_is_clean, cart, crowd, event_types, goods, place, problem, signal, stock, until,
};

on_each_database![
    one_key_with_two_bodies_at_once_makes_one_order,
    a_retry_after_the_order_was_made_but_not_answered_is_a_replay,
    a_confirm_at_the_end_of_the_payment_window_pays_or_is_refused,
    a_cancel_waits_until_a_payment_that_nobody_answers_is_known,
];
on_postgres_only![a_retry_after_a_crash_before_the_commit_makes_the_order, an_instance_that_was_paused_and_resumes_makes_no_second_order,];

/// R2.
async fn one_key_with_two_bodies_at_once_makes_one_order(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 1000).await;
    for round in 0..10 {
        let key = format!("k-{round}");
        let replies = crowd(20, |index| place(http, &key, &cart(&[("TEA", 1 + i64::from(index % 2 == 0))])).send()).await;
        let first = replies.iter().find(|reply| reply.status == 201).expect("one of them is first");
        let (order_id, qty) = (first.string("order_id"), first.json()["items"][0]["qty"].as_i64().expect("a quantity"));
        for (index, reply) in replies.iter().enumerate() {
            if qty == 1 + i64::from(index % 2 == 0) {
                assert_eq!(reply.string("order_id"), order_id);
            } else {
                problem(reply, 422, "IDEMPOTENCY_KEY_REUSED");
            }
        }
        assert_eq!(all_orders(http, "").await.len(), round + 1);
    }
    audit_is_clean(database).await;
}

/// R3: the command waits for what it must see when its instance dies; it is never decided.
async fn a_retry_after_a_crash_before_the_commit_makes_the_order(database: &Database) {
    let server = Server::on(database).await;
    goods(&server.http, "TEA", 10).await;
    let locks = database.place().clone();
    let lock = "begin; lock table idempotency_key in access exclusive mode; select pg_sleep(3); commit";
    let holds = tokio::task::spawn_blocking(move || locks.run(lock).expect("the lock is given"));
    tokio::time::sleep(Duration::from_millis(500)).await;
    let open = place(&server.http, "k", &cart(&[("TEA", 1)])).send_only(usize::MAX).await.expect("the service listens");
    tokio::time::sleep(Duration::from_millis(500)).await;
    let setup = server.kill().await;
    drop(open);
    holds.await.expect("the lock is given back");
    let server = setup.start().await;
    let http = &server.http;
    assert_eq!(all_orders(http, "").await.len(), 0, "it was saved though it was never decided");
    place(http, "k", &cart(&[("TEA", 1)])).send().await.expect(201);
    assert_eq!((all_orders(http, "").await.len(), stock(http, "TEA").await), (1, (10, 1)));
    audit_is_clean(database).await;
}

/// R4.
async fn a_retry_after_the_order_was_made_but_not_answered_is_a_replay(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 10).await;
    let unread = place(http, "k", &cart(&[("TEA", 1)])).send_only(usize::MAX).await.expect("the service listens");
    until("the order is there", Duration::from_secs(10), async || (all_orders(http, "").await.len() == 1).then_some(())).await;
    drop(unread);
    let again = place(http, "k", &cart(&[("TEA", 1)])).send().await.expect(200);
    assert!(again.is_replay());
    assert_eq!(again.string("order_id"), all_orders(http, "").await[0]["order_id"]);
    assert_eq!(stock(http, "TEA").await, (10, 1));
    audit_is_clean(database).await;
}

/// R5: the first instance sleeps with commands in its queue and its hands; the second one does them; then the first wakes.
async fn an_instance_that_was_paused_and_resumes_makes_no_second_order(database: &Database) {
    const ORDERS: usize = 40;
    let (one, two) = (Server::on(database).await, Server::on(database).await);
    goods(&two.http, "TEA", 1000).await;
    let body = cart(&[("TEA", 1)]);
    let asked: Vec<_> = (0..ORDERS).map(|index| tokio::spawn(place(&one.http, &format!("k-{index}"), &body).try_send())).collect();
    signal(one.pid(), "STOP");
    let taken = crowd(ORDERS, |index| place(&two.http, &format!("k-{index}"), &body).send()).await;
    assert!(taken.iter().all(|reply| matches!(reply.status, 200 | 201)));
    signal(one.pid(), "CONT");
    for (asked, taken) in asked.into_iter().zip(&taken) {
        let reply = asked.await.expect("it does not panic").expect("it is answered after all");
        assert!(matches!(reply.status, 200 | 201), "{}", reply.text());
        assert_eq!(reply.string("order_id"), taken.string("order_id"));
        assert!((reply.status == 201) != (taken.status == 201), "two of them were told that they are the first, or nobody was");
    }
    assert_eq!(all_orders(&two.http, "").await.len(), ORDERS);
    assert_eq!(stock(&two.http, "TEA").await, (1000, i64::try_from(ORDERS).expect("few")));
    audit_is_clean(database).await;
}

/// R11: confirmed with its stock, or expired and refused; never one half of each.
async fn a_confirm_at_the_end_of_the_payment_window_pays_or_is_refused(database: &Database) {
    const ORDERS: usize = 40;
    let server = Setup::on(database).set("ORDO_ORDERS__PAYMENT_WINDOW_SECONDS", "2").start().await;
    let http = &server.http;
    goods(http, "TEA", 1000).await;
    let orders = crowd(ORDERS, |index| place(http, &format!("k-{index}"), &cart(&[("TEA", 1)])).send()).await;
    let orders: Vec<String> = orders.into_iter().map(|reply| reply.expect(201).string("order_id")).collect();
    // Spread over all of the window and the looks of the sweeper after it.
    let confirm = |index: usize| {
        let request = http.post(format!("/orders/{}/confirm", orders[index]));
        async move {
            tokio::time::sleep(Duration::from_millis(200 + 100 * u64::try_from(index).expect("few"))).await;
            request.send().await
        }
    };
    let replies = crowd(ORDERS, confirm).await;
    let mut paid = 0;
    for (order_id, reply) in orders.iter().zip(&replies) {
        let (status, events) = (reply.status, event_types(http, order_id).await);
        let now = http.get(format!("/api/v1/orders/{order_id}")).send().await.expect(200).string("status");
        match status {
            200 => {
                paid += 1;
                assert_eq!(now, "PAID");
                assert!(!events.contains(&"ORDER_EXPIRED".to_owned()), "{events:?}");
            }
            400 => {
                assert_eq!((now.as_str(), reply.string("error").as_str()), ("CANCELED", "invalid_state"));
                assert!(!events.contains(&"PAYMENT_SUCCEEDED".to_owned()), "{events:?}");
            }
            other => panic!("{other}: {}", reply.text()),
        }
    }
    assert!(0 < paid && paid < i64::try_from(ORDERS).expect("few"), "all on one side: {paid} of {ORDERS} were paid");
    assert_eq!(stock(http, "TEA").await, (1000 - paid, 0));
    audit_is_clean(database).await;
}

/// R14: nobody knows whether the money was taken, so nobody gives the goods away.
async fn a_cancel_waits_until_a_payment_that_nobody_answers_is_known(database: &Database) {
    let server = Setup::on(database).set("ORDO_PAYMENTS__ANSWER_WITHIN_MS", "200").start().await;
    let http = &server.http;
    goods(http, "TEA", 10).await;
    let order_id = place(http, "k", &cart(&[("TEA", 1)])).send().await.expect(201).string("order_id");
    let confirm = json!({ "payment_method": "card_stub_timeout" });
    http.post(format!("/orders/{order_id}/confirm")).json(&confirm).send().await.expect(202);
    for _ in 0..3 {
        let cancel = http.post(format!("/api/v1/orders/{order_id}/cancel")).json(&json!({ "reason": "too slow" })).send().await;
        problem(&cancel, 409, "PAYMENT_IN_PROGRESS");
    }
    assert_eq!(stock(http, "TEA").await, (10, 1), "the goods were given away");
    audit_is_clean(database).await;
}
