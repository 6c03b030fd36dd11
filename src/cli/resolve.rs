//! From a START to its objects.

use std::sync::Arc;

use color_eyre::eyre::{self, eyre};

use super::start::{self, Start, same_expression};
use super::wire::Session;
use super::{note, usage};
use crate::engine::objects;
use crate::graph::Run;
use crate::model::{Cut, Object, Query, StoreError};

/// What a START led to.
pub(super) struct Resolved {
    pub(super) query: Query,
    pub(super) objects: Vec<Arc<Object>>,
    /// What became of the query.
    pub(super) asked: Run,
}

/// Asks for the objects of a START; `lift` multiplies the usual limit.
pub(super) async fn resolve(session: &Session, text: &str, lift: usize) -> eyre::Result<Resolved> {
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
    let mut scope = session.start_scope(query.class())?;
    scope.limit = scope.limit.saturating_mul(lift.max(1));
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
        let count = self.objects.len();
        let lift = match &self.asked.cut {
            Some(Cut { by: "server limit", .. }) => "server limit",
            _ => "--limit lifts it",
        };
        let taken = match &self.asked.cut {
            Some(Cut { total: Some(all), .. }) => {
                format!("{all} objects, {count} are taken ({lift})")
            }
            Some(Cut { total: None, .. }) => {
                format!("more than the {count} objects that are taken ({lift})")
            }
            None if count > 1 => format!("{count} objects, all are taken"),
            None => return,
        };
        let name = |object: &Arc<Object>| format!("{} {}", object.about, object.preview);
        let names: Vec<String> =
            self.objects.iter().take(4).map(|o| name(o).trim().to_owned()).collect();
        let more = count - names.len();
        let rest = if more > 0 { format!("; and {more} more") } else { String::new() };
        note(&format!("START matches {taken}: {}{rest}", names.join("; ")));
    }
}

/// A failure in one line, with what to do next.
pub(super) fn failure(error: &StoreError) -> String {
    format!("{}: {}", error.source_name, error.advice())
}
