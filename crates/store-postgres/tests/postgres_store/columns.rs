//! The schema of a live database has what the requirements ask for, and refuses what they forbid.

use testkit::columns::Found;
use testkit::trials::Dialect;
use tokio_postgres::{Client, Row};

use crate::database::Database;

/// Columns with their types, keys, indexes and parents, as the catalogue tells them.
const COLUMNS: &str = "
    select c.relname as table_name, a.attname as column_name, format_type(a.atttypid, a.atttypmod) as kind, a.attnotnull as is_required,
           pg_get_expr(d.adbin, d.adrelid) as written,
           exists (select from pg_index i where i.indrelid = c.oid and i.indisunique and i.indnkeyatts = 1 and i.indkey[0] = a.attnum) as is_unique,
           exists (select from pg_index i where i.indrelid = c.oid and i.indkey[0] = a.attnum) as is_indexed,
           (select f.confrelid::regclass::text from pg_constraint f
             where f.conrelid = c.oid and f.contype = 'f' and f.confdeltype = 'c' and f.conkey = array[a.attnum]) as parent
    from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
    where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'v')";

/// PostgreSQL's type in the words of the requirements. Amounts are `bigint`: minor units.
fn kind(declared: &str, column: &str) -> String {
    let length = declared.strip_prefix("character varying(").and_then(|rest| rest.strip_suffix(')'));
    match (declared, length) {
        (_, Some(most)) => format!("text({most})"),
        ("uuid" | "text", _) => declared.to_owned(),
        ("json" | "jsonb", _) => "json".to_owned(),
        ("boolean", _) => "flag".to_owned(),
        ("timestamp with time zone", _) => "time".to_owned(),
        ("bigint", _) if column.ends_with("amount") || matches!(column, "subtotal" | "shipping_fee" | "unit_price") => "money".to_owned(),
        ("integer" | "bigint", _) => "whole".to_owned(),
        (other, _) => other.to_owned(),
    }
}

fn found(row: &Row) -> Found {
    let column: String = row.get("column_name");
    Found {
        table: row.get("table_name"),
        kind: kind(row.get("kind"), &column),
        is_required: row.get("is_required"),
        is_unique: row.get("is_unique"),
        is_indexed: row.get("is_indexed"),
        default: row.get("written"),
        parent: row.get("parent"),
        column,
    }
}

#[tokio::test]
async fn every_column_is_as_the_requirements_have_it() {
    let database = Database::fresh().await;
    let rows = database.client().await.query(COLUMNS, &[]).await.expect("the catalogue can be read");
    testkit::columns::check(&rows.iter().map(found).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_schema_refuses_what_makes_no_sense_and_fills_in_what_is_left_out() {
    let database = Database::fresh().await;
    let client: Client = database.client().await;
    let dialect = Dialect { uuid: |number| format!("uuid '00000000-0000-0000-0000-{number:012x}'"), now: "now()" };
    let run = async |sql: &str| client.batch_execute(sql).await.map_err(|error| format!("{error:?}"));
    let count = async |sql: &str| client.query_one(sql, &[]).await.expect("it counts").get(0);
    testkit::trials::play(dialect, run, count).await;
}

#[tokio::test]
async fn the_product_of_a_line_is_indexed() {
    let database = Database::fresh().await;
    let rows = database.client().await.query(COLUMNS, &[]).await.expect("the catalogue can be read");
    assert!(
        rows.iter()
            .map(found)
            .any(|column| (column.table.as_str(), column.column.as_str()) == ("order_item", "product_id") && column.is_indexed)
    );
}
