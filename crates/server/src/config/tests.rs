//! What is taken, what is refused with which words, and what is shown.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use super::keys::KEYS;
use super::kinds::{Database, Kind, Network, Place};
use super::words::{AuthMode, OnFailure, PaymentProvider, PricePolicy, ReserveAt, TaxRounding};
use super::{Config, LogFormat, docs};

/// A file that goes when the test does.
struct File(PathBuf);

impl File {
    fn new(text: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("ordo-config-{}-{}.toml", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, text).expect("the temporary directory takes a file");
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}

fn load(file: &str, environment: &[(&str, &str)]) -> Result<Config, String> {
    let file = File::new(file);
    let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::load(Some(&file.0), environment).map_err(|errors| errors.to_string().replace(&file.0.display().to_string(), "FILE"))
}

fn refused(file: &str, environment: &[(&str, &str)]) -> String {
    load(file, environment).expect_err("this configuration cannot be used")
}

/// A value that differs from the default, as it stands in a file and in the environment.
fn sample(kind: Kind, path: &str) -> (String, String) {
    let (text, number) = match kind {
        Kind::Address => (format!("127.0.0.1:{}", 9000 + path.len()), false),
        Kind::Database => ("postgres://ordo@localhost/ordo".into(), false),
        // Asking for `auth = "on"` is refused, for Stripe it needs a key, which the test of each key alone does not give.
        Kind::Words(words) if matches!(path, "auth" | "payments.provider") => (words[0].into(), false),
        Kind::Words(words) => (words[words.len() - 1].into(), false),
        Kind::Whole { min, max } => ((min + 1).min(max).to_string(), true),
        Kind::Currency => ("JPY".into(), false),
        Kind::Place => ("https://stock.example".into(), false),
        Kind::Url(schemes) => (format!("{}://example:1234/x", schemes[0]), false),
        Kind::Text | Kind::Secret | Kind::File => ("something".into(), false),
        Kind::Directives => ("warn,engine=debug".into(), false),
        Kind::Network => ("10.0.0.0/8".into(), false),
        Kind::HostPort => ("broker:9092".into(), false),
        Kind::List(item) => {
            let (file, text) = sample(*item, path);
            return (format!("[{file}, {file}]"), format!("{text},{text}"));
        }
    };
    (if number { text.clone() } else { format!("\"{text}\"") }, text)
}

/// What a key cannot be without.
fn company(path: &str) -> &'static [(&'static str, &'static str)] {
    match path {
        "tls.cert" => &[("ORDO_TLS__KEY", "key.pem")],
        "tls.key" => &[("ORDO_TLS__CERT", "cert.pem")],
        "rabbitmq.payments_queue" => &[("ORDO_RABBITMQ__URL", "amqp://mq")],
        "kafka.payments_group" => &[("ORDO_KAFKA__BROKERS", "broker:9092")],
        _ => &[],
    }
}

#[test]
fn every_key_is_taken_from_the_file_and_from_the_environment() {
    for key in KEYS.iter() {
        let (in_file, in_environment) = sample(key.kind, key.path);
        let by_file = load(&format!("{} = {in_file}", key.path), company(key.path)).unwrap_or_else(|error| panic!("{}: {error}", key.path));
        let by_name = key.variable();
        let environment: Vec<_> = company(key.path).iter().copied().chain([(by_name.as_str(), in_environment.as_str())]).collect();
        let by_environment = load("", &environment).unwrap_or_else(|error| panic!("{by_name}: {error}"));
        assert_eq!(by_file.values.text(key), Some(in_environment.as_str()), "{}", key.path);
        assert_eq!(by_environment.values.text(key), Some(in_environment.as_str()), "{}", key.path);
        assert!(by_environment.to_string().contains(&format!("  # {by_name}\n")), "{}", key.path);
    }
}

