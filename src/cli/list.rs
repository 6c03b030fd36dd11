//! What there is: domains, classes, sources, settings.

use color_eyre::eyre;
use serde_json::json;

use super::args::{Format, Global};
use super::print::{json, yaml};
use super::wire::{self, Purpose, Session};
use super::{Outcome, emit, usage};
use crate::client::transport::without_credentials;
use crate::config;
use crate::model::{Domain, Source, SourceState, clean};

const DOCUMENTS: [Format; 4] = [Format::Text, Format::Json, Format::Yaml, Format::Name];

/// Domains with a summary, or the classes of one.
pub(super) async fn list(global: &Global, domain: Option<&str>) -> eyre::Result<Outcome> {
    let format = global.format("list", &DOCUMENTS).map_err(usage)?;
    let session = Session::open(global, Purpose::Tell).await?;
    let domains = session.engine.domains();
    if let Some(name) = domain {
        let domain = domains.domain(name).map_err(|fault| usage(fault.to_string()))?;
        session.ready().await;
        let names: Vec<String> =
            domain.classes().iter().map(|class| class.name().to_owned()).collect();
        let text = match format {
            Format::Json => json(&names)?,
            Format::Yaml => yaml(&names)?,
            _ => names.join("\n"),
        };
        emit(&text)?;
        return Ok(Outcome::Found);
    }
    let all: Vec<(&str, &str)> = domains
        .iter()
        .map(|domain| (domain.name(), domain.about().lines().next().unwrap_or_default()))
        .collect();
    let entry = |(name, about): &(&str, &str)| json!({"name": name, "about": about});
    let entries: Vec<_> = all.iter().map(entry).collect();
    let text = match format {
        Format::Json => json(&entries)?,
        Format::Yaml => yaml(&entries)?,
        Format::Name => all.iter().map(|(name, _)| format!("{name}\n")).collect(),
        _ => all.iter().map(|(name, about)| format!("{name:8} {about}\n")).collect(),
    };
    emit(&text)?;
    Ok(Outcome::Found)
}

/// What a domain is, its selectors and its sources.
pub(super) async fn describe(global: &Global, domain: Option<&str>) -> eyre::Result<Outcome> {
    global.format("describe", &[Format::Text]).map_err(usage)?;
    let session = Session::open(global, Purpose::Tell).await?;
    let domains = session.engine.domains();
    let tell = |domain: &dyn Domain| {
        let store = session.engine.store(domain.name());
        let sources: Vec<String> = store
            .map(|store| store.sources())
            .unwrap_or_default()
            .iter()
            .map(|source| format!("- {} ({}) {}", source.name, source.kind, source.url))
            .collect();
        let sources =
            if sources.is_empty() { "- none is configured".to_owned() } else { sources.join("\n") };
        format!("# {}\n\n{}\n\nSources:\n{sources}\n", domain.name(), domain.about().trim_end())
    };
    let text = match domain {
        Some(name) => {
            let domain = domains.domain(name).map_err(|fault| usage(fault.to_string()))?;
            tell(&**domain)
        }
        None => domains.iter().map(|domain| tell(&**domain)).collect::<Vec<_>>().join("\n"),
    };
    emit(&text)?;
    Ok(Outcome::Found)
}

/// Every source, after a call to each.
pub(super) async fn sources(global: &Global) -> eyre::Result<Outcome> {
    let format = global.format("sources", &DOCUMENTS).map_err(usage)?;
    let session = Session::open(global, Purpose::Tell).await?;
    let sources = session.probe().await;
    let text = match format {
        Format::Json => json(&sources)?,
        Format::Yaml => yaml(&sources)?,
        Format::Name => sources.iter().map(|source| format!("{}\n", source.name)).collect(),
        _ => table(&sources),
    };
    emit(&text)?;
    let failed = sources.iter().any(|source| source.state == SourceState::Failed);
    let none = !sources.iter().any(|source| source.state == SourceState::Ok);
    Ok(match (failed, none) {
        (true, _) => Outcome::Partial,
        (false, true) => Outcome::Nothing,
        (false, false) => Outcome::Found,
    })
}

