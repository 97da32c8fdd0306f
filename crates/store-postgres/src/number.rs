//! Order numbers: one sequence for each UTC year, see `draw_order_numbers` in the migrations.

use std::collections::BTreeMap;

use domain::ids::{OrderId, OrderNumber};
use futures_util::future::{try_join, try_join_all};
use tokio_postgres::{Client, Error, Row, Statement};

use crate::error::Failure;
use crate::opening::Opening;

/// `$2` numbers of the year `$1`, rising.
pub(crate) const DRAW: &str = "select draw_order_numbers($1, $2)";

/// Draws a number for each order, of its year.
pub(crate) async fn draw(
    client: &Client,
    opening: &Opening,
    statement: &Statement,
    orders: &BTreeMap<OrderId, i32>,
) -> Result<Vec<(i32, Vec<Row>)>, Error> {
    if orders.is_empty() {
        return Ok(Vec::new());
    }
    let mut years = BTreeMap::<i32, i32>::new();
    for year in orders.values() {
        *years.entry(*year).or_default() += 1;
    }
    let draws = try_join_all(years.into_iter().map(|(year, how_many)| async move {
        let rows = client.query(statement, &[&year, &how_many]).await?;
        Ok::<_, Error>((year, rows))
    }));
    let ((), (numbers, ())) = try_join(client.batch_execute(&opening.draw), try_join(draws, client.batch_execute("commit"))).await?;
    Ok(numbers)
}

/// Gives out what was drawn: the rising numbers of a year to the rising ids of its orders.
pub(crate) fn give(orders: &BTreeMap<OrderId, i32>, drawn: &[(i32, Vec<Row>)]) -> Result<Vec<(OrderId, OrderNumber)>, Failure> {
    let mut given = Vec::with_capacity(orders.len());
    for (year, rows) in drawn {
        let of_year = orders.iter().filter(|(_, wanted)| *wanted == year);
        for ((order_id, _), row) in of_year.zip(rows) {
            given.push((*order_id, OrderNumber { year: *year, serial: row.try_get(0)? }));
        }
    }
    Ok(given)
}
