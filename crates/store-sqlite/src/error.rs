//! What an error of SQLite means to the engine and to an operator.

use engine::port::{SaveError, Unavailable};
use rusqlite::ffi;
use rusqlite::{Error, ErrorCode};

use crate::connection::OpenError;

/// Why a save stopped before its COMMIT.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// SQLite said so.
    Sql(Error),
    /// A row did not have the expected version.
    Version(&'static str),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Sql(error)
    }
}

/// That a guarded statement changed its one row.
pub(crate) fn one_row(changed: usize, table: &'static str) -> Result<(), Trouble> {
    if changed == 1 { Ok(()) } else { Err(Trouble::Version(table)) }
}

impl Trouble {
    /// What the engine is told. The transaction was rolled back: nothing was saved.
    pub(crate) fn into_save_error(self) -> SaveError {
        let error = match self {
            Self::Version(table) => return SaveError::Lost(format!("the version of a row of {table}").into()),
            Self::Sql(error) => error,
        };
        let Error::SqliteFailure(code, message) = &error else {
            return SaveError::Rejected(error.to_string().into());
        };
        let message = message.as_deref().unwrap_or("no message");
        match (code.code, code.extended_code) {
            (_, ffi::SQLITE_CONSTRAINT_CHECK) if is_about_form(message) => SaveError::Rejected(message.into()),
            (_, ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_CHECK) => {
                SaveError::Lost(message.into())
            }
            (ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::TooBig, _) => SaveError::Rejected(message.into()),
            _ => SaveError::Unavailable(unavailable_sql(&error)),
        }
    }
}

/// Whether a CHECK looks at one value alone: no neighbour can have caused it, and none will cure it.
fn is_about_form(message: &str) -> bool {
    message.contains("json_valid(") || message.contains("length(")
}

/// That the file could not be opened, in a sentence that an operator understands.
pub(crate) fn unavailable(error: &OpenError) -> Unavailable {
    match error {
        OpenError::Folder(_) => Unavailable::new(error),
        OpenError::Sql(error) => unavailable_sql(error),
    }
}

/// That the database cannot be used, in a sentence that an operator understands.
pub(crate) fn unavailable_sql(error: &Error) -> Unavailable {
    let Some(code) = error.sqlite_error_code() else {
        return Unavailable::new(format_args!("SQLite: {error}"));
    };
    let sentence = match code {
        ErrorCode::DiskFull => "the disk of the database is full: make room; nothing else needs to be done",
        ErrorCode::SystemIoFailure => "the disk of the database does not take or give data: look at its health, quota and room",
        ErrorCode::CannotOpen => "the database file cannot be opened: look at its path and at who may read and write it",
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied => {
            "the database file or its folder cannot be written to: look at their permissions"
        }
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => "the database file is damaged or is none: restore it from a backup",
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
            "another process keeps the database locked: look for a second ordo or an open sqlite3 shell"
        }
        _ => return Unavailable::new(format_args!("SQLite: {error}")),
    };
    Unavailable::new(format_args!("{sentence} (SQLite: {error})"))
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    #[test]
    fn what_a_neighbour_can_cause_is_a_lost_race_and_what_he_cannot_is_refused() {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(
            "create table one (id blob primary key not null check (length(id) = 1), n integer check (n > 0), text text check (json_valid(text)),
                 number integer unique) strict, without rowid;
             insert into one values (x'01', 1, '{}', 1)",
        )
        .unwrap();
        for (values, expected) in [
            ("x'01', 1, '{}', 2", "lost UNIQUE constraint failed: one.id"),
            ("x'02', 1, '{}', 1", "lost UNIQUE constraint failed: one.number"),
            ("x'02', 0, '{}', 2", "lost CHECK constraint failed: n > 0"),
            ("x'02', 1, '{', 2", "rejected CHECK constraint failed: json_valid(text)"),
            ("x'0203', 1, '{}', 2", "rejected CHECK constraint failed: length(id) = 1"),
            ("null, 1, '{}', 2", "rejected NOT NULL constraint failed: one.id"),
            ("x'02', 'a', '{}', 2", "rejected cannot store TEXT value in INTEGER column one.n"),
        ] {
            let error = db.execute(&format!("insert into one values ({values})"), []).unwrap_err();
            let said = match Trouble::Sql(error).into_save_error() {
                SaveError::Lost(why) => format!("lost {why}"),
                SaveError::Rejected(why) => format!("rejected {why}"),
                other => format!("{other:?}"),
            };
            assert_eq!(said, expected, "{values}");
        }
    }

    #[test]
    fn an_operator_is_told_what_to_do() {
        for (code, expected) in [
            (ffi::SQLITE_FULL, "the disk of the database is full"),
            (ffi::SQLITE_IOERR_WRITE, "look at its health, quota and room"),
            (ffi::SQLITE_CANTOPEN, "look at its path"),
            (ffi::SQLITE_READONLY, "cannot be written to"),
            (ffi::SQLITE_CORRUPT, "restore it from a backup"),
            (ffi::SQLITE_BUSY, "look for a second ordo"),
        ] {
            let said = unavailable_sql(&Error::SqliteFailure(ffi::Error::new(code), None)).to_string();
            assert!(said.contains(expected), "{said}");
        }
    }
}
