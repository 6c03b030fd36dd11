//! Choices: defaults < file < environment < flags, resolved to [`Settings`].

mod load;
mod settings;

pub use load::{ConfigError, folder, read, rule_files};
pub use settings::{Address, Settings};
