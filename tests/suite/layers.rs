//! The house: which room may import which, heads and sizes of files.

use std::fs;
use std::path::{Path, PathBuf};

/// Each room and the rooms that it may import.
const ROOMS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("rule", &["model"]),
    ("graph", &["model"]),
    ("engine", &["model", "rule", "graph"]),
    ("client", &["model"]),
    ("domain", &["model", "client"]),
    ("replay", &["model"]),
    ("config", &[]),
    ("tui", &["model", "graph", "engine", "config"]),
    ("cli", &["model", "rule", "graph", "engine", "client", "domain", "replay", "config", "tui"]),
];

/// Inside of a room: a part and what it must not import.
const WITHIN: &[(&str, &[&str])] = &[
    (
        "domain/alert",
        &[
            "domain::incident",
            "domain::k8s",
            "domain::log",
            "domain::metric",
            "domain::netflow",
            "domain::trace",
        ],
    ),
    (
        "domain/k8s",
        &[
            "domain::alert",
            "domain::incident",
            "domain::log",
            "domain::metric",
            "domain::netflow",
            "domain::trace",
        ],
    ),
    (
        "domain/log",
        &[
            "domain::alert",
            "domain::incident",
            "domain::k8s",
            "domain::metric",
            "domain::netflow",
            "domain::trace",
        ],
    ),
    (
        "domain/metric",
        &[
            "domain::alert",
            "domain::incident",
            "domain::k8s",
            "domain::log",
            "domain::netflow",
            "domain::trace",
        ],
    ),
    (
        "domain/trace",
        &[
            "domain::alert",
            "domain::incident",
            "domain::k8s",
            "domain::log",
            "domain::metric",
            "domain::netflow",
        ],
    ),
    (
        "domain/netflow",
        &[
            "domain::alert",
            "domain::incident",
            "domain::k8s",
            "domain::log",
            "domain::metric",
            "domain::trace",
        ],
    ),
    (
        "domain/incident",
        &[
            "domain::alert",
            "domain::k8s",
            "domain::log",
            "domain::metric",
            "domain::netflow",
            "domain::trace",
        ],
    ),
    ("model", &["tokio::", "kube::", "reqwest::", "ratatui::"]),
    ("rule", &["tokio::", "kube::", "reqwest::", "ratatui::"]),
    ("graph", &["tokio::", "kube::", "reqwest::", "ratatui::"]),
    ("engine/search", &["tokio::", "std::time::Instant"]),
    ("engine/plan", &["tokio::"]),
    ("tui", &["kube::", "reqwest::"]),
    ("tui/widget", &["tui::app", "tui::pane", "tui::update", "tui::view"]),
    ("tui/pane", &["tui::update", "tui::view", "tui::runner", "tokio::"]),
    ("tui/update", &["tokio::", "tui::view", "tui::runner"]),
    ("tui/view", &["tokio::", "tui::update", "tui::runner"]),
];

const LONGEST: usize = 400;

fn sources() -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("a folder").filter_map(Result::ok) {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|ext| ext == "rs") {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    walk(&root, &mut found);
    found.sort();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("readable");
        (path.strip_prefix(&root).expect("below src").to_owned(), text)
    };
    found.into_iter().map(read).collect()
}

/// The code of a file without its tests.
fn code<'t>(path: &Path, text: &'t str) -> &'t str {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let folder = path.parent().and_then(Path::file_name).and_then(|name| name.to_str());
    if name.ends_with("tests.rs") || folder == Some("tests") {
        return "";
    }
    text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text)
}

