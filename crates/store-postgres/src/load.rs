//! Loads what a batch needs: one statement a table, all in one flight, each looked up by one column.

use domain::ids::{OrderId, OrderNumber, SessionId, SkuId};
use domain::tables::{Shelf, Table};
use domain::{Needs, View};
use tokio::try_join;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, Row, Statement};

use crate::error::Failure;
use crate::opening::Opening;
use crate::prepared::Prepared;
use crate::{cart, checkout, hold, key, number, order, payment, refund, reservation, sku, stock, task};

/// Puts what `needs` names onto the shelves of `seen`, once all of it is there.
pub(crate) async fn load(client: &Client, opening: &Opening, prepared: &Prepared, needs: &Needs, seen: &mut View) -> Result<(), Failure> {
    let Needs {
        keys,
        skus,
        carts,
        checkouts,
        orders,
        payments,
        refunds,
        reservations,
        holds,
        tasks,
        numbers,
        ledger: (),
        facts: (),
        outbox: (),
        stock,
    } = needs;
    let sku_ids: Vec<&str> = skus.iter().map(SkuId::as_str).collect();
    let owners: Vec<String> = carts.iter().map(ToString::to_string).collect();
    let order_ids: Vec<_> = orders.iter().map(|id| id.0).collect();
    // Numbers are drawn before the snapshot, which reads only. In one snapshot a key and what was done with it are of one moment:
    // else another try with that key could be refused for it, or be shown what was there before.
    let (
        drawn,
        (),
        keys,
        skus,
        offers,
        carts,
        cart_lines,
        checkouts,
        orders,
        lines,
        shipments,
        refund_ids,
        payments,
        refunds,
        reservations,
        holds,
        tasks,
        stock,
        (),
    ) = try_join!(biased;
        number::draw(client, opening, &prepared.numbers_draw, numbers),
        client.batch_execute(&opening.snapshot),
        found(client, &prepared.keys_load, keys.iter().map(|key| &*key.0).collect()),
        found(client, &prepared.skus_load, sku_ids.clone()),
        found(client, &prepared.offers_load, sku_ids),
        found(client, &prepared.carts_load, owners.clone()),
        found(client, &prepared.cart_lines_load, owners),
        found(client, &prepared.checkouts_load, checkouts.iter().map(SessionId::as_str).collect()),
        found(client, &prepared.orders_load, order_ids.clone()),
        found(client, &prepared.lines_load, order_ids.clone()),
        found(client, &prepared.shipments_load, order_ids.clone()),
        found(client, &prepared.refund_ids_load, order_ids),
        found(client, &prepared.payments_load, payments.iter().map(|id| id.0).collect()),
        found(client, &prepared.refunds_load, refunds.iter().map(|id| id.0).collect()),
        found(client, &prepared.reservations_load, reservations.iter().map(|key| &*key.0).collect()),
        found(client, &prepared.holds_load, holds.iter().map(|id| id.0).collect()),
        found(client, &prepared.tasks_load, tasks.iter().map(|id| id.0).collect()),
        found(client, &prepared.stock_load, stock.iter().map(SkuId::as_str).collect()),
        client.batch_execute("commit"),
    )?;
    let keys = keys.iter().map(key::read).collect::<Result<Vec<_>, _>>()?;
    let skus = sku::with_offers(&skus, &offers)?;
    let carts = cart::whole(&carts, &cart_lines)?;
    let checkouts = checkouts.iter().map(checkout::read).collect::<Result<Vec<_>, _>>()?;
    let orders = orders.iter().map(order::read).collect::<Result<Vec<_>, _>>()?;
    let orders = order::whole(orders, &lines, &shipments, &refund_ids)?;
    let payments = payments.iter().map(payment::read).collect::<Result<Vec<_>, _>>()?;
    let refunds = refunds.iter().map(refund::read).collect::<Result<Vec<_>, _>>()?;
    let tasks = tasks.iter().map(task::read).collect::<Result<Vec<_>, _>>()?;
    let reservations = reservations.iter().map(reservation::read).collect::<Result<Vec<_>, _>>()?;
    let holds = holds.iter().map(hold::read).collect::<Result<Vec<_>, _>>()?;
    let stock = stock.iter().map(stock::read).collect::<Result<Vec<_>, _>>()?;
    let numbers: Vec<(OrderId, OrderNumber)> = number::give(numbers, &drawn)?;

    put(&mut seen.keys, keys, |row| row.key.clone());
    put(&mut seen.skus, skus, |row| row.sku_id.clone());
    put(&mut seen.carts, carts, |row| row.owner.clone());
    put(&mut seen.checkouts, checkouts, |row| row.session_id.clone());
    put(&mut seen.orders, orders, |row| row.order_id);
    put(&mut seen.payments, payments, |row| row.payment_id);
    put(&mut seen.refunds, refunds, |row| row.refund_id);
    put(&mut seen.tasks, tasks, |row| row.task_id);
    put(&mut seen.reservations, reservations, |row| row.key.clone());
    put(&mut seen.holds, holds, |row| row.hold_id);
    for (sku_id, row) in stock {
        seen.stock.found(sku_id, row);
    }
    seen.numbers.extend(numbers);
    Ok(())
}

/// Puts rows onto their shelf.
fn put<T, R>(shelf: &mut Shelf<T>, rows: Vec<R>, key: impl Fn(&R) -> T::Key)
where
    T: Table,
    T::Row: From<R>,
{
    for row in rows {
        shelf.found(key(&row), row.into());
    }
}

/// The rows under `keys`; without keys, no statement is sent.
async fn found<K: ToSql + Sync>(client: &Client, statement: &Statement, keys: Vec<K>) -> Result<Vec<Row>, Error> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    client.query(statement, &[&keys]).await
}
