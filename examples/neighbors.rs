//! The library in a few lines: what is around a Pod of the demo cluster.
//!
//! Run it with `cargo run --example neighbors`.

#![allow(clippy::print_stdout, reason = "an example prints")]

use std::sync::Arc;

use korrel8::engine::{self, Engine, Request, objects};
use korrel8::model::{Scope, Vocabulary, Window};
use korrel8::rule::RuleSet;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let now = "2026-11-23T12:00:00Z".parse()?;
    let domains = korrel8::domain::all(&Vocabulary::builtin());
    let (rules, _) = RuleSet::load(&domains, &RuleSet::builtin_files());
    let stores = korrel8::replay::stores(korrel8::replay::demo(now), &domains, "example", "demo");
    let engine = Engine::new(domains, Arc::new(rules), stores.into_iter().collect());

    let query = engine.domains().query("k8s:Pod:{namespace: shop, name: postgres-0}")?;
    let scope = Scope { window: Window::last_hour(now), focus: None, limit: 100 };
    let start = objects(&engine.get(vec![query], scope).await);
    let request = Request {
        start,
        asked: None,
        goals: Vec::new(),
        reach: engine::DEPTH,
        scope,
        deadline: None,
    };
    let found = engine.search(request).finish().await;
    for node in &found.tree.nodes {
        println!("{} {} {}", node.key, node.badge(), node.severity());
    }
    Ok(())
}
