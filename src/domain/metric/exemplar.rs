//! Exemplars: events that the values of series were made of, mostly requests with a trace. They are
//! asked for on their own, by rules that lead to them, so that no query for series costs more.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, SecondsFormat, Utc};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::Metric;
use super::object::{self, seconds};
use super::store::{Shelf, merged};
use crate::client::prometheus::{Exemplar, Labels, Prometheus};
use crate::model::{
    Answer, Class, Cut, ErrorKind, Found, Object, Query, Ranked, Scope, StoreError, clean, span_id,
    stable_hash, trace_id_of_field,
};

/// An exemplar from a body `{labels, exemplar, value, timestamp, traceID, spanID}`: labels of the
/// series, labels of its own, a number in a string, RFC 3339.
pub(super) fn object(class: &Class, body: Value) -> Object {
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let own = body.get("exemplar").map(Value::to_string).unwrap_or_default();
    let (time, value) = (text("/timestamp"), text("/value"));
    let series = object::fingerprinted(&body);
    let id = format!("{series}/{time}/{:016x}", stable_hash(&format!("{value} {own}")));
    let what = match text("/traceID") {
        "" => own,
        trace => format!("trace {trace}"),
    };
    let preview = clean(format!("{value} {what} {}", object::series_of(&body)).trim_end());
    let time = DateTime::parse_from_rfc3339(time).ok();
    let mut object = Object::new(class.clone(), id, body);
    object.time = time.map(|time| time.with_timezone(&Utc));
    object.end = object.time;
    object.preview = preview.into();
    object
}

fn body(labels: &Labels, exemplar: &Exemplar) -> Value {
    let time = seconds(exemplar.timestamp);
    let mut body = json!({
        "labels": labels,
        "exemplar": exemplar.labels,
        "value": exemplar.value,
        "timestamp": time.map(|time| time.to_rfc3339_opts(SecondsFormat::Millis, true)),
    });
    let of = |word: &str| exemplar.labels.iter().find(|(name, _)| means(name, word));
    if let Some(id) = of("traceid").and_then(|(_, id)| trace_id_of_field(id)) {
        body["traceID"] = id.into();
    }
    if let Some(id) = of("spanid").and_then(|(_, id)| span_id(id)) {
        body["spanID"] = id.into();
    }
    body
}

/// Whether a label is called by a word, however that is spelled: `trace_id`, `traceID`, `TraceID`.
fn means(name: &str, word: &str) -> bool {
    let letters = name.bytes().filter(u8::is_ascii_alphanumeric).map(|b| b.to_ascii_lowercase());
    letters.eq(word.bytes())
}

/// The answers to a group of queries.
pub(super) async fn answers(
    server: Arc<Prometheus>,
    group: Vec<Ranked>,
    scope: Scope,
    started: Instant,
) -> Vec<Answer> {
    let queries: Vec<&Query> = group.iter().map(|one| &one.query).collect();
    let results = ask(&server, &queries, scope).await;
    let answer = |(query, result): (&Query, Result<Found, StoreError>)| Answer {
        query: query.clone(),
        result,
        took: started.elapsed(),
    };
    results.into_iter().map(answer).collect()
}

type OfQueries<'q> = Vec<(&'q Query, Result<Found, StoreError>)>;

/// In one call or, if that is refused or too much, in several.
fn ask<'q>(
    server: &'q Prometheus,
    queries: &'q [&'q Query],
    scope: Scope,
) -> BoxFuture<'q, OfQueries<'q>> {
    async move {
        let text = merged(queries.iter().copied()).join(" or ");
        let result = server.exemplars(&text, scope.window).await;
        let each = |result: &Result<Found, StoreError>| {
            queries.iter().map(|query| (*query, result.clone())).collect()
        };
        let found = match result {
            Ok(Some(found)) => found,
            Ok(None) => {
                let name = server.source().name;
                let note = format!("{name} has no exemplars for us, or does not offer them");
                return each(&Ok(Found { note: Some(note), ..Found::default() }));
            }
            Err(error) if matches!(error.kind, ErrorKind::BadQuery | ErrorKind::TooLarge) => {
                if queries.len() > 1 {
                    let (left, right) = queries.split_at(queries.len() / 2);
                    let (mut found, more) =
                        futures::join!(ask(server, left, scope), ask(server, right, scope));
                    found.extend(more);
                    return found;
                }
                // Nothing is missing but examples, and some servers refuse them by this status.
                let note = Some(format!("no exemplars: {}", error.message));
                return each(&Ok(Found { note, ..Found::default() }));
            }
            Err(error) => return each(&Err(error)),
        };
        let class = Metric::exemplar();
        let all = found
            .iter()
            .flat_map(|of| of.exemplars.iter().map(|exemplar| body(&of.series_labels, exemplar)));
        let all = all.map(|body| Arc::new(object(&class, body))).collect();
        let shelf = Shelf::new(all, queries);
        let of = |query: &&'q Query| {
            let own = shelf.of(query).map(|one| (Arc::clone(&one.id), Arc::clone(one)));
            (*query, Ok(found_of(own.collect(), scope)))
        };
        queries.iter().map(of).collect()
    }
    .boxed()
}

/// Those with the greatest values first: mostly the slowest requests.
fn found_of(own: BTreeMap<Arc<str>, Arc<Object>>, scope: Scope) -> Found {
    let mut objects: Vec<Arc<Object>> = own.into_values().collect();
    let value = |object: &Object| object.text("/value").and_then(|text| text.parse::<f64>().ok());
    objects.sort_by(|a, b| {
        let values = value(b).unwrap_or(f64::MIN).total_cmp(&value(a).unwrap_or(f64::MIN));
        values.then_with(|| b.time.cmp(&a.time)).then_with(|| a.id.cmp(&b.id))
    });
    let total = objects.len();
    objects.truncate(scope.limit);
    let cut = Cut { shown: objects.len(), total: Some(total), by: "limit" };
    Found { cut: (total > scope.limit).then_some(cut), objects, ..Found::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exemplar_names_its_trace_whatever_the_label_is_called() {
        let trace = "65040764d6005ae10d313a235526acca";
        for (name, id) in [
            ("trace_id", trace),
            ("traceID", trace),
            ("TraceID", &trace.to_uppercase()),
            ("trace.id", trace),
        ] {
            let labels = Labels::from([("__name__".to_owned(), "x_bucket".to_owned())]);
            let own = Labels::from([(name.to_owned(), id.to_owned())]);
            let given =
                Exemplar { labels: own, value: "1.7".to_owned(), timestamp: 1_795_398_281.007 };
            let object = object(&Metric::exemplar(), body(&labels, &given));
            assert_eq!(object.text("/traceID"), Some(trace), "{name}");
            assert_eq!(&*object.preview, format!("1.7 trace {trace} x_bucket"));
            assert_eq!(object.text("/timestamp"), Some("2026-11-23T01:44:41.007Z"));
            assert_eq!(object.time.map(|t| t.timestamp_millis()), Some(1_795_398_281_007));
        }
    }

    #[test]
    fn what_names_no_trace_is_an_exemplar_too() {
        let own = Labels::from([("user".to_owned(), "7".to_owned())]);
        let given = Exemplar { labels: own, value: "NaN".to_owned(), timestamp: f64::NAN };
        let object = object(&Metric::exemplar(), body(&Labels::new(), &given));
        assert_eq!(object.body.get("traceID"), None);
        assert_eq!(object.preview, r#"NaN {"user":"7"}"#);
    }
}
