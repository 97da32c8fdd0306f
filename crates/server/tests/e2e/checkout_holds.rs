//! Checkout sessions that hold their goods from the start on, where the operator wants that.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Database, Http, Reply, Request, Server, Setup, audit_is_clean, crowd, event_types, goods, problem, stock, until};

on_each_database![
    a_session_holds_its_goods_and_its_order_takes_them_over,
    activity_holds_on_and_idleness_gives_back,
    what_was_given_back_is_reserved_anew_or_refused,
    another_cart_is_another_hold,
    an_ended_session_gives_back,
    of_many_sessions_as_many_begin_as_there_are_goods,
    holds_that_run_out_while_sessions_are_confirmed_sell_nothing_twice,
];
on_postgres_only![two_instances_hold_and_confirm];

fn put(http: &Http, session: &str, sku_id: &str, qty: i64) -> Request {
    http.post("/api/v1/cart/items").json(&json!({ "session_id": session, "sku_id": sku_id, "qty": qty }))
}

fn start(http: &Http, session: &str) -> Request {
    http.post("/checkout/start").json(&json!({ "session_id": session }))
}

fn fill(http: &Http, session: &str, method: &str) -> Request {
    let state = json!({
        "session_id": session, "shipping_address_id": "home", "payment_method": method, "customer_email": "ada@mail.example",
    });
    http.put("/checkout/state").json(&state)
}

fn confirm(http: &Http, session: &str) -> Request {
    http.post("/checkout/confirm").json(&json!({ "session_id": session }))
}

async fn begun(http: &Http, session: &str, lines: &[(&str, i64)]) -> Value {
    for (sku_id, qty) in lines {
        put(http, session, sku_id, *qty).send().await.expect(201);
    }
    start(http, session).send().await.expect(201).json()
}

async fn session(http: &Http, session: &str) -> Value {
    http.get(format!("/checkout/{session}")).send().await.expect(200).json()
}

async fn holding(database: &Database, ttl_seconds: u32) -> Server {
    let setup = Setup::on(database).set("ORDO_CHECKOUT__RESERVE_AT", "start");
    setup.set("ORDO_CHECKOUT__RESERVE_TTL_SECONDS", ttl_seconds.to_string()).start().await
}

async fn a_session_holds_its_goods_and_its_order_takes_them_over(database: &Database) {
    let server = holding(database, 60).await;
    let http = &server.http;
    goods(http, "A", 5).await;
    goods(http, "B", 5).await;
    let started = begun(http, "s", &[("A", 3), ("B", 1)]).await;
    assert!(
        started["reserved_until"].as_str().is_some_and(|until| until < started["expires_at"].as_str().unwrap_or_default()),
        "{started}"
    );
    assert_eq!((stock(http, "A").await, stock(http, "B").await), ((5, 3), (5, 1)));
    // Who comes later finds what is left.
    put(http, "t", "A", 3).send().await.expect(201);
    let short = problem(&start(http, "t").send().await, 409, "OUT_OF_STOCK");
    assert_eq!(short["lines"], json!([{ "sku_id": "A", "requested": 3, "available": 2 }]));
    problem(&http.get("/checkout/t").send().await, 404, "CHECKOUT_NOT_FOUND");
    fill(http, "s", "card_stub").send().await.expect(200);
    assert_eq!(stock(http, "A").await, (5, 3), "held on, not twice");
    let confirmed = confirm(http, "s").send().await.expect(201);
    let facts = ["ORDER_CREATED", "INVENTORY_RESERVED", "PAYMENT_REQUESTED", "PAYMENT_SUCCEEDED", "INVENTORY_DEDUCTED"];
    assert_eq!(event_types(http, &confirmed.string("order_id")).await, facts);
    assert_eq!((stock(http, "A").await, stock(http, "B").await), ((2, 0), (4, 0)));
    assert_eq!(session(http, "s").await["reserved_until"], Value::Null);
    confirm(http, "s").send().await.expect(200);
    // The last units, all of them held by the session that orders them.
    begun(http, "u", &[("A", 2)]).await;
    fill(http, "u", "cod").send().await.expect(200);
    confirm(http, "u").send().await.expect(201);
    assert_eq!(stock(http, "A").await, (2, 2));
    audit_is_clean(database).await;
}

