//! What benches share: medians, the rows of the table, and the file that it lands in.

use std::time::{Duration, Instant};

/// One figure of the table.
pub(crate) struct Row {
    /// What was measured.
    pub(crate) bench: String,
    /// What it is compared with, measured in the same run.
    pub(crate) bound: String,
    /// The highest ratio that is good enough.
    pub(crate) target: f64,
    /// The ratio that was measured.
    pub(crate) ratio: f64,
    /// The figures behind the ratio, with units and how often they were taken.
    pub(crate) figures: String,
}

/// Two things measured in turn, so that both meet the same noise.
pub(crate) struct Pair {
    /// The median time of the thing.
    pub(crate) took: Duration,
    /// The median time of its bound.
    pub(crate) bound: Duration,
    /// The median of the ratios of neighbours, which is not the ratio of the medians.
    pub(crate) ratio: f64,
}

/// The time of one run.
pub(crate) fn clock(run: impl FnOnce()) -> Duration {
    let began = Instant::now();
    run();
    began.elapsed()
}

/// Runs a thing and its bound in turn; each tells how long it took.
pub(crate) fn in_turn(
    runs: usize,
    mut run: impl FnMut() -> Duration,
    mut bound: impl FnMut() -> Duration,
) -> Pair {
    let pairs: Vec<(Duration, Duration)> = (0..runs).map(|_| (run(), bound())).collect();
    let mut ratios: Vec<f64> = pairs.iter().map(|(took, bound)| ratio(*took, *bound)).collect();
    ratios.sort_by(f64::total_cmp);
    let (took, bounds) = pairs.into_iter().unzip();
    Pair { took: middle(took), bound: middle(bounds), ratio: ratios[runs / 2] }
}

/// The median time of some runs.
pub(crate) fn median(runs: usize, mut run: impl FnMut()) -> Duration {
    middle((0..runs).map(|_| clock(&mut run)).collect())
}

fn middle(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// How many times one duration is the other.
pub(crate) fn ratio(measured: Duration, bound: Duration) -> f64 {
    measured.as_secs_f64() / bound.as_secs_f64()
}

/// The rows as a Markdown table.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut text = String::from("| bench | bound | target | measured | |\n|---|---|---|---|---|\n");
    for row in rows {
        let mark = if row.ratio <= row.target { "" } else { " **missed**" };
        text += &format!(
            "| {} | {} | <= {}x | {:.2}x{mark} | {} |\n",
            row.bench, row.bound, row.target, row.ratio, row.figures
        );
    }
    text
}

/// Replaces the table in `benches/README.md`.
pub(crate) fn write(table: &str) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/README.md");
    let text = std::fs::read_to_string(path).expect("benches/README.md");
    let lines: Vec<&str> = text.lines().collect();
    let mark = lines.iter().position(|line| line.starts_with("<!-- table")).expect("a table mark");
    let (before, after) = lines.split_at(mark + 1);
    let old = after.iter().take_while(|line| line.starts_with('|')).count();
    let text = format!("{}\n{table}{}\n", before.join("\n"), after[old..].join("\n"));
    std::fs::write(path, text).expect("benches/README.md can be written");
}
