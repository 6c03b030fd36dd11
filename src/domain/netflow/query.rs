//! The selector of network flows: LogQL over `NetObserv`'s labels and fields.

use serde_json::Value;

use crate::model::{LogQl, MatchOp, Matcher, Object, Selector, SelectorError, parse_matchers};

/// Which network flows.
#[derive(Clone, Debug)]
pub struct FlowSelector {
    query: LogQl,
    /// Conditions on fields behind `| json`; `None` if there are other stages.
    filters: Option<Vec<Matcher>>,
}

impl FlowSelector {
    /// Reads `{SrcK8S_Namespace="shop"} | json | SrcK8S_Name="web-0"`.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        let query = LogQl::parse(text)?;
        let filters = filters(query.pipeline());
        Ok(Self { query, filters })
    }

    /// The one value that it asks a field for, and the same query for any value of it: queries
    /// that differ by this value alone can be asked together.
    pub(super) fn differing(&self) -> Option<(String, String, String)> {
        let [filter] = self.filters.as_deref()? else { return None };
        let selector = Matcher::selector(self.query.matchers());
        let simple = filter.op() == MatchOp::Equal && !filter.value().is_empty();
        simple.then(|| (selector, filter.name().to_owned(), filter.value().to_owned()))
    }
}

/// The conditions of `| json | a="x" | b=~"y"`.
fn filters(pipeline: &str) -> Option<Vec<Matcher>> {
    let mut all = Vec::new();
    let mut rest = pipeline;
    while !rest.is_empty() {
        rest = rest.strip_prefix('|')?.trim_start();
        if let Some(after) = rest.strip_prefix("json") {
            let after = after.trim_start();
            if after.is_empty() || after.starts_with('|') {
                rest = after;
                continue;
            }
        }
        // A pipe may stand in a value, so the stage ends at the first one where it parses.
        let mut ends = rest.match_indices('|').map(|(at, _)| at).chain([rest.len()]);
        let (end, own) = ends.find_map(|end| {
            Some((end, parse_matchers(&format!("{{{}}}", &rest[..end])).ok()?.0))
        })?;
        all.extend(own);
        rest = &rest[end..];
    }
    Some(all)
}

impl Selector for FlowSelector {
    fn text(&self) -> String {
        self.query.text()
    }

    fn matches(&self, object: &Object) -> Option<bool> {
        let body: &Value = &object.body;
        let fulfilled = |matcher: &Matcher| {
            matcher.is_match(&match body.get(matcher.name()) {
                Some(Value::String(text)) => text.clone(),
                None | Some(Value::Null) => String::new(),
                Some(other) => other.to_string(),
            })
        };
        if !self.query.matchers().iter().all(fulfilled) {
            return Some(false);
        }
        self.filters.as_ref().map(|filters| filters.iter().all(fulfilled))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::netflow::Netflow;

    #[track_caller]
    fn check(text: &str, expected: Option<bool>) {
        let body = json!({"app": "netobserv-flowcollector", "SrcK8S_Name": "web-0", "SrcK8S_Namespace": "shop", "DstPort": 5432});
        let flow = Object::new(Netflow::all(), "x", body);
        assert_eq!(FlowSelector::parse(text).unwrap().matches(&flow), expected, "{text}");
    }

    #[test]
    fn fields_behind_json_are_decided() {
        check(r#"{SrcK8S_Namespace="shop"}"#, Some(true));
        check(r#"{SrcK8S_Namespace="shop"} | json | SrcK8S_Name="web-0""#, Some(true));
        check(
            r#"{SrcK8S_Namespace="shop"} | json | SrcK8S_Name=~"a|web-.*" | DstPort="5432""#,
            Some(true),
        );
        check(r#"{SrcK8S_Namespace="shop"} | json | SrcK8S_Name="web-1""#, Some(false));
        check(r#"{SrcK8S_Namespace="other"} | json | Bytes > 5"#, Some(false));
        check(r#"{SrcK8S_Namespace="shop"} | json | Bytes > 5"#, None);
        check(r#"{SrcK8S_Namespace="shop"} |= "x""#, None);
        assert!(FlowSelector::parse("shop").is_err());
    }
}
