//! Holds: units are promised for a while, an order takes them once, and none is left behind.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{
    Database, Http, Reply, Request, Server, Setup, audit_is_clean, crowd, event_types, goods, metric, problem, stock, until,
};

on_each_database![
    a_hold_becomes_an_order_once,
    a_hold_is_given_back,
    a_hold_that_runs_out_is_given_back_in_time,
    a_hold_holds_all_of_it_or_nothing,
    an_order_sells_what_is_held,
    what_becomes_of_the_order_becomes_of_the_hold,
    a_key_holds_once,
    a_hold_in_another_version_is_left_alone,
    of_many_orders_for_one_hold_one_is_placed,
    a_hold_that_runs_out_while_it_is_ordered_is_sold_or_given_back,
    a_foreign_hold_passes_through_and_backs_one_live_order,
    a_hold_that_no_order_took_is_forgotten_some_time_after_its_end,
    ten_thousand_buyers_get_a_thousand_seats,
];
on_postgres_only![two_instances_share_holds];

const SHOW: &str = "0b7a2c34-1111-4222-8333-444455556666";
const SEAT: &str = "0b7a2c34-aaaa-4bbb-8ccc-ddddeeeeffff";

fn hold(http: &Http, lines: &[(&str, i64)], ttl_seconds: i64) -> Request {
    let items: Vec<Value> = lines.iter().map(|(sku_id, qty)| json!({ "sku_id": sku_id, "qty": qty })).collect();
    http.post("/api/v1/holds").json(&json!({ "items": items, "ttl_seconds": ttl_seconds }))
}

async fn held(http: &Http, lines: &[(&str, i64)], ttl_seconds: i64) -> String {
    hold(http, lines, ttl_seconds).send().await.expect(201).string("hold_id")
}

async fn read(http: &Http, hold_id: &str) -> Value {
    http.get(format!("/api/v1/holds/{hold_id}")).send().await.expect(200).json()
}

async fn status(http: &Http, hold_id: &str) -> String {
    read(http, hold_id).await["status"].as_str().expect("a status").to_owned()
}

fn order(http: &Http, key: &str, hold_id: &str, quantity: i64) -> Request {
    let item = json!({ "session_id": SHOW, "ticket_type_id": SEAT, "quantity": quantity, "unit_price": 19.99 });
    http.post("/orders").key(key).json(&json!({ "customer_email": "ana@example.com", "hold_id": hold_id, "items": [item] }))
}

async fn ordered(http: &Http, key: &str, hold_id: &str, quantity: i64) -> String {
    order(http, key, hold_id, quantity).send().await.expect(201).string("order_id")
}

async fn act(http: &Http, order_id: &str, verb: &str) -> Reply {
    http.post(format!("/orders/{order_id}/{verb}")).send().await
}

fn refused(reply: &Reply, status: u16, error: &str) {
    assert_eq!((reply.status, reply.json()["error"].as_str()), (status, Some(error)), "{}", reply.text());
}

async fn a_hold_becomes_an_order_once(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, SEAT, 10).await;
    let made = hold(http, &[(SEAT, 2), (SEAT, 1)], 60).send().await.expect(201);
    assert_eq!(made.json()["items"], json!([{ "sku_id": SEAT, "qty": 3 }]), "lines of one SKU are added up");
    assert_eq!((made.json()["status"].clone(), made.json()["order_id"].clone()), (json!("ACTIVE"), Value::Null));
    let hold_id = made.string("hold_id");
    assert_eq!(stock(http, SEAT).await, (10, 3));
    let order_id = ordered(http, "k", &hold_id, 3).await;
    let taken = read(http, &hold_id).await;
    assert_eq!((&taken["status"], &taken["order_id"], &taken["expires_at"]), (&json!("ACTIVE"), &json!(order_id), &Value::Null));
    assert_eq!(event_types(http, &order_id).await, ["ORDER_CREATED", "INVENTORY_RESERVED"]);
    refused(&order(http, "other", &hold_id, 3).send().await, 409, "hold_in_use");
    let released = http.post(format!("/api/v1/holds/{hold_id}/release")).send().await;
    problem(&released, 409, "HOLD_IN_USE");
    act(http, &order_id, "confirm").await.expect(200);
    assert_eq!(status(http, &hold_id).await, "COMMITTED");
    assert_eq!(stock(http, SEAT).await, (7, 0));
    let facts = ["ORDER_CREATED", "INVENTORY_RESERVED", "PAYMENT_REQUESTED", "PAYMENT_SUCCEEDED", "INVENTORY_DEDUCTED"];
    assert_eq!(event_types(http, &order_id).await, facts);
    refused(&order(http, "other", &hold_id, 3).send().await, 409, "hold_in_use");
    audit_is_clean(database).await;
}

