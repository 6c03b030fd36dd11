//! Few calls for the lines of many Pods, fair to quiet ones. A call asks for several Pods at once;
//! where its answer is full, who has enough is done, and the others are asked for what is older,
//! in two halves, so that one noisy Pod costs two or three more calls.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use futures::FutureExt;
use futures::future::{BoxFuture, join_all};

use super::lines::sort;
use super::object::{LogStream, fields};
use super::plan::{Part, Target};
use crate::client::loki::{Loki, MOST_LINES, Stream};
use crate::model::{Class, ErrorKind, Object, Query, StoreError, Vocabulary, Window, trace_id_of};

/// The longest LogQL that is sent, in bytes: old servers refuse more than 5120.
const LONGEST: usize = 4000;

/// The most calls that follow each other for one group.
const DEEPEST: u32 = 64;

/// A query, and the Pod and the trace that it names, if it does.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) query: Query,
    pub(super) namespace: Option<String>,
    pub(super) pod: Option<String>,
    pub(super) trace: Option<String>,
}

impl Asked {
    /// What of it a merged call tells.
    pub(super) fn target(&self) -> Target<'_> {
        Target {
            namespace: self.namespace.as_deref(),
            pod: self.pod.as_deref(),
            trace: self.trace.as_deref(),
        }
    }
}

/// A server and what is needed to understand its lines.
pub(super) struct Server {
    pub(super) loki: Arc<Loki>,
    pub(super) words: Arc<Vocabulary>,
}

impl Server {
    /// The stage that selects lines of which a label or metadata tells that they are errors.
    fn errors(&self) -> String {
        let bad = "(?i)(err|error|crit|critical|fatal|alert|emerg|emergency|panic)";
        let names = self.words.names("log", "level");
        let any: Vec<String> = names.iter().map(|name| format!("{name}=~\"{bad}\"")).collect();
        format!(" | {}", any.join(" or "))
    }
}

/// Queries that differ by their Pod and their trace alone.
pub(super) struct Ask<'a> {
    pub(super) server: &'a Server,
    pub(super) how: How<'a>,
    pub(super) class: &'a Class,
    pub(super) all: &'a [Asked],
}

