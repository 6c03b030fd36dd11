//! Addresses in labels: `10.1.2.3:9100`, `[fd00::1]:9100`, `https://shop.example.com/health`,
//! `db-0.db.shop.svc:5432`, `node-1`.

use std::net::IpAddr;

use serde_json::{Map, Value};

/// The parts of an address that are there: `ip` (normal form) or `host`; `port`; `url` if it is
/// one; `service`, `namespace` and perhaps `pod` of a name in the cluster's DNS.
pub(in crate::rule) fn address(text: &str) -> Map<String, Value> {
    let mut parts = Map::new();
    let (scheme, rest) = text.split_once("://").map_or(("", text), |(scheme, rest)| (scheme, rest));
    if !scheme.is_empty() {
        parts.insert("url".to_owned(), true.into());
    }
    let place = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let place = place.rsplit('@').next().unwrap_or_default();
    let (host, port) = split(place);
    if port.bytes().all(|byte| byte.is_ascii_digit())
        && let Ok(port) = port.parse::<u16>()
    {
        parts.insert("port".to_owned(), port.into());
    }
    if let Ok(ip) = host.parse::<IpAddr>() {
        parts.insert("ip".to_owned(), ip.to_canonical().to_string().into());
        return parts;
    }
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let name = host.strip_suffix(".cluster.local").unwrap_or(&host);
    if let Some(name) = name.strip_suffix(".svc") {
        let words: Vec<&str> = name.split('.').collect();
        let names: &[&str] = match words.len() {
            2 => &["service", "namespace"],
            3 => &["pod", "service", "namespace"],
            _ => &[],
        };
        for (name, word) in names.iter().zip(words) {
            parts.insert((*name).to_owned(), word.into());
        }
    }
    if !host.is_empty() {
        parts.insert("host".to_owned(), host.into());
    }
    parts
}

/// Host and port; an IPv6 address has brackets if there is a port.
fn split(place: &str) -> (&str, &str) {
    if let Some((host, port)) = place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return (host, port.trim_start_matches(':'));
    }
    match place.split_once(':') {
        Some((host, port)) if !port.contains(':') => (host, port),
        _ => (place, ""),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        for (text, expected) in [
            ("10.1.2.3:9100", json!({"ip": "10.1.2.3", "port": 9100})),
            ("10.1.2.3", json!({"ip": "10.1.2.3"})),
            ("[FD00:0::1]:9100", json!({"ip": "fd00::1", "port": 9100})),
            ("fd00::1", json!({"ip": "fd00::1"})),
            ("::ffff:10.1.2.3", json!({"ip": "10.1.2.3"})),
            ("node-1", json!({"host": "node-1"})),
            (
                "ip-10-0-0-1.ec2.internal:9100",
                json!({"host": "ip-10-0-0-1.ec2.internal", "port": 9100}),
            ),
            (
                "https://user@Shop.example.com:443/health?x=1",
                json!({"url": true, "host": "shop.example.com", "port": 443}),
            ),
            ("http://10.1.2.3:9093/api", json!({"url": true, "ip": "10.1.2.3", "port": 9093})),
            (
                "db-0.db.shop.svc.cluster.local.:5432",
                json!({"host": "db-0.db.shop.svc.cluster.local", "pod": "db-0", "service": "db",
                       "namespace": "shop", "port": 5432}),
            ),
            (
                "web.shop.svc",
                json!({"host": "web.shop.svc", "service": "web", "namespace": "shop"}),
            ),
            ("a:b:c", json!({"host": "a:b:c"})),
            ("", json!({})),
        ] {
            assert_eq!(Value::Object(address(text)), expected, "{text}");
        }
    }
}
