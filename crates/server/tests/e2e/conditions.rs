//! Changing an order that somebody else may be changing too: versions, conditions, and what may still be changed.

use serde_json::{Value, json};

use crate::support::{Database, Http, Reply, Request, Server, audit_is_clean, cart, crowd, event_types, goods, place, problem};

on_each_database![
    an_answer_carries_the_version_as_its_tag,
    a_condition_is_judged_against_the_order_as_it_is_decided,
    of_many_changes_with_one_condition_exactly_one_is_made,
    what_is_no_tag_is_told_so,
    a_change_touches_what_it_names_and_nothing_else,
    a_change_that_changes_nothing_leaves_no_fact,
    a_change_has_its_rules,
    what_has_left_cannot_be_changed,
    a_change_is_made_once_under_its_key,
];

fn patch(http: &Http, order_id: &str, body: &Value) -> Request {
    http.request("PATCH", format!("/api/v1/orders/{order_id}")).json(body)
}

fn cancel(http: &Http, order_id: &str) -> Request {
    http.post(format!("/api/v1/orders/{order_id}/cancel"))
}

fn tag(reply: &Reply) -> String {
    reply.header("etag").unwrap_or_else(|| panic!("no tag beside {}", reply.text())).to_owned()
}

async fn shop(database: &Database) -> (Server, String) {
    let server = Server::on(database).await;
    goods(&server.http, "TEA", 100).await;
    let order_id = place(&server.http, "k", &cart(&[("TEA", 2)])).send().await.expect(201).string("order_id");
    (server, order_id)
}

async fn an_answer_carries_the_version_as_its_tag(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 100).await;
    let body = cart(&[("TEA", 2)]);
    let placed = place(http, "k", &body).send().await.expect(201);
    let order_id = placed.string("order_id");
    let path = format!("/api/v1/orders/{order_id}");
    let told = |reply: &Reply| assert_eq!(tag(reply), format!("\"{}\"", reply.json()["version"]), "{}", reply.text());
    told(&placed);
    told(&place(http, "k", &body).send().await.expect(200));
    told(&http.get(path.as_str()).send().await.expect(200));
    told(&patch(http, &order_id, &json!({ "notes": "ring twice" })).send().await.expect(200));
    let canceled = cancel(http, &order_id).send().await.expect(200);
    told(&canceled);
    assert_ne!(tag(&canceled), tag(&placed));
    assert_eq!(tag(&http.get(path.as_str()).send().await), tag(&canceled));
}

async fn a_condition_is_judged_against_the_order_as_it_is_decided(database: &Database) {
    let (server, order_id) = shop(database).await;
    let http = &server.http;
    let first = tag(&http.get(format!("/api/v1/orders/{order_id}")).send().await);
    let second = tag(&patch(http, &order_id, &json!({ "notes": "a" })).header("If-Match", &first).send().await.expect(200));
    for stale in [first.as_str(), "\"0\"", "\"x\"", "\"\"", &format!("W/{second}"), &format!("{first}, \"999\"")] {
        let told = problem(&cancel(http, &order_id).header("If-Match", stale).send().await, 412, "VERSION_MISMATCH");
        assert_eq!(format!("\"{}\"", told["version"]), second, "{stale}");
        let refused = patch(http, &order_id, &json!({ "notes": "b" })).header("If-Match", stale).send().await;
        problem(&refused, 412, "VERSION_MISMATCH");
    }
    let now = http.get(format!("/api/v1/orders/{order_id}")).send().await.json();
    assert_eq!((&now["notes"], &now["status"]), (&json!("a"), &json!("CREATED")), "nothing was done");
    let listed = format!("\"1\" , {second},\"77\"");
    patch(http, &order_id, &json!({ "notes": "c" })).header("If-Match", &listed).send().await.expect(200);
    cancel(http, &order_id).header("If-Match", "*").send().await.expect(200);
    // Who is not there has no version: not even an order that never was tells one.
    let nobody = "018f4e9a-0000-7000-8000-000000000000";
    problem(&cancel(http, nobody).header("If-Match", "\"1\"").send().await, 404, "ORDER_NOT_FOUND");
    audit_is_clean(database).await;
}

