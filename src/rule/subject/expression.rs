//! What an expression in PromQL tells of the series whose labels its result has, whatever it
//! aggregates away: the names of the metrics, and the labels that its selectors ask for.

use std::collections::BTreeMap;

use promql_parser::label::MatchOp;
use promql_parser::parser::token::T_LOR;
use promql_parser::parser::{Expr, VectorMatchCardinality, VectorSelector, parse};
use serde_json::Value;

use crate::model::{Body, MatchOp as Op, Matcher};

/// What the selectors of an expression have in common.
#[derive(Clone, Debug, Default)]
pub(super) struct Reads {
    /// Names of metrics and recording rules, each once.
    pub(super) metrics: Vec<String>,
    /// Labels that selectors ask to be equal to something, where none asks for something else.
    pub(super) labels: BTreeMap<String, String>,
    /// What selectors ask of the label `job` by a regular expression.
    pub(super) jobs: Vec<Matcher>,
}

impl Reads {
    /// What a signal reads: the expression of an alert, the metric of a series.
    pub(super) fn of(body: &Body) -> Self {
        if let Some(name) = body.text("/labels/__name__") {
            return Self { metrics: vec![name.to_owned()], ..Self::default() };
        }
        expression(|field| body.get(field)).map(|text| Self::parse(&text)).unwrap_or_default()
    }

    fn parse(text: &str) -> Self {
        let mut visit = Visit::default();
        if let Ok(tree) = parse(text) {
            visit.walk(&tree);
        }
        let agreed = visit.labels.into_iter().filter_map(|(name, value)| Some((name, value?)));
        Self { metrics: visit.metrics, labels: agreed.collect(), jobs: visit.jobs }
    }
}

/// The expression of an alert by its fields; where only Alertmanager knows the alert, from the link to the
/// Prometheus that sent it.
pub(in crate::rule) fn expression<'b>(field: impl Fn(&str) -> Option<&'b Value>) -> Option<String> {
    if let Some(text) = field("expression").and_then(Value::as_str) {
        return Some(text.to_owned()).filter(|text| !text.is_empty());
    }
    let url = field("generatorURL").and_then(Value::as_str)?;
    let (_, query) = url.split_once('?')?;
    let text = query.split('&').find_map(|pair| pair.strip_prefix("g0.expr="))?;
    Some(decoded(text)).filter(|text| !text.is_empty())
}

/// The text of a form field in a URL: `+` is a space, `%22` a quote.
fn decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, after @ ..] = rest {
        rest = after;
        let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match (byte, hex.and_then(|hex| u8::from_str_radix(hex, 16).ok())) {
            (b'%', Some(code)) => {
                out.push(code);
                rest = &after[2..];
            }
            (b'+', _) => out.push(b' '),
            _ => out.push(*byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[derive(Default)]
struct Visit {
    metrics: Vec<String>,
    labels: BTreeMap<String, Option<String>>,
    jobs: Vec<Matcher>,
}

impl Visit {
    /// Goes through what the labels of the result come from: of `a and b` only `a`. Tells whether
    /// there was a selector.
    fn walk(&mut self, expression: &Expr) -> bool {
        match expression {
            Expr::VectorSelector(selector) => self.selector(selector),
            Expr::MatrixSelector(matrix) => self.selector(&matrix.vs),
            Expr::Aggregate(aggregate) => return self.walk(&aggregate.expr),
            Expr::Unary(unary) => return self.walk(&unary.expr),
            Expr::Paren(paren) => return self.walk(&paren.expr),
            Expr::Subquery(query) => return self.walk(&query.expr),
            Expr::Call(call) => {
                let found: Vec<bool> = call.args.args.iter().map(|arg| self.walk(arg)).collect();
                return found.contains(&true);
            }
            Expr::Binary(binary) => {
                let card = binary.modifier.as_ref().map(|modifier| &modifier.card);
                let (mut first, mut second) = (&binary.lhs, &binary.rhs);
                if matches!(card, Some(VectorMatchCardinality::OneToMany(_))) {
                    std::mem::swap(&mut first, &mut second);
                }
                let found = self.walk(first);
                let more = !found || binary.op.id() == T_LOR;
                return more && self.walk(second) || found;
            }
            _ => return false,
        }
        true
    }

    fn selector(&mut self, selector: &VectorSelector) {
        let named = selector.matchers.matchers.iter();
        let named = named.filter(|m| m.name == "__name__" && m.op == MatchOp::Equal);
        for name in selector.name.iter().chain(named.map(|matcher| &matcher.value)) {
            if !self.metrics.contains(name) {
                self.metrics.push(name.clone());
            }
        }
        for matcher in &selector.matchers.matchers {
            match &matcher.op {
                MatchOp::Equal if matcher.name != "__name__" && !matcher.value.is_empty() => {
                    let new = || Some(matcher.value.clone());
                    let known = self.labels.entry(matcher.name.clone()).or_insert_with(new);
                    if known.as_deref() != Some(&matcher.value) {
                        *known = None;
                    }
                }
                MatchOp::Re(_) if matcher.name == "job" => {
                    self.jobs.extend(Matcher::new("job", Op::Regex, &matcher.value).ok());
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn selectors_tell_what_aggregation_hides() {
        for (text, metrics, labels) in [
            ("absent(up{job=\"kubelet\"})", "up", "job=kubelet"),
            (
                "sum by (x) (rate(a_total{job=\"j\",code=~\"5..\"}[5m])) / b{job=\"j\"} > 1",
                "a_total",
                "job=j",
            ),
            ("a{x=\"1\",y=\"2\"} or b{x=\"3\"}", "a b", "y=2"),
            ("a{x=\"1\"} unless on (y) b{z=\"3\"}", "a", "x=1"),
            ("time() - c{x=\"1\"} > 5", "c", "x=1"),
            ("a * on (x) group_right (y) b", "b", ""),
            ("# why\n{__name__=\"a:b\",z=\"\"} offset 5m", "a:b", ""),
            ("(((", "", ""),
        ] {
            let reads = Reads::of(&json!({"expression": text}).into());
            assert_eq!(reads.metrics.join(" "), metrics, "{text}");
            let told: Vec<String> =
                reads.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
            assert_eq!(told.join(" "), labels, "{text}");
        }
    }

    #[test]
    fn the_link_to_prometheus_has_the_expression() {
        let url = "http://prom:9090/graph?g0.expr=up%7Bjob%3D%22a+b%22%7D+%3D%3D+0&g0.tab=1";
        let body = json!({"generatorURL": url});
        assert_eq!(expression(|field| body.get(field)).as_deref(), Some("up{job=\"a b\"} == 0"));
        let other = json!({"generatorURL": "https://x/"});
        assert_eq!(expression(|field| other.get(field)), None);
    }
}
