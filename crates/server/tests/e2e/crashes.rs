//! kill -9 at any instant loses nothing that was answered, and does nothing twice. Clients that go away neither.

use crate::support::{Database, Load, Server, all_orders, audit_is_clean, cart, goods, place, stock, until};

on_each_database![
    three_crashes_under_load_lose_and_double_nothing,
    clients_that_leave_in_the_middle_stop_nothing_half_way,
    a_payment_that_a_crash_interrupted_is_finished_after_the_start,
];

async fn three_crashes_under_load_lose_and_double_nothing(database: &Database) {
    let mut server = Server::on(database).await;
    goods(&server.http, "TEA", 1_000_000).await;
    let body = cart(&[("TEA", 1)]);
    let mut rounds = Vec::new();
    for round in ["one", "two", "three"] {
        let mut load = Load::start(&server.http, round, 12, &body);
        load.has_placed(60).await;
        server = server.kill().await.start().await;
        let answers = load.end().await;
        answers.hold(&server.http).await;
        rounds.push(answers);
    }
    let rounds: Vec<_> = rounds.iter().collect();
    crate::support::Answers::are_all(&rounds, &server.http).await;
    let placed: usize = rounds.iter().map(|answers| answers.keys()).sum();
    assert_eq!(stock(&server.http, "TEA").await, (1_000_000, i64::try_from(placed).expect("few")));
    audit_is_clean(database).await;
}

async fn clients_that_leave_in_the_middle_stop_nothing_half_way(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 1000).await;
    let body = cart(&[("TEA", 2)]);
    let key = |index: usize| format!("k-{index}");
    for index in 0..200 {
        let request = place(http, &key(index), &body);
        // Every fourth leaves before its request is whole.
        let bytes_max = if index % 4 == 3 { request.bytes().len() - 10 } else { usize::MAX };
        drop(request.send_only(bytes_max).await.expect("the service listens"));
    }
    let mut made = Vec::new();
    for index in 0..200 {
        let reply = place(http, &key(index), &body).send().await;
        assert!(matches!(reply.status, 200 | 201), "{}: {}", reply.status, reply.text());
        if index % 4 == 3 {
            assert_eq!(reply.status, 201, "half a request was carried out");
        }
        made.push(reply.string("order_id"));
    }
    made.sort();
    made.dedup();
    assert_eq!(made.len(), 200);
    assert_eq!(all_orders(http, "").await.len(), 200);
    assert_eq!(stock(http, "TEA").await, (1000, 400));
    audit_is_clean(database).await;
}

async fn a_payment_that_a_crash_interrupted_is_finished_after_the_start(database: &Database) {
    let setup = crate::support::Setup::on(database).set("ORDO_PAYMENTS__ANSWER_WITHIN_MS", "200");
    let server = setup.start().await;
    let http = &server.http;
    goods(http, "TEA", 1000).await;
    let mut orders = Vec::new();
    for index in 0..20 {
        orders.push(place(http, &format!("k-{index}"), &cart(&[("TEA", 1)])).send().await.expect(201).string("order_id"));
    }
    // Sent, not waited for: some confirms are under way when the process dies.
    for order_id in &orders {
        drop(http.post(format!("/orders/{order_id}/confirm")).send_only(usize::MAX).await.expect("the service listens"));
    }
    let server = server.kill().await.start().await;
    let http = &server.http;
    for order_id in &orders {
        // Whoever was not told asks again, and is charged once.
        until("the payment is finished", std::time::Duration::from_secs(20), async || {
            let reply = http.post(format!("/orders/{order_id}/confirm")).send().await;
            assert!(matches!(reply.status, 200 | 202), "{}: {}", reply.status, reply.text());
            (reply.status == 200).then_some(())
        })
        .await;
        let events = crate::support::event_types(http, order_id).await;
        assert_eq!(events.iter().filter(|word| *word == "PAYMENT_REQUESTED").count(), 1, "{events:?}");
    }
    assert_eq!(stock(http, "TEA").await, (980, 0));
    audit_is_clean(database).await;
}
