//! `record`: what is around a start, in one file that `--replay` opens.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use color_eyre::eyre::{self, Context as _, eyre};

use super::args::Global;
use super::search::{Ask, find};
use super::wire::{Purpose, Session};
use super::{Outcome, emit, usage};
use crate::engine::Snapshot;
use crate::graph::RunState;
use crate::replay::{self, Manifest, Recording};

/// Searches the neighborhood of a start and writes all that was found.
pub(super) async fn run(global: &Global, start: &str, depth: Option<u32>) -> eyre::Result<Outcome> {
    let file = global.output.as_ref().ok_or_else(|| {
        usage("record needs the file to write: korrel8 record START -o incident.k8z")
    })?;
    let file = Path::new(file);
    if file.exists() {
        return Err(eyre!("{} is there already: name another file, or remove it", file.display()));
    }
    let session = Session::open(global, Purpose::Ask).await?;
    let reach = depth.or(global.reach).unwrap_or(session.settings.reach);
    let Some((snapshot, query)) = find(&session, Ask { start, goals: Vec::new(), reach }).await?
    else {
        return Ok(Outcome::Interrupted);
    };
    if snapshot.tree.root().is_none() {
        return Ok(Outcome::Nothing);
    }
    let recording = record(&session, &snapshot, query.text());
    let bytes = recording.write(session.engine.domains());
    write(file, &bytes).wrap_err_with(|| format!("cannot write {}", file.display()))?;
    let count: usize = recording.counts().map(|(_, count)| count).sum();
    emit(&format!("{count} objects, {} bytes: {}\n", bytes.len(), file.display()))?;
    Ok(if snapshot.partial() { Outcome::Partial } else { Outcome::Found })
}

/// Writes a new file that only its owner can read: it holds production logs.
fn write(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    // What cannot be written whole is no recording, and would be in the way of the next try.
    options.open(file)?.write_all(bytes).inspect_err(|_| drop(std::fs::remove_file(file)))
}

/// Everything in a tree, each object once, with the answers that cannot be decided locally.
fn record(session: &Session, snapshot: &Snapshot, start: &str) -> Recording {
    let domains = session.engine.domains();
    let now = snapshot.window.end.min(session.now());
    let mut manifest = Manifest::new(now, &session.context, start);
    let window = serde_json::to_value(snapshot.window).unwrap_or_default();
    manifest.more.insert("window".to_owned(), window);
    manifest.more.insert("program".to_owned(), env!("CARGO_PKG_VERSION").into());
    let mut recording = Recording::new(manifest);
    let mut objects = BTreeMap::new();
    for node in &snapshot.tree.nodes {
        for member in &node.members {
            let key = (node.class.clone(), member.object.id.clone());
            // What a search told a part of may have been read as a whole, too.
            let partial = member.object.body.get("partial").is_some();
            if !partial || !objects.contains_key(&key) {
                objects.insert(key, &member.object);
            }
        }
    }
    for ((class, _), object) in &objects {
        recording.push(class, object.body.clone());
    }
    for node in &snapshot.tree.nodes {
        for (index, run) in node.runs.iter().enumerate() {
            let outcome = replay::Outcome {
                error: match &run.state {
                    RunState::Failed(error) => Some(error.clone()),
                    _ => None,
                },
                missing: run.missing.clone(),
                cut: run.cut.as_ref().map(|cut| (cut.shown, cut.total)),
            };
            if outcome != replay::Outcome::default() {
                recording.outcome(&run.query, outcome);
            }
            if run.state != RunState::Done {
                continue;
            }
            let brought =
                |member: &&crate::graph::Member| member.links.iter().any(|link| link.run == index);
            let members: Vec<_> = node.members.iter().filter(brought).collect();
            if members.iter().any(|member| run.query.matches(&member.object).is_none()) {
                let ids: Vec<String> =
                    members.iter().map(|member| member.object.id.to_string()).collect();
                recording.answer(&run.query, &ids, domains);
            }
        }
    }
    recording
}
