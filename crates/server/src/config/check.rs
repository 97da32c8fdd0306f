//! Values that are each right but do not go together.

use super::keys::{Config, KEYS};
use super::problem::{Origin, Problem};
use super::words::{AuthMode, PaymentProvider};

/// Whether `auth = "on"` is served. Until it is, asking for it is refused, so that nobody believes a door locked that is open.
const AUTH_ON_IS_SERVED: bool = false;

/// Keys, or the tables of keys, whose feature is to come: known, checked, without effect.
const TO_COME: &[&str] = &[
    "admin_key",
    "jwt",
    "rabbitmq",
    "kafka",
    "payments.stripe",
    "tax",
    "limits",
    "trusted_proxies",
    "tls",
    "retention.outbox_days",
    "inventory",
    "pricing",
    "catalog",
    "customers",
    "otlp",
];

/// Adds what does not go together.
pub(crate) fn check(config: &Config, problems: &mut Vec<Problem>) {
    let mut together = |wrong: bool, text: &str| {
        if wrong {
            problems.push(Problem::Together(text.to_owned()));
        }
    };
    let not_yet = if AUTH_ON_IS_SERVED { "" } else { ", which a later release serves" };
    let reachable = [("listen", Some(config.listen)), ("grpc_listen", Some(config.grpc_listen)), ("admin_listen", config.admin_listen)];
    for (name, address) in reachable {
        let Some(address) = address.filter(|address| !address.ip().is_loopback()) else { continue };
        together(
            config.auth == AuthMode::Off,
            &format!(
                "`{name}` is {address}, which other machines can reach, while `auth` is off and every caller is admin: either listen on \
                 loopback only, {name} = \"127.0.0.1:{}\", or set auth = \"on\" (ORDO_AUTH=on){not_yet}",
                address.port()
            ),
        );
    }
    together(
        config.auth == AuthMode::On && !AUTH_ON_IS_SERVED,
        "`auth` is \"on\", which this release cannot serve yet: set auth = \"off\" and listen on loopback only, behind a proxy that knows its callers",
    );
    let admin_apart = config.admin_listen.is_some_and(|admin| admin == config.grpc_listen && admin.port() != 0);
    together(
        config.listen == config.grpc_listen && config.listen.port() != 0,
        "`listen` and `grpc_listen` are the same address: give gRPC another port",
    );
    together(admin_apart, "`admin_listen` and `grpc_listen` are the same address: give one of them another port");
    together(
        config.payments.provider == PaymentProvider::Stripe && config.payments.stripe.api_key.is_none(),
        "`payments.provider` is \"stripe\", but `payments.stripe.api_key` (ORDO_PAYMENTS__STRIPE__API_KEY) is not set",
    );
    together(config.tls.cert.is_some() != config.tls.key.is_some(), "`tls.cert` and `tls.key` go together: set both or none");
    together(
        config.jwt.jwks_url.is_some() && config.jwt.secret.is_some(),
        "`jwt.jwks_url` and `jwt.secret` exclude each other: set one of them",
    );
    together(config.rabbitmq.payments_queue.is_some() && config.rabbitmq.url.is_none(), "`rabbitmq.payments_queue` needs `rabbitmq.url`");
    together(config.kafka.payments_group.is_some() && config.kafka.brokers.is_empty(), "`kafka.payments_group` needs `kafka.brokers`");
}

impl Config {
    /// The keys that somebody set though their feature is to come, for a warning at start.
    pub(crate) fn without_effect(&self) -> Vec<&'static str> {
        let to_come =
            |path: &str| TO_COME.iter().any(|name| path == *name || path.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')));
        KEYS.iter().filter(|key| to_come(key.path) && self.values.origin(key) != Origin::Default).map(|key| key.path).collect()
    }
}
