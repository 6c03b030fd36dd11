//! What keys and answers do.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use ratatui::style::{Color, Modifier};

use super::super::action::ROWS;
use super::super::effect::Effect;
use super::super::event::Event;
use super::super::fixture::{self, add, finished, snapshot, tree};
use super::super::layout::Pane;
use super::super::world::Listing;
use super::Driver;
use crate::graph::Tree;
use crate::model::{ErrorKind, Severity, StoreError};

const WIDE: (u16, u16) = (120, 36);

#[test]
fn keys_work_while_everything_hangs() {
    let mut driver = Driver::new(WIDE);
    assert!(matches!(driver.effects[..], [Effect::LoadAlerts]));
    assert!(driver.screen().contains("Asking for the alerts …"));
    driver.press("?");
    assert!(driver.screen().contains("type to find"));
    driver.press("esc esc j / esc q");
    assert!(matches!(driver.effects.last(), Some(Effect::Quit)));
}

#[test]
fn escape_never_quits() {
    let mut driver = Driver::exploring(WIDE, finished());
    for _ in 0..9 {
        driver.press("esc");
    }
    assert!(!driver.effects.iter().any(|effect| matches!(effect, Effect::Quit)));
}

#[test]
fn silenced_alerts_are_hidden_but_counted() {
    let mut driver = Driver::listed(WIDE);
    assert!(driver.screen().contains("1 silenced or inhibited, hidden"));
    assert!(!driver.screen().contains("KubeJobFailed"));
    driver.press("s");
    assert!(driver.screen().contains("KubeJobFailed"));
}

#[test]
fn alerts_are_filtered_as_one_types() {
    let mut driver = Driver::listed(WIDE);
    driver.press("/ \"kubep");
    let screen = driver.screen();
    assert!(
        screen.contains("KubePodCrashLooping") && screen.contains("KubePersistent"),
        "{screen}"
    );
    assert!(!screen.contains("Watchdog"), "{screen}");
    driver.press("down enter enter");
    let Some(Effect::Search(_, request)) = driver.effects.last() else { panic!("no search") };
    assert_eq!(request.start[0].text("/labels/alertname"), Some("KubePodCrashLooping"));
}

#[test]
fn sources_that_could_not_be_asked_are_named() {
    let mut driver = Driver::new(WIDE);
    let error = StoreError::new(ErrorKind::Unreachable, "prometheus", "connection refused");
    driver.event(Event::Alerts(Listing {
        alerts: Vec::new(),
        errors: vec![error.hint("Is --prometheus-url right?")],
        sources: Vec::new(),
    }));
    for part in ["prometheus: connection refused", "Is --prometheus-url right?", "R asks again"] {
        assert!(driver.screen().contains(part), "{part:?} is missing:\n{}", driver.screen());
    }
}

#[test]
fn late_rows_leave_the_selected_one_where_it_is() {
    let mut driver = Driver::exploring((120, 14), snapshot(tree()));
    driver.press("j j j j");
    let before = driver.selected();
    assert_eq!(before.0, "Event");
    let mut late = tree();
    for number in 0..20 {
        let bad = fixture::alert(&format!("New{number}"), "critical", ("pod", "db-0"), 14);
        add(&mut late, Some(0), &format!("Late{number}"), "alert:alert", vec![bad]);
        add(&mut late, Some(1), &format!("Late{number}"), "k8s:Pod.v1", Vec::new());
    }
    let (focus, window) = (snapshot(tree()).focus, snapshot(tree()).window);
    late.rank(focus, window);
    driver.snapshot(snapshot(late));
    assert_eq!(driver.selected(), before);
}

#[test]
fn late_lines_leave_the_selected_one_where_it_is() {
    let mut driver = Driver::exploring(WIDE, snapshot(tree()));
    driver.press("l g j j j");
    let place = |driver: &Driver| {
        let view = driver.app.view().expect("a search");
        let line = view.object().expect("a line").id.clone();
        (line, view.results.at() - view.results.top())
    };
    let before = place(&driver);
    let mut late = tree();
    let logs = driver.app.view().and_then(|view| view.paths.node()).expect("the logs");
    for number in 100..140 {
        let line = fixture::line(number, Severity::Info, 2000, "an older line");
        let mut member = late.nodes[logs].members[0].clone();
        member.object = Arc::new(line);
        late.nodes[logs].members.push(member);
    }
    driver.snapshot(snapshot(late));
    assert_eq!(place(&driver), before);
}

#[test]
fn logs_open_at_the_last_error_before_the_alert() {
    let mut driver = Driver::exploring(WIDE, finished());
    driver.press("l");
    let view = driver.app.view().expect("a search");
    let line = view.object().expect("a line");
    assert_eq!(line.severity, Severity::Error);
    let focus = fixture::now() - TimeDelta::minutes(14);
    assert!(line.time <= Some(focus));
    let later = view.node().expect("a node").1.members.iter().map(|member| &member.object);
    let later = later.filter(|other| other.time > line.time && other.time <= Some(focus));
    assert!(later.into_iter().all(|other| other.severity != Severity::Error));
}

