//! Carts: filled from several devices at once, merged at login, ordered once, and given up when nobody comes back.

use serde_json::{Value, json};

use crate::support::{
    Database, Dice, Http, Reply, Request, Server, Setup, audit_is_clean, crowd, event_types, goods, place, priced_goods, problem, stock,
    until,
};

on_each_database![
    a_cart_is_filled_changed_and_emptied,
    a_cart_belongs_to_one_user_or_one_session,
    what_cannot_be_bought_does_not_get_into_a_cart,
    fifty_adds_at_once_lose_nothing,
    two_devices_that_fill_one_cart_leave_what_they_were_told,
    a_cart_in_another_version_is_left_alone,
    a_key_adds_once,
    a_guest_who_logs_in_keeps_what_he_put_in,
    an_order_takes_what_is_in_the_cart_and_closes_it,
    of_many_orders_from_one_cart_one_is_placed,
    what_is_refused_leaves_the_cart_open,
    a_closed_cart_stays_closed_for_everybody_but_its_key,
    the_log_names_the_cart_of_an_order,
    a_cart_that_nobody_touches_is_abandoned_and_then_forgotten,
];
on_postgres_only![two_instances_fill_and_order_one_cart];

fn add(http: &Http, session: &str, sku_id: &str, qty: i64) -> Request {
    http.post("/api/v1/cart/items").json(&json!({ "session_id": session, "sku_id": sku_id, "qty": qty }))
}

async fn cart(http: &Http, session: &str) -> Value {
    http.get(format!("/api/v1/cart?session_id={session}")).send().await.expect(200).json()
}

/// What is in a cart, as `(sku_id, qty)`, by SKU.
fn lines(cart: &Value) -> Vec<(String, i64)> {
    let items = cart["items"].as_array().unwrap_or_else(|| panic!("no items in {cart}"));
    let line = |item: &Value| (item["sku_id"].as_str().expect("a SKU").to_owned(), item["qty"].as_i64().expect("a quantity"));
    let mut lines: Vec<_> = items.iter().map(line).collect();
    lines.sort();
    lines
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("no text {name} in {value}")).to_owned()
}

fn item(cart: &Value, sku_id: &str) -> String {
    let items = cart["items"].as_array().unwrap_or_else(|| panic!("no items in {cart}"));
    text(items.iter().find(|item| item["sku_id"] == sku_id).unwrap_or_else(|| panic!("no {sku_id} in {cart}")), "cart_item_id")
}

fn order(http: &Http, key: &str, cart_id: &str) -> Request {
    place(http, key, &json!({ "cart_id": cart_id, "shipping_address_id": "home" }))
}

/// A second offer, which counts from now on.
async fn reprice(http: &Http, sku_id: &str, price: &str) {
    let offer = json!({ "sku_id": sku_id, "price": price, "currency": "USD", "priority": 1 });
    http.post("/api/v1/offers").json(&offer).send().await.expect(201);
}

