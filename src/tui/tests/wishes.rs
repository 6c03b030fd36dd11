//! What newcomers tried: filters, wider searches, popups.

use std::sync::Arc;

use super::super::effect::Effect;
use super::super::event::Event;
use super::super::fixture::{self, finished};
use super::super::layout::Pane;
use super::super::world::Start;
use super::Driver;
use crate::model::Severity;

const WIDE: (u16, u16) = (120, 36);

#[test]
fn the_filter_of_alerts_looks_at_what_is_seen() {
    for (typed, kept) in [
        ("shop/db", vec!["KubePodCrashLooping"]),
        ("node-7", vec!["KubeNodeNotReady"]),
        ("pending", vec!["KubeHpaMaxedOut"]),
        ("prometheus-0", vec!["Watchdog"]),
        ("feedc0de", vec![]),
    ] {
        let mut driver = Driver::listed(WIDE);
        driver.press(&format!("/ \"{typed} enter"));
        let screen = driver.screen();
        for name in ["KubePodCrashLooping", "KubeNodeNotReady", "KubeHpaMaxedOut", "Watchdog"] {
            assert_eq!(screen.contains(name), kept.contains(&name), "{typed}: {name}\n{screen}");
        }
    }
}

/// The search without the nodes of logs.
fn without_logs() -> crate::engine::Snapshot {
    let mut snapshot = finished();
    let nodes = &mut Arc::make_mut(&mut snapshot.tree).nodes;
    nodes.truncate(3);
    nodes[2].children.clear();
    nodes[0].children.retain(|&child| child < 3);
    nodes[1].children.retain(|&child| child < 3);
    snapshot
}

#[test]
fn logs_beyond_the_reach_are_looked_for() {
    let mut driver = Driver::exploring(WIDE, without_logs());
    driver.press("l");
    assert_eq!(driver.said(), "looking further for logs …");
    let Some(Effect::Search(_, request)) = driver.effects.last() else { panic!("no search") };
    assert!(request.goals.iter().all(|goal| goal.domain() == "log") && request.goals.len() == 3);
    assert_eq!((request.reach, request.window), (Some(5), Some(finished().window)));
    assert_eq!(driver.app.views.len(), 2);
    driver.snapshot(without_logs());
    assert!(driver.said().starts_with("no logs within reach 5"), "{}", driver.said());
    driver.press("l");
    assert_eq!(driver.app.views.len(), 2, "it is not searched twice");
    let mut driver = Driver::exploring(WIDE, without_logs());
    driver.press("l");
    driver.snapshot(finished());
    let view = driver.app.view().expect("a search");
    assert_eq!((view.focus, view.node().expect("a node").1.class.domain()), (Pane::Results, "log"));
}

#[test]
fn a_search_reaches_further_in_its_place() {
    let mut driver = Driver::exploring(WIDE, finished());
    assert!(driver.screen().contains("reach 3"), "{}", driver.screen());
    driver.press("+ +");
    let Some(Effect::Search(_, request)) = driver.effects.last() else { panic!("no search") };
    assert_eq!((request.reach, driver.app.views.len()), (Some(5), 1));
    assert!(driver.screen().contains("reach 5"));
}

#[test]
fn escape_gives_up_to_look_for_a_start() {
    let mut driver = Driver::new(WIDE);
    driver.effects = driver.app.begin(Some("pod/x".to_owned()));
    driver.event(Event::Tick(fixture::now() + chrono::TimeDelta::seconds(7)));
    assert!(driver.screen().contains("Looking for pod/x … 7s"), "{}", driver.screen());
    driver.press("esc");
    assert!(matches!(driver.effects.last(), Some(Effect::LoadAlerts)));
    assert!(driver.screen().contains("Asking for the alerts …"));
    let late = vec![fixture::start()];
    driver.event(Event::Resolved(Ok(Start { asked: None, objects: late })));
    assert!(driver.app.view().is_none(), "a late answer changes nothing");
}