#[test]
fn logs_that_are_asked_for_early_open_when_they_come() {
    let mut early = snapshot(tree());
    let nodes = &mut Arc::make_mut(&mut early.tree).nodes;
    nodes.truncate(1);
    nodes[0].children.clear();
    for (keys, pane) in [("l", Pane::Results), ("l j", Pane::Paths)] {
        let mut driver = Driver::exploring(WIDE, early.clone());
        driver.press(keys);
        driver.snapshot(snapshot(tree()));
        assert_eq!(driver.app.view().map(|view| view.focus), Some(pane), "{keys}");
    }
}

#[test]
fn errors_and_hits_can_be_stepped_through() {
    let mut driver = Driver::exploring(WIDE, finished());
    driver.press("l g e");
    let at = |driver: &Driver| driver.app.view().map(|view| view.results.at());
    assert_eq!(at(&driver), Some(1));
    driver.press("e E w");
    assert_eq!(at(&driver), Some(3));
    driver.press("g / \"checkpoint enter");
    assert!(driver.screen().contains("/checkpoint 1/7"), "{}", driver.screen());
    driver.press("n n N");
    assert!(driver.screen().contains("/checkpoint 2/7"));
    driver.press("N N");
    assert!(driver.screen().contains("/checkpoint 7/7"));
    driver.press("esc");
    assert!(!driver.screen().contains("/checkpoint"));
}

#[test]
fn a_filter_keeps_what_matches_and_stays_in_the_title() {
    let mut driver = Driver::exploring(WIDE, finished());
    driver.press("l & \"!checkpoint enter");
    assert!(driver.screen().contains("& !checkpoint"), "{}", driver.screen());
    assert!(driver.screen().contains("42 of 49 lines"), "{}", driver.screen());
    driver.press("& ctrl-u \"zzz enter");
    assert!(driver.screen().contains("Nothing matches the filter"));
    driver.press("esc");
    assert!(driver.screen().contains("49 of 49+"));
}

#[test]
fn a_new_search_goes_on_the_history_and_back_brings_all_back() {
    let mut driver = Driver::exploring(WIDE, finished());
    driver.press("l & \"space enter j");
    let before = driver.screen();
    driver.press("1 k k .");
    let Some(Effect::Search(_, request)) = driver.effects.last() else { panic!("no search") };
    assert_eq!(request.start[0].id.as_ref(), "shop/data-db-0");
    assert_eq!(request.window, Some(finished().window));
    driver.snapshot(finished());
    driver.effects.clear();
    driver.press("[ 2");
    driver.press("1 l");
    assert_eq!(driver.screen(), before);
    driver.press("]");
    assert_eq!(driver.app.at, Some(1));
    assert!(driver.effects.is_empty(), "{:?}", driver.effects);
    driver.press("[ [ ] j .");
    assert_eq!((driver.app.views.len(), driver.app.at), (2, Some(1)));
    assert!(matches!(driver.effects[..], [Effect::Cancel(_), Effect::Search(..)]));
}

#[test]
fn escape_cancels_and_keeps_what_is_there() {
    let mut driver = Driver::exploring(WIDE, snapshot(tree()));
    driver.press("esc");
    assert!(matches!(driver.effects[..], [Effect::Cancel(_)]));
    let screen = driver.screen();
    for part in ["cancelled 12/13", "log:application", "metric      "] {
        assert!(screen.contains(part), "{part:?} is missing:\n{screen}");
    }
    driver.snapshot(finished());
    assert_eq!(driver.screen(), screen, "a late answer changes nothing");
    driver.press("R");
    assert!(matches!(
        driver.effects[1..],
        [Effect::Refresh, Effect::Cancel(_), Effect::Search(..)]
    ));
}

#[test]
fn escape_while_asking_again_keeps_what_was_found_before() {
    let mut driver = Driver::exploring(WIDE, finished());
    driver.press("l");
    let before = driver.screen();
    assert!(before.contains("No space left"), "{before}");
    driver.press("1 R");
    let mut early = snapshot(Tree::default());
    early.elapsed = Duration::from_millis(300);
    driver.snapshot(early);
    driver.event(Event::Tick(fixture::now() + TimeDelta::seconds(4)));
    driver.press("esc");
    let screen = driver.screen();
    assert!(screen.contains("No space left") && screen.contains(" 4.3s"), "{screen}");
}

#[test]
fn an_answer_to_an_earlier_search_changes_nothing() {
    let mut driver = Driver::exploring(WIDE, snapshot(tree()));
    let old = driver.id();
    driver.press("R");
    driver.event(Event::Snapshot(old, Arc::new(finished())));
    assert!(driver.app.view().is_some_and(|view| view.running));
}