async fn a_cart_is_filled_changed_and_emptied(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 5).await;
    priced_goods(http, "CUP", ("4.50", "USD"), 0).await;
    let none = http.get("/api/v1/cart?session_id=s").send().await.expect(200);
    let empty = json!({
        "cart_id": null, "user_id": null, "session_id": "s", "is_active": false, "currency": null, "version": 0, "items": [],
    });
    assert_eq!((none.json(), none.header("etag")), (empty, Some("\"0\"")));
    let added = add(http, "s", "TEA", 2).send().await.expect(201);
    let first = added.json();
    assert_eq!(added.header("etag"), Some("\"1\""));
    assert_eq!(added.raw("/items/0/unit_price"), "10.00");
    assert_eq!((&first["is_active"], &first["currency"], &first["session_id"]), (&json!(true), &json!("USD"), &json!("s")));
    // A cart promises no stock: more than there is may be in it.
    let second = add(http, "s", "TEA", 7).send().await.expect(201).json();
    assert_eq!((lines(&second), &second["version"]), (vec![("TEA".to_owned(), 9)], &json!(2)));
    assert_eq!((item(&second, "TEA"), &second["cart_id"]), (item(&first, "TEA"), &first["cart_id"]));
    add(http, "s", "CUP", 1).send().await.expect(201);
    assert_eq!(stock(http, "TEA").await, (5, 0));

    // Changing a line reads its price again, and no other's.
    reprice(http, "TEA", "11.00").await;
    reprice(http, "CUP", "5.00").await;
    let path = format!("/api/v1/cart/items/{}", item(&first, "TEA"));
    let set = http.request("PATCH", &*path).json(&json!({ "qty": 3 })).send().await.expect(200);
    assert_eq!(lines(&set.json()), [("CUP".to_owned(), 1), ("TEA".to_owned(), 3)]);
    let read = http.get("/api/v1/cart?session_id=s").send().await.expect(200);
    assert_eq!(read.json(), set.json());
    assert_eq!((read.raw("/items/0/unit_price"), read.raw("/items/1/unit_price")), ("11.00", "4.50"));

    let left = http.request("DELETE", &*path).send().await.expect(200).json();
    assert_eq!(lines(&left), [("CUP".to_owned(), 1)]);
    problem(&http.request("DELETE", &*path).send().await, 404, "CART_ITEM_NOT_FOUND");
    problem(&http.request("PATCH", &*path).json(&json!({ "qty": 3 })).send().await, 404, "CART_ITEM_NOT_FOUND");
    let cleared = http.request("DELETE", "/api/v1/cart/items?session_id=s").send().await.expect(200).json();
    assert_eq!((lines(&cleared), &cleared["currency"], &cleared["is_active"]), (vec![], &Value::Null, &json!(true)));
    let again = http.request("DELETE", "/api/v1/cart/items?session_id=s").send().await.expect(200).json();
    assert_eq!(again, cleared, "nothing is left to change");
    audit_is_clean(database).await;
}

async fn a_cart_belongs_to_one_user_or_one_session(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 5).await;
    // A session by the name of a user is another owner.
    http.post("/api/v1/cart/items").json(&json!({ "user_id": "ada", "sku_id": "TEA", "qty": 2 })).send().await.expect(201);
    add(http, "ada", "TEA", 5).send().await.expect(201);
    let of_user = http.get("/api/v1/cart?user_id=ada").send().await.expect(200).json();
    assert_eq!((lines(&of_user), lines(&cart(http, "ada").await)), (vec![("TEA".to_owned(), 2)], vec![("TEA".to_owned(), 5)]));
    assert_eq!((&of_user["user_id"], &of_user["session_id"]), (&json!("ada"), &Value::Null));
    for (body, at, code) in [
        (json!({ "sku_id": "TEA", "qty": 1 }), "/user_id", "REQUIRED"),
        (json!({ "user_id": "a", "session_id": "s", "sku_id": "TEA", "qty": 1 }), "/user_id", "EXCLUSIVE"),
        (json!({ "session_id": 7, "sku_id": "TEA", "qty": 1 }), "/session_id", "INVALID_TYPE"),
        (json!({ "session_id": "s", "sku_id": "TEA" }), "/qty", "REQUIRED"),
        (json!({ "session_id": "s", "sku_id": "TEA", "qty": 0 }), "/qty", "QUANTITY_OUT_OF_RANGE"),
        (json!({ "session_id": "s", "sku_id": "TEA", "qty": 1, "unit_price": "1.00" }), "/unit_price", "READ_ONLY_FIELD"),
    ] {
        let told = problem(&http.post("/api/v1/cart/items").json(&body).send().await, 422, "VALIDATION_FAILED");
        let errors: Vec<_> = told["errors"].as_array().expect("errors").iter().map(|error| (&error["pointer"], &error["code"])).collect();
        assert_eq!(errors, [(&json!(at), &json!(code))], "{body}");
    }
    for query in ["", "?user_id=a&session_id=s", "?session_id="] {
        problem(&http.get(format!("/api/v1/cart{query}")).send().await, 422, "INVALID_PARAMETER");
        problem(&http.request("DELETE", format!("/api/v1/cart/items{query}")).send().await, 422, "INVALID_PARAMETER");
    }
}