async fn activity_holds_on_and_idleness_gives_back(database: &Database) {
    let server = holding(database, 2).await;
    let http = &server.http;
    goods(http, "A", 2).await;
    let mut until_when = begun(http, "s", &[("A", 2)]).await["reserved_until"].clone();
    for _ in 0..4 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let state = fill(http, "s", "card_stub").send().await.expect(200).json();
        assert!(state["reserved_until"].as_str() > until_when.as_str(), "{until_when}, then {state}");
        until_when = state["reserved_until"].clone();
        assert_eq!(stock(http, "A").await, (2, 2));
    }
    until("idle for longer than it is held", Duration::from_secs(8), async || (stock(http, "A").await == (2, 0)).then_some(())).await;
    let idle = session(http, "s").await;
    assert_eq!((&idle["status"], &idle["reserved_until"]), (&json!("active"), &Value::Null));
    // It goes on, and so does the hold.
    assert_ne!(fill(http, "s", "cod").send().await.expect(200).json()["reserved_until"], Value::Null);
    assert_eq!(stock(http, "A").await, (2, 2));
    audit_is_clean(database).await;
}

async fn what_was_given_back_is_reserved_anew_or_refused(database: &Database) {
    let server = holding(database, 1).await;
    let http = &server.http;
    goods(http, "A", 2).await;
    for name in ["s", "t"] {
        begun(http, name, &[("A", 2)]).await;
        fill(http, name, "cod").send().await.expect(200);
        until("it is given back", Duration::from_secs(8), async || (stock(http, "A").await == (2, 0)).then_some(())).await;
    }
    confirm(http, "s").send().await.expect(201);
    let short = problem(&confirm(http, "t").send().await, 409, "OUT_OF_STOCK");
    assert_eq!(short["lines"], json!([{ "sku_id": "A", "requested": 2, "available": 0 }]));
    assert_eq!(session(http, "t").await["status"], "active");
    audit_is_clean(database).await;
}

async fn another_cart_is_another_hold(database: &Database) {
    let server = holding(database, 60).await;
    let http = &server.http;
    goods(http, "A", 5).await;
    goods(http, "B", 5).await;
    begun(http, "s", &[("A", 1)]).await;
    put(http, "s", "A", 1).send().await.expect(201);
    put(http, "s", "B", 4).send().await.expect(201);
    assert_eq!((stock(http, "A").await, stock(http, "B").await), ((5, 1), (5, 0)), "a cart alone holds nothing");
    fill(http, "s", "cod").send().await.expect(200);
    assert_eq!((stock(http, "A").await, stock(http, "B").await), ((5, 2), (5, 4)));
    // More than there is: what is held is held on, and the rest is told when it is confirmed.
    put(http, "s", "A", 4).send().await.expect(201);
    assert_ne!(fill(http, "s", "cod").send().await.expect(200).json()["reserved_until"], Value::Null);
    assert_eq!((stock(http, "A").await, stock(http, "B").await), ((5, 2), (5, 4)));
    let short = problem(&confirm(http, "s").send().await, 409, "OUT_OF_STOCK");
    assert_eq!(short["lines"], json!([{ "sku_id": "A", "requested": 6, "available": 5 }]));
    let again = problem(&start(http, "s").send().await, 409, "OUT_OF_STOCK");
    assert_eq!(again["lines"], short["lines"]);
    // An empty cart holds nothing.
    http.request("DELETE", "/api/v1/cart/items?session_id=s").send().await.expect(200);
    assert_eq!(fill(http, "s", "cod").send().await.expect(200).json()["reserved_until"], Value::Null);
    assert_eq!((stock(http, "A").await, stock(http, "B").await), ((5, 0), (5, 0)));
    audit_is_clean(database).await;
}

