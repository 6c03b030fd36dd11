//! Narrows the expression of an alerting rule to the series that one alert is about.

use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::{Expr, VectorSelector, parse};
use promql_parser::util::visitor::{ExprVisitor, ExprVisitorMut, walk_expr, walk_expr_mut};
use regex::Regex;

use super::subject::Subject;
use super::template::Labels;
use crate::model::{Vocabulary, escape_re2};

/// The expression in which every selector also asks for the labels that name the alert's subject,
/// or for series without such a label: a rule may join series that have it with others that do
/// not. `None` for one that selects no series, as `vector(1)`, and for what is no PromQL, as the
/// rules that Loki evaluates.
pub(super) fn narrow(expression: &str, labels: &Labels, words: &Vocabulary) -> Option<String> {
    let mut tree = parse(expression).ok()?;
    let matchers = labels.subject.as_ref().map(|subject| matchers(subject, labels, words));
    let mut matchers = matchers.unwrap_or_default();
    let mut made = Made::default();
    let Ok(_) = walk_expr(&mut made, &tree);
    matchers.retain(|matcher| !made.0.contains(&matcher.name));
    let mut narrow = Narrow { matchers, selectors: 0 };
    match walk_expr_mut(&mut narrow, &mut tree) {
        Ok(_) => (narrow.selectors > 0).then(|| tree.to_string()),
        Err(never) => match never {},
    }
}

fn matchers(subject: &Subject, labels: &Labels, words: &Vocabulary) -> Vec<Matcher> {
    let namespace = subject.namespace.as_ref().map(|_| "namespace");
    let terms = [Some(subject.term.as_str()), namespace];
    terms
        .into_iter()
        .flatten()
        .filter_map(|term| {
            let mut names = words.names(&labels.carrier, term).iter();
            let named = |name: &&String| labels.own.get(*name).is_some_and(|v| v != "");
            let name = names.find(named)?;
            let value = format!("{}|", escape_re2(labels.own.get(name)?.as_str()?));
            let regex = Regex::new(&format!("^(?s:{value})$")).ok()?;
            Some(Matcher::new(MatchOp::Re(regex), name, &value))
        })
        .collect()
}

/// The labels that the expression makes itself: the series that it reads have others.
#[derive(Default)]
struct Made(Vec<String>);

impl ExprVisitor for Made {
    type Error = std::convert::Infallible;

    fn pre_visit(&mut self, expression: &Expr) -> Result<bool, Self::Error> {
        if let Expr::Call(call) = expression
            && matches!(call.func.name, "label_replace" | "label_join")
            && let Some(Expr::StringLiteral(name)) = call.args.args.get(1).map(AsRef::as_ref)
        {
            self.0.push(name.val.clone());
        }
        Ok(true)
    }
}

struct Narrow {
    matchers: Vec<Matcher>,
    /// How many selectors there are.
    selectors: usize,
}

impl ExprVisitorMut for Narrow {
    type Error = std::convert::Infallible;

    fn pre_visit(&mut self, expression: &mut Expr) -> Result<bool, Self::Error> {
        let selector: &mut VectorSelector = match expression {
            Expr::VectorSelector(selector) => selector,
            Expr::MatrixSelector(matrix) => &mut matrix.vs,
            _ => return Ok(true),
        };
        self.selectors += 1;
        for matcher in &self.matchers {
            let equal = |known: &&Matcher| known.name == matcher.name && known.op == MatchOp::Equal;
            if selector.matchers.matchers.iter().any(|known| equal(&known)) {
                continue;
            }
            if selector.matchers.or_matchers.is_empty() {
                selector.matchers.matchers.push(matcher.clone());
            }
            for group in &mut selector.matchers.or_matchers {
                group.push(matcher.clone());
            }
        }
        Ok(true)
    }
}