#[test]
fn every_key_is_refused_when_its_value_is_of_no_kind() {
    for key in KEYS.iter() {
        let file = refused(&format!("{} = true", key.path), &[]);
        assert!(file.contains(&format!("`{}` (FILE:1): found true, expected {}", key.path, key.kind.expected())), "{file}");
        if key.default.is_some() {
            let name = key.variable();
            let environment = refused("", &[(&name, "")]);
            assert!(environment.contains(&format!("`{}` ({name}): found nothing, expected ", key.path)), "{environment}");
        }
    }
}

#[test]
fn nothing_need_be_given() {
    let config = Config::load(None, std::iter::empty()).expect("the defaults go together");
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.grpc_listen.to_string(), "127.0.0.1:8081");
    assert_eq!(config.admin_listen, None);
    assert_eq!(config.database, Database::Sqlite("./ordo-data/ordo.db".into()));
    assert_eq!(config.auth, AuthMode::Off);
    assert_eq!((config.payments.provider, config.payments.on_failure), (PaymentProvider::Stub, OnFailure::Retry));
    assert_eq!((config.payments.answer_within_ms, config.payments.stripe.base_url.as_str()), (3000, "https://api.stripe.com"));
    assert_eq!((config.orders.currency.code(), config.orders.payment_window_seconds), ("USD", 1800));
    assert_eq!((config.checkout.session_ttl_seconds, config.checkout.reserve_ttl_seconds), (3600, 300));
    assert_eq!((config.checkout.reserve_at, config.tax.rounding), (ReserveAt::Confirm, TaxRounding::HalfUp));
    assert_eq!((config.cart.qty_max, config.cart.lines_max), (20, 200));
    assert_eq!((config.cart.abandoned_after_seconds, config.retention.cart_days), (30 * 86_400, 30));
    assert_eq!((config.limits.requests_per_second, config.limits.live_orders, config.limits.payment_attempts), (20, 10, 5));
    assert_eq!((config.retention.outbox_days, config.inventory.low_at, config.shutdown_seconds), (30, 0, 10));
    assert_eq!((config.price_policy, &config.inventory.source, config.engine.writers), (PricePolicy::Reject, &Place::Local, 2));
    assert_eq!((config.rabbitmq.exchange.as_str(), config.kafka.topic.as_str()), ("orders.events", "{event_type}"));
    assert_eq!(config.log.format, None);
    assert!(config.trusted_proxies.is_empty() && config.kafka.brokers.is_empty() && config.without_effect().is_empty());
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_the_default() {
    let config =
        load("[orders]\ncurrency = \"EUR\"\npayment_window_seconds = 60\n", &[("ORDO_ORDERS__CURRENCY", "JPY")]).expect("is right");
    assert_eq!((config.orders.currency.code(), config.orders.payment_window_seconds, config.engine.writers), ("JPY", 60, 2));
    let text = config.to_string();
    assert!(text.contains("currency = \"JPY\"  # ORDO_ORDERS__CURRENCY\n"), "{text}");
    assert!(text.contains(":3\n") && text.contains("writers = 2  # default\n"), "{text}");
}

#[test]
fn an_empty_variable_unsets_a_key_without_default() {
    let config = load("admin_key = \"k\"\n[log]\nformat = \"json\"", &[("ORDO_ADMIN_KEY", "")]).expect("is right");
    assert!(config.admin_key.is_none());
    assert_eq!(config.log.format, Some(LogFormat::Json));
    assert!(config.to_string().contains("# admin_key is not set  # ORDO_ADMIN_KEY\n"));
}

#[test]
fn other_variables_are_not_looked_at() {
    load("", &[("ORDO_TEST_POSTGRES", "x"), ("ORDO_PG_BIN", "/x"), ("PATH", "/bin"), ("ordo_listen", "x"), ("ORDOX", "1")])
        .expect("none is ours");
}