#[test]
fn imports_run_one_way() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for (path, text) in sources() {
        let mut parts = path.components().map(|part| part.as_os_str().to_string_lossy());
        let room = parts.next().expect("a room").into_owned();
        if parts.next().is_none() {
            continue;
        }
        let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| *name == room) else {
            wrong.push(format!("src/{room} is no room that tests/suite/layers.rs knows"));
            continue;
        };
        for (index, line) in code(&path, &text).lines().enumerate() {
            let line = line.trim_start();
            if line.starts_with("//") {
                continue;
            }
            for used in line.match_indices("crate::").map(|(at, found)| &line[at + found.len()..]) {
                let end = used.find(|c: char| !c.is_alphanumeric() && c != '_');
                let used = &used[..end.unwrap_or(used.len())];
                seen += 1;
                let known = ROOMS.iter().any(|(name, _)| *name == used);
                if known && used != room && !allowed.contains(&used) {
                    let at = format!("src/{}:{}", path.display(), index + 1);
                    wrong.push(format!("{at}: {room} must not import {used}"));
                }
            }
        }
    }
    assert!(seen > 100, "the imports were not found");
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn parts_of_rooms_keep_apart() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let shown = path.display().to_string();
        for (part, banned) in WITHIN {
            let inside = shown == format!("{part}.rs") || shown.starts_with(&format!("{part}/"));
            if !inside {
                continue;
            }
            for (index, line) in code(&path, &text).lines().enumerate() {
                let line = line.trim_start();
                let hit = banned.iter().find(|banned| {
                    let outer = !banned.starts_with("tui::") && !banned.starts_with("domain::");
                    line.starts_with(&format!("use {banned}"))
                        || line.contains(&format!("crate::{banned}"))
                        || (outer && line.contains(&format!(" {banned}")))
                });
                if let Some(banned) = hit.filter(|_| !line.starts_with("//")) {
                    wrong.push(format!("src/{shown}:{}: {part} must not use {banned}", index + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn files_have_heads_and_fit_in_the_head() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        if !text.starts_with("//!") {
            wrong.push(format!("src/{} does not begin with //!", path.display()));
        }
        let lines = code(&path, &text).lines().count();
        if lines > LONGEST {
            wrong.push(format!("src/{} has {lines} lines, over {LONGEST}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Words of a request that could change something.
const WRITES: &[&str] = &[
    ".post(",
    ".put(",
    ".patch(",
    ".delete(",
    ".request(",
    "Request::post",
    "Request::put",
    "Request::patch",
    "Request::delete",
    "Method::",
    "\"POST\"",
    "\"PUT\"",
    "\"PATCH\"",
    "\"DELETE\"",
    "kube::Api",
    "kube::api",
];

/// Ways to a server, which only the clients may use.
const WIRES: &[&str] = &[
    "reqwest::Client",
    "reqwest::blocking",
    "reqwest::get",
    "reqwest::{",
    "hyper::",
    "http::Request",
    "kube::Client",
    "TcpStream",
    "UdpSocket",
];

/// Files that may do so nevertheless.
const WRITERS: &[&str] = &[];

#[test]
fn nothing_but_reads_is_ever_asked() {
    let (mut wrong, mut reads) = (Vec::new(), 0);
    for (path, text) in sources() {
        let shown = path.display().to_string();
        let of_code = code(&path, &text).lines().enumerate();
        for (index, line) in of_code.filter(|(_, line)| !line.trim_start().starts_with("//")) {
            reads += usize::from(line.contains("Request::get(") || line.contains("client.get("));
            // A room without a way to a server may have words like these for its own values.
            let offline = ["replay", "config", "model", "graph", "rule"];
            let offline = path
                .components()
                .next()
                .is_some_and(|room| offline.iter().any(|offline| room.as_os_str() == *offline));
            let client = path.starts_with("client");
            let write = WRITES.iter().filter(|_| !offline).find(|word| line.contains(**word));
            let wire = WIRES.iter().filter(|_| !client).find(|word| line.contains(**word));
            if let Some(word) = write.or(wire).filter(|_| !WRITERS.contains(&shown.as_str())) {
                wrong.push(format!("src/{shown}:{}: {word} could change something", index + 1));
            }
        }
    }
    assert_eq!(reads, 2, "each of the two clients has one place that makes requests");
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
