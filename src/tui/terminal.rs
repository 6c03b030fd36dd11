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
        let mut out = io::stdout().lock();
        out.write_all(&clipboard(text, self.tmux)?)?;
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

/// The sequences that put a text on the clipboard. For tmux it is sent twice: bare, which tmux
/// takes where its `set-clipboard` is on, and wrapped to pass through, which newer ones drop
/// unless `allow-passthrough` is on.
fn clipboard(text: &str, tmux: bool) -> io::Result<Vec<u8>> {
    let mut bare = Vec::new();
    execute!(bare, CopyToClipboard::to_clipboard_from(text))?;
    if !tmux {
        return Ok(bare);
    }
    let escaped = String::from_utf8_lossy(&bare).replace('\u{1b}', "\u{1b}\u{1b}");
    let mut both = format!("\u{1b}Ptmux;{escaped}\u{1b}\\").into_bytes();
    both.extend(bare);
    Ok(both)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tmux_gets_the_clipboard_bare_as_well_as_wrapped() {
        let bare = clipboard("db-0", false).expect("bytes");
        let both = clipboard("db-0", true).expect("bytes");
        assert!(bare.starts_with(b"\x1b]52;c;"));
        assert!(both.starts_with(b"\x1bPtmux;\x1b\x1b]52;c;"));
        assert!(both.ends_with(&bare));
    }
}
