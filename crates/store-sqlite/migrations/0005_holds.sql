-- Holds: units that are promised for a while, until an order takes them. What is held never changes.

create table inventory_hold (
    hold_id     blob primary key not null check (length(hold_id) = 16),
    status      text not null check (status = 'ACTIVE' or status = 'COMMITTED' or status = 'RELEASED' or status = 'EXPIRED'),
    -- What is held, as a JSON array of [sku_id, qty]; empty: a foreign inventory holds it.
    items       text not null,
    order_id    blob check (length(order_id) = 16),
    -- Null: it ends with its order.
    expires_at  integer,
    version     integer not null check (version > 0),
    created_at  integer not null default (cast(unixepoch('subsec') * 1000 as integer)),
    updated_at  integer not null default (cast(unixepoch('subsec') * 1000 as integer)),
    -- Somebody has it, or it runs out.
    constraint inventory_hold_ends check (status <> 'ACTIVE' or order_id is not null or expires_at is not null),
    constraint inventory_hold_committed check (status <> 'COMMITTED' or order_id is not null)
) strict, without rowid;
create index inventory_hold_ending on inventory_hold (expires_at) where status = 'ACTIVE' and order_id is null;
create index inventory_hold_ended on inventory_hold (updated_at) where status in ('RELEASED', 'EXPIRED') and order_id is null;

-- Until now, every hold was of a foreign inventory, and nothing was known of it but its order.
insert into inventory_hold (hold_id, status, items, order_id, version)
select hold_id, iif(expires_at is null, 'COMMITTED', 'ACTIVE'), '[]', order_id, 1
from orders
where hold_id is not null and cancelled_at is null
group by hold_id having created_at = min(created_at);

-- What a session holds, where goods are reserved while it goes on.
alter table checkout add column hold_id blob check (length(hold_id) = 16);
