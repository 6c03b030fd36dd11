//! Drawing a trace: title, ruler, the spans that fit, and what is known of the selected one.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use super::scale::Scale;
use super::{Asked, Waterfall};
use crate::graph::{Odd, SpanNode};
use crate::model::{clean, fit, spent};
use crate::tui::fact;
use crate::tui::pane::Frame;
use crate::tui::theme::Tone;
use crate::tui::widget::line::{Line, head};

/// Columns of the duration beside a bar, with the gap before it.
const TOOK: usize = 10;

/// The width below which a level of the tree is one column wide.
const ROOMY: usize = 100;

/// The width below which a service is left out where it is that of the span above.
const NARROW: usize = 60;

/// How much of a remark has its place beside the title.
const REMARK: usize = 60;

/// Columns of a row: the tree, the bars, the durations.
struct Columns {
    name: usize,
    bars: usize,
    indent: usize,
    narrow: bool,
}

impl Columns {
    fn of(width: usize) -> Self {
        let narrow = width < NARROW;
        let name = if narrow { width / 2 } else { (width * 42 / 100).min(64) };
        let bars = width.saturating_sub(name + TOOK).max(1);
        Self { name, bars, indent: if width < ROOMY { 1 } else { 2 }, narrow }
    }
}

impl Waterfall {
    /// Draws all of it. `rule` draws a row with text at both ends.
    pub(crate) fn draw(
        &self,
        buffer: &mut Buffer,
        frame: Frame,
        rule: impl Fn(&mut Buffer, Rect, &Line, &Line),
    ) {
        let areas = self.areas(frame.area);
        if areas.title.height > 0 {
            rule(buffer, areas.title, &self.title(), &self.state());
        }
        let columns = Columns::of(usize::from(areas.rows.width));
        let scale = Scale::new(self.tree.length, columns.bars);
        if areas.ruler.height > 0 {
            ruler(&columns, scale).draw(buffer, areas.ruler, 0);
        }
        let frame = Frame { focused: frame.focused && !self.deep(), ..frame };
        let rows = self.shown.iter().enumerate().skip(self.cursor.top);
        for ((row, &at), y) in rows.zip(areas.rows.y..areas.rows.bottom()) {
            let place = Rect { y, height: 1, ..areas.rows };
            self.row(at, &columns, scale).draw(buffer, place, 0);
            frame.mark(buffer, place, row == self.cursor.at);
        }
        if areas.rule.height > 0 {
            rule(buffer, areas.rule, &self.heading(), &self.times());
            self.draw_about(buffer, areas.below);
        }
    }

    /// `Trace 9c1f4a7b  web POST /checkout  ERR 7  2.41 s  20 spans  6 services`.
    fn title(&self) -> Line {
        let mut line = Line::new();
        // Some ids are short numbers behind zeros.
        let id = self.id().trim_start_matches('0');
        line.push("Trace ", Tone::Accent).push(id.get(..8).unwrap_or(id), Tone::Accent);
        if self.tree.spans.is_empty() {
            return line;
        }
        if let Some(first) = self.tree.roots.first().map(|root| &self.tree.spans[*root]) {
            line.push(format!("  {}", fact::subject(&first.object)), Tone::Strong);
        }
        let failed = self.failed.last().copied().unwrap_or_default();
        if failed > 0 {
            line.push(format!("  ERR {failed}"), Tone::Error);
        }
        line.push(format!("  {}", spent(self.tree.length)), Tone::Plain);
        let count = self.tree.spans.len();
        let services = self.services.iter().max().map_or(0, |last| last + 1);
        let noun = |count, word: &str| match count {
            1 => format!("  1 {word}"),
            _ => format!("  {count} {word}s"),
        };
        line.push(noun(count, "span") + &noun(services, "service"), Tone::Quiet);
        line
    }

    /// What is still to come or will not, and where the search stands.
    fn state(&self) -> Line {
        let mut line = Line::new();
        let tone = if self.whole == Asked::Failed { Tone::Error } else { Tone::Warning };
        match &self.remark {
            _ if self.whole == Asked::Waiting => {
                line.push(" asking for the rest … ", Tone::Accent);
            }
            // The whole of it stands with the span.
            Some(remark) if remark.width() > REMARK && self.whole == Asked::Failed => {
                line.push(" only what the search found ", tone);
            }
            Some(remark) => {
                line.push(format!(" {} ", fit(&clean(remark), REMARK).trim_end()), tone);
            }
            None => {}
        }
        if let Some(position) = self.find.position(self.span()) {
            line.push(format!(" /{} {position} ", self.find.needle.text()), Tone::Accent);
        }
        line
    }

