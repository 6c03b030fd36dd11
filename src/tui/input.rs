//! What the terminal tells us, as our events.

use crossterm::event::{Event as Raw, EventStream, KeyEventKind};
use futures::StreamExt;
use tokio::sync::mpsc;

use super::event::Event;

/// Keys that may wait, as in a paste without brackets.
const QUEUE: usize = 256;

/// Listens to the terminal from now on; the channel closes when the terminal is gone.
pub(super) fn listen() -> mpsc::Receiver<Event> {
    let (sender, keys) = mpsc::channel(QUEUE);
    tokio::spawn(async move {
        let mut stream = EventStream::new();
        loop {
            let raw = tokio::select! {
                raw = stream.next() => raw,
                () = sender.closed() => return,
            };
            let Some(Ok(raw)) = raw else { return };
            if let Some(event) = event(raw)
                && sender.send(event).await.is_err()
            {
                return;
            }
        }
    });
    keys
}

/// Our event for one of the terminal; `None` for what means nothing to us, as a released key.
fn event(raw: Raw) -> Option<Event> {
    match raw {
        Raw::Key(key) if key.kind == KeyEventKind::Release => None,
        Raw::Key(key) => Some(Event::Key(key)),
        Raw::Paste(text) => Some(Event::Paste(text)),
        Raw::Mouse(mouse) => Some(Event::Mouse(mouse)),
        Raw::Resize(width, height) => Some(Event::Resize(width, height)),
        Raw::FocusGained | Raw::FocusLost => None,
    }
}
