//! What a START names: nothing, one thing, several, or more than there is room for.

use std::sync::Arc;

use super::super::effect::Effect;
use super::super::event::Event;
use super::super::fixture;
use super::super::world::Start;
use super::Driver;
use super::screens::WIDE;
use crate::model::{Cut, Severity};

#[test]
fn a_start_that_names_several_asks_which() {
    let mut driver = Driver::new(WIDE);
    driver.effects = driver.app.begin(Some("deploy/web".to_owned()));
    assert!(matches!(&driver.effects[..], [Effect::Resolve(start, 1)] if start == "deploy/web"));
    let objects = ["a", "b"].map(|name| {
        let id = format!("{name}/web");
        Arc::new(fixture::object(
            "k8s:Deployment.v1.apps",
            &id,
            Severity::None,
            1,
            serde_json::Value::Null,
        ))
    });
    driver.event(Event::Resolved(Ok(Start { asked: None, objects: objects.into() })));
    assert!(driver.screen().contains("2 objects match"), "{}", driver.screen());
    driver.press("/ \"b/web enter");
    let Some(Effect::Search(_, request)) = driver.effects.last() else { panic!("no search") };
    assert_eq!(request.start[0].id.as_ref(), "b/web");
}

#[test]
fn a_start_that_was_cut_says_so_and_can_be_lifted() {
    let mut driver = Driver::new(WIDE);
    driver.app.begin(Some("k8s:Pod:{}".to_owned()));
    let mut asked = (*fixture::tree().nodes[1].runs[0]).clone();
    asked.cut = Some(Cut { shown: 2, total: Some(9), by: "limit" });
    let query = asked.query.text().to_owned();
    let objects = vec![fixture::start(); 2];
    driver.event(Event::Resolved(Ok(Start { asked: Some(Arc::new(asked)), objects })));
    assert!(driver.screen().contains("2 of 9 objects that match"), "{}", driver.screen());
    driver.press("enter");
    driver.snapshot(fixture::finished());
    driver.press("L");
    let lifted = matches!(driver.effects.last(), Some(Effect::Resolve(text, 5)) if *text == query);
    assert!(lifted, "the start is asked for again, and more of it: {:?}", driver.effects);
}

#[test]
fn the_spans_of_one_trace_are_one_start() {
    let span = |trace: &str, number: usize| {
        let body = serde_json::json!({"traceID": trace, "spanID": number.to_string()});
        Arc::new(fixture::object(
            "trace:span",
            &format!("{trace}/{number}"),
            Severity::None,
            1,
            body,
        ))
    };
    for (other, asks) in [("a", false), ("b", true)] {
        let mut driver = Driver::new(WIDE);
        driver.app.begin(Some("trace:span:a".to_owned()));
        let objects = vec![span("a", 1), span(other, 2)];
        driver.event(Event::Resolved(Ok(Start { asked: None, objects })));
        let searches = matches!(driver.effects.last(), Some(Effect::Search(..)));
        assert_eq!((driver.screen().contains("where to begin"), searches), (asks, !asks));
    }
}

#[test]
fn a_start_that_names_nothing_says_so() {
    for (found, said) in [
        (Ok(Start { asked: None, objects: Vec::new() }), "pod/x names nothing"),
        (Err("unknown kind \"pood\"".to_owned()), "unknown kind \"pood\""),
    ] {
        let mut driver = Driver::new(WIDE);
        driver.effects = driver.app.begin(Some("pod/x".to_owned()));
        driver.event(Event::Resolved(found));
        assert!(driver.screen().contains(said), "{}", driver.screen());
        assert!(matches!(driver.effects.last(), Some(Effect::LoadAlerts)));
    }
}
