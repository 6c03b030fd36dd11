//! Trees and objects as text, JSON, YAML, names, dot and mermaid.

use std::cmp::Ordering;
use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use color_eyre::eyre;
use serde::Serialize;

use super::args::Format;
use crate::engine::Snapshot;
use crate::graph::{ClassGraph, End, Node, Run, RunState, Shared, Traces, Tree, rfc3339};
use crate::model::{
    Class, ErrorKind, Object, Query, Severity, Source, Window, clean, fit, is_active,
};

/// How many objects of a node the text shows.
const SHOWN: usize = 8;

/// How many failures and notes of a node the text shows.
const MOST_WORDS: usize = 3;

/// The document of `-o json` and `-o yaml`.
#[derive(Serialize)]
pub(super) struct Report {
    start: ReportStart,
    goals: Vec<Class>,
    window: ReportWindow,
    complete: bool,
    seconds: f64,
    #[serde(flatten)]
    graph: ClassGraph,
    sources: Vec<Source>,
}

#[derive(Serialize)]
struct ReportStart {
    query: String,
    class: Class,
}

#[derive(Serialize)]
struct ReportWindow {
    start: String,
    end: String,
}

impl Report {
    /// The report of a search that began with a query.
    pub(super) fn new(snapshot: &Snapshot, query: &Query, bodies: bool) -> Self {
        let window = snapshot.window;
        Self {
            start: ReportStart { query: query.text().to_owned(), class: query.class().clone() },
            goals: snapshot.goals.to_vec(),
            window: ReportWindow { start: rfc3339(window.start), end: rfc3339(window.end) },
            complete: snapshot.finished && !snapshot.partial(),
            seconds: (snapshot.elapsed.as_secs_f64() * 1000.0).round() / 1000.0,
            graph: ClassGraph::new(&snapshot.tree, &snapshot.goals, bodies),
            sources: snapshot.sources.clone(),
        }
    }

    /// As a document in a format that a graph has.
    pub(super) fn print(&self, format: Format) -> eyre::Result<String> {
        Ok(match format {
            Format::Yaml => yaml(self)?,
            Format::Dot => self.graph.dot(),
            Format::Mermaid => self.graph.mermaid(),
            Format::Name => self.names(),
            _ => json(self)?,
        })
    }

    fn names(&self) -> String {
        let mut out = String::new();
        for node in &self.graph.nodes {
            for object in &node.objects {
                let _ = writeln!(out, "{} {}", node.class, clean(&object.id));
            }
        }
        out
    }
}

/// A value as JSON. What a terminal might take for more than text is written as `\u….`.
pub(super) fn json(value: &impl Serialize) -> eyre::Result<String> {
    Ok(inert(serde_json::to_string_pretty(value)?))
}

/// JSON without characters that control a terminal or the order of what it shows: they stand only
/// within strings, where they can be escaped.
pub(super) fn inert(json: String) -> String {
    let plain = |c: char| c == '\n' || !is_active(c);
    if json.chars().all(plain) {
        return json;
    }
    let mut out = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if plain(c) {
            out.push(c);
        } else {
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        }
    }
    out
}

/// A value as YAML.
pub(super) fn yaml(value: &impl Serialize) -> eyre::Result<String> {
    let value = serde_json::to_value(value)?;
    Ok(serde_saphyr::to_string(&value)?)
}

/// The tree of a search for people. `width` is the terminal's, if there is one.
pub(super) fn text(snapshot: &Snapshot, width: Option<usize>) -> String {
    let tree = &snapshot.tree;
    let mut out = String::new();
    let Window { start, end } = snapshot.window;
    let _ = writeln!(
        out,
        "window {} .. {} UTC",
        start.format("%Y-%m-%d %H:%M:%S"),
        end.format("%Y-%m-%d %H:%M:%S")
    );
    if let Some(root) = tree.root() {
        let _ = writeln!(out, "{} {}", root.class, root.badge());
        lines(&mut out, root, snapshot.focus, "", !root.children.is_empty());
        branches(&mut out, snapshot, 0, "");
    }
    summary(&mut out, snapshot);
    let Some(width) = width.filter(|width| *width >= 40) else { return out };
    out.lines().map(|line| fit(line, width) + "\n").collect()
}

fn branches(out: &mut String, snapshot: &Snapshot, at: usize, indent: &str) {
    let tree = &snapshot.tree;
    let children: Vec<usize> =
        tree.ranked(at).into_iter().filter(|&child| worth_showing(tree, child)).collect();
    for (index, &child) in children.iter().enumerate() {
        let node = &tree.nodes[child];
        let last = index + 1 == children.len();
        let (corner, bar) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        let rule = node.rule.as_deref().unwrap_or_default();
        let worst = node.severity();
        let tag = if worst > Severity::None { format!("  {}", worst.tag()) } else { String::new() };
        let seen = !node.members.is_empty() && node.members.iter().all(|member| member.seen);
        let end = match node.end {
            Some(End::Visited) => "  (ends here)",
            _ if seen => "  (the same as elsewhere)",
            _ => "",
        };
        let badge = node.badge();
        let traces = traces(node);
        let class = &node.class;
        let _ = writeln!(out, "{indent}{corner}{class}  {badge}{tag}{traces}  by {rule}{end}");
        let indent = format!("{indent}{bar}");
        let below = tree.nodes[child].children.iter().any(|&below| worth_showing(tree, below));
        if !seen {
            lines(out, node, snapshot.focus, &indent, below);
        }
        branches(out, snapshot, child, &indent);
    }
}

