//! The one list of keys: names, defaults, meanings and kinds. Parsing, nearest names, `ordo config` and the docs come from it.
#![expect(dead_code, reason = "every key is known from the first release on, also where its feature is to come")]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::LazyLock;

use domain::money::Currency;

use super::given::Values;
use super::kinds::{AmqpUrl, Database, Directives, HostPort, HttpUrl, Kind, Network, Place, Secret, Setting};
use super::problem::Problem;
use super::words::{AuthMode, LogFormat, OnFailure, PaymentProvider, PricePolicy, ReserveAt, TaxRounding};

/// One key that can be set.
pub(crate) struct Key {
    /// Its place in the file: tables and name, with dots between.
    pub(crate) path: &'static str,
    /// What holds when nobody sets it, as one would write it in the environment.
    pub(crate) default: Option<&'static str>,
    /// What it accepts.
    pub(crate) kind: Kind,
    about: &'static str,
}

impl Key {
    /// Its environment variable: `ORDO_` and the path in capitals, `__` between tables.
    pub(crate) fn variable(&self) -> String {
        format!("ORDO_{}", self.path.replace('.', "__").to_uppercase())
    }

    /// What it means, in one or two sentences.
    pub(crate) fn about(&self) -> &'static str {
        self.about.trim_start()
    }
}

/// Every key, in the order of the documentation.
pub(crate) static KEYS: LazyLock<Vec<Key>> = LazyLock::new(|| {
    let mut keys = Vec::new();
    Config::keys(&mut keys);
    keys
});

/// The key with this path.
pub(crate) fn find(path: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.path == path)
}

/// `prefix` and field name, or the path that the field states itself.
macro_rules! path {
    ($prefix:literal, $field:ident) => {
        concat!($prefix, stringify!($field))
    };
    ($prefix:literal, $field:ident, $path:literal) => {
        $path
    };
}

/// The default, if the key has one.
macro_rules! default {
    () => {
        None
    };
    ($default:literal) => {
        Some($default)
    };
}

/// The kind of the type, or whole numbers of a range.
macro_rules! kind {
    ($type:ty) => {
        <$type as Setting>::KIND
    };
    ($type:ty, $min:literal, $max:literal) => {
        Kind::Whole { min: $min, max: $max }
    };
}

