//! The names under which the daemon answers.
//!
//! Owns the guard against DNS rebinding: a page of another site can make its own
//! name point at this machine, and then read what a browser fetches under that
//! name. Such a request always carries that name, so that a name is answered
//! only when it is the machine's own or listed. An address is no name, so that
//! probes and Prometheus, which ask for an address, need no setting.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv6Addr};

use axum::http::header::HOST;
use axum::http::{HeaderMap, Uri};

/// Longest name of a host (RFC 1035).
const MOST_NAME_BYTES: usize = 253;

/// Names that are answered besides the machine's own: lower case, no port.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedHosts(BTreeSet<String>);

impl AllowedHosts {
    /// The names of the setting `allowed_hosts`.
    ///
    /// # Errors
    /// The first one that is no name of a host, such as one with a scheme or a port.
    pub fn new(names: &[String]) -> Result<Self, String> {
        let name = |text: &String| plain_name(text).ok_or_else(|| text.clone());
        names.iter().map(name).collect::<Result<_, _>>().map(Self)
    }

    /// Whether a request for this address and with these headers is answered.
    ///
    /// One without a host is: browsers always send one.
    pub(super) fn allow(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let mut sent = headers.get_all(HOST).iter();
        let asked = match (uri.authority(), sent.next(), sent.next()) {
            // A request that names its host in its first line means that one (RFC 9112, 3.2.2).
            (Some(authority), _, None) => Some(authority.as_str()),
            (None, None, _) => return true,
            (None, Some(host), None) => host.to_str().ok(),
            (_, _, Some(_)) => None,
        };
        asked.and_then(without_port).is_some_and(|host| self.has(host))
    }

    fn has(&self, host: &str) -> bool {
        let bracketed = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        if let Some(address) = bracketed {
            return address.parse::<Ipv6Addr>().is_ok();
        }
        if host.parse::<IpAddr>().is_ok() {
            return true;
        }
        plain_name(host).is_some_and(|name| {
            name == "localhost" || name.ends_with(".localhost") || self.0.contains(&name)
        })
    }
}

/// A host without the port behind it; none where something else stands there.
fn without_port(text: &str) -> Option<&str> {
    let end = match text.find(']') {
        Some(at) => at + 1,
        None => text.find(':').unwrap_or(text.len()),
    };
    let (host, rest) = text.split_at(end);
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    (rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port)).then_some(host)
}

/// A name in lower case and without the dot of the root; none for what is no name.
fn plain_name(text: &str) -> Option<String> {
    let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    let is_label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    (name.len() <= MOST_NAME_BYTES && name.split('.').all(is_label)).then_some(name)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn allows(names: &[&str], host: &str) -> bool {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let hosts = AllowedHosts::new(&names).expect("names");
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_str(host).expect("a header"));
        hosts.allow(&Uri::from_static("/reports/"), &headers)
    }

    #[test]
    fn addresses_and_the_machines_own_names_need_no_setting() {
        for host in [
            "127.0.0.1:9464",
            "10.42.0.17",
            "192.0.2.1:80",
            "[::1]:9464",
            "[fd00::7]",
            "localhost:9464",
            "LOCALHOST.",
            "agora.localhost:1",
        ] {
            assert!(allows(&[], host), "{host}");
        }
    }

    #[test]
    fn another_name_is_answered_only_when_it_is_listed() {
        let listed = ["usage.example.com", "Intranet"];
        for host in ["usage.example.com", "USAGE.example.com.:443", "intranet:9464"] {
            assert!(allows(&listed, host), "{host}");
            assert!(!allows(&[], host), "{host}");
        }
        for host in [
            "example.com",
            "usage.example.com.evil.example",
            "evil-usage.example.com",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "notlocalhost",
            "",
            ":9464",
            "[::1].evil.example",
            "[::1]evil",
            "::1",
            "localhost:evil.example",
            "user@localhost",
            "usage.example.com@evil.example",
            "evil.example@",
            "evil.example/localhost",
        ] {
            assert!(!allows(&listed, host), "{host}");
        }
    }

    #[test]
    fn a_request_cannot_say_two_names_and_needs_none() {
        let hosts = AllowedHosts::default();
        let mut headers = HeaderMap::new();
        assert!(hosts.allow(&Uri::from_static("/"), &headers));
        headers.append(HOST, HeaderValue::from_static("localhost"));
        assert!(hosts.allow(&Uri::from_static("/"), &headers));
        assert!(!hosts.allow(&Uri::from_static("http://evil.example/"), &headers));
        headers.append(HOST, HeaderValue::from_static("localhost"));
        assert!(!hosts.allow(&Uri::from_static("/"), &headers));
        assert!(!hosts.allow(&Uri::from_static("http://localhost/"), &headers));
    }

    #[test]
    fn a_setting_that_is_no_name_is_refused() {
        for name in
            ["https://usage.example.com", "usage.example.com:443", "", "*.example.com", "a b"]
        {
            assert_eq!(AllowedHosts::new(&[name.to_owned()]), Err(name.to_owned()));
        }
    }
}
