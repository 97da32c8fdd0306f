//! Who keeps the settings of a connection, and how its transactions are opened.
//!
//! A server keeps what its session was told. A pooler that hands out connections by the transaction, such as pgbouncer, keeps
//! nothing: the next transaction may be on another connection, and somebody else finds there what this client has set. Behind
//! a pooler every transaction brings its own settings, and they end with it.

use tokio_postgres::{Client, Error};

use crate::access::Options;

/// Who keeps what a connection was told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Keeper {
    /// The server: the session is ours.
    Server,
    /// Nobody: each transaction may be on another connection.
    Pooler,
}

/// Asks whether the server knows this very statement by the name that the driver gave it.
///
/// A pooler that shares connections has to give statements names of its own: two clients may use one name for two statements.
const KNOWN_BY_ITS_NAME: &str = "
    select exists (select from pg_prepared_statements where name ~ '^s[0-9]+$' and statement like '%known_by_its_name%') as known_by_its_name";

/// Finds out who keeps what this connection is told.
pub(crate) async fn keeper(client: &Client) -> Result<Keeper, Error> {
    let known = client.query_one(&client.prepare(KNOWN_BY_ITS_NAME).await?, &[]).await?;
    Ok(if known.try_get(0)? { Keeper::Server } else { Keeper::Pooler })
}

/// How the transactions of a connection are opened.
#[derive(Clone, Debug)]
pub(crate) struct Opening {
    /// Who keeps the settings.
    pub(crate) keeper: Keeper,
    /// For what is written.
    ///
    /// Outside of it a session of ours is read-only: should BEGIN itself fail, what follows cannot be saved piece by piece.
    /// Behind a pooler, BEGIN is waited for.
    pub(crate) write: String,
    /// For several statements that see one moment.
    pub(crate) snapshot: String,
    /// For drawing numbers. A draw is no promise: that it is durable before the order is, is enough. The order's own COMMIT
    /// sees to that.
    pub(crate) draw: String,
    /// What a transaction that was opened otherwise is told first.
    pub(crate) settings: String,
}

impl Opening {
    /// Of a writer's connection.
    pub(crate) fn of_writer(options: Options, keeper: Keeper) -> Self {
        Self::with(&options.writer_settings(), keeper)
    }

    /// Of a connection of the pool.
    pub(crate) fn of_reader(options: Options, keeper: Keeper) -> Self {
        Self::with(&options.reader_settings(), keeper)
    }

    fn with(settings: &[String], keeper: Keeper) -> Self {
        let own = match keeper {
            Keeper::Server => String::new(),
            Keeper::Pooler => told("set local", settings),
        };
        Self {
            keeper,
            write: format!("begin isolation level read committed read write; {own}"),
            snapshot: format!("begin isolation level repeatable read read only; {own}"),
            draw: format!("begin isolation level read committed read write; {own}set local synchronous_commit = off"),
            settings: own,
        }
    }
}

/// One statement for each setting.
pub(crate) fn told(how: &str, settings: &[String]) -> String {
    settings.iter().flat_map(|setting| [how, " ", setting, "; "]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn behind_a_pooler_every_transaction_brings_its_settings_and_leaves_none() {
        let options = Options::default();
        for opening in [Opening::of_writer(options, Keeper::Pooler), Opening::of_reader(options, Keeper::Pooler)] {
            for text in [&opening.write, &opening.snapshot, &opening.draw] {
                assert!(text.contains("set local statement_timeout = ") && text.contains("set local plan_cache_mode = "), "{text}");
                let kept = text.split("; ").filter(|statement| statement.starts_with("set ") && !statement.starts_with("set local "));
                assert_eq!(kept.collect::<Vec<_>>(), [""; 0], "{text}");
            }
        }
    }

    #[test]
    fn a_session_of_ours_is_told_once() {
        let opening = Opening::of_writer(Options::default(), Keeper::Server);
        assert_eq!(opening.write, "begin isolation level read committed read write; ");
    }
}
