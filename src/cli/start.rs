//! What a START means: text -> queries. Pure.

use promql_parser::label::Matcher;
use promql_parser::parser::{self, Expr};
use reqwest::Url;
use serde_json::{Map, Value, json};

use crate::client::transport::without_credentials;
use crate::model::{Domains, ParseError, Query, similar};

/// Commands that a mistyped word may mean.
const COMMANDS: [&str; 10] = [
    "goals",
    "neighbors",
    "get",
    "list",
    "describe",
    "rules",
    "sources",
    "record",
    "completions",
    "config",
];

/// What a START asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Start {
    /// Every object that it selects is a start.
    pub(super) query: Query,
    /// Only alerts of this expression, if it came from the URL of a rule.
    pub(super) expression: Option<String>,
}

impl Start {
    fn of(query: Query) -> Self {
        Self { query, expression: None }
    }
}

/// Reads `kind/name`, `kind name`, `namespace/kind/name`, `alert/NAME`, a query or a URL.
/// `namespace` narrows everything but a full query and alerts, whose labels may name their
/// namespace in many ways; `None` means all.
pub(super) fn parse(
    text: &str,
    namespace: Option<&str>,
    domains: &Domains,
) -> Result<Start, String> {
    let text = text.trim();
    if text.starts_with("http://") || text.starts_with("https://") {
        return url(text, domains);
    }
    if let Some((domain, _)) = text.split_once(':')
        && !domain.contains(['/', ' ', '{'])
    {
        return domains.query(text).map(Start::of).map_err(|fault| fault.to_string());
    }
    let parts: Vec<&str> = text.split(['/', ' ']).filter(|part| !part.is_empty()).collect();
    match parts[..] {
        [kind, name] => named(kind, name, namespace, domains),
        [namespace, kind, name] => named(kind, name, Some(namespace), domains),
        _ => Err(senseless(text)),
    }
}

fn senseless(text: &str) -> String {
    let near = similar(text, COMMANDS).first().map_or_else(String::new, |command| {
        format!("; if a command is meant: did you mean `korrel8 {command}`?")
    });
    format!(
        "cannot make sense of the start {text:?}: write kind/name (pod/db-0), alert/NAME, \
         a query (k8s:Pod:{{namespace: shop}}) or the URL of an alert{near}"
    )
}

fn named(
    kind: &str,
    name: &str,
    namespace: Option<&str>,
    domains: &Domains,
) -> Result<Start, String> {
    if kind == "alert" {
        return alert(&Map::from_iter([("alertname".to_owned(), json!(name))]), domains);
    }
    let class = domains.class(&format!("k8s:{kind}")).map_err(|fault| match fault {
        ParseError::UnknownClass { similar, .. } if similar.is_empty() => {
            format!("unknown kind {kind:?} in {kind}/{name}; `korrel8 list k8s` shows all kinds")
        }
        ParseError::UnknownClass { similar, .. } => {
            format!("unknown kind {kind:?} in {kind}/{name}; did you mean {}?", similar.join(", "))
        }
        other => other.to_string(),
    })?;
    let mut selector = Map::from_iter([("name".to_owned(), json!(name))]);
    selector.extend(namespace.map(|namespace| ("namespace".to_owned(), json!(namespace))));
    let text = format!("{class}:{}", Value::Object(selector));
    domains.query(&text).map(Start::of).map_err(|fault| fault.to_string())
}

fn alert(labels: &Map<String, Value>, domains: &Domains) -> Result<Start, String> {
    let text = format!("alert:alert:{}", Value::Object(labels.clone()));
    domains.query(&text).map(Start::of).map_err(|fault| fault.to_string())
}

/// The address bar of Alertmanager (`/#/alerts?filter={…}`), of Prometheus
/// (`/alerts?search=NAME`, `/graph?g0.expr=…`), or a link to an alerting rule's expression.
fn url(text: &str, domains: &Domains) -> Result<Start, String> {
    let shown = without_credentials(text);
    let url = Url::parse(text).map_err(|fault| format!("{shown} is no URL: {fault}"))?;
    let inner = url.fragment().map(|fragment| fragment.trim_start_matches('/').to_owned());
    let inner = inner.and_then(|inner| url.join(&format!("/{inner}")).ok());
    let pairs = url.query_pairs().chain(inner.iter().flat_map(Url::query_pairs));
    for (key, value) in pairs {
        match &*key {
            "filter" if value.contains(['=', '~']) => {
                let braced = value.starts_with('{');
                let matchers = if braced { value.into_owned() } else { format!("{{{value}}}") };
                let query = domains.query(&format!("alert:alert:{matchers}"));
                return query.map(Start::of).map_err(|fault| fault.to_string());
            }
            "search" if !value.is_empty() => return named("alert", &value, None, domains),
            "g0.expr" | "expr" => return expression(&value, domains),
            _ => {}
        }
    }
    Err(format!(
        "the URL {shown} names no alert: paste one with ?filter={{alertname=\"…\"}} (Alertmanager), \
         ?search=NAME or ?g0.expr=… (Prometheus)"
    ))
}

