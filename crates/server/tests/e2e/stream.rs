//! Following an order: every fact once and in order, whoever wrote it, however often the connection is cut.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Database, Event, Events, Http, Request, Server, cart, goods, place, problem};

on_each_database![
    an_order_is_followed_from_its_first_fact_on,
    who_comes_again_goes_on_where_he_was,
    many_who_follow_one_order_all_see_all_of_it,
    what_cannot_be_followed_is_refused_before_the_stream_begins,
    a_stop_ends_the_streams_at_once,
    a_reader_that_does_not_read_holds_nobody_up,
];
on_postgres_only![facts_of_another_instance_come_too];

fn follow(http: &Http, order_id: &str) -> Request {
    http.get(format!("/api/v1/orders/{order_id}/stream")).header("Accept", "text/event-stream")
}

async fn placed(http: &Http, key: &str) -> String {
    place(http, key, &cart(&[("TEA", 1)])).send().await.expect(201).string("order_id")
}

fn types(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.name.as_str()).collect()
}

/// Everything until it is paid.
const PAID: [&str; 5] = ["ORDER_CREATED", "INVENTORY_RESERVED", "PAYMENT_REQUESTED", "PAYMENT_SUCCEEDED", "INVENTORY_DEDUCTED"];

async fn an_order_is_followed_from_its_first_fact_on(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 10).await;
    let order_id = placed(http, "k").await;
    let mut stream = Events::of(follow(http, &order_id)).await;
    assert!(stream.head.starts_with("http/1.1 200") && stream.head.contains("text/event-stream"), "{}", stream.head);
    let mut events = stream.take(2).await;
    // What comes later comes at once, not with the next look.
    let began = Instant::now();
    http.post(format!("/orders/{order_id}/confirm")).send().await.expect(200);
    events.extend(stream.take(3).await);
    assert!(began.elapsed() < Duration::from_millis(900), "{:?}", began.elapsed());
    assert_eq!(types(&events), PAID);
    let page = http.get(format!("/api/v1/orders/{order_id}/events")).send().await.expect(200).json();
    assert_eq!(json!(events.iter().map(|event| event.data.clone()).collect::<Vec<_>>()), page["items"]);
    assert_eq!(events.iter().map(|event| event.id).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
}

async fn who_comes_again_goes_on_where_he_was(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 10).await;
    let order_id = placed(http, "k").await;
    http.post(format!("/orders/{order_id}/confirm")).send().await.expect(200);
    for last in 0..5_usize {
        let mut stream = Events::of(follow(http, &order_id).header("Last-Event-ID", &last.to_string())).await;
        assert_eq!(types(&stream.take(5 - last).await), PAID[last..]);
    }
    // Cut in the middle of it all: nothing is lost, nothing comes twice.
    let order_id = placed(http, "l").await;
    let (mut seen, mut last) = (Vec::new(), 0);
    while seen.len() < 5 {
        let mut stream = Events::of(follow(http, &order_id).header("Last-Event-ID", &last.to_string())).await;
        if seen.len() == 2 {
            http.post(format!("/orders/{order_id}/confirm")).send().await.expect(200);
        }
        let event = stream.next().await.expect("the stream goes on");
        last = event.id;
        seen.push(event);
    }
    assert_eq!(types(&seen), PAID);
}

async fn many_who_follow_one_order_all_see_all_of_it(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 10).await;
    let order_id = placed(http, "k").await;
    let mut streams = Vec::new();
    for _ in 0..20 {
        streams.push(Events::of(follow(http, &order_id)).await);
    }
    let change = async |notes: &str| {
        http.request("PATCH", format!("/api/v1/orders/{order_id}")).json(&json!({ "notes": notes })).send().await.expect(200)
    };
    for index in 0..10 {
        change(&format!("n{index}")).await;
    }
    http.post(format!("/api/v1/orders/{order_id}/cancel")).send().await.expect(200);
    for stream in &mut streams {
        let events = stream.take(14).await;
        assert_eq!(events.iter().map(|event| event.id).collect::<Vec<_>>(), (1..=14).collect::<Vec<_>>());
        assert_eq!(types(&events)[12..], ["ORDER_CANCELED", "INVENTORY_RELEASED"]);
    }
}

async fn what_cannot_be_followed_is_refused_before_the_stream_begins(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 10).await;
    let order_id = placed(http, "k").await;
    problem(&follow(http, "018f4e9a-0000-7000-8000-000000000000").send().await, 404, "ORDER_NOT_FOUND");
    problem(&follow(http, "x").send().await, 404, "NOT_FOUND");
    for wrong in ["", "x", "-1", "+1", "1.0", "99999999999999999999", "1, 2"] {
        problem(&follow(http, &order_id).header("Last-Event-ID", wrong).send().await, 400, "LAST_EVENT_ID_INVALID");
    }
    let twice = follow(http, &order_id).header("Last-Event-ID", "1").header("Last-Event-ID", "1");
    problem(&twice.send().await, 400, "LAST_EVENT_ID_INVALID");
    problem(&http.get(format!("/api/v1/orders/{order_id}/stream?from=1")).send().await, 422, "INVALID_PARAMETER");
}

async fn a_stop_ends_the_streams_at_once(database: &Database) {
    let mut server = Server::on(database).await;
    goods(&server.http, "TEA", 10).await;
    let order_id = placed(&server.http, "k").await;
    let mut stream = Events::of(follow(&server.http, &order_id)).await;
    stream.take(2).await;
    let (code, took) = server.terminate().await;
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(2), "the stream held the stop up for {took:?}");
    assert_eq!(stream.next().await, None);
}

async fn a_reader_that_does_not_read_holds_nobody_up(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 10).await;
    let order_id = placed(http, "k").await;
    let mut deaf = Vec::new();
    for _ in 0..50 {
        deaf.push(follow(http, &order_id).send_only(usize::MAX).await.expect("the service listens"));
    }
    let resident = server.resident_kib();
    let notes = "n".repeat(2000);
    for index in 0..60 {
        let change = json!({ "notes": format!("{index}{}", &notes[..1990]) });
        http.request("PATCH", format!("/api/v1/orders/{order_id}")).json(&change).send().await.expect(200);
    }
    let mut stream = Events::of(follow(http, &order_id)).await;
    assert_eq!(stream.take(62).await.len(), 62);
    // A page of facts for each at most.
    let more = server.resident_kib().saturating_sub(resident);
    assert!(more < 32 * 1024, "{more} KiB more");
    drop(deaf);
}

async fn facts_of_another_instance_come_too(database: &Database) {
    let (one, two) = (Server::on(database).await, Server::on(database).await);
    goods(&one.http, "TEA", 10).await;
    let order_id = placed(&one.http, "k").await;
    let mut stream = Events::of(follow(&two.http, &order_id)).await;
    let mut events = stream.take(2).await;
    one.http.post(format!("/orders/{order_id}/confirm")).send().await.expect(200);
    events.extend(stream.take(3).await);
    assert_eq!(types(&events), PAID);
}
