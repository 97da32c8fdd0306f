//! Rows that are only appended, several in one statement: it opens its cursors once, and what comes in order is found where the last row went.

use std::sync::OnceLock;

use rusqlite::{Connection, Result, Statement, ToSql};

/// Rows in one statement. What is gained by more is lost in batches that do not fill them.
const TOGETHER: usize = 8;

/// The values of rows, bound one after the other.
pub(crate) struct Values<'s, 'c> {
    statement: &'s mut Statement<'c>,
    bound: usize,
}

impl Values<'_, '_> {
    /// The next column of the row.
    pub(crate) fn next(&mut self, value: impl ToSql) -> Result<()> {
        self.bound += 1;
        self.statement.raw_bind_parameter(self.bound, value)
    }
}

/// A statement that inserts one row or several; its text is made once.
pub(crate) struct Insert {
    into: &'static str,
    columns: usize,
    alone: OnceLock<String>,
    together: OnceLock<String>,
}

impl Insert {
    /// Into a table and its columns, of which there are so many: `"pair (n, text)", 2`.
    pub(crate) const fn new(into: &'static str, columns: usize) -> Self {
        Self { into, columns, alone: OnceLock::new(), together: OnceLock::new() }
    }

    /// Inserts `rows`, of each the values that `bind` gives in order.
    pub(crate) fn rows<R>(&self, db: &Connection, rows: &[R], mut bind: impl FnMut(&R, &mut Values<'_, '_>) -> Result<()>) -> Result<()> {
        let (together, alone) = rows.as_chunks::<TOGETHER>();
        let mut run = |rows: &[R], insert: &mut Statement<'_>| {
            let mut values = Values { statement: &mut *insert, bound: 0 };
            for row in rows {
                bind(row, &mut values)?;
            }
            debug_assert_eq!(values.bound, self.columns * rows.len(), "a value for each column of {}", self.into);
            insert.raw_execute().map(drop)
        };
        if !together.is_empty() {
            let mut insert = db.prepare_cached(self.together.get_or_init(|| self.sql(TOGETHER)))?;
            together.iter().try_for_each(|rows| run(rows, &mut insert))?;
        }
        if !alone.is_empty() {
            let mut insert = db.prepare_cached(self.alone.get_or_init(|| self.sql(1)))?;
            alone.chunks(1).try_for_each(|row| run(row, &mut insert))?;
        }
        Ok(())
    }

    fn sql(&self, rows: usize) -> String {
        let row = format!("({})", vec!["?"; self.columns].join(", "));
        format!("insert into {} values {}", self.into, vec![row; rows].join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_inserted_once_and_in_order_however_many_there_are() {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch("create table pair (n integer primary key, text text) strict").unwrap();
        for count in [0, 1, 7, 8, 9, 16, 23] {
            db.execute("delete from pair", []).unwrap();
            let rows: Vec<i64> = (0..count).collect();
            Insert::new("pair (n, text)", 2)
                .rows(&db, &rows, |n, row| {
                    row.next(n)?;
                    row.next(n.to_string())
                })
                .unwrap();
            let found: Vec<i64> = db
                .prepare("select n from pair where text = n order by n")
                .unwrap()
                .query_map([], |row| row.get(0))
                .unwrap()
                .collect::<Result<_>>()
                .unwrap();
            assert_eq!(found, rows);
        }
    }

    #[test]
    fn a_row_that_is_refused_refuses_all_that_come_with_it() {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch("create table one (n integer primary key) strict").unwrap();
        let refused = Insert::new("one (n)", 1).rows(&db, &[1, 2, 3, 3, 4, 5, 6, 7], |n, row| row.next(n)).unwrap_err();
        assert_eq!(refused.to_string(), "UNIQUE constraint failed: one.n");
        assert_eq!(db.query_row("select count(*) from one", [], |row| row.get(0)), Ok(0));
    }
}
