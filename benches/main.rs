//! Speed, as ratios to a bound that is measured in the same run: `cargo bench` runs all,
//! `cargo bench -- NAME...` some; `--write` puts the table into `benches/README.md`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints its figures")]
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a bench that cannot run has to stop")]

mod classes;
mod cluster;
#[allow(dead_code, reason = "the server of the tests can do more than is measured here")]
#[path = "../tests/suite/fake/http.rs"]
mod http;
mod ingest;
mod measure;
mod rules;
mod search;
mod update;
mod waterfall;
mod wide;
mod world;

use measure::Row;

/// A bench: its name and what it measures.
type Bench = (&'static str, fn() -> Vec<Row>);

/// All benches, in the order of the table.
const BENCHES: &[Bench] = &[
    ("search", search::run),
    ("wide", wide::run),
    ("classes", classes::run),
    ("rules", rules::run),
    ("ingest", ingest::run),
    ("update", update::run),
    ("waterfall", waterfall::run),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == ingest::CHILD) {
        return ingest::child(&arguments[1..]);
    }
    let (flags, names): (Vec<String>, Vec<String>) =
        arguments.into_iter().partition(|argument| argument.starts_with("--"));
    let wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| name.contains(wanted));
    let mut rows = Vec::new();
    for (name, run) in BENCHES.iter().filter(|(name, _)| wanted(name)) {
        eprintln!("{name} …");
        rows.extend(run());
    }
    let table = measure::table(&rows);
    println!("{table}");
    if flags.iter().any(|flag| flag == "--write") {
        measure::write(&table);
    }
}
