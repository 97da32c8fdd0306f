//! Brings the schema of the file up to date, step by step, and says whether this binary fits it.

use async_trait::async_trait;
use engine::port::{Schema, SchemaTrouble, Unavailable};
use engine::schema::{Applied, Known, Migration, checksum};
use rusqlite::{Connection, params};

use crate::SqliteStore;
use crate::error::unavailable_sql;
use crate::transaction::{Kind, Transaction};

/// The steps that this binary knows.
pub(crate) const KNOWN: Known = Known(&[
    Migration { number: 1, name: "core", sql: include_str!("../migrations/0001_core.sql"), min_binary: 1 },
    Migration { number: 2, name: "after_payment", sql: include_str!("../migrations/0002_after_payment.sql"), min_binary: 1 },
    Migration { number: 3, name: "carts", sql: include_str!("../migrations/0003_carts.sql"), min_binary: 1 },
    Migration { number: 4, name: "checkouts", sql: include_str!("../migrations/0004_checkouts.sql"), min_binary: 1 },
    Migration { number: 5, name: "holds", sql: include_str!("../migrations/0005_holds.sql"), min_binary: 1 },
]);

/// Who applied a step.
const BINARY: &str = concat!("ordo ", env!("CARGO_PKG_VERSION"));

#[async_trait]
impl Schema for SqliteStore {
    async fn migrate(&self) -> Result<Vec<i32>, SchemaTrouble> {
        self.write_once(|db| Ok(migrate(db))).await?
    }

    async fn missing(&self) -> Result<Vec<i32>, SchemaTrouble> {
        let applied = self.shared.readers.read(applied).await?;
        Ok(KNOWN.missing(&applied)?.iter().map(|step| step.number).collect())
    }
}

impl SqliteStore {
    /// Whether the schema is one that this binary can serve.
    pub(crate) async fn fits(&self) -> Result<(), Unavailable> {
        self.shared.log.sound()?;
        match self.missing().await.map_err(Unavailable::new)?.first() {
            None => Ok(()),
            Some(number) => Err(Unavailable::new(format_args!("the database lacks migration {number}: run `ordo migrate`"))),
        }
    }
}

fn migrate(db: &Connection) -> Result<Vec<i32>, SchemaTrouble> {
    let sql = |error: rusqlite::Error| SchemaTrouble::Unavailable(unavailable_sql(&error));
    // Taken before looking: whoever comes second finds the steps of the first.
    let transaction = Transaction::begin(db, Kind::Write).map_err(sql)?;
    db.execute_batch(
        "create table if not exists schema_migration (
             number      integer primary key not null,
             name        text not null,
             checksum    text not null check (length(checksum) = 64),
             min_binary  integer not null,
             applied_at  integer not null default (cast(unixepoch('subsec') * 1000 as integer)),
             applied_by  text not null
         ) strict",
    )
    .map_err(sql)?;
    let missing = KNOWN.missing(&applied(db).map_err(sql)?)?;
    for step in missing {
        tracing::info!(number = step.number, name = step.name, "migrating");
        db.execute_batch(step.sql).map_err(sql)?;
        db.execute(
            "insert into schema_migration (number, name, checksum, min_binary, applied_by) values (?, ?, ?, ?, ?)",
            params![step.number, step.name, checksum(step.sql), step.min_binary, BINARY],
        )
        .map_err(sql)?;
    }
    transaction.commit().map_err(sql)?;
    Ok(missing.iter().map(|step| step.number).collect())
}

/// The steps that the database has taken; none while it has no schema at all.
fn applied(db: &Connection) -> rusqlite::Result<Vec<Applied>> {
    // Not `table_exists`: it answers from the connection's own, older picture of the schema.
    if !db.prepare("select 1 from sqlite_schema where type = 'table' and name = 'schema_migration'")?.exists([])? {
        return Ok(Vec::new());
    }
    db.prepare("select number, checksum, min_binary from schema_migration order by number")?
        .query_map([], |row| Ok(Applied { number: row.get(0)?, checksum: row.get(1)?, min_binary: row.get(2)? }))?
        .collect()
}
