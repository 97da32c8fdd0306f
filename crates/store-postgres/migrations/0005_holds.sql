-- Holds: units that are promised for a while, until an order takes them. What is held never changes.

create table inventory_hold (
    hold_id     uuid primary key,
    status      text not null check (status in ('ACTIVE', 'COMMITTED', 'RELEASED', 'EXPIRED')),
    -- What is held, one SKU and its quantity under the same index; empty: a foreign inventory holds it.
    sku_ids     text[] not null,
    quantities  bigint[] not null check (0 < all (quantities)),
    order_id    uuid,
    -- Null: it ends with its order.
    expires_at  timestamptz,
    version     bigint not null check (version > 0),
    created_at  timestamptz not null default now(),
    updated_at  timestamptz not null default now(),
    constraint inventory_hold_items check (cardinality(sku_ids) = cardinality(quantities)),
    -- Somebody has it, or it runs out.
    constraint inventory_hold_ends check (status <> 'ACTIVE' or order_id is not null or expires_at is not null),
    constraint inventory_hold_committed check (status <> 'COMMITTED' or order_id is not null)
) with (fillfactor = 80);
create index inventory_hold_ending on inventory_hold (expires_at) where status = 'ACTIVE' and order_id is null;
create index inventory_hold_ended on inventory_hold (updated_at) where status in ('RELEASED', 'EXPIRED') and order_id is null;

-- Until now, every hold was of a foreign inventory, and nothing was known of it but its order.
insert into inventory_hold (hold_id, status, sku_ids, quantities, order_id, version)
select distinct on (hold_id) hold_id, case when expires_at is null then 'COMMITTED' else 'ACTIVE' end, '{}', '{}', order_id, 1
from orders
where hold_id is not null and cancelled_at is null
order by hold_id, created_at;

-- What a session holds, where goods are reserved while it goes on.
alter table checkout add column hold_id uuid;