async fn a_hold_is_given_back(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "A", 5).await;
    let hold_id = held(http, &[("A", 5)], 60).await;
    problem(&hold(http, &[("A", 1)], 60).send().await, 409, "OUT_OF_STOCK");
    for _ in 0..2 {
        let released = http.post(format!("/api/v1/holds/{hold_id}/release")).send().await.expect(200);
        assert_eq!(released.string("status"), "RELEASED");
        assert_eq!(stock(http, "A").await, (5, 0));
    }
    refused(&order(http, "k", &hold_id, 5).send().await, 409, "hold_expired");
    problem(&http.get(format!("/api/v1/holds/{SHOW}")).send().await, 404, "HOLD_NOT_FOUND");
    problem(&http.post(format!("/api/v1/holds/{SHOW}/release")).send().await, 404, "HOLD_NOT_FOUND");
    audit_is_clean(database).await;
}

async fn a_hold_that_runs_out_is_given_back_in_time(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "A", 5).await;
    let hold_id = held(http, &[("A", 2)], 1).await;
    let kept = held(http, &[("A", 1)], 60).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    // It is over at once, whether or not somebody has noted it.
    assert_eq!(status(http, &hold_id).await, "EXPIRED");
    refused(&order(http, "k", &hold_id, 2).send().await, 409, "hold_expired");
    until("its units are free", Duration::from_secs(5), async || (stock(http, "A").await == (5, 1)).then_some(())).await;
    assert_eq!((status(http, &hold_id).await, status(http, &kept).await), ("EXPIRED".to_owned(), "ACTIVE".to_owned()));
    audit_is_clean(database).await;
}

async fn a_hold_holds_all_of_it_or_nothing(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "A", 5).await;
    goods(http, "B", 1).await;
    let short = problem(&hold(http, &[("A", 1), ("B", 2)], 60).send().await, 409, "OUT_OF_STOCK");
    assert_eq!(short["lines"], json!([{ "sku_id": "B", "requested": 2, "available": 1 }]));
    let unknown = problem(&hold(http, &[("A", 1), ("C", 2)], 60).send().await, 422, "UNKNOWN_SKU");
    assert_eq!(unknown["lines"], json!([{ "sku_id": "C" }]));
    http.put("/api/v1/skus/B").json(&json!({ "product_id": "b", "name": "B", "status": "INACTIVE" })).send().await.expect(200);
    problem(&hold(http, &[("B", 1)], 60).send().await, 422, "UNKNOWN_SKU");
    assert_eq!((stock(http, "A").await, stock(http, "B").await), ((5, 0), (1, 0)));
    // What would be said, and nothing done.
    let tried = hold(http, &[("A", 1)], 60).header("Prefer", "dry-run").send().await.expect(200);
    assert_eq!((tried.string("status").as_str(), stock(http, "A").await), ("ACTIVE", (5, 0)));
    problem(&http.get(format!("/api/v1/holds/{}", tried.string("hold_id"))).send().await, 404, "HOLD_NOT_FOUND");
}

