//! Which columns the requirements ask for, as one table that each store compares with the schema of a live database.
//!
//! A field of the sources is a line: its id in `docs/requirements.md`, our column, its type, and what must hold of it.

/// A column that a requirement asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wanted {
    /// Its row in `docs/requirements.md`.
    pub id: &'static str,
    /// The table, or view.
    pub table: &'static str,
    /// The column.
    pub column: &'static str,
    /// `uuid`, `text`, `text(N)`, `money`, `whole`, `flag`, `json` or `time`.
    pub kind: &'static str,
    /// `required`, `unique`, `indexed`, `default=WORD`, `of=TABLE` (its row goes with that one).
    pub traits: &'static str,
}

/// A column of a live database.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Found {
    /// The table, or view.
    pub table: String,
    /// The column.
    pub column: String,
    /// The kind, in the words of [`Wanted::kind`], as the store keeps it.
    pub kind: String,
    /// It is never NULL.
    pub is_required: bool,
    /// No two rows have the same.
    pub is_unique: bool,
    /// An index begins with it.
    pub is_indexed: bool,
    /// The default, as the database writes it.
    pub default: Option<String>,
    /// The table whose row takes this one along when it is deleted.
    pub parent: Option<String>,
}

const TABLE: &str = "
B0240-orders-order_id              orders.order_id                   uuid       required unique
B0240-orders-user_id               orders.user_id                    text       indexed
B0240-orders-status                orders.status                     text       required indexed
B0240-orders-currency              orders.currency                   text(3)    required default=USD
B0240-orders-total_amount          orders.total_amount               money      required
B0240-orders-shipping_fee          orders.shipping_fee               money      required default=0
B0240-orders-discount_amount       orders.discount_amount            money      required default=0
B0240-orders-idempotency_key       orders.idempotency_key            text       unique
B0240-orders-cart_id               orders.cart_id                    text
B0240-orders-created_at            orders.created_at                 time       required default=NOW indexed
B0240-orders-updated_at            orders.updated_at                 time       required default=NOW indexed
B0240-order_item-order_item_id     order_item.order_item_id          uuid       required unique
B0240-order_item-order_id          order_item.order_id               uuid       required indexed of=orders
B0240-order_item-sku_id            order_item.sku_id                 text
B0240-order_item-qty               order_item.qty                    whole      required
B0240-order_item-price_snapshot    order_item.price_snapshot_json    json
B0240-order_item-item_total_amount order_item.item_total_amount      money      required
B0240-order_event-order_event_id   order_event.order_event_id        uuid       required unique
B0240-order_event-order_id         order_event.order_id              uuid       required indexed of=orders
B0240-order_event-event_type       order_event.event_type            text       required
B0240-order_event-payload_json     order_event.payload_json          json       required
B0240-order_event-created_at       order_event.created_at            time       required default=NOW
PRD004-Order-id                    orders.order_id                   uuid       required unique
PRD004-Order-customer_email        orders.customer_email             text       indexed
PRD004-Order-status                orders.status                     text       required
PRD004-Order-total_amount          orders.total_amount               money      required
PRD004-Order-idempotency_key       orders.idempotency_key            text       unique indexed
PRD004-Order-created_at            orders.created_at                 time       required
PRD004-Order-updated_at            orders.updated_at                 time       required
PRD004-OrderItem-id                order_item.order_item_id          uuid       required unique
PRD004-OrderItem-order_id          order_item.order_id               uuid       required of=orders
PRD004-OrderItem-session_id        order_item.session_id             uuid
PRD004-OrderItem-ticket_type_id    order_item.ticket_type_id         uuid
PRD004-OrderItem-quantity          order_item.qty                    whole      required
PRD004-OrderItem-unit_price        order_item.unit_price             money      required
PRD004-OrderItem-created_at        order_item.created_at             time       required default=NOW
PRD004-Payment-id                  payment.payment_id                uuid       required unique
PRD004-Payment-order_id            payment.order_id                  uuid       required indexed of=orders
PRD004-Payment-amount              payment.amount                    money      required
PRD004-Payment-status              payment.status                    text       required
PRD004-Payment-payment_method      payment.payment_method            text       required default=card_stub
PRD004-Payment-created_at          payment.created_at                time       required default=NOW
PRD004-Payment-updated_at          payment.updated_at                time       required default=NOW
PRD004-OutboxEvent-id              outbox.id                         uuid       required unique
PRD004-OutboxEvent-event_type      outbox.event_type                 text       required
PRD004-OutboxEvent-aggregate_id    outbox.aggregate_id               uuid       required
PRD004-OutboxEvent-payload         outbox.payload                    json       required
PRD004-OutboxEvent-published       outbox.published                  flag       required default=0
PRD004-OutboxEvent-created_at      outbox.created_at                 time       required
PRD004-OutboxEvent-published_at    outbox.published_at               time
PRD004-OutboxEvent-index           outbox.published                  flag       indexed
SCHEMA-orders-id                   orders.order_id                   uuid       required unique
SCHEMA-orders-order_number         orders.order_number               text(50)   required unique indexed
SCHEMA-orders-user_id              orders.user_id                    text       indexed
SCHEMA-orders-status               orders.status                     text       required indexed
SCHEMA-orders-subtotal             orders.subtotal                   money      required
SCHEMA-orders-tax_amount           orders.tax_amount                 money      required default=0
SCHEMA-orders-shipping_amount      orders.shipping_fee               money      required default=0
SCHEMA-orders-discount_amount      orders.discount_amount            money      required default=0
SCHEMA-orders-total_amount         orders.total_amount               money      required
SCHEMA-orders-currency             orders.currency                   text(3)    required default=USD
SCHEMA-orders-shipping_address_id  orders.shipping_address_id        text
SCHEMA-orders-billing_address_id   orders.billing_address_id         text
SCHEMA-orders-notes                orders.notes                      text
SCHEMA-orders-tracking_number      orders.tracking_number            text(100)
SCHEMA-orders-shipped_at           orders.shipped_at                 time
SCHEMA-orders-delivered_at         orders.delivered_at               time
SCHEMA-orders-cancelled_at         orders.cancelled_at               time
SCHEMA-orders-cancellation_reason  orders.cancellation_reason        text
SCHEMA-orders-created_at           orders.created_at                 time       required default=NOW indexed
SCHEMA-orders-updated_at           orders.updated_at                 time       required default=NOW
SCHEMA-order_items-id              order_item.order_item_id          uuid       required unique
SCHEMA-order_items-order_id        order_item.order_id               uuid       required indexed of=orders
SCHEMA-order_items-product_id      order_item.product_id             text
SCHEMA-order_items-product_name    order_item.product_name           text(255)
SCHEMA-order_items-product_sku     order_item.sku_id                 text
SCHEMA-order_items-quantity        order_item.qty                    whole      required
SCHEMA-order_items-unit_price      order_item.unit_price             money      required
SCHEMA-order_items-total_price     order_item.item_total_amount      money      required
SCHEMA-order_items-created_at      order_item.created_at             time       required default=NOW
SCHEMA-history-id                  order_status_history.id           uuid
SCHEMA-history-order_id            order_status_history.order_id     uuid
SCHEMA-history-from_status         order_status_history.from_status  text
SCHEMA-history-to_status           order_status_history.to_status    text
SCHEMA-history-notes               order_status_history.notes        text
SCHEMA-history-changed_by          order_status_history.changed_by   text
SCHEMA-history-created_at          order_status_history.created_at   time
SCHEMA-orders-index-id             orders.order_id                   uuid       unique indexed
SCHEMA-orders-index-order_number   orders.order_number               text(50)   unique indexed
SCHEMA-orders-index-user_id        orders.user_id                    text       indexed
SCHEMA-orders-index-status         orders.status                     text       indexed
SCHEMA-orders-index-created_at     orders.created_at                 time       indexed
SCHEMA-order_items-index-id        order_item.order_item_id          uuid       unique indexed
SCHEMA-order_items-index-order_id  order_item.order_id               uuid       indexed
SCHEMA-history-index-id            order_event.order_event_id        uuid       unique indexed
SCHEMA-history-index-order_id      order_event.order_id              uuid       indexed
";

