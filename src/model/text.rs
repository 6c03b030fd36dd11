//! Text that is safe and fits.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// The text without anything that could control a terminal: escape sequences are dropped whole,
/// other control characters are shown as a space, and so are invisible format characters that
/// could reorder a line.
pub fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\u{1b}' => skip_escape(&mut rest),
            '\u{9b}' => skip_csi(&mut rest),
            '\t' => out.push_str("    "),
            c if is_active(c) => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// Whether a character may do more than stand there: control a terminal, or reorder a line unseen.
pub fn is_active(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

fn skip_escape(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match rest.peek() {
        Some('[') => {
            rest.next();
            skip_csi(rest);
        }
        Some(']' | 'P' | 'X' | '^' | '_') => {
            rest.next();
            while let Some(c) = rest.next() {
                if c == '\u{7}' || c == '\u{9c}' {
                    break;
                }
                if c == '\u{1b}' {
                    rest.next_if_eq(&'\\');
                    break;
                }
            }
        }
        Some('(' | ')' | '#' | '%') => {
            rest.next();
            rest.next();
        }
        Some(c) if !c.is_control() => {
            rest.next();
        }
        _ => {}
    }
}

fn skip_csi(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    while let Some(c) = rest.next_if(|c| ('\u{20}'..='\u{7e}').contains(c)) {
        if ('\u{40}'..='\u{7e}').contains(&c) {
            break;
        }
    }
}

/// The text cut to a width in terminal cells, with `…` where something was cut.
pub fn fit(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 0;
    for cluster in text.graphemes(true) {
        let cells = cluster.width();
        if used + cells + 1 > width {
            break;
        }
        used += cells;
        out.push_str(cluster);
    }
    if width > 0 {
        out.push('…');
    }
    out
}

/// A name cut to a width in terminal cells: its end stays, for Pods of a Deployment differ only there.
pub fn fit_name(name: &str, width: usize) -> String {
    let end = width / 3;
    if name.width() <= width || end < 2 {
        return fit(name, width);
    }
    let mut used = 0;
    let room = |cluster: &&str| {
        used += cluster.width();
        used <= end
    };
    let tail: Vec<&str> = name.graphemes(true).rev().take_while(room).collect();
    let tail: String = tail.into_iter().rev().collect();
    fit(name, width - tail.width()) + &tail
}

/// Up to three of the candidates that look most like what was typed, best first.
pub fn similar<'a>(typed: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let typed = typed.to_lowercase();
    let bound = typed.len() / 3 + 1;
    let mut near: Vec<(usize, &str)> = candidates
        .into_iter()
        .filter_map(|name| {
            let lower = name.to_lowercase();
            let away = distance(&typed, &lower);
            let stem = lower.split('.').next().unwrap_or(&lower);
            let away = away.min(distance(&typed, stem));
            let inside = typed.len() > 2 && lower.contains(&typed);
            (inside || away <= bound).then_some((if inside { away.min(1) } else { away }, name))
        })
        .collect();
    near.sort_unstable();
    near.dedup();
    near.into_iter().take(3).map(|(_, name)| name).collect()
}

fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replace = corner + usize::from(from != *to);
            corner = row[j + 1];
            row[j + 1] = replace.min(row[j] + 1).min(corner + 1);
        }
    }
    row[b.len()]
}

/// A duration in nanoseconds for people, with about three digits.
pub fn spent(nanos: i64) -> String {
    #[allow(clippy::cast_precision_loss, reason = "three digits are shown")]
    let number = nanos as f64;
    match nanos {
        ..1_000 => format!("{nanos} ns"),
        1_000..1_000_000 => short(number / 1e3, "µs"),
        1_000_000..1_000_000_000 => short(number / 1e6, "ms"),
        1_000_000_000..60_000_000_000 => short(number / 1e9, "s"),
        _ => {
            let seconds = nanos / 1_000_000_000;
            let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
            if hours > 0 {
                format!("{hours} h {minutes} m")
            } else {
                format!("{minutes} m {} s", seconds % 60)
            }
        }
    }
}

fn short(number: f64, unit: &str) -> String {
    let decimals = match number {
        ..9.995 => 2,
        ..99.95 => 1,
        _ => 0,
    };
    format!("{number:.decimals$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_cannot_reach_the_terminal() {
        for (raw, shown) in [
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("a\u{1b}]0;title\u{7}b", "ab"),
            ("a\u{1b}]52;c;ZXZpbA==\u{1b}\\b", "ab"),
            ("a\u{9b}2Jb", "ab"),
            ("nul\0bell\u{7}cr\rlf\n", "nul bell cr lf "),
            ("tab\tx", "tab    x"),
            ("\u{1b}", ""),
            ("\u{1b}[", ""),
            ("a\u{202e}b", "a b"),
            ("日本 🍵 [red]", "日本 🍵 [red]"),
        ] {
            assert_eq!(clean(raw), shown, "{raw:?}");
        }
    }

    #[test]
    fn cut_text_fits() {
        assert_eq!(fit("abc", 3), "abc");
        assert_eq!(fit("abcd", 3), "ab…");
        assert_eq!(fit("日本語", 4), "日…");
        assert_eq!(fit("abc", 0), "");
        assert_eq!(fit_name("shop/web-5c9d-abcde", 19), "shop/web-5c9d-abcde");
        assert_eq!(fit_name("shop/web-5c9d-abcde", 15), "shop/web-…abcde");
        assert_eq!(fit_name("日本語日本語", 8), "日本…語");
        assert_eq!(fit_name("abcdef", 4), "abc…");
    }

    #[test]
    fn typos_are_understood() {
        assert_eq!(similar("pood", ["Pod.v1", "Node.v1", "Secret.v1"]), ["Pod.v1"]);
        assert!(similar("zzzzzz", ["Pod.v1"]).is_empty());
    }

    #[test]
    fn durations_have_three_digits() {
        for (nanos, expected) in [
            (0, "0 ns"),
            (999, "999 ns"),
            (1_500, "1.50 µs"),
            (312_000_000, "312 ms"),
            (99_960_000, "100 ms"),
            (7_310_566_324, "7.31 s"),
            (61_000_000_000, "1 m 1 s"),
            (7_260_000_000_000, "2 h 1 m"),
        ] {
            assert_eq!(spent(nanos), expected);
        }
    }
}