/// `ALERTS{alertname="X"}` names alerts by labels; any other expression is a rule's.
fn expression(text: &str, domains: &Domains) -> Result<Start, String> {
    if let Ok(Expr::VectorSelector(selector)) = parser::parse(text)
        && selector.name.as_deref() == Some("ALERTS")
    {
        let own = |matcher: &&Matcher| matcher.name != "alertstate";
        let kept = selector.matchers.matchers.iter().filter(own).map(ToString::to_string);
        let matchers = kept.collect::<Vec<_>>().join(",");
        let query = domains.query(&format!("alert:alert:{{{matchers}}}"));
        return query.map(Start::of).map_err(|fault| fault.to_string());
    }
    let all = alert(&Map::new(), domains)?;
    Ok(Start { expression: Some(text.to_owned()), ..all })
}

/// Whether two expressions are the same but for spaces and order of printing.
pub(super) fn same_expression(a: &str, b: &str) -> bool {
    let canonical = |text: &str| parser::parse(text).map(|expr| expr.to_string());
    a == b || matches!((canonical(a), canonical(b)), (Ok(a), Ok(b)) if a == b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Vocabulary;

    fn check(text: &str, namespace: Option<&str>, expected: &str) {
        let domains = crate::domain::all(&Vocabulary::builtin());
        let shown = match parse(text, namespace, &domains) {
            Ok(start) => {
                format!("{}{}", start.query, start.expression.unwrap_or_default())
            }
            Err(message) => message,
        };
        assert!(shown.starts_with(expected), "{text}: {shown}");
    }

    #[test]
    fn starts_are_understood() {
        let db = r#"k8s:Pod.v1:{"name":"db-0","namespace":"shop"}"#;
        check("pod/db-0", Some("shop"), db);
        check("po db-0", Some("shop"), db);
        check("shop/Pod/db-0", None, db);
        check("k8s:Pod:{namespace: shop, name: db-0}", Some("other"), db);
        check("pvc/data-0", None, r#"k8s:PersistentVolumeClaim.v1:{"name":"data-0"}"#);
        check("node/n1", Some("shop"), r#"k8s:Node.v1:{"name":"n1"}"#);
        check("alert/Watchdog", None, r#"alert:alert:{"alertname":"Watchdog"}"#);
        check("alert Watchdog", Some("x"), r#"alert:alert:{"alertname":"Watchdog"}"#);
    }

    #[test]
    fn urls_are_understood() {
        let named = r#"alert:alert:{"alertname":"Down","namespace":"shop"}"#;
        check(
            "http://am:9093/#/alerts?filter=%7Balertname%3D%22Down%22%2Cnamespace%3D%22shop%22%7D",
            None,
            named,
        );
        check(
            "http://am/x/#/alerts?silenced=false&filter=alertname%3D%22Down%22%2Cnamespace%3D%22shop%22",
            None,
            named,
        );
        check(
            "https://prom/graph?g0.expr=ALERTS%7Balertname%3D%22Down%22%2Cnamespace%3D%22shop%22%7D",
            None,
            named,
        );
        check(
            "https://prom/graph?g0.expr=ALERTS%7Balertname%3D%22Down%22%2Calertstate%3D%22firing%22%7D",
            None,
            r#"alert:alert:{"alertname":"Down"}"#,
        );
        check("http://prom/alerts?search=Down", None, r#"alert:alert:{"alertname":"Down"}"#);
        check("http://prom/graph?g0.expr=up+%3D%3D+0&g0.tab=1", None, "alert:alert:{}up == 0");
        check("http://me:pw@prom/targets", None, "the URL http://prom/targets names no alert");
    }

    #[test]
    fn nonsense_is_explained() {
        check("db-0", None, "cannot make sense of the start \"db-0\"");
        check("nieghbors", None, "cannot make sense of the start \"nieghbors\"");
        check("pood/db-0", None, "unknown kind \"pood\" in pood/db-0; did you mean Pod.v1");
        check("k8z:Pod:{}", None, "unknown domain \"k8z\"");
        check("k8s:Pod", None, "\"k8s:Pod\" is not a query");
    }

    #[test]
    fn expressions_are_compared_by_meaning() {
        assert!(same_expression("up==0", "up == 0"));
        assert!(!same_expression("up == 1", "up == 0"));
    }
}