async fn an_ended_session_gives_back(database: &Database) {
    let setup = Setup::on(database).set("ORDO_CHECKOUT__RESERVE_AT", "start").set("ORDO_CHECKOUT__SESSION_TTL_SECONDS", "1");
    let server = setup.start().await;
    let http = &server.http;
    goods(http, "A", 5).await;
    begun(http, "s", &[("A", 2)]).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    // Begun anew before anybody has noted the end: held once.
    start(http, "s").send().await.expect(201);
    assert_eq!(stock(http, "A").await, (5, 2));
    until("it has ended", Duration::from_secs(6), async || (stock(http, "A").await == (5, 0)).then_some(())).await;
    assert_eq!(session(http, "s").await["status"], "expired");
    // A cart that was ordered elsewhere leaves nothing held.
    let cart_id = begun(http, "t", &[("A", 1)]).await["cart_id"].clone();
    let order = json!({ "cart_id": cart_id, "shipping_address_id": "home", "payment_method": "cod" });
    http.post("/api/v1/orders").key("k").json(&order).send().await.expect(201);
    until("only the order holds", Duration::from_secs(6), async || (stock(http, "A").await == (5, 1)).then_some(())).await;
    audit_is_clean(database).await;
}

async fn of_many_sessions_as_many_begin_as_there_are_goods(database: &Database) {
    let server = holding(database, 60).await;
    let http = &server.http;
    goods(http, "A", 20).await;
    let filled = crowd(50, |shopper| put(http, &format!("s{shopper}"), "A", 2).send()).await;
    assert!(filled.iter().all(|reply| reply.status == 201));
    let begun = crowd(50, |shopper| start(http, &format!("s{shopper}")).send()).await;
    let places: Vec<usize> = (0..50).filter(|shopper| begun[*shopper].status == 201).collect();
    assert_eq!((places.len(), stock(http, "A").await), (10, (20, 20)));
    for shopper in places {
        fill(http, &format!("s{shopper}"), "card_stub").send().await.expect(200);
        confirm(http, &format!("s{shopper}")).send().await.expect(201);
    }
    assert_eq!(stock(http, "A").await, (0, 0));
    audit_is_clean(database).await;
}

/// Twice as many as there are goods for begin, half of them once the first have run out; then all confirm at once.
async fn holds_that_run_out_while_sessions_are_confirmed_sell_nothing_twice(database: &Database) {
    let server = holding(database, 1).await;
    let http = &server.http;
    goods(http, "A", 20).await;
    for half in 0..2 {
        for shopper in 0..10 {
            let name = format!("s{}", half * 10 + shopper);
            put(http, &name, "A", 2).send().await.expect(201);
            until("there is a place", Duration::from_secs(8), async || (start(http, &name).send().await.status == 201).then_some(())).await;
            fill(http, &name, "cod").send().await.expect(200);
        }
    }
    let confirmed: Vec<Reply> = crowd(20, |shopper| confirm(http, &format!("s{shopper}")).send()).await;
    let orders = confirmed.iter().filter(|reply| reply.status == 201).count();
    confirmed.iter().filter(|reply| reply.status != 201).for_each(|reply| drop(problem(reply, 409, "OUT_OF_STOCK")));
    assert!(orders <= 10, "{orders} orders");
    let promised = i64::try_from(orders * 2).expect("a few");
    until("nothing else is held", Duration::from_secs(8), async || (stock(http, "A").await == (20, promised)).then_some(())).await;
    audit_is_clean(database).await;
}

async fn two_instances_hold_and_confirm(database: &Database) {
    let (one, two) = (holding(database, 60).await, holding(database, 60).await);
    let instances = [&one.http, &two.http];
    goods(&one.http, "A", 10).await;
    begun(&one.http, "s", &[("A", 4)]).await;
    // Both go on with it at once: one hold.
    let states = crowd(20, |call| fill(instances[call % 2], "s", "cod").send()).await;
    assert!(states.iter().all(|reply| reply.status == 200));
    assert_eq!(stock(&two.http, "A").await, (10, 4));
    let confirmed = crowd(20, |call| confirm(instances[call % 2], "s").send()).await;
    assert_eq!(confirmed.iter().filter(|reply| reply.status == 201).count(), 1);
    assert!(confirmed.iter().all(|reply| reply.string("order_id") == confirmed[0].string("order_id")));
    assert_eq!(stock(&one.http, "A").await, (10, 4));
    audit_is_clean(database).await;
}
