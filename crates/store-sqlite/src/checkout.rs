//! Table `checkout`: checkout sessions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::cart::CartOwner;
use domain::checkout::{Checkout, GuestToken, Status};
use domain::ids::{AddressId, SessionId, UserId};
use domain::order::{AddressRef, PaymentMethod};
use domain::tables::{Checkouts, Shelf, Write};
use domain::time::Time;
use rusqlite::{Connection, OptionalExtension as _, Result, Row, params};

use crate::error::{Trouble, one_row};
use crate::value::Cells;

/// What [`checkout_of`] reads and an insert writes.
macro_rules! columns {
    () => {
        "session_id, status, customer_id, customer_email, cart_owner, shipping_address_id, shipping_address, billing_address_id, \
         billing_address, shipping_method, payment_method, promotion_codes, notes, guest_token, order_id, expires_at, version, \
         created_at, updated_at, hold_id"
    };
}

fn checkout_of(row: &Row<'_>) -> Result<Arc<Checkout>> {
    let mut cells = Cells::of(row);
    Ok(Arc::new(Checkout {
        session_id: SessionId(cells.get()?),
        status: cells.word(Status::ALL, Status::as_str)?,
        customer_id: cells.get::<Option<_>>()?.map(UserId),
        customer_email: cells.get()?,
        owner: cells.read(CartOwner::parse)?,
        shipping_address: AddressRef { id: cells.get::<Option<_>>()?.map(AddressId), snapshot: cells.get()? },
        billing_address: AddressRef { id: cells.get::<Option<_>>()?.map(AddressId), snapshot: cells.get()? },
        shipping_method: cells.get()?,
        payment_method: cells.get::<Option<_>>()?.map(PaymentMethod),
        promotion_codes: cells.read(|text| serde_json::from_str::<Vec<String>>(text).ok())?.into_iter().map(Arc::from).collect(),
        notes: cells.get()?,
        guest_token: cells.get::<Option<_>>()?.map(GuestToken),
        order_id: cells.maybe_id()?,
        expires_at: cells.time()?,
        version: cells.get()?,
        created_at: cells.time()?,
        updated_at: cells.time()?,
        hold_id: cells.maybe_id()?,
    }))
}

/// The latest session of a name.
pub(crate) fn find(db: &Connection, session_id: &SessionId) -> Result<Option<Arc<Checkout>>> {
    db.prepare_cached(concat!("select ", columns!(), " from checkout where session_id = ?"))?
        .query_row([&session_id.0], checkout_of)
        .optional()
}

/// Active sessions whose time has passed.
pub(crate) fn expired(db: &Connection, now: Time, limit: u32) -> Result<Vec<SessionId>> {
    db.prepare_cached(
        "select session_id from checkout where status = 'active' and expires_at <= ? order by expires_at, session_id limit ?",
    )?
    .query_map(params![now.0, limit], |row| row.get(0).map(SessionId))?
    .collect()
}

/// Deletes sessions that ended long ago.
pub(crate) fn forget(db: &Connection, now: Time, limit: u32) -> Result<u64> {
    let forgotten = db
        .prepare_cached(
            "delete from checkout where session_id in (
                 select session_id from checkout where status <> 'active' and expires_at <= ? order by expires_at limit ?)",
        )?
        .execute(params![now.0, limit])?;
    Ok(u64::try_from(forgotten).unwrap_or(u64::MAX))
}

/// Puts what is there of `keys` onto the shelf.
pub(crate) fn load(db: &Connection, keys: &BTreeSet<SessionId>, seen: &mut Shelf<Checkouts>) -> Result<()> {
    for session_id in keys {
        if let Some(checkout) = find(db, session_id)? {
            seen.found(session_id.clone(), checkout);
        }
    }
    Ok(())
}

/// Writes sessions. Everything but the name may change: the next session takes the place of the one that has ended.
pub(crate) fn save(db: &Connection, writes: &BTreeMap<SessionId, Write<Arc<Checkout>>>) -> Result<(), Trouble> {
    for (session_id, Write { expected, row: checkout }) in writes {
        let codes: Vec<&str> = checkout.promotion_codes.iter().map(|code| &**code).collect();
        let values = params![
            session_id.0,
            checkout.status.as_str(),
            checkout.customer_id.as_ref().map(UserId::as_str),
            checkout.customer_email,
            checkout.owner.to_string(),
            checkout.shipping_address.id.as_ref().map(AddressId::as_str),
            checkout.shipping_address.snapshot,
            checkout.billing_address.id.as_ref().map(AddressId::as_str),
            checkout.billing_address.snapshot,
            checkout.shipping_method,
            checkout.payment_method.as_ref().map(PaymentMethod::as_str),
            serde_json::to_string(&codes).expect("texts always serialize"),
            checkout.notes,
            checkout.guest_token.map(|token| token.0),
            checkout.order_id.as_ref().map(|id| id.0.as_bytes()),
            checkout.expires_at.0,
            checkout.version,
            checkout.created_at.0,
            checkout.updated_at.0,
            checkout.hold_id.as_ref().map(|id| id.0.as_bytes()),
            expected
        ];
        if *expected == 0 {
            let insert =
                concat!("insert into checkout (", columns!(), ") values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
            db.prepare_cached(insert)?.execute(&values[..20])?;
        } else {
            let changed = db
                .prepare_cached(
                    "update checkout set status = ?2, customer_id = ?3, customer_email = ?4, cart_owner = ?5, shipping_address_id = ?6,
                         shipping_address = ?7, billing_address_id = ?8, billing_address = ?9, shipping_method = ?10, payment_method = ?11,
                         promotion_codes = ?12, notes = ?13, guest_token = ?14, order_id = ?15, expires_at = ?16, version = ?17,
                         created_at = ?18, updated_at = ?19, hold_id = ?20
                     where session_id = ?1 and version = ?21",
                )?
                .execute(values)?;
            one_row(changed, "checkout")?;
        }
    }
    Ok(())
}
