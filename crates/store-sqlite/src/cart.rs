//! Tables `cart` and `cart_item`: a cart and its lines change together, under the cart's version.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::cart::{Cart, CartEnd, CartLine, CartOwner};
use domain::ids::{CartId, CartItemId, SkuId};
use domain::money::Currency;
use domain::tables::{Carts, Shelf, Write};
use domain::time::Time;
use rusqlite::{Connection, OptionalExtension as _, Result, Row, params};

use crate::error::{Trouble, one_row};
use crate::rows::Insert;
use crate::value::Cells;

/// What [`cart_of`] reads and an insert writes, but for whether it is active.
macro_rules! columns {
    () => {
        "owner, cart_id, ended_as, order_id, currency, expires_at, version, created_at, updated_at"
    };
}

static LINES: Insert = Insert::new("cart_item (cart_item_id, owner, sku_id, qty, unit_price, offer_id, captured_at)", 7);

fn cart_of(row: &Row<'_>) -> Result<Cart> {
    let mut cells = Cells::of(row);
    let (owner, cart_id) = (cells.read(CartOwner::parse)?, cells.id()?);
    let (ended_as, order_id) = (cells.get::<Option<String>>()?, cells.maybe_id()?);
    let ended = match ended_as {
        Some(word) => Some(CartEnd::parse(&word, order_id).ok_or_else(|| cells.broken("ended_as does not go with order_id"))?),
        None => None,
    };
    Ok(Cart {
        owner,
        cart_id,
        ended,
        currency: cells.maybe_currency()?,
        lines: Vec::new(),
        expires_at: cells.time()?,
        version: cells.get()?,
        created_at: cells.time()?,
        updated_at: cells.time()?,
    })
}

/// The latest cart of an owner, with its lines.
pub(crate) fn find(db: &Connection, owner: &CartOwner) -> Result<Option<Arc<Cart>>> {
    let key = owner.to_string();
    let cart = db.prepare_cached(concat!("select ", columns!(), " from cart where owner = ?"))?.query_row([&key], cart_of).optional()?;
    let Some(mut cart) = cart else { return Ok(None) };
    cart.lines = db
        .prepare_cached(
            "select cart_item_id, sku_id, qty, unit_price, offer_id, captured_at from cart_item where owner = ? order by cart_item_id",
        )?
        .query_map([&key], |row| {
            let mut cells = Cells::of(row);
            Ok(CartLine {
                cart_item_id: cells.id()?,
                sku_id: SkuId(cells.get()?),
                qty: cells.get()?,
                unit_price: cells.get()?,
                offer_id: cells.id()?,
                captured_at: cells.time()?,
            })
        })?
        .collect::<Result<_>>()?;
    Ok(Some(Arc::new(cart)))
}

/// Whose cart it is.
pub(crate) fn owner(db: &Connection, cart_id: CartId) -> Result<Option<CartOwner>> {
    let whose = |row: &Row<'_>| Cells::of(row).read(CartOwner::parse);
    db.prepare_cached("select owner from cart where cart_id = ?")?.query_row([cart_id.0.as_bytes()], whose).optional()
}

/// Whose line it is, and of which SKU.
pub(crate) fn owner_of_item(db: &Connection, cart_item_id: CartItemId) -> Result<Option<(CartOwner, SkuId)>> {
    let whose = |row: &Row<'_>| {
        let mut cells = Cells::of(row);
        Ok((cells.read(CartOwner::parse)?, SkuId(cells.get()?)))
    };
    db.prepare_cached("select owner, sku_id from cart_item where cart_item_id = ?")?
        .query_row([cart_item_id.0.as_bytes()], whose)
        .optional()
}

/// Active carts whose time has passed.
pub(crate) fn expired(db: &Connection, now: Time, limit: u32) -> Result<Vec<CartOwner>> {
    db.prepare_cached("select owner from cart where is_active = 1 and expires_at <= ? order by expires_at, owner limit ?")?
        .query_map(params![now.0, limit], |row| Cells::of(row).read(CartOwner::parse))?
        .collect()
}

/// Deletes carts that ended long ago, with their lines.
pub(crate) fn forget(db: &Connection, now: Time, limit: u32) -> Result<u64> {
    let forgotten = db
        .prepare_cached(
            "delete from cart where owner in (select owner from cart where is_active = 0 and expires_at <= ? order by expires_at limit ?)",
        )?
        .execute(params![now.0, limit])?;
    Ok(u64::try_from(forgotten).unwrap_or(u64::MAX))
}

/// Puts what is there of `keys` onto the shelf.
pub(crate) fn load(db: &Connection, keys: &BTreeSet<CartOwner>, seen: &mut Shelf<Carts>) -> Result<()> {
    for owner in keys {
        if let Some(cart) = find(db, owner)? {
            seen.found(owner.clone(), cart);
        }
    }
    Ok(())
}

/// Writes carts with all their lines. Everything but the owner may change: his next cart takes the place of the one that has ended.
pub(crate) fn save(db: &Connection, writes: &BTreeMap<CartOwner, Write<Arc<Cart>>>) -> Result<(), Trouble> {
    for (owner, Write { expected, row: cart }) in writes {
        let owner = owner.to_string();
        let (ended_as, order_id) = (cart.ended.map(CartEnd::as_str), cart.ended.and_then(CartEnd::order_id));
        let values = params![
            owner,
            cart.cart_id.0.as_bytes(),
            ended_as,
            order_id.as_ref().map(|id| id.0.as_bytes()),
            cart.currency.map(Currency::code),
            cart.expires_at.0,
            cart.version,
            cart.created_at.0,
            cart.updated_at.0,
            cart.is_active(),
            expected
        ];
        if *expected == 0 {
            let insert = concat!("insert into cart (", columns!(), ", is_active) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
            db.prepare_cached(insert)?.execute(&values[..10])?;
        } else {
            let changed = db
                .prepare_cached(
                    "update cart set cart_id = ?2, ended_as = ?3, order_id = ?4, currency = ?5, expires_at = ?6, version = ?7, created_at = ?8,
                         updated_at = ?9, is_active = ?10
                     where owner = ?1 and version = ?11",
                )?
                .execute(values)?;
            one_row(changed, "cart")?;
            db.prepare_cached("delete from cart_item where owner = ?")?.execute([&owner])?;
        }
        LINES.rows(db, &cart.lines, |line, row| {
            row.next(line.cart_item_id.0.as_bytes())?;
            row.next(&owner)?;
            row.next(&line.sku_id.0)?;
            row.next(line.qty)?;
            row.next(line.unit_price)?;
            row.next(line.offer_id.0.as_bytes())?;
            row.next(line.captured_at.0)
        })?;
    }
    Ok(())
}
