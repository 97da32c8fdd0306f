//! Every requirement of the sources has one row in docs/requirements.md, with the test that proves it or the feature that will bring it.

use super::Violation;
use crate::tree::Tree;
use std::collections::{BTreeMap, BTreeSet};

const DOC: &str = "docs/requirements.md";
/// The columns that both stores' tests look for in a live schema; a row that points at such a test must stand there.
const COLUMNS: &str = "crates/testkit/src/columns.rs";
const COLUMNS_PROOF: &str = "proof:columns";
/// A row whose proof many rows share; they name it.
const SHARED: &str = "proof:";
/// What is to come says so, and which feature brings it.
const LATER: &str = "later: ";

/// Requirements that the sources number: `PREFIX1` to `PREFIXn` have a row each.
#[rustfmt::skip]
const NUMBERED: &[(&str, usize)] = &[
    ("B0240-GOAL-", 3), ("B0240-BG-", 3), ("B0240-RULE-", 2), ("B0240-FLOW-", 5), ("B0240-API-", 5), ("B0240-SM-", 5), ("B0240-IDEM-", 2),
    ("B0240-NONGOAL-", 3), ("B0240-DOD-", 5), ("B0240-PROMPT-", 4),
    ("PRD004-PROBLEM-", 5), ("PRD004-GOAL-", 6), ("PRD004-US-", 9),
    ("PRD004-FR-1.", 5), ("PRD004-FR-2.", 3), ("PRD004-FR-3.", 5), ("PRD004-FR-4.", 5), ("PRD004-FR-5.", 4), ("PRD004-FR-6.", 4),
    ("PRD004-FR-7.", 3), ("PRD004-TR-1.", 3), ("PRD004-TR-3.", 4), ("PRD004-TR-4.", 4), ("PRD004-TR-5.", 4),
    ("PRD004-NFR-1.", 3), ("PRD004-NFR-2.", 3), ("PRD004-NFR-3.", 3), ("PRD004-NFR-4.", 3),
    ("PRD004-API-", 4), ("PRD004-DEP-", 5), ("PRD004-AC-", 11), ("PRD004-METRIC-", 4),
    ("FLOW-1-", 4), ("FLOW-2.1-", 4), ("FLOW-2.2-", 9), ("FLOW-2.3-", 1), ("FLOW-3.1-", 2), ("FLOW-3.2-", 3), ("FLOW-3.3-", 3), ("FLOW-3.4-", 4),
    ("FLOW-3.5-", 3), ("FLOW-3.6-", 2), ("FLOW-ASYNC-", 5), ("FLOW-DEP-", 4), ("FLOW-ERR-", 3),
    ("SCHEMA-ORM-", 8), ("SCHEMA-REL-", 2), ("SCHEMA-FK-", 2), ("SCHEMA-REF-", 5), ("SCHEMA-MOVE-", 7), ("SCHEMA-API-", 6),
    ("SCHEMA-CREATE-", 7), ("SCHEMA-CONFIRM-", 5), ("SCHEMA-CANCEL-", 5), ("SCHEMA-SAMPLE-", 2),
];

