//! What a setting accepts, and the type it becomes.
#![expect(dead_code, reason = "some are known from the first release on, though nobody reads them yet")]

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use domain::money::Currency;
use tracing_subscriber::EnvFilter;

use super::mask;

/// Why a value was refused, when "expected …" does not say it all.
pub(crate) type Why = Option<String>;

/// What a key accepts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Address,
    Database,
    Words(&'static [&'static str]),
    Whole { min: u32, max: u32 },
    Currency,
    Place,
    Url(&'static [&'static str]),
    Text,
    Secret,
    File,
    Directives,
    Network,
    HostPort,
    List(&'static Kind),
}

impl Kind {
    /// What is expected, as the end of a sentence.
    pub(crate) fn expected(self) -> String {
        match self {
            Self::Address => "an IP address and port like \"127.0.0.1:8080\" or \"[::1]:8080\"".into(),
            Self::Database => "\"sqlite:PATH\" or \"postgres://user:password@host/database\"".into(),
            Self::Words(words) => format!("one of {}", words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ")),
            Self::Whole { min, max } => format!("a whole number from {min} to {max}"),
            Self::Currency => "an ISO 4217 currency code like \"USD\"".into(),
            Self::Place => "\"local\" or an http:// or https:// URL".into(),
            Self::Url(schemes) => {
                format!("a URL that begins with {}", schemes.iter().map(|scheme| format!("{scheme}://")).collect::<Vec<_>>().join(" or "))
            }
            Self::Text => "a text".into(),
            Self::Secret => "a secret text".into(),
            Self::File => "the path of a file".into(),
            Self::Directives => "off, error, warn, info, debug, trace, or directives like \"info,engine=debug\"".into(),
            Self::Network => "an IP address or network like \"10.0.0.0/8\"".into(),
            Self::HostPort => "a host and port like \"broker:9092\"".into(),
            Self::List(item) => format!("a list, each {}", item.expected()),
        }
    }
}

/// A type that a key can have.
pub(crate) trait Setting: Sized {
    /// What it accepts.
    const KIND: Kind;

    /// From its text; whole numbers in decimal digits, lists with commas between.
    fn read(text: &str, kind: &Kind) -> Result<Self, Why>;

    /// What holds when there is neither value nor default.
    fn absent() -> Option<Self> {
        None
    }
}

impl<T: Setting> Setting for Option<T> {
    const KIND: Kind = T::KIND;

    fn read(text: &str, kind: &Kind) -> Result<Self, Why> {
        T::read(text, kind).map(Some)
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: Setting> Setting for Vec<T> {
    const KIND: Kind = Kind::List(&T::KIND);

    fn read(text: &str, _: &Kind) -> Result<Self, Why> {
        text.split(',').filter(|item| !text.is_empty() || !item.is_empty()).map(|item| T::read(item.trim(), &T::KIND)).collect()
    }

    fn absent() -> Option<Self> {
        Some(Self::new())
    }
}

impl Setting for SocketAddr {
    const KIND: Kind = Kind::Address;

    fn read(text: &str, _: &Kind) -> Result<Self, Why> {
        text.parse().map_err(|_| None)
    }
}

impl Setting for u32 {
    const KIND: Kind = Kind::Whole { min: 0, max: Self::MAX };

    fn read(text: &str, kind: &Kind) -> Result<Self, Why> {
        let &Kind::Whole { min, max } = kind else { return Err(None) };
        // `u32::from_str` takes a plus sign, which a TOML file has already lost here: take none.
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|number| digits && (min..=max).contains(number)).ok_or(None)
    }
}

impl Setting for String {
    const KIND: Kind = Kind::Text;

    fn read(text: &str, _: &Kind) -> Result<Self, Why> {
        if text.trim().is_empty() { Err(None) } else { Ok(text.to_owned()) }
    }
}

impl Setting for PathBuf {
    const KIND: Kind = Kind::File;

    fn read(text: &str, _: &Kind) -> Result<Self, Why> {
        if text.trim().is_empty() { Err(None) } else { Ok(text.into()) }
    }
}

impl Setting for Currency {
    const KIND: Kind = Kind::Currency;

    fn read(text: &str, _: &Kind) -> Result<Self, Why> {
        Self::from_code(text).ok_or(None)
    }
}

/// A text that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    /// The text itself, for the one place that needs it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(mask::STARS)
    }
}

impl Setting for Secret {
    const KIND: Kind = Kind::Secret;

    fn read(text: &str, _: &Kind) -> Result<Self, Why> {
        if text.trim().is_empty() { Err(None) } else { Ok(Self(text.to_owned())) }
    }
}

/// A text that may hold a password: shown masked, had whole by `as_str`.
macro_rules! urls {
    ($( $(#[doc = $doc:literal])+ struct $name:ident of $schemes:expr; )+) => { $(
        $(#[doc = $doc])+
        #[derive(Clone, PartialEq, Eq)]
        pub(crate) struct $name(String);

        impl $name {
            /// The whole URL, password and all.
            pub(crate) fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&mask::url(&self.0))
            }
        }

        impl Setting for $name {
            const KIND: Kind = Kind::Url($schemes);

            fn read(text: &str, _: &Kind) -> Result<Self, Why> {
                check_url(text, $schemes).map(|()| Self(text.to_owned()))
            }
        }
    )+ };
}

