//! From a START to its objects.

use std::sync::Arc;

use color_eyre::eyre;

use super::start::{self, same_expression};
use super::wire::Session;
use super::{note, usage};
use crate::engine::objects;
use crate::model::{Object, Query, StoreError};

/// What a START led to.
pub(super) struct Resolved {
    pub(super) query: Query,
    pub(super) objects: Vec<Arc<Object>>,
    /// Sources that could not be asked.
    pub(super) errors: Vec<StoreError>,
}

/// Asks for the objects of a START.
pub(super) async fn resolve(session: &Session, text: &str) -> eyre::Result<Resolved> {
    session.ready().await;
    let domains = session.engine.domains();
    let start = start::parse(text, session.namespace.as_deref(), domains).map_err(usage)?;
    let query = start.queries[0].clone();
    let scope = session.start_scope(query.class())?;
    let answers = session.engine.get(start.queries, scope).await;
    let mut found = objects(&answers);
    if let Some(expression) = &start.expression {
        let told = |object: &Object| {
            object.text("/expression").is_some_and(|own| same_expression(own, expression))
        };
        found.retain(|object| told(object));
    }
    let errors = answers.into_iter().filter_map(|answer| answer.result.err()).collect();
    Ok(Resolved { query, objects: found, errors })
}

impl Resolved {
    /// Says what is worth knowing before a search: failures, and that there are several starts.
    pub(super) fn tell(&self) {
        for error in &self.errors {
            note(&failure(error));
        }
        if self.objects.len() > 1 {
            let name = |object: &Arc<Object>| format!("{} {}", object.about, object.preview);
            let names: Vec<String> =
                self.objects.iter().take(4).map(|o| name(o).trim().to_owned()).collect();
            let more = self.objects.len() - names.len();
            let rest = if more > 0 { format!("; and {more} more") } else { String::new() };
            let count = self.objects.len();
            note(&format!(
                "START matches {count} objects, all are taken: {}{rest}",
                names.join("; ")
            ));
        }
    }
}

/// A failure in one line, with what to do next.
pub(super) fn failure(error: &StoreError) -> String {
    let hint = error.hint.as_ref().map_or_else(String::new, |hint| format!(" ({hint})"));
    format!("{}: {}{hint}", error.source_name, error.message)
}
