//! Table `offer`: prices of SKUs.

use domain::catalog::{Offer, OfferStatus};
use domain::ids::SkuId;
use rusqlite::{Connection, Result, Row, params};

use crate::error::{Trouble, one_row};
use crate::value::{Cells, ms};

/// What [`offer_of`] reads and an insert writes.
macro_rules! columns {
    () => {
        "offer_id, sku_id, price, currency, priority, valid_from, valid_to, status, created_at, updated_at"
    };
}
pub(crate) use columns;

/// An offer from its [`columns`].
pub(crate) fn offer_of(row: &Row<'_>) -> Result<Offer> {
    let mut cells = Cells::of(row);
    Ok(Offer {
        offer_id: cells.id()?,
        sku_id: SkuId(cells.get()?),
        price: cells.get()?,
        currency: cells.currency()?,
        priority: cells.get()?,
        valid_from: cells.time()?,
        valid_to: cells.maybe_time()?,
        status: cells.word(OfferStatus::ALL, OfferStatus::as_str)?,
        created_at: cells.time()?,
        updated_at: cells.time()?,
    })
}

/// The offers of a SKU, the oldest first.
pub(crate) fn of_sku(db: &Connection, sku_id: &SkuId) -> Result<Vec<Offer>> {
    db.prepare_cached(concat!("select ", columns!(), " from offer where sku_id = ? order by created_at, offer_id"))?
        .query_map([&sku_id.0], offer_of)?
        .collect()
}

/// Writes an offer, new or changed; it never moves to another SKU.
pub(crate) fn save(db: &Connection, offer: &Offer) -> Result<(), Trouble> {
    let changed = db
        .prepare_cached(concat!(
            "insert into offer (",
            columns!(),
            ") values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
             on conflict (offer_id) do update set
                 price = excluded.price, currency = excluded.currency, priority = excluded.priority, valid_from = excluded.valid_from,
                 valid_to = excluded.valid_to, status = excluded.status, updated_at = excluded.updated_at
             where sku_id = excluded.sku_id"
        ))?
        .execute(params![
            offer.offer_id.0.as_bytes(),
            offer.sku_id.0,
            offer.price,
            offer.currency.code(),
            offer.priority,
            offer.valid_from.0,
            ms(offer.valid_to),
            offer.status.as_str(),
            offer.created_at.0,
            offer.updated_at.0
        ])?;
    one_row(changed, "offer")
}
