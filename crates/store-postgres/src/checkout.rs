//! Checkout sessions: table `checkout`.

use std::sync::Arc;

use domain::checkout::{Checkout, GuestToken, Status};
use domain::ids::{AddressId, HoldId, OrderId, SessionId, UserId};
use domain::order::{AddressRef, PaymentMethod};
use domain::tables::Write;
use tokio_postgres::Row;

use crate::error::Failure;
use crate::types::{Column, Fields, Json, Moment, column, named, rows};

/// What [`read`] reads.
macro_rules! columns {
    () => {
        "session_id, status, customer_id, customer_email, cart_owner, shipping_address_id, shipping_address::text, billing_address_id,
        billing_address::text, shipping_method, payment_method, promotion_codes, notes, guest_token, order_id, expires_at, version,
        created_at, updated_at, hold_id"
    };
}

pub(crate) const LOAD: &str = concat!("select ", columns!(), " from checkout where session_id = any($1)");

/// Active sessions whose time has passed at `$1`.
pub(crate) const EXPIRED: &str =
    "select session_id from checkout where status = 'active' and expires_at <= $1 order by expires_at, session_id limit $2";

/// At most `$2` of the sessions that ended long ago.
pub(crate) const FORGET: &str = "
    delete from checkout
    where session_id = any(array(
        select session_id from checkout where status <> 'active' and expires_at <= $1 order by expires_at limit $2
        for update skip locked))";

macro_rules! written_columns {
    () => {
        "session_id, status, customer_id, customer_email, cart_owner, shipping_address_id, shipping_address, billing_address_id,
        billing_address, shipping_method, payment_method, promotion_codes, notes, guest_token, order_id, expires_at, version,
        created_at, updated_at, hold_id"
    };
}

pub(crate) const INSERT: &str =
    concat!("insert into checkout (", written_columns!(), ") select ", written_columns!(), " from unnest($1::checkout[])");

/// Everything but the name may change: the next session takes the place of the one that has ended.
pub(crate) const UPDATE: &str = "
    with changed as (
        update checkout as t
        set status = x.status, customer_id = x.customer_id, customer_email = x.customer_email, cart_owner = x.cart_owner,
            shipping_address_id = x.shipping_address_id, shipping_address = x.shipping_address,
            billing_address_id = x.billing_address_id, billing_address = x.billing_address, shipping_method = x.shipping_method,
            payment_method = x.payment_method, promotion_codes = x.promotion_codes, notes = x.notes, guest_token = x.guest_token,
            order_id = x.order_id, expires_at = x.expires_at, version = x.version, created_at = x.created_at,
            updated_at = x.updated_at, hold_id = x.hold_id
        from unnest($1::checkout[]) as x, unnest($2::text[], $3::bigint[]) as e (session_id, expected)
        where t.session_id = any($2) and t.session_id = x.session_id and t.session_id = e.session_id and t.version = e.expected
        returning 1)
    select ordo_expect('checkout', (select count(*) from changed), cardinality($2))";

pub(crate) fn inserted<'c>(sessions: &[&'c Write<Arc<Checkout>>]) -> Vec<Column<'c>> {
    rows(vec![
        named("session_id", sessions, |write| write.row.session_id.as_str()),
        named("status", sessions, |write| write.row.status.as_str()),
        named("customer_id", sessions, |write| write.row.customer_id.as_ref().map(UserId::as_str)),
        named("customer_email", sessions, |write| write.row.customer_email.as_deref()),
        named("cart_owner", sessions, |write| write.row.owner.to_string()),
        named("shipping_address_id", sessions, |write| write.row.shipping_address.id.as_ref().map(AddressId::as_str)),
        named("shipping_address", sessions, |write| write.row.shipping_address.snapshot.as_deref().map(Json)),
        named("billing_address_id", sessions, |write| write.row.billing_address.id.as_ref().map(AddressId::as_str)),
        named("billing_address", sessions, |write| write.row.billing_address.snapshot.as_deref().map(Json)),
        named("shipping_method", sessions, |write| write.row.shipping_method.as_deref()),
        named("payment_method", sessions, |write| write.row.payment_method.as_ref().map(PaymentMethod::as_str)),
        named("promotion_codes", sessions, |write| write.row.promotion_codes.iter().map(|code| &**code).collect::<Vec<&str>>()),
        named("notes", sessions, |write| write.row.notes.as_deref()),
        named("guest_token", sessions, |write| write.row.guest_token.as_ref().map(|token| token.0.as_slice())),
        named("order_id", sessions, |write| write.row.order_id.map(|id| id.0)),
        named("expires_at", sessions, |write| Moment(write.row.expires_at)),
        named("version", sessions, |write| write.row.version),
        named("created_at", sessions, |write| Moment(write.row.created_at)),
        named("updated_at", sessions, |write| Moment(write.row.updated_at)),
        named("hold_id", sessions, |write| write.row.hold_id.map(|id| id.0)),
    ])
}

pub(crate) fn updated<'c>(sessions: &[&'c Write<Arc<Checkout>>]) -> Vec<Column<'c>> {
    let mut columns = inserted(sessions);
    columns.push(column(sessions, |write| write.row.session_id.as_str()));
    columns.push(column(sessions, |write| write.expected));
    columns
}

pub(crate) fn read(row: &Row) -> Result<Checkout, Failure> {
    let mut row = Fields::of(row);
    Ok(Checkout {
        session_id: SessionId(row.text()?),
        status: row.word(Status::ALL, Status::as_str)?,
        customer_id: row.text_or_none()?,
        customer_email: row.text_or_none()?,
        owner: row.owner()?,
        shipping_address: AddressRef { id: row.text_or_none()?, snapshot: row.text_or_none()? },
        billing_address: AddressRef { id: row.text_or_none()?, snapshot: row.text_or_none()? },
        shipping_method: row.text_or_none()?,
        payment_method: row.text_or_none()?,
        promotion_codes: row.take::<Vec<&str>>()?.into_iter().map(Arc::from).collect(),
        notes: row.text_or_none()?,
        guest_token: {
            let stored = row.take::<Option<&[u8]>>()?;
            let token =
                stored.map(|bytes| <[u8; 32]>::try_from(bytes).map_err(|_| row.unreadable("a token of another length"))).transpose()?;
            token.map(GuestToken)
        },
        order_id: row.take::<Option<_>>()?.map(OrderId),
        expires_at: row.time()?,
        version: row.take()?,
        created_at: row.time()?,
        updated_at: row.time()?,
        hold_id: row.take::<Option<_>>()?.map(HoldId),
    })
}