#[test]
fn the_window_is_asked_for_and_explained() {
    let mut driver = Driver::exploring(WIDE, finished());
    driver.press("t \"soon enter");
    assert!(driver.screen().contains("is no time range: write 15m, -2h, or from..to"));
    assert!(driver.effects.is_empty());
    driver.press("esc t \"-2h enter");
    let Some(Effect::Search(_, request)) = driver.effects.last() else { panic!("no search") };
    let window = request.window.expect("a window");
    assert_eq!((window.end, window.length()), (fixture::now(), TimeDelta::hours(2)));
    driver.press("t down down enter");
    let Some(Effect::Search(_, request)) = driver.effects.last() else { panic!("no search") };
    assert_eq!(request.window.map(|window| window.length()), Some(TimeDelta::minutes(15)));
}

#[test]
fn a_limit_is_lifted_in_place() {
    let mut driver = Driver::exploring(WIDE, finished());
    driver.press("L");
    let Some(Effect::Search(_, request)) = driver.effects.last() else { panic!("no search") };
    assert_eq!((request.lift, driver.app.views.len()), (5, 1));
    let mut early = snapshot(tree());
    Arc::make_mut(&mut early.tree).nodes.truncate(1);
    Arc::make_mut(&mut early.tree).nodes[0].children.clear();
    early.elapsed = Duration::from_millis(20);
    driver.snapshot(early);
    assert!(driver.screen().contains("log:application"), "it does not fall to pieces");
}

#[test]
fn copying_gives_the_record_as_it_came() {
    let mut driver = Driver::exploring(WIDE, finished());
    driver.press("l G y");
    assert_eq!(driver.said(), "copied 1 line");
    let Some(Effect::Copy(text)) = driver.effects.last() else { panic!("nothing copied") };
    assert_eq!(text, fixture::HOSTILE);
    driver.press("c");
    let Some(Effect::Copy(text)) = driver.effects.last() else { panic!("nothing copied") };
    assert!(text.starts_with("log:application:{"), "{text}");
}

#[test]
fn an_unknown_key_says_so_and_does_nothing() {
    let mut driver = Driver::exploring(WIDE, finished());
    driver.press("#");
    assert_eq!(driver.said(), "# has no meaning here; ? shows all keys");
    driver.press("j");
    assert_eq!(driver.said(), "");
}

#[test]
fn every_action_is_in_help_and_palette_and_can_be_run_there() {
    for open in ["?", ":"] {
        for row in ROWS {
            let mut driver = Driver::exploring((120, 60), finished());
            driver.press(open);
            driver.press(&format!("\"{}", row.help.replace(' ', "")));
            let screen = driver.screen();
            let found = screen.lines().any(|line| line.contains(row.help));
            assert!(found, "{:?} is missing:\n{screen}", row.help);
        }
        let mut driver = Driver::exploring(WIDE, finished());
        driver.press(open);
        driver.press(if open == "?" { "/ \"quit enter" } else { "\"quit enter" });
        assert!(matches!(driver.effects.last(), Some(Effect::Quit)));
    }
}

#[test]
fn panes_are_reached_by_number_tab_and_enter() {
    let mut driver = Driver::exploring((80, 24), finished());
    for (keys, pane) in [
        ("tab", Pane::Results),
        ("tab", Pane::Detail),
        ("tab", Pane::Paths),
        ("3", Pane::Detail),
        ("esc", Pane::Results),
        ("1", Pane::Paths),
        ("enter", Pane::Results),
        ("enter", Pane::Detail),
    ] {
        driver.press(keys);
        assert_eq!(driver.app.view().map(|view| view.focus), Some(pane), "{keys}");
    }
}

#[test]
fn without_colours_the_selected_row_is_still_reversed() {
    let mut driver = Driver::exploring(WIDE, finished());
    driver.press("l / \"space");
    for plain in [false, true] {
        driver.app.color = !plain;
        driver.app.typing = None;
        let terminal = driver.terminal();
        let cells = &terminal.backend().buffer().content;
        let coloured = cells.iter().any(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset);
        let reversed = cells.iter().filter(|cell| cell.modifier.contains(Modifier::REVERSED));
        assert_eq!(coloured, !plain);
        assert!(reversed.count() > 60);
    }
}

#[test]
fn any_size_can_be_drawn_at_any_time() {
    let mut driver = Driver::exploring(WIDE, finished());
    for keys in ["l", "enter", "v", "z", "?", "esc", "x", "esc", "t", "esc", "/", "esc", "1 ["] {
        driver.press(keys);
        for size in [(1, 1), (40, 10), (41, 11), (99, 10), (100, 10), (250, 70), (120, 36)] {
            driver.event(Event::Resize(size.0, size.1));
            assert_eq!(driver.screen().lines().count(), usize::from(size.1));
        }
    }
}