#[test]
fn the_moment_of_the_alert_is_carried_along_with_the_window() {
    let mut driver = Driver::exploring(WIDE, finished());
    driver.press("j .");
    let Some(Effect::Search(_, request)) = driver.effects.last() else { panic!("no search") };
    assert_eq!(request.start[0].class.kind(), "PersistentVolumeClaim");
    assert_eq!(request.focus, finished().focus);
}

#[test]
fn asking_again_asks_for_the_start_as_well() {
    let mut driver = Driver::new(WIDE);
    driver.app.begin(Some("pod/x".to_owned()));
    let asked = Arc::new((*finished().tree.nodes[2].runs[0]).clone());
    let start = |status: &str| {
        let mut object = (*finished().tree.nodes[2].members[0].object).clone();
        object.status = status.into();
        Start { asked: Some(asked.clone()), objects: vec![Arc::new(object)] }
    };
    driver.event(Event::Resolved(Ok(start("Pending"))));
    driver.snapshot(finished());
    driver.press("R");
    let asked = matches!(driver.effects.last(), Some(Effect::Resolve(text, 1)) if text == asked.query.text());
    assert!(asked, "{:?}", driver.effects.last());
    driver.event(Event::Resolved(Ok(start("Running"))));
    let Some(Effect::Search(_, request)) = driver.effects.last() else { panic!("no search") };
    assert_eq!(request.start[0].status, "Running");
    driver.press("R");
    driver.event(Event::Resolved(Err("refused".to_owned())));
    assert!(matches!(driver.effects.last(), Some(Effect::Search(..))));
    assert!(driver.said().contains("the start is as it was before: refused"));
}

#[test]
fn paths_whose_objects_stand_elsewhere_are_hidden() {
    let mut snapshot = finished();
    for node in &mut Arc::make_mut(&mut snapshot.tree).nodes {
        if node.class.kind() == "Node" {
            node.members[0].seen = true;
        }
    }
    let mut driver = Driver::exploring(WIDE, snapshot);
    assert!(!driver.screen().contains("Node node-3"), "{}", driver.screen());
    driver.press("a");
    assert!(driver.screen().contains("Node node-3 seen above"), "{}", driver.screen());
}

#[test]
fn a_filter_of_paths_keeps_the_way_there() {
    let mut driver = Driver::exploring(WIDE, finished());
    driver.press("& \"PodToLogs enter");
    let screen = driver.screen();
    for part in ["alert KubePersistent", "PersistentVolumeClaim data", "Pod db-0", "log:appl"] {
        assert!(screen.contains(part), "{part:?} is missing:\n{screen}");
    }
    assert!(!screen.contains("StatefulSet db"), "{screen}");
}

#[test]
fn messages_of_events_are_wrapped() {
    let mut snapshot = finished();
    let nodes = &mut Arc::make_mut(&mut snapshot.tree).nodes;
    let events = nodes.iter_mut().find(|node| node.class.kind() == "Event").expect("events");
    let event = Arc::make_mut(&mut events.members[0].object);
    event.body["message"] = format!("{}the end of it", "a long story ".repeat(20)).into();
    let mut driver = Driver::exploring(WIDE, snapshot);
    driver.press("/ \"PodToEvents enter 2 j k");
    let rows = |driver: &Driver| {
        let screen = driver.screen();
        let pane = screen.lines().map(|line| line.rsplit('│').next().unwrap_or_default());
        pane.take(18).collect::<Vec<_>>().join("\n")
    };
    assert!(!rows(&driver).contains("the end of it"), "{}", rows(&driver));
    driver.press("v");
    assert!(rows(&driver).contains("the end of it"), "{}", rows(&driver));
    assert!(rows(&driver).contains("Pulled"), "{}", rows(&driver));
}

#[test]
fn errors_can_be_stepped_through_in_the_detail() {
    let mut driver = Driver::exploring(WIDE, finished());
    driver.press("l g enter e");
    let view = driver.app.view().expect("a search");
    assert_eq!((view.focus, view.results.at()), (Pane::Detail, 1));
    assert!(driver.screen().contains("could not extend file"), "{}", driver.screen());
}

