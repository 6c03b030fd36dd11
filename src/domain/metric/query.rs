//! The selector of metrics: a PromQL expression, of which every vector selector selects series.

use std::collections::BTreeMap;

use promql_parser::label::{MatchOp as PromOp, Matcher as PromMatcher};
use promql_parser::parser::{Expr, VectorSelector, parse};
use promql_parser::util::{ExprVisitor, walk_expr};

use super::vector;
use crate::model::{Demand, MatchOp, Matcher, Object, Selector, SelectorError};

/// The metric name as a label.
pub(super) const NAME: &str = "__name__";

/// Which series: those of every vector selector in an expression.
#[derive(Clone, Debug)]
pub struct MetricSelector {
    text: String,
    selectors: Vec<Vec<Matcher>>,
}

impl MetricSelector {
    /// Reads a PromQL expression, which must select some series.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        let text = text.trim();
        let labels = labels(text);
        let text = labels.as_deref().unwrap_or(text);
        if let Some((text, matchers)) = vector::parse(text) {
            return Ok(Self { text, selectors: vec![matchers] });
        }
        let expression = parse(text).map_err(|words| fault(text, &words))?;
        let selectors = Seen::of(&expression)?;
        if selectors.is_empty() {
            return Err(SelectorError::new(
                "this expression selects no series: name a metric, as up{job=\"x\"}",
            ));
        }
        Ok(Self { text: canonical(text, &expression, &selectors), selectors })
    }

    /// The vector selectors, each as its matchers; sorted, each once.
    pub fn selectors(&self) -> &[Vec<Matcher>] {
        &self.selectors
    }
}

/// A JSON map of labels as a vector selector; `None` if it is none, and so may be PromQL.
fn labels(text: &str) -> Option<String> {
    let mut map: BTreeMap<String, String> = serde_json::from_str(text).ok()?;
    let name = map.remove(NAME);
    let plain = |name: &String| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':')
    };
    let (front, inside) = match name {
        Some(name) if plain(&name) => (name, None),
        name => (String::new(), name.map(|name| Matcher::equal(NAME, &name))),
    };
    let rest = map.iter().map(|(name, value)| Matcher::equal(name, value));
    let matchers: Vec<Matcher> = rest.chain(inside).collect();
    Some(front + &Matcher::selector(&matchers))
}

/// The expression as it prints, unless that reads differently, which can be with odd names.
fn canonical(text: &str, expression: &Expr, selectors: &[Vec<Matcher>]) -> String {
    let printed = expression.to_string();
    let same = parse(&printed).is_ok_and(|again| {
        again.to_string() == printed && Seen::of(&again).is_ok_and(|seen| seen == selectors)
    });
    if same { printed } else { text.to_owned() }
}

/// The parser's words, and the place where a bracket or quote is open, if that is what is wrong.
fn fault(text: &str, words: &str) -> SelectorError {
    let message = format!("not PromQL: {words}");
    SelectorError { message, offset: open_bracket(text) }
}

/// The offset of the first bracket or quote that is never closed or never opened.
fn open_bracket(text: &str) -> Option<usize> {
    let mut open: Vec<(usize, char)> = Vec::new();
    let mut quoted: Option<(usize, char)> = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if let Some((_, quote)) = quoted {
            if escaped {
                escaped = false;
            } else if c == '\\' && quote != '`' {
                escaped = true;
            } else if c == quote {
                quoted = None;
            }
            continue;
        }
        match c {
            '"' | '\'' | '`' => quoted = Some((at, c)),
            '(' => open.push((at, ')')),
            '[' => open.push((at, ']')),
            '{' => open.push((at, '}')),
            ')' | ']' | '}' if open.pop().is_none_or(|(_, wanted)| wanted != c) => return Some(at),
            _ => {}
        }
    }
    quoted.or_else(|| open.pop()).map(|(at, _)| at)
}

#[derive(Default)]
struct Seen(Vec<Vec<Matcher>>);

impl ExprVisitor for Seen {
    type Error = SelectorError;

    fn pre_visit(&mut self, expression: &Expr) -> Result<bool, SelectorError> {
        match expression {
            Expr::VectorSelector(selector) => self.add(selector)?,
            Expr::MatrixSelector(range) => self.add(&range.vs)?,
            _ => {}
        }
        Ok(true)
    }
}

