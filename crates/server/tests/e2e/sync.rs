//! Copying all orders elsewhere, and keeping the copy: what changed, the oldest change first.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::{Database, Http, Server, all_orders, cart, crowd, goods, place, problem};

on_each_database![a_copy_made_while_orders_change_holds_all_of_them_as_they_are, the_cursor_of_changes_is_no_cursor_of_orders];

/// Reads every change from `since` on into `copy`; gives the time of the latest one.
async fn follow(http: &Http, copy: &mut BTreeMap<String, Value>, since: &str, limit: u32) -> String {
    let (mut latest, mut cursor) = (since.to_owned(), String::new());
    loop {
        let query = format!("/api/v1/orders?updated_from={since}&limit={limit}{cursor}");
        let page = http.get(query).send().await.expect(200).json();
        for order in page["items"].as_array().expect("a page has items") {
            let text = |name: &str| order[name].as_str().expect("a text").to_owned();
            assert!(text("updated_at") >= latest || cursor.is_empty(), "the list goes back in time at {order}");
            latest = text("updated_at");
            copy.insert(text("order_id"), order.clone());
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return latest,
        }
    }
}

async fn a_copy_made_while_orders_change_holds_all_of_them_as_they_are(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 1000).await;
    let body = cart(&[("TEA", 1)]);
    let placed = crowd(40, |index| place(http, &format!("k-{index}"), &body).send()).await;
    let ids: Vec<String> = placed.into_iter().map(|reply| reply.expect(201).string("order_id")).collect();
    let mut copy = BTreeMap::new();
    let cancels = async {
        for (index, order_id) in ids.iter().enumerate() {
            http.post(format!("/api/v1/orders/{order_id}/cancel")).send().await.expect(200);
            place(http, &format!("later-{index}"), &body).send().await.expect(201);
        }
    };
    let reads = follow(http, &mut copy, "2001-01-01T00:00:00Z", 3);
    let ((), latest) = tokio::join!(cancels, reads);
    // What was changed while it was read comes in the next round, which begins where this one ended.
    let rounds = copy.len();
    follow(http, &mut copy, &latest, 7).await;
    let now: BTreeMap<String, Value> =
        all_orders(http, "").await.into_iter().map(|order| (order["order_id"].as_str().expect("an id").to_owned(), order)).collect();
    assert_eq!(now.len(), 80);
    assert!(rounds >= 40, "{rounds}");
    assert_eq!(copy, now);
    let canceled = all_orders(http, "&status=CANCELED&updated_from=2001-01-01T00:00:00Z").await;
    let canceled: Vec<_> = canceled.iter().map(|order| order["order_id"].as_str().expect("an id")).collect();
    assert_eq!(canceled, ids, "in the order of their cancellations");
    assert!(all_orders(http, "&updated_from=2999-01-01T00:00:00Z").await.is_empty());
    assert!(all_orders(http, "&updated_to=2001-01-01T00:00:00Z").await.is_empty());
}

async fn the_cursor_of_changes_is_no_cursor_of_orders(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 10).await;
    for index in 0..3 {
        place(http, &format!("k-{index}"), &cart(&[("TEA", 1)])).send().await.expect(201);
    }
    let changes = "/api/v1/orders?limit=1&updated_from=2001-01-01T00:00:00Z";
    let of_changes = http.get(changes).send().await.expect(200).string("next_cursor");
    let of_orders = http.get("/api/v1/orders?limit=1").send().await.expect(200).string("next_cursor");
    problem(&http.get(format!("/api/v1/orders?cursor={of_changes}")).send().await, 400, "INVALID_CURSOR");
    problem(&http.get(format!("{changes}&cursor={of_orders}")).send().await, 400, "INVALID_CURSOR");
    for wrong in ["updated_from=yesterday", "updated_to=2026-13-01T00:00:00Z", "updated_from="] {
        problem(&http.get(format!("/api/v1/orders?{wrong}")).send().await, 422, "INVALID_PARAMETER");
    }
}
