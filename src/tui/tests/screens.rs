//! Screens after a few keys, at the sizes that matter.

use super::super::fixture::{finished, snapshot, tree};
use super::Driver;

pub(super) const WIDE: (u16, u16) = (120, 36);
pub(super) const SMALL: (u16, u16) = (80, 24);
const TINY: (u16, u16) = (40, 12);

pub(super) fn check(name: &str, driver: &Driver) {
    insta::with_settings!({ prepend_module_to_snapshot => false, snapshot_path => "../snapshots", omit_expression => true }, {
        insta::assert_snapshot!(name, driver.screen());
    });
}

#[test]
fn the_list_of_alerts() {
    for (name, size) in [("alerts-120", WIDE), ("alerts-80", SMALL), ("alerts-40", TINY)] {
        check(name, &Driver::listed(size));
    }
    check("alerts-waiting", &Driver::new(SMALL));
}

#[test]
fn a_search_under_way() {
    for (name, size) in [("search-120", WIDE), ("search-80", SMALL), ("search-40", TINY)] {
        check(name, &Driver::exploring(size, snapshot(tree())));
    }
}

#[test]
fn log_lines() {
    for (name, size) in [("logs-120", WIDE), ("logs-80", SMALL), ("logs-40", TINY)] {
        let mut driver = Driver::exploring(size, finished());
        driver.press("l");
        check(name, &driver);
    }
}

#[test]
fn what_a_path_found() {
    for (name, path) in [
        ("events", "Event"),
        ("series", "metric"),
        ("other-alerts", "PodToAlerts"),
        ("refused", "log:audit"),
    ] {
        let mut driver = Driver::exploring(WIDE, finished());
        driver.press("/");
        driver.press(&format!("\"{path}"));
        driver.press("enter 2");
        check(name, &driver);
    }
}

#[test]
fn one_object_whole() {
    for (name, size) in [("detail-120", WIDE), ("detail-80", SMALL)] {
        let mut driver = Driver::exploring(size, finished());
        driver.press("l enter");
        check(name, &driver);
    }
}

#[test]
fn popups() {
    for (name, keys) in
        [("help", "?"), ("palette", ": \"cop"), ("window", "t \"noon.. enter"), ("sources", "x")]
    {
        let mut driver = Driver::exploring(WIDE, finished());
        driver.press(keys);
        check(name, &driver);
    }
    let mut driver = Driver::exploring(TINY, finished());
    driver.press("?");
    check("help-40", &driver);
}

#[test]
fn too_small() {
    let driver = Driver::exploring((38, 9), finished());
    assert!(driver.screen().contains("korrel8 needs 40×10, this is 38×9"), "{}", driver.screen());
    let driver = Driver::exploring((14, 9), finished());
    assert!(driver.screen().contains("needs 40×10"), "{}", driver.screen());
}