/// How lines are asked for.
#[derive(Clone, Copy)]
pub(super) enum How<'a> {
    /// By the labels of the server.
    Part(&'a Part),
    /// The same, but only lines of which the server knows that they tell of errors.
    Errors(&'a Part),
    /// By a LogQL query, whose lines are taken as they come.
    Text(&'a str),
}

impl How<'_> {
    /// Whether an answer is worth many calls.
    fn is_needed(self) -> bool {
        !matches!(self, Self::Errors(_))
    }
}

/// How many lines are wanted of each query, and from where.
#[derive(Clone, Copy)]
pub(super) struct Span {
    pub(super) window: Window,
    pub(super) most: usize,
    /// The oldest instead of the newest.
    pub(super) forward: bool,
}

/// Lines of one query.
#[derive(Clone, Debug, Default)]
pub(super) struct Gathered {
    /// At most as many as were wanted, the newest first.
    pub(super) lines: Vec<Arc<Object>>,
    /// The server gave no more, although there are more.
    pub(super) held_back: bool,
}

/// What is known so far, by the place of the query.
type Known = BTreeMap<usize, Vec<Arc<Object>>>;
type Done = Vec<(usize, Result<Gathered, StoreError>)>;

impl Ask<'_> {
    /// The lines of some of the queries, in their order.
    pub(super) async fn gather(
        &self,
        wanted: &[usize],
        span: Span,
    ) -> Vec<Result<Gathered, StoreError>> {
        let mut sorted = wanted.to_vec();
        sorted.sort_by_key(|at| self.all[*at].target());
        let groups = self.chunks(sorted).into_iter().map(|group| {
            let known = group.into_iter().map(|at| (at, Vec::new())).collect();
            self.pages(known, span, DEEPEST)
        });
        let done = join_all(groups).await.into_iter().flatten();
        let mut done: BTreeMap<usize, _> = done.collect();
        wanted.iter().map(|at| done.remove(at).unwrap_or_else(|| Ok(Gathered::default()))).collect()
    }

    /// Groups whose LogQL is not too long; queries that name neither Pod nor trace stay alone.
    fn chunks(&self, group: Vec<usize>) -> Vec<Vec<usize>> {
        let merges = match self.how {
            How::Part(part) | How::Errors(part) => part.place.is_some() || part.trace.is_some(),
            How::Text(_) => false,
        };
        if group.len() < 2 || merges && self.text(&group).len() <= LONGEST {
            return vec![group];
        }
        let (left, right) = group.split_at(group.len() / 2);
        [self.chunks(left.to_vec()), self.chunks(right.to_vec())].concat()
    }

    fn text(&self, group: &[usize]) -> String {
        let told = |part: &Part| {
            let targets: Vec<_> = group.iter().map(|at| self.all[*at].target()).collect();
            part.logql(&targets)
        };
        match self.how {
            How::Text(text) => text.to_owned(),
            How::Part(part) => told(part),
            How::Errors(part) => told(part) + &self.server.errors(),
        }
    }

    /// Asks for a group until everybody has what is wanted or there is no more.
    fn pages(&self, mut known: Known, span: Span, deepest: u32) -> BoxFuture<'_, Done> {
        async move {
            let group: Vec<usize> = known.keys().copied().collect();
            let text = self.text(&group);
            // Lines at the very edge come again.
            let at_edge = |line: &&Arc<Object>| line.time == Some(span.edge());
            let again = known.values().flatten().filter(at_edge).count();
            let missing = known.values().map(|lines| span.most.saturating_sub(lines.len())).sum();
            let asked = again.saturating_add(missing);
            let (page, limit) = match self.page(&text, span, asked).await {
                Ok(found) => found,
                Err(error) if group.len() > 1 && splits(&error) && self.how.is_needed() => {
                    return self.halves(known, span, deepest).await;
                }
                Err(error) => {
                    return group.into_iter().map(|at| (at, Err(error.clone()))).collect();
                }
            };
            let (full, edge) = (page.len() >= limit, page.last().and_then(|line| line.time));
            let fresh = self.share(&page, &mut known);
            let next = edge.map_or(span, |edge| span.beyond(edge));
            let mut done = Done::new();
            let stuck = full && fresh == 0 && next.window == span.window || deepest == 0;
            let over = !full || stuck && group.len() == 1 || deepest == 0;
            known.retain(|at, lines| {
                let enough = lines.len() >= span.most;
                if !over && !enough {
                    return true;
                }
                let mut lines = std::mem::take(lines);
                let held_back = full && !enough;
                // The first by time; those of one moment have an order of their own.
                sort(&mut lines);
                let surplus = lines.len().saturating_sub(span.most);
                if span.forward {
                    lines.drain(..surplus);
                } else {
                    lines.truncate(span.most);
                }
                done.push((*at, Ok(Gathered { lines, held_back })));
                false
            });
            if !known.is_empty() {
                done.extend(self.halves(known, next, deepest.saturating_sub(1)).await);
            }
            done
        }
        .boxed()
    }

    async fn halves(&self, mut known: Known, span: Span, deepest: u32) -> Done {
        let middle = known.keys().nth(known.len() / 2).copied();
        match middle.filter(|_| known.len() > 1) {
            None => self.pages(known, span, deepest).await,
            Some(middle) => {
                let rest = known.split_off(&middle);
                let (mut one, other) = futures::join!(
                    self.pages(known, span, deepest),
                    self.pages(rest, span, deepest)
                );
                one.extend(other);
                one
            }
        }
    }

    /// The lines of one call, in the order of the direction, and how many there were to be.
    async fn page(
        &self,
        text: &str,
        span: Span,
        asked: usize,
    ) -> Result<(Vec<Arc<Object>>, usize), StoreError> {
        let (loki, asked) = (&self.server.loki, asked.min(MOST_LINES));
        let (streams, limit) = if span.forward {
            loki.oldest(text, span.window, asked).await?
        } else {
            loki.newest(text, span.window, asked).await?
        };
        let mut lines = Vec::with_capacity(streams.iter().map(|own| own.entries.len()).sum());
        for Stream { labels, entries } in streams {
            let mut stream = LogStream::new(self.class, labels, false, &self.server.words);
            let objects =
                entries.into_iter().map(|one| stream.object(one.time, one.line, one.metadata));
            lines.extend(objects.map(Arc::new));
        }
        lines.sort_by_key(|line| line.time);
        if !span.forward {
            lines.reverse();
        }
        Ok((lines, limit))
    }

    /// Gives each line to the queries that want it; tells how many were new to somebody.
    fn share(&self, page: &[Arc<Object>], known: &mut Known) -> usize {
        let mut fresh = 0;
        if matches!(self.how, How::Text(_)) {
            for lines in known.values_mut() {
                fresh += add(lines, page.iter(), |_| true);
            }
            return fresh;
        }
        // Whoever asks names the same things, so that each finds its lines by what it names.
        let names = |pick: fn(&Asked) -> bool| known.keys().any(|at| pick(&self.all[*at]));
        let (spaces, pods, traces) = (
            names(|asked| asked.namespace.is_some()),
            names(|asked| asked.pod.is_some()),
            names(|asked| asked.trace.is_some()),
        );
        let text = |line: &Arc<Object>, key, wanted: bool| {
            let text = line.text(key).filter(|_| wanted);
            text.unwrap_or_default().to_owned()
        };
        let mut by_target: HashMap<[String; 3], Vec<&Arc<Object>>> = HashMap::new();
        for line in page {
            let trace = || trace_id_of(fields(&line.body), line.text("/body").unwrap_or_default());
            let trace = if traces { trace().unwrap_or_default() } else { String::new() };
            let key = [text(line, "/namespace", spaces), text(line, "/pod", pods), trace];
            by_target.entry(key).or_default().push(line);
        }
        for (at, lines) in known {
            let Asked { query, namespace, pod, trace } = &self.all[*at];
            let wanted = |line: &Arc<Object>| query.matches(line) != Some(false);
            let key = [namespace, pod, trace].map(|name| name.clone().unwrap_or_default());
            let own = by_target.get(&key).into_iter().flatten().copied();
            fresh += add(lines, own, wanted);
        }
        fresh
    }
}

