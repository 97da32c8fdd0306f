//! Steps about what was answered, whatever the door.

#![expect(clippy::needless_pass_by_value, reason = "a step owns the words it is given")]

use std::collections::BTreeSet;

use cucumber::{given, then};
use serde_json::Value;

use super::Shop;
use crate::support::{Database, Reply, all_orders, event_types, metric};

#[then(regex = r"^the answer is (\d+)$")]
fn the_answer_is(shop: &mut Shop, status: u16) {
    assert_eq!(shop.reply().status, status, "{}", shop.reply().text());
}

/// The code of a problem, or the error of the tickets door.
#[then(regex = r"^the answer is (\d+) (\w+)$")]
fn the_answer_is_a_refusal(shop: &mut Shop, status: u16, code: String) {
    the_answer_is(shop, status);
    let told = shop.reply().json();
    assert!(told["code"] == code || told["error"] == code, "{told}");
}

/// To the character: amounts have their decimals.
#[then(regex = r#"^the answer's "([^"]+)" is (.+)$"#)]
fn the_answer_holds(shop: &mut Shop, pointer: String, expected: String) {
    assert_eq!(shop.reply().raw(&pointer), expected, "{}", shop.reply().text());
}

#[then(regex = r#"^the order's "(\w+)" is (.+)$"#)]
fn the_order_has(shop: &mut Shop, name: String, expected: String) {
    the_answer_holds(shop, format!("/{name}"), expected);
}

#[then("the answer is JSON")]
fn the_answer_is_json(shop: &mut Shop) {
    assert_eq!(shop.reply().header("content-type"), Some("application/json"));
    assert!(shop.reply().json().is_object(), "{}", shop.reply().text());
}

#[then(regex = r"^the answer has ([\w, ]+) and nothing else$")]
fn the_answer_has_exactly(shop: &mut Shop, names: String) {
    let told = shop.reply().json();
    let found: BTreeSet<&str> = told.as_object().into_iter().flat_map(|object| object.keys()).map(String::as_str).collect();
    assert_eq!(found, names.split(", ").collect(), "{told}");
}

#[then("it is the same order as before")]
fn it_is_the_same_order(shop: &mut Shop) {
    let [.., one, other] = &shop.orders[..] else { panic!("fewer than two answers had an order") };
    assert_eq!(one, other);
}

#[then("it is the same answer as before")]
fn it_is_the_same_answer(shop: &mut Shop) {
    assert_eq!(Some(shop.reply().text()), shop.before.as_ref().map(Reply::text));
}

#[then(regex = r"^all (\d+) answers are (\d+)$")]
fn all_answers_are(shop: &mut Shop, count: usize, status: u16) {
    let statuses: Vec<u16> = shop.replies.iter().map(|reply| reply.status).collect();
    assert_eq!(statuses, vec![status; count]);
}

#[then(regex = r"^(\d+) answer is (\d+) and (\d+) are (\d+)$")]
fn answers_are(shop: &mut Shop, few: usize, status: u16, many: usize, other: u16) {
    let count = |status: u16| shop.replies.iter().filter(|reply| reply.status == status).count();
    assert_eq!((count(status), count(other), shop.replies.len()), (few, many, few + many));
}

#[then(regex = r"^all (\d+) answers are of (different orders|one order)$")]
fn all_answers_are_of(shop: &mut Shop, count: usize, which: String) {
    let ids: BTreeSet<String> = shop.replies.iter().map(|reply| reply.string("order_id")).collect();
    assert_eq!((shop.replies.len(), ids.len()), (count, if which == "one order" { 1 } else { count }));
}

#[then(regex = r"^there (?:is|are) (\d+) orders?$")]
async fn there_are_orders(shop: &mut Shop, count: usize) {
    assert_eq!(all_orders(&shop.http(), "").await.len(), count);
}

#[then(regex = r"^(\d+) orders? (?:is|are) listed$")]
fn orders_are_listed(shop: &mut Shop, count: usize) {
    assert_eq!(shop.reply().json()["items"].as_array().map(Vec::len), Some(count), "{}", shop.reply().text());
}

#[then(regex = r"^the history is (.+)$")]
async fn the_history_is(shop: &mut Shop, words: String) {
    assert_eq!(event_types(&shop.http(), shop.order()).await, words.split(", ").collect::<Vec<_>>());
}

#[then(regex = r#"^the event (\w+) has "(\w+)" "(.+)"$"#)]
async fn the_event_has(shop: &mut Shop, word: String, name: String, expected: String) {
    let page = shop.http().get(format!("/api/v1/orders/{}/events", shop.order())).send().await.expect(200).json();
    let found: Vec<&Value> = page["items"].as_array().into_iter().flatten().filter(|event| event["event_type"] == word).collect();
    let [event] = found[..] else { panic!("{word} stands {} times in {page}", found.len()) };
    assert_eq!(event["payload"][&name], expected, "{event}");
}

#[then("the audit finds nothing wrong")]
async fn the_audit_finds_nothing_wrong(shop: &mut Shop) {
    shop.is_sound().await;
}

#[given(regex = r"^(\d+) messages wait in the outbox$")]
#[then(regex = r"^(\d+) messages wait in the outbox$")]
async fn messages_wait(shop: &mut Shop, count: u64) {
    let ready = shop.http().get("/readyz").send().await.expect(200).json();
    assert_eq!(ready["checks"]["outbox_pending"], count, "{ready}");
}

/// The message is in the outbox. On SQLite the audit says that every fact has its messages.
#[then(regex = r"^(\w+\.\w+) is told once$")]
async fn it_is_told_once(shop: &mut Shop, word: String) {
    let database = shop.database.as_ref().expect("a scenario begins with a database");
    if let Database::Postgres(_) = database {
        let order_id = shop.order();
        let told = format!("select count(*) from outbox where aggregate_id = '{order_id}' and event_type = '{word}'");
        database.run_sql(&format!("do $$ begin if ({told}) <> 1 then raise 'not told once'; end if; end $$"));
    }
    shop.is_sound().await;
}

#[then(regex = r"^the measure (\S+) is (\d+)$")]
async fn the_measure_is(shop: &mut Shop, line: String, expected: f64) {
    let counted = metric(&shop.http(), &line).await;
    assert!((counted - expected).abs() < f64::EPSILON, "{line} is {counted}, not {expected}");
}
