//! How values travel: moments as whole microseconds, tables as arrays of columns, rows read field by field.

use std::error::Error;
use std::sync::Arc;

use bytes::{BufMut as _, BytesMut};
use domain::money::Currency;
use domain::time::Time;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::error::Failure;

/// PostgreSQL counts from 2000-01-01T00:00:00Z.
const MS_FROM_1970_TO_2000: i64 = 946_684_800_000;

/// A moment as a `timestamptz`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Moment(pub(crate) Time);

impl ToSql for Moment {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        let ms = self.0.0.checked_sub(MS_FROM_1970_TO_2000);
        out.put_i64(ms.and_then(|ms| ms.checked_mul(1000)).ok_or("the moment is too far away")?);
        Ok(IsNull::No)
    }

    fn accepts(of: &Type) -> bool {
        *of == Type::TIMESTAMPTZ
    }

    to_sql_checked!();
}

impl<'r> FromSql<'r> for Moment {
    fn from_sql(_: &Type, raw: &'r [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        let microseconds = i64::from_be_bytes(raw.try_into()?);
        Ok(Self(Time(microseconds.div_euclid(1000) + MS_FROM_1970_TO_2000)))
    }

    fn accepts(of: &Type) -> bool {
        *of == Type::TIMESTAMPTZ
    }
}

/// One parameter of a set-based statement: the values of a column, row by row.
pub(crate) type Column<'c> = Box<dyn ToSql + Sync + Send + 'c>;

/// What `value` says of each row.
pub(crate) fn column<'c, R, V: ToSql + Sync + Send + 'c>(rows: &[R], value: impl Fn(&R) -> V) -> Column<'c> {
    Box::new(rows.iter().map(value).collect::<Vec<V>>())
}

/// Reads a row in the order of its SELECT list.
pub(crate) struct Fields<'r> {
    row: &'r Row,
    next: usize,
}

impl<'r> Fields<'r> {
    pub(crate) fn of(row: &'r Row) -> Self {
        Self { row, next: 0 }
    }

    pub(crate) fn take<T: FromSql<'r>>(&mut self) -> Result<T, Failure> {
        let at = self.next;
        self.next += 1;
        Ok(self.row.try_get(at)?)
    }

    pub(crate) fn text(&mut self) -> Result<Arc<str>, Failure> {
        Ok(self.take::<&str>()?.into())
    }

    pub(crate) fn text_or_none<T: From<&'r str>>(&mut self) -> Result<Option<T>, Failure> {
        Ok(self.take::<Option<&'r str>>()?.map(T::from))
    }

    pub(crate) fn time(&mut self) -> Result<Time, Failure> {
        Ok(self.take::<Moment>()?.0)
    }

    pub(crate) fn time_or_none(&mut self) -> Result<Option<Time>, Failure> {
        Ok(self.take::<Option<Moment>>()?.map(|moment| moment.0))
    }

    /// The one of `all` whose word is stored.
    pub(crate) fn word<T: Copy>(&mut self, all: &[T], word: fn(T) -> &'static str) -> Result<T, Failure> {
        let stored = self.take::<&str>()?;
        all.iter().copied().find(|one| word(*one) == stored).ok_or_else(|| self.unreadable(stored))
    }

    pub(crate) fn currency(&mut self) -> Result<Currency, Failure> {
        let stored = self.take::<&str>()?;
        Currency::from_code(stored).ok_or_else(|| self.unreadable(stored))
    }

    /// What to say of the field that was taken last.
    pub(crate) fn unreadable(&self, stored: &str) -> Failure {
        let column = self.row.columns().get(self.next.saturating_sub(1)).map_or("?", |column| column.name());
        Failure::Unreadable { column: column.to_owned(), stored: stored.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_survives_the_way_to_the_store_and_back() {
        for ms in [0, -1, 946_684_800_000, 946_684_799_999, 1_795_170_249_007, -62_135_596_800_000, 253_402_300_799_999] {
            let mut wire = BytesMut::new();
            Moment(Time(ms)).to_sql(&Type::TIMESTAMPTZ, &mut wire).unwrap();
            assert_eq!(Moment::from_sql(&Type::TIMESTAMPTZ, &wire).unwrap(), Moment(Time(ms)), "{ms}");
        }
    }

    #[test]
    fn microseconds_that_others_wrote_are_rounded_down() {
        for (microseconds, ms) in [(1_i64, 946_684_800_000_i64), (999, 946_684_800_000), (-1, 946_684_799_999)] {
            assert_eq!(Moment::from_sql(&Type::TIMESTAMPTZ, &microseconds.to_be_bytes()).unwrap(), Moment(Time(ms)));
        }
    }

    #[test]
    fn a_moment_beyond_the_calendar_is_refused() {
        assert!(Moment(Time(i64::MAX)).to_sql(&Type::TIMESTAMPTZ, &mut BytesMut::new()).is_err());
        assert!(Moment(Time(i64::MIN)).to_sql(&Type::TIMESTAMPTZ, &mut BytesMut::new()).is_err());
    }
}
