//! The file format: zstd-compressed JSON lines, or the same lines plain.
//!
//! The first line is the manifest, `{"korrel8": "recording", "version": 1, "recorded": RFC3339}`;
//! then `{"class": …, "object": …}` and `{"query": …, "ids": […]}` in any order. Secrets lose
//! their data on the way in, so no recording in memory or on disk ever has it.

use std::collections::{BTreeMap, HashMap};
use std::io::BufRead;
use std::sync::Arc;

use chrono::{DateTime, SubsecRound, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use thiserror::Error;

use super::lines::{Interner, Line, Lines, MOST_BYTES, parse};
use super::shift::Shift;
use crate::model::{Body, Class, Domains, ParseError, StoreError, redact_secret};

const VERSION: u64 = 1;

/// The first line of a recording.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Always `recording`.
    korrel8: String,
    version: u64,
    /// The moment that was "now" when it was recorded.
    pub recorded: DateTime<Utc>,
    /// The context (cluster) it was recorded from.
    #[serde(default)]
    pub context: String,
    /// What it shows, for people.
    #[serde(default)]
    pub about: String,
    /// Whatever else the recorder noted: versions, window, searches.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

impl Manifest {
    /// A manifest of the current version.
    pub fn new(recorded: DateTime<Utc>, context: &str, about: &str) -> Self {
        Self {
            korrel8: "recording".to_owned(),
            version: VERSION,
            recorded,
            context: context.to_owned(),
            about: about.to_owned(),
            more: Map::new(),
        }
    }
}

/// What was recorded: bodies of objects by class, and answers by query.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    /// The first line.
    pub manifest: Manifest,
    /// Shared with the stores.
    pub(super) bodies: BTreeMap<Class, Arc<Vec<Body>>>,
    /// Canonical text of a query -> its class and the places of its objects in `bodies`.
    pub(super) answers: BTreeMap<Arc<str>, (Class, Vec<usize>)>,
    /// Canonical text of a query -> what else became of it.
    pub(super) outcomes: BTreeMap<Arc<str>, (Class, Outcome)>,
}

/// Why bytes are not a recording. Every message says what to do next.
#[derive(Debug, Error)]
pub enum ReplayError {
    /// Neither zstd nor a manifest.
    #[error("not a korrel8 recording: {0}; give a file written by `korrel8 record`")]
    Foreign(String),
    /// Written by another version of the format.
    #[error(
        "the recording has format version {0}, this korrel8 reads version {VERSION}; \
         use the korrel8 that wrote it, or record again"
    )]
    Version(u64),
    /// The compressed data ends early or is damaged.
    #[error("the recording is damaged: {0}; copy or record it again")]
    Damaged(std::io::Error),
    /// It unpacks to too much.
    #[error("the recording unpacks to more than {} MiB; record a smaller window", MOST_BYTES >> 20)]
    TooLarge,
    /// A line is not what it should be.
    #[error("line {line} of the recording: {what}; the file may be cut off, record it again")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        what: String,
    },
    /// A line names a class or query that this program does not know.
    #[error("line {line} of the recording: {fault}")]
    Unknown {
        /// Counted from 1.
        line: usize,
        /// What is not known.
        fault: Box<ParseError>,
    },
}

/// What became of a query that was not simply answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Why there is no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<StoreError>,
    /// Why a part of the answer is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<StoreError>,
    /// How many objects were left and how many there were, where a limit cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut: Option<(usize, Option<usize>)>,
}

impl Recording {
    /// An empty recording.
    pub fn new(manifest: Manifest) -> Self {
        Self {
            manifest,
            bodies: BTreeMap::new(),
            answers: BTreeMap::new(),
            outcomes: BTreeMap::new(),
        }
    }

    /// Reads a file's bytes, compressed or plain.
    pub fn read(bytes: &[u8], domains: &Domains) -> Result<Self, ReplayError> {
        Self::load(bytes, domains)
    }

    /// Reads a file line by line, compressed or plain.
    pub fn load(file: impl BufRead, domains: &Domains) -> Result<Self, ReplayError> {
        let mut lines = Lines::new(file)?;
        let (_, first) =
            lines.next()?.ok_or_else(|| ReplayError::Foreign("it is empty".to_owned()))?;
        let mut recording = Self::new(manifest(first)?);
        let mut classes: HashMap<String, Class> = HashMap::new();
        let mut answers = Vec::new();
        let mut shared = Interner::default();
        while let Some((line, text)) = lines.next()? {
            let unknown = |fault| ReplayError::Unknown { line, fault: Box::new(fault) };
            match parse(text).map_err(|what| ReplayError::Line { line, what })? {
                Line::Object { class: name, object } => {
                    let class = match classes.get(&*name) {
                        Some(class) => class.clone(),
                        None => domains.class(&name).map_err(unknown)?,
                    };
                    if !classes.contains_key(&*name) {
                        classes.insert(name.into_owned(), class.clone());
                    }
                    let body = if class.domain() == "log" {
                        shared.line(object)
                    } else {
                        Body::from(object)
                    };
                    recording.push(&class, body);
                    recording.pack_last(&class);
                }
                Line::Outcome { query, outcome } => {
                    recording.outcome(&domains.query(&query).map_err(unknown)?, outcome);
                }
                Line::Answer { query, ids } => {
                    answers.push((line, domains.query(&query).map_err(unknown)?, ids));
                }
            }
        }
        let places = recording.places(answers.iter().map(|(_, query, _)| query.class()), domains);
        for (line, query, ids) in answers {
            let known = &places[query.class()];
            let find = |id: &String| {
                known.get(id.as_str()).copied().ok_or_else(|| ReplayError::Line {
                    line,
                    what: format!("there is no {} with the id {id:?}", query.class()),
                })
            };
            let found = ids.iter().map(find).collect::<Result<_, _>>()?;
            recording.answers.insert(query.text().into(), (query.class().clone(), found));
        }
        Ok(recording)
    }