/// Adds the lines that are wanted and not there; tells how many.
fn add<'l>(
    lines: &mut Vec<Arc<Object>>,
    more: impl Iterator<Item = &'l Arc<Object>>,
    wanted: impl Fn(&Arc<Object>) -> bool,
) -> usize {
    let had = lines.len();
    let mut seen: HashSet<Arc<str>> = lines.iter().map(|line| Arc::clone(&line.id)).collect();
    let new = |line: &&Arc<Object>| wanted(line) && seen.insert(Arc::clone(&line.id));
    lines.extend(more.filter(new).cloned().collect::<Vec<_>>());
    lines.len() - had
}

/// Whether a failure may be due to how much was asked for at once.
fn splits(error: &StoreError) -> bool {
    matches!(error.kind, ErrorKind::BadQuery | ErrorKind::TooLarge)
}

impl Span {
    /// The end of the window that was reached before.
    fn edge(&self) -> chrono::DateTime<chrono::Utc> {
        if self.forward { self.window.start } else { self.window.end }
    }

    /// What lies beyond a moment, which is in it again: not all of its lines may have come.
    fn beyond(mut self, edge: chrono::DateTime<chrono::Utc>) -> Self {
        if self.forward {
            self.window.start = edge;
        } else {
            self.window.end = edge;
        }
        self
    }
}
