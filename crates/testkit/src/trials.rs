//! What the schema itself refuses and what it lets through: the same statements for every database.
//!
//! They are run in this order on an empty schema, behind the back of the service: whoever writes by hand meets the same rules.

/// A statement, and whether it must go through. `{1}` is a UUID, `{now}` the present.
pub type Trial = (bool, &'static str);

const ORDER: &str = "(order_id, order_number, channel, status, payment_status, stock_state, subtotal, total_amount, version) values";
const ITEM: &str = "(order_item_id, order_id, line_no, sku_id, qty, unit_price, item_total_amount) values";
const PAYMENT: &str = "(payment_id, order_id, provider, status, amount, captured, refunded, currency, version) values";
const EVENT: &str = "(order_event_id, order_id, sequence, event_type, from_status, to_status, payload_json) values";
const OUTBOX: &str = "(id, event_type, aggregate_id, sequence, payload, created_at) values";

/// Words that a column takes; any other is refused.
const WORDS: &[(&str, &str, &[&str])] = &[
    (
        "orders",
        "status",
        &["PAYMENT_PENDING", "PAID", "READY_TO_SHIP", "SHIPPED", "DELIVERED", "CANCELED", "REFUND_PENDING", "REFUNDED", "CREATED"],
    ),
    ("payment", "status", &["AUTHORIZED", "UNKNOWN", "FAILED", "CANCELED", "REFUNDED", "PARTIALLY_REFUNDED", "CAPTURED"]),
];

const TRIALS: &[Trial] = &[
    // Only what has no default is named.
    (true, "insert into orders {ORDER} ({1}, 'ORD-2024-00001', 'storefront', 'CREATED', 'pending', 'reserved', 249999, 249999, 1)"),
    (false, "insert into orders {ORDER} ({2}, 'ORD-2024-00001', 'storefront', 'CREATED', 'pending', 'reserved', 1, 1, 1)"),
    (false, "insert into orders {ORDER} ({1}, 'ORD-2024-00002', 'storefront', 'CREATED', 'pending', 'reserved', 1, 1, 1)"),
    (false, "insert into orders {ORDER} ({2}, null, 'storefront', 'CREATED', 'pending', 'reserved', 1, 1, 1)"),
    (true, "insert into orders {ORDER} ({2}, 'ORD-2024-00002', 'storefront', 'CREATED', 'pending', 'reserved', 99999, 99999, 1)"),
    (true, "update orders set idempotency_key = 'k' where order_id = {1}"),
    (false, "update orders set idempotency_key = 'k' where order_id = {2}"),
    // The documents' own sample: 2499.99 + 249.99 + 10.00 = 2759.98.
    (true, "update orders set tax_amount = 24999, shipping_fee = 1000, total_amount = 275998 where order_id = {1}"),
    (false, "update orders set total_amount = 275999 where order_id = {1}"),
    (false, "update orders set subtotal = -1, total_amount = 25998 where order_id = {1}"),
    (false, "update orders set discount_amount = -1, total_amount = 275999 where order_id = {1}"),
    (false, "update orders set total_amount = null where order_id = {1}"),
    (false, "update orders set status = null where order_id = {1}"),
    (true, "insert into order_item {ITEM} ({11}, {1}, 1, 'MBP-16-001', 1, 249999, 249999)"),
    (true, "insert into order_item {ITEM} ({12}, {1}, 2, 'FREE', 3, 0, 0)"),
    (false, "insert into order_item {ITEM} ({13}, {1}, 3, 'A', 0, 1, 0)"),
    (false, "insert into order_item {ITEM} ({13}, {1}, 3, 'A', -1, 1, -1)"),
    (false, "insert into order_item {ITEM} ({13}, {1}, 3, 'A', 1, -1, -1)"),
    (false, "insert into order_item {ITEM} ({13}, {1}, 3, 'A', 2, 100, 199)"),
    (false, "insert into order_item {ITEM} ({13}, {9}, 1, 'A', 1, 1, 1)"),
    (false, "insert into order_item {ITEM} ({11}, {2}, 1, 'A', 1, 1, 1)"),
    (false, "update order_item set sku_id = null where order_item_id = {11}"),
    (true, "insert into payment {PAYMENT} ({21}, {1}, 'stub', 'INITIATED', 275998, 0, 0, 'USD', 1)"),
    (false, "insert into payment {PAYMENT} ({22}, {9}, 'stub', 'INITIATED', 275998, 0, 0, 'USD', 1)"),
    (false, "update payment set captured = amount + 1 where payment_id = {21}"),
    (false, "update payment set amount = -1 where payment_id = {21}"),
    // Another attempt may be open beside it; another capture may not.
    (true, "update payment set status = 'CAPTURED', captured = amount where payment_id = {21}"),
    (true, "insert into payment {PAYMENT} ({22}, {1}, 'stub', 'INITIATED', 275998, 0, 0, 'USD', 1)"),
    (false, "update payment set status = 'CAPTURED', captured = amount where payment_id = {22}"),
    (true, "insert into order_event {EVENT} ({31}, {1}, 1, 'ORDER_CREATED', null, 'CREATED', '{}')"),
    (true, "insert into order_event {EVENT} ({32}, {1}, 2, 'INVENTORY_RESERVED', 'CREATED', 'CREATED', '{}')"),
    (false, "insert into order_event {EVENT} ({33}, {1}, 2, 'ORDER_CANCELED', 'CREATED', 'CANCELED', '{}')"),
    (false, "insert into order_event {EVENT} ({33}, {9}, 1, 'ORDER_CREATED', null, 'CREATED', '{}')"),
    (false, "insert into order_event {EVENT} ({33}, {1}, 3, 'ORDER_CANCELED', 'CREATED', null, '{}')"),
    (true, "insert into outbox {OUTBOX} ({41}, 'order.created', {1}, 1, '{}', {now})"),
    (false, "insert into outbox {OUTBOX} ({41}, 'order.created', {1}, 1, '{}', {now})"),
    (false, "insert into outbox {OUTBOX} ({42}, null, {1}, 1, '{}', {now})"),
    (false, "insert into outbox {OUTBOX} ({42}, 'order.created', null, 1, '{}', {now})"),
];

/// What must be counted between the trials and the end.
const COUNTS: &[(i64, &str)] = &[
    (
        1,
        "select count(*) from orders where order_id = {2} and currency = 'USD' and tax_amount = 0 and shipping_fee = 0 and discount_amount = 0",
    ),
    (1, "select count(*) from orders where order_id = {2} and created_at is not null and updated_at is not null and notes is null"),
    (1, "select count(*) from orders where order_id = {2} and shipped_at is null and delivered_at is null and cancelled_at is null"),
    (1, "select count(*) from payment where payment_id = {22} and payment_method = 'card_stub' and created_at is not null"),
    (2, "select count(*) from order_item where order_id = {1} and created_at is not null"),
    // The history of the status leaves out facts that do not move it.
    (1, "select count(*) from order_status_history where order_id = {1} and from_status is null and to_status = 'CREATED'"),
    (1, "select count(*) from order_status_history where order_id = {1}"),
    (1, "select count(*) from outbox where not published and published_at is null"),
];

const GONE: &[&str] = &["order_item", "order_event", "order_status_history", "payment"];

/// How a statement is written for one database.
#[derive(Clone, Copy, Debug)]
pub struct Dialect {
    /// A UUID that ends with this number.
    pub uuid: fn(u8) -> String,
    /// The present.
    pub now: &'static str,
}

impl Dialect {
    fn write(self, sql: &str) -> String {
        let mut sql = sql.replace("{now}", self.now);
        for (name, columns) in [("{ORDER}", ORDER), ("{ITEM}", ITEM), ("{PAYMENT}", PAYMENT), ("{EVENT}", EVENT), ("{OUTBOX}", OUTBOX)] {
            sql = sql.replace(name, columns);
        }
        (1..=42).fold(sql, |sql, number| sql.replace(&format!("{{{number}}}"), &(self.uuid)(number)))
    }
}

/// Runs the trials with `run`, counts with `count`, and panics with all that went otherwise.
pub async fn play(dialect: Dialect, run: impl AsyncFn(&str) -> Result<(), String>, count: impl AsyncFn(&str) -> i64) {
    let mut wrong = Vec::new();
    let mut all: Vec<(bool, String)> = TRIALS.iter().map(|(goes, sql)| (*goes, dialect.write(sql))).collect();
    for (table, column, words) in WORDS {
        let id = dialect.write(if *table == "orders" { "order_id = {1}" } else { "payment_id = {21}" });
        let set = |word: &str| format!("update {table} set {column} = '{word}' where {id}");
        all.extend(words.iter().map(|word| (true, set(word))));
        all.extend(["PENDING", "created", "SUCCEEDED", ""].into_iter().map(|word| (false, set(word))));
    }
    for (goes, sql) in &all {
        match run(sql).await {
            Err(said) if *goes => wrong.push(format!("refused: {sql}: {said}")),
            Ok(()) if !goes => wrong.push(format!("let through: {sql}")),
            _ => {}
        }
    }
    for (expected, sql) in COUNTS {
        let counted = count(&dialect.write(sql)).await;
        if counted != *expected {
            wrong.push(format!("{counted}, not {expected}: {sql}"));
        }
    }
    run(&dialect.write("delete from orders where order_id = {1}")).await.expect("an order can be deleted");
    for table in GONE {
        let left = count(&dialect.write(&format!("select count(*) from {table} where order_id = {{1}}"))).await;
        if left != 0 {
            wrong.push(format!("{left} rows of {table} stayed behind"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} statements:\n{}", wrong.len(), all.len(), wrong.join("\n"));
}
