-- What follows a payment: shipments, refunds, and what needs a person. And lists by the latest change.

alter table orders add column status_before text check (status_before in ('PAID', 'READY_TO_SHIP', 'SHIPPED', 'DELIVERED'));
create index orders_updated on orders (updated_at, order_id);

-- Goods of an order that leave together. They change under the version of their order.
create table shipment (
    shipment_id     uuid primary key,
    order_id        uuid not null references orders (order_id) on delete cascade,
    status          text not null check (status in ('READY', 'SHIPPED', 'IN_TRANSIT', 'DELIVERED', 'RETURNED', 'LOST')),
    carrier_code    text,
    tracking_number varchar(100),
    shipped_at      timestamptz,
    delivered_at    timestamptz,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now()
);
create index shipment_order on shipment (order_id);

create table shipment_item (
    shipment_id     uuid not null references shipment (shipment_id) on delete cascade,
    order_item_id   uuid not null,
    qty             integer not null check (qty > 0),
    primary key (shipment_id, order_item_id)
);

-- Money on its way back. What went back is also counted on its payment, where a CHECK bounds it.
create table refund (
    refund_id       uuid primary key,
    order_id        uuid not null references orders (order_id) on delete cascade,
    payment_id      uuid not null references payment (payment_id) on delete cascade,
    status          text not null check (status in ('REQUESTED', 'APPROVED', 'PROCESSING', 'REFUNDED', 'FAILED', 'REJECTED')),
    amount          bigint not null check (amount > 0),
    currency        varchar(3) not null,
    reason          text not null,
    provider_ref    text,
    failure_reason  text,
    silences        integer not null default 0,
    next_check_at   timestamptz,
    version         bigint not null check (version > 0),
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now()
);
create index refund_order on refund (order_id);
create index refund_due on refund (next_check_at) where next_check_at is not null;

create table ops_task (
    task_id         uuid primary key,
    kind            text not null check (kind in ('AMOUNT_MISMATCH', 'REFUND_FAILED')),
    order_id        uuid not null references orders (order_id) on delete cascade,
    detail          text not null,
    assigned_to     text,
    note            text,
    closed_at       timestamptz,
    version         bigint not null check (version > 0),
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now()
);
create index ops_task_open on ops_task (created_at, task_id) where closed_at is null;
