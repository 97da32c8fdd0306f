//! How values stand in columns, and how they are read in the order in which a SELECT names them.

use domain::ids::Uuid;
use domain::money::Currency;
use domain::time::Time;
use rusqlite::types::{FromSql, Type};
use rusqlite::{Error, Result, Row};

/// A row whose columns are read from the left to the right.
pub(crate) struct Cells<'r> {
    row: &'r Row<'r>,
    next: usize,
}

impl<'r> Cells<'r> {
    /// Begins at the first column.
    pub(crate) fn of(row: &'r Row<'r>) -> Self {
        Self { row, next: 0 }
    }

    /// The next column as it is.
    pub(crate) fn get<T: FromSql>(&mut self) -> Result<T> {
        let at = self.next;
        self.next += 1;
        self.row.get(at)
    }

    /// The next column as an id.
    pub(crate) fn id<T: From<Uuid>>(&mut self) -> Result<T> {
        self.get().map(|bytes| Uuid::from_bytes(bytes).into())
    }

    /// The next column as an id, if there is one.
    pub(crate) fn maybe_id<T: From<Uuid>>(&mut self) -> Result<Option<T>> {
        Ok(self.get::<Option<_>>()?.map(|bytes| Uuid::from_bytes(bytes).into()))
    }

    /// The next column as a moment.
    pub(crate) fn time(&mut self) -> Result<Time> {
        self.get().map(Time)
    }

    /// The next column as a moment, if there is one.
    pub(crate) fn maybe_time(&mut self) -> Result<Option<Time>> {
        Ok(self.get::<Option<_>>()?.map(Time))
    }

    /// The next column as what `read` makes of its text.
    pub(crate) fn read<T>(&mut self, read: impl FnOnce(&str) -> Option<T>) -> Result<T> {
        let at = self.next;
        self.next += 1;
        let text = self.row.get_ref(at)?.as_str()?;
        read(text).ok_or_else(|| Error::FromSqlConversionFailure(at, Type::Text, format!("{text:?} is not known").into()))
    }

    /// The next column as one of `all`.
    pub(crate) fn word<T: Copy>(&mut self, all: &[T], as_str: impl Fn(T) -> &'static str) -> Result<T> {
        self.read(|text| all.iter().copied().find(|word| as_str(*word) == text))
    }

    /// The same where there may be none.
    pub(crate) fn maybe_word<T: Copy>(&mut self, all: &[T], as_str: impl Fn(T) -> &'static str) -> Result<Option<T>> {
        let at = self.next;
        let Some(text) = self.get::<Option<String>>()? else { return Ok(None) };
        let word = all.iter().copied().find(|word| as_str(*word) == text);
        word.map(Some).ok_or_else(|| Error::FromSqlConversionFailure(at, Type::Text, format!("{text:?} is not known").into()))
    }

    /// That the row contradicts itself.
    pub(crate) fn broken(&self, why: &str) -> Error {
        Error::FromSqlConversionFailure(self.next, Type::Null, why.into())
    }

    /// The next column as a currency.
    pub(crate) fn currency(&mut self) -> Result<Currency> {
        self.read(Currency::from_code)
    }

    /// The next column as a currency, if there is one.
    pub(crate) fn maybe_currency(&mut self) -> Result<Option<Currency>> {
        let at = self.next;
        let Some(code) = self.get::<Option<String>>()? else { return Ok(None) };
        let currency = Currency::from_code(&code);
        currency.map(Some).ok_or_else(|| Error::FromSqlConversionFailure(at, Type::Text, format!("{code:?} is not known").into()))
    }

    /// The next column as a UUID that is kept as text, if there is one.
    pub(crate) fn maybe_id_text<T: From<Uuid>>(&mut self) -> Result<Option<T>> {
        let at = self.next;
        let Some(text) = self.get::<Option<String>>()? else { return Ok(None) };
        let id = text.parse::<Uuid>().map_err(|error| Error::FromSqlConversionFailure(at, Type::Text, error.into()))?;
        Ok(Some(id.into()))
    }
}

/// Milliseconds for a column.
pub(crate) fn ms(time: Option<Time>) -> Option<i64> {
    time.map(|time| time.0)
}
