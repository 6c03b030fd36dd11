//! The lines that the API server gives for one container: a log as it was read, the part of it in
//! a window, and fair shares of a limit for many of them.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::LogStream;
use super::container::Container;
use crate::model::{
    Class, Fields, Object, Scope, StoreError, Text, Vocabulary, Window, clean, fit,
};

/// Time and text.
pub(super) type Line = (DateTime<Utc>, Text);

/// How much of a log is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    /// Only so many lines, counted from the end.
    pub(super) tail: Option<usize>,
    /// At most so many bytes.
    pub(super) bytes: usize,
}

/// What the server gave for one run of a container; lines are pieces of one text.
#[derive(Clone, Debug)]
pub(super) struct Log {
    /// Oldest first.
    lines: Vec<Line>,
    /// What the kubelet said in place of a log.
    remark: Option<String>,
    asked: Extent,
    /// There are more lines, for which the bytes did not suffice.
    full: bool,
    bytes: usize,
}

/// What a container wrote in a window.
#[derive(Clone, Debug, Default)]
pub(super) struct Lines {
    /// Oldest first.
    pub(super) inside: Vec<Line>,
    /// There may be more than the server sent.
    pub(super) cut: bool,
    /// What the kubelet said in place of a log.
    pub(super) remark: Option<String>,
    /// More bytes than are read of one log.
    pub(super) full: bool,
    /// Nothing, or not everything, was asked for, since enough has been read.
    pub(super) unread: bool,
    /// Why a part of the lines is missing.
    pub(super) missing: Option<StoreError>,
}

impl Extent {
    /// Whether a log of this extent has that of another in it, if it is not full.
    pub(super) fn covers(self, other: Self) -> bool {
        self.tail == other.tail || self.tail.zip(other.tail).is_some_and(|(own, tail)| tail < own)
    }
}

impl Log {
    /// Splits a log with timestamps into lines. A line without a time is a remark of the kubelet.
    /// `full` says that the server has stopped at the last byte of the extent: perhaps in the middle
    /// of a line, which is left out unless it is the only one.
    pub(super) fn of(mut body: Vec<u8>, asked: Extent, full: bool) -> Self {
        let end = body.iter().rposition(|byte| *byte == b'\n').filter(|_| full);
        body.truncate(end.map_or(body.len(), |end| end + 1));
        let text = String::from_utf8(body)
            .unwrap_or_else(|fault| String::from_utf8_lossy(fault.as_bytes()).into_owned());
        let text = Arc::new(text);
        let (mut lines, mut remark, mut end) = (Vec::new(), None, 0);
        for line in text.split_inclusive('\n') {
            let start = end;
            end += line.len();
            let line = line.strip_suffix('\n').unwrap_or(line);
            let (stamp, rest) = line.split_once(' ').unwrap_or((line, ""));
            let Ok(time) = DateTime::parse_from_rfc3339(stamp) else {
                if !line.is_empty() {
                    remark.get_or_insert_with(|| fit(&clean(line), 200));
                }
                continue;
            };
            let from = start + line.len() - rest.len();
            let rest = rest.strip_suffix('\r').unwrap_or(rest);
            lines.push((time.to_utc(), Text::of(&text, from..from + rest.len())));
        }
        let bytes = text.len() + lines.len() * size_of::<Line>();
        Self { lines, remark, asked, full, bytes }
    }

    /// No log, and what was said in place of it.
    pub(super) fn none(remark: Option<String>) -> Self {
        let asked = Extent { tail: None, bytes: 0 };
        Self { lines: Vec::new(), remark, asked, full: false, bytes: 0 }
    }

    /// How many of the last lines to ask for if there were too many bytes: servers leave out the
    /// newest then. A little less than what there was room for.
    pub(super) fn shorter(&self) -> Option<usize> {
        let tail = self.asked.tail.filter(|tail| self.full && *tail > 1)?;
        Some((self.lines.len() * 3 / 4).clamp(1, tail - 1))
    }

    /// The same, read for another extent, of which it is as much as there was room for.
    pub(super) fn asked_as(self, asked: Extent, full: bool) -> Self {
        Self { asked, full, ..self }
    }

