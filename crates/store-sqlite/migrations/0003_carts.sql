-- Carts: of each owner the latest. They promise nothing, and are deleted some time after they have ended.

create table cart (
    owner       text primary key not null check (owner like 'user:%' or owner like 'session:%'),
    cart_id     blob not null unique check (length(cart_id) = 16),
    is_active   integer not null check (is_active = 0 or is_active = 1),
    ended_as    text check (ended_as = 'ordered' or ended_as = 'merged' or ended_as = 'abandoned'),
    order_id    blob check (length(order_id) = 16),
    currency    text check (length(currency) = 3),
    expires_at  integer not null,
    version     integer not null check (version > 0),
    created_at  integer not null default (cast(unixepoch('subsec') * 1000 as integer)),
    updated_at  integer not null default (cast(unixepoch('subsec') * 1000 as integer)),
    constraint cart_active check (is_active = (ended_as is null)),
    constraint cart_ordered check ((order_id is not null) = (ended_as is 'ordered'))
) strict, without rowid;
create index cart_expiring on cart (is_active, expires_at);

-- They change under the version of their cart.
create table cart_item (
    cart_item_id    blob primary key not null check (length(cart_item_id) = 16),
    owner           text not null references cart (owner) on delete cascade,
    sku_id          text not null,
    qty             integer not null check (qty > 0),
    unit_price      integer not null check (unit_price >= 0),
    offer_id        blob not null check (length(offer_id) = 16),
    captured_at     integer not null,
    constraint cart_item_sku unique (owner, sku_id)
) strict, without rowid;