async fn what_cannot_be_bought_does_not_get_into_a_cart(database: &Database) {
    let server = Setup::on(database).set("ORDO_CART__LINES_MAX", "2").start().await;
    let http = &server.http;
    goods(http, "TEA", 5).await;
    goods(http, "CUP", 5).await;
    goods(http, "POT", 5).await;
    priced_goods(http, "WINE", ("7.00", "EUR"), 5).await;
    for (sku_id, status) in [("FREE", "ACTIVE"), ("OLD", "INACTIVE")] {
        let sku = json!({ "product_id": "p", "name": "n", "status": status });
        http.put(format!("/api/v1/skus/{sku_id}")).json(&sku).send().await.expect(201);
    }
    let before = add(http, "s", "TEA", 18).send().await.expect(201).json();
    for (sku_id, qty, code) in [
        ("NONE", 1, "UNKNOWN_SKU"),
        ("OLD", 1, "UNKNOWN_SKU"),
        ("FREE", 1, "NO_CURRENT_OFFER"),
        ("WINE", 1, "CURRENCY_MISMATCH"),
        ("TEA", 3, "CART_LINE_LIMIT"),
        ("CUP", 21, "CART_LINE_LIMIT"),
    ] {
        problem(&add(http, "s", sku_id, qty).send().await, 422, code);
    }
    let limit = problem(&add(http, "s", "TEA", 3).send().await, 422, "CART_LINE_LIMIT");
    assert_eq!((&limit["requested"], &limit["max"]), (&json!(21), &json!(20)));
    assert_eq!(cart(http, "s").await, before);
    add(http, "s", "CUP", 20).send().await.expect(201);
    problem(&add(http, "s", "POT", 1).send().await, 422, "CART_LIMIT");
    add(http, "s", "TEA", 2).send().await.expect(201);
    // What is in it may be taken off sale: it stays until it is taken out.
    let off = json!({ "product_id": "p", "name": "n", "status": "INACTIVE" });
    http.put("/api/v1/skus/CUP").json(&off).send().await.expect(200);
    let now = cart(http, "s").await;
    let path = format!("/api/v1/cart/items/{}", item(&now, "CUP"));
    problem(&http.request("PATCH", &*path).json(&json!({ "qty": 1 })).send().await, 422, "UNKNOWN_SKU");
    problem(&order(http, "k", &text(&now, "cart_id")).send().await, 422, "UNKNOWN_SKU");
    http.request("DELETE", path).send().await.expect(200);
    audit_is_clean(database).await;
}

async fn fifty_adds_at_once_lose_nothing(database: &Database) {
    let server = Setup::on(database).set("ORDO_CART__QTY_MAX", "100").start().await;
    let http = &server.http;
    for sku_id in ["TEA", "CUP", "POT"] {
        goods(http, sku_id, 0).await;
    }
    // The cart itself is begun by one of them.
    let replies = crowd(50, |index| add(http, "s", ["TEA", "CUP", "POT"][index % 3], 1).send()).await;
    let mut versions: Vec<_> = replies.into_iter().map(|reply| reply.expect(201).json()["version"].as_i64()).collect();
    versions.sort_unstable();
    assert_eq!(versions, (1..=50).map(Some).collect::<Vec<_>>(), "each add is a version of its own");
    let now = cart(http, "s").await;
    assert_eq!(lines(&now), [("CUP".to_owned(), 17), ("POT".to_owned(), 16), ("TEA".to_owned(), 17)]);
    assert_eq!(now["version"], json!(50));
    audit_is_clean(database).await;
}

