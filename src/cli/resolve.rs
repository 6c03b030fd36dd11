//! From a START to its objects.

use std::sync::Arc;

use color_eyre::eyre::{self, eyre};

use super::start::{self, Start, same_expression};
use super::wire::Session;
use super::{note, usage};
use crate::engine::objects;
use crate::graph::Run;
use crate::model::{Object, Query, StoreError};

/// What a START led to.
pub(super) struct Resolved {
    pub(super) query: Query,
    pub(super) objects: Vec<Arc<Object>>,
    /// What became of the query.
    pub(super) asked: Run,
}

/// Asks for the objects of a START.
pub(super) async fn resolve(session: &Session, text: &str) -> eyre::Result<Resolved> {
    let domains = session.engine.domains();
    let parse = || start::parse(text, session.namespace.as_deref(), domains);
    // Only Kubernetes objects need to know what kinds the cluster has.
    let Start { query, expression } = match parse() {
        Ok(start) if start.query.class().domain() != "k8s" => start,
        _ => {
            session.ready().await;
            parse().map_err(usage)?
        }
    };
    session.usable()?;
    let scope = session.start_scope(query.class())?;
    let mut answers = session.engine.get(vec![query.clone()], scope).await;
    let mut found = objects(&answers);
    if let Some(expression) = &expression {
        let told = |object: &Object| {
            object.text("/expression").is_some_and(|own| same_expression(own, expression))
        };
        found.retain(|object| told(object));
    }
    if query.class().domain() == "alert" {
        found.retain(|object| session.sees(object));
    }
    found.sort_by(|a, b| {
        b.severity.cmp(&a.severity).then(b.time.cmp(&a.time)).then(a.id.cmp(&b.id))
    });
    let answer = answers.pop().ok_or_else(|| eyre!("the store gave no answer to {query}"))?;
    let mut asked = Run::answered(query.clone(), &answer.result, answer.took.as_secs_f64());
    asked.count = found.len();
    Ok(Resolved { query, objects: found, asked })
}

impl Session {
    /// Whether an alert is one of the namespace asked for with `-n`, or of no namespace at all.
    pub(super) fn sees(&self, alert: &Object) -> bool {
        let Some(wanted) = &self.asked_namespace else { return true };
        let labels = alert.body.get("labels").and_then(serde_json::Value::as_object);
        let words = self.engine.rules().vocabulary();
        let own = labels.and_then(|labels| words.read("alert", "namespace", labels));
        let about = alert.about.split_once('/').map(|(namespace, _)| namespace);
        match about {
            Some(namespace) => namespace == wanted,
            None if !alert.about.is_empty() => alert.about == *wanted || own != Some(&alert.about),
            None => own.is_none_or(|namespace| namespace == wanted),
        }
    }
}

impl Resolved {
    /// Says what is worth knowing before a search: failures, and that there are several starts.
    pub(super) fn tell(&self) {
        if let Some(error) = self.asked.failure() {
            note(&failure(error));
        }
        if let Some(cut) = &self.asked.cut {
            let total = cut.total.map_or_else(|| "more".to_owned(), |total| total.to_string());
            note(&format!(
                "START matches {total} objects, {} are taken; --limit lifts it",
                cut.shown
            ));
        }
        if self.objects.len() > 1 {
            let name = |object: &Arc<Object>| format!("{} {}", object.about, object.preview);
            let names: Vec<String> =
                self.objects.iter().take(4).map(|o| name(o).trim().to_owned()).collect();
            let more = self.objects.len() - names.len();
            let rest = if more > 0 { format!("; and {more} more") } else { String::new() };
            let count = self.objects.len();
            let all = if self.asked.cut.is_some() { "taken" } else { "all are taken" };
            note(&format!("START matches {count} objects, {all}: {}{rest}", names.join("; ")));
        }
    }
}

/// A failure in one line, with what to do next.
pub(super) fn failure(error: &StoreError) -> String {
    format!("{}: {}", error.source_name, error.advice())
}
