//! Text from servers can do nothing but stand in its row.

use std::sync::Arc;

use super::super::effect::Effect;
use super::super::fixture::{self, HOSTILE, add, finished};
use super::Driver;
use crate::engine::Snapshot;
use crate::graph::Tree;
use crate::model::Severity;

fn with_lines(texts: &[&str]) -> Snapshot {
    let mut tree = Tree::default();
    let root = add(&mut tree, None, "", "alert:alert", vec![(*fixture::start()).clone()]);
    let count = i64::try_from(texts.len()).expect("few");
    let lines = (0..).zip(texts).map(|(at, text)| {
        let number = usize::try_from(at).expect("small") * 5;
        fixture::line(number, Severity::Error, count - at, text)
    });
    add(&mut tree, Some(root), "AlertToLogs", "log:application", lines.collect());
    Snapshot { tree: Arc::new(tree), ..finished() }
}

#[test]
fn a_line_never_changes_a_cell_outside_of_its_row() {
    let long = "x".repeat(1 << 20);
    let combining = "e\u{301}".repeat(100_000);
    for text in [HOSTILE, &long, &combining, "日本語".repeat(999).as_str(), "a\nb\r\nc", "", "\0"]
    {
        for keys in ["l", "l v", "l enter", "l z right right"] {
            let draw = |middle: &str| {
                let mut driver =
                    Driver::exploring((120, 36), with_lines(&["first", middle, "last"]));
                driver.press(keys);
                driver.press("1");
                driver
            };
            let (plain, driver) = (draw("plain").terminal(), draw(text).terminal());
            let rows = |terminal: &ratatui::Terminal<ratatui::backend::TestBackend>| {
                let buffer = terminal.backend().buffer().clone();
                let row =
                    |y| (0..120).map(|x| buffer[(x, y)].symbol().to_owned()).collect::<String>();
                (0..36).map(row).collect::<Vec<_>>()
            };
            let (plain, hostile) = (rows(&plain), rows(&driver));
            for row in &hostile {
                assert!(!row.contains(char::is_control), "{keys}: {row:?}");
            }
            if keys == "l" {
                let changed = plain.iter().zip(&hostile).filter(|(a, b)| a != b).count();
                assert!(
                    changed <= 1,
                    "{changed} rows changed by {:?}",
                    &text[..text.len().min(20)]
                );
            }
        }
    }
}

#[test]
fn names_from_servers_are_clean_everywhere() {
    let mut alert =
        fixture::alert("Evil\u{1b}[2J\u{7}", "critical", ("pod", "x\u{1b}]0;t\u{7}"), 3);
    alert.body["annotations"]["summary"] = HOSTILE.into();
    alert.status = HOSTILE.into();
    let mut tree = Tree::default();
    let root = add(&mut tree, None, "", "alert:alert", vec![alert]);
    let pod = fixture::object(
        "k8s:Pod.v1",
        HOSTILE,
        Severity::Error,
        3,
        serde_json::json!({HOSTILE: HOSTILE}),
    );
    add(&mut tree, Some(root), HOSTILE, "k8s:Pod.v1", vec![pod]);
    let mut driver = Driver::exploring((120, 36), Snapshot { tree: Arc::new(tree), ..finished() });
    for keys in ["j", "enter", "enter", "f", "x", "esc", "1 k ."] {
        driver.press(keys);
        let screen = driver.screen().replace('\n', "");
        assert!(!screen.contains(char::is_control), "{screen:?}");
    }
}

#[test]
fn what_is_too_long_for_a_clipboard_is_refused_aloud() {
    let mut driver = Driver::exploring((120, 36), with_lines(&[&"x".repeat(1 << 20)]));
    driver.press("l y");
    assert!(driver.said().starts_with("not copied: 1048 kB"), "{}", driver.said());
    assert!(!driver.effects.iter().any(|effect| matches!(effect, Effect::Copy(_))));
}