async fn an_order_sells_what_is_held(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, SEAT, 5).await;
    goods(http, "PARKING", 5).await;
    let hold_id = held(http, &[(SEAT, 2), ("PARKING", 1)], 60).await;
    for (quantity, field) in [(2, Value::Null), (4, Value::Null), (3, json!(SEAT))] {
        let reply = order(http, &format!("k{quantity}"), &hold_id, quantity).send().await;
        refused(&reply, 422, "hold_mismatch");
        let named = reply.json()["message"].as_str().is_some_and(|message| message.contains(SEAT));
        assert_eq!(named, field != Value::Null, "{}", reply.text());
    }
    let other = "0b7a2c34-bbbb-4bbb-8ccc-ddddeeeeffff";
    let item = |kind: &str, quantity: i64| json!({ "session_id": SHOW, "ticket_type_id": kind, "quantity": quantity, "unit_price": 5 });
    let body = json!({ "customer_email": "ana@example.com", "hold_id": hold_id, "items": [item(SEAT, 2), item(other, 1)] });
    http.post("/orders").key("k").json(&body).send().await.expect(201);
    audit_is_clean(database).await;
}

async fn what_becomes_of_the_order_becomes_of_the_hold(database: &Database) {
    let server = Setup::on(database).set("ORDO_ORDERS__PAYMENT_WINDOW_SECONDS", "1").start().await;
    let http = &server.http;
    goods(http, SEAT, 10).await;
    let (canceled, expired, paid) =
        (held(http, &[(SEAT, 1)], 60).await, held(http, &[(SEAT, 2)], 60).await, held(http, &[(SEAT, 3)], 60).await);
    let order_id = ordered(http, "paid", &paid, 3).await;
    act(http, &order_id, "confirm").await.expect(200);
    let given_up = ordered(http, "canceled", &canceled, 1).await;
    act(http, &given_up, "cancel").await.expect(200);
    assert_eq!((status(http, &canceled).await.as_str(), stock(http, SEAT).await), ("RELEASED", (7, 2)));
    ordered(http, "expired", &expired, 2).await;
    until("the order has expired", Duration::from_secs(6), async || (status(http, &expired).await == "RELEASED").then_some(())).await;
    assert_eq!(stock(http, SEAT).await, (7, 0));
    refused(&order(http, "again", &expired, 2).send().await, 409, "hold_expired");
    // What is sold stays sold.
    problem(&http.post(format!("/api/v1/orders/{order_id}/cancel")).json(&json!({})).send().await, 409, "INVALID_TRANSITION");
    assert_eq!(status(http, &paid).await, "COMMITTED");
    audit_is_clean(database).await;
}

async fn a_key_holds_once(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "A", 50).await;
    let replies = crowd(20, |_| hold(http, &[("A", 2)], 60).key("k").send()).await;
    let hold_id = replies[0].string("hold_id");
    for reply in &replies {
        assert_eq!(reply.string("hold_id"), hold_id);
    }
    assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 1);
    assert_eq!(stock(http, "A").await, (50, 2));
    problem(&hold(http, &[("A", 3)], 60).key("k").send().await, 422, "IDEMPOTENCY_KEY_REUSED");
    // Again, it is told as it is now.
    http.post(format!("/api/v1/holds/{hold_id}/release")).send().await.expect(200);
    assert_eq!(hold(http, &[("A", 2)], 60).key("k").send().await.expect(200).string("status"), "RELEASED");
}

async fn a_hold_in_another_version_is_left_alone(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, SEAT, 5).await;
    let made = hold(http, &[(SEAT, 1)], 60).send().await.expect(201);
    let (hold_id, tag) = (made.string("hold_id"), made.header("etag").expect("a tag").to_owned());
    let release = |tag: &str| http.post(format!("/api/v1/holds/{hold_id}/release")).header("If-Match", tag);
    problem(&release("\"7\"").send().await, 412, "VERSION_MISMATCH");
    assert_eq!(status(http, &hold_id).await, "ACTIVE");
    release(&tag).send().await.expect(200);
}

async fn of_many_orders_for_one_hold_one_is_placed(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, SEAT, 40).await;
    for round in 0..5 {
        let hold_id = held(http, &[(SEAT, 2)], 60).await;
        let replies = crowd(30, |buyer| {
            let (http, key, hold_id) = (http.clone(), format!("{round}-{buyer}"), hold_id.clone());
            async move {
                // Now and then somebody gives it back meanwhile.
                match buyer {
                    7 if round == 4 => http.post(format!("/api/v1/holds/{hold_id}/release")).send().await,
                    _ => order(&http, &key, &hold_id, 2).send().await,
                }
            }
        });
        let replies = replies.await;
        let placed = replies.iter().filter(|reply| reply.status == 201).count();
        assert!(placed == 1 || (round == 4 && placed == 0), "{placed} in round {round}");
        assert!(replies.iter().all(|reply| matches!(reply.status, 200 | 201 | 409)));
    }
    audit_is_clean(database).await;
}