#[test]
fn unknown_names_are_refused_with_the_nearest_known_one() {
    let rows = [
        ("lisen = \"127.0.0.1:1\"", "", "FILE:1: unknown key `lisen`; the nearest known one is `listen`"),
        ("\n[payment]\nprovider = \"stub\"", "", "FILE:3: unknown key `payment.provider`; the nearest known one is `payments.provider`"),
        (
            "[payments.strip]\napi_key = \"x\"",
            "",
            "unknown key `payments.strip.api_key`; the nearest known one is `payments.stripe.api_key`",
        ),
        ("engine = { writer = 2 }", "", "unknown key `engine.writer`; the nearest known one is `engine.writers`"),
        ("[logs]", "", "FILE:1: unknown key `logs`"),
        ("[[engines]]\nx = 1", "", "FILE:1: unknown key `engines`"),
        ("", "ORDO_LISTN", "environment: unknown variable `ORDO_LISTN`; the nearest known one is `ORDO_LISTEN`"),
        ("", "ORDO_RABBITMQ_URL", "unknown variable `ORDO_RABBITMQ_URL`; the nearest known one is `ORDO_RABBITMQ__URL`"),
        ("", "ORDO_PAYMENTS__STRIPE_API_KEY", "the nearest known one is `ORDO_PAYMENTS__STRIPE__API_KEY`"),
        ("webhooks = 1", "", "FILE:1: `webhooks`: webhook endpoints are managed by the API"),
        ("", "ORDO_WEBHOOKS", "ORDO_WEBHOOKS: webhook endpoints are managed by the API"),
    ];
    for (file, variable, expected) in rows {
        let environment: &[(&str, &str)] = if variable.is_empty() { &[] } else { &[(variable, "x")] };
        let error = refused(file, environment);
        assert!(error.contains(expected), "{error}\ndoes not tell\n{expected}");
    }
}

#[test]
fn wrong_values_are_refused_with_what_was_found_and_what_is_expected() {
    let rows = [
        ("listen = \"localhost:8080\"", "`listen` (FILE:1): found \"localhost:8080\", expected an IP address and port"),
        ("listen = 8080", "found the number 8080, expected an IP address and port"),
        ("auth = \"maybe\"", "`auth` (FILE:1): found \"maybe\", expected one of \"off\", \"on\""),
        ("auth = false", "`auth` (FILE:1): found false, expected one of \"off\", \"on\""),
        ("[engine]\nwriters = 0", "`engine.writers` (FILE:2): found 0, expected a whole number from 1 to 64"),
        ("[engine]\nwriters = 65", "found 65, expected a whole number from 1 to 64"),
        ("[engine]\nwriters = 1.5", "found the number 1.5, expected a whole number"),
        ("[engine]\nwriters = \"2\"", "found the text \"2\", expected a whole number"),
        ("shutdown_seconds = -1", "found -1, expected a whole number from 0"),
        ("shutdown_seconds = 99999999999999999999", "expected a whole number from 0"),
        ("engine = 2", "`engine` (FILE:1): found a number without quotes, expected a table, like [engine]"),
        ("[orders]\ncurrency = \"BTC\"", "`orders.currency` (FILE:2): found \"BTC\", expected an ISO 4217 currency code"),
        ("[orders]\ncurrency = \"XXX\"", "found \"XXX\", expected an ISO 4217 currency code"),
        ("[orders.currency]\nx = 1", "`orders.currency` (FILE:1): found a table, expected an ISO 4217"),
        ("database = \"mysql://root:hunter2@db/x\"", "found \"mysql://root:***@db/x\", expected \"sqlite:PATH\" or"),
        ("database = \"sqlite::memory:\"", "orders in memory are lost when the process ends"),
        ("database = \"sqlite:x.db?mode=ro\"", "a path takes no options"),
        ("database = \"sqlite:\"", "found \"sqlite:\", expected \"sqlite:PATH\""),
        ("database = \"\"", "found nothing, expected \"sqlite:PATH\""),
        ("inventory = \"remote\"", "`inventory` (FILE:1): found \"remote\", expected \"local\" or an http:// or https:// URL"),
        ("pricing = \"http://:80\"", "its host or port is not well formed"),
        ("pricing = \"http://h:99999\"", "its host or port is not well formed"),
        ("[rabbitmq]\nurl = \"http://mq\"", "found \"http://mq\", expected a URL that begins with amqp:// or amqps://"),
        ("[kafka]\nbrokers = [\"a:1\", \"b\"]", "expected a list, each a host and port like"),
        ("[kafka]\nbrokers = [1]", "found a list, expected a list, each a host and port"),
        ("trusted_proxies = [\"10.0.0.0/33\"]", "expected a list, each an IP address or network"),
        ("[log]\nlevel = \"loud\"", "`log.level` (FILE:2): found \"loud\", expected off, error, warn"),
        ("[log]\nlevel = \"info,engine=loud\"", "expected off, error, warn"),
        ("[payments.stripe]\napi_key = 12345", "found a number without quotes, expected a secret text"),
        ("listen = \n", "FILE:1: not TOML: "),
        ("listen = \"a\"\nlisten = \"b\"", "FILE:2: not TOML: "),
    ];
    for (file, expected) in rows {
        let error = refused(file, &[]);
        assert!(error.contains(expected), "{error}\ndoes not tell\n{expected}");
        assert!(!error.contains("hunter2") && !error.contains("12345"), "{error}");
    }
}

