//! SKUs: table `sku`. Their offers have a file of their own.

use std::collections::HashMap;
use std::sync::Arc;

use domain::catalog::{Offer, Sku, SkuStatus};
use domain::ids::{ProductId, SkuId};
use domain::tables::Write;
use tokio_postgres::Row;

use crate::error::Failure;
use crate::offer;
use crate::types::{Column, Fields, Moment, column};

pub(crate) const LOAD: &str = "
    select sku_id, product_id, name, status, tax_class, title, author, version, created_at, updated_at
    from sku
    where sku_id = any($1)";

/// SKUs after `$2` in the order of their ids, of the product `$1` or of all.
pub(crate) const PAGE: &str = "
    select sku_id, product_id, name, status, tax_class, title, author, version, created_at, updated_at
    from sku
    where ($1::text is null or product_id = $1) and ($2::text is null or sku_id > $2)
    order by sku_id
    limit $3";

pub(crate) const INSERT: &str = "
    insert into sku (sku_id, product_id, name, status, tax_class, title, author, version, updated_at, created_at)
    select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[],
        $9::timestamptz[], $10::timestamptz[])";

pub(crate) const UPDATE: &str = "
    with changed as (
        update sku as t
        set product_id = x.product_id, name = x.name, status = x.status, tax_class = x.tax_class, title = x.title,
            author = x.author, version = x.version, updated_at = x.updated_at
        from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[],
                $9::timestamptz[], $10::bigint[])
            as x (sku_id, product_id, name, status, tax_class, title, author, version, updated_at, expected)
        where t.sku_id = any($1) and t.sku_id = x.sku_id and t.version = x.expected
        returning 1)
    select ordo_expect('sku', (select count(*) from changed), cardinality($1))";

fn written<'c>(rows: &[&'c Write<Arc<Sku>>]) -> Vec<Column<'c>> {
    vec![
        column(rows, |write| write.row.sku_id.as_str()),
        column(rows, |write| write.row.product_id.as_str()),
        column(rows, |write| &*write.row.name),
        column(rows, |write| write.row.status.as_str()),
        column(rows, |write| &*write.row.tax_class),
        column(rows, |write| write.row.title.as_deref()),
        column(rows, |write| write.row.author.as_deref()),
        column(rows, |write| write.row.version),
        column(rows, |write| Moment(write.row.updated_at)),
    ]
}

pub(crate) fn inserted<'c>(rows: &[&'c Write<Arc<Sku>>]) -> Vec<Column<'c>> {
    let mut columns = written(rows);
    columns.push(column(rows, |write| Moment(write.row.created_at)));
    columns
}

pub(crate) fn updated<'c>(rows: &[&'c Write<Arc<Sku>>]) -> Vec<Column<'c>> {
    let mut columns = written(rows);
    columns.push(column(rows, |write| write.expected));
    columns
}

/// The SKU, without its offers.
fn read(row: &Row) -> Result<Sku, Failure> {
    let mut row = Fields::of(row);
    Ok(Sku {
        sku_id: SkuId(row.text()?),
        product_id: ProductId(row.text()?),
        name: row.text()?,
        status: row.word(SkuStatus::ALL, SkuStatus::as_str)?,
        tax_class: row.text()?,
        title: row.text_or_none()?,
        author: row.text_or_none()?,
        version: row.take()?,
        created_at: row.time()?,
        updated_at: row.time()?,
        offers: Vec::new(),
    })
}

/// The SKUs, each with its offers.
pub(crate) fn with_offers(skus: &[Row], offers: &[Row]) -> Result<Vec<Sku>, Failure> {
    let mut of_sku = HashMap::<SkuId, Vec<Offer>>::new();
    for row in offers {
        let offer = offer::read(row)?;
        of_sku.entry(offer.sku_id.clone()).or_default().push(offer);
    }
    let skus = skus.iter().map(|row| {
        let mut sku = read(row)?;
        sku.offers = of_sku.remove(&sku.sku_id).unwrap_or_default();
        Ok(sku)
    });
    skus.collect()
}
