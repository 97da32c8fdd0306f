//! Steps at the canonical door: goods, prices, orders for them.

#![expect(clippy::needless_pass_by_value, reason = "a step owns the words it is given")]

use cucumber::{given, then, when};
use serde_json::{Value, json};

use super::Shop;
use crate::support::{place, priced_goods, stock};

#[given(regex = r#"^"(\w+)" costs (\S+) (\w+) and (\d+) are in stock$"#)]
async fn goods_are_sold(shop: &mut Shop, sku_id: String, price: String, currency: String, units: i64) {
    priced_goods(&shop.http(), &sku_id, (&price, &currency), units).await;
}

#[given(regex = r#"^the price of "(\w+)" becomes (\S+) (\w+)$"#)]
async fn a_price_becomes(shop: &mut Shop, sku_id: String, price: String, currency: String) {
    let offer = json!({ "sku_id": sku_id, "price": price, "currency": currency, "priority": 1 });
    shop.http().post("/api/v1/offers").json(&offer).send().await.expect(201);
}

async fn order(shop: &mut Shop, user_id: &str, items: Vec<Value>, key: &str, more: Value) {
    let mut body = json!({ "user_id": user_id, "items": items, "shipping_address_id": "home" });
    for (name, value) in more.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    let reply = place(&shop.http(), key, &body).send().await;
    shop.placed(reply);
}

#[when(regex = r#"^"(\S+)" orders (\d+) "(\w+)" with key "(\w+)"$"#)]
async fn somebody_orders(shop: &mut Shop, user_id: String, qty: i64, sku_id: String, key: String) {
    order(shop, &user_id, vec![json!({ "sku_id": sku_id, "qty": qty })], &key, json!({})).await;
}

#[when(regex = r#"^"(\S+)" orders (\d+) "(\w+)" and (\d+) "(\w+)" with key "(\w+)"$"#)]
async fn somebody_orders_two(shop: &mut Shop, user_id: String, qty: i64, sku_id: String, more: i64, other: String, key: String) {
    let items = vec![json!({ "sku_id": sku_id, "qty": qty }), json!({ "sku_id": other, "qty": more })];
    order(shop, &user_id, items, &key, json!({})).await;
}

#[when(regex = r#"^"(\S+)" orders (\d+) "(\w+)" for (\S+) each with key "(\w+)"$"#)]
async fn somebody_orders_at_a_price(shop: &mut Shop, user_id: String, qty: i64, sku_id: String, price: String, key: String) {
    let item = json!({ "sku_id": sku_id, "qty": qty, "expected_unit_price": price });
    order(shop, &user_id, vec![item], &key, json!({})).await;
}

#[when(regex = r#"^"(\S+)" orders (\d+) "(\w+)" to be paid by "(\w+)" with key "(\w+)"$"#)]
async fn somebody_orders_paying(shop: &mut Shop, user_id: String, qty: i64, sku_id: String, method: String, key: String) {
    order(shop, &user_id, vec![json!({ "sku_id": sku_id, "qty": qty })], &key, json!({ "payment_method": method })).await;
}

#[when("the order is read")]
async fn the_order_is_read(shop: &mut Shop) {
    let reply = shop.http().get(format!("/api/v1/orders/{}", shop.order())).send().await;
    shop.answered(reply);
}

#[when("the orders are listed")]
async fn the_orders_are_listed(shop: &mut Shop) {
    let reply = shop.http().get("/api/v1/orders").send().await;
    shop.answered(reply);
}

#[when(regex = r#"^the orders of "(\S+)" are listed$"#)]
async fn the_orders_of_somebody_are_listed(shop: &mut Shop, user_id: String) {
    let reply = shop.http().get(format!("/api/v1/orders?userId={user_id}")).send().await.expect(200);
    shop.answered(reply);
}

#[when(regex = r#"^support looks for orders of "(\S+)"$"#)]
async fn support_looks(shop: &mut Shop, email: String) {
    let reply = shop.http().get(format!("/api/v1/orders?email={email}")).send().await.expect(200);
    shop.answered(reply);
}

async fn cancel(shop: &mut Shop, body: Value) {
    let reply = shop.http().post(format!("/api/v1/orders/{}/cancel", shop.order())).json(&body).send().await;
    shop.answered(reply);
}

#[when("the order is cancelled")]
async fn the_order_is_cancelled(shop: &mut Shop) {
    cancel(shop, json!({})).await;
}

#[when(regex = r#"^the order is cancelled because "(.+)"$"#)]
async fn the_order_is_cancelled_because(shop: &mut Shop, reason: String) {
    cancel(shop, json!({ "reason": reason })).await;
}

#[when("the order is confirmed")]
async fn the_order_is_confirmed(shop: &mut Shop) {
    let reply = shop.http().post(format!("/orders/{}/confirm", shop.order())).send().await.expect(200);
    shop.answered(reply);
}

#[then(regex = r"^the order is ([A-Z_]+)$")]
async fn the_order_is(shop: &mut Shop, status: String) {
    let read = shop.http().get(format!("/api/v1/orders/{}", shop.order())).send().await.expect(200);
    assert_eq!(read.string("status"), status, "{}", read.text());
    if shop.reply().json().get("status").is_some() {
        assert_eq!(shop.reply().string("status"), status, "the last answer says otherwise");
    }
}

#[then(regex = r#"^the first of them has "(\w+)"$"#)]
fn the_first_has(shop: &mut Shop, sku_id: String) {
    assert_eq!(shop.reply().raw("/items/0/items/0/sku_id"), format!("\"{sku_id}\""));
}

#[then(regex = r#"^of "(\w+)" (\d+) are in stock and (\d+) reserved$"#)]
async fn stock_is(shop: &mut Shop, sku_id: String, on_hand: i64, reserved: i64) {
    assert_eq!(stock(&shop.http(), &sku_id).await, (on_hand, reserved), "in stock, reserved");
}
