//! The explorer: what a search finds, on a terminal.
//!
//! Keys and answers become an `Event`; `update` turns one into a new state and effects; `view`
//! draws the state; `runner` fulfils the effects through a [`World`]. Only this file, `input`, `runner` and `terminal` touch tasks or the terminal.

mod action;
mod app;
mod bare;
mod effect;
mod event;
mod fact;
mod input;
mod keymap;
mod layout;
mod overlay;
mod pane;
mod runner;
mod terminal;
mod theme;
mod time;
mod update;
mod view;
mod widget;
mod world;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

pub use action::key_table;
pub use app::Usual;
pub use bare::Bare;
pub use keymap::Keymap;
pub use world::{Handle, Listing, Live, Place, SearchRequest, Start, World};

use app::App;
use effect::Effect;
use event::Event;
use runner::Runner;
use terminal::Screen;

/// The least time between two frames.
const FRAME: Duration = Duration::from_millis(16);

/// Answers that may wait.
const QUEUE: usize = 64;

/// What the user has chosen.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Where to begin; `None` for the list of alerts.
    pub start: Option<String>,
    /// What every search has in common.
    pub usual: Usual,
    /// The keys.
    pub keymap: Keymap,
    /// Whether to use no colours, as `NO_COLOR` asks for.
    pub plain: bool,
    /// Whether to take the mouse from the beginning.
    pub mouse: bool,
    /// Whether the terminal is inside of tmux.
    pub tmux: bool,
}

/// Runs the explorer until the user quits or the process is told to end. The terminal is as it
/// was before when this returns, also by a panic.
pub async fn run(world: Arc<dyn World>, options: Options) -> io::Result<()> {
    let mut screen = Screen::take(options.tmux)?;
    let mut app = App::new(world.place(), options.keymap, world.now());
    app.color = !options.plain;
    app.usual = options.usual;
    app.size = screen.size()?;
    app.sources = world.sources();
    let (sender, mut answers) = mpsc::channel(QUEUE);
    let mut runner = Runner::new(Arc::clone(&world), sender);
    let mut effects = app.begin(options.start);
    if options.mouse {
        app.mouse = true;
        effects.push(Effect::Mouse(true));
    }
    let mut keys = input::listen();
    let mut ends = Ends::new()?;
    let mut drawn = Instant::now();
    effects.extend(draw(&mut screen, &mut app)?);
    let mut dirty = false;
    loop {
        for effect in effects.drain(..) {
            match effect {
                Effect::Quit => return Ok(()),
                Effect::Copy(text) => screen.copy(&text)?,
                Effect::Mouse(ours) => screen.mouse(ours)?,
                other => runner.run(other),
            }
        }
        if terminal::panicked() {
            return Err(io::Error::other("a task panicked; the report is above"));
        }
        let pause = if app.busy() { Duration::from_millis(125) } else { Duration::from_secs(1) };
        let wake = if dirty { drawn + FRAME } else { drawn + pause };
        let event = tokio::select! {
            biased;
            key = keys.recv() => match key {
                Some(key) => Some(key),
                None => return Ok(()),
            },
            () = ends.wait() => return Ok(()),
            () = tokio::time::sleep_until(wake) => {
                app.now = world.now();
                let tick = (!dirty).then_some(Event::Tick(app.now));
                if let Some(tick) = tick {
                    effects.extend(update::update(&mut app, tick));
                }
                effects.extend(draw(&mut screen, &mut app)?);
                drawn = Instant::now();
                dirty = false;
                continue;
            }
            answer = answers.recv() => answer,
        };
        let mut next = event;
        let mut drained = 0;
        while let Some(event) = next {
            dirty = true;
            effects.extend(update::update(&mut app, event));
            drained += 1;
            if drained >= QUEUE {
                break;
            }
            next = keys.try_recv().or_else(|_| answers.try_recv()).ok();
        }
    }
}

/// Draws a frame of the size that the terminal has now, which may be news that is still on its way.
fn draw(screen: &mut Screen, app: &mut App) -> io::Result<Vec<Effect>> {
    let (width, height) = screen.size()?;
    let mut effects = Vec::new();
    if (width, height) != app.size {
        effects = update::update(app, Event::Resize(width, height));
    }
    screen.draw(app)?;
    Ok(effects)
}

/// Requests of the system to end.
#[cfg(unix)]
struct Ends {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Ends {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            // Ctrl-C is a key here; others may send the signal all the same.
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hangup.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Ends;

#[cfg(not(unix))]
impl Ends {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn wait(&mut self) {
        std::future::pending::<()>().await;
    }
}
