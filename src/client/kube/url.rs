//! Paths of requests, put together so that no value can break out of its place.

use std::fmt::Write as _;

/// The path and query of a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Url {
    text: String,
    asked: bool,
}

impl Url {
    /// A path whose parts are encoded one by one; empty parts are left out.
    pub fn new<'p>(parts: impl IntoIterator<Item = &'p str>) -> Self {
        let mut text = String::new();
        for part in parts.into_iter().filter(|part| !part.is_empty()) {
            text.push('/');
            encode(part, &mut text);
        }
        Self { text, asked: false }
    }

    /// The resources of a group and version: `/api/v1/namespaces/shop/pods`. An empty group is
    /// core, no namespace is the whole cluster.
    pub fn resource(group: &str, version: &str, namespace: Option<&str>, plural: &str) -> Self {
        let root = if group.is_empty() { "api" } else { "apis" };
        let scope = if namespace.is_some() { "namespaces" } else { "" };
        Self::new([root, group, version, scope, namespace.unwrap_or_default(), plural])
    }

    /// The same with one more part at the end of the path; to be used before [`Url::query`].
    #[must_use]
    pub fn at(mut self, part: &str) -> Self {
        self.text.push('/');
        encode(part, &mut self.text);
        self
    }

    /// The same with a parameter, unless its value is empty.
    #[must_use]
    pub fn query(mut self, key: &str, value: &str) -> Self {
        if !value.is_empty() {
            self.text.push(if self.asked { '&' } else { '?' });
            self.text.push_str(key);
            self.text.push('=');
            encode(value, &mut self.text);
            self.asked = true;
        }
        self
    }

    /// As it is sent.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Everything but the unreserved characters of RFC 3986 as `%XX`; dots alone too, which would be
/// taken for a step in the path.
fn encode(text: &str, out: &mut String) {
    let dots = text.bytes().all(|byte| byte == b'.');
    for byte in text.bytes() {
        let plain = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~' | b'.');
        if plain && !dots {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            write!(out, "%{byte:02X}").unwrap_or_default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_in_their_place() {
        let pods = Url::resource("", "v1", Some("shop"), "pods");
        assert_eq!(
            pods.clone().at("a/../b?c").as_str(),
            "/api/v1/namespaces/shop/pods/a%2F..%2Fb%3Fc"
        );
        assert_eq!(pods.clone().at("..").as_str(), "/api/v1/namespaces/shop/pods/%2E%2E");
        assert_eq!(
            pods.query("labelSelector", "a in (b,c)")
                .query("continue", "")
                .query("limit", "5")
                .as_str(),
            "/api/v1/namespaces/shop/pods?labelSelector=a%20in%20%28b%2Cc%29&limit=5"
        );
        assert_eq!(
            Url::resource("apps", "v1", None, "deployments").as_str(),
            "/apis/apps/v1/deployments"
        );
    }
}
