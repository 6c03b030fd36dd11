//! `get`: the objects of one query.

use std::sync::Arc;

use color_eyre::eyre::{self, eyre};

use super::args::{Format, Global};
use super::print::{inert, json, line, yaml};
use super::resolve::failure;
use super::search::width;
use super::wire::{Purpose, Session};
use super::{Outcome, emit, note, usage};
use crate::graph::rfc3339;
use crate::model::{Body, Object, clean, fit};

const FORMATS: [Format; 5] =
    [Format::Text, Format::Json, Format::Yaml, Format::Ndjson, Format::Name];

/// Prints the objects of a query: bodies in json, yaml and ndjson, one line each in text.
pub(super) async fn run(global: &Global, query: &str) -> eyre::Result<Outcome> {
    let format = global.format("get", &FORMATS).map_err(usage)?;
    let session = Session::open(global, Purpose::Ask).await?;
    session.ready().await;
    let query = session.engine.domains().query(query).map_err(|fault| usage(fault.to_string()))?;
    session.usable()?;
    let scope = session.start_scope(query.class())?;
    let mut answers = tokio::select! {
        answers = session.engine.get(vec![query], scope) => answers,
        _ = tokio::signal::ctrl_c() => return Ok(Outcome::Interrupted),
    };
    let Some(answer) = answers.pop() else { return Err(eyre!("the store gave no answer")) };
    let found = answer.result.map_err(|error| eyre!("{}", failure(&error)))?;
    if let Some(words) = &found.note {
        note(words);
    }
    if let Some(cut) = &found.cut {
        let all = match cut.total {
            Some(total) => format!("{} of {total} objects", cut.shown),
            None => format!("{} objects, and there are more", cut.shown),
        };
        let lift = if cut.by == "server limit" { "" } else { "; --limit lifts it" };
        note(&format!("{all} ({}){lift}", cut.by));
    }
    if let Some(error) = &found.missing {
        note(&failure(error));
    }
    if found.objects.is_empty() && found.missing.is_none() && found.note.is_none() {
        let (start, end) = (rfc3339(scope.window.start), rfc3339(scope.window.end));
        note(&match answer.query.class().domain() {
            "alert" => "nothing matches; only alerts that are active now are known".to_owned(),
            _ => format!("nothing matches from {start} to {end}; --since looks further back"),
        });
    }
    emit(&print(&found.objects, format)?)?;
    Ok(match (&found.missing, found.objects.is_empty()) {
        (Some(_), _) => Outcome::Partial,
        (None, true) => Outcome::Nothing,
        (None, false) => Outcome::Found,
    })
}

fn print(objects: &[Arc<Object>], format: Format) -> eyre::Result<String> {
    let bodies = || objects.iter().map(|object| &object.body).collect::<Vec<&Body>>();
    let each = |line: &dyn Fn(&Object) -> String| {
        objects.iter().map(|object| line(object) + "\n").collect::<String>()
    };
    Ok(match format {
        Format::Json => json(&bodies())?,
        Format::Yaml => yaml(&bodies())?,
        Format::Ndjson => each(&|object| inert(object.body.to_string())),
        Format::Name => each(&|object| clean(&object.id)),
        _ => {
            let width = width().unwrap_or(usize::MAX);
            each(&|object| fit(&line(object), width))
        }
    })
}