/// Every column that a requirement asks for.
pub fn wanted() -> Vec<Wanted> {
    let lines = TABLE.lines().filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let (id, rest) = line.split_once(' ').expect("a line begins with an id");
            let (place, rest) = rest.trim_start().split_once(' ').expect("a column follows");
            let (table, column) = place.split_once('.').expect("it is TABLE.COLUMN");
            let (kind, traits) = rest.trim_start().split_once(' ').unwrap_or((rest.trim_start(), ""));
            Wanted { id, table, column, kind, traits: traits.trim() }
        })
        .collect()
}

impl Wanted {
    /// What is wrong with the live column; nothing when all is as the requirement has it.
    fn complaint(&self, found: &Found) -> Option<String> {
        if found.kind != self.kind {
            return Some(format!("is {}, not {}", found.kind, self.kind));
        }
        self.traits.split_whitespace().find_map(|wanted| {
            let holds = match wanted.split_once('=') {
                None if wanted == "required" => found.is_required,
                None if wanted == "unique" => found.is_unique,
                None if wanted == "indexed" => found.is_indexed,
                Some(("default", word)) => found.default.as_deref().is_some_and(|default| same_default(word, default)),
                Some(("of", table)) => found.parent.as_deref() == Some(table),
                _ => panic!("{}: no such trait: {wanted}", self.id),
            };
            (!holds).then(|| format!("is not {wanted}: {found:?}"))
        })
    }
}