#[test]
fn the_curve_tells_what_was_cut_from_zero() {
    for (cut, sign) in [(true, '·'), (false, '▁')] {
        let mut snapshot = finished();
        let nodes = &mut Arc::make_mut(&mut snapshot.tree).nodes;
        let logs = nodes.iter_mut().find(|node| node.members.len() > 40).expect("logs");
        logs.members.drain(5..40);
        logs.runs[0].cut = logs.runs[0].cut.clone().filter(|_| cut);
        let mut driver = Driver::exploring(WIDE, snapshot);
        driver.press("l");
        let screen = driver.screen();
        let row =
            screen.lines().find(|line| line.contains("│ ERR ") && line.contains("alert 11:50"));
        let row = row.unwrap_or_else(|| panic!("no curve in\n{screen}"));
        assert_eq!((row.contains(&sign.to_string().repeat(9)), row.contains(" cut")), (true, cut));
    }
}

#[test]
fn many_lines_are_shown_as_they_are_after_each_change() {
    let mut snapshot = finished();
    let nodes = &mut Arc::make_mut(&mut snapshot.tree).nodes;
    let logs = nodes.iter_mut().find(|node| node.members.len() > 40).expect("logs");
    let member = logs.members[0].clone();
    logs.members = (0..3000)
        .map(|number| {
            let severity = [Severity::Info, Severity::Error][number % 2];
            let seconds = 3000 - i64::try_from(number).expect("small");
            let line = fixture::line(number, severity, seconds, &format!("number {number}"));
            crate::graph::Member { object: Arc::new(line), ..member.clone() }
        })
        .collect();
    let mut driver = Driver::exploring(WIDE, snapshot.clone());
    driver.press("l G");
    assert!(driver.screen().contains("number 2999"), "{}", driver.screen());
    driver.press("& \"999 enter g");
    assert!(driver.screen().contains("3 of 3000 lines"), "{}", driver.screen());
    driver.press("esc g");
    assert!(driver.screen().contains("ERR 1500"), "{}", driver.screen());
    let nodes = &mut Arc::make_mut(&mut snapshot.tree).nodes;
    let logs = nodes.iter_mut().find(|node| node.members.len() > 40).expect("logs");
    logs.members.truncate(2500);
    driver.press("R");
    driver.snapshot(snapshot);
    assert!(driver.screen().contains("ERR 1250"), "{}", driver.screen());
}

#[test]
fn messages_of_alerts_are_wrapped() {
    let mut driver = Driver::listed((60, 14));
    let whole = "persistentvolumeclaim data-db-0 is in trouble";
    assert!(!driver.screen().contains(whole), "{}", driver.screen());
    driver.press("v");
    assert!(driver.screen().contains(whole), "{}", driver.screen());
    driver.press("G");
    let screen = driver.screen();
    assert!(screen.contains("Watchdog") && screen.contains("instance prometheus-0"), "{screen}");
}

#[test]
fn a_longer_reach_goes_on_to_wait_for_logs() {
    let mut driver = Driver::exploring(WIDE, without_logs());
    driver.press("l");
    driver.snapshot(without_logs());
    driver.press("+");
    driver.snapshot(finished());
    assert_eq!(driver.app.view().map(|view| view.focus), Some(Pane::Results));
}

#[test]
fn a_click_selects_what_is_there_in_wrapped_rows() {
    use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
    let mut driver = Driver::listed((60, 14));
    driver.press("v");
    let screen = driver.screen();
    let row = screen.lines().position(|line| line.contains("Watchdog"));
    let row = u16::try_from(row.expect("it is shown")).expect("small") + 1;
    let kind = MouseEventKind::Down(MouseButton::Left);
    let modifiers = KeyModifiers::NONE;
    driver.event(Event::Mouse(MouseEvent { kind, column: 9, row, modifiers }));
    let selected = driver.app.alerts.selected().expect("one");
    assert_eq!(selected.text("/labels/alertname"), Some("Watchdog"));
}
