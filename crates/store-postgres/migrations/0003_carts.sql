-- Carts: of each owner the latest. They promise nothing, and are deleted some time after they have ended.

create table cart (
    owner       text collate "C" primary key check (owner like 'user:%' or owner like 'session:%'),
    cart_id     uuid not null unique,
    is_active   boolean not null,
    ended_as    text check (ended_as in ('ordered', 'merged', 'abandoned')),
    order_id    uuid,
    currency    varchar(3),
    -- Rounded, so that most changes of a cart touch no index.
    expires_at  timestamptz not null,
    version     bigint not null check (version > 0),
    created_at  timestamptz not null default now(),
    updated_at  timestamptz not null default now(),
    constraint cart_active check (is_active = (ended_as is null)),
    constraint cart_ordered check ((order_id is not null) = (ended_as is not distinct from 'ordered'))
) with (fillfactor = 80);
create index cart_expiring on cart (is_active, expires_at);

-- They change under the version of their cart.
create table cart_item (
    cart_item_id    uuid primary key,
    owner           text collate "C" not null references cart (owner) on delete cascade,
    sku_id          text collate "C" not null,
    qty             integer not null check (qty > 0),
    unit_price      bigint not null check (unit_price >= 0),
    offer_id        uuid not null,
    captured_at     timestamptz not null,
    constraint cart_item_sku unique (owner, sku_id)
) with (fillfactor = 80);