#[test]
fn values_that_do_not_go_together_are_refused() {
    let rows = [
        ("listen = \"0.0.0.0:8080\"", "either listen on loopback only, listen = \"127.0.0.1:8080\", or set auth = \"on\" (ORDO_AUTH=on)"),
        ("admin_listen = \"192.0.2.1:9\"\nauth = \"off\"", "`admin_listen` is 192.0.2.1:9, which other machines can reach"),
        ("auth = \"on\"", "this release cannot serve yet"),
        ("grpc_listen = \"127.0.0.1:8080\"", "`listen` and `grpc_listen` are the same address"),
        ("payments.provider = \"stripe\"", "`payments.stripe.api_key` (ORDO_PAYMENTS__STRIPE__API_KEY) is not set"),
        ("tls.cert = \"x\"", "`tls.cert` and `tls.key` go together"),
        ("jwt.secret = \"s\"\njwt.jwks_url = \"https://i/k\"", "exclude each other"),
        ("rabbitmq.payments_queue = \"q\"", "needs `rabbitmq.url`"),
        ("kafka.payments_group = \"g\"", "needs `kafka.brokers`"),
    ];
    for (file, expected) in rows {
        let error = refused(file, &[]);
        assert!(error.contains(expected), "{error}\ndoes not tell\n{expected}");
    }
    load("listen = \"[::1]:8080\"\nadmin_listen = \"127.0.0.9:1\"", &[]).expect("all of it is loopback");
}

#[test]
fn all_errors_come_at_once() {
    let error = refused("lisen = 1\n[engine]\nwriters = 0\n", &[("ORDO_ORDERS__CURRENCY", "x"), ("ORDO_X", "1")]);
    assert_eq!(error.lines().count(), 5, "{error}");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = Config::load(Some("no/such/ordo.toml".as_ref()), std::iter::empty()).expect_err("it is not there");
    assert!(error.to_string().contains("no/such/ordo.toml: cannot be read: "), "{error}");
}

#[test]
fn inventory_is_a_word_or_a_table_and_both_by_the_environment() {
    let word = load("inventory = \"https://stock.example\"", &[]).expect("is right");
    assert!(matches!((&word.inventory.source, word.inventory.low_at), (Place::Remote(_), 0)));
    let table = load("[inventory]\nlow_at = 5", &[]).expect("is right");
    assert!(matches!((&table.inventory.source, table.inventory.low_at), (Place::Local, 5)));
    let both = [("ORDO_INVENTORY", "https://stock.example"), ("ORDO_INVENTORY__LOW_AT", "7")];
    for (file, environment) in
        [("", &both[..]), ("[inventory]\nlow_at = 7", &both[..1]), ("inventory = \"https://stock.example\"", &both[1..])]
    {
        let config = load(file, environment).expect("is right");
        assert!(matches!((&config.inventory.source, config.inventory.low_at), (Place::Remote(_), 7)), "{file}");
    }
}