/// Whether a default, as a database writes it, is the wanted one.
fn same_default(word: &str, default: &str) -> bool {
    match word {
        "NOW" => default.contains("now()") || default.contains("unixepoch("),
        "0" => matches!(default, "0" | "false"),
        word => default.split("::").next() == Some(&format!("'{word}'")),
    }
}

/// Compares a live schema with what is wanted, and panics with all that differs.
pub fn check(found: &[Found]) {
    let mut complaints = Vec::new();
    for wanted in wanted() {
        let place = format!("{}.{}", wanted.table, wanted.column);
        match found.iter().find(|found| (found.table.as_str(), found.column.as_str()) == (wanted.table, wanted.column)) {
            None => complaints.push(format!("{}: there is no {place}", wanted.id)),
            Some(found) => complaints.extend(wanted.complaint(found).map(|said| format!("{}: {place} {said}", wanted.id))),
        }
    }
    assert!(complaints.is_empty(), "{} columns are not as required:\n{}", complaints.len(), complaints.join("\n"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Found {
        Found {
            kind: "text(3)".to_owned(),
            is_required: true,
            is_unique: true,
            is_indexed: true,
            default: Some("'USD'::character varying".to_owned()),
            parent: Some("orders".to_owned()),
            ..Found::default()
        }
    }

    const ALL: Wanted =
        Wanted { id: "X", table: "t", column: "c", kind: "text(3)", traits: "required unique indexed default=USD of=orders" };

    #[test]
    fn each_trait_that_is_missing_is_told() {
        assert_eq!(ALL.complaint(&good()), None);
        for (bend, told) in [
            ((|found| found.kind = "text".to_owned()) as fn(&mut Found), "not text(3)"),
            (|found| found.is_required = false, "required"),
            (|found| found.is_unique = false, "unique"),
            (|found| found.is_indexed = false, "indexed"),
            (|found| found.default = Some("'EUR'".to_owned()), "default=USD"),
            (|found| found.default = None, "default=USD"),
            (|found| found.parent = None, "of=orders"),
        ] {
            let mut found = good();
            bend(&mut found);
            let complaint = ALL.complaint(&found).unwrap();
            assert!(complaint.contains(told), "{complaint}");
        }
    }

    #[test]
    #[should_panic(expected = "there is no orders.subtotal")]
    fn a_column_that_is_not_there_is_told() {
        check(&[]);
    }

    #[test]
    fn no_requirement_has_two_columns() {
        let mut ids: Vec<_> = wanted().iter().map(|wanted| wanted.id).collect();
        ids.sort_unstable();
        assert!(ids.windows(2).all(|pair| pair[0] != pair[1]), "{ids:?}");
        assert!(ids.len() > 80, "{}", ids.len());
    }
}
