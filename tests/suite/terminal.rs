//! The binary on a real terminal (a pty): it starts, is moved about in, and leaves the terminal
//! as it was.

use std::io::{Read as _, Write as _};
use std::num::NonZero;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

use crate::run::{folder, recording};

/// How long something may take on a loaded machine before the test gives up.
const PATIENCE: Duration = Duration::from_mins(1);

struct Terminal {
    screen: Arc<Mutex<(vt100::Parser, Vec<u8>)>>,
    keys: Box<dyn std::io::Write + Send>,
    child: Box<dyn portable_pty::Child + Send + Sync>,
    pty: Box<dyn portable_pty::MasterPty + Send>,
}

impl Terminal {
    fn start(args: &[&str], rows: u16, cols: u16) -> Self {
        let size = PtySize { rows, cols, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a pty");
        let mut command = CommandBuilder::new(assert_cmd::cargo::cargo_bin!("korrel8"));
        command.args(args);
        command.env_clear();
        command.env("HOME", folder());
        command.env("TERM", "xterm-256color");
        let child = pair.slave.spawn_command(command).expect("the binary runs");
        let rows = NonZero::new(rows).expect("rows");
        let cols = NonZero::new(cols).expect("columns");
        let screen = Arc::new(Mutex::new((vt100::Parser::new(rows, cols, 0), Vec::new())));
        let mut output = pair.master.try_clone_reader().expect("a reader");
        let shared = Arc::clone(&screen);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                let mut screen = shared.lock().expect("the screen");
                screen.0.process(&bytes[..count]);
                screen.1.extend_from_slice(&bytes[..count]);
            }
        });
        let keys = pair.master.take_writer().expect("a writer");
        Self { screen, keys, child, pty: pair.master }
    }

    fn text(&self) -> String {
        self.screen.lock().expect("the screen").0.screen().contents()
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("the terminal takes keys");
        self.keys.flush().expect("the terminal takes keys");
    }

    fn wait(&self, what: &str, seen: impl Fn(&str) -> bool) {
        let began = Instant::now();
        while !seen(&self.text()) {
            assert!(began.elapsed() < PATIENCE, "{what} was never seen:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits for the end; the terminal must be as it was before.
    fn ends(mut self) -> u32 {
        let began = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a status") {
                break status;
            }
            assert!(began.elapsed() < PATIENCE, "it does not end:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(20));
        };
        std::thread::sleep(Duration::from_millis(100));
        drop(self.pty);
        let screen = self.screen.lock().expect("the screen");
        let (parser, raw) = &*screen;
        let raw = String::from_utf8_lossy(raw);
        assert!(raw.contains("\x1b[?1049h"), "the alternate screen was taken");
        assert!(!parser.screen().alternate_screen(), "the alternate screen was left");
        assert!(!parser.screen().hide_cursor(), "the cursor is back");
        status.exit_code()
    }
}

#[test]
fn from_the_alert_to_its_logs_and_out_again() {
    let path = recording().to_str().expect("UTF-8");
    let mut terminal = Terminal::start(&["--replay", path], 36, 120);
    terminal.wait("the list of alerts", |text| text.contains("KubePersistentVolumeFillingUp"));
    terminal.press("/KubePersistentVolumeFillingUp\r");
    terminal.press("\r");
    terminal.wait("the paths", |text| text.contains("Paths") && text.contains("log:application"));
    terminal.press("l");
    terminal.wait("the logs", |text| text.contains("No space left") || text.contains("ERROR"));
    terminal.press("?");
    terminal.wait("help", |text| text.contains("quit"));
    terminal.press("\x1b");
    terminal.wait("the panes again", |text| !text.contains("─ Keys ─"));
    terminal.press("q");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn being_told_to_end_restores_the_terminal() {
    let path = recording().to_str().expect("UTF-8");
    for signal in ["-TERM", "-HUP", "-INT"] {
        let start = ["--replay", path, "pod/postgres-0", "-n", "shop"];
        let terminal = Terminal::start(&start, 24, 80);
        terminal.wait("the paths", |text| text.contains("postgres-0"));
        let pid = terminal.child.process_id().expect("a process").to_string();
        let killed = std::process::Command::new("kill").args([signal, &pid]).status();
        assert!(killed.expect("kill runs").success());
        terminal.ends();
    }
}
