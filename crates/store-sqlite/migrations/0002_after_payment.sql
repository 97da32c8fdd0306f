-- What follows a payment: shipments, refunds, and what needs a person. And lists by the latest change.

alter table orders add column status_before text check (status_before = 'PAID' or status_before = 'READY_TO_SHIP' or status_before = 'SHIPPED' or status_before = 'DELIVERED');
create index orders_updated on orders (updated_at, order_id);

-- Goods of an order that leave together. They change under the version of their order.
create table shipment (
    shipment_id     blob primary key not null check (length(shipment_id) = 16),
    order_id        blob not null references orders (order_id) on delete cascade,
    status          text not null check (status = 'READY' or status = 'SHIPPED' or status = 'IN_TRANSIT' or status = 'DELIVERED' or status = 'RETURNED' or status = 'LOST'),
    carrier_code    text,
    tracking_number text check (length(tracking_number) <= 100),
    shipped_at      integer,
    delivered_at    integer,
    created_at      integer not null default (cast(unixepoch('subsec') * 1000 as integer)),
    updated_at      integer not null default (cast(unixepoch('subsec') * 1000 as integer))
) strict, without rowid;
create index shipment_order on shipment (order_id);

create table shipment_item (
    shipment_id     blob not null references shipment (shipment_id) on delete cascade,
    order_item_id   blob not null check (length(order_item_id) = 16),
    qty             integer not null check (qty > 0),
    primary key (shipment_id, order_item_id)
) strict, without rowid;

-- Money on its way back. What went back is also counted on its payment, where a CHECK bounds it.
create table refund (
    refund_id       blob primary key not null check (length(refund_id) = 16),
    order_id        blob not null references orders (order_id) on delete cascade,
    payment_id      blob not null references payment (payment_id) on delete cascade,
    status          text not null check (status = 'REQUESTED' or status = 'APPROVED' or status = 'PROCESSING' or status = 'REFUNDED' or status = 'FAILED' or status = 'REJECTED'),
    amount          integer not null check (amount > 0),
    currency        text not null check (length(currency) = 3),
    reason          text not null,
    provider_ref    text,
    failure_reason  text,
    silences        integer not null default 0,
    next_check_at   integer,
    version         integer not null check (version > 0),
    created_at      integer not null default (cast(unixepoch('subsec') * 1000 as integer)),
    updated_at      integer not null default (cast(unixepoch('subsec') * 1000 as integer))
) strict, without rowid;
create index refund_order on refund (order_id);
create index refund_due on refund (next_check_at) where next_check_at is not null;

create table ops_task (
    task_id         blob primary key not null check (length(task_id) = 16),
    kind            text not null check (kind = 'AMOUNT_MISMATCH' or kind = 'REFUND_FAILED'),
    order_id        blob not null references orders (order_id) on delete cascade,
    detail          text not null,
    assigned_to     text,
    note            text,
    closed_at       integer,
    version         integer not null check (version > 0),
    created_at      integer not null default (cast(unixepoch('subsec') * 1000 as integer)),
    updated_at      integer not null default (cast(unixepoch('subsec') * 1000 as integer))
) strict, without rowid;
create index ops_task_open on ops_task (created_at, task_id) where closed_at is null;