async fn of_many_changes_with_one_condition_exactly_one_is_made(database: &Database) {
    let (server, order_id) = shop(database).await;
    let http = &server.http;
    let seen = tag(&http.get(format!("/api/v1/orders/{order_id}")).send().await);
    let replies = crowd(40, |index| {
        let request =
            if index % 4 == 0 { cancel(http, &order_id) } else { patch(http, &order_id, &json!({ "notes": format!("n{index}") })) };
        request.header("If-Match", &seen).send()
    })
    .await;
    let made = replies.iter().filter(|reply| reply.status == 200).count();
    for lost in replies.iter().filter(|reply| reply.status != 200) {
        problem(lost, 412, "VERSION_MISMATCH");
    }
    assert_eq!(made, 1);
    audit_is_clean(database).await;
}

async fn what_is_no_tag_is_told_so(database: &Database) {
    let (server, order_id) = shop(database).await;
    let http = &server.http;
    for wrong in ["3", "\"3", "3\"", "\"3\" \"4\"", "w/\"3\"", "\"a b\"", "*, \"3\"", ", ,"] {
        problem(&cancel(http, &order_id).header("If-Match", wrong).send().await, 400, "IF_MATCH_INVALID");
        problem(&patch(http, &order_id, &json!({})).header("If-Match", wrong).send().await, 400, "IF_MATCH_INVALID");
    }
    assert_eq!(event_types(http, &order_id).await, ["ORDER_CREATED", "INVENTORY_RESERVED"]);
}

async fn a_change_touches_what_it_names_and_nothing_else(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 100).await;
    let address =
        json!({ "name": "Ada", "line1": "1 Main St", "city": "Springfield", "country": "US", "region": "IL", "postal_code": "62701" });
    let mut body = cart(&[("TEA", 2)]);
    body["notes"] = json!("first");
    body["metadata"] = json!({ "a": 1, "b": [2, 3] });
    body["billing_address"] = address.clone();
    let before = place(http, "k", &body).send().await.expect(201).json();
    let order_id = before["order_id"].as_str().expect("an id");
    let changed = patch(http, order_id, &json!({ "shipping_address": address, "notes": null, "metadata": { "c": true } })).send().await;
    let after = changed.expect(200).json();
    let mut expected = before.clone();
    expected["shipping_address"] = address;
    expected["notes"] = Value::Null;
    expected["metadata"] = json!({ "c": true });
    expected["version"] = json!(before["version"].as_i64().expect("a number") + 1);
    expected["updated_at"] = after["updated_at"].clone();
    assert_eq!(after, expected);
    assert_eq!(http.get(format!("/api/v1/orders/{order_id}")).send().await.expect(200).json(), after);
    let cleared = json!({ "shipping_address": null, "shipping_address_id": null, "billing_address": null, "metadata": null });
    let cleared = patch(http, order_id, &cleared).send().await.expect(200).json();
    for name in ["shipping_address", "shipping_address_id", "billing_address", "billing_address_id"] {
        assert_eq!(cleared[name], Value::Null, "{name}");
    }
    assert_eq!(cleared["metadata"], json!({}));
    // The history tells which fields, and no word of what stands in them.
    let history = http.get(format!("/api/v1/orders/{order_id}/events")).send().await.expect(200);
    let payload = &history.json()["items"][2]["payload"];
    assert_eq!(payload["fields"], json!(["shipping_address", "notes", "metadata"]));
    assert!(!history.text().contains("Main St"), "{}", history.text());
    audit_is_clean(database).await;
}

