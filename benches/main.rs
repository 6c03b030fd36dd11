//! Speed, as ratios to a bound that is measured in the same run: `cargo bench` runs all,
//! `cargo bench -- NAME...` some; `--write` puts the table into `benches/README.md`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints its figures")]

#[expect(dead_code, reason = "the first bench comes next")]
mod measure;

use measure::Row;

/// A bench: its name and what it measures.
type Bench = (&'static str, fn() -> Vec<Row>);

/// All benches, in the order of the table.
const BENCHES: &[Bench] = &[];

fn main() {
    let (flags, names): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|argument| argument.starts_with("--"));
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
