//! Which queries may select an object, without looking at each of them: by a name, a label or a
//! field that a query demands, and of these the one that the fewest queries share.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::Value;

use super::query::{Selector, field_text, scalar_text};
use crate::model::{Object, Path};

/// Where a demanded value is found in an object.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Probe {
    Name,
    Label(String),
    Field(Path),
    Match(Path),
}

/// The places of queries by what they demand.
#[derive(Debug, Default)]
pub(super) struct Index {
    by: Vec<(Probe, HashMap<String, Vec<usize>>)>,
    /// Those that demand nothing of the kind.
    rest: Vec<usize>,
}

impl Index {
    /// An index of selectors, in the order of their places. Where the server has `selected`
    /// already, what it has looked at is not looked at again.
    pub(super) fn new<'s>(
        selectors: impl Iterator<Item = Option<&'s Selector>>,
        selected: bool,
    ) -> Self {
        let demands = |selector| {
            let mut all = demands(selector);
            all.retain(|(probe, _)| !selected || matches!(probe, Probe::Match(_)));
            all
        };
        let all: Vec<Vec<(Probe, Vec<String>)>> =
            selectors.map(|selector| selector.map(demands).unwrap_or_default()).collect();
        let mut shared: HashMap<(&Probe, &String), usize> = HashMap::new();
        for (probe, values) in all.iter().flatten() {
            for value in values {
                *shared.entry((probe, value)).or_default() += 1;
            }
        }
        let mut by: HashMap<&Probe, HashMap<String, Vec<usize>>> = HashMap::new();
        let mut rest = Vec::new();
        for (place, demands) in all.iter().enumerate() {
            let crowd = |(probe, values): &&(Probe, Vec<String>)| -> usize {
                values.iter().map(|value| shared.get(&(probe, value)).copied().unwrap_or(0)).sum()
            };
            let Some((probe, values)) = demands.iter().min_by_key(crowd) else {
                rest.push(place);
                continue;
            };
            let table = by.entry(probe).or_default();
            for value in values {
                table.entry(value.clone()).or_default().push(place);
            }
        }
        let by = by.into_iter().map(|(probe, table)| (probe.clone(), table)).collect();
        Self { by, rest }
    }

    /// The places of the queries that may select an object, each once, in order.
    pub(super) fn candidates(&self, object: &Object) -> Vec<usize> {
        let mut found = self.rest.clone();
        for (probe, table) in &self.by {
            for value in probe.values(object) {
                found.extend(table.get(&*value).into_iter().flatten());
            }
        }
        if !self.by.is_empty() {
            found.sort_unstable();
            found.dedup();
        }
        found
    }
}

impl Probe {
    fn values<'o>(&self, object: &'o Object) -> Vec<Cow<'o, str>> {
        match self {
            Self::Name => {
                let own = object.id.split_once('/').map_or(&*object.id, |(_, own)| own);
                vec![Cow::Borrowed(own)]
            }
            Self::Label(key) => {
                let labels = object.body.pointer("/metadata/labels");
                let value = labels.and_then(|labels| labels.get(key)?.as_str());
                value.map(Cow::Borrowed).into_iter().collect()
            }
            Self::Field(path) => vec![field_text(&object.body, path)],
            Self::Match(path) => {
                path.find(&object.body).into_iter().filter_map(scalar_text).collect()
            }
        }
    }
}

/// What an object must have one of, for each thing that a selector demands.
fn demands(selector: &Selector) -> Vec<(Probe, Vec<String>)> {
    let plain = |name: &&String| name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/');
    let name = selector.name.iter().filter(plain);
    let mut all: Vec<_> = name.map(|name| (Probe::Name, vec![name.clone()])).collect();
    all.extend(
        selector
            .labels
            .wanted()
            .map(|(key, values)| (Probe::Label(key.to_owned()), values.iter().cloned().collect())),
    );
    all.extend(
        selector
            .fields
            .iter()
            .map(|(path, value)| (Probe::Field(path.clone()), vec![value.clone()])),
    );
    all.extend(selector.matching.iter().filter_map(|(path, values)| {
        let texts: Option<Vec<String>> = values.iter().map(text).collect();
        Some((Probe::Match(path.clone()), texts?))
    }));
    all
}

fn text(value: &Value) -> Option<String> {
    scalar_text(value).map(Cow::into_owned)
}
