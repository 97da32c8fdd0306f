//! The schema of a live file has what the requirements ask for, and refuses what they forbid.

use rusqlite::{Connection, Row};
use testkit::columns::Found;
use testkit::trials::Dialect;

use crate::support::{Folder, store};

/// An index or a key, by its first column.
struct Index {
    first: String,
    columns: usize,
    is_unique: bool,
}

/// The rows of a query.
fn rows<T>(db: &Connection, sql: &str, read: impl Fn(&Row<'_>) -> rusqlite::Result<T>) -> Vec<T> {
    let mut statement = db.prepare(sql).expect("the pragma is SQL");
    let found = statement.query_map([], |row| read(row)).expect("it takes no parameter");
    found.map(|row| row.expect("a row has these columns")).collect()
}

fn indexes(db: &Connection, table: &str) -> Vec<Index> {
    let listed = rows(db, &format!("select name, \"unique\" from pragma_index_list('{table}')"), |row| Ok((row.get(0)?, row.get(1)?)));
    listed
        .into_iter()
        .map(|(name, is_unique): (String, bool)| {
            let columns: Vec<String> = rows(db, &format!("select name from pragma_index_info('{name}')"), |row| row.get(0));
            Index { first: columns[0].clone(), columns: columns.len(), is_unique }
        })
        .collect()
}

/// What a column holds: SQLite's type, and what the CHECK beside it narrows.
fn kind(sql: &str, column: &str, declared: &str, wanted: &str) -> String {
    let line = sql.lines().map(str::trim).find(|line| line.split_whitespace().next() == Some(column)).unwrap_or_default();
    let length = |sign: &str| {
        let (_, rest) = line.split_once(&format!("check (length({column}) {sign} "))?;
        rest.split(')').next().map(str::to_owned)
    };
    match declared {
        // A reference has what the key has that it refers to.
        "BLOB" if length("=").as_deref() == Some("16") || line.contains(" references orders (order_id)") => "uuid".to_owned(),
        "TEXT" => match length("<=").or_else(|| length("=")) {
            Some(most) => format!("text({most})"),
            None if wanted == "json" => "json".to_owned(),
            None => "text".to_owned(),
        },
        // SQLite knows whole numbers only by this name; which of them are amounts, moments and flags is ours to say.
        "INTEGER" if matches!(wanted, "money" | "whole" | "flag" | "time") => wanted.to_owned(),
        other => other.to_owned(),
    }
}

/// The columns of every table that is asked about.
fn columns(db: &Connection) -> Vec<Found> {
    let wanted = testkit::columns::wanted();
    wanted
        .iter()
        .flat_map(|wanted| {
            let table = wanted.table;
            let sql: String =
                db.query_row("select sql from sqlite_master where name = ?1", [table], |row| row.get(0)).expect("the table is there");
            let indexes = indexes(db, table);
            let parents: Vec<(String, String)> = rows(
                db,
                &format!("select \"from\", \"table\" from pragma_foreign_key_list('{table}') where on_delete = 'CASCADE'"),
                |row| Ok((row.get(0)?, row.get(1)?)),
            );
            let info = format!("select name, type, \"notnull\", dflt_value, pk from pragma_table_info('{table}')");
            let of_table = rows(db, &info, |row| {
                let column: String = row.get(0)?;
                let key = |index: &&Index| index.first == column;
                Ok(Found {
                    table: table.to_owned(),
                    kind: if sql.starts_with("CREATE VIEW") || sql.starts_with("create view") {
                        // A view has the columns of its table; SQLite does not say their checks.
                        wanted.kind.to_owned()
                    } else {
                        kind(&sql, &column, &row.get::<_, String>(1)?, wanted.kind)
                    },
                    is_required: row.get(2)?,
                    is_unique: indexes.iter().filter(key).any(|index| index.is_unique && index.columns == 1),
                    is_indexed: indexes.iter().any(|index| key(&index)),
                    default: row.get(3)?,
                    parent: parents.iter().find(|(from, _)| *from == column).map(|(_, to)| to.clone()),
                    column,
                })
            });
            of_table.into_iter().filter(|found| found.column == wanted.column)
        })
        .collect()
}

#[tokio::test]
async fn every_column_is_as_the_requirements_have_it() {
    let folder = Folder::fresh();
    store(&folder.file()).await;
    testkit::columns::check(&columns(&Connection::open(folder.file()).unwrap()));
}

#[tokio::test]
async fn the_schema_refuses_what_makes_no_sense_and_fills_in_what_is_left_out() {
    let folder = Folder::fresh();
    store(&folder.file()).await;
    let db = Connection::open(folder.file()).unwrap();
    db.pragma_update(None, "foreign_keys", true).unwrap();
    let dialect = Dialect { uuid: |number| format!("x'{number:032x}'"), now: "0" };
    let run = async |sql: &str| db.execute(sql, []).map(|_| ()).map_err(|error| error.to_string());
    let count = async |sql: &str| db.query_row(sql, [], |row| row.get(0)).unwrap();
    testkit::trials::play(dialect, run, count).await;
}