    /// Whether it has what is wanted: asked for alone, that would be the same.
    pub(super) fn serves(&self, wanted: Extent) -> bool {
        let whole = !self.full && self.asked.tail.is_none_or(|tail| self.lines.len() < tail);
        let alike = self.asked.tail.is_some() == wanted.tail.is_some();
        let reaches = if self.full {
            alike && wanted.bytes <= self.asked.bytes
        } else {
            self.asked.covers(wanted)
        };
        whole || reaches
    }

    /// Bytes of memory, about.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Of the last lines those in a window.
    pub(super) fn lines(&self, tail: Option<usize>, window: Window) -> Lines {
        let most = tail.unwrap_or(usize::MAX);
        let last = &self.lines[self.lines.len().saturating_sub(most)..];
        let inside = last.iter().filter(|(time, _)| window.contains(*time)).cloned();
        let full = self.full && last.len() < most;
        Lines {
            inside: inside.collect(),
            cut: full || last.len() >= most,
            full,
            remark: self.remark.clone(),
            ..Lines::default()
        }
    }
}

impl Lines {
    /// Adds lines of another reading: those before the first and after the last line.
    pub(super) fn add(&mut self, mut piece: Vec<Line>) {
        let ends = self.inside.first().zip(self.inside.last()).map(|(a, b)| (a.0, b.0));
        piece.retain(|(time, _)| ends.is_none_or(|(first, last)| *time < first || last < *time));
        self.inside.append(&mut piece);
        self.inside.sort_by_key(|(time, _)| *time);
    }
}

/// As many log objects as the limit allows, of which every container has its share; what quiet
/// ones do not need goes to the others. Of one container the newest lines stay, and half as many
/// around the focus if there is one.
pub(super) fn fair(
    mut streams: Vec<(Container, Lines)>,
    class: &Class,
    scope: Scope,
    words: &Vocabulary,
) -> Vec<Object> {
    streams.sort_by_key(|(_, lines)| lines.inside.len());
    let mut left = scope.limit;
    let mut objects = Vec::new();
    let count = streams.len();
    for (place, (container, lines)) in streams.into_iter().enumerate() {
        if lines.inside.is_empty() {
            continue;
        }
        let share = left.div_ceil(count - place).min(left);
        let kept = packed(&choose(lines.inside, share, scope.focus));
        left -= kept.len();
        let mut stream = LogStream::new(class, container.labels(), container.previous, words);
        let kept = kept.into_iter();
        objects.extend(kept.map(|(time, line)| stream.object(time, line, Fields::default())));
    }
    objects
}

fn choose(mut lines: Vec<Line>, share: usize, focus: Option<DateTime<Utc>>) -> Vec<Line> {
    if lines.len() <= share {
        return lines;
    }
    let Some(focus) = focus else { return lines.split_off(lines.len() - share) };
    let newest = share - share / 2;
    let mut kept = lines.split_off(lines.len() - newest);
    lines.sort_by_key(|(time, _)| (*time - focus).abs().max(TimeDelta::zero()));
    lines.truncate(share / 2);
    kept.append(&mut lines);
    kept
}