/// Which traces the spans of a node belong to, and where the worst of them begins.
fn traces(node: &Node) -> String {
    let spans = node.members.iter().map(|member| &*member.object);
    let found = (node.class.domain() == "trace").then(|| Traces::of(spans)).flatten();
    found.map_or_else(String::new, |found| match found.count {
        1 => clean(&format!("  1 trace: {}", found.name())),
        count => clean(&format!("  {count} traces, the worst: {}", found.name())),
    })
}

/// A node that found nothing is no news, unless something failed or one has to look elsewhere.
fn worth_showing(tree: &Tree, at: usize) -> bool {
    let node = &tree.nodes[at];
    let loud = |run: &Shared<Run>| match run.failure() {
        Some(error) => error.kind != ErrorKind::Missing,
        None => run.state != RunState::Done,
    };
    !node.members.is_empty() || node.leads_elsewhere() || node.runs.iter().any(loud)
}

fn lines(
    out: &mut String,
    node: &Node,
    focus: Option<DateTime<Utc>>,
    indent: &str,
    more_below: bool,
) {
    let bar = if more_below { "│    " } else { "     " };
    let mut members: Vec<&Object> = node.members.iter().map(|member| &*member.object).collect();
    let away = |object: &Object| {
        let near = |time: DateTime<Utc>| focus.map(|focus| (time - focus).abs());
        object.time.map(|time| (near(time), std::cmp::Reverse(time)))
    };
    let took =
        |object: &Object| object.body.get("durationNano").and_then(serde_json::Value::as_i64);
    let of_spans = node.class.domain() == "trace";
    members.sort_by(|a, b| {
        let slow = if of_spans { took(b).cmp(&took(a)) } else { Ordering::Equal };
        let near = slow.then_with(|| away(a).cmp(&away(b)));
        b.severity.cmp(&a.severity).then(near).then_with(|| a.id.cmp(&b.id))
    });
    let rest = members.len().saturating_sub(SHOWN);
    members.truncate(SHOWN);
    match node.class.domain() {
        "log" => members.sort_by_key(|object| object.time),
        "trace" => {}
        _ => members.sort_by_key(|object| (std::cmp::Reverse(object.severity), object.time)),
    }
    for object in members {
        let _ = writeln!(out, "{indent}{bar}{}", line(object));
    }
    if rest > 0 {
        let _ = writeln!(out, "{indent}{bar}… {rest} more (-o json shows all)");
    }
    let mut words: Vec<String> = node
        .runs
        .iter()
        .filter_map(|run| run.failure())
        .map(|error| format!("! {}: {}", error.source_name, error.advice()))
        .collect();
    if node.members.is_empty() {
        words.extend(node.runs.iter().filter_map(|run| Some(format!("({})", run.note.as_ref()?))));
    }
    words.sort();
    words.dedup();
    let rest = words.len().saturating_sub(MOST_WORDS);
    for words in words.iter().take(MOST_WORDS) {
        for words in words.lines().take(4) {
            let _ = writeln!(out, "{indent}{bar}{}", clean(words));
        }
    }
    if rest > 0 {
        let _ = writeln!(out, "{indent}{bar}… {rest} more of the kind (-v shows all)");
    }
    if node.left_out > 0 {
        let _ = writeln!(
            out,
            "{indent}{bar}({} objects above were not followed; --limit)",
            node.left_out
        );
    }
}

/// One object on one line: severity, time, what it is about, preview. What is there all the time
/// has no time but a namespace.
pub(super) fn line(object: &Object) -> String {
    let lasting = object.class.domain() == "k8s" && object.class.kind() != "Event";
    let place = object.id.split_once('/').filter(|_| lasting);
    let lead = match (place, object.time.filter(|_| !lasting)) {
        (Some((namespace, _)), _) => format!("{namespace}/"),
        (None, Some(time)) => format!("{} ", time.format("%Y-%m-%d %H:%M:%S")),
        (None, None) => String::new(),
    };
    let about = match object.about.as_str() {
        "" => String::new(),
        about => format!("{about}  "),
    };
    clean(&format!("{} {lead}{about}{}", object.severity.tag(), object.preview))
}

fn summary(out: &mut String, snapshot: &Snapshot) {
    let failed = snapshot
        .tree
        .nodes
        .iter()
        .flat_map(|node| &node.runs)
        .filter_map(|run| run.failure())
        .filter(|error| error.kind != ErrorKind::Missing)
        .count();
    let (all, shown) = (snapshot.total, snapshot.shown());
    let _ = write!(out, "{all} queries");
    if shown < all {
        let _ = write!(out, " ({shown} shown)");
    }
    let _ = write!(out, " {:.1}s", snapshot.elapsed.as_secs_f64());
    if failed > 0 {
        let _ = write!(out, " {failed} failed");
    }
    if snapshot.cancelled {
        let _ = write!(out, " cancelled {}/{}", snapshot.done, snapshot.total);
    }
    out.push('\n');
    for fault in &snapshot.faults {
        let message = clean(&fault.message);
        let _ =
            writeln!(out, "! rule {} failed on {}: {message}", fault.rule, clean(&fault.object));
    }
}
