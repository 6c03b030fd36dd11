//! What the user looks at is asked first, also where a search is repeated.

use std::sync::Arc;

use super::super::effect::Effect;
use super::super::event::Event;
use super::super::fixture;
use super::super::world::Start;
use super::Driver;

#[test]
fn what_the_user_looks_at_is_asked_first() {
    let mut driver = Driver::exploring((120, 40), fixture::snapshot(fixture::tree()));
    driver.press("down");
    let Some(Effect::Prefer(id, key)) = driver.effects.last() else { panic!("no preference") };
    let selected = driver.app.view().and_then(|view| view.node()).map(|(_, node)| &node.key);
    assert_eq!((*id, Some(key)), (driver.id(), selected));
    driver.snapshot(fixture::finished());
    driver.effects.clear();
    driver.press("down");
    assert!(driver.effects.is_empty(), "nothing is asked any more");
}

/// The node that a repeated search was told of last.
fn told(driver: &Driver) -> Option<String> {
    let Some(Effect::Prefer(of, key)) = driver.effects.last() else { return None };
    (*of == driver.id()).then(|| key.to_string())
}

#[test]
fn a_repeated_search_asks_first_for_what_the_user_looks_at() {
    let mut driver = Driver::exploring((120, 40), fixture::finished());
    driver.press("down down");
    let key = driver.app.view().and_then(|view| view.node()).map(|(_, node)| node.key.to_string());
    for keys in ["R", "+"] {
        driver.press(keys);
        assert_eq!(told(&driver), key, "{keys}");
        driver.snapshot(fixture::finished());
    }
    // The start is asked for anew before.
    let asked = Arc::new((*fixture::tree().nodes[1].runs[0]).clone());
    driver.app.view_mut().expect("a search").request.asked = Some(asked);
    driver.press("R");
    assert!(told(&driver).is_none(), "nothing is searched for yet");
    let start = Start { asked: None, objects: vec![fixture::start()] };
    driver.event(Event::Resolved(Ok(start)));
    assert_eq!(told(&driver), key);
}
