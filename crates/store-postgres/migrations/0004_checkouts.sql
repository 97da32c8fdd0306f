-- Checkout sessions: of each name the latest. They promise nothing, and are deleted some time after they have ended.

create table checkout (
    session_id          text collate "C" primary key,
    status              text not null check (status in ('active', 'confirmed', 'expired', 'abandoned')),
    customer_id         text,
    customer_email      text,
    cart_owner          text collate "C" not null,
    shipping_address_id text,
    shipping_address    json,
    billing_address_id  text,
    billing_address     json,
    shipping_method     text,
    payment_method      text,
    promotion_codes     text[] not null default '{}',
    notes               text,
    -- SHA-256 of what the guest was given.
    guest_token         bytea check (length(guest_token) = 32),
    order_id            uuid,
    expires_at          timestamptz not null,
    version             bigint not null check (version > 0),
    created_at          timestamptz not null default now(),
    updated_at          timestamptz not null default now(),
    constraint checkout_confirmed check ((order_id is not null) = (status = 'confirmed'))
) with (fillfactor = 80);
create index checkout_ending on checkout (expires_at) where status = 'active';
create index checkout_ended on checkout (expires_at) where status <> 'active';
