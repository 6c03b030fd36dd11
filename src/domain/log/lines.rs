//! Which lines of a Loki server are the answer to a query: the newest up to the limit, and where
//! these do not reach back to the focus, half as many around it. Where the limit cuts, errors that
//! it would cut off have a quarter. What is chosen does not depend on whether a query was asked
//! for alone or together with others.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;

use super::gather::{Ask, Gathered, How, Span};
use crate::model::{Object, Scope, StoreError, Window};

/// How long errors are looked for that a limit would cut off.
const FOR_ERRORS: Duration = Duration::from_secs(3);

/// The lines that may belong to the answer of one query.
#[derive(Clone, Debug, Default)]
pub(super) struct Lines {
    /// The newest, newest first; one more than the limit, if there are as many.
    pub(super) newest: Vec<Arc<Object>>,
    /// The newest until the focus and the oldest after it, where they were needed.
    before: Vec<Arc<Object>>,
    after: Vec<Arc<Object>>,
    /// The newest errors, where there are more lines than the limit.
    errors: Vec<Arc<Object>>,
    /// The server gave no more, although there are more.
    pub(super) held_back: bool,
}

impl Lines {
    /// Leaves out what is not meant.
    pub(super) fn retain(&mut self, meant: impl Fn(&Object) -> bool) {
        for lines in [&mut self.newest, &mut self.before, &mut self.after, &mut self.errors] {
            lines.retain(|line| meant(line));
        }
    }
}

/// The lines of each query of an [`Ask`], in its order.
pub(super) async fn lines(ask: &Ask<'_>, scope: Scope) -> Vec<Result<Lines, StoreError>> {
    let everything: Vec<usize> = (0..ask.all.len()).collect();
    let most = scope.limit.saturating_add(1);
    let span = Span { window: scope.window, most, forward: false };
    let newest = ask.gather(&everything, span).await;
    let mut found: Vec<Result<Lines, StoreError>> = newest
        .into_iter()
        .map(|gathered| {
            let Gathered { lines, held_back } = gathered?;
            Ok(Lines { newest: lines, held_back, ..Lines::default() })
        })
        .collect();
    around(ask, scope, &mut found).await;
    errors(ask, scope, &mut found).await;
    found
}

/// Adds the errors to the lines that are cut.
async fn errors(ask: &Ask<'_>, scope: Scope, found: &mut [Result<Lines, StoreError>]) {
    let How::Part(part) = ask.how else { return };
    let cut = |lines: &Result<Lines, StoreError>| {
        lines.as_ref().is_ok_and(|lines| lines.held_back || lines.newest.len() > scope.limit)
    };
    let cut: Vec<usize> = (0..found.len()).filter(|at| cut(&found[*at])).collect();
    let most = for_errors(scope);
    if cut.is_empty() || most == 0 {
        return;
    }
    let ask = Ask { how: How::Errors(part), ..*ask };
    let span = Span { window: scope.window, most, forward: false };
    // The server may have to look through all of the window for them.
    let Ok(found_errors) = tokio::time::timeout(FOR_ERRORS, ask.gather(&cut, span)).await else {
        return;
    };
    for (at, errors) in cut.iter().zip(found_errors) {
        // A server that does not understand this has told the newest all the same.
        if let (Ok(lines), Ok(errors)) = (&mut found[*at], errors) {
            lines.errors = errors.lines;
        }
    }
}

/// How many errors are kept beside the lines that the limit lets through.
fn for_errors(scope: Scope) -> usize {
    scope.limit / 4
}

/// Adds the lines around the focus to those that do not reach it.
async fn around(ask: &Ask<'_>, scope: Scope, found: &mut [Result<Lines, StoreError>]) {
    let Some(focus) = scope.focus.filter(|focus| scope.window.contains(*focus)) else { return };
    let short = |lines: &Result<Lines, StoreError>| {
        lines.as_ref().is_ok_and(|lines| !reaches(&lines.newest, scope))
    };
    let short: Vec<usize> = (0..found.len()).filter(|at| short(&found[*at])).collect();
    if short.is_empty() {
        return;
    }
    let most = near(scope);
    let until = Window { start: scope.window.start, end: focus };
    let since = Window { start: focus + TimeDelta::nanoseconds(1), end: scope.window.end };
    let (before, after) = futures::join!(
        ask.gather(&short, Span { window: until, most, forward: false }),
        ask.gather(&short, Span { window: since, most, forward: true }),
    );
    for ((at, before), after) in short.into_iter().zip(before).zip(after) {
        let lines = std::mem::replace(&mut found[at], Ok(Lines::default()));
        found[at] = lines.and_then(|lines| {
            let (before, after) = (before?.lines, after?.lines);
            Ok(Lines { before, after, ..lines })
        });
    }
}

