//! Which server is measured: an HTTP URL whose host is this machine, and nothing else.

use std::net::{SocketAddr, ToSocketAddrs as _};

/// A server on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// Where to connect.
    pub(crate) address: SocketAddr,
    /// The `Host` header.
    pub(crate) host: String,
    /// What stands before `/api`, without a slash at its end; mostly empty.
    pub(crate) base: String,
}

impl Target {
    /// From `http://HOST[:PORT][/BASE]`. The error says what to write instead.
    pub(crate) fn parse(url: &str) -> Result<Self, String> {
        let rest = url.strip_prefix("http://").ok_or_else(|| format!("--url {url}: expected http://127.0.0.1:PORT"))?;
        let (host, base) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
        if host.contains('@') || base.contains(['?', '#', ' ', '\r', '\n']) {
            return Err("--url: expected http://127.0.0.1:PORT, without user, query or fragment".into());
        }
        let has_port = host.rsplit_once(':').is_some_and(|(before, _)| !before.starts_with('[') || before.ends_with(']'));
        let with_port = if has_port { host.to_owned() } else { format!("{host}:80") };
        let addresses: Vec<_> = with_port.to_socket_addrs().map_err(|error| format!("--url {url}: {error}"))?.collect();
        if addresses.iter().any(|address| !address.ip().is_loopback()) {
            return Err(format!("--url {url}: only a server on this machine can be measured, like http://127.0.0.1:8080"));
        }
        let ipv4_first = addresses.iter().find(|address| address.is_ipv4()).or(addresses.first());
        let address = *ipv4_first.ok_or_else(|| format!("--url {url}: the host has no address"))?;
        Ok(Self { address, host: host.to_owned(), base: base.trim_end_matches('/').to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn only_http_on_this_machine_is_a_target() {
        let rows = [
            ("http://127.0.0.1:8080", Some(("127.0.0.1:8080", ""))),
            ("http://127.0.0.1:8080/", Some(("127.0.0.1:8080", ""))),
            ("http://127.0.0.1/shop/", Some(("127.0.0.1:80", "/shop"))),
            ("http://[::1]:9", Some(("[::1]:9", ""))),
            ("http://[::1]", Some(("[::1]:80", ""))),
            ("http://192.0.2.1:8080", None),
            ("http://0.0.0.0:8080", None),
            ("https://127.0.0.1", None),
            ("http://u:p@127.0.0.1", None),
            ("http://127.0.0.1@192.0.2.1", None),
            ("127.0.0.1:8080", None),
            ("http://", None),
        ];
        for (url, expected) in rows {
            let target = Target::parse(url).ok();
            let found = target.as_ref().map(|target| (target.address.to_string(), target.base.as_str()));
            assert_eq!(found.as_ref().map(|(address, base)| (address.as_str(), *base)), expected, "{url}");
        }
    }
}
