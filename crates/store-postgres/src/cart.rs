//! Carts: tables `cart` and `cart_item`. A cart and its lines change together, under the cart's version.

use std::collections::HashMap;
use std::sync::Arc;

use domain::cart::{Cart, CartEnd, CartLine, CartOwner};
use domain::ids::{CartId, CartItemId, OfferId, OrderId, SkuId};
use domain::money::Currency;
use domain::tables::Write;
use tokio_postgres::Row;

use crate::error::Failure;
use crate::types::{Column, Fields, Int, Moment, column};

/// What [`whole`] reads of a cart.
macro_rules! columns {
    () => {
        "owner, cart_id, ended_as, order_id, currency, expires_at, version, created_at, updated_at"
    };
}

pub(crate) const LOAD: &str = concat!("select ", columns!(), " from cart where owner = any($1)");

pub(crate) const LINES_LOAD: &str = "
    select owner, cart_item_id, sku_id, qty::bigint, unit_price, offer_id, captured_at
    from cart_item
    where owner = any($1)
    order by owner, cart_item_id";

/// Whose cart it is.
pub(crate) const WHOSE: &str = "select owner from cart where cart_id = $1";

/// Whose line it is, and of which SKU.
pub(crate) const WHOSE_ITEM: &str = "select owner, sku_id from cart_item where cart_item_id = $1";

/// Active carts whose time has passed at `$1`.
pub(crate) const EXPIRED: &str = "select owner from cart where is_active and expires_at <= $1 order by expires_at, owner limit $2";

/// At most `$2` of the carts that ended long ago, with their lines.
pub(crate) const FORGET: &str = "
    delete from cart
    where owner = any(array(
        select owner from cart where not is_active and expires_at <= $1 order by expires_at limit $2 for update skip locked))";

pub(crate) const INSERT: &str = "
    insert into cart (owner, cart_id, is_active, ended_as, order_id, currency, expires_at, version, created_at, updated_at)
    select * from unnest($1::text[], $2::uuid[], $3::boolean[], $4::text[], $5::uuid[], $6::text[], $7::timestamptz[], $8::bigint[],
        $9::timestamptz[], $10::timestamptz[])";

/// Everything but the owner may change: his next cart takes the place of the one that has ended.
pub(crate) const UPDATE: &str = "
    with changed as (
        update cart as t
        set cart_id = x.cart_id, is_active = x.is_active, ended_as = x.ended_as, order_id = x.order_id, currency = x.currency,
            expires_at = x.expires_at, version = x.version, created_at = x.created_at, updated_at = x.updated_at
        from unnest($1::text[], $2::uuid[], $3::boolean[], $4::text[], $5::uuid[], $6::text[], $7::timestamptz[], $8::bigint[],
                $9::timestamptz[], $10::timestamptz[], $11::bigint[])
            as x (owner, cart_id, is_active, ended_as, order_id, currency, expires_at, version, created_at, updated_at, expected)
        where t.owner = any($1) and t.owner = x.owner and t.version = x.expected
        returning 1)
    select ordo_expect('cart', (select count(*) from changed), cardinality($1))";

/// The lines of the carts `$1` that are not among `$2`. The carts are written first: nobody else has them.
pub(crate) const LINES_DELETE: &str = "
    delete from cart_item as t
    where t.owner = any($1) and not exists (select 1 from unnest($2::uuid[]) as kept (id) where kept.id = t.cart_item_id)";

pub(crate) const LINES_UPSERT: &str = "
    insert into cart_item (cart_item_id, owner, sku_id, qty, unit_price, offer_id, captured_at)
    select * from unnest($1::uuid[], $2::text[], $3::text[], $4::integer[], $5::bigint[], $6::uuid[], $7::timestamptz[])
    on conflict (cart_item_id) do update
    set qty = excluded.qty, unit_price = excluded.unit_price, offer_id = excluded.offer_id, captured_at = excluded.captured_at
    where (cart_item.qty, cart_item.unit_price, cart_item.offer_id, cart_item.captured_at)
        is distinct from (excluded.qty, excluded.unit_price, excluded.offer_id, excluded.captured_at)";

