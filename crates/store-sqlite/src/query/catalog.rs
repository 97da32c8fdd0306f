//! Reads of what is sold.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::catalog::{Offer, Sku};
use domain::ids::{OfferId, ProductId, SkuId};
use engine::port::Page;
use rusqlite::{Connection, OptionalExtension as _, Result, params};

use super::list;
use crate::offer::offer_of;
use crate::sku::{columns, sku_of};

/// SKUs in the order of their ids.
pub(super) fn page(db: &Connection, product_id: Option<&ProductId>, page: &Page<SkuId>) -> Result<Vec<Arc<Sku>>> {
    let after = page.after.as_ref().map(SkuId::as_str);
    let mut skus: Vec<Sku> = match product_id {
        Some(product_id) => db
            .prepare_cached(concat!(
                "select ",
                columns!(),
                " from sku where product_id = ?1 and sku_id > coalesce(?2, '') order by sku_id limit ?3"
            ))?
            .query_map(params![product_id.as_str(), after, page.limit], sku_of)?
            .collect::<Result<_>>()?,
        None => db
            .prepare_cached(concat!("select ", columns!(), " from sku where sku_id > coalesce(?1, '') order by sku_id limit ?2"))?
            .query_map(params![after, page.limit], sku_of)?
            .collect::<Result<_>>()?,
    };
    let mut offers = offers(db, &skus)?;
    for sku in &mut skus {
        sku.offers = offers.remove(&sku.sku_id).unwrap_or_default();
    }
    Ok(skus.into_iter().map(Arc::new).collect())
}

fn offers(db: &Connection, skus: &[Sku]) -> Result<BTreeMap<SkuId, Vec<Offer>>> {
    let mut offers = BTreeMap::<SkuId, Vec<Offer>>::new();
    let mut select = db.prepare_cached(concat!(
        "select ",
        crate::offer::columns!(),
        " from offer where sku_id in (select value from json_each(?)) order by sku_id, created_at, offer_id"
    ))?;
    for offer in select.query_map([list(skus.iter().map(|sku| &sku.sku_id))], offer_of)? {
        let offer = offer?;
        offers.entry(offer.sku_id.clone()).or_default().push(offer);
    }
    Ok(offers)
}

/// Of which SKU an offer is.
pub(super) fn sku_of_offer(db: &Connection, offer_id: OfferId) -> Result<Option<SkuId>> {
    db.prepare_cached("select sku_id from offer where offer_id = ?")?
        .query_row([offer_id.0.as_bytes()], |row| row.get(0).map(SkuId))
        .optional()
}
