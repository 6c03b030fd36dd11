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

use crate::model::cases;