/// Each device has a SKU of its own, of which it alone knows what must be there, and one that both add to.
async fn two_devices_that_fill_one_cart_leave_what_they_were_told(database: &Database) {
    let server = Setup::on(database).set("ORDO_CART__QTY_MAX", "1000").start().await;
    let http = &server.http;
    for sku_id in ["MINE-0", "MINE-1", "OURS"] {
        goods(http, sku_id, 0).await;
    }
    let device = async |index: u64| {
        let mine = format!("MINE-{index}");
        let mut dice = Dice::new(7 + index);
        let (mut here, mut ours) = (0, 0);
        for _ in 0..60 {
            let qty = i64::try_from(dice.below(4)).expect("below four") + 1;
            match dice.below(6) {
                0 | 1 => {
                    ours += qty;
                    add(http, "s", "OURS", qty).send().await.expect(201);
                }
                2 | 3 => {
                    here += qty;
                    let now = add(http, "s", &mine, qty).send().await.expect(201).json();
                    assert!(lines(&now).contains(&(mine.clone(), here)), "{here} of {mine} in {now}");
                }
                other if here > 0 => {
                    let path = format!("/api/v1/cart/items/{}", item(&cart(http, "s").await, &mine));
                    here = if other == 4 { qty } else { 0 };
                    let request =
                        if here == 0 { http.request("DELETE", path) } else { http.request("PATCH", path).json(&json!({ "qty": qty })) };
                    let now = request.send().await.expect(200).json();
                    let left = lines(&now).into_iter().find(|(sku_id, _)| *sku_id == mine).map_or(0, |(_, qty)| qty);
                    assert_eq!(left, here, "{now}");
                }
                _ => {}
            }
        }
        (here, ours)
    };
    let ((first, some), (second, more)) = tokio::join!(device(0), device(1));
    let mut expected = vec![("MINE-0".to_owned(), first), ("MINE-1".to_owned(), second), ("OURS".to_owned(), some + more)];
    expected.retain(|(_, qty)| *qty > 0);
    assert_eq!(lines(&cart(http, "s").await), expected);
    audit_is_clean(database).await;
}

async fn a_cart_in_another_version_is_left_alone(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 0).await;
    let first = add(http, "s", "TEA", 1).header("If-Match", "\"0\"").send().await.expect(201).json();
    let stale = problem(&add(http, "s", "TEA", 1).header("If-Match", "\"0\"").send().await, 412, "VERSION_MISMATCH");
    assert_eq!(stale["version"], json!(1));
    let path = format!("/api/v1/cart/items/{}", item(&first, "TEA"));
    problem(&http.request("DELETE", &*path).header("If-Match", "\"7\"").send().await, 412, "VERSION_MISMATCH");
    problem(&http.request("DELETE", &*path).header("If-Match", "1").send().await, 400, "IF_MATCH_INVALID");
    assert_eq!(cart(http, "s").await, first);
    let replies = crowd(20, |_| add(http, "s", "TEA", 1).header("If-Match", "\"1\"").send()).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 1);
    assert_eq!(lines(&cart(http, "s").await), [("TEA".to_owned(), 2)]);
    let asked = add(http, "s", "TEA", 5).header("Prefer", "dry-run").send().await.expect(200);
    assert_eq!((lines(&asked.json()), asked.header("preference-applied")), (vec![("TEA".to_owned(), 7)], Some("dry-run")));
    assert_eq!(lines(&cart(http, "s").await), [("TEA".to_owned(), 2)], "it was only asked for");
}

async fn a_key_adds_once(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 0).await;
    let replies = crowd(12, |_| add(http, "s", "TEA", 2).key("k").send()).await;
    let (again, first): (Vec<&Reply>, Vec<_>) = replies.iter().partition(|reply| reply.is_replay());
    assert_eq!((first.len(), again.len()), (1, 11));
    assert!(first.iter().all(|reply| reply.status == 201) && again.iter().all(|reply| reply.status == 200));
    problem(&add(http, "s", "TEA", 3).key("k").send().await, 422, "IDEMPOTENCY_KEY_REUSED");
    problem(&add(http, "t", "TEA", 2).key("k").send().await, 422, "IDEMPOTENCY_KEY_REUSED");
    let clear = |session: &str| http.request("DELETE", format!("/api/v1/cart/items?session_id={session}")).key("c");
    clear("s").send().await.expect(200);
    problem(&clear("t").send().await, 422, "IDEMPOTENCY_KEY_REUSED");
    add(http, "s", "TEA", 1).send().await.expect(201);
    // The first answer again is the cart as it is now; nothing is cleared twice.
    let replayed = clear("s").send().await.expect(200);
    assert!(replayed.is_replay());
    assert_eq!(lines(&replayed.json()), [("TEA".to_owned(), 1)]);
}

