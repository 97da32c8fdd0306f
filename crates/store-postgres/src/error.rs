//! What an error of the driver means: who was first, who is wrong, what is not known.

use std::error::Error as _;
use std::fmt::Write as _;
use std::time::Duration;

use deadpool_postgres::{HookError, PoolError};
use engine::port::{SaveError, Unavailable};
use tokio_postgres::Error;
use tokio_postgres::error::{DbError, Severity};

use crate::opening::Keeper;

/// Why reading or connecting went wrong.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The driver or the server says so.
    #[error("{}", said(.0))]
    Driver(#[from] Error),
    /// A row holds what this binary does not know.
    #[error("column {column} holds {stored:?}, which this ordo cannot read")]
    Unreadable {
        /// Which column.
        column: String,
        /// What it holds.
        stored: String,
    },
    /// Nobody answered.
    #[error("no answer from the database within {0:?}")]
    Silent(Duration),
    /// No connection could be had from the pool.
    #[error("no connection to the database: {0}")]
    NoConnection(String),
}

impl Failure {
    /// Why the pool gave no connection.
    pub(crate) fn from_pool(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => Self::Driver(error),
            other => Self::NoConnection(other.to_string()),
        }
    }

    /// Whether a new connection may help: this one is gone, or does not know what it was prepared for.
    pub(crate) fn is_of_the_connection(&self) -> bool {
        match self {
            Self::Driver(error) => error.as_db_error().map_or_else(|| is_cut(error), ends_connection),
            Self::Silent(_) | Self::Unreadable { .. } | Self::NoConnection(_) => false,
        }
    }
}

impl From<Failure> for Unavailable {
    fn from(failure: Failure) -> Self {
        Self::new(failure)
    }
}

/// Whether the connection is gone, as opposed to a value that could not be written or read.
fn is_cut(error: &Error) -> bool {
    error.is_closed() || error.source().is_some_and(<dyn std::error::Error>::is::<std::io::Error>)
}

/// Whether the connection must be given up after this answer.
fn ends_connection(said: &DbError) -> bool {
    let code = said.code().code();
    is_fatal(said) || matches!(code, UNKNOWN_STATEMENT | STALE_PLAN)
}

fn is_fatal(said: &DbError) -> bool {
    // A pooler says it in the old way only, which a server translates.
    matches!(said.parsed_severity(), Some(Severity::Fatal | Severity::Panic)) || matches!(said.severity(), "FATAL" | "PANIC")
}

/// `ordo_expect` of the migrations: a guarded statement changed fewer rows than it was given.
const VERSION_GUARD: &str = "OR001";
/// The server has forgotten a prepared statement.
const UNKNOWN_STATEMENT: &str = "26000";
/// Another client has prepared a statement by this name on what seems to be our connection.
const DUPLICATE_STATEMENT: &str = "42P05";
/// A migration has changed what a prepared statement gives.
const STALE_PLAN: &str = "0A000";

/// What the server or the driver said, in one line.
pub(crate) fn said(error: &Error) -> String {
    if let Some(said) = error.as_db_error() {
        let place = said.constraint().or_else(|| said.table()).map(|place| format!("{place}: ")).unwrap_or_default();
        let code = said.code().code();
        return format!("{place}{} (SQLSTATE {code}){}", said.message(), advice(code));
    }
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let _ = write!(text, ": {cause}");
        source = cause.source();
    }
    text
}

/// What to do about it, where the server's words do not tell.
fn advice(code: &str) -> &'static str {
    match code {
        UNKNOWN_STATEMENT | DUPLICATE_STATEMENT => {
            "; a pooler that shares connections by the transaction must know prepared statements: pgbouncer 1.21 or newer, with \
             max_prepared_statements = 200"
        }
        _ => "",
    }
}

/// What it means that a statement before COMMIT was answered with an error: nothing was saved, for this reason.
pub(crate) fn not_saved(said: &DbError) -> SaveError {
    let code = said.code().code();
    let place = said.constraint().or_else(|| said.table()).unwrap_or(code);
    match code {
        "23505" | "23514" | "23P01" | "40001" | "40P01" | "55P03" | VERSION_GUARD => SaveError::Lost(place.into()),
        // The engine decides again; the session connects anew and prepares its statements for the schema as it is.
        UNKNOWN_STATEMENT | STALE_PLAN => SaveError::Lost(format!("the connection's prepared statements ({code})").into()),
        _ if is_fatal(said) || is_of_the_server(code) => {
            SaveError::Unavailable(Unavailable::new(format_args!("{} (SQLSTATE {code})", said.message())))
        }
        _ => SaveError::Rejected(format!("{place}: {} (SQLSTATE {code})", said.message()).into()),
    }
}

/// Whether the server is to blame and not the rows: connection, read-only, rights or schema, resources, operator, system.
fn is_of_the_server(code: &str) -> bool {
    ["08", "25", "42", "53", "57", "58", "F0", "XX"].iter().any(|class| code.starts_with(class))
}

/// How a save ended whose statements were answered with `error`.
///
/// A server that ends the connection says so in the place of an answer: it has not come to COMMIT. A pooler that lost its server
/// says so at any time, and COMMIT may long have arrived there.
pub(crate) fn before_commit(error: &Error, keeper: Keeper) -> SaveError {
    match error.as_db_error() {
        Some(told) if keeper == Keeper::Pooler && (is_fatal(told) || told.code().code().starts_with("08")) => {
            SaveError::Unknown(said(error).into())
        }
        Some(said) => not_saved(said),
        None => SaveError::Unknown(said(error).into()),
    }
}

/// How a save ended whose COMMIT was answered with `error`.
///
/// A connection that is ended by the server during COMMIT tells nothing: the transaction may have been made durable first.
pub(crate) fn at_commit(error: &Error) -> SaveError {
    match error.as_db_error() {
        Some(said) if !is_fatal(said) => not_saved(said),
        _ => SaveError::Unknown(said(error).into()),
    }
}

/// Whether the connection cannot be used after this error.
pub(crate) fn spoils_connection(error: &Error) -> bool {
    error.as_db_error().is_none_or(ends_connection)
}
