-- The floor: what a careful service written by hand would have, one transaction an order. Same facts and guards as the product.
create table offer (
    sku text primary key,
    price_minor bigint not null check (price_minor >= 0),
    currency text not null,
    active boolean not null default true
);

create table stock (
    sku text primary key references offer,
    on_hand bigint not null,
    reserved bigint not null default 0,
    updated_at timestamptz not null default now(),
    check (reserved >= 0 and reserved <= on_hand)
);

create sequence order_number;

create table orders (
    id uuid primary key,
    number bigint not null unique default nextval('order_number'),
    user_id bigint not null,
    status text not null,
    currency text not null,
    subtotal_minor bigint not null,
    tax_minor bigint not null,
    shipping_minor bigint not null,
    total_minor bigint not null,
    version bigint not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index on orders (user_id);
create index on orders (status);
create index on orders (created_at);

create table order_item (
    id bigint generated always as identity primary key,
    order_id uuid not null references orders on delete cascade,
    line integer not null,
    sku text not null,
    quantity bigint not null check (quantity > 0),
    unit_price_minor bigint not null,
    total_minor bigint not null,
    snapshot jsonb not null
);
create index on order_item (order_id);

create table order_event (
    id bigint generated always as identity primary key,
    order_id uuid not null references orders on delete cascade,
    sequence integer not null,
    type text not null,
    payload jsonb not null,
    created_at timestamptz not null default now(),
    unique (order_id, sequence)
);

create table stock_ledger (
    id bigint generated always as identity primary key,
    sku text not null,
    order_id uuid not null,
    delta bigint not null,
    reason text not null,
    created_at timestamptz not null default now()
);
create index on stock_ledger (order_id);

create table outbox (
    id bigint generated always as identity primary key,
    topic text not null,
    key text not null,
    payload jsonb not null,
    published boolean not null default false,
    created_at timestamptz not null default now()
);
create index on outbox (published, created_at);

create table idempotency_key (
    key text primary key,
    fingerprint text not null,
    order_id uuid not null,
    created_at timestamptz not null default now()
);

-- A v7 id: 48 bits of milliseconds, then random. The service would make it itself; here it costs the server some
-- microseconds an order, about 1 in 100.
create function uuid_v7() returns uuid language sql volatile parallel safe as $$
    select encode(
        set_bit(set_bit(
            overlay(uuid_send(gen_random_uuid())
                placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
                from 1 for 6),
            52, 1), 53, 1),
        'hex')::uuid
$$;

-- Numbers of six digits, so that the order of the text is the order of the numbers.
insert into offer select 'sku-' || n, 1000 + n % 900, 'EUR' from generate_series(100001, 101000) n;
insert into stock select sku, 1000000000 from offer;