/// Fields, words and events that the sources name: `PREFIX` with each of the names has a row.
#[rustfmt::skip]
const NAMED: &[(&str, &str)] = &[
    ("B0240-orders-", "order_id user_id status currency total_amount shipping_fee discount_amount idempotency_key cart_id created_at updated_at"),
    ("B0240-status-", "CREATED PAYMENT_PENDING PAID READY_TO_SHIP SHIPPED DELIVERED CANCELED REFUND_PENDING REFUNDED"),
    ("B0240-order_item-", "order_item_id order_id sku_id qty price_snapshot item_total_amount"),
    ("B0240-price_snapshot-", "offer_id unit_price captured_at title author"),
    ("B0240-order_event-", "order_event_id order_id event_type payload_json created_at"),
    ("B0240-event-", "ORDER_CREATED INVENTORY_RESERVED PAYMENT_REQUESTED PAYMENT_SUCCEEDED PAYMENT_FAILED ORDER_CANCELED"),
    ("B0240-request-", "cart_id items shipping_address payment_method idempotency_key"),
    ("B0240-price-", "A B"),
    ("B0240-metric-", "order_create_total order_cancel_total order_price_changed_total order_out_of_stock_total order_idempotent_hit_total"),
    ("B0240-log-", "order_id user_id cart_id idempotency_key status_transition request_id"),
    ("PRD004-Order-", "id customer_email status total_amount idempotency_key created_at updated_at"),
    ("PRD004-OrderItem-", "id order_id session_id ticket_type_id quantity unit_price created_at"),
    ("PRD004-Payment-", "id order_id amount status payment_method created_at updated_at"),
    ("PRD004-OutboxEvent-", "id event_type aggregate_id payload published created_at published_at index"),
    ("PRD004-example-", "create-request create-201 create-200 confirm-200 confirm-400 cancel-200 cancel-400"),
    ("PRD004-event-", "order.confirmed order.cancelled"),
    ("PRD004-envelope-", "event_id event_type occurred_at aggregate_id idempotency_key payload"),
    ("SCHEMA-orders-", "id order_number user_id status subtotal tax_amount shipping_amount discount_amount total_amount currency shipping_address_id \
      billing_address_id notes tracking_number shipped_at delivered_at cancelled_at cancellation_reason created_at updated_at"),
    ("SCHEMA-status-", "PENDING CONFIRMED PROCESSING SHIPPED DELIVERED CANCELLED REFUNDED"),
    ("SCHEMA-orders-index-", "id order_number user_id status created_at"),
    ("SCHEMA-order_items-", "id order_id product_id product_name product_sku quantity unit_price total_price created_at"),
    ("SCHEMA-order_items-check-", "cascade quantity unit_price"),
    ("SCHEMA-order_items-index-", "id order_id product_id"),
    ("SCHEMA-history-", "id order_id from_status to_status notes changed_by created_at"),
    ("SCHEMA-history-check-", "cascade"),
    ("SCHEMA-history-index-", "id order_id"),
    ("SCHEMA-event-", "order.created order.confirmed order.shipped order.delivered order.cancelled payment.confirmed payment.failed"),
];

/// Compares the rows of the document with the list of requirements and with the tests that are there.
pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    match tree.get(DOC) {
        Some(text) => [rows_are_proven(tree, text), all_are_there(text)].concat(),
        None => vec![format!("{DOC}: missing")],
    }
}

/// How much is there, for the summary.
pub(super) fn count(tree: &Tree) -> String {
    let rows = tree.get(DOC).into_iter().flat_map(rows).filter(|row| !row.id().starts_with(SHARED));
    let proofs: Vec<_> = rows.map(|row| row.proof().is_some_and(|proof| proof.starts_with(LATER))).collect();
    let later = proofs.iter().filter(|is_later| **is_later).count();
    format!("{} requirements, {later} of them later", proofs.len())
}

struct Row<'a> {
    line: usize,
    cells: Vec<&'a str>,
}

impl<'a> Row<'a> {
    fn id(&self) -> &'a str {
        self.cells[0].trim_matches('`')
    }

    fn proof(&self) -> Option<&'a str> {
        self.cells.get(3).copied()
    }
}

/// The lines that begin with an id.
fn rows(text: &str) -> impl Iterator<Item = Row<'_>> {
    text.lines().enumerate().filter_map(|(at, line)| {
        let inside = line.strip_prefix("| ")?.strip_suffix(" |").filter(|inside| inside.starts_with('`'))?;
        Some(Row { line: at + 1, cells: inside.split(" | ").map(str::trim).collect() })
    })
}