pub(crate) fn inserted<'c>(rows: &[&'c Write<Arc<Cart>>]) -> Vec<Column<'c>> {
    vec![
        column(rows, |write| write.row.owner.to_string()),
        column(rows, |write| write.row.cart_id.0),
        column(rows, |write| write.row.is_active()),
        column(rows, |write| write.row.ended.map(CartEnd::as_str)),
        column(rows, |write| write.row.ended.and_then(CartEnd::order_id).map(|id| id.0)),
        column(rows, |write| write.row.currency.map(Currency::code)),
        column(rows, |write| Moment(write.row.expires_at)),
        column(rows, |write| write.row.version),
        column(rows, |write| Moment(write.row.created_at)),
        column(rows, |write| Moment(write.row.updated_at)),
    ]
}

pub(crate) fn updated<'c>(rows: &[&'c Write<Arc<Cart>>]) -> Vec<Column<'c>> {
    let mut columns = inserted(rows);
    columns.push(column(rows, |write| write.expected));
    columns
}

/// Every line of the carts, with whose it is.
pub(crate) fn lines_of<'c>(carts: impl IntoIterator<Item = &'c Write<Arc<Cart>>>) -> Vec<(&'c CartOwner, &'c CartLine)> {
    carts.into_iter().flat_map(|write| write.row.lines.iter().map(|line| (&write.row.owner, line))).collect()
}

pub(crate) fn lines_deleted<'c>(carts: &[&'c Write<Arc<Cart>>], kept: &[(&'c CartOwner, &'c CartLine)]) -> Vec<Column<'c>> {
    vec![column(carts, |write| write.row.owner.to_string()), column(kept, |(_, line)| line.cart_item_id.0)]
}

pub(crate) fn lines_upserted<'c>(lines: &[(&'c CartOwner, &'c CartLine)]) -> Vec<Column<'c>> {
    vec![
        column(lines, |(_, line)| line.cart_item_id.0),
        column(lines, |(owner, _)| owner.to_string()),
        column(lines, |(_, line)| line.sku_id.as_str()),
        column(lines, |(_, line)| Int(line.qty)),
        column(lines, |(_, line)| line.unit_price),
        column(lines, |(_, line)| line.offer_id.0),
        column(lines, |(_, line)| Moment(line.captured_at)),
    ]
}

/// The carts, each with its lines.
pub(crate) fn whole(carts: &[Row], lines: &[Row]) -> Result<Vec<Cart>, Failure> {
    let mut of_owner = HashMap::<CartOwner, Vec<CartLine>>::new();
    for row in lines {
        let mut row = Fields::of(row);
        let owner = row.owner()?;
        let line = CartLine {
            cart_item_id: CartItemId(row.take()?),
            sku_id: SkuId(row.text()?),
            qty: row.take()?,
            unit_price: row.take()?,
            offer_id: OfferId(row.take()?),
            captured_at: row.time()?,
        };
        of_owner.entry(owner).or_default().push(line);
    }
    let carts = carts.iter().map(|row| {
        let mut row = Fields::of(row);
        let owner = row.owner()?;
        let cart_id = CartId(row.take()?);
        let (ended_as, order_id) = (row.take::<Option<&str>>()?, row.take::<Option<_>>()?.map(OrderId));
        let ended = ended_as.map(|word| CartEnd::parse(word, order_id).ok_or_else(|| row.unreadable(word))).transpose()?;
        let currency = row.take::<Option<&str>>()?;
        let currency = currency.map(|code| Currency::from_code(code).ok_or_else(|| row.unreadable(code))).transpose()?;
        Ok(Cart {
            lines: of_owner.remove(&owner).unwrap_or_default(),
            owner,
            cart_id,
            ended,
            currency,
            expires_at: row.time()?,
            version: row.take()?,
            created_at: row.time()?,
            updated_at: row.time()?,
        })
    });
    carts.collect()
}