fn table(sources: &[Source]) -> String {
    let mut rows = vec![["NAME", "STATE", "VIA", "FOUND", "MS", "URL"].map(str::to_owned)];
    for source in sources {
        let state = format!("{:?}", source.state).to_lowercase();
        let millis = source.millis.map_or_else(|| "-".to_owned(), |millis| millis.to_string());
        let dash = |text: &str| if text.is_empty() { "-".to_owned() } else { clean(text) };
        rows.push([
            dash(&source.name),
            state,
            dash(&source.via),
            dash(&source.found),
            millis,
            dash(&source.url),
        ]);
    }
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..6).map(width).collect();
    let mut out = String::new();
    for (index, row) in rows.iter().enumerate() {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}  "));
        out.push_str(cells.collect::<String>().trim_end());
        out.push('\n');
        let words = index.checked_sub(1).map(|index| &sources[index].vocabulary);
        for words in words.into_iter().flatten() {
            out.push_str(&format!("    speaks: {}\n", clean(words)));
        }
        if let Some(kept) = index.checked_sub(1).and_then(|index| sources[index].kept) {
            out.push_str(&format!("    kept: {kept}\n"));
        }
        let error = index.checked_sub(1).and_then(|index| sources[index].error.as_ref());
        for line in error.into_iter().flat_map(|error| error.lines()) {
            out.push_str(&format!("    {}\n", clean(line)));
        }
    }
    out
}

/// Where settings and rules are read from.
pub(super) fn config_path(global: &Global) -> eyre::Result<Outcome> {
    let folder = config::folder();
    let usual = folder.as_ref().map(|folder| folder.join("config.yaml"));
    let Some(path) = global.config.clone().or(usual) else {
        return Err(eyre::eyre!("there is no home directory; name a file with --config"));
    };
    emit(&format!(
        "settings  {}{}\n",
        path.display(),
        if path.exists() { "" } else { "  (not there)" }
    ))?;
    if let Some(rules) = folder.map(|folder| folder.join("rules")) {
        let there = if rules.exists() { "" } else { "  (not there)" };
        emit(&format!("rules     {}{there}\n", rules.display()))?;
    }
    Ok(Outcome::Found)
}

/// The settings in force; what is secret is hidden.
pub(super) fn config_show(global: &Global) -> eyre::Result<Outcome> {
    let format = global.format("config show", &DOCUMENTS).map_err(usage)?;
    let mut settings = wire::settings(global)?;
    let mut shown = serde_json::to_value(&settings)?;
    for (name, backend) in settings.backends() {
        let found = &backend.found;
        let backend = &mut shown[name];
        backend["found"] = found.as_str().into();
        if let Some(url) = backend["url"].as_str() {
            backend["url"] = without_credentials(url).into();
        }
        if backend["token"].is_string() {
            backend["token"] = "(hidden)".into();
        }
        for (_, value) in backend["headers"].as_object_mut().into_iter().flatten() {
            *value = "(hidden)".into();
        }
    }
    emit(&if format == Format::Json { json(&shown)? } else { yaml(&shown)? })?;
    Ok(Outcome::Found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_tells_in_which_words_it_speaks() {
        let words = "labels of promtail or Alloy: namespace, \u{1b}[31mpod".to_owned();
        let source =
            Source { name: "loki".to_owned(), vocabulary: vec![words], ..Source::default() };
        let shown = table(&[source.clone(), Source::default()]);
        let speaks: Vec<&str> = shown.lines().filter(|line| line.contains("speaks")).collect();
        assert_eq!(speaks, ["    speaks: labels of promtail or Alloy: namespace, pod"]);
        assert!(json!(source)["vocabulary"].is_array());
        assert!(json!(Source::default()).get("vocabulary").is_none());
    }
}