/// The same lines as pieces of a text of their own, so that they do not keep the whole log.
fn packed(lines: &[Line]) -> Vec<Line> {
    let mut block = String::with_capacity(lines.iter().map(|(_, text)| text.len()).sum());
    block.extend(lines.iter().map(|(_, text)| text.as_str()));
    let (block, mut end) = (Arc::new(block), 0);
    let again = |(time, text): &Line| {
        let start = end;
        end += text.len();
        (*time, Text::of(&block, start..end))
    };
    lines.iter().map(again).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::PodLogs;
    use super::super::container::of_pod;
    use super::*;

    fn window() -> Window {
        let at = |text: &str| DateTime::parse_from_rfc3339(text).expect(text).to_utc();
        Window { start: at("2026-11-23T01:00:00Z"), end: at("2026-11-23T02:00:00Z") }
    }

    const ALL: Extent = Extent { tail: None, bytes: 1000 };

    #[test]
    fn lines_have_times() {
        let body = "2026-11-23T00:59:59.9Z early\n2026-11-23T01:00:00.000000001Z a \u{1b}[31mb\n\
            2026-11-23T01:00:01+00:00 \n2026-11-23T02:30:00+01:00 ok\r\n2026-11-23T02:00:01Z late\n\
            unable to retrieve container logs for containerd://1\n";
        let log = Log::of(body.into(), ALL, false);
        let lines = log.lines(None, window());
        let texts: Vec<&str> = lines.inside.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts, ["a \u{1b}[31mb", "", "ok"]);
        assert_eq!(log.lines(Some(2), window()).inside.len(), 1, "of the last ones");
        assert!(lines.remark.expect("a remark").starts_with("unable to retrieve"));
        assert_eq!(Log::of(b"\xff\xfe".into(), ALL, false).lines(None, window()).inside, []);
    }

    #[test]
    fn a_noisy_container_does_not_starve_the_others() {
        let pod = json!({"metadata": {"name": "p", "namespace": "shop"},
            "spec": {"containers": [{"name": "a"}, {"name": "b"}, {"name": "c"}]}});
        let pod = Arc::new(Object::new(Class::new("k8s", "Pod.v1"), "shop/p", pod));
        let containers = of_pod(&pod, &PodLogs::default(), window());
        let many = |count: i64| Lines {
            inside: (0..count)
                .map(|second| {
                    (window().start + TimeDelta::seconds(second), second.to_string().into())
                })
                .collect(),
            ..Lines::default()
        };
        let streams = containers.into_iter().zip([many(1000), many(2), many(30)]).collect();
        let scope = Scope { window: window(), focus: None, limit: 50 };
        let class = Class::new("log", "application");
        let objects = fair(streams, &class, scope, &Vocabulary::builtin());
        let count = |name: &str| {
            objects.iter().filter(|object| object.text("/container") == Some(name)).count()
        };
        assert_eq!((count("a"), count("b"), count("c")), (24, 2, 24));
        let newest =
            objects.iter().filter_map(|object| object.text("/body")).max_by_key(|t| t.len());
        assert!(newest.is_some_and(|text| text.starts_with('9')), "the newest lines stay");
    }

    #[test]
    fn lines_around_the_focus_stay_too() {
        let start = window().start;
        let lines =
            (0..100).map(|s| (start + TimeDelta::seconds(s), s.to_string().into())).collect();
        let kept = choose(lines, 4, Some(start + TimeDelta::seconds(10)));
        let mut texts: Vec<Text> = kept.into_iter().map(|(_, text)| text).collect();
        texts.sort();
        assert_eq!(texts.len(), 4);
        assert!(texts.contains(&"10".into()) && texts.contains(&"99".into()), "{texts:?}");
    }

    #[test]
    fn a_log_serves_who_would_have_got_the_same() {
        let text = "2026-11-23T01:00:00Z x\n";
        let log = |count: usize, tail, full| {
            Log::of(text.repeat(count).into(), Extent { tail, bytes: 300 }, full)
        };
        for (log, tail, bytes, expected) in [
            (log(10, Some(10), false), Some(10), 400, true),
            (log(10, Some(10), false), Some(4), 400, true),
            (log(10, Some(10), false), Some(20), 400, false),
            (log(10, Some(10), false), None, 400, false),
            (log(9, Some(10), false), Some(20), 400, true),
            (log(9, Some(10), false), None, 400, true),
            (log(9, Some(10), true), Some(20), 300, true),
            (log(9, Some(10), true), Some(10), 400, false),
            (log(9, None, true), None, 300, true),
            (log(9, None, true), None, 400, false),
            (log(9, None, true), Some(4), 300, false),
        ] {
            let wanted = Extent { tail, bytes };
            assert_eq!(log.serves(wanted), expected, "{:?} {} {wanted:?}", log.asked, log.full);
        }
    }

    #[test]
    fn a_line_that_is_cut_off_is_not_taken_for_a_whole_one() {
        let body = "2026-11-23T01:00:00Z one\n2026-11-23T01:00:01Z tw";
        for (body, full, expected) in [
            (body, true, vec!["one"]),
            (body, false, vec!["one", "tw"]),
            (&body[..22], true, vec!["o"]),
        ] {
            let lines = Log::of(body.into(), ALL, full).lines(None, window()).inside;
            let texts: Vec<&str> = lines.iter().map(|(_, text)| text.as_str()).collect();
            assert_eq!(texts, expected);
        }
    }
}
