//! The database goes away, at the start and in the middle, and comes back: the service tells, waits and goes on by itself.

use std::time::Duration;

use crate::support::{Answers, Database, Load, Mode, Proxy, Setup, audit_is_clean, cart, goods, place, problem, stock, until};

on_postgres_only![
    a_database_that_is_away_at_the_start_is_waited_for,
    a_cut_in_the_middle_of_load_loses_and_doubles_nothing,
    a_silent_database_is_told_and_forgiven,
];

const BACK_WITHIN: Duration = Duration::from_secs(15);

async fn through(database: &Database, mode: Mode) -> (Proxy, Setup) {
    let proxy = Proxy::to(database.place().host(), mode).await;
    let setup = Setup::at(database.place().at(&proxy.address.to_string()).url());
    (proxy, setup)
}

async fn a_database_that_is_away_at_the_start_is_waited_for(database: &Database) {
    let (proxy, setup) = through(database, Mode::Cut).await;
    let server = setup.start_unready().await;
    let http = &server.http;
    http.get("/livez").send().await.expect(200);
    let ready = http.get("/readyz").send().await.expect(503);
    assert_eq!(ready.json()["checks"]["store"], "away");
    let body = cart(&[("TEA", 1)]);
    problem(&place(http, "k", &body).send().await, 503, "STORE_UNAVAILABLE");
    problem(&http.get("/api/v1/orders").send().await, 503, "STORE_UNAVAILABLE");
    http.get("/metrics").send().await.expect(200);
    proxy.set(Mode::Open);
    server.is_ready(BACK_WITHIN).await;
    goods(http, "TEA", 1).await;
    place(http, "k", &body).send().await.expect(201);
}

async fn a_cut_in_the_middle_of_load_loses_and_doubles_nothing(database: &Database) {
    let (proxy, setup) = through(database, Mode::Open).await;
    let server = setup.start().await;
    let http = &server.http;
    goods(http, "TEA", 1_000_000).await;
    let mut all = Vec::new();
    for round in ["one", "two", "three"] {
        let mut load = Load::start(http, round, 16, &cart(&[("TEA", 1)]));
        load.has_placed(50).await;
        proxy.set(Mode::Cut);
        load.was_refused().await;
        until("/readyz says 503", Duration::from_secs(5), async || (http.get("/readyz").send().await.status == 503).then_some(())).await;
        proxy.set(Mode::Open);
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

async fn a_silent_database_is_told_and_forgiven(database: &Database) {
    let (proxy, setup) = through(database, Mode::Open).await;
    let server = setup.start().await;
    let http = &server.http;
    goods(http, "TEA", 100).await;
    let body = cart(&[("TEA", 1)]);
    place(http, "before", &body).send().await.expect(201);
    proxy.set(Mode::Silent);
    // Nobody waits for ever, and nobody is told what is not known.
    let (order, ready) = tokio::join!(place(http, "k", &body).send(), http.get("/readyz").send());
    problem(&order, 503, "STORE_UNAVAILABLE");
    assert_eq!(ready.status, 503, "{}", ready.text());
    http.get("/livez").send().await.expect(200);
    proxy.set(Mode::Open);
    server.is_ready(BACK_WITHIN).await;
    let placed = until("orders are taken again", BACK_WITHIN, async || {
        let reply = place(http, "k", &body).send().await;
        (reply.status != 503).then_some(reply)
    })
    .await;
    assert!(matches!(placed.status, 200 | 201), "{}", placed.text());
    assert_eq!(stock(http, "TEA").await, (100, 2));
    audit_is_clean(database).await;
}
