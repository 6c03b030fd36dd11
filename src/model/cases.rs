//! How many made-up cases a property is tried with, and from which seed.

use proptest::test_runner::{Config, RngSeed};

/// The seed of a run that names no other.
const SEED: u64 = 8;

/// How many cases a property is tried with, if `PROPTEST_CASES` does not say else.
pub(crate) fn cases(cases: u32) -> Config {
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
