//! What is said where something is missing, and keys in popups.

use std::sync::Arc;

use super::super::app::App;
use super::super::effect::Effect;
use super::super::event::Event;
use super::super::fixture::{self, finished};
use super::super::keymap::Keymap;
use super::super::layout::Pane;
use super::super::world::{Listing, Place, Start};
use super::Driver;
use crate::model::{Cut, ErrorKind, Severity, SourceState, StoreError};

const WIDE: (u16, u16) = (120, 36);

fn check(driver: &Driver, parts: &[&str], not: &[&str]) {
    let screen = driver.screen();
    for part in parts {
        assert!(screen.contains(part), "{part:?} is missing in\n{screen}");
    }
    for part in not {
        assert!(!screen.contains(part), "{part:?} is there in\n{screen}");
    }
}

#[test]
fn a_missing_part_of_an_answer_is_told_above_the_rows() {
    let mut snapshot = finished();
    let nodes = &mut Arc::make_mut(&mut snapshot.tree).nodes;
    let logs = nodes.iter_mut().find(|node| node.members.len() > 40).expect("logs");
    let error = StoreError::new(ErrorKind::Forbidden, "pod-logs", "no access to pods/log");
    logs.runs[0].missing = Some(error.hint("Ask for the role view."));
    logs.runs[0].note = Some("only the last hour is kept".to_owned());
    logs.left_out = 7;
    let mut driver = Driver::exploring(WIDE, snapshot);
    driver.press("l");
    let failed = "pod-logs: no access to pods/log  Ask for the role view.";
    check(&driver, &[failed, "only the last hour is kept", "7 above not followed"], &[]);
    assert!(driver.screen().contains("No space left"), "the rows are there as well");
    driver.press("x");
    check(&driver, &["no access to pods/log"], &[]);
}

#[test]
fn a_limit_and_what_was_not_followed_are_both_told() {
    let mut snapshot = finished();
    let nodes = &mut Arc::make_mut(&mut snapshot.tree).nodes;
    let logs = nodes.iter_mut().find(|node| node.members.len() > 40).expect("logs");
    logs.runs[0].cut = Some(Cut { shown: 49, total: None, by: "byte cap" });
    logs.left_out = 2;
    let mut driver = Driver::exploring((160, 36), snapshot);
    driver.press("l");
    check(&driver, &["(byte cap) (2 above not followed)"], &[]);
}

#[test]
fn alerts_that_could_not_be_asked_for_are_unknown() {
    let mut driver = Driver::new((60, 24));
    let hint = "Ask the owner of the cluster for the role that may list alerts, or choose another.";
    let error = StoreError::new(ErrorKind::Forbidden, "alertmanager", "403 Forbidden");
    let mut idle = fixture::source("loki", SourceState::Idle, 0, None);
    idle.millis = None;
    let down = fixture::source("kubernetes", SourceState::Failed, 1, Some("connection refused"));
    driver.event(Event::Alerts(Listing {
        alerts: Vec::new(),
        errors: vec![error.hint(hint)],
        sources: vec![idle, down],
    }));
    let parts = [
        "firing unknown",
        "in namespace shop",
        "alertmanager: 403 Forbidden",
        "or choose another.",
        "kubernetes: connection refused",
    ];
    check(&driver, &parts, &["0 firing"]);
    driver.event(Event::Resize(120, 24));
    check(&driver, &["loki idle"], &[]);
}

#[test]
fn q_closes_what_lies_over_the_panes() {
    for open in ["?", "x"] {
        let mut driver = Driver::exploring(WIDE, finished());
        driver.press(&format!("{open} q"));
        assert!(driver.app.popup.is_none(), "{open}");
        assert!(!driver.effects.iter().any(|effect| matches!(effect, Effect::Quit)), "{open}");
        driver.press(&format!("{open} ctrl-c"));
        assert!(matches!(driver.effects.last(), Some(Effect::Quit)), "{open}");
    }
}

#[test]
fn letters_move_among_several_starts() {
    let mut driver = Driver::new(WIDE);
    driver.app.begin(Some("deploy/web".to_owned()));
    let web = |name: &str| {
        let id = format!("{name}/web");
        let body = serde_json::Value::Null;
        Arc::new(fixture::object("k8s:Deployment.v1.apps", &id, Severity::None, 1, body))
    };
    let objects = ["a", "b", "c"].map(web).into();
    driver.event(Event::Resolved(Ok(Start { asked: None, objects })));
    driver.press("j j j k enter");
    let Some(Effect::Search(_, request)) = driver.effects.last() else { panic!("no search") };
    assert_eq!(request.start[0].id.as_ref(), "b/web");
}

#[test]
fn help_tells_that_there_is_more() {
    let mut driver = Driver::exploring((80, 20), finished());
    driver.press("?");
    check(&driver, &["↓"], &["↑"]);
    driver.press("pgdn pgdn");
    check(&driver, &["↑", "more"], &[]);
}

#[test]
fn without_a_context_the_header_shows_none() {
    let mut driver = Driver::new(WIDE);
    driver.app = App::new(Place::default(), Keymap::default(), fixture::now());
    driver.app.size = WIDE;
    check(&driver, &["ns all  RO"], &["ctx"]);
}

#[test]
fn the_usual_window_comes_back() {
    let mut driver = Driver::listed(WIDE);
    for (keys, known) in [("t \"2h enter", true), ("t enter", false)] {
        driver.press(keys);
        assert_eq!(driver.app.usual.window.is_some(), known, "{keys}");
    }
    driver.press("down enter");
    driver.snapshot(finished());
    driver.press("t \"2h enter t enter");
    let Some(Effect::Search(_, request)) = driver.effects.last() else { panic!("no search") };
    assert_eq!(request.window, None);
    assert_eq!(driver.app.view().map(|view| view.focus), Some(Pane::Paths));
}
