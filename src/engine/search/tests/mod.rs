//! The search against rules and data made up by proptest: no clock, no tasks. `world` makes them
//! up, `drive` runs a search and compares it with `reference` after every step.

mod alternatives;
mod drive;
mod incremental;
mod known;
mod naive;
mod reference;
mod schedule;
mod sound;
mod world;

use proptest::test_runner::{Config, RngSeed};

/// How many cases a property is tried with, of how much in total.
fn cases(cases: u32) -> Config {
    let mut config = Config { cases, failure_persistence: None, ..Config::default() };
    if std::env::var_os("PROPTEST_CASES").is_some() {
        config.cases = Config::default().cases;
    }
    if config.rng_seed == RngSeed::Random {
        config.rng_seed = RngSeed::Fixed(SEED);
    }
    eprintln!("{} cases, PROPTEST_RNG_SEED={}", config.cases, config.rng_seed);
    config
}

/// The seed of a run that names no other.
const SEED: u64 = 8;