async fn a_guest_who_logs_in_keeps_what_he_put_in(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    for sku_id in ["TEA", "CUP"] {
        goods(http, sku_id, 50).await;
    }
    let of = |user: &str, sku_id: &str, qty: i64| json!({ "user_id": user, "sku_id": sku_id, "qty": qty });
    http.post("/api/v1/cart/items").json(&of("ada", "CUP", 15)).send().await.expect(201);
    add(http, "s", "TEA", 3).send().await.expect(201);
    let guest = add(http, "s", "CUP", 8).send().await.expect(201).json();
    let merge = |body: Value| http.post("/api/v1/cart/merge").json(&body);
    let login = json!({ "session_id": "s", "user_id": "ada" });
    // From two tabs at once, and once more: what was in it is there once.
    let replies = crowd(2, |_| merge(login.clone()).send()).await;
    for reply in replies {
        assert_eq!(lines(&reply.expect(200).json()), [("CUP".to_owned(), 20), ("TEA".to_owned(), 3)]);
    }
    let merged = merge(login).send().await.expect(200).json();
    assert_eq!((lines(&merged), &merged["user_id"]), (vec![("CUP".to_owned(), 20), ("TEA".to_owned(), 3)], &json!("ada")));
    assert_eq!(cart(http, "s").await["cart_id"], Value::Null);
    problem(&order(http, "k", &text(&guest, "cart_id")).send().await, 409, "CART_CLOSED");
    // The guest begins anew after he has left.
    let next = add(http, "s", "TEA", 1).send().await.expect(201).json();
    assert_ne!(next["cart_id"], guest["cart_id"]);
    let none = merge(json!({ "session_id": "nobody", "user_id": "bob" })).send().await.expect(200).json();
    assert_eq!((lines(&none), &none["is_active"]), (vec![], &json!(false)));
    let told = problem(&merge(json!({ "session_id": "s" })).send().await, 422, "VALIDATION_FAILED");
    assert_eq!(told["errors"][0]["pointer"], json!("/user_id"));
    audit_is_clean(database).await;
}

async fn an_order_takes_what_is_in_the_cart_and_closes_it(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 5).await;
    priced_goods(http, "CUP", ("4.50", "USD"), 5).await;
    let of = |sku_id: &str, qty: i64| json!({ "user_id": "ada", "sku_id": sku_id, "qty": qty });
    http.post("/api/v1/cart/items").json(&of("TEA", 2)).send().await.expect(201);
    let filled = http.post("/api/v1/cart/items").json(&of("CUP", 1)).send().await.expect(201).json();
    let cart_id = text(&filled, "cart_id");
    for (body, code) in [
        (json!({ "cart_id": cart_id, "items": [{ "sku_id": "TEA", "qty": 1 }] }), "EXCLUSIVE"),
        (json!({ "cart_id": "c", "shipping_address_id": "home" }), "INVALID_UUID"),
    ] {
        assert_eq!(problem(&place(http, "k", &body).send().await, 422, "VALIDATION_FAILED")["errors"][0]["code"], code, "{body}");
    }
    problem(&place(http, "k", &json!({ "cart_id": cart_id, "user_id": "bob" })).send().await, 404, "CART_NOT_FOUND");
    let asked = order(http, "k", &cart_id).header("Prefer", "dry-run").send().await.expect(200).json();
    assert_eq!(asked["order_id"], Value::Null);
    let placed = order(http, "k", &cart_id).send().await.expect(201);
    assert_eq!(placed.raw("/total_amount"), "24.50");
    let order_id = placed.string("order_id");
    assert_eq!((&placed.json()["cart_id"], &placed.json()["user_id"]), (&json!(cart_id), &json!("ada")));
    assert_eq!((stock(http, "TEA").await, stock(http, "CUP").await), ((5, 2), (5, 1)));
    assert_eq!(event_types(http, &order_id).await, ["ORDER_CREATED", "INVENTORY_RESERVED"]);
    let after = http.get("/api/v1/cart?user_id=ada").send().await.expect(200).json();
    assert_eq!((&after["cart_id"], &after["is_active"], lines(&after)), (&Value::Null, &json!(false), vec![]));
    let next = http.post("/api/v1/cart/items").json(&of("TEA", 1)).send().await.expect(201).json();
    assert_ne!(next["cart_id"], json!(cart_id));
    assert_eq!(lines(&next), [("TEA".to_owned(), 1)]);
    audit_is_clean(database).await;
}

