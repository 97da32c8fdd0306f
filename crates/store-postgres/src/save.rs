//! Saves a batch: one transaction, one flight, tables always in the same order, counters last.

use domain::Changes;
use domain::tables::Write;
use engine::port::Mark;
use tokio_postgres::Client;

use crate::flight::{Failed, Flight};
use crate::opening::Opening;
use crate::prepared::Prepared;
use crate::{cart, checkout, event, key, line, mark, offer, order, outbox, payment, refund, reservation, shipment, sku, stock, task};

/// Saves all of `changes` and `mark`, or nothing.
pub(crate) async fn save(client: &Client, opening: &Opening, prepared: &Prepared, changes: &Changes, mark: Mark) -> Result<(), Failed> {
    let Changes { keys, skus, carts, checkouts, orders, payments, refunds, reservations, tasks, numbers: (), ledger, facts, outbox, stock } =
        changes;
    let mut flight = Flight::begin(client, opening);
    flight.add(&prepared.mark_insert, mark::inserted(mark));

    let keys: Vec<_> = keys.values().map(|write| &write.row).collect();
    if !keys.is_empty() {
        flight.add(&prepared.keys_insert, key::inserted(&keys));
    }
    let (new, old) = apart(skus.values());
    if !new.is_empty() {
        flight.add(&prepared.skus_insert, sku::inserted(&new));
    }
    if !old.is_empty() {
        flight.add(&prepared.skus_update, sku::updated(&old));
    }
    let offers: Vec<_> = skus.values().flat_map(|write| &write.row.offers).collect();
    if !offers.is_empty() {
        flight.add(&prepared.offers_upsert, offer::upserted(&offers));
    }
    let (new, old) = apart(carts.values());
    if !new.is_empty() {
        flight.add(&prepared.carts_insert, cart::inserted(&new));
    }
    let lines = cart::lines_of(carts.values());
    if !old.is_empty() {
        flight.add(&prepared.carts_update, cart::updated(&old));
        flight.add(&prepared.cart_lines_delete, cart::lines_deleted(&old, &lines));
    }
    if !lines.is_empty() {
        flight.add(&prepared.cart_lines_upsert, cart::lines_upserted(&lines));
    }
    let (new, old) = apart(checkouts.values());
    if !new.is_empty() {
        flight.add(&prepared.checkouts_insert, checkout::inserted(&new));
    }
    if !old.is_empty() {
        flight.add(&prepared.checkouts_update, checkout::updated(&old));
    }
    let (new, old) = apart(orders.values());
    if !new.is_empty() {
        flight.add(&prepared.orders_insert, order::inserted(&new));
        flight.add(&prepared.lines_insert, line::inserted(&new));
    }
    if !old.is_empty() {
        flight.add(&prepared.orders_update, order::updated(&old));
        let moved = line::moved(&old);
        if !moved.is_empty() {
            flight.add(&prepared.lines_update, line::updated(&moved));
        }
        let shipments = shipment::of_orders(&old);
        if !shipments.is_empty() {
            flight.add(&prepared.shipments_upsert, shipment::upserted(&shipments));
            flight.add(&prepared.shipment_items_insert, shipment::items_inserted(&shipments));
        }
    }
    let (new, old) = apart(payments.values());
    if !new.is_empty() {
        flight.add(&prepared.payments_insert, payment::inserted(&new));
    }
    if !old.is_empty() {
        flight.add(&prepared.payments_update, payment::updated(&old));
    }
    let (new, old) = apart(refunds.values());
    if !new.is_empty() {
        flight.add(&prepared.refunds_insert, refund::inserted(&new));
    }
    if !old.is_empty() {
        flight.add(&prepared.refunds_update, refund::updated(&old));
    }
    let (new, old) = apart(tasks.values());
    if !new.is_empty() {
        flight.add(&prepared.tasks_insert, task::inserted(&new));
    }
    if !old.is_empty() {
        flight.add(&prepared.tasks_update, task::updated(&old));
    }
    let (new, old) = apart(reservations.values());
    if !new.is_empty() {
        flight.add(&prepared.reservations_insert, reservation::inserted(&new));
    }
    if !old.is_empty() {
        flight.add(&prepared.reservations_update, reservation::updated(&old));
    }
    if !ledger.is_empty() {
        flight.add(&prepared.ledger_insert, stock::booked(&ledger.iter().collect::<Vec<_>>()));
    }
    if !facts.is_empty() {
        flight.add(&prepared.facts_insert, event::inserted(&facts.iter().collect::<Vec<_>>()));
    }
    if !outbox.is_empty() {
        flight.add(&prepared.outbox_insert, outbox::inserted(&outbox.iter().collect::<Vec<_>>()));
    }
    let (new, moved): (Vec<_>, Vec<_>) = stock.iter().partition(|(_, delta)| delta.is_new);
    if !new.is_empty() {
        flight.add(&prepared.stock_insert, stock::moved(&new));
    }
    if !moved.is_empty() {
        flight.add(&prepared.stock_update, stock::moved(&moved));
    }
    flight.commit().await
}

/// The rows that must not be there yet, and those that must be there with their version.
fn apart<'c, R>(writes: impl Iterator<Item = &'c Write<R>>) -> (Vec<&'c Write<R>>, Vec<&'c Write<R>>) {
    writes.partition(|write| write.expected == 0)
}