async fn a_change_that_changes_nothing_leaves_no_fact(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 100).await;
    let mut body = cart(&[("TEA", 1)]);
    body["metadata"] = json!({ "long_name": 1, "b": { "z": "é", "a": [1.50, null] } });
    body["shipping_address"] = json!({ "name": "Ada", "line1": "x", "city": "Bern", "country": "CH", "postal_code": "3000" });
    let placed = place(http, "k", &body).send().await.expect(201).json();
    let order_id = placed["order_id"].as_str().expect("an id");
    // Spelled in another way, in another order.
    let same = r#"{ "metadata": { "b": {"a":[1.5,null],"z":"\u00e9"}, "long_name": 1 }, "notes": null,
        "shipping_address": {"postal_code":"3000","country":"CH","city":"Bern","line1":"x","name":"Ada"}, "shipping_address_id": "home" }"#;
    for body in ["{}", same] {
        let request = http.request("PATCH", format!("/api/v1/orders/{order_id}")).body("application/merge-patch+json", body);
        assert_eq!(request.send().await.expect(200).json(), placed);
    }
    assert_eq!(event_types(http, order_id).await, ["ORDER_CREATED", "INVENTORY_RESERVED"]);
}

async fn a_change_has_its_rules(database: &Database) {
    let (server, order_id) = shop(database).await;
    let http = &server.http;
    let wrong =
        json!({ "status": "PAID", "total_amount": 1, "notess": "x", "notes": 7, "metadata": [], "shipping_address": { "name": "x" } });
    let told = problem(&patch(http, &order_id, &wrong).send().await, 422, "VALIDATION_FAILED");
    let errors = told["errors"].as_array().expect("a list");
    let broken: Vec<_> = errors.iter().map(|error| error["pointer"].as_str().expect("a pointer")).collect();
    for pointer in ["/status", "/total_amount", "/notess", "/notes", "/metadata", "/shipping_address/line1", "/shipping_address/country"] {
        assert!(broken.contains(&pointer), "{pointer} is not among {broken:?}");
    }
    problem(&patch(http, &order_id, &json!([])).send().await, 400, "MALFORMED_JSON");
    problem(&http.request("PATCH", format!("/api/v1/orders/{order_id}")).send().await, 415, "UNSUPPORTED_MEDIA_TYPE");
    problem(&patch(http, "nothing", &json!({})).send().await, 404, "NOT_FOUND");
    problem(&patch(http, "018f4e9a-0000-7000-8000-000000000000", &json!({})).send().await, 404, "ORDER_NOT_FOUND");
}

async fn what_has_left_cannot_be_changed(database: &Database) {
    let (server, order_id) = shop(database).await;
    let http = &server.http;
    http.post(format!("/orders/{order_id}/confirm")).send().await.expect(200);
    patch(http, &order_id, &json!({ "notes": "paid, not packed" })).send().await.expect(200);
    let other = place(http, "k-2", &cart(&[("TEA", 1)])).send().await.expect(201).string("order_id");
    cancel(http, &other).send().await.expect(200);
    let told = problem(&patch(http, &other, &json!({ "notes": "too late" })).send().await, 409, "ORDER_NOT_CHANGEABLE");
    assert_eq!(told["status_now"], "CANCELED");
    patch(http, &other, &json!({ "notes": null })).send().await.expect(200);
}

async fn a_change_is_made_once_under_its_key(database: &Database) {
    let (server, order_id) = shop(database).await;
    let http = &server.http;
    let body = json!({ "notes": "once" });
    let replies = crowd(12, |_| patch(http, &order_id, &body).key("change").send()).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 200 && !reply.is_replay()).count(), 1);
    assert_eq!(replies.iter().filter(|reply| reply.is_replay()).count(), 11);
    patch(http, &order_id, &json!({ "notes": "later" })).send().await.expect(200);
    // The first answer again, whatever was the condition meanwhile: the order as it is now.
    let again = patch(http, &order_id, &body).key("change").header("If-Match", "\"1\"").send().await.expect(200);
    assert!(again.is_replay());
    assert_eq!(again.json()["notes"], "later");
    problem(&patch(http, &order_id, &json!({ "notes": "other" })).key("change").send().await, 422, "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(event_types(http, &order_id).await.iter().filter(|word| *word == "ORDER_CHANGED").count(), 2);
}
