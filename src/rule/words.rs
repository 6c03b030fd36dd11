//! The functions that templates may call: one table for the engine, for help and for the
//! documentation; and those of them that make text of text.

/// A function that templates may call.
#[derive(Clone, Copy, Debug)]
pub struct Word {
    /// How it is called, as `label("pod")`.
    pub call: &'static str,
    /// What it gives.
    pub gives: &'static str,
}

impl Word {
    /// Its name, as `label`.
    pub fn name(&self) -> &'static str {
        self.call.split_once('(').map_or(self.call, |(name, _)| name)
    }
}

macro_rules! words {
    ($($call:literal: $gives:literal,)*) => { [$(Word { call: $call, gives: $gives }),*] };
}

/// All of them; those that read what a signal is about come first.
pub const WORDS: [Word; 18] = words! {
    r#"label("pod")"#: "the label that carries the term, by `vocabulary.yaml`, unless it is the messenger's (`subject.yaml`)",
    r#"subject("pod")"#: "the same, if it is the most specific term that the labels carry",
    r#"named(subject("pod"))"#: "the selector of that name in the subject's namespace, or in any if nothing tells which",
    "subjectclass()": "the class of the subject if its labels tell it (`class` of a value in `subject.yaml`), unquoted",
    r#"beside("node")"#: r#"the parts of a label that tells of something besides the subject, as `beside("node").node`"#,
    r#"messenger("pod")"#: "the label that carries the term if it is the messenger's",
    "component()": "what the component may be whose metrics the signal reads: a list of `{apiVersion, kind, select, pods}`",
    "address(text)": "the parts of an address or URL: `ip` or `host`, `port`, `url`; of a name in the cluster `pod`, `service`, `namespace`",
    "stem(name)": "a name without the part that a controller has added: `web-5d4f9c` of `web-5d4f9c-x2x1z`, `db` of `db-0`; missing if there is none",
    "class(apiVersion, kind)": "the name of a class, unquoted",
    "logclass(namespace)": "the log class of a namespace, unquoted",
    "narrow(expression)": "a PromQL expression in which every selector also asks for the alert's subject",
    "selector(spec.selector)": "a label selector with `matchLabels` and `matchExpressions` as `labels` of a query",
    "re(text)": "the text escaped for a regular expression",
    "line(text)": "the text on one line, unquoted: a whole PromQL expression",
    r#"attribute("pod")"#: "the resource attribute of spans that carries the term, unquoted: `resource.k8s.pod.name`",
    "traceid()": "the trace that a log line belongs to, from its metadata, its labels or its text",
    "labelname(text)": "the text as a label name, unquoted: `deployment` of `Deployment`",
};

/// Whether a name is that of a function.
pub(super) fn is_word(name: &str) -> bool {
    WORDS.iter().any(|word| word.name() == name)
}

/// A name without its last part, if that looks like one that a controller adds: a number, as a
/// StatefulSet or CronJob does, or a hash. Kubernetes writes hashes of 5 to 10 letters and digits
/// and without vowels, so that no words come about, and none is taken for one here.
pub(super) fn stem(name: &str) -> Option<&str> {
    let (stem, part) = name.rsplit_once('-').filter(|(stem, _)| !stem.is_empty())?;
    let digit = |c: u8| c.is_ascii_digit();
    let coded = |c: u8| digit(c) || c.is_ascii_lowercase() && !b"aeiouy".contains(&c);
    let number = !part.is_empty() && part.bytes().all(digit);
    let hash = (5..=10).contains(&part.len()) && part.bytes().all(coded);
    (number || hash).then_some(stem)
}

/// A text on one line.
pub(super) fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split(['\n', '\r']).map(str::trim).collect();
    words.join(" ").trim().to_owned()
}

/// A text as the name of a label.
pub(super) fn label_name(text: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    text.chars().map(safe).collect()
}

/// `Deployment.v1.apps` from `apps/v1` and `Deployment`; `None` where they name no kind.
pub(super) fn class_name(api_version: &str, kind: &str) -> Option<String> {
    let plain = |text: &str, more: &[u8]| {
        text.bytes().all(|byte| byte.is_ascii_alphanumeric() || more.contains(&byte))
    };
    if !plain(kind, b"") || !plain(api_version, b"./-") {
        return None;
    }
    Some(match api_version.split_once('/') {
        Some((group, version)) => [kind, ".", version, ".", group].concat(),
        None => [kind, ".", api_version].concat(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stem_is_what_the_controller_was_called() {
        for (name, expected) in [
            ("web-5d4f9c-x2x1z", Some("web-5d4f9c")),
            ("web-5d4f9c", Some("web")),
            ("web-7c9d8b6f5d", Some("web")),
            ("db-0", Some("db")),
            ("backup-28473840", Some("backup")),
            ("node-exporter-x7k2p", Some("node-exporter")),
            // Words are no hashes.
            ("web-frontend", None),
            ("web-nginx", None),
            ("web-v2", None),
            ("web-db", None),
            ("web", None),
            ("-0", None),
            ("web-", None),
            ("web-X2X1Z", None),
            ("web-5d4f9c7b8d9", None),
            ("", None),
        ] {
            assert_eq!(stem(name), expected, "{name}");
        }
    }

    #[test]
    fn the_documentation_has_every_function() {
        let text = include_str!("../../rules/README.md");
        let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| `")).collect();
        let expected = WORDS.map(|word| format!("| `{}` | {} |", word.call, word.gives));
        assert_eq!(rows, expected);
    }
}
