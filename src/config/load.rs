//! Finding and reading the settings file and the user's rule files.

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;
use thiserror::Error;

use super::settings::Settings;

/// Why settings or rules cannot be read.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// A file that was named cannot be read.
    #[error("cannot read {}: {reason}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: std::io::Error,
    },
    /// A settings file is not what it should be.
    #[error(
        "{}: {message}\n`korrel8 config show` prints every setting there is", path.display()
    )]
    Parse {
        /// Which.
        path: PathBuf,
        /// What is wrong, with line, column and the text around.
        message: String,
    },
}

/// The folder of korrel8's settings: `$XDG_CONFIG_HOME/korrel8`, `~/.config/korrel8`.
pub fn folder() -> Option<PathBuf> {
    let base = etcetera::base_strategy::Xdg::new().ok()?;
    Some(base.config_dir().join("korrel8"))
}

/// Reads a settings file: the one given, which must be there, or the usual one if there is one.
pub fn read(given: Option<&Path>) -> Result<Settings, ConfigError> {
    let usual = folder().map(|folder| folder.join("config.yaml"));
    let Some(path) = given.map(Path::to_owned).or(usual) else { return Ok(Settings::default()) };
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(reason) if given.is_none() && reason.kind() == std::io::ErrorKind::NotFound => {
            return Ok(Settings::default());
        }
        Err(reason) => return Err(ConfigError::Read { path, reason }),
    };
    let parsed = parse(&text).map_err(|message| ConfigError::Parse { path, message })?;
    Ok(parsed.settled())
}

fn parse(text: &str) -> Result<Settings, String> {
    let blank = text.lines().all(|line| line.trim().is_empty() || line.trim().starts_with('#'));
    if blank {
        return Ok(Settings::default());
    }
    // The text around a fault may hold a token.
    let options = serde_saphyr::options! { with_snippet: false };
    serde_saphyr::from_str_with_options(text, options).map_err(|fault| fault.to_string())
}

/// The rule files that are named by the user: each path may be a file or a folder of `*.yaml`
/// files, which are read in the order of their names. The usual folder need not be there.
pub fn rule_files(named: &[PathBuf]) -> Result<Vec<(String, String)>, ConfigError> {
    let mut files = Vec::new();
    if let Some(usual) = folder().map(|folder| folder.join("rules")).filter(|path| path.is_dir()) {
        read_rules(&usual, &mut files)?;
    }
    for path in named {
        read_rules(path, &mut files)?;
    }
    Ok(files)
}

fn read_rules(path: &Path, files: &mut Vec<(String, String)>) -> Result<(), ConfigError> {
    let fault = |reason| ConfigError::Read { path: path.to_owned(), reason };
    if path.is_dir() {
        let mut inside: Vec<PathBuf> = std::fs::read_dir(path)
            .map_err(fault)?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|ext| ext == "yaml" || ext == "yml"))
            .collect();
        inside.sort();
        return inside.iter().try_for_each(|path| read_rules(path, files));
    }
    let text = std::fs::read_to_string(path).map_err(fault)?;
    files.push((path.display().to_string(), text));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shown_settings_are_the_defaults() {
        let shown = parse(include_str!("../../assets/config.yaml")).expect("parses");
        assert_eq!(shown, Settings::default());
    }

    #[test]
    fn an_unknown_setting_is_named_with_its_place() {
        let fault = parse("limit: 5\nlokki:\n  url: x\n").expect_err("no such setting");
        assert!(fault.contains("lokki") && fault.contains('2'), "{fault}");
        assert_eq!(parse("# nothing\n\n").expect("empty is fine"), Settings::default());
        assert_eq!(
            parse("loki: {url: http://x}").expect("parses").loki.url.as_deref(),
            Some("http://x")
        );
    }

    #[test]
    fn a_named_file_must_be_there() {
        let fault = read(Some(Path::new("/nonexistent/korrel8.yaml"))).expect_err("not there");
        assert!(fault.to_string().contains("/nonexistent/korrel8.yaml"), "{fault}");
    }
}