async fn a_hold_that_runs_out_while_it_is_ordered_is_sold_or_given_back(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, SEAT, 60).await;
    let replies = crowd(30, |_| hold(http, &[(SEAT, 2)], 1).send()).await;
    // From well before the end until after it.
    let sold = crowd(30, |buyer| {
        let order = order(http, &format!("k{buyer}"), &replies[buyer].string("hold_id"), 2);
        async move {
            tokio::time::sleep(Duration::from_millis(700 + 20 * u64::try_from(buyer).expect("a few"))).await;
            order.send().await
        }
    });
    let sold = sold.await;
    let placed = sold.iter().filter(|reply| reply.status == 201).count();
    sold.iter().filter(|reply| reply.status != 201).for_each(|reply| refused(reply, 409, "hold_expired"));
    let promised = i64::try_from(placed * 2).expect("a few");
    until("the rest is free", Duration::from_secs(6), async || (stock(http, SEAT).await == (60, promised)).then_some(())).await;
    audit_is_clean(database).await;
}

async fn a_foreign_hold_passes_through_and_backs_one_live_order(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    let foreign = "7a3f1f0e-52c7-4d1b-9a35-0c1c6f1f7d10";
    let first = ordered(http, "a", foreign, 2).await;
    refused(&order(http, "b", foreign, 2).send().await, 409, "hold_in_use");
    // It is known to another inventory, not here.
    problem(&http.get(format!("/api/v1/holds/{foreign}")).send().await, 404, "HOLD_NOT_FOUND");
    act(http, &first, "cancel").await.expect(200);
    let second = ordered(http, "c", foreign, 1).await;
    act(http, &second, "confirm").await.expect(200);
    refused(&order(http, "d", foreign, 1).send().await, 409, "hold_in_use");
    assert_eq!(event_types(http, &second).await, ["ORDER_CREATED", "PAYMENT_REQUESTED", "PAYMENT_SUCCEEDED"]);
    let replies = crowd(20, |buyer| order(http, &format!("k{buyer}"), SHOW, 1).send()).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 1);
    audit_is_clean(database).await;
}

/// Most are too late to hold one of the seats, some hold one and leave, some are declined; whoever holds on has a ticket.
async fn buy(http: Http, buyer: usize) -> bool {
    let http = &http;
    let reply = hold(http, &[(SEAT, 1)], 3).send().await;
    if reply.status != 201 {
        problem(&reply, 409, "OUT_OF_STOCK");
        return false;
    }
    let hold_id = reply.string("hold_id");
    match buyer % 10 {
        0 => return false,
        1 => {
            http.post(format!("/api/v1/holds/{hold_id}/release")).send().await.expect(200);
            return false;
        }
        _ => {}
    }
    let placed = order(http, &format!("b{buyer}"), &hold_id, 1).send().await;
    if placed.status != 201 {
        // Three seconds are long, but not for a machine that has other things to do.
        refused(&placed, 409, "hold_expired");
        return false;
    }
    let order_id = placed.string("order_id");
    if buyer % 10 == 2 {
        act(http, &order_id, "cancel").await.expect(200);
        return false;
    }
    let paid = act(http, &order_id, "confirm").await;
    assert!(matches!(paid.status, 200 | 202), "{}: {}", paid.status, paid.text());
    true
}