async fn of_many_orders_from_one_cart_one_is_placed(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 100).await;
    let cart_id = text(&add(http, "s", "TEA", 2).send().await.expect(201).json(), "cart_id");
    let replies = crowd(30, |index| order(http, &format!("k-{}", index % 10), &cart_id).send()).await;
    let placed: Vec<_> = replies.iter().filter(|reply| reply.status == 201).collect();
    assert_eq!(placed.len(), 1);
    let order_id = placed[0].string("order_id");
    for reply in replies.iter().filter(|reply| reply.status != 201) {
        if reply.is_replay() {
            assert_eq!(reply.string("order_id"), order_id);
        } else {
            assert_eq!(problem(reply, 409, "CART_CLOSED")["order_id"], json!(order_id));
        }
    }
    assert_eq!(stock(http, "TEA").await, (100, 2));
    audit_is_clean(database).await;
}

async fn what_is_refused_leaves_the_cart_open(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 5).await;
    let filled = add(http, "s", "TEA", 7).send().await.expect(201).json();
    let cart_id = text(&filled, "cart_id");
    reprice(http, "TEA", "12.00").await;
    // The price is looked at before the stock.
    let changed = problem(&order(http, "k", &cart_id).send().await, 409, "PRICE_CHANGED");
    assert_eq!(changed["lines"][0]["sku_id"], json!("TEA"));
    assert_eq!(cart(http, "s").await, filled);
    let path = format!("/api/v1/cart/items/{}", item(&filled, "TEA"));
    http.request("PATCH", &*path).json(&json!({ "qty": 7 })).send().await.expect(200);
    let short = problem(&order(http, "k", &cart_id).send().await, 409, "OUT_OF_STOCK");
    assert_eq!(short["lines"], json!([{ "sku_id": "TEA", "requested": 7, "available": 5 }]));
    assert_eq!(stock(http, "TEA").await, (5, 0));
    http.request("PATCH", path).json(&json!({ "qty": 5 })).send().await.expect(200);
    // A refused request does not burn its key.
    let placed = order(http, "k", &cart_id).send().await.expect(201);
    assert_eq!((placed.raw("/total_amount"), stock(http, "TEA").await), ("60.00", (5, 5)));
    let empty = add(http, "t", "TEA", 1).send().await.expect(201).json();
    http.request("DELETE", "/api/v1/cart/items?session_id=t").send().await.expect(200);
    problem(&order(http, "e", &text(&empty, "cart_id")).send().await, 422, "CART_EMPTY");
    problem(&order(http, "n", "018f4e9a-0000-7000-8000-000000000000").send().await, 404, "CART_NOT_FOUND");
    audit_is_clean(database).await;
}

async fn a_closed_cart_stays_closed_for_everybody_but_its_key(database: &Database) {
    let server = Server::on(database).await;
    let http = &server.http;
    goods(http, "TEA", 5).await;
    let cart_id = text(&add(http, "s", "TEA", 1).send().await.expect(201).json(), "cart_id");
    let order_id = order(http, "k", &cart_id).send().await.expect(201).string("order_id");
    assert_eq!(problem(&order(http, "l", &cart_id).send().await, 409, "CART_CLOSED")["order_id"], json!(order_id));
    // Another cart takes its place: it is gone, but what its key did is known for ever.
    add(http, "s", "TEA", 1).send().await.expect(201);
    problem(&order(http, "l", &cart_id).send().await, 404, "CART_NOT_FOUND");
    let replayed = order(http, "k", &cart_id).send().await.expect(200);
    assert!(replayed.is_replay());
    assert_eq!(replayed.string("order_id"), order_id);
    audit_is_clean(database).await;
}