fn rows_are_proven(tree: &Tree, text: &str) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for row in rows(text) {
        let place = format!("{DOC}:{}: {}", row.line, row.id());
        if let Some(first) = seen.insert(row.id(), row.line) {
            violations.push(format!("{place}: stands in line {first} too"));
        }
        let Some(proof) = row.proof().filter(|_| row.cells.len() == 4) else {
            violations.push(format!("{place}: a row has an id, what is asked, where it is, and its proof"));
            continue;
        };
        let spans = proof.split('`').skip(1).step_by(2);
        let proofs: Vec<&str> = spans.filter(|name| name.contains("::") || name.starts_with(SHARED)).collect();
        let is_later = proof.strip_prefix(LATER).is_some_and(|feature| feature.len() > 3);
        if proofs.is_empty() && !is_later {
            violations.push(format!("{place}: neither a test nor `{LATER}…`"));
        }
        let missing = proofs.iter().filter_map(|proof| {
            if proof.starts_with(SHARED) { not_shared(tree, text, proof, row.id()) } else { missing(tree, proof, row.id()) }
        });
        violations.extend(missing.map(|said| format!("{place}: {said}")));
    }
    violations
}

/// What is wrong with `end/of/a/path.rs::name_of_a_test`; a `.feature` has tags in place of names, a `.toml` keys.
fn missing(tree: &Tree, proof: &str, id: &str) -> Option<String> {
    let (end, name) = proof.split_once("::")?;
    let files: Vec<_> = tree.files().filter(|(path, _)| *path == end || path.ends_with(&format!("/{end}"))).collect();
    let [(path, text)] = files[..] else {
        return Some(format!("{} files end with {end}", files.len()));
    };
    let is_there = match path.rsplit_once('.') {
        Some((_, "rs")) => is_test(tree, text, name),
        Some((_, "feature")) => name == format!("@{id}") && words(text).contains(name),
        _ => words(text).contains(name),
    };
    (!is_there).then(|| format!("{path} has no test {name}"))
}

/// What is wrong with a proof that many rows share.
fn not_shared(tree: &Tree, doc: &str, proof: &str, id: &str) -> Option<String> {
    if proof == id || !rows(doc).any(|row| row.id() == proof) {
        return Some(format!("no row says what {proof} is"));
    }
    let is_listed = proof != COLUMNS_PROOF || tree.get(COLUMNS).is_some_and(|text| words(text).contains(id));
    (!is_listed).then(|| format!("{COLUMNS} does not look for this column"))
}

/// A function that is a test: by its attribute, or because a list of cases that are run names it.
fn is_test(tree: &Tree, text: &str, name: &str) -> bool {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let Some(at) = lines.iter().position(|line| line.contains(&format!("fn {name}("))) else {
        return false;
    };
    let mut attributes = lines[..at].iter().rev().take_while(|line| line.starts_with("#["));
    let by_attribute = attributes.any(|line| line.contains("test]") || line.contains("test("));
    by_attribute
        || listed(text).contains(name)
        || (text.contains("pub(super) async fn") && tree.get(SUITE).is_some_and(|list| words(list).contains(name)))
}

/// The suite that every store must pass names its cases.
const SUITE: &str = "crates/testkit/src/suite/mod.rs";

/// The names in `on_each_database![…]` and its like.
fn listed(text: &str) -> BTreeSet<&str> {
    let lists = text.split("\non_").skip(1).filter_map(|rest| rest.split_once("![")?.1.split(']').next());
    lists.flat_map(|list| list.split(',')).map(str::trim).collect()
}

fn words(text: &str) -> BTreeSet<&str> {
    text.split(|letter: char| letter.is_whitespace() || "\"',;()[]=".contains(letter)).collect()
}