/// Ten thousand come for a thousand seats. Those who come back for what others gave up find it, until all are sold.
async fn sell_out(database: &Database, instances: &[&Http]) {
    const SEATS: i64 = 1000;
    const BUYERS: usize = 10_000;
    goods(instances[0], SEAT, SEATS).await;
    let mut tickets = 0;
    for crowd_of in 0..20 {
        let size = BUYERS / 20;
        let bought = crowd(size, |buyer| buy(instances[buyer % instances.len()].clone(), crowd_of * size + buyer)).await;
        tickets += bought.into_iter().filter(|bought| *bought).count();
    }
    let sold = async || SEATS - stock(instances[0], SEAT).await.0;
    until("payments are told", Duration::from_secs(20), async || (usize::try_from(sold().await) == Ok(tickets)).then_some(())).await;
    until("nothing is left behind", Duration::from_secs(10), async || (stock(instances[0], SEAT).await.1 == 0).then_some(())).await;
    // The last seats, given back by those who left.
    let mut late = BUYERS;
    while sold().await < SEATS {
        assert!(late < 2 * BUYERS, "{tickets} tickets of {SEATS} after {late} buyers");
        let bought = crowd(100, |buyer| buy(instances[buyer % instances.len()].clone(), late + buyer)).await;
        tickets += bought.into_iter().filter(|bought| *bought).count();
        late += 100;
        until("payments are told", Duration::from_secs(20), async || (usize::try_from(sold().await) == Ok(tickets)).then_some(())).await;
        until("nothing is left behind", Duration::from_secs(10), async || (stock(instances[0], SEAT).await.1 == 0).then_some(())).await;
    }
    assert_eq!((tickets, stock(instances[0], SEAT).await), (1000, (0, 0)), "exactly all seats are sold");
    problem(&hold(instances[0], &[(SEAT, 1)], 60).send().await, 409, "OUT_OF_STOCK");
    audit_is_clean(database).await;
}

async fn ten_thousand_buyers_get_a_thousand_seats(database: &Database) {
    let server = Server::on(database).await;
    sell_out(database, &[&server.http]).await;
    assert!(metric(&server.http, "order_create_total{status=\"created\"}").await >= 1000.0);
}

async fn two_instances_share_holds(database: &Database) {
    let (one, two) = (Server::on(database).await, Server::on(database).await);
    goods(&one.http, SEAT, 100).await;
    let instances = [&one.http, &two.http];
    for round in 0..10 {
        let hold_id = held(&one.http, &[(SEAT, 2)], 60).await;
        let replies = crowd(20, |buyer| order(instances[buyer % 2], &format!("{round}-{buyer}"), &hold_id, 2).send()).await;
        assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 1);
    }
    // Whoever finds first that its time has passed gives it back, once.
    let held = crowd(20, |_| hold(&one.http, &[(SEAT, 2)], 1).send()).await;
    assert!(held.iter().all(|reply| reply.status == 201));
    until("all are given back", Duration::from_secs(6), async || (stock(&two.http, SEAT).await == (100, 20)).then_some(())).await;
    audit_is_clean(database).await;
}

async fn a_hold_that_no_order_took_is_forgotten_some_time_after_its_end(database: &Database) {
    let setup = || Setup::on(database).set("ORDO_RETENTION__CART_DAYS", "0");
    let server = setup().start().await;
    let http = &server.http;
    goods(http, SEAT, 5).await;
    let over = hold(http, &[(SEAT, 1)], 60).key("k").send().await.expect(201).string("hold_id");
    http.post(format!("/api/v1/holds/{over}/release")).send().await.expect(200);
    let (active, taken) = (held(http, &[(SEAT, 1)], 60).await, held(http, &[(SEAT, 1)], 60).await);
    let order_id = ordered(http, "o", &taken, 1).await;
    act(http, &order_id, "cancel").await.expect(200);
    // It is looked for when a service starts, and every minute.
    let server = server.kill().await.start().await;
    let http = &server.http;
    let gone = async || (http.get(format!("/api/v1/holds/{over}")).send().await.status == 404).then_some(());
    until("it is forgotten", Duration::from_secs(5), gone).await;
    problem(&hold(http, &[(SEAT, 1)], 60).key("k").send().await, 404, "HOLD_NOT_FOUND");
    assert_eq!((status(http, &active).await, status(http, &taken).await), ("ACTIVE".to_owned(), "RELEASED".to_owned()));
    audit_is_clean(database).await;
}
