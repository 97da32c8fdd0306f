//! Saves a batch: one transaction, one flight, tables always in the same order, counters last.

use domain::Changes;
use domain::tables::Write;
use engine::port::Mark;
use tokio_postgres::Client;

use crate::flight::{Failed, Flight};
use crate::opening::Opening;
use crate::prepared::Prepared;
use crate::{cart, checkout, event, hold, key, line, mark, offer, order, outbox, payment, refund, reservation, shipment, sku, stock, task};

/// Saves all of `changes` and `mark`, or nothing.
pub(crate) async fn save(client: &Client, opening: &Opening, prepared: &Prepared, changes: &Changes, mark: Mark) -> Result<(), Failed> {
    let Changes {
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
        numbers: (),
        ledger,
        facts,
        outbox,
        stock,
    } = changes;
    let mut flight = Flight::begin(client, opening);
    flight.add(&prepared.mark_insert, mark::inserted(mark));

    flight.rows(&prepared.keys_insert, &keys.values().map(|write| &write.row).collect::<Vec<_>>(), key::inserted);
    let (new, old) = apart(skus.values());
    flight.rows(&prepared.skus_insert, &new, sku::inserted);
    flight.rows(&prepared.skus_update, &old, sku::updated);
    flight.rows(&prepared.offers_upsert, &skus.values().flat_map(|write| &write.row.offers).collect::<Vec<_>>(), offer::upserted);
    let (new, old) = apart(carts.values());
    let lines = cart::lines_of(carts.values());
    flight.rows(&prepared.carts_insert, &new, cart::inserted);
    flight.rows(&prepared.carts_update, &old, cart::updated);
    flight.rows(&prepared.cart_lines_delete, &old, |old| cart::lines_deleted(old, &lines));
    flight.rows(&prepared.cart_lines_upsert, &lines, cart::lines_upserted);
    let (new, old) = apart(checkouts.values());
    flight.rows(&prepared.checkouts_insert, &new, checkout::inserted);
    flight.rows(&prepared.checkouts_update, &old, checkout::updated);
    let (new, old) = apart(orders.values());
    flight.rows(&prepared.orders_insert, &new, order::inserted);
    flight.rows(&prepared.lines_insert, &new, line::inserted);
    flight.rows(&prepared.orders_update, &old, order::updated);
    flight.rows(&prepared.lines_update, &line::moved(&old), line::updated);
    let shipments = shipment::of_orders(&old);
    flight.rows(&prepared.shipments_upsert, &shipments, shipment::upserted);
    flight.rows(&prepared.shipment_items_insert, &shipments, shipment::items_inserted);
    let (new, old) = apart(payments.values());
    flight.rows(&prepared.payments_insert, &new, payment::inserted);
    flight.rows(&prepared.payments_update, &old, payment::updated);
    let (new, old) = apart(refunds.values());
    flight.rows(&prepared.refunds_insert, &new, refund::inserted);
    flight.rows(&prepared.refunds_update, &old, refund::updated);
    let (new, old) = apart(tasks.values());
    flight.rows(&prepared.tasks_insert, &new, task::inserted);
    flight.rows(&prepared.tasks_update, &old, task::updated);
    let (new, old) = apart(reservations.values());
    flight.rows(&prepared.reservations_insert, &new, reservation::inserted);
    flight.rows(&prepared.reservations_update, &old, reservation::updated);
    let (new, old) = apart(holds.values());
    flight.rows(&prepared.holds_insert, &new, hold::inserted);
    flight.rows(&prepared.holds_update, &old, hold::updated);
    flight.rows(&prepared.ledger_insert, &ledger.iter().collect::<Vec<_>>(), stock::booked);
    flight.rows(&prepared.facts_insert, &facts.iter().collect::<Vec<_>>(), event::inserted);
    flight.rows(&prepared.outbox_insert, &outbox.iter().collect::<Vec<_>>(), outbox::inserted);
    let (new, moved): (Vec<_>, Vec<_>) = stock.iter().partition(|(_, delta)| delta.is_new);
    flight.rows(&prepared.stock_insert, &new, stock::moved);
    flight.rows(&prepared.stock_update, &moved, stock::moved);
    flight.commit().await
}

/// The rows that must not be there yet, and those that must be there with their version.
fn apart<'c, R>(writes: impl Iterator<Item = &'c Write<R>>) -> (Vec<&'c Write<R>>, Vec<&'c Write<R>>) {
    writes.partition(|write| write.expected == 0)
}
