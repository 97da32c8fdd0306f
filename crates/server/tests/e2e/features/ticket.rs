//! Steps at the tickets door: checkout of a hold, confirmation, cancellation, and many of them at once.

use cucumber::gherkin::Step;
use cucumber::{given, then, when};
use serde_json::{Value, json};

use super::Shop;
use crate::support::{Http, Request, crowd};

/// A checkout; each key is for a hold of its own.
fn checkout(http: &Http, key: &str, quantity: i64, unit_price: &str) -> Request {
    http.post("/orders").key(key).json(&body(key, quantity, unit_price))
}

fn body(key: &str, quantity: i64, unit_price: &str) -> Value {
    let hold = key.bytes().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte))) & 0xffff_ffff_ffff;
    json!({
        "customer_email": "user@example.com",
        "hold_id": format!("7a3f1f0e-52c7-4d1b-9a35-{hold:012x}"),
        "items": [{
            "session_id": "0b7a2c34-1111-4222-8333-444455556666",
            "ticket_type_id": "0b7a2c34-aaaa-4bbb-8ccc-ddddeeeeffff",
            "quantity": quantity,
            "unit_price": unit_price,
        }],
    })
}

#[when(regex = r#"^a customer checks out (\d+) tickets? at (\S+) with key "(.+)"$"#)]
async fn a_customer_checks_out(shop: &mut Shop, quantity: i64, unit_price: String, key: String) {
    let reply = checkout(&shop.http(), &key, quantity, &unit_price).send().await;
    shop.placed(reply);
}

#[given(regex = r"^a checkout of (\d+) tickets at (\S+)$")]
async fn a_checkout(shop: &mut Shop, quantity: i64, unit_price: String) {
    let reply = checkout(&shop.http(), "given", quantity, &unit_price).send().await.expect(201);
    shop.placed(reply);
}

#[when(regex = r#"^a customer checks out (tickets )?without "(\w+)"$"#)]
async fn a_customer_leaves_out(shop: &mut Shop, of_item: String, name: String) {
    let mut body = body("k", 2, "50.00");
    let object = if of_item.is_empty() { body.as_object_mut() } else { body["items"][0].as_object_mut() };
    object.and_then(|object| object.remove(&name)).expect("the field is there before");
    let reply = shop.http().post("/orders").key("k").json(&body).send().await;
    shop.answered(reply);
}

#[when(regex = r#"^this is sent to POST (\S+) with key "(.+)":$"#)]
async fn this_is_sent(shop: &mut Shop, path: String, key: String, step: &Step) {
    let text = step.docstring.clone().expect("a text follows");
    let reply = shop.http().post(path).key(&key).body("application/json", text).send().await;
    shop.placed(reply);
}

#[given(regex = "^the customer (confirms|cancels)$")]
#[when(regex = "^the customer (confirms|cancels)$")]
async fn the_customer_acts(shop: &mut Shop, verb: String) {
    let action = verb.trim_end_matches('s');
    let reply = shop.http().post(format!("/orders/{}/{action}", shop.order())).json(&json!({})).send().await;
    shop.answered(reply);
}

#[when(regex = r#"^the customer confirms with "(\w+)"$"#)]
async fn the_customer_confirms_with(shop: &mut Shop, method: String) {
    let confirm = shop.http().post(format!("/orders/{}/confirm", shop.order()));
    let reply = confirm.json(&json!({ "payment_method": method })).send().await;
    shop.answered(reply);
}

#[when("the customer looks at the ticket order")]
async fn the_customer_looks(shop: &mut Shop) {
    let reply = shop.http().get(format!("/orders/{}", shop.order())).send().await;
    shop.answered(reply);
}

#[then(regex = r"^the ticket order is ([a-z]+)$")]
async fn the_ticket_order_is(shop: &mut Shop, word: String) {
    assert_eq!(shop.reply().string("status"), word, "{}", shop.reply().text());
    let read = shop.http().get(format!("/orders/{}", shop.order())).send().await.expect(200);
    assert_eq!(read.string("status"), word, "it is otherwise when it is read");
}

#[when(regex = r"^(\d+) customers check out at once, each with a key$")]
async fn customers_check_out(shop: &mut Shop, count: usize) {
    let http = shop.http();
    shop.replies = crowd(count, |index| checkout(&http, &format!("customer-{index}"), 2, "50.00").send()).await;
    shop.orders = shop.replies.iter().map(|reply| reply.string("order_id")).collect();
}

#[given(regex = r"^(\d+) checkouts$")]
async fn checkouts(shop: &mut Shop, count: usize) {
    customers_check_out(shop, count).await;
    assert!(shop.replies.iter().all(|reply| reply.status == 201), "{:?}", shop.replies);
}

#[when("all of them confirm at once")]
async fn all_confirm(shop: &mut Shop) {
    let (http, orders) = (shop.http(), &shop.orders);
    shop.replies = crowd(orders.len(), |index| http.post(format!("/orders/{}/confirm", orders[index])).send()).await;
}

#[when(regex = r"^the same checkout is sent (\d+) times at once$")]
async fn the_same_checkout_is_sent(shop: &mut Shop, count: usize) {
    let http = shop.http();
    shop.replies = crowd(count, |_| checkout(&http, "same", 2, "50.00").send()).await;
}

#[when(regex = r"^(\d+) of them are confirmed, (\d+) cancelled and (\d+) read at once$")]
async fn all_is_done_at_once(shop: &mut Shop, confirmed: usize, cancelled: usize, read: usize) {
    let (http, orders) = (shop.http(), &shop.orders);
    assert_eq!(orders.len(), confirmed + cancelled + read, "every order is in one part");
    let call = |index: usize| match index {
        index if index < confirmed => http.post(format!("/orders/{}/confirm", orders[index])),
        index if index < confirmed + cancelled => http.post(format!("/orders/{}/cancel", orders[index])),
        index => http.get(format!("/orders/{}", orders[index])),
    };
    shop.replies = crowd(orders.len(), |index| call(index).send()).await;
}
