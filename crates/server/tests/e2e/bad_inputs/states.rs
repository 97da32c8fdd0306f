//! What reads well and is refused by what is there: stock, prices, states, used keys.

use super::doors::DOORS;
use super::fields::with;
use super::row::Form::{Details, Tickets};
use super::row::{Call, Expected, Row};

/// The key that an order of the shop was placed with, and the key of a ticket order.
pub(super) const USED: &str = "used";

/// The body that [`USED`] was used with at `/api/v1/orders`.
pub(super) fn used_body(path: &str) -> &'static str {
    DOORS.iter().find(|door| door.method == "POST" && door.path == path).expect("it is a door").good
}

/// Every line of the catalogue about what the business refuses. `at` fills in the ids of the shop.
pub(super) fn rows(at: impl Fn(&str) -> String) -> Vec<Row> {
    let mut rows = orders();
    rows.extend(offers(&at));
    rows.extend(carts(&at));
    rows.extend(checkouts(&at));
    rows.extend(holds());
    rows.extend(actions(&at));
    rows.extend(payments(&at));
    rows.extend(conditions(&at));
    rows.extend(keys(&at));
    rows
}

fn orders() -> Vec<Row> {
    let place = |number: u8, what: &str, body: &str, status: u16, code: &'static str| {
        Call::new("POST", "/api/v1/orders").key("never").json(body).row(number, what, Expected::refusal(Details, status, code))
    };
    let lines = |lines: &[&str]| format!(r#"{{"items":[{}]}}"#, lines.join(","));
    let (tea, yen) = (r#"{"sku_id":"TEA","qty":1}"#, r#"{"sku_id":"YEN","qty":1}"#);
    let few = r#"{"sku_id":"FEW","qty":2}"#;
    let mut rows = vec![
        place(23, "a total beyond all amounts", &lines(&[r#"{"sku_id":"DEAR","qty":1000000}"#]), 422, "AMOUNT_OVERFLOW"),
        place(
            25,
            "more decimals than the currency has",
            &lines(&[r#"{"sku_id":"YEN","qty":1,"expected_unit_price":1.5}"#]),
            422,
            "INVALID_AMOUNT_SCALE",
        ),
        place(
            25,
            "more decimals than the currency has",
            &lines(&[r#"{"sku_id":"TEA","qty":1,"expected_unit_price":"10.000"}"#]),
            422,
            "INVALID_AMOUNT_SCALE",
        ),
        place(29, "two currencies", &lines(&[tea, yen]), 422, "CURRENCY_MISMATCH"),
        place(29, "another currency than the offer's", &with(&lines(&[tea]), "/currency", Some("\"EUR\"")), 422, "CURRENCY_MISMATCH"),
        place(31, "one SKU on two lines", &lines(&[few, few]), 409, "OUT_OF_STOCK"),
        place(32, "an unknown SKU", &lines(&[tea, r#"{"sku_id":"NONE","qty":1}"#]), 422, "UNKNOWN_SKU"),
        place(32, "an inactive SKU", &lines(&[r#"{"sku_id":"OFF","qty":1}"#]), 422, "UNKNOWN_SKU"),
        place(32, "a SKU of SQL", &lines(&[r#"{"sku_id":"'; drop table orders; --","qty":1}"#]), 422, "UNKNOWN_SKU"),
        place(32, "a SKU without a price", &lines(&[r#"{"sku_id":"FREE","qty":1}"#]), 422, "NO_CURRENT_OFFER"),
        place(33, "more than there is", &lines(&[r#"{"sku_id":"FEW","qty":4}"#]), 409, "OUT_OF_STOCK"),
        place(34, "another price", &lines(&[r#"{"sku_id":"TEA","qty":1,"expected_unit_price":9.99}"#]), 409, "PRICE_CHANGED"),
        place(34, "no price at all", &lines(&[r#"{"sku_id":"TEA","qty":1,"expected_unit_price":0}"#]), 409, "PRICE_CHANGED"),
    ];
    let ticket = |number: u8, what: &str, price: &str, quantity: &str| {
        let body = with(&with(used_body("/orders"), "/items/0/unit_price", Some(price)), "/items/0/quantity", Some(quantity));
        let expected = Expected::refusal(Tickets, 422, "VALIDATION_FAILED");
        Call::new("POST", "/orders").key("never").json(body).row(number, what, expected)
    };
    rows.push(ticket(23, "a total beyond all amounts", "10000000000000.00", "1000000"));
    rows.push(ticket(25, "more decimals than the currency has", "1.001", "1"));
    rows
}

fn offers(at: &impl Fn(&str) -> String) -> Vec<Row> {
    let refused = |status: u16, code: &'static str| Expected::refusal(Details, status, code);
    let good = used_body("/api/v1/offers");
    let create = |body: String| Call::new("POST", "/api/v1/offers").json(body);
    let change = |body: &str| Call::new("PATCH", &at("/api/v1/offers/{offer}")).json(body);
    vec![
        create(with(good, "/price", Some("1.001"))).row(25, "a price of three decimals", refused(422, "INVALID_AMOUNT_SCALE")),
        create(with(&with(good, "/price", Some("1.5")), "/currency", Some("\"JPY\""))).row(
            25,
            "half a yen",
            refused(422, "INVALID_AMOUNT_SCALE"),
        ),
        create(with(good, "/sku_id", Some("\"NONE\""))).row(32, "an unknown SKU", refused(404, "SKU_NOT_FOUND")),
        create(with(good, "/valid_to", Some("\"2026-01-01T00:00:00Z\""))).row(35, "an empty window", refused(422, "OFFER_WINDOW_EMPTY")),
        create(with(good, "/valid_to", Some("\"2020-01-01T00:00:00Z\""))).row(
            35,
            "a window that ends first",
            refused(422, "OFFER_WINDOW_EMPTY"),
        ),
        change(r#"{"valid_to":"1970-01-01T00:00:00Z"}"#).row(35, "a window that ends first", refused(422, "OFFER_WINDOW_EMPTY")),
        change(r#"{"price":1.001}"#).row(25, "a price of three decimals", refused(422, "INVALID_AMOUNT_SCALE")),
        Call::new("PATCH", &at("/api/v1/offers/{ended}")).json(r#"{"price":1}"#).row(66, "an ended offer", refused(409, "OFFER_ENDED")),
    ]
}

fn carts(at: &impl Fn(&str) -> String) -> Vec<Row> {
    let refused = |status: u16, code: &'static str| Expected::refusal(Details, status, code);
    let add = |sku_id: &str, qty: u32| {
        Call::new("POST", "/api/v1/cart/items").json(format!(r#"{{"session_id":"filled","sku_id":"{sku_id}","qty":{qty}}}"#))
    };
    let place = |body: &str| Call::new("POST", "/api/v1/orders").key("never").json(at(body));
    let none = "67e55044-10b1-426f-9247-bb680e5fe0c8";
    let tags = |tags: &str| Call::new("DELETE", &at("/api/v1/cart/items/{line}")).header("If-Match", tags);
    vec![
        add("TEA", 20).row(24, "more than a line may have", refused(422, "CART_LINE_LIMIT")),
        add("YEN", 1).row(29, "a second currency", refused(422, "CURRENCY_MISMATCH")),
        add("NONE", 1).row(32, "an unknown SKU", refused(422, "UNKNOWN_SKU")),
        add("OFF", 1).row(32, "an inactive SKU", refused(422, "UNKNOWN_SKU")),
        add("FREE", 1).row(32, "a SKU without a price", refused(422, "NO_CURRENT_OFFER")),
        Call::new("POST", "/api/v1/cart/items").json(r#"{"sku_id":"TEA","qty":1}"#).row(
            26,
            "nobody's cart",
            Expected::field(Details, "/user_id", "REQUIRED"),
        ),
        Call::new("POST", "/api/v1/cart/items").json(r#"{"user_id":"a","session_id":"b","sku_id":"TEA","qty":1}"#).row(
            26,
            "two owners",
            Expected::field(Details, "/user_id", "EXCLUSIVE"),
        ),
        Call::new("DELETE", &format!("/api/v1/cart/items/{none}")).row(46, "no such line", refused(404, "CART_ITEM_NOT_FOUND")),
        Call::new("DELETE", "/api/v1/cart/items/x").row(46, "no name of a line", refused(404, "NOT_FOUND")),
        Call::new("DELETE", "/api/v1/cart/items").row(26, "nobody's cart", Expected::parameter("user_id", "REQUIRED", Details)),
        place(&format!(r#"{{"cart_id":"{none}"}}"#)).row(46, "no such cart", refused(404, "CART_NOT_FOUND")),
        place(r#"{"cart_id":"{cart}","items":[]}"#).row(26, "a cart and items", Expected::field(Details, "/items", "EXCLUSIVE")),
        place(r#"{"cart_id":"{closed_cart}"}"#).row(66, "a closed cart", refused(409, "CART_CLOSED")),
        tags("\"999\"").row(60, "another version", refused(412, "VERSION_MISMATCH")),
        tags("999").row(60, "no tag", refused(400, "IF_MATCH_INVALID")),
    ]
}

fn checkouts(at: &impl Fn(&str) -> String) -> Vec<Row> {
    let refused = |status: u16, code: &'static str| Expected::refusal(Details, status, code);
    let none = "67e55044-10b1-426f-9247-bb680e5fe0c8";
    let start = |more: &str| Call::new("POST", "/checkout/start").json(at(&format!(r#"{{"session_id":"new"{more}}}"#)));
    let state = |session: &str, more: &str| Call::new("PUT", "/checkout/state").json(at(&format!(r#"{{"session_id":"{session}"{more}}}"#)));
    let confirm = |session: &str| Call::new("POST", "/checkout/confirm").json(at(&format!(r#"{{"session_id":"{session}"}}"#)));
    let many = vec!["\"c\""; 21].join(",");
    vec![
        start(&format!(r#","cart_id":"{none}""#)).row(46, "no such cart", refused(404, "CART_NOT_FOUND")),
        start(r#","cart_id":"{closed_cart}""#).row(66, "a closed cart", refused(409, "CART_CLOSED")),
        state("nobody", r#","notes":"n""#).row(46, "no such session", refused(404, "CHECKOUT_NOT_FOUND")),
        confirm("nobody").row(46, "no such session", refused(404, "CHECKOUT_NOT_FOUND")),
        confirm("{checkout}").row(66, "a session that is not complete", refused(422, "CHECKOUT_INCOMPLETE")),
        state("{done}", r#","notes":"n""#).row(66, "a session that is confirmed", refused(409, "CHECKOUT_CONFIRMED")),
        state("{checkout}", &format!(r#","promotion_codes":[{many}]"#)).row(
            9,
            "too many codes",
            Expected::field(Details, "/promotion_codes", "LINES_OUT_OF_RANGE"),
        ),
        state("{checkout}", r#","notes":"n""#).header("If-Match", "\"999\"").row(60, "another version", refused(412, "VERSION_MISMATCH")),
        state("{checkout}", r#","notes":"n""#).header("If-Match", "999").row(60, "no tag", refused(400, "IF_MATCH_INVALID")),
        state("{checkout}", r#","notes":"n""#).header("Prefer", "dry-run").row(
            60,
            "a dry run",
            Expected::With("preference-applied", "dry-run", Box::new(Expected::Fine(200))),
        ),
    ]
}

fn holds() -> Vec<Row> {
    let none = "67e55044-10b1-426f-9247-bb680e5fe0c8";
    let hold = |body: &str| Call::new("POST", "/api/v1/holds").json(body);
    let field = |at: &'static str, code: &'static str| Expected::field(Details, at, code);
    let release = |hold_id: &str| Call::new("POST", &format!("/api/v1/holds/{hold_id}/release")).json("{}");
    vec![
        hold(r#"{"items":[{"sku_id":"FEW","qty":4}]}"#).row(33, "more than there is", Expected::refusal(Details, 409, "OUT_OF_STOCK")),
        hold(r#"{"items":[{"sku_id":"NOWHERE","qty":1}]}"#).row(46, "an unknown SKU", Expected::refusal(Details, 422, "UNKNOWN_SKU")),
        hold(r#"{"items":[{"sku_id":"TEA","qty":1}],"ttl_seconds":0}"#).row(9, "for no time", field("/ttl_seconds", "OUT_OF_RANGE")),
        hold(r#"{"items":[{"sku_id":"TEA","qty":1}],"ttl_seconds":86401}"#).row(9, "for ever", field("/ttl_seconds", "OUT_OF_RANGE")),
        release(none).row(46, "no such hold", Expected::refusal(Details, 404, "HOLD_NOT_FOUND")),
        release("42").row(3, "no id", Expected::refusal(Details, 404, "NOT_FOUND")),
    ]
}

fn actions(at: &impl Fn(&str) -> String) -> Vec<Row> {
    let stock = |number: u8, operation: &str, body: &str, code: &'static str| {
        let call = Call::new("POST", &format!("/api/v1/inventory/FEW/{operation}")).json(body);
        call.row(number, body, Expected::refusal(Details, 409, code))
    };
    let refused = |path: &str, form, status: u16, code: &'static str| {
        Call::new("POST", &at(path)).json("{}").row(66, "not in this state", Expected::refusal(form, status, code))
    };
    vec![
        stock(33, "reserve", r#"{"qty":4}"#, "INSUFFICIENT_STOCK"),
        stock(33, "reserve", r#"{"qty":1000000}"#, "INSUFFICIENT_STOCK"),
        stock(66, "release", r#"{"qty":1}"#, "INSUFFICIENT_STOCK"),
        stock(66, "deduct", r#"{"qty":1,"ref_type":"order","ref_id":"x"}"#, "INSUFFICIENT_STOCK"),
        stock(33, "adjust", r#"{"qty":-4}"#, "INSUFFICIENT_STOCK"),
        refused("/api/v1/orders/{paid}/cancel", Details, 409, "INVALID_TRANSITION"),
        refused("/orders/{canceled}/confirm", Tickets, 400, "INVALID_STATE"),
        refused("/orders/{canceled}/cancel", Tickets, 400, "INVALID_STATE"),
        refused("/orders/{paid}/cancel", Tickets, 400, "INVALID_STATE"),
    ]
}

fn payments(at: &impl Fn(&str) -> String) -> Vec<Row> {
    let pay = |number: u8, what: &str, order: &str, change: (&str, &str), status: u16, code: &'static str| {
        let body = with(used_body("/api/v1/payments"), change.0, Some(change.1)).replace("{payable}", order);
        Call::new("POST", "/api/v1/payments").key("never").json(at(&body)).row(number, what, Expected::refusal(Details, status, code))
    };
    let none = "67e55044-10b1-426f-9247-bb680e5fe0c8";
    let same = ("/currency", "\"USD\"");
    vec![
        pay(25, "more decimals than the currency has", "{payable}", ("/amount", "10.001"), 422, "INVALID_AMOUNT_SCALE"),
        pay(27, "less than is due", "{payable}", ("/amount", "9.99"), 422, "AMOUNT_MISMATCH"),
        pay(27, "more than is due", "{payable}", ("/amount", "10.01"), 422, "AMOUNT_MISMATCH"),
        pay(27, "nothing", "{payable}", ("/amount", "0"), 422, "AMOUNT_MISMATCH"),
        pay(29, "another currency", "{payable}", ("/currency", "\"EUR\""), 422, "CURRENCY_MISMATCH"),
        pay(46, "an order that is not there", none, same, 404, "ORDER_NOT_FOUND"),
        pay(66, "an order that is paid", "{paid}", same, 409, "INVALID_TRANSITION"),
        pay(66, "an order that is canceled", "{canceled}", same, 409, "INVALID_TRANSITION"),
    ]
}

/// Line 60; and a dry run, which keeps nothing although nothing is wrong with it.
fn conditions(at: &impl Fn(&str) -> String) -> Vec<Row> {
    let mut rows = Vec::new();
    for door in DOORS.iter().filter(|door| ["/api/v1/orders/{order}", "/api/v1/orders/{order}/cancel"].contains(&door.path)) {
        let call = |tags: &str| Call::new(door.method, &at(door.path)).header("If-Match", tags).json(door.good);
        for tags in ["\"999\"", "W/\"1\"", "\"0\"", "\"999\", \"1000\"", "\"canary7f3e\"", "\"99999999999999999999999\"", "\"\""] {
            rows.push(call(tags).row(60, tags, Expected::refusal(Details, 412, "VERSION_MISMATCH")));
        }
        for tags in ["1", "\"1", "\"1\" \"2\"", "*, \"1\"", "canary7f3e", "w/\"1\""] {
            rows.push(call(tags).row(60, tags, Expected::refusal(Details, 400, "IF_MATCH_INVALID")));
        }
    }
    let orders = DOORS.iter().filter(|door| door.path.starts_with("/api/v1/orders"));
    rows.extend(orders.map(|door| {
        let call = Call::new(door.method, &at(door.path)).key("never").header("Prefer", "dry-run").json(door.good);
        let expected = Expected::With("preference-applied", "dry-run", Box::new(Expected::Fine(200)));
        call.row(60, "a dry run", expected)
    }));
    rows
}

/// Lines 53, 54 and 59: what a used key answers.
fn keys(at: &impl Fn(&str) -> String) -> Vec<Row> {
    let mut rows = Vec::new();
    for (path, form, change) in
        [("/api/v1/orders", Details, "/notes"), ("/orders", Tickets, "/customer_email"), ("/api/v1/payments", Details, "/currency")]
    {
        let call = |body: &str| Call::new("POST", path).key(USED).json(body);
        let good = &at(used_body(path));
        let reused = || Expected::refusal(form, 422, "IDEMPOTENCY_KEY_REUSED");
        for body in
            [&with(good, change, Some("\"other\"")), &with(good, "/items", Some("[]")), "{}", "{\"foo\":1}", &with(good, "/x", Some("1"))]
        {
            rows.push(call(body).row(53, "another request", reused()));
        }
        rows.push(call("{").row(53, "no request at all", Expected::refusal(form, 400, "MALFORMED_JSON")));
        let replayed = || Expected::With("idempotency-replayed", "true", Box::new(Expected::Fine(200)));
        rows.push(call(good).row(54, "the same request", replayed()));
        let spelled = format!("\r\n\t {} \n", good.replace("\"items\"", "\"\\u0069tems\"").replace(',', " ,\n").replace("\":", "\" :  "));
        rows.push(call(&spelled).row(59, "the same request in other words", replayed()));
        let quoted = Call::new("POST", path).header("Idempotency-Key", format!("\"{USED}\"")).json(good.as_str());
        rows.push(quoted.row(54, "the same key, quoted", replayed()));
    }
    rows
}
