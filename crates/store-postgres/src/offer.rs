//! Offers: table `offer`. They change with their SKU only, under its version.

use domain::catalog::{Offer, OfferStatus};
use domain::ids::{OfferId, SkuId};
use tokio_postgres::Row;

use crate::error::Failure;
use crate::types::{Column, Fields, Moment, column};

/// In the order in which they were made.
pub(crate) const LOAD: &str = "
    select offer_id, sku_id, price, currency, priority, valid_from, valid_to, status, created_at, updated_at
    from offer
    where sku_id = any($1)
    order by created_at, offer_id";

pub(crate) const WHOSE: &str = "select sku_id from offer where offer_id = $1";

/// Guarded by the version of the SKU, which is written first; offers that are as they were are left alone.
pub(crate) const UPSERT: &str = "
    insert into offer as t (offer_id, sku_id, price, currency, priority, valid_from, valid_to, status, created_at, updated_at)
    select * from unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[], $5::integer[], $6::timestamptz[], $7::timestamptz[],
        $8::text[], $9::timestamptz[], $10::timestamptz[])
    on conflict (offer_id) do update
    set price = excluded.price, currency = excluded.currency, priority = excluded.priority, valid_from = excluded.valid_from,
        valid_to = excluded.valid_to, status = excluded.status, updated_at = excluded.updated_at
    where t.sku_id = excluded.sku_id
        and (t.price, t.currency, t.priority, t.valid_from, t.valid_to, t.status, t.updated_at)
            is distinct from (excluded.price, excluded.currency, excluded.priority, excluded.valid_from, excluded.valid_to,
                excluded.status, excluded.updated_at)";

pub(crate) fn upserted<'c>(rows: &[&'c Offer]) -> Vec<Column<'c>> {
    vec![
        column(rows, |offer| offer.offer_id.0),
        column(rows, |offer| offer.sku_id.as_str()),
        column(rows, |offer| offer.price),
        column(rows, |offer| offer.currency.code()),
        column(rows, |offer| offer.priority),
        column(rows, |offer| Moment(offer.valid_from)),
        column(rows, |offer| offer.valid_to.map(Moment)),
        column(rows, |offer| offer.status.as_str()),
        column(rows, |offer| Moment(offer.created_at)),
        column(rows, |offer| Moment(offer.updated_at)),
    ]
}

pub(crate) fn read(row: &Row) -> Result<Offer, Failure> {
    let mut row = Fields::of(row);
    Ok(Offer {
        offer_id: OfferId(row.take()?),
        sku_id: SkuId(row.text()?),
        price: row.take()?,
        currency: row.currency()?,
        priority: row.take()?,
        valid_from: row.time()?,
        valid_to: row.time_or_none()?,
        status: row.word(OfferStatus::ALL, OfferStatus::as_str)?,
        created_at: row.time()?,
        updated_at: row.time()?,
    })
}
