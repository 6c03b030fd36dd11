//! The selector of spans: TraceQL, or the ids of traces.

use crate::model::{Object, Selector, SelectorError, parse_string, trace_id};

use super::TraceQl;

/// Which spans.
#[derive(Clone, Debug)]
pub enum SpanSelector {
    /// All spans of some traces, by their ids: 32 digits each, sorted.
    Ids(Vec<String>),
    /// Those that a TraceQL query selects.
    TraceQl(TraceQl),
}

impl SpanSelector {
    /// Reads ids separated by commas, with or without quotes and brackets, or TraceQL.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        if text.trim_start().starts_with(['{', '(']) {
            return TraceQl::parse(text).map(Self::TraceQl);
        }
        ids(text).map(Self::Ids)
    }
}

fn ids(text: &str) -> Result<Vec<String>, SelectorError> {
    let (mut start, mut end) = (0, text.len());
    if let Some(inner) = text.trim().strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        start = text.find('[').unwrap_or_default() + 1;
        end = start + inner.len();
    }
    let mut ids = Vec::new();
    let mut at = start;
    for part in text[start..end].split(',') {
        let word = part.trim();
        let place = at + (part.len() - part.trim_start().len());
        at += part.len() + 1;
        let quoted = word.starts_with('"');
        let bare = if quoted { parse_string(text, place)?.0 } else { word.to_owned() };
        let id = trace_id(&bare).ok_or_else(|| {
            SelectorError::at(
                place,
                "expected a trace id of up to 32 hexadecimal digits, or TraceQL in braces, as \
                 {resource.service.name = \"web\" && status = error}",
            )
        })?;
        ids.push(id);
    }
    ids.sort();
    ids.dedup();
    Ok(ids)
}

impl Selector for SpanSelector {
    fn text(&self) -> String {
        match self {
            Self::Ids(ids) => ids.join(","),
            Self::TraceQl(query) => query.text(),
        }
    }

    fn matches(&self, object: &Object) -> Option<bool> {
        match self {
            Self::Ids(ids) => {
                let own = object.text("/traceID").and_then(trace_id);
                Some(own.is_some_and(|own| ids.contains(&own)))
            }
            Self::TraceQl(query) => query.matches(&object.body),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(SpanSelector::parse(text).unwrap().text(), expected);
    }

    #[test]
    fn ids_are_canonical() {
        let long = "038a20c75e6f32e1a3a156e9c5630cb2";
        check("38A20c75e6f32e1a3a156e9c5630cb2", long);
        check(&format!(" \"{long}\" "), long);
        check(&format!("[\"{long}\", \"{long}\"]"), long);
        check("b, a", &format!("{:0>32},{:0>32}", "a", "b"));
        check("{}", "{}");
    }

    #[test]
    fn what_is_neither_is_told_with_its_place() {
        for (text, at) in
            [("", 0), ("abc, xyz", 5), ("status = error", 0), ("[abc,]", 5), ("abc \"", 0)]
        {
            let fault = SpanSelector::parse(text).expect_err(text);
            assert_eq!(fault.offset, Some(at), "{text}");
        }
    }
}