impl Seen {
    /// The vector selectors of an expression, sorted, each once.
    fn of(expression: &Expr) -> Result<Vec<Vec<Matcher>>, SelectorError> {
        let mut seen = Self::default();
        walk_expr(&mut seen, expression)?;
        seen.0.sort();
        seen.0.dedup();
        Ok(seen.0)
    }

    fn add(&mut self, selector: &VectorSelector) -> Result<(), SelectorError> {
        let name = selector.name.as_ref().map(|name| Matcher::equal(NAME, name));
        let common = &selector.matchers.matchers;
        let alternatives = &selector.matchers.or_matchers;
        let one = [Vec::new()];
        for group in if alternatives.is_empty() { &one } else { alternatives.as_slice() } {
            let own: Result<Vec<_>, _> = common.iter().chain(group).map(matcher).collect();
            let mut own = own?;
            own.extend(name.clone());
            own.sort();
            own.dedup();
            self.0.push(own);
        }
        Ok(())
    }
}

fn matcher(from: &PromMatcher) -> Result<Matcher, SelectorError> {
    let op = match from.op {
        PromOp::Equal => MatchOp::Equal,
        PromOp::NotEqual => MatchOp::NotEqual,
        PromOp::Re(_) => MatchOp::Regex,
        PromOp::NotRe(_) => MatchOp::NotRegex,
    };
    Matcher::new(&from.name, op, &from.value)
}

impl Selector for MetricSelector {
    fn text(&self) -> String {
        self.text.clone()
    }

    fn matches(&self, object: &Object) -> Option<bool> {
        let labels = object.body.get("labels");
        let label = |name: &str| labels?.get(name)?.as_str();
        Some(self.selectors.iter().any(|matchers| Matcher::all(matchers, label)))
    }

