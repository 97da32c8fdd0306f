//! Behind pgbouncer, which gives a connection for one transaction: everything works, and it may die in the middle.

use std::time::Duration;

use serde_json::json;
use testkit::Pooler;

use crate::support::{
    Answers, Database, Load, Setup, all_orders, audit_is_clean, cart, crowd, event_types, goods, place, problem, stock, until,
};

on_postgres_only![
    an_order_is_placed_paid_and_canceled_through_a_pooler,
    instances_that_share_few_connections_never_oversell,
    a_pooler_that_is_killed_under_load_loses_and_doubles_nothing,
];

const BACK_WITHIN: Duration = Duration::from_secs(15);

/// With fewer connections than a single instance opens, so that they are shared all the time.
fn through(database: &Database, settings: &[(&str, &str)]) -> (Pooler, Setup) {
    let (host, port) = database.place().host().rsplit_once(':').expect("a host with its port");
    let mut all = vec![("default_pool_size", "3"), ("server_round_robin", "1")];
    all.extend(settings);
    let pooler = Pooler::before(host, port.parse().expect("a port is a number"), &all);
    let setup = Setup::at(database.place().at(&format!("127.0.0.1:{}", pooler.port())).url());
    (pooler, setup)
}

async fn an_order_is_placed_paid_and_canceled_through_a_pooler(database: &Database) {
    let (_pooler, setup) = through(database, &[]);
    let missing = setup.run(&["migrate", "--check"]).await;
    assert_eq!(missing.code, Some(1), "{}{}", missing.stdout, missing.stderr);
    let server = setup.clone().start().await;
    let http = &server.http;
    goods(http, "TEA", 10).await;
    let body = cart(&[("TEA", 2)]);
    let paid = place(http, "a", &body).send().await.expect(201).string("order_id");
    assert!(place(http, "a", &body).send().await.expect(200).is_replay());
    let canceled = place(http, "b", &body).send().await.expect(201).string("order_id");
    assert_eq!(stock(http, "TEA").await, (10, 4));
    http.post(format!("/orders/{paid}/confirm")).send().await.expect(200);
    http.post(format!("/api/v1/orders/{canceled}/cancel")).send().await.expect(200);
    assert_eq!(stock(http, "TEA").await, (8, 0));
    let declined = place(http, "c", &body).send().await.expect(201).string("order_id");
    let decline = json!({ "payment_method": "card_stub_decline" });
    http.post(format!("/orders/{declined}/confirm")).json(&decline).send().await.expect(402);
    problem(&place(http, "d", &cart(&[("TEA", 100)])).send().await, 409, "OUT_OF_STOCK");
    assert!(event_types(http, &paid).await.iter().any(|event| event == "PAYMENT_SUCCEEDED"));
    assert_eq!(all_orders(http, "&status=PAID,CANCELED").await.len(), 2);
    let audit = setup.run(&["audit"]).await;
    assert_eq!((audit.code, audit.stdout.as_str()), (Some(0), "every invariant holds\n"), "{}", audit.stderr);
}

async fn instances_that_share_few_connections_never_oversell(database: &Database) {
    let (_pooler, setup) = through(database, &[]);
    let (one, two) = (setup.clone().start().await, setup.start().await);
    goods(&one.http, "TEA", 50).await;
    let body = cart(&[("TEA", 1)]);
    let replies = crowd(200, |index| {
        let http = if index.is_multiple_of(2) { &one.http } else { &two.http };
        place(http, &format!("k-{index}"), &body).send()
    })
    .await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 50);
    assert!(replies.iter().all(|reply| matches!(reply.status, 201 | 409)));
    assert_eq!(stock(&two.http, "TEA").await, (50, 50));
    audit_is_clean(database).await;
}

async fn a_pooler_that_is_killed_under_load_loses_and_doubles_nothing(database: &Database) {
    let (mut pooler, setup) = through(database, &[]);
    let server = setup.start().await;
    let http = &server.http;
    goods(http, "TEA", 1_000_000).await;
    let mut all = Vec::new();
    for round in ["one", "two", "three"] {
        let mut load = Load::start(http, round, 16, &cart(&[("TEA", 1)]));
        load.has_placed(50).await;
        pooler.kill();
        load.was_refused().await;
        until("/readyz says 503", Duration::from_secs(5), async || (http.get("/readyz").send().await.status == 503).then_some(())).await;
        pooler.start();
        server.is_ready(BACK_WITHIN).await;
        let placed = load.placed();
        load.has_placed(placed + 50).await;
        let answers = load.end().await;
        answers.hold(http).await;
        all.push(answers);
    }
    let all: Vec<_> = all.iter().collect();
    Answers::are_all(&all, http).await;
    let keys: usize = all.iter().map(|answers| answers.keys()).sum();
    assert_eq!(stock(http, "TEA").await, (1_000_000, i64::try_from(keys).expect("few")));
    audit_is_clean(database).await;
}