/// Whether the newest lines are all, or as many as the limit go back to the focus.
fn reaches(newest: &[Arc<Object>], scope: Scope) -> bool {
    let last = scope.limit.checked_sub(1).and_then(|last| newest.get(last));
    newest.len() <= scope.limit || last.is_none_or(|line| line.time <= scope.focus)
}

/// How many lines around the focus are kept.
fn near(scope: Scope) -> usize {
    scope.limit.div_ceil(2)
}

/// The answer from the lines of all parts, newest first, and what cut it if something did.
pub(super) fn choose(parts: Vec<Lines>, scope: Scope) -> (Vec<Arc<Object>>, Option<&'static str>) {
    let mut all = Lines::default();
    for part in parts {
        all.newest.extend(part.newest);
        all.before.extend(part.before);
        all.after.extend(part.after);
        all.errors.extend(part.errors);
        all.held_back |= part.held_back;
    }
    for lines in [&mut all.newest, &mut all.before, &mut all.after, &mut all.errors] {
        sort(lines);
        once(lines);
    }
    let by = if all.newest.len() > scope.limit {
        Some("limit")
    } else {
        all.held_back.then_some("server limit")
    };
    let mut errors = std::mem::take(&mut all.errors);
    errors.truncate(for_errors(scope));
    let usual = pick(&all, scope);
    let known: HashSet<&Arc<str>> = usual.iter().map(|line| &line.id).collect();
    if errors.iter().all(|error| known.contains(&error.id)) {
        return (usual, by);
    }
    let mut chosen = pick(&all, Scope { limit: scope.limit - errors.len(), ..scope });
    chosen.append(&mut errors);
    sort(&mut chosen);
    let room = scope.limit - chosen.len();
    let there: HashSet<Arc<str>> = chosen.iter().map(|line| Arc::clone(&line.id)).collect();
    chosen.extend(usual.into_iter().filter(|line| !there.contains(&line.id)).take(room));
    sort(&mut chosen);
    (chosen, by)
}

/// The newest lines and those around the focus within the limit, newest first.
fn pick(all: &Lines, scope: Scope) -> Vec<Arc<Object>> {
    let mut chosen = all.newest.clone();
    let focus = scope.focus.filter(|focus| scope.window.contains(*focus));
    if focus.is_none() || reaches(&chosen, scope) {
        chosen.truncate(scope.limit);
        return chosen;
    }
    // What is near may have come as near or as new; either way it is the same.
    let (new_before, new_after): (Vec<_>, Vec<_>) =
        chosen.iter().cloned().partition(|line| line.time <= focus);
    let mut before = [&all.before[..], &new_before].concat();
    let mut after = [&all.after[..], &new_after].concat();
    sort(&mut before);
    sort(&mut after);
    let near = near(scope);
    before.truncate(near);
    after.drain(..after.len().saturating_sub(near));
    before.truncate(near - after.len().min(near / 2));
    after.drain(..after.len() - after.len().min(near - before.len()));
    chosen.truncate(scope.limit - before.len() - after.len());
    chosen.append(&mut after);
    chosen.append(&mut before);
    sort(&mut chosen);
    chosen
}

/// The newest first, each once; lines of one moment in an order of their own.
pub(super) fn sort(lines: &mut Vec<Arc<Object>>) {
    lines.sort_by(|a, b| b.time.cmp(&a.time).then_with(|| a.id.cmp(&b.id)));
    // Lines of one id have one time, so equal ones stand together.
    lines.dedup_by(|a, b| a.id == b.id);
}

/// Leaves a line once that two schemes read, with more and with less success. A server has one
/// line of a text at a moment of a stream.
fn once(lines: &mut Vec<Arc<Object>>) {
    let told = |line: &Object| {
        ["pod", "namespace", "container", "node"].map(|key| line.body.get(key).is_some())
    };
    let same = |a: &Object, b: &Object| {
        a.time == b.time
            && a.text("/body") == b.text("/body")
            && a.body.get("labels") == b.body.get("labels")
    };
    let mut kept: Vec<Arc<Object>> = Vec::with_capacity(lines.len());
    for line in lines.drain(..) {
        let at = kept.iter().rposition(|known| known.time != line.time).map_or(0, |at| at + 1);
        match kept[at..].iter_mut().find(|known| same(known, &line)) {
            Some(known) if told(known) < told(&line) => *known = line,
            Some(_) => {}
            None => kept.push(line),
        }
    }
    *lines = kept;
}
