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

    fn query_range(&self, request: &Request, lines: Vec<&Line>) -> Response {
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
        let mut lines: Vec<(&Line, BTreeMap<String, String>)> =
            lines.into_iter().filter_map(|line| Some((line, wanted(line)?))).collect();
        lines.sort_by_key(|(line, _)| std::cmp::Reverse(line.nanos));
        if request.param("direction") == "forward" {
            lines.reverse();
        }
        lines.truncate(self.always.unwrap_or(limit));
        let categorized =
            request.header("x-loki-response-encoding-flags").contains("categorize-labels");
        let mut streams: BTreeMap<BTreeMap<String, String>, Vec<Value>> = BTreeMap::new();
        for (line, parsed) in lines {
            let mut labels = line.labels.clone();
            let mut value = json!([line.nanos.to_string(), line.text]);
            if categorized {
                let mut more = json!({});
                for (name, fields) in [("structuredMetadata", &line.metadata), ("parsed", &parsed)]
                {
                    if !fields.is_empty() {
                        more[name] = json!(fields);
                    }
                }
                value.as_array_mut().unwrap().push(more);
            } else {
                labels.extend(line.metadata.clone());
                labels.extend(parsed);
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

/// A stage behind the stream selector.
enum Stage {
    /// `|= "text"`
    Contains(String),
    /// `|~ "regex"`
    Like(regex::Regex),
    /// `| json name="path", …`, or `| json` for all fields.
    Json(Vec<(String, Vec<String>)>),
    /// `| name="value" or …`: a label of the stream, structured metadata or what was read before.
    Filter(Vec<Vec<Matcher>>),
}

impl Stage {
    fn parse(text: &str) -> Option<Self> {
        if let Some(text) = text.strip_prefix('=') {
            return Some(Self::Contains(text.trim().trim_matches(['"', '`']).to_owned()));
        }
        if let Some(text) = text.strip_prefix('~') {
            return regex::Regex::new(text.trim().trim_matches('"')).ok().map(Self::Like);
        }
        if text.trim() == "json" {
            return Some(Self::Json(Vec::new()));
        }
        let matchers = |text: &str| Some(parse_matchers(&format!("{{{text}}}")).ok()?.0);
        match text.trim().strip_prefix("json ") {
            None => text.split(" or ").map(matchers).collect::<Option<_>>().map(Self::Filter),
            Some(fields) => {
                let read = matchers(fields)?.into_iter();
                let steps = |path: &str| {
                    let plain = path.replace("[\"", "\0").replace("\"]", "");
                    match plain.split_once('\0') {
                        Some((start, key)) => vec![start.to_owned(), key.to_owned()],
                        None => path.split('.').map(str::to_owned).collect(),
                    }
                };
                Some(Self::Json(read.map(|m| (m.name().to_owned(), steps(m.value()))).collect()))
            }
        }
    }

    /// Whether a line passes; fields that are read come to `known`.
    fn pass(&self, line: &Line, known: &mut BTreeMap<String, String>) -> bool {
        match self {
            Self::Contains(text) => line.text.contains(text.as_str()),
            Self::Like(regex) => regex.is_match(&line.text),
            Self::Filter(any) => {
                let value = |name: &str| known.get(name).map(String::as_str);
                any.iter().any(|all| Matcher::all(all, value))
            }
            Self::Json(fields) => {
                let json: Value = serde_json::from_str(&line.text).unwrap_or_default();
                if fields.is_empty() {
                    flatten("", &json, known);
                }
                for (name, steps) in fields {
                    let found = steps.iter().try_fold(&json, |at, step| at.get(step));
                    let found = found.and_then(Value::as_str).map(str::to_owned);
                    known.extend(found.map(|found| (name.clone(), found)));
                }
                true
            }
        }
    }
}

/// All strings in JSON by their keys, joined by `_`.
fn flatten(at: &str, json: &Value, known: &mut BTreeMap<String, String>) {
    match json {
        Value::Object(map) => {
            for (key, value) in map {
                let name = if at.is_empty() { key.clone() } else { format!("{at}_{key}") };
                flatten(&name, value, known);
            }
        }
        Value::String(text) => drop(known.insert(at.to_owned(), text.clone())),
        _ => {}
    }
}

/// The stages of a query apart, at every `|` outside of strings.
fn stages(text: &str) -> Option<Vec<Stage>> {
    let (mut parts, mut quoted, mut escaped) = (vec![String::new()], false, false);
    for c in text.chars() {
        quoted ^= c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        if c == '|' && !quoted {
            parts.push(String::new());
        } else {
            parts.last_mut()?.push(c);
        }
    }
    let first = parts.remove(0);
    first.trim().is_empty().then_some(())?;
    parts.iter().map(|part| Stage::parse(part)).collect()
}

/// Which fields of JSON a line that is wanted shows.
fn filter(query: &str) -> Option<impl Fn(&Line) -> Option<BTreeMap<String, String>> + use<>> {
    let (streams, end) = parse_matchers(query).ok()?;
    // As the real one, it wants a matcher that does not match the empty string.
    streams.iter().any(|matcher| !matcher.is_match("")).then_some(())?;
    let stages = stages(&query[end..])?;
    Some(move |line: &Line| {
        let own = Matcher::all(&streams, |name| line.labels.get(name).map(String::as_str));
        let mut known = line.labels.clone();
        known.extend(line.metadata.clone());
        let passes = own && stages.iter().all(|stage| stage.pass(line, &mut known));
        known
            .retain(|name, _| !line.labels.contains_key(name) && !line.metadata.contains_key(name));
        passes.then_some(known)
    })
}
