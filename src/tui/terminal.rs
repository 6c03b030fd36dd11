//! The terminal as we need it, and as it was before: restored when the guard is dropped and when
//! anything panics.

use std::io::{self, Stdout, Write};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::clipboard::CopyToClipboard;
use crossterm::cursor::{Hide, Show};
use crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture,
};
use crossterm::execute;
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;

use super::app::App;
use super::view;

/// Whether the terminal is ours.
static OURS: AtomicBool = AtomicBool::new(false);

/// Whether a task has panicked, which ends the explorer.
static PANICKED: AtomicBool = AtomicBool::new(false);

/// The terminal in raw mode on its alternate screen.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
    tmux: bool,
}

impl Screen {
    /// Takes the terminal. `tmux` tells that sequences must be wrapped to pass through it.
    pub(super) fn take(tmux: bool) -> io::Result<Self> {
        restore_on_panic();
        enable_raw_mode()?;
        OURS.store(true, Ordering::SeqCst);
        execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste, Hide).inspect_err(
            |_| {
                restore();
            },
        )?;
        let terminal = Terminal::new(CrosstermBackend::new(io::stdout()))?;
        Ok(Self { terminal, tmux })
    }

    /// Its columns and rows.
    pub(super) fn size(&self) -> io::Result<(u16, u16)> {
        let size = self.terminal.size()?;
        Ok((size.width, size.height))
    }

    /// Draws a frame: only what has changed is sent, and all of it at once.
    pub(super) fn draw(&mut self, app: &App) -> io::Result<()> {
        execute!(io::stdout(), BeginSynchronizedUpdate)?;
        self.terminal.draw(|frame| view::draw(app, frame.buffer_mut()))?;
        execute!(io::stdout(), EndSynchronizedUpdate)
    }

    /// Puts a text on the clipboard of the terminal that we run in, however far away it is.
    pub(super) fn copy(&mut self, text: &str) -> io::Result<()> {
        let mut sequence = Vec::new();
        execute!(sequence, CopyToClipboard::to_clipboard_from(text))?;
        let mut out = io::stdout().lock();
        if self.tmux {
            let escaped = String::from_utf8_lossy(&sequence).replace('\u{1b}', "\u{1b}\u{1b}");
            write!(out, "\u{1b}Ptmux;{escaped}\u{1b}\\")?;
        } else {
            out.write_all(&sequence)?;
        }
        out.flush()
    }

    /// Takes the mouse, or leaves it to the terminal.
    pub(super) fn mouse(&mut self, ours: bool) -> io::Result<()> {
        let out = self.terminal.backend_mut();
        if ours { execute!(out, EnableMouseCapture) } else { execute!(out, DisableMouseCapture) }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

/// Whether a task has panicked since the terminal was taken.
pub(super) fn panicked() -> bool {
    PANICKED.load(Ordering::SeqCst)
}

/// Gives the terminal back as it was. What cannot be written has no one left to be told.
fn restore() {
    if !OURS.swap(false, Ordering::SeqCst) {
        return;
    }
    execute!(
        io::stdout(),
        EndSynchronizedUpdate,
        DisableMouseCapture,
        DisableBracketedPaste,
        LeaveAlternateScreen,
        Show
    )
    .ok();
    disable_raw_mode().ok();
}

/// Restores the terminal before a panic is reported, so that the report can be read.
fn restore_on_panic() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            PANICKED.store(true, Ordering::SeqCst);
            restore();
            report(panic);
        }));
    });
}
