//! Tables `sku` and `offer`: a SKU and its offers change together, under the SKU's version.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::catalog::{Offer, OfferStatus, Sku, SkuStatus};
use domain::ids::{ProductId, SkuId};
use domain::tables::{Shelf, Skus, Write};
use rusqlite::{Connection, OptionalExtension as _, Result, Row, params};

use crate::error::{Trouble, one_row};
use crate::value::{Cells, ms};

/// What [`sku_of`] reads.
macro_rules! columns {
    () => {
        "sku_id, product_id, name, status, tax_class, title, author, version, created_at, updated_at"
    };
}

pub(crate) use columns;

/// What [`offer_of`] reads and an insert writes.
macro_rules! offer_columns {
    () => {
        "offer_id, sku_id, price, currency, priority, valid_from, valid_to, status, created_at, updated_at"
    };
}
pub(crate) use offer_columns;

/// A SKU without its offers, from its [`columns`].
pub(crate) fn sku_of(row: &Row<'_>) -> Result<Sku> {
    let mut cells = Cells::of(row);
    Ok(Sku {
        sku_id: SkuId(cells.get()?),
        product_id: ProductId(cells.get()?),
        name: cells.get()?,
        status: cells.word(SkuStatus::ALL, SkuStatus::as_str)?,
        tax_class: cells.get()?,
        title: cells.get()?,
        author: cells.get()?,
        version: cells.get()?,
        created_at: cells.time()?,
        updated_at: cells.time()?,
        offers: Vec::new(),
    })
}

/// An offer from its [`offer_columns`].
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

/// A SKU with its offers.
pub(crate) fn find(db: &Connection, sku_id: &SkuId) -> Result<Option<Arc<Sku>>> {
    let sku = db.prepare_cached(concat!("select ", columns!(), " from sku where sku_id = ?"))?.query_row([&sku_id.0], sku_of).optional()?;
    let Some(mut sku) = sku else { return Ok(None) };
    sku.offers = db
        .prepare_cached(concat!("select ", offer_columns!(), " from offer where sku_id = ? order by created_at, offer_id"))?
        .query_map([&sku_id.0], offer_of)?
        .collect::<Result<_>>()?;
    Ok(Some(Arc::new(sku)))
}

/// Puts what is there of `keys` onto the shelf.
pub(crate) fn load(db: &Connection, keys: &BTreeSet<SkuId>, seen: &mut Shelf<Skus>) -> Result<()> {
    for sku_id in keys {
        if let Some(sku) = find(db, sku_id)? {
            seen.found(sku_id.clone(), sku);
        }
    }
    Ok(())
}

/// Writes SKUs with all their offers.
pub(crate) fn save(db: &Connection, writes: &BTreeMap<SkuId, Write<Arc<Sku>>>) -> Result<(), Trouble> {
    for (sku_id, Write { expected, row: sku }) in writes {
        if *expected == 0 {
            db.prepare_cached(concat!("insert into sku (", columns!(), ") values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"))?.execute(params![
                sku_id.0,
                sku.product_id.0,
                sku.name,
                sku.status.as_str(),
                sku.tax_class,
                sku.title,
                sku.author,
                sku.version,
                sku.created_at.0,
                sku.updated_at.0
            ])?;
        } else {
            let changed = db
                .prepare_cached(
                    "update sku set product_id = ?, name = ?, status = ?, tax_class = ?, title = ?, author = ?, version = ?, updated_at = ?
                     where sku_id = ? and version = ?",
                )?
                .execute(params![
                    sku.product_id.0,
                    sku.name,
                    sku.status.as_str(),
                    sku.tax_class,
                    sku.title,
                    sku.author,
                    sku.version,
                    sku.updated_at.0,
                    sku_id.0,
                    expected
                ])?;
            one_row(changed, "sku")?;
        }
        for offer in &sku.offers {
            save_offer(db, offer)?;
        }
    }
    Ok(())
}

fn save_offer(db: &Connection, offer: &Offer) -> Result<(), Trouble> {
    let changed = db
        .prepare_cached(concat!(
            "insert into offer (",
            offer_columns!(),
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
