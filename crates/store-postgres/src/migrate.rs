//! Brings the schema up to what this binary knows, one instance at a time; tells whether it fits.

use async_trait::async_trait;
use engine::port::{Schema, SchemaTrouble, Unavailable};
use engine::schema::{Applied, Known, Migration, SchemaError, checksum};
use tokio_postgres::{Client, Row, Transaction};

use crate::PostgresStore;
use crate::error::said;

/// Every step of the schema. Forward only; a step that was published is never edited.
pub const KNOWN: Known = Known(&[
    Migration { number: 1, name: "core", sql: include_str!("../migrations/0001_core.sql"), min_binary: 1 },
    Migration { number: 2, name: "after_payment", sql: include_str!("../migrations/0002_after_payment.sql"), min_binary: 1 },
    Migration { number: 3, name: "carts", sql: include_str!("../migrations/0003_carts.sql"), min_binary: 1 },
    Migration { number: 4, name: "checkouts", sql: include_str!("../migrations/0004_checkouts.sql"), min_binary: 1 },
    Migration { number: 5, name: "holds", sql: include_str!("../migrations/0005_holds.sql"), min_binary: 1 },
]);

/// The oldest server: 15.0, as `server_version_num` counts.
const SERVER_VERSION_MIN: i32 = 150_000;

/// A number of our own in the one space of advisory locks: "ordo" in ASCII, then 1.
const LOCK: i64 = 0x6f72_646f_0000_0001;

const TABLE: &str = "
    create table if not exists schema_migration (
        number      integer primary key check (number > 0),
        name        text not null,
        checksum    text not null,
        min_binary  integer not null,
        applied_at  timestamptz not null default now(),
        applied_by  text not null
    )";

const TABLE_IS_THERE: &str = "select to_regclass('schema_migration') is not null";
const APPLIED: &str = "select number, checksum, min_binary from schema_migration order by number";
const RECORD: &str = "insert into schema_migration (number, name, checksum, min_binary, applied_by) values ($1, $2, $3, $4, $5)";

/// Why nothing was done.
fn trouble(reason: impl std::fmt::Display) -> SchemaTrouble {
    SchemaTrouble::Unavailable(Unavailable::new(reason))
}

fn driver(error: &tokio_postgres::Error) -> SchemaTrouble {
    trouble(said(error))
}

#[async_trait]
impl Schema for PostgresStore {
    async fn migrate(&self) -> Result<Vec<i32>, SchemaTrouble> {
        let mut connected = self.access.connect("ordo-migrate").await.map_err(trouble)?;
        let client = &mut connected.client;
        check_server(client).await?;
        let mut taken = Vec::new();
        while let Some(step) = take_next(client).await? {
            tracing::info!(number = step.number, name = step.name, "applied a migration");
            taken.push(step.number);
        }
        Ok(taken)
    }

    async fn missing(&self) -> Result<Vec<i32>, SchemaTrouble> {
        let connected = self.access.connect("ordo-check").await.map_err(trouble)?;
        check_server(&connected.client).await?;
        let missing = missing(&connected.client).await.map_err(|error| driver(&error))??;
        Ok(missing.iter().map(|step| step.number).collect())
    }
}

/// Takes the next missing step, if there is one, while every other instance waits.
///
/// The lock is the transaction's: a session's would outlive us behind a pooler, on a connection that others are then given.
async fn take_next(client: &mut Client) -> Result<Option<&'static Migration>, SchemaTrouble> {
    let transaction = client.transaction().await.map_err(|error| driver(&error))?;
    transaction.execute("select pg_advisory_xact_lock($1)", &[&LOCK]).await.map_err(|error| driver(&error))?;
    transaction.batch_execute(TABLE).await.map_err(|error| driver(&error))?;
    let applied = applied(transaction.client()).await.map_err(|error| driver(&error))?;
    let step = KNOWN.missing(&applied)?.first();
    if let Some(step) = step {
        let Migration { number, name, .. } = *step;
        take(&transaction, step)
            .await
            .map_err(|error| trouble(format_args!("migration {number} ({name}) was rolled back: {}", said(&error))))?;
    }
    transaction.commit().await.map_err(|error| driver(&error))?;
    Ok(step)
}

async fn take(transaction: &Transaction<'_>, step: &Migration) -> Result<(), tokio_postgres::Error> {
    transaction.batch_execute(step.sql).await?;
    let by = concat!("ordo ", env!("CARGO_PKG_VERSION"));
    transaction.execute(RECORD, &[&step.number, &step.name, &checksum(step.sql), &step.min_binary, &by]).await?;
    Ok(())
}

async fn check_server(client: &Client) -> Result<(), SchemaTrouble> {
    let row = client
        .query_one("select current_setting('server_version_num')::integer, current_setting('server_version')", &[])
        .await
        .map_err(|error| driver(&error))?;
    let (number, version): (i32, &str) = (row.get(0), row.get(1));
    Ok(fits(number, version)?)
}

fn fits(number: i32, version: &str) -> Result<(), SchemaError> {
    if number < SERVER_VERSION_MIN {
        return Err(SchemaError::ServerTooOld { needed: "PostgreSQL 15", found: version.into() });
    }
    Ok(())
}

async fn applied(client: &Client) -> Result<Vec<Applied>, tokio_postgres::Error> {
    let read = |row: &Row| Ok(Applied { number: row.try_get(0)?, checksum: row.try_get(1)?, min_binary: row.try_get(2)? });
    client.query(APPLIED, &[]).await?.iter().map(read).collect()
}

/// The steps that the database still needs.
pub(crate) async fn missing(client: &Client) -> Result<Result<&'static [Migration], SchemaError>, tokio_postgres::Error> {
    let is_there = client.query_one(TABLE_IS_THERE, &[]).await?.try_get(0)?;
    let applied = if is_there { applied(client).await? } else { Vec::new() };
    Ok(KNOWN.missing(&applied))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_before_15_is_refused_with_its_version() {
        for (number, version, expected) in [
            (140_018, "14.18", Some("PostgreSQL 15 or newer is needed, and this is 14.18")),
            (90_624, "9.6.24", Some("PostgreSQL 15 or newer is needed, and this is 9.6.24")),
            (150_000, "15.0", None),
            (180_004, "18.4", None),
        ] {
            assert_eq!(fits(number, version).err().map(|error| error.to_string()).as_deref(), expected);
        }
    }
}