async fn the_log_names_the_cart_of_an_order(database: &Database) {
    let server = Server::on(database).await;
    goods(&server.http, "TEA", 5).await;
    let cart_id = text(&add(&server.http, "s", "TEA", 1).send().await.expect(201).json(), "cart_id");
    order(&server.http, "k", &cart_id).header("X-Request-Id", "req-cart").send().await.expect(201);
    let lines = until("the line is there", std::time::Duration::from_secs(5), async || {
        let lines = server.logged("\"request_id\":\"req-cart\"");
        (!lines.is_empty()).then_some(lines)
    });
    let lines = lines.await;
    assert_eq!((lines.len(), &lines[0]["cart_id"], &lines[0]["command"]), (1, &json!(cart_id), &json!("place_order")));
}

async fn a_cart_that_nobody_touches_is_abandoned_and_then_forgotten(database: &Database) {
    // The sweeper looks for carts when it starts, and then every minute.
    let server = Server::on(database).await;
    goods(&server.http, "TEA", 5).await;
    let cart_id = text(&add(&server.http, "s", "TEA", 1).send().await.expect(201).json(), "cart_id");
    add(&server.http, "t", "TEA", 1).send().await.expect(201);
    server.kill().await;
    let past = |value: &str| format!("update cart set expires_at = {value} where owner = 'session:s'");
    let (before_now, within) = (
        past(if matches!(database, Database::Postgres(_)) { "now() - interval '1 s'" } else { "1000" }),
        std::time::Duration::from_secs(10),
    );
    database.run_sql(&before_now);
    let server = Server::on(database).await;
    until("the cart is abandoned", within, async || (cart(&server.http, "s").await["is_active"] == json!(false)).then_some(())).await;
    problem(&order(&server.http, "k", &cart_id).send().await, 409, "CART_CLOSED");
    assert_eq!(lines(&cart(&server.http, "t").await), [("TEA".to_owned(), 1)]);
    server.kill().await;
    assert_eq!(database.contents()["cart"].len(), 2);
    database.run_sql(&before_now);
    let server = Server::on(database).await;
    until("the cart is forgotten", within, async || (database.contents()["cart"].len() == 1).then_some(())).await;
    assert_eq!(database.contents()["cart_item"].len(), 1);
    problem(&order(&server.http, "k", &cart_id).send().await, 404, "CART_NOT_FOUND");
    add(&server.http, "s", "TEA", 1).send().await.expect(201);
    audit_is_clean(database).await;
}

async fn two_instances_fill_and_order_one_cart(database: &Database) {
    let setup = Setup::on(database).set("ORDO_CART__QTY_MAX", "1000");
    let (one, two) = (setup.clone().start().await, setup.start().await);
    goods(&one.http, "TEA", 1000).await;
    let at = |index: usize| if index.is_multiple_of(2) { &one.http } else { &two.http };
    for reply in crowd(40, |index| add(at(index), "s", "TEA", 1).send()).await {
        reply.expect(201);
    }
    let now = cart(&one.http, "s").await;
    assert_eq!((lines(&now), &now["version"]), (vec![("TEA".to_owned(), 40)], &json!(40)));
    let cart_id = text(&now, "cart_id");
    let replies = crowd(20, |index| order(at(index), &format!("k-{index}"), &cart_id).send()).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 1);
    for reply in replies.iter().filter(|reply| reply.status != 201) {
        problem(reply, 409, "CART_CLOSED");
    }
    assert_eq!(stock(&two.http, "TEA").await, (1000, 40));
    audit_is_clean(database).await;
}
