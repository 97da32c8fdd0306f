//! Pages of orders: stable while orders arrive, and found by what they are.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Database, Http, Server, all_orders, cart, crowd, goods, place, problem};

on_each_database![
    pages_stay_where_they_are_while_orders_arrive,
    orders_are_found_by_what_they_are,
    a_page_has_its_limits,
    a_long_history_is_read_page_by_page,
];

fn ids(orders: &[Value]) -> Vec<&str> {
    orders.iter().map(|order| order["order_id"].as_str().expect("an id")).collect()
}

async fn page(http: &Http, query: &str) -> (Vec<Value>, Option<String>) {
    let page = http.get(format!("/api/v1/orders?{query}")).send().await.expect(200).json();
    let items = page["items"].as_array().expect("a page has items").clone();
    (items, page["next_cursor"].as_str().map(str::to_owned))
}

async fn pages_stay_where_they_are_while_orders_arrive(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 1000).await;
    let body = cart(&[("TEA", 1)]);
    let placed = crowd(120, |index| place(http, &format!("k-{index}"), &body).send()).await;
    let expected: BTreeSet<String> = placed.into_iter().map(|reply| reply.expect(201).string("order_id")).collect();
    let mut seen = Vec::new();
    let mut sizes = Vec::new();
    let mut query = String::new();
    loop {
        let (items, next) = page(http, &query).await;
        sizes.push(items.len());
        seen.extend(items);
        // Newer orders come before the first page, and move nothing behind it.
        for index in 0..3 {
            place(http, &format!("later-{}-{index}", sizes.len()), &body).send().await.expect(201);
        }
        let Some(next) = next else { break };
        query = format!("limit=50&cursor={next}");
    }
    assert_eq!(sizes, [50, 50, 20]);
    assert_eq!(ids(&seen).into_iter().map(str::to_owned).collect::<BTreeSet<_>>(), expected);
    let times: Vec<_> = seen.iter().map(|order| order["created_at"].as_str().expect("a time")).collect();
    assert!(times.is_sorted_by(|newer, older| newer >= older), "{times:?}");
    assert_eq!(all_orders(http, "").await.len(), 129);
}

async fn orders_are_found_by_what_they_are(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 1000).await;
    let mut made = Vec::new();
    for (key, user, email) in [("a", "u-1", "one@example.com"), ("b", "u-2", "two@example.com"), ("c", "u-1", "One@Example.com")] {
        let mut body = cart(&[("TEA", 1)]);
        body["user_id"] = json!(user);
        body["customer_email"] = json!(email);
        made.push(place(http, key, &body).send().await.expect(201).json());
    }
    let order = |index: usize| made[index]["order_id"].as_str().expect("an id");
    http.post(format!("/orders/{}/confirm", order(0))).send().await.expect(200);
    http.post(format!("/api/v1/orders/{}/cancel", order(1))).send().await.expect(200);
    let number = made[1]["order_number"].as_str().expect("a number");
    let time = |index: usize| made[index]["created_at"].as_str().expect("a time");
    for (query, expected) in [
        ("user_id=u-1".to_owned(), vec![2, 0]),
        ("userId=u-2".to_owned(), vec![1]),
        ("user_id=nobody".to_owned(), vec![]),
        ("status=PAID".to_owned(), vec![0]),
        ("status=PAID,CANCELED".to_owned(), vec![1, 0]),
        ("status=SHIPPED".to_owned(), vec![]),
        ("user_id=u-1&status=CREATED".to_owned(), vec![2]),
        (format!("number={number}"), vec![1]),
        ("number=ORD-2001-00001".to_owned(), vec![]),
        ("email=two@example.com".to_owned(), vec![1]),
        ("email=none@example.com".to_owned(), vec![]),
        (format!("from={}", time(2)), vec![2]),
        (format!("from={}", time(0)), vec![2, 1, 0]),
        ("from=2999-01-01T00:00:00Z".to_owned(), vec![]),
        ("to=2001-01-01T00:00:00Z".to_owned(), vec![]),
        ("from=2001-01-01T00:00:00Z&to=2999-01-01T00:00:00Z".to_owned(), vec![2, 1, 0]),
    ] {
        let (items, next) = page(http, &query).await;
        let expected: Vec<_> = expected.into_iter().map(order).collect();
        assert_eq!(ids(&items), expected, "{query}");
        assert_eq!(next, None, "{query}");
    }
}

async fn a_page_has_its_limits(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 1000).await;
    for index in 0..3 {
        place(http, &format!("k-{index}"), &cart(&[("TEA", 1)])).send().await.expect(201);
    }
    for limit in ["0", "201", "-1", "1.5", "many", ""] {
        let told = problem(&http.get(format!("/api/v1/orders?limit={limit}")).send().await, 422, "INVALID_PARAMETER");
        assert_eq!(told["errors"][0]["parameter"], "limit", "{told}");
    }
    assert_eq!(page(http, "limit=200").await.0.len(), 3);
    let (first, next) = page(http, "limit=1").await;
    let next = next.expect("there are more");
    assert_eq!(first.len(), 1);
    assert_eq!(page(http, &format!("limit=2&cursor={next}")).await.0.len(), 2);
    let order_id = first[0]["order_id"].as_str().expect("an id");
    let (begin, end) = next.split_at(next.len() / 2);
    let swapped = format!("{end}{begin}");
    for forged in ["", "x", "AAAA", &next[1..], &swapped, &next.to_lowercase(), "%00", order_id] {
        let reply = http.get(format!("/api/v1/orders?cursor={forged}")).send().await;
        problem(&reply, 400, "INVALID_CURSOR");
    }
    // A cursor of one list is none of another.
    problem(&http.get(format!("/api/v1/orders/{order_id}/events?cursor={next}")).send().await, 400, "INVALID_CURSOR");
}

async fn a_long_history_is_read_page_by_page(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 10).await;
    let order_id = place(http, "k", &cart(&[("TEA", 1)])).send().await.expect(201).string("order_id");
    for _ in 0..3 {
        let reply = http.post(format!("/orders/{order_id}/confirm")).json(&json!({ "payment_method": "card_stub_decline" })).send().await;
        assert_eq!(reply.status, 402, "{}", reply.text());
    }
    let path = format!("/api/v1/orders/{order_id}/events?limit=3");
    let mut sequences = Vec::new();
    let mut next = path.clone();
    loop {
        let page = http.get(&*next).send().await.expect(200).json();
        sequences.extend(page["items"].as_array().into_iter().flatten().filter_map(|event| event["sequence"].as_u64()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        next = format!("{path}&cursor={cursor}");
    }
    assert_eq!(sequences, (1..=8).collect::<Vec<_>>());
}
