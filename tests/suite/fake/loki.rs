//! A Loki in memory: its limits, its order, its plain-text errors.

use std::collections::BTreeMap;

use korrel8::model::{Matcher, parse_matchers};
use serde_json::{Value, json};

use super::http::{Request, Response};

/// A line with its stream.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) nanos: i64,
    pub(crate) text: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) metadata: BTreeMap<String, String>,
}

/// What it holds and how it is configured.
#[derive(Clone, Debug)]
pub(crate) struct Loki {
    pub(crate) lines: Vec<Line>,
    /// `max_entries_limit_per_query`.
    pub(crate) most: usize,
    /// The tenant that has to be named, if there are several.
    pub(crate) tenant: Option<String>,
    /// How many lines it gives, if it does not care for the `limit` of a request.
    pub(crate) always: Option<usize>,
}

/// Labels or metadata from pairs.
pub(crate) fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

impl Loki {
    pub(crate) fn new() -> Self {
        Self { lines: Vec::new(), most: 5000, tenant: None, always: None }
    }

    /// Adds a line with some labels.
    pub(crate) fn add(&mut self, nanos: i64, text: &str, labels: &[(&str, &str)]) {
        self.add_with(nanos, text, labels, &[]);
    }

    /// Adds a line with some labels and structured metadata.
    pub(crate) fn add_with(
        &mut self,
        nanos: i64,
        text: &str,
        labels: &[(&str, &str)],
        metadata: &[(&str, &str)],
    ) {
        let (labels, metadata) = (map(labels), map(metadata));
        self.lines.push(Line { nanos, text: text.to_owned(), labels, metadata });
    }

    pub(crate) fn answer(&self, request: &Request) -> Response {
        if self.tenant.as_ref().is_some_and(|_| request.header("x-scope-orgid").is_empty()) {
            return Response::text(401, "no org id\n");
        }
        if self.tenant.as_ref().is_some_and(|own| request.header("x-scope-orgid") != own) {
            return Self { lines: Vec::new(), tenant: None, ..self.clone() }.answer(request);
        }
        let nanos = |name: &str| request.param(name).parse::<i64>().unwrap_or_default();
        let (start, end) = (nanos("start"), nanos("end"));
        if end <= start {
            return Response::text(400, "end timestamp must not be before or equal to start time");
        }
        let within: Vec<&Line> =
            self.lines.iter().filter(|line| start <= line.nanos && line.nanos < end).collect();
        match request.path.as_str() {
            "/loki/api/v1/labels" => labels(&within),
            "/loki/api/v1/query_range" => self.query_range(request, within),
            _ => Response::text(404, "404 page not found\n"),
        }
    }

    fn query_range(&self, request: &Request, mut lines: Vec<&Line>) -> Response {
        let query = request.param("query");
        let limit = request.param("limit").parse().unwrap_or(100);
        if limit == 0 {
            return Response::text(400, "limit must be a positive value");
        }
        if limit > self.most {
            let most = self.most;
            return Response::text(
                400,
                &format!(
                    "max entries limit per query exceeded, limit > max_entries_limit_per_query \
                     ({limit} > {most})"
                ),
            );
        }
        let Some(wanted) = filter(query) else {
            return Response::text(
                400,
                "parse error at line 1, col 8: syntax error: unexpected IDENTIFIER",
            );
        };
        lines.retain(|line| wanted(line));
        lines.sort_by_key(|line| std::cmp::Reverse(line.nanos));
        if request.param("direction") == "forward" {
            lines.reverse();
        }
        lines.truncate(self.always.unwrap_or(limit));
        let categorized =
            request.header("x-loki-response-encoding-flags").contains("categorize-labels");
        let mut streams: BTreeMap<BTreeMap<String, String>, Vec<Value>> = BTreeMap::new();
        for line in lines {
            let mut labels = line.labels.clone();
            let mut value = json!([line.nanos.to_string(), line.text]);
            if categorized {
                let more = if line.metadata.is_empty() {
                    json!({})
                } else {
                    json!({"structuredMetadata": line.metadata})
                };
                value.as_array_mut().unwrap().push(more);
            } else {
                labels.extend(line.metadata.clone());
            }
            streams.entry(labels).or_default().push(value);
        }
        let result: Vec<Value> = streams
            .into_iter()
            .map(|(stream, values)| json!({"stream": stream, "values": values}))
            .collect();
        let data = json!({"resultType": "streams", "result": result, "stats": {}});
        Response::json(200, &json!({"status": "success", "data": data}))
    }
}

fn labels(lines: &[&Line]) -> Response {
    let names: std::collections::BTreeSet<&String> =
        lines.iter().flat_map(|line| line.labels.keys()).collect();
    let body = if names.is_empty() {
        json!({"status": "success"})
    } else {
        json!({"status": "success", "data": names})
    };
    Response::json(200, &body)
}

/// The stream selector, and behind it `|= "text"` or filters on metadata as `| pod="x"`.
fn filter(query: &str) -> Option<impl Fn(&Line) -> bool + use<>> {
    let (streams, end) = parse_matchers(query).ok()?;
    let rest = query[end..].trim().to_owned();
    let (mut contains, mut metadata) = (None, Vec::new());
    if let Some(text) = rest.strip_prefix("|=") {
        contains = Some(text.trim().trim_matches(['"', '`']).to_owned());
    } else if let Some(filter) = rest.strip_prefix('|') {
        metadata = parse_matchers(&format!("{{{filter}}}")).ok()?.0;
    } else if !rest.is_empty() {
        return None;
    }
    Some(move |line: &Line| {
        Matcher::all(&streams, |name| line.labels.get(name).map(String::as_str))
            && Matcher::all(&metadata, |name| line.metadata.get(name).map(String::as_str))
            && contains.as_ref().is_none_or(|text| line.text.contains(text.as_str()))
    })
}
