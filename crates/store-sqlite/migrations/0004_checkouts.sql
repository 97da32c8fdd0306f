-- Checkout sessions: of each name the latest. They promise nothing, and are deleted some time after they have ended.

create table checkout (
    session_id          text primary key not null,
    status              text not null check (status = 'active' or status = 'confirmed' or status = 'expired' or status = 'abandoned'),
    customer_id         text,
    customer_email      text,
    cart_owner          text not null,
    shipping_address_id text,
    shipping_address    text,
    billing_address_id  text,
    billing_address     text,
    shipping_method     text,
    payment_method      text,
    -- A JSON array.
    promotion_codes     text not null default '[]',
    notes               text,
    -- SHA-256 of what the guest was given.
    guest_token         blob check (length(guest_token) = 32),
    order_id            blob check (length(order_id) = 16),
    expires_at          integer not null,
    version             integer not null check (version > 0),
    created_at          integer not null default (cast(unixepoch('subsec') * 1000 as integer)),
    updated_at          integer not null default (cast(unixepoch('subsec') * 1000 as integer)),
    constraint checkout_confirmed check ((order_id is not null) = (status = 'confirmed'))
) strict, without rowid;
create index checkout_ending on checkout (expires_at) where status = 'active';
create index checkout_ended on checkout (expires_at) where status <> 'active';
