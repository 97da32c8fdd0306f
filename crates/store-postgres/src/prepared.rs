//! The statements of a writer's connection, prepared once, all in one flight.

use futures_util::future::try_join_all;
use tokio_postgres::{Client, Error, Statement};

use crate::{
    cart, checkout, event, hold, key, line, mark, number, offer, order, outbox, payment, refund, reservation, shipment, sku, stock, task,
};

macro_rules! prepared {
    ($($name:ident: $sql:expr;)*) => {
        /// Every statement that a writer uses.
        pub(crate) struct Prepared { $(pub(crate) $name: Statement,)* }

        impl Prepared {
            pub(crate) async fn on(client: &Client) -> Result<Self, Error> {
                let prepared = try_join_all([$($sql),*].map(|sql| client.prepare(sql))).await?;
                let mut prepared = prepared.into_iter();
                $(let $name = prepared.next().expect("as many statements as were asked for");)*
                Ok(Self { $($name,)* })
            }
        }
    };
}

prepared! {
    mark_insert: mark::INSERT;
    keys_load: key::LOAD;
    keys_insert: key::INSERT;
    skus_load: sku::LOAD;
    skus_insert: sku::INSERT;
    skus_update: sku::UPDATE;
    offers_load: offer::LOAD;
    offers_upsert: offer::UPSERT;
    carts_load: cart::LOAD;
    cart_lines_load: cart::LINES_LOAD;
    carts_insert: cart::INSERT;
    carts_update: cart::UPDATE;
    cart_lines_delete: cart::LINES_DELETE;
    cart_lines_upsert: cart::LINES_UPSERT;
    checkouts_load: checkout::LOAD;
    checkouts_insert: checkout::INSERT;
    checkouts_update: checkout::UPDATE;
    orders_load: order::LOAD;
    orders_insert: order::INSERT;
    orders_update: order::UPDATE;
    lines_load: line::LOAD;
    lines_insert: line::INSERT;
    lines_update: line::UPDATE;
    shipments_load: shipment::LOAD;
    shipments_upsert: shipment::UPSERT;
    shipment_items_insert: shipment::ITEMS_INSERT;
    payments_load: payment::LOAD;
    payments_insert: payment::INSERT;
    payments_update: payment::UPDATE;
    refund_ids_load: refund::IDS_OF_ORDERS;
    refunds_load: refund::LOAD;
    refunds_insert: refund::INSERT;
    refunds_update: refund::UPDATE;
    tasks_load: task::LOAD;
    tasks_insert: task::INSERT;
    tasks_update: task::UPDATE;
    holds_load: hold::LOAD;
    holds_insert: hold::INSERT;
    holds_update: hold::UPDATE;
    reservations_load: reservation::LOAD;
    reservations_insert: reservation::INSERT;
    reservations_update: reservation::UPDATE;
    numbers_draw: number::DRAW;
    ledger_insert: stock::INSERT_LEDGER;
    facts_insert: event::INSERT;
    outbox_insert: outbox::INSERT;
    stock_load: stock::LOAD;
    stock_insert: stock::INSERT;
    stock_update: stock::UPDATE;
}