    fn demands(&self) -> Vec<Demand> {
        let [matchers] = &self.selectors[..] else { return Vec::new() };
        let equal = |one: &&Matcher| one.op() == MatchOp::Equal && !one.value().is_empty();
        let demand = |one: &Matcher| Demand::of(&["labels", one.name()], one.value());
        matchers.iter().filter(equal).map(demand).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::model::Class;

    /// The same without the short way for single vector selectors.
    fn in_full(text: &str) -> Option<(String, Vec<Vec<Matcher>>)> {
        let expression = parse(text).ok()?;
        let selectors = Seen::of(&expression).ok()?;
        Some((canonical(text, &expression, &selectors), selectors))
    }

    fn printed(text: &str) -> String {
        MetricSelector::parse(text).unwrap_or_else(|fault| panic!("{text}: {fault}")).text()
    }

    #[test]
    fn equal_expressions_print_equally() {
        for (text, expected) in [
            ("up", "up"),
            ("up { job = 'x' , a=~\"y\" }", r#"up{a=~"y",job="x"}"#),
            (
                "sum( rate(http_requests_total[5m]) )by(pod)",
                "sum by (pod) (rate(http_requests_total[5m]))",
            ),
            (r#"{"job": "x", "__name__": "up", "a": "\"{"}"#, r#"up{a="\"{",job="x"}"#),
            (r#"{"job":"x"}"#, r#"{job="x"}"#),
            (r#"{"__name__":"a b"}"#, r#"{__name__="a b"}"#),
        ] {
            assert_eq!(printed(text), expected, "{text}");
        }
    }

    #[test]
    fn faults_say_what_and_where() {
        for (text, offset, words) in [
            ("sum(up", Some(3), "not PromQL"),
            ("up{a=\"x", Some(5), "not PromQL"),
            ("up)", Some(2), "not PromQL"),
            ("", None, "not PromQL"),
            ("1 + 1", None, "selects no series"),
            ("up{", Some(2), "not PromQL"),
            ("{}", None, "not PromQL"),
            ("{\"job\": 1}", None, "not PromQL"),
        ] {
            let fault = MetricSelector::parse(text).expect_err(text);
            assert_eq!(fault.offset, offset, "{text}: {fault}");
            assert!(fault.message.contains(words), "{text}: {fault}");
        }
    }

    #[test]
    fn series_match_any_vector_selector() {
        let body =
            json!({"labels": {"__name__": "kube_pod_info", "namespace": "shop", "pod": "db-0"}});
        let series = Object::new(Class::new("metric", "metric"), "1", body);
        for (text, expected) in [
            ("kube_pod_info", true),
            (r#"{__name__="kube_pod_info",pod="db-0"}"#, true),
            (r#"kube_pod_info{pod=~"db"}"#, false),
            (r#"kube_pod_info{pod=~"db-.*"}"#, true),
            (r#"sum(rate(x{pod="y"}[5m])) / on() group(kube_pod_info{namespace!="x"})"#, true),
            ("up / up", false),
            (r#"{pod="x" or pod="db-0"}"#, true),
            (r#"kube_pod_info{pod="x" or pod="y"}"#, false),
            (r#"kube_pod_info{node=""}"#, true),
        ] {
            let selector = MetricSelector::parse(text).unwrap();
            assert_eq!(selector.matches(&series), Some(expected), "{text}");
        }
    }

    fn expressions() -> impl Strategy<Value = String> {
        let matcher = ("[a-z_]{1,5}", prop_oneof!["=", "!="], ".{0,6}")
            .prop_map(|(name, op, value)| format!("{name}x{op}{}", crate::model::quote(&value)));
        let vector = ("[a-z]{3,6}_x", prop::collection::vec(matcher, 0..3))
            .prop_map(|(name, all)| format!("{name}{{ {} }}", all.join(" , ")));
        let form = prop_oneof![
            Just("V"),
            Just("sum(V)by(pod)"),
            Just("rate(V[5m])"),
            Just("V offset 1h + V"),
            Just("topk ( 3,V )"),
            Just("max_over_time(rate(V[1m])[1h:5m])"),
            Just("-V"),
            Just("V > bool 3"),
        ];
        (form, vector).prop_map(|(form, vector)| form.replace('V', &vector))
    }

    /// A vector selector, or something like it.
    fn vectors() -> impl Strategy<Value = String> {
        let names = prop_oneof![
            "[a-z]{1,4}(_[a-z]{1,3})?",
            "group_left|limitk|count_values|sum|on|a:b_c|bool|",
            "[a-z_]{0,3}[ .-]?"
        ];
        let label = prop_oneof!["[a-z_]{1,4}", "__name__|by|offset|\"a.b\"|a.b|1a"];
        let op = prop_oneof!["=", "!=", "=~", "!~", "=="];
        let value = prop_oneof!["[a-z.*|()?+\\[\\]{}0-9-]{0,6}", "\\PC{0,4}", ".{0,4}"];
        let value = (value, any::<bool>()).prop_map(|(value, quoted)| {
            if quoted { crate::model::quote(&value) } else { format!("\"{value}\"") }
        });
        let matcher =
            (label, op, value).prop_map(|(label, op, value)| format!("{label}{op}{value}"));
        let more = prop_oneof!["", ",", " ", "[5m]", " offset 5m"];
        (names, prop::collection::vec(matcher, 0..4), more)
            .prop_map(|(name, matchers, more)| format!("{name}{{{}}}{more}", matchers.join(",")))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn the_short_way_reads_what_the_long_one_does(text in vectors()) {
            if let Some((short, matchers)) = vector::parse(&text) {
                prop_assert_eq!(Some((short, vec![matchers])), in_full(&text), "{}", text);
            }
        }
    }

    #[test]
    fn usual_queries_go_the_short_way() {
        for text in [
            r#"kube_pod_info{namespace="shop",pod="db-0"}"#,
            r#"{namespace="shop",deployment="web"}"#,
            r#"node_load5{instance=~"10\\.0\\.0\\.1(:[0-9]+)?"}"#,
        ] {
            assert!(vector::parse(text).is_some(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn printed_expressions_are_fixed_points(text in expressions()) {
            let once = MetricSelector::parse(&text).map_err(|fault| TestCaseError::fail(fault.message))?;
            let again = MetricSelector::parse(&once.text()).map_err(|fault| TestCaseError::fail(fault.message))?;
            prop_assert_eq!(again.text(), once.text());
            prop_assert_eq!(again.selectors(), once.selectors());
        }
    }
}
