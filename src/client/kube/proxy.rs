//! Which hosts are reached without the proxy of the environment, as `NO_PROXY` says it.
//!
//! The kube crate takes `HTTPS_PROXY` for every server and holds `NO_PROXY` against the proxy's
//! own address, so this is decided here.

use std::net::IpAddr;

use http::Uri;

/// Whether a server is reached directly although the environment names a proxy for HTTPS.
pub(super) fn is_direct(server: &Uri, no_proxy: &str) -> bool {
    let host = server.host().unwrap_or_default().trim_matches(['[', ']']).to_lowercase();
    let address: Option<IpAddr> = host.parse().ok();
    let local = host == "localhost" || address.is_some_and(|address| address.is_loopback());
    local
        || server.scheme_str() != Some("https")
        || no_proxy.split([',', ' ']).any(|entry| {
            let entry = entry.trim().to_lowercase();
            match address {
                _ if entry == "*" => true,
                Some(address) => covers(&entry, address),
                None => is_under(&host, &entry),
            }
        })
}

/// Whether a host is a domain or lies under it.
fn is_under(host: &str, entry: &str) -> bool {
    let name = entry.split(':').next().unwrap_or_default();
    let domain = name.trim_start_matches("*.").trim_start_matches('.');
    !domain.is_empty()
        && (host == domain || host.strip_suffix(domain).is_some_and(|start| start.ends_with('.')))
}

/// Whether an address is the given one or lies in the given range, as `10.0.0.0/8`.
fn covers(entry: &str, address: IpAddr) -> bool {
    let (network, length) = match entry.split_once('/') {
        Some((network, length)) => (network, length.parse::<u32>().ok()),
        None => (entry, Some(128)),
    };
    let (Ok(network), Some(length)) = (network.parse::<IpAddr>(), length) else { return false };
    let (network, address, width) = match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            (u128::from(network.to_bits()), u128::from(address.to_bits()), 32)
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => (network.to_bits(), address.to_bits(), 128),
        _ => return false,
    };
    let rest = width - length.min(width);
    network.checked_shr(rest) == address.checked_shr(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_without_a_proxy() {
        for (server, no_proxy, direct) in [
            ("https://api.corp.example:6443", "", false),
            ("https://api.corp.example:6443", "corp.example", true),
            ("https://api.corp.example:6443", "other, .corp.example", true),
            ("https://api.corp.example:6443", "*.corp.example", true),
            ("https://api.notcorp.example", "corp.example", false),
            ("https://api.corp.example", "*", true),
            ("https://10.1.2.3:6443", "10.0.0.0/8", true),
            ("https://11.1.2.3:6443", "10.0.0.0/8", false),
            ("https://10.1.2.3", "10.1.2.3", true),
            ("https://10.1.2.3", "10.1.2.0/40,10.1.2.3/x,::/0", false),
            ("https://[fd00::1]:6443", "fd00::/8", true),
            ("https://1.2.3.4", "0.0.0.0/0", true),
            ("https://127.0.0.1:6443", "", true),
            ("https://[::1]:6443", "", true),
            ("https://localhost:6443", "", true),
            ("http://api.corp.example", "", true),
        ] {
            assert_eq!(
                is_direct(&server.parse().expect(server), no_proxy),
                direct,
                "{server} {no_proxy}"
            );
        }
    }
}