#[test]
fn databases_and_networks_are_read_in_all_their_forms() {
    let database = |text| load("", &[("ORDO_DATABASE", text)]).expect("is right").database;
    for (text, path) in [("sqlite:a/b.db", "a/b.db"), ("sqlite:/a.db", "/a.db"), ("sqlite:///a.db", "/a.db"), ("sqlite://a.db", "a.db")] {
        assert_eq!(database(text), Database::Sqlite(path.into()));
    }
    for url in ["postgres://u:p@h/d", "postgresql:///d?host=/run/postgresql"] {
        assert_eq!(database(url), Database::Postgres(url.into()));
    }
    let networks = load("", &[("ORDO_TRUSTED_PROXIES", "10.0.0.0/8, ::1")]).expect("is right").trusted_proxies;
    let [ten, one] = networks[..] else { panic!("two were given: {networks:?}") };
    assert_eq!(ten, Network { address: [10, 0, 0, 0].into(), prefix_bits: 8 });
    assert_eq!(one.prefix_bits, 128);
}

#[test]
fn no_secret_is_shown() {
    let config = load(
        "database = \"postgres://u:hunter2@h/d\"\nadmin_key = \"hunter2\"\npricing = \"https://u:hunter2@p\"",
        &[
            ("ORDO_RABBITMQ__URL", "amqp://u:hunter2@mq"),
            ("ORDO_JWT__SECRET", "hunter2"),
            ("ORDO_PAYMENTS__STRIPE__WEBHOOK_SECRET", "hunter2"),
        ],
    )
    .expect("is right");
    for text in [config.to_string(), format!("{config:?}"), format!("{config:#?}")] {
        assert!(!text.contains("hunter2"), "{text}");
    }
    assert!(config.to_string().contains("database = \"postgres://u:***@h/d\"  # "));
    assert_eq!(config.admin_key.expect("was given").expose(), "hunter2");
    let error = refused("database = \"postgres:u:hunter2@h\"\nadmin_key = \"hunter2", &[("ORDO_PRICING", "ftp://u:hunter2@h")]);
    assert!(!error.contains("hunter2"), "{error}");
}

#[test]
fn what_is_shown_can_be_given_again() {
    for (file, environment) in [
        ("", &[][..]),
        ("inventory = \"http://stock\"\nkafka.brokers = [\"a:1\", \"b:2\"]\n[engine]\nwriters = 4", &[]),
        ("log.format = \"json\"\n[inventory]\nlow_at = 3", &[("ORDO_ORDERS__CURRENCY", "EUR")]),
    ] {
        let config = load(file, environment).expect("is right");
        let again = load(&config.to_string(), &[]).unwrap_or_else(|error| panic!("{error}\n{config}"));
        for key in KEYS.iter() {
            assert_eq!(again.values.text(key), config.values.text(key), "{}", key.path);
        }
    }
}

#[test]
fn keys_to_come_are_told_when_somebody_sets_them() {
    let config = load("retention.outbox_days = 5\nshutdown_seconds = 3", &[("ORDO_OTLP__ENDPOINT", "http://h:4317")]).expect("is right");
    assert_eq!(config.without_effect(), ["retention.outbox_days", "otlp.endpoint"]);
}

#[test]
fn the_table_for_the_docs_has_a_row_a_key() {
    let table = docs();
    assert_eq!(table.lines().filter(|line| line.starts_with("| `")).count(), KEYS.len());
    assert!(table.contains("| `engine.writers` | `ORDO_ENGINE__WRITERS` | `2` | How many writers commit at the same time; on SQLite one saves while the others wait for the disk. Accepts a whole number from 1 to 64. |\n"), "{table}");
    assert!(KEYS.iter().all(|key| table.contains(&format!("| `{}` | `{}` |", key.path, key.variable()))));
}
