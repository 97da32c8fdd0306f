//! How values travel: moments as whole microseconds, tables as arrays of columns, rows read field by field.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use bytes::{BufMut as _, BytesMut};
use domain::cart::CartOwner;
use domain::ids::Uuid;
use domain::money::Currency;
use domain::time::Time;
use tokio_postgres::Row;
use tokio_postgres::types::{Field, FromSql, IsNull, Kind, ToSql, Type, to_sql_checked};

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

/// The values of one named column of a [`Rows`].
pub(crate) struct Named<'c> {
    name: &'static str,
    cells: Box<dyn Cells + 'c>,
}

/// What `value` says of each row, for the column `name`.
pub(crate) fn named<'c, R, V: ToSql + Sync + Send + 'c>(name: &'static str, rows: &[R], value: impl Fn(&R) -> V) -> Named<'c> {
    Named { name, cells: Box::new(rows.iter().map(value).collect::<Vec<V>>()) }
}

trait Cells: Sync + Send {
    fn len(&self) -> usize;
    fn put(&self, row: usize, of: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>>;
}

impl<V: ToSql + Sync + Send> Cells for Vec<V> {
    fn len(&self) -> usize {
        self.len()
    }

    fn put(&self, row: usize, of: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        self[row].to_sql_checked(of, out)
    }
}

/// Rows for `unnest($1::some_table[])`: one array of the table's own row type.
///
/// An array a column was measured to cost five times as much: PostgreSQL keeps a tuplestore for each. Columns go by name; those
/// that a newer schema has added are sent as null, and the statement does not insert them.
pub(crate) struct Rows<'c>(Vec<Named<'c>>);

/// The one parameter of a statement that inserts rows.
pub(crate) fn rows(columns: Vec<Named<'_>>) -> Vec<Column<'_>> {
    vec![Box::new(Rows(columns))]
}

impl fmt::Debug for Rows<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|column| column.name)).finish()
    }
}

impl ToSql for Rows<'_> {
    fn to_sql(&self, of: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        let Kind::Array(row) = of.kind() else { return Err("not an array".into()) };
        let Kind::Composite(fields) = row.kind() else { return Err("not an array of rows".into()) };
        let column_of = |field: &Field| self.0.iter().find(|column| column.name == field.name());
        let columns: Vec<_> = fields.iter().map(|field| (field, column_of(field))).collect();
        if columns.iter().flat_map(|(_, column)| column).count() != self.0.len() {
            return Err(format!("the table {row} lacks one of the columns {self:?}").into());
        }
        let count = self.0.first().map_or(0, |column| column.cells.len());
        // One dimension, no null element, elements of this type, so many, counted from 1.
        for head in [1, 0] {
            out.put_i32(head);
        }
        out.put_u32(row.oid());
        out.put_i32(i32::try_from(count)?);
        out.put_i32(1);
        for at in 0..count {
            sized(out, |out| {
                out.put_i32(i32::try_from(columns.len())?);
                for (field, column) in &columns {
                    out.put_u32(field.type_().oid());
                    match column {
                        Some(column) => sized(out, |out| column.cells.put(at, field.type_(), out))?,
                        None => out.put_i32(-1),
                    }
                }
                Ok(IsNull::No)
            })?;
        }
        Ok(IsNull::No)
    }

    fn accepts(of: &Type) -> bool {
        matches!(of.kind(), Kind::Array(row) if matches!(row.kind(), Kind::Composite(_)))
    }

    to_sql_checked!();
}

/// Writes a value behind its length; a null has the length -1.
fn sized(
    out: &mut BytesMut,
    write: impl FnOnce(&mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>>,
) -> Result<(), Box<dyn Error + Sync + Send>> {
    let at = out.len();
    out.put_i32(-1);
    if let IsNull::No = write(out)? {
        let length = i32::try_from(out.len() - at - 4)?;
        out[at..at + 4].copy_from_slice(&length.to_be_bytes());
    }
    Ok(())
}

/// JSON text as `json` or `jsonb`.
#[derive(Debug)]
pub(crate) struct Json<T>(pub(crate) T);

impl<T: AsRef<str> + fmt::Debug> ToSql for Json<T> {
    fn to_sql(&self, of: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        if *of == Type::JSONB {
            // The version of its form on the wire.
            out.put_u8(1);
        }
        out.put_slice(self.0.as_ref().as_bytes());
        Ok(IsNull::No)
    }

    fn accepts(of: &Type) -> bool {
        matches!(*of, Type::JSON | Type::JSONB)
    }

    to_sql_checked!();
}

/// A whole number as `integer`; what does not fit is refused.
#[derive(Debug)]
pub(crate) struct Int(pub(crate) i64);

impl ToSql for Int {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.put_i32(i32::try_from(self.0)?);
        Ok(IsNull::No)
    }

    fn accepts(of: &Type) -> bool {
        *of == Type::INT4
    }

    to_sql_checked!();
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

    /// Whose cart it is.
    pub(crate) fn owner(&mut self) -> Result<CartOwner, Failure> {
        let stored = self.take::<&str>()?;
        CartOwner::parse(stored).ok_or_else(|| self.unreadable(stored))
    }

    /// A UUID that is kept as text.
    pub(crate) fn uuid_text_or_none(&mut self) -> Result<Option<Uuid>, Failure> {
        let Some(stored) = self.take::<Option<&str>>()? else { return Ok(None) };
        stored.parse().map(Some).map_err(|_| self.unreadable(stored))
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

    /// The same where there may be none.
    pub(crate) fn word_or_none<T: Copy>(&mut self, all: &[T], word: fn(T) -> &'static str) -> Result<Option<T>, Failure> {
        let Some(stored) = self.take::<Option<&str>>()? else { return Ok(None) };
        all.iter().copied().find(|one| word(*one) == stored).map(Some).ok_or_else(|| self.unreadable(stored))
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
