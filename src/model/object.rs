//! An object: one signal.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{Body, Class, Severity, Text};

/// One signal: a Pod, an alert, a series, a log line.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// What it is.
    pub class: Class,
    /// Unique in its class: `namespace/name` of a Kubernetes object (`name` where the kind is
    /// cluster-scoped), the fingerprint of an alert's or a series' labels, stream and time of a
    /// log line.
    pub id: Arc<str>,
    /// What the store said, as JSON; templates of rules read it.
    pub body: Body,
    /// When it began or happened: start of an alert, last time of an Event, time of a log line,
    /// creation of a Kubernetes object.
    pub time: Option<DateTime<Utc>>,
    /// When it ceased to be, if it did.
    pub end: Option<DateTime<Utc>>,
    /// How bad it is, by `rules/status.yaml`.
    pub severity: Severity,
    /// The words that go with the severity, as `CrashLoopBackOff`; empty if there are none.
    pub status: Text,
    /// One line that tells a person what this is.
    pub preview: Text,
    /// What a signal is about, as `shop/db-0` or `node-4`, by `rules/subject.yaml`; empty if its
    /// labels do not tell, and for what is a thing itself.
    pub about: String,
    /// Objects of one class and one group look the same to every rule, so rules are applied once
    /// per group: the label set of a log line's stream, or the id.
    pub group: Arc<str>,
    /// Severity and status are set already.
    pub judged: bool,
}

/// Sets severity and status of an object, and what a signal is about.
pub type Judge = Arc<dyn Fn(&mut Object) + Send + Sync>;

impl Object {
    /// An object without times, severity and preview.
    pub fn new(class: Class, id: impl Into<Arc<str>>, body: impl Into<Body>) -> Self {
        let id = id.into();
        Self {
            class,
            group: Arc::clone(&id),
            preview: Text::from(&*id),
            id,
            body: body.into(),
            time: None,
            end: None,
            severity: Severity::None,
            status: Text::default(),
            about: String::new(),
            judged: false,
        }
    }

    /// The string at a JSON pointer such as `/metadata/name`.
    pub fn text(&self, pointer: &str) -> Option<&str> {
        self.body.text(pointer)
    }
}
