//! How things look: a closed set of tones in the terminal's own 16 colours.
#![deny(clippy::disallowed_methods, reason = "pure room")]

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};

use crate::model::Severity;

/// What a piece of text is, which decides how it looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Ordinary text.
    Plain,
    /// What is there for reference: rules between panes, units, times.
    Quiet,
    /// Names.
    Strong,
    /// What has the focus, and keys.
    Accent,
    /// Broken.
    Error,
    /// May break.
    Warning,
    /// Well.
    Good,
    /// Keys of YAML and JSON.
    Field,
    /// A hit of a search.
    Match,
    /// The selected row of the focused pane.
    Cursor,
    /// One of several things of a kind that stand side by side, as the services of a trace.
    Series(usize),
}

/// The colours that tell such things apart. Red is for what is broken.
const SERIES: [Color; 6] = [
    Color::Cyan,
    Color::Magenta,
    Color::Green,
    Color::LightBlue,
    Color::Yellow,
    Color::LightMagenta,
];

impl Tone {
    /// The style of the tone.
    pub(crate) fn style(self) -> Style {
        let style = Style::new();
        match self {
            Self::Plain => style,
            Self::Quiet => style.add_modifier(Modifier::DIM),
            Self::Strong => style.add_modifier(Modifier::BOLD),
            Self::Accent | Self::Field => style.fg(Color::Cyan),
            Self::Error => style.fg(Color::Red).add_modifier(Modifier::BOLD),
            Self::Warning => style.fg(Color::Yellow),
            Self::Good => style.fg(Color::Green),
            Self::Match => {
                style.fg(Color::Black).bg(Color::Yellow).add_modifier(Modifier::UNDERLINED)
            }
            Self::Series(number) => style.fg(SERIES[number % SERIES.len()]),
            Self::Cursor => style.add_modifier(Modifier::REVERSED),
        }
    }
}

impl From<Tone> for Style {
    fn from(tone: Tone) -> Self {
        tone.style()
    }
}

impl From<Severity> for Tone {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Error => Self::Error,
            Severity::Warning => Self::Warning,
            Severity::Info => Self::Plain,
            Severity::None => Self::Quiet,
        }
    }
}

/// Takes all colours off a frame. Reverse, bold and dim stay, which they would not if the
/// terminal library left the colours out: it sends a full reset in their place.
pub(crate) fn strip(buffer: &mut Buffer) {
    for cell in &mut buffer.content {
        cell.fg = Color::Reset;
        cell.bg = Color::Reset;
    }
}
