//! Drawing what lies over the panes. Pure.
#![deny(clippy::disallowed_methods, reason = "pure room")]

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::app::{App, Popup};
use super::pane::{Frame, sources};
use super::theme::Tone;
use super::time::PRESETS;
use super::view::failures;
use super::widget::line::{Line, wrap};
use super::widget::popup::popup;
use super::widget::prompt::Prompt;

/// What lies over the panes.
pub(super) fn over(app: &App, area: Rect, buffer: &mut Buffer) {
    let Some(open) = &app.popup else { return };
    let inside = |rect| Frame { area: rect, focused: true, now: app.now };
    match open {
        Popup::Help(_, list) => {
            let rect = popup(
                buffer,
                area,
                (76, 30),
                "Keys",
                "type to find, Enter does it, Esc or q closes",
            );
            list.draw(buffer, inside(rect));
        }
        Popup::Palette(_, list) => {
            let rect = popup(buffer, area, (76, 18), "Actions", "Enter does it, Esc closes");
            list.draw(buffer, inside(rect));
        }
        Popup::Choice(start, list) => {
            let title = format!("{}; where to begin?", start.matching());
            let rect =
                popup(buffer, area, (76, 20), &title, "Enter chooses, Esc goes to the alerts");
            list.draw(buffer, inside(rect));
        }
        Popup::Links(links, list) => {
            let title = format!("{} links; which to follow?", links.len());
            let rect = popup(buffer, area, (76, 20), &title, "Enter follows it, Esc closes");
            list.draw(buffer, inside(rect));
        }
        Popup::Window { prompt, preset, fault } => {
            let rect = popup(buffer, area, (66, 13), "Time range", "Enter asks again, Esc closes");
            window(prompt, *preset, fault.as_deref(), buffer, inside(rect));
        }
        Popup::Sources(top) => {
            let rect = popup(
                buffer,
                area,
                (96, 30),
                "Sources",
                "j k scroll, R asks again, Esc or q closes",
            );
            let latest = app.view().and_then(|view| view.latest.as_ref());
            let known = if app.sources.is_empty() {
                latest.map_or(&[][..], |latest| &latest.sources)
            } else {
                &app.sources
            };
            let failed = app.view().map(failures).unwrap_or_default();
            let faults = latest.map_or(&[][..], |latest| &latest.faults);
            let lines = sources::lines(known, &failed, faults, usize::from(rect.width));
            let last = lines.len().saturating_sub(usize::from(rect.height));
            sources::draw(&lines, (*top).min(last), buffer, inside(rect));
        }
    }
}

fn window(prompt: &Prompt, preset: usize, fault: Option<&str>, buffer: &mut Buffer, frame: Frame) {
    let area = frame.area;
    prompt.draw(buffer, Rect { height: 1, ..area }, "› ");
    let (text, tone) = match fault {
        Some(fault) => (fault, Tone::Error),
        None => ("15m, 1h30m, 11:30-12:00, 2026-11-23 11:30..now (UTC)", Tone::Quiet),
    };
    let lines = wrap(text, usize::from(area.width), 2);
    for (text, y) in lines.iter().zip(area.y + 1..area.bottom()) {
        Line::new().push(text, tone).draw(buffer, Rect { y, height: 1, ..area }, 0);
    }
    let last = PRESETS.iter().map(|text| format!("last {text}"));
    let all = std::iter::once("the usual: around the start".to_owned()).chain(last);
    for ((at, text), y) in all.enumerate().zip(area.y + 4..area.bottom()) {
        let place = Rect { y, height: 1, ..area };
        let mut line = Line::new();
        line.push("  ", Tone::Plain).push(text, Tone::Plain).draw(buffer, place, 0);
        frame.mark(buffer, place, at == preset && prompt.text().is_empty());
    }
}