/// Structs whose fields are keys: `/// meaning`, `field @ "other.path": Type [min..=max] = "default";`, then `..tables`.
macro_rules! settings {
    ($(
        $(#[doc = $doc:literal])+
        struct $name:ident in $prefix:literal {
            $( $(#[doc = $about:literal])+ $field:ident $(@ $path:literal)? : $type:ty $([$min:literal ..= $max:literal])? $(= $default:literal)? ; )*
            $( .. $table:ident : $Table:ident ; )*
            $( keeps $kept:ident ; )?
        }
    )+) => { $(
        $(#[doc = $doc])+
        #[derive(Clone, Debug)]
        pub(crate) struct $name {
            $( $(#[doc = $about])+ pub(crate) $field: $type, )*
            $( #[doc = concat!("The table of [`", stringify!($Table), "`].")] pub(crate) $table: $Table, )*
            $( #[doc = "What was given, and where."] pub(super) $kept: Values, )?
        }

        impl $name {
            fn keys(into: &mut Vec<Key>) {
                $( into.push(Key {
                    path: path!($prefix, $field $(, $path)?),
                    default: default!($($default)?),
                    kind: kind!($type $(, $min, $max)?),
                    about: concat!($($about),+),
                }); )*
                $( $Table::keys(into); )*
            }

            /// The typed values; `None` when one is wrong, which `problems` then tells.
            pub(super) fn read(values: &Values, problems: &mut Vec<Problem>) -> Option<Self> {
                $( let $field = values.read::<$type>(path!($prefix, $field $(, $path)?), problems); )*
                $( let $table = $Table::read(values, problems); )*
                Some(Self { $( $field: $field?, )* $( $table: $table?, )* $( $kept: values.clone(), )? })
            }
        }
    )+ };
}

settings! {
    /// Everything `ordo` can be told.
    struct Config in "" {
        /// Address of REST, console and documentation.
        listen: SocketAddr = "127.0.0.1:8080";
        /// Address of gRPC.
        grpc_listen: SocketAddr = "127.0.0.1:8081";
        /// Address of `/metrics`, `/livez` and `/readyz`, when they are to have one of their own; else they are at `listen`.
        admin_listen: Option<SocketAddr>;
        /// `sqlite:PATH`, or a `postgres://` URL.
        database: Database = "sqlite:./ordo-data/ordo.db";
        /// `off`: every caller is admin; refused unless every listener is on loopback. `on`: API keys and JWT.
        auth: AuthMode = "off";
        /// A bootstrap admin key.
        admin_key: Option<Secret>;
        /// Networks whose forwarded client address counts, like `10.0.0.0/8`.
        trusted_proxies: Vec<Network>;
        /// How long a stop may take before what is in flight is cut off.
        shutdown_seconds: u32 [0..=3600] = "10";
        /// Who knows prices: `local`, or the base URL of a service that speaks this one's API.
        pricing: Place = "local";
        /// Who knows the catalogue: `local`, or the base URL of a service that speaks this one's API.
        catalog: Place = "local";
        /// Who knows the customers: `local`, or the base URL of a service that speaks this one's API.
        customers: Place = "local";
        /// An order whose prices changed since the buyer saw them: `reject` it, or `accept` it and tell.
        price_policy: PricePolicy = "reject";
        .. jwt: Jwt;
        .. rabbitmq: Rabbitmq;
        .. kafka: Kafka;
        .. payments: Payments;
        .. orders: Orders;
        .. checkout: Checkout;
        .. cart: Cart;
        .. tax: Tax;
        .. limits: Limits;
        .. tls: Tls;
        .. retention: Retention;
        .. inventory: Inventory;
        .. engine: Engine;
        .. log: Log;
        .. otlp: Otlp;
        keeps values;
    }

    /// Tokens of customers.
    struct Jwt in "jwt." {
        /// The issuer that tokens must name.
        issuer: Option<String>;
        /// The audience that tokens must name.
        audience: Option<String>;
        /// Where the public keys of the issuer are; this or `jwt.secret`.
        jwks_url: Option<HttpUrl>;
        /// The shared secret that tokens are signed with; this or `jwt.jwks_url`.
        secret: Option<Secret>;
    }

    /// RabbitMQ as sink of events and source of payment results.
    struct Rabbitmq in "rabbitmq." {
        /// `amqp://` or `amqps://` URL; set: events are sent there.
        url: Option<AmqpUrl>;
        /// The topic exchange that events are sent to.
        exchange: String = "orders.events";
        /// The queue that `payment.*` messages are taken from.
        payments_queue: Option<String>;
    }

    /// Kafka as sink of events and source of payment results.
    struct Kafka in "kafka." {
        /// Brokers as `host:port`; set: events are sent there.
        brokers: Vec<HostPort>;
        /// The topic that events are sent to.
        topic: String = "{event_type}";
        /// The consumer group that takes `payment.*` messages.
        payments_group: Option<String>;
    }

    /// How money is taken.
    struct Payments in "payments." {
        /// `stub` pretends; `stripe` charges.
        provider: PaymentProvider = "stub";
        /// A payment that failed: the order waits for a `retry`, or is taken to `cancel`.
        on_failure: OnFailure = "retry";
        /// How long a confirm waits for the provider, in milliseconds.
        answer_within_ms: u32 [1..=600_000] = "3000";
        .. stripe: Stripe;
    }

    /// The account at Stripe.
    struct Stripe in "payments.stripe." {
        /// The secret API key.
        api_key: Option<Secret>;
        /// The secret that webhooks are signed with.
        webhook_secret: Option<Secret>;
        /// Where the API is.
        base_url: HttpUrl = "https://api.stripe.com";
    }

    /// What holds for all orders.
    struct Orders in "orders." {
        /// The currency where a request names none.
        currency: Currency = "USD";
        /// How long an order waits for its payment before it expires.
        payment_window_seconds: u32 [1..=31_536_000] = "1800";
    }

    /// Checkout sessions.
    struct Checkout in "checkout." {
        /// How long an idle session lives.
        session_ttl_seconds: u32 [1..=31_536_000] = "3600";
        /// How long stock stays reserved for an idle session.
        reserve_ttl_seconds: u32 [1..=31_536_000] = "300";
        /// When stock is reserved: at `confirm`, or already at `start`.
        reserve_at: ReserveAt = "confirm";
    }

    /// Bounds of a cart.
    struct Cart in "cart." {
        /// The most pieces in a line.
        qty_max: u32 [1..=1_000_000] = "20";
        /// The most lines in a cart.
        lines_max: u32 [1..=500] = "200";
        /// How long nobody must touch a cart for it to count as abandoned; to the next full hour.
        abandoned_after_seconds: u32 [1..=31_536_000] = "2592000";
    }

    /// How tax is counted.
    struct Tax in "tax." {
        /// `half_up`, `half_even` or `down` rounds each line; with `_total` at its end, the total.
        rounding: TaxRounding = "half_up";
    }

    /// What one customer or guest may do; other callers are not bound.
    struct Limits in "limits." {
        /// Requests in a second.
        requests_per_second: u32 [1..=1_000_000] = "20";
        /// Orders that wait for their payment.
        live_orders: u32 [1..=1_000_000] = "10";
        /// Payment attempts for one order.
        payment_attempts: u32 [1..=1_000_000] = "5";
    }

    /// The certificate of the listeners.
    struct Tls in "tls." {
        /// PEM file of the certificate chain; with `tls.key`.
        cert: Option<PathBuf>;
        /// PEM file of the private key; with `tls.cert`.
        key: Option<PathBuf>;
    }

    /// How long things are kept.
    struct Retention in "retention." {
        /// Days that published messages stay.
        outbox_days: u32 [1..=36_500] = "30";
        /// Days that a cart, a checkout session or a hold that no order took stays after it has ended.
        cart_days: u32 [0..=36_500] = "30";
    }

    /// Stock.
    struct Inventory in "inventory." {
        /// Who knows the stock: `local`, or the base URL of a service that speaks this one's API. In a file,
        /// `inventory = "..."` and the table `[inventory]` exclude each other: set one of the two in the environment.
        source @ "inventory": Place = "local";
        /// `inventory.low` is told when what is available falls to this; 0: never.
        low_at: u32 [0..=1_000_000_000] = "0";
    }

    /// The command engine.
    struct Engine in "engine." {
        /// How many writers commit at the same time; on SQLite one saves while the others wait for the disk.
        writers: u32 [1..=64] = "2";
    }

    /// Log lines.
    struct Log in "log." {
        /// `text` or `json`; not set: text on a terminal, else json.
        format: Option<LogFormat>;
        /// `off`, `error`, `warn`, `info`, `debug`, `trace`, or directives like `info,engine=debug`.
        level: Directives = "info";
    }

    /// Traces.
    struct Otlp in "otlp." {
        /// Where traces are sent.
        endpoint: Option<HttpUrl>;
    }
}