    /// The bytes of a file, compressed.
    pub fn write(&self, domains: &Domains) -> Vec<u8> {
        let mut lines = vec![json!(self.manifest)];
        for (class, bodies) in &self.bodies {
            lines.extend(bodies.iter().map(|body| json!({"class": class, "object": body})));
        }
        for (query, (class, places)) in &self.answers {
            let ids: Vec<String> =
                places.iter().filter_map(|at| self.id(class, *at, domains)).collect();
            lines.push(json!({"query": query, "ids": ids}));
        }
        for (query, (_, outcome)) in &self.outcomes {
            lines.push(json!({"query": query, "outcome": outcome}));
        }
        let mut plain = lines.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
        plain.push('\n');
        // Compressing into memory has no way to fail; plain lines would be a recording too.
        zstd::encode_all(plain.as_bytes(), 0).unwrap_or_else(|_| plain.into_bytes())
    }

    /// Adds an object; of a Secret what it keeps secret is left out.
    pub fn push(&mut self, class: &Class, body: impl Into<Body>) {
        let mut body = body.into();
        if class.domain() == "k8s" && class.kind() == "Secret" {
            redact_secret(&mut body);
        }
        Arc::make_mut(self.bodies.entry(class.clone()).or_default()).push(body);
    }

    /// Makes the object that was added last small.
    fn pack_last(&mut self, class: &Class) {
        let bodies = self.bodies.get_mut(class).map(Arc::make_mut);
        if let Some(body) = bodies.and_then(|bodies| bodies.last_mut()) {
            *body = std::mem::take(body).packed();
        }
    }

    /// Adds the answer to a query that `matches` cannot decide: the ids of its objects, which
    /// were pushed before; an id that is not there is left out.
    pub fn answer(&mut self, query: &crate::model::Query, ids: &[String], domains: &Domains) {
        let places = self.places(std::iter::once(query.class()), domains);
        let known = &places[query.class()];
        let found = ids.iter().filter_map(|id| known.get(id.as_str()).copied()).collect();
        self.answers.insert(query.text().into(), (query.class().clone(), found));
    }

    /// Adds what else became of a query: that it failed, or that its answer was cut.
    pub fn outcome(&mut self, query: &crate::model::Query, outcome: Outcome) {
        self.outcomes.insert(query.text().into(), (query.class().clone(), outcome));
    }

    /// Moves every time by `to` - recorded, in whole seconds, so that the recording looks as if
    /// it had been made at `to`.
    pub fn shift(&mut self, to: DateTime<Utc>) {
        let recorded = self.manifest.recorded;
        let by = to.trunc_subsecs(0) - recorded.trunc_subsecs(0);
        let shift = Shift::new(recorded, by);
        for (class, bodies) in &mut self.bodies {
            for body in Arc::make_mut(bodies) {
                shift.value(body);
                if class.domain() == "metric" {
                    shift.samples(body);
                }
            }
        }
        self.manifest.recorded = recorded + by;
    }

    /// The classes with objects, and how many, sorted.
    pub fn counts(&self) -> impl Iterator<Item = (&Class, usize)> {
        self.bodies.iter().map(|(class, bodies)| (class, bodies.len()))
    }

    /// The bodies of a class, in the order in which they were recorded.
    pub fn bodies(&self, class: &Class) -> &[Body] {
        self.bodies.get(class).map_or(&[], |bodies| bodies.as_slice())
    }

    fn id(&self, class: &Class, at: usize, domains: &Domains) -> Option<String> {
        let body = self.bodies(class).get(at)?.clone();
        domains.object_of(class, body).ok().map(|object| object.id.to_string())
    }

    /// For each of the classes: id -> place.
    fn places<'c>(
        &self,
        classes: impl Iterator<Item = &'c Class>,
        domains: &Domains,
    ) -> HashMap<Class, HashMap<String, usize>> {
        let mut places = HashMap::new();
        for class in classes {
            places.entry(class.clone()).or_insert_with(|| {
                (0..self.bodies(class).len())
                    .filter_map(|at| Some((self.id(class, at, domains)?, at)))
                    .collect()
            });
        }
        places
    }
}

fn manifest(line: &str) -> Result<Manifest, ReplayError> {
    let first: Value = serde_json::from_str(line)
        .map_err(|_| ReplayError::Foreign("its first line is not JSON".to_owned()))?;
    if first["korrel8"] != "recording" {
        return Err(ReplayError::Foreign("its first line is no manifest".to_owned()));
    }
    match first["version"].as_u64() {
        Some(VERSION) => {}
        other => return Err(ReplayError::Version(other.unwrap_or_default())),
    }
    serde_json::from_value(first)
        .map_err(|fault| ReplayError::Line { line: 1, what: format!("bad manifest: {fault}") })
}
