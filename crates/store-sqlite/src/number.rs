//! Table `order_number`: rising in the order in which they are drawn, never drawn twice, gaps allowed, no write of their own.
//!
//! The last drawn one of each year is in memory, the last saved one in the database; the next is one above both. Two
//! processes that serve one file can draw the same: UNIQUE lets one in, and the other draws again above it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};

use domain::ids::{OrderId, OrderNumber};
use domain::order::Order;
use domain::tables::Write;
use rusqlite::{Connection, OptionalExtension as _, Result, params};

/// The last serial that was drawn in each year.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    drawn: Mutex<BTreeMap<i32, i64>>,
}

impl Numbers {
    /// Draws a number for every order of `needs` that has none.
    pub(crate) fn draw(&self, db: &Connection, needs: &BTreeMap<OrderId, i32>, seen: &mut BTreeMap<OrderId, OrderNumber>) -> Result<()> {
        if needs.is_empty() {
            return Ok(());
        }
        let mut drawn = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        let mut checked = None;
        for (&order_id, &year) in needs {
            let Entry::Vacant(place) = seen.entry(order_id) else { continue };
            let last = drawn.entry(year).or_insert(0);
            if checked != Some(year) {
                *last = saved(db, year)?.max(*last);
                checked = Some(year);
            }
            *last += 1;
            place.insert(OrderNumber { year, serial: *last });
        }
        Ok(())
    }
}

fn saved(db: &Connection, year: i32) -> Result<i64> {
    let last = db.prepare_cached("select last from order_number where year = ?")?.query_row([year], |row| row.get(0)).optional()?;
    Ok(last.unwrap_or(0))
}

/// Notes the highest numbers of new orders.
pub(crate) fn save(db: &Connection, orders: &BTreeMap<OrderId, Write<Arc<Order>>>) -> Result<()> {
    let mut highest = BTreeMap::new();
    for number in orders.values().filter(|write| write.expected == 0).map(|write| write.row.number) {
        let last = highest.entry(number.year).or_insert(number.serial);
        *last = number.serial.max(*last);
    }
    for (year, last) in highest {
        db.prepare_cached(
            "insert into order_number (year, last) values (?, ?)
             on conflict (year) do update set last = max(last, excluded.last)",
        )?
        .execute(params![year, last])?;
    }
    Ok(())
}
