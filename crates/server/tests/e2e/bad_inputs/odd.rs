//! What looks bad and is good: odd texts are data; a used key elsewhere is a new key.

use serde_json::{Value, json};

use super::doors::{DOORS, Needs};
use super::fields::{Kind, with};
use super::states::used_body;
use super::{Shop, is_silent_about_callers};
use crate::support::{Database, Server, Setup, all_orders, audit_is_clean, crowd};

on_each_database![odd_texts_are_kept_as_they_are, a_key_in_flight_is_waited_for, a_key_belongs_to_its_command];

/// Texts that some reader on the way would take for something else.
const ODD: &[&str] = &[
    "'; drop table orders; --",
    "\" or 1=1; --",
    "=cmd|' /C calc'!A0",
    "+1+1",
    "@SUM(A1)",
    "<script>alert(1)</script>",
    "${jndi:ldap://x}",
    "{{7*7}}",
    "%s%n%00",
    "\\u0000",
    "../../etc/passwd",
    "\u{202e}gpj.exe",
    "zero\u{200b}width",
    "e\u{301}",
    "👩‍👩‍👧",
    "\u{fffd}\u{10ffff}",
    "null",
];

/// The good body of every door is good, and so are odd texts: kept and given back as they were sent, one line of log each.
async fn odd_texts_are_kept_as_they_are(database: &Database) {
    let server = Setup::on(database).set("ORDO_LOG__LEVEL", "trace").start().await;
    let http = &server.http;
    let shop = Shop::open(http).await;
    let mut placed = all_orders(http, "").await.len();
    for door in DOORS.iter().filter(|door| door.path == "/api/v1/orders") {
        for (pointer, kind) in door.fields {
            let Kind::Text { most, has_lines, .. } = *kind else { continue };
            // Other names are looked up, and a postal code has the form of its country.
            if matches!(*pointer, "/items/0/sku_id" | "/payment_method" | "/shipping_address/postal_code") {
                continue;
            }
            let edge = "😀".repeat(most);
            let lines = "one\r\nX: y\n{\"level\":\"ERROR\"}\ttwo";
            let texts = ODD.iter().copied().chain([edge.as_str()]).chain(has_lines.then_some(lines));
            for text in texts.filter(|text| text.chars().count() <= most) {
                let body = with(door.good, pointer, Some(&json!(text).to_string()));
                let reply = http.post(door.path).key(&format!("{placed}")).body("application/json", body).send().await.expect(201);
                let read = http.get(format!("/api/v1/orders/{}", reply.string("order_id"))).send().await.expect(200);
                for told in [reply.json(), read.json()] {
                    assert_eq!(told.pointer(pointer), Some(&json!(text)), "{pointer}");
                }
                placed += 1;
            }
        }
    }
    for (number, door) in DOORS.iter().enumerate() {
        let path = shop.at(door.path);
        let request = http.request(door.method, &*path).key(&format!("good-{number}")).header("X-Request-Id", "{\"level\":\"ERROR\"}");
        let reply = request.body("application/json", shop.at(door.good)).send().await;
        assert_eq!(reply.status, door.status, "{} {path}: {}", door.method, reply.text());
        assert_eq!(reply.header("x-request-id"), Some("{\"level\":\"ERROR\"}"));
        placed += usize::from(door.status == 201 && ["/orders", "/checkout/confirm"].iter().any(|end| door.path.ends_with(end)));
    }
    assert_eq!(all_orders(http, "").await.len(), placed);
    is_silent_about_callers(&server);
    assert!(server.log_lines().iter().all(|line| !line.contains("\"level\":\"ERROR\"")), "a caller writes lines of the log");
    audit_is_clean(database).await;
}

/// Line 55: a retry that arrives while the first still runs waits for its answer.
async fn a_key_in_flight_is_waited_for(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    let shop = Shop::open(http).await;
    for (path, id) in [("/api/v1/orders", "order_id"), ("/orders", "order_id"), ("/api/v1/payments", "payment_id")] {
        let body = shop.at(used_body(path));
        let replies = crowd(20, |_| http.post(path).key("flight").body("application/json", body.as_str()).send()).await;
        let first: Vec<_> = replies.iter().filter(|reply| reply.status == 201).collect();
        assert_eq!(first.len(), 1);
        for reply in replies.iter().filter(|reply| reply.status != 201) {
            assert!(reply.status == 200 && reply.is_replay(), "{} {}", reply.status, reply.text());
            assert_eq!(reply.string(id), first[0].string(id));
        }
    }
    audit_is_clean(database).await;
}

/// Line 57: the same key with another command is another key. All movements of stock are one command, and so are the
/// ways to cancel, and the ways to order goods.
async fn a_key_belongs_to_its_command(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    let shop = Shop::open(http).await;
    let mut answers: Vec<Value> = Vec::new();
    let other_words =
        ["/reserve", "/release", "/deduct", "/adjust", "/{line}", "{other_ticket}/cancel", "{cancelable}/cancel", "/api/orders"];
    let doors = || DOORS.iter().filter(|door| door.needs != Needs::Unkeyed && !other_words.iter().any(|word| door.path.ends_with(word)));
    for door in doors() {
        let request = http.request(door.method, &*shop.at(door.path)).key("one");
        let reply = request.body("application/json", shop.at(door.good)).send().await.expect(door.status);
        assert!(!reply.is_replay(), "{}", door.path);
        answers.push(reply.json());
    }
    for (door, answer) in doors().zip(&answers) {
        let request = http.request(door.method, &*shop.at(door.path)).key("one");
        let reply = request.body("application/json", shop.at(door.good)).send().await.expect(200);
        assert!(reply.is_replay(), "{}", door.path);
        // An order, a payment, a cart and a session are told as they are now; what else was made, as it was.
        if !["order", "payment", "cart", "checkout"].iter().any(|noun| door.path.contains(noun)) {
            assert_eq!(&reply.json(), answer, "{}", door.path);
        }
    }
    audit_is_clean(database).await;
}
