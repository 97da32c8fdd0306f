//! Steps at the storefront door: a product is bought, paid, prepared, shipped, delivered, or cancelled.

use std::time::Duration;

use cucumber::{given, then, when};
use serde_json::{Value, json};

use super::Shop;
use crate::support::{Reply, until};

/// The stub answers at once; a debug build on a busy machine does not.
const BACK_WITHIN: Duration = Duration::from_secs(10);

async fn buy(shop: &mut Shop, user_id: &str, quantity: i64, product_id: &str) -> Reply {
    let body = json!({
        "user_id": user_id,
        "items": [{ "product_id": product_id, "quantity": quantity }],
        "shipping_address_id": "home",
        "billing_address_id": "office",
    });
    let reply = shop.http().post("/api/orders").json(&body).send().await;
    if reply.status == 201 {
        shop.orders.push(reply.string("id"));
    }
    shop.answered(reply.clone());
    reply
}

#[when(regex = r#"^"(\S+)" buys (\d+) of product "(\S+)"$"#)]
async fn somebody_buys(shop: &mut Shop, user_id: String, quantity: i64, product_id: String) {
    buy(shop, &user_id, quantity, &product_id).await;
}

#[given(regex = r#"^"(\S+)" has bought (\d+) of product "(\S+)"$"#)]
async fn somebody_has_bought(shop: &mut Shop, user_id: String, quantity: i64, product_id: String) {
    buy(shop, &user_id, quantity, &product_id).await.expect(201);
}

#[given("its customer has paid")]
async fn its_customer_has_paid(shop: &mut Shop) {
    shop.http().post(format!("/orders/{}/confirm", shop.order())).send().await.expect(200);
}

async fn tell(shop: &mut Shop, event_type: &str, payload: Value) {
    let event = json!({ "event_type": event_type, "event_id": "e-1", "payload": payload });
    let reply = shop.http().post(format!("/internal/orders/{}/events", shop.order())).json(&event).send().await;
    shop.answered(reply);
}

#[when(regex = r"^another service tells that (\S+) were paid$")]
async fn another_service_tells_of_money(shop: &mut Shop, amount: String) {
    tell(shop, "payment.confirmed", json!({ "amount": amount })).await;
}

#[when("another service tells that the payment failed")]
async fn another_service_tells_of_a_failure(shop: &mut Shop) {
    tell(shop, "payment.failed", json!({ "reason": "insufficient funds" })).await;
}

async fn put(shop: &mut Shop, change: Value) {
    let reply = shop.http().put(format!("/api/orders/{}/status", shop.order())).json(&change).send().await;
    shop.answered(reply);
}

#[given(regex = r"^an admin puts it to ([A-Z]+)$")]
#[when(regex = r"^an admin puts it to ([A-Z]+)$")]
async fn an_admin_puts_it_to(shop: &mut Shop, status: String) {
    put(shop, json!({ "status": status })).await;
}

#[when(regex = r#"^an admin puts it to SHIPPED with tracking "(\S+)"$"#)]
async fn an_admin_ships_it(shop: &mut Shop, tracking_number: String) {
    put(shop, json!({ "status": "SHIPPED", "tracking_number": tracking_number })).await;
}

#[when("the store order is cancelled")]
async fn the_store_order_is_cancelled(shop: &mut Shop) {
    let reply = shop.http().post(format!("/api/orders/{}/cancel", shop.order())).send().await;
    shop.answered(reply);
}

#[when("the tracking is read")]
async fn the_tracking_is_read(shop: &mut Shop) {
    let reply = shop.http().get(format!("/api/orders/{}/tracking", shop.order())).send().await.expect(200);
    shop.answered(reply);
}

#[when(regex = r#"^the store orders of "(\S+)" are listed$"#)]
async fn the_store_orders_are_listed(shop: &mut Shop, user_id: String) {
    let reply = shop.http().get(format!("/api/orders?user_id={user_id}")).send().await.expect(200);
    shop.answered(reply);
}

async fn read(shop: &Shop) -> Value {
    shop.http().get(format!("/api/orders/{}", shop.order())).send().await.expect(200).json()
}

#[then(regex = r"^the store order is ([A-Z]+)$")]
async fn the_store_order_is(shop: &mut Shop, status: String) {
    let order = read(shop).await;
    assert_eq!(order["status"], status, "{order}");
}

#[then(regex = r"^the status history is ([A-Z, ]+)$")]
async fn the_status_history_is(shop: &mut Shop, words: String) {
    let order = read(shop).await;
    let told: Vec<_> = order["status_history"].as_array().into_iter().flatten().filter_map(|change| change["to_status"].as_str()).collect();
    assert_eq!(told, words.split(", ").collect::<Vec<_>>(), "{order}");
}

#[then("its money goes back")]
async fn its_money_goes_back(shop: &mut Shop) {
    until("the money is back", BACK_WITHIN, async || (read(shop).await["payment_status"] == "refunded").then_some(())).await;
}
