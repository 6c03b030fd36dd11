//! Runs the binary on a recording of the demo, whose times do not move.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use korrel8::model::Vocabulary;

/// What a run printed and how it ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// A folder of its own for everything that the tests of the binary write.
pub(crate) fn folder() -> &'static Path {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    FOLDER.get_or_init(|| tempfile::tempdir().expect("a temporary folder")).path()
}

/// The demo as a recording, as it was at its own "now".
pub(crate) fn recording() -> &'static Path {
    static FILE: OnceLock<PathBuf> = OnceLock::new();
    FILE.get_or_init(|| {
        let domains = korrel8::domain::all(&Vocabulary::builtin());
        let path = folder().join("demo.k8z");
        let now = "2026-11-23T12:00:00Z".parse().expect("a time");
        let demo = korrel8::replay::demo(now);
        std::fs::write(&path, demo.write(&domains)).expect("written");
        path
    })
}

/// The binary, without anything of the user's environment.
pub(crate) fn command(args: &[&str]) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("korrel8"));
    command.args(args).env_clear().env("HOME", folder()).env("PATH", "/usr/bin:/bin");
    command.stdin(Stdio::null());
    command
}

/// Runs the binary with arguments.
pub(crate) fn run(args: &[&str]) -> Run {
    let done = command(args).output().expect("the binary runs");
    Run {
        code: done.status.code(),
        out: String::from_utf8(done.stdout).expect("UTF-8"),
        err: String::from_utf8(done.stderr).expect("UTF-8"),
    }
}

/// Runs the binary on the recording of the demo.
pub(crate) fn replay(args: &[&str]) -> Run {
    let mut all = vec!["--replay", recording().to_str().expect("UTF-8")];
    all.extend(args);
    run(&all)
}