    fn row(&self, at: usize, columns: &Columns, scale: Scale) -> Line {
        let span = &self.tree.spans[at];
        let mut line = self.name(at, columns);
        let gap = columns.name.saturating_sub(line.width());
        line.push(" ".repeat(gap), Tone::Plain);
        line.append(bar(span, Tone::Series(self.services[at]), scale));
        let sign = if span.skew == 0 { "" } else { "~" };
        let took = format!("{sign}{}", spent(span.duration()));
        let tone = if span.failed { Tone::Error } else { Tone::Plain };
        line.push(format!("{took:>TOOK$}"), tone);
        line
    }

    /// Fold mark, error mark, service and name, cut to their column.
    fn name(&self, at: usize, columns: &Columns) -> Line {
        let span = &self.tree.spans[at];
        let room = columns.name.saturating_sub(1);
        let mut line = Line::new();
        let indent = (span.depth * columns.indent).min(room / 2);
        line.push(" ".repeat(indent + 1), Tone::Plain);
        let folded = self.folded.contains(&at);
        let mark = match (span.below, folded) {
            (0, _) => "  ",
            (_, true) => "▸ ",
            (_, false) => "▾ ",
        };
        line.push(mark, Tone::Quiet);
        let hidden = if folded { self.failed_below(at) } else { 0 };
        if span.failed || hidden > 0 {
            line.push("! ", Tone::Error);
        }
        match span.odd {
            Some(Odd::Orphan) if self.whole == Asked::Here => line.push("orphan ", Tone::Warning),
            Some(Odd::Circle) => line.push("circle ", Tone::Warning),
            _ => &mut line,
        };
        let more = if folded { format!(" +{}", span.below) } else { String::new() };
        let left = room.saturating_sub(line.width() + more.width());
        let same = span.parent.is_some_and(|above| self.services[above] == self.services[at]);
        let service = if columns.narrow && same { "" } else { span.service() };
        let service = fit(&clean(head(service, left)), left).trim_end().to_owned();
        let gap = usize::from(!service.is_empty());
        let left = left.saturating_sub(service.width() + gap);
        let name = fit(&clean(head(fact::name(&span.object), left)), left);
        line.marked(&service, Tone::Series(self.services[at]), &self.find.needle);
        if left > 1 {
            line.push(" ".repeat(gap), Tone::Plain);
            let tone = if span.failed { Tone::Error } else { Tone::Plain };
            line.marked(name.trim_end(), tone, &self.find.needle);
        }
        line.push(more, Tone::Quiet);
        line
    }

    fn draw_about(&self, buffer: &mut Buffer, area: Rect) {
        let wide = usize::from(area.width) >= ROOMY;
        let split = if wide { area.width / 2 } else { area.width };
        for (part, lines) in self.about.iter().enumerate().take(1 + usize::from(wide)) {
            let x = if part == 0 { area.x } else { area.x + split };
            let width = if part == 0 { split } else { area.width - split };
            for (line, y) in lines.iter().skip(self.top).zip(area.y..area.bottom()) {
                line.draw(buffer, Rect { x, y, width, height: 1 }, 0);
            }
        }
    }
}

/// The heading of the columns: what stands left, and the times above the bars.
fn ruler(columns: &Columns, scale: Scale) -> Line {
    let mut line = Line::new();
    line.push(if columns.narrow { " SPAN" } else { " SERVICE OPERATION" }, Tone::Quiet);
    let gap = columns.name.saturating_sub(line.width());
    line.push(" ".repeat(gap), Tone::Plain);
    let mut reached = 0;
    for (cell, text) in scale.marks() {
        line.push(" ".repeat(cell.saturating_sub(reached)), Tone::Plain);
        reached = cell + text.width();
        line.push(text, Tone::Quiet);
    }
    line.push(" ".repeat(columns.bars.saturating_sub(reached)), Tone::Plain);
    line.push(format!("{:>TOOK$}", "TOOK"), Tone::Quiet);
    line
}

/// The bar of a span, with the parts of the critical path as a heavy line.
fn bar(span: &SpanNode, tone: Tone, scale: Scale) -> Line {
    let (first, end) = scale.stretch(span.start, span.end);
    let mut heavy = vec![false; end - first];
    for (start, until) in &span.critical {
        let (from, to) = scale.stretch(*start, *until);
        for cell in from.max(first)..to.min(end) {
            heavy[cell - first] = true;
        }
    }
    let mut line = Line::new();
    line.push(" ".repeat(first), Tone::Plain);
    for part in heavy.chunk_by(|a, b| a == b) {
        let sign = if part[0] { "━" } else { "─" };
        line.push(sign.repeat(part.len()), tone);
    }
    line.push(" ".repeat(scale.rest(end)), Tone::Plain);
    line
}