fn all_are_there(text: &str) -> Vec<Violation> {
    let there: BTreeSet<&str> = rows(text).map(|row| row.id()).collect();
    let numbered = NUMBERED.iter().flat_map(|(prefix, last)| (1..=*last).map(move |number| format!("{prefix}{number}")));
    let named = NAMED.iter().flat_map(|(prefix, names)| names.split_whitespace().map(move |name| format!("{prefix}{name}")));
    let wanted = numbered.chain(named);
    wanted.filter(|id| !there.contains(id.as_str())).map(|id| format!("{DOC}: {id} has no row")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const E2E: &str =
        "//! x\n\non_each_database![\n    it_holds,\n    so_does_this\n];\n\nasync fn it_holds(d: &D) {}\nasync fn helper() {}\n";
    const UNIT: &str = "fn product() {}\n#[test]\n#[expect(x)]\nfn two_is_two() {}\n#[tokio::test(flavor = \"x\")]\nasync fn it_waits() {}";

    fn tree(doc: &str) -> Tree {
        Tree::of(&[
            (DOC, doc),
            ("crates/server/tests/e2e/placing.rs", E2E),
            ("crates/a/src/lib.rs", UNIT),
            ("crates/b/src/lib.rs", UNIT),
            ("crates/server/tests/features/x.feature", "@X-1 @slow\nScenario: y"),
            (SUITE, "guards:\n  a_case;"),
            ("crates/testkit/src/suite/guards.rs", "pub(super) async fn a_case() {}\npub(super) async fn no_case() {}"),
            (COLUMNS, "\nX-1  orders.id uuid"),
        ])
    }

    fn found(rows: &str) -> Vec<Violation> {
        let tree = tree(rows);
        rows_are_proven(&tree, tree.get(DOC).unwrap())
    }

    fn proven_by(proof: &str) -> usize {
        found(&format!("| id | asked | where | proof |\n|---|---|---|---|\n| `X-1` | y | z | {proof} |")).len()
    }

    #[test]
    fn a_test_that_is_there_proves_and_another_does_not() {
        for (proof, violations) in [
            ("`e2e/placing.rs::it_holds`", 0),
            ("`crates/server/tests/e2e/placing.rs::it_holds`, on both", 0),
            ("`placing.rs::it_holds`", 0),
            ("`acing.rs::it_holds`", 1),
            ("`e2e/placing.rs::helper`", 1),
            ("`e2e/placing.rs::so_does_this`", 1),
            ("`e2e/placing.rs::it_hold`", 1),
            ("`e2e/gone.rs::it_holds`", 1),
            ("`lib.rs::two_is_two`", 1),
            ("`a/src/lib.rs::two_is_two`", 0),
            ("`a/src/lib.rs::it_waits`", 0),
            ("`a/src/lib.rs::product`", 1),
            ("`suite/guards.rs::a_case`", 0),
            ("`suite/guards.rs::no_case`", 1),
            ("`features/x.feature::@X-1`", 0),
            ("`features/x.feature::@slow`", 1),
            ("`features/x.feature::@X-2`", 1),
            ("`proof:none`", 1),
            ("`proof:columns`", 1),
            ("`e2e/placing.rs::it_holds`, `e2e/placing.rs::gone`", 1),
            ("later: carts", 0),
            ("later: ", 1),
            ("some day", 1),
            ("`it_holds`", 1),
        ] {
            assert_eq!(proven_by(proof), violations, "{proof}");
        }
    }

    #[test]
    fn a_field_that_no_store_is_asked_for_is_found() {
        let shared = "| `proof:columns` | y | z | `a/src/lib.rs::two_is_two` |\n";
        assert_eq!(found(&format!("{shared}| `X-1` | y | z | `proof:columns` |")), [""; 0]);
        assert_eq!(found(&format!("{shared}| `X-2` | y | z | `proof:columns` |")).len(), 1);
        assert_eq!(found("| `proof:x` | y | z | `proof:x` |").len(), 1);
    }

    #[test]
    fn a_row_without_all_cells_and_a_doubled_id_are_found() {
        assert_eq!(found("| `X-1` | y | later: carts |").len(), 1);
        assert_eq!(found("| `X-1` | y | z | later: carts | more |").len(), 1);
        let doubled = found("| `X-1` | y | z | later: carts |\n| `X-1` | y | z | later: carts |");
        assert_eq!(doubled, ["docs/requirements.md:2: X-1: stands in line 1 too"]);
    }

    #[test]
    fn a_requirement_without_a_row_is_found() {
        let all = all_are_there("");
        assert!(all.len() > 350, "{}", all.len());
        assert!(all.contains(&"docs/requirements.md: PRD004-FR-5.4 has no row".to_owned()));
        assert!(all.contains(&"docs/requirements.md: SCHEMA-orders-subtotal has no row".to_owned()));
        let left = all_are_there("| `PRD004-FR-5.4` | y | z | later: carts |");
        assert_eq!(left.len(), all.len() - 1);
        assert_eq!(check(&Tree::of(&[])), ["docs/requirements.md: missing"]);
    }
}