urls! {
    /// An HTTP URL.
    struct HttpUrl of &["http", "https"];
    /// The URL of a RabbitMQ virtual host.
    struct AmqpUrl of &["amqp", "amqps"];
}

/// Scheme, host and port are there and well formed.
fn check_url(text: &str, schemes: &[&str]) -> Result<(), Why> {
    let (scheme, rest) = text.split_once("://").ok_or(None)?;
    if !schemes.contains(&scheme) {
        return Err(None);
    }
    if text.chars().any(|character| character.is_whitespace() || character.is_control()) {
        return Err(Some("a URL has no spaces".into()));
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host_port = authority.rsplit_once('@').map_or(authority, |(_, host_port)| host_port);
    match check_host(host_port) {
        Some(Port::Absent | Port::Number) => Ok(()),
        None => Err(Some("its host or port is not well formed".into())),
    }
}

/// Whether a host is followed by a port.
#[derive(PartialEq, Eq)]
enum Port {
    Absent,
    Number,
}

/// `None` when `text` is no host, or host and port.
fn check_host(text: &str) -> Option<Port> {
    let (host, port) = match text.strip_prefix('[') {
        Some(bracketed) => {
            let (address, after) = bracketed.split_once(']')?;
            address.parse::<Ipv6Addr>().ok()?;
            ("[]", if after.is_empty() { None } else { Some(after.strip_prefix(':')?) })
        }
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    if host.is_empty() || host.contains(char::is_whitespace) {
        return None;
    }
    match port {
        None => Some(Port::Absent),
        Some(port) => port.parse::<u16>().ok().filter(|number| *number > 0).map(|_| Port::Number),
    }
}

/// `host:port`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct HostPort(String);

impl HostPort {
    /// The text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Setting for HostPort {
    const KIND: Kind = Kind::HostPort;

    fn read(text: &str, _: &Kind) -> Result<Self, Why> {
        if check_host(text) == Some(Port::Number) { Ok(Self(text.to_owned())) } else { Err(None) }
    }
}

/// An address, or all that begin with the same bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Network {
    /// Its first address, or any in it.
    pub(crate) address: IpAddr,
    /// How many leading bits count.
    pub(crate) prefix_bits: u8,
}

impl Setting for Network {
    const KIND: Kind = Kind::Network;

    fn read(text: &str, _: &Kind) -> Result<Self, Why> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| None)?;
        let bits_max = if address.is_ipv4() { 32 } else { 128 };
        let prefix_bits = bits.map_or(Some(bits_max), |bits| bits.parse().ok()).filter(|bits| *bits <= bits_max).ok_or(None)?;
        Ok(Self { address, prefix_bits })
    }
}

/// Whose data something is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// Ours.
    Local,
    /// That of a service at this base URL.
    Remote(HttpUrl),
}

impl Setting for Place {
    const KIND: Kind = Kind::Place;

    fn read(text: &str, kind: &Kind) -> Result<Self, Why> {
        if text == "local" { Ok(Self::Local) } else { HttpUrl::read(text, kind).map(Self::Remote) }
    }
}

/// Where everything is stored.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Database {
    /// In this file.
    Sqlite(PathBuf),
    /// On the server of this URL, which may hold a password.
    Postgres(String),
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => f.write_str(&mask::url(url)),
        }
    }
}

impl Setting for Database {
    const KIND: Kind = Kind::Database;

    fn read(text: &str, _: &Kind) -> Result<Self, Why> {
        let Some(path) = text.strip_prefix("sqlite:") else {
            let rest = text.strip_prefix("postgres://").or_else(|| text.strip_prefix("postgresql://")).ok_or(None)?;
            return if rest.is_empty() { Err(None) } else { Ok(Self::Postgres(text.to_owned())) };
        };
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.contains(":memory:") {
            return Err(Some(
                "orders in memory are lost when the process ends: name a file, or run `ordo demo` for a database to throw away".into(),
            ));
        }
        if path.contains('?') {
            return Err(Some("a path takes no options".into()));
        }
        if path.trim().is_empty() || path.ends_with('/') { Err(None) } else { Ok(Self::Sqlite(path.into())) }
    }
}

/// Which log lines are written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Directives(String);

impl Directives {
    /// As the filter takes them.
    pub(crate) fn filter(&self) -> EnvFilter {
        EnvFilter::builder().parse_lossy(&self.0)
    }
}

impl Setting for Directives {
    const KIND: Kind = Kind::Directives;

    fn read(text: &str, _: &Kind) -> Result<Self, Why> {
        // A bare word that is no level would be taken for a target at `trace`: "inof" would log everything of nothing.
        let is_level = |word: &str| ["off", "error", "warn", "info", "debug", "trace"].contains(&word.to_ascii_lowercase().as_str());
        let bare_words_are_levels = text.split(',').all(|directive| directive.contains(['=', '[', ']']) || is_level(directive.trim()));
        if bare_words_are_levels && EnvFilter::builder().parse(text).is_ok() { Ok(Self(text.to_owned())) } else { Err(None) }
    }
}
