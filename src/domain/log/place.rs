//! Where a server keeps the name of a Pod, and how LogQL selects by it: labels of streams,
//! structured metadata, fields of JSON lines, and paths of log files, which name Pod, namespace and
//! container at once.

use std::collections::BTreeSet;

use crate::model::{MatchOp, Matcher, escape_re2, quote};

/// What a line is told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Term {
    Namespace,
    Pod,
    Container,
}

/// Where a name is found. The earlier ones are the cheaper to select by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// In a stream label.
    Label(String),
    /// In the label `job` of a stream, before a slash: `shop/db`. Only namespaces are.
    Job(String),
    /// In structured metadata.
    Metadata(String),
    /// In a field of a JSON line, by its path: `kubernetes.pod_name`.
    Field(String),
    /// In the path of a log file, as kubelets name them, which is itself in some place.
    Path(Box<Place>),
}

impl Place {
    /// The name that a filter or matcher has to use.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Label(name) | Self::Job(name) | Self::Metadata(name) => name.clone(),
            Self::Field(path) => {
                let steps = steps(path);
                // A key with dots is the name of an attribute, whatever it stands in.
                let whole = steps.last().filter(|last| last.contains('.'));
                whole.map_or_else(|| steps.join("_"), |last| (*last).to_owned()).replace('.', "_")
            }
            Self::Path(inner) => inner.name(),
        }
    }

    /// What people call it.
    pub(super) fn shown(&self) -> &str {
        match self {
            Self::Label(name) | Self::Job(name) | Self::Metadata(name) | Self::Field(name) => name,
            Self::Path(inner) => inner.shown(),
        }
    }

    /// Whether the index of streams selects by it.
    pub(super) fn indexed(&self) -> bool {
        match self {
            Self::Label(_) | Self::Job(_) => true,
            Self::Metadata(_) | Self::Field(_) => false,
            Self::Path(inner) => inner.indexed(),
        }
    }

    /// What `| json` has to read, `name="path"`, if it is in a line.
    pub(super) fn read(&self) -> Option<String> {
        match self {
            Self::Field(path) => Some(format!("{}={}", self.name(), quote(path))),
            Self::Path(inner) => inner.read(),
            Self::Label(_) | Self::Job(_) | Self::Metadata(_) => None,
        }
    }

    /// A condition that one of some names is there.
    pub(super) fn one_of(&self, term: Term, names: &BTreeSet<&str>) -> Option<Matcher> {
        let plain = Matcher::one_of(&self.name(), names);
        match self {
            Self::Job(_) | Self::Path(_) => {
                let regex = match plain.op() {
                    MatchOp::Equal => escape_re2(plain.value()),
                    _ => plain.value().to_owned(),
                };
                self.regex(term, MatchOp::Regex, &regex)
            }
            _ => Some(plain),
        }
    }

    /// A condition that a name fulfils a regular expression, or that it does not.
    pub(super) fn regex(&self, term: Term, op: MatchOp, regex: &str) -> Option<Matcher> {
        let regex = match self {
            Self::Job(_) => format!("({regex})/.*"),
            Self::Path(_) => in_path(term, regex),
            _ => regex.to_owned(),
        };
        Matcher::new(&self.name(), op, &regex).ok()
    }

    /// A condition that no name is there, or that one is.
    pub(super) fn there(&self, is: bool) -> Option<Matcher> {
        let paths = matches!(self, Self::Path(_));
        let (op, text) = match (paths, is) {
            (true, true) => (MatchOp::Regex, in_path(Term::Pod, "[^_]+")),
            (true, false) => (MatchOp::NotRegex, in_path(Term::Pod, "[^_]+")),
            (false, true) => (MatchOp::NotEqual, String::new()),
            (false, false) => (MatchOp::Equal, String::new()),
        };
        Matcher::new(&self.name(), op, &text).ok()
    }
}

/// A regular expression of the paths that kubelets and container runtimes give to logs:
/// `…/pods/shop_db-0_UID/db/0.log` and `…/containers/db-0_shop_db-ID.log`.
fn in_path(term: Term, regex: &str) -> String {
    let (pods, containers) = match term {
        Term::Namespace => (format!("({regex})_[^_]+_.*"), format!("[^_]+_({regex})_.*")),
        Term::Pod => (format!("[^_]+_({regex})_.*"), format!("({regex})_[^_]+_.*")),
        Term::Container => {
            (format!("[^/]*/({regex})/.*"), format!("[^_]+_[^_]+_({regex})-[0-9a-f]+[.]log"))
        }
    };
    format!(".*/pods/{pods}|.*/containers/{containers}")
}

/// Namespace, Pod and container that a path of a log file names; none if it is another file's.
pub(super) fn of_path(path: &str) -> Option<[&str; 3]> {
    let (folder, rest) = ["/pods/", "/containers/"]
        .into_iter()
        .find_map(|folder| Some((folder, path.rsplit_once(folder)?.1)))?;
    if folder == "/pods/" {
        let (pod, file) = rest.split_once('/')?;
        let mut parts = pod.splitn(3, '_');
        let (namespace, pod, _) = (parts.next()?, parts.next()?, parts.next()?);
        return named([namespace, pod, file.split_once('/')?.0]);
    }
    let mut parts = rest.strip_suffix(".log")?.splitn(3, '_');
    let (pod, namespace, container) = (parts.next()?, parts.next()?, parts.next()?);
    named([namespace, pod, container.rsplit_once('-')?.0])
}

fn named(names: [&str; 3]) -> Option<[&str; 3]> {
    names.iter().all(|name| !name.is_empty()).then_some(names)
}

/// The namespace that a label `job` names, as in `shop/db`.
pub(super) fn of_job(job: &str) -> Option<&str> {
    let (namespace, app) = job.split_once('/')?;
    let plain = |text: &str| !text.is_empty() && !text.contains('/');
    (plain(namespace) && plain(app)).then_some(namespace)
}

/// The keys of a path: `kubernetes.pod_name`, `resources["k8s.pod.name"]`.
pub(super) fn steps(path: &str) -> Vec<&str> {
    match path.split_once("[\"") {
        Some((start, key)) => {
            let key = key.strip_suffix("\"]").unwrap_or(key);
            start.split('.').filter(|step| !step.is_empty()).chain([key]).collect()
        }
        None => path.split('.').collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POD: &str = "/var/log/pods/shop_db-0_0a1b-2c/sql-proxy/3.log";
    const CONTAINER: &str = "/var/log/containers/db-0_shop_sql-proxy-0a1b2c3d.log";

    #[test]
    fn paths_of_logs_name_their_pod() {
        for (path, expected) in [
            (POD, Some(["shop", "db-0", "sql-proxy"])),
            (CONTAINER, Some(["shop", "db-0", "sql-proxy"])),
            ("/host/var/log/pods/a_b_c/d/0.log.20261123-010203", Some(["a", "b", "d"])),
            ("/var/log/messages", None),
            ("/var/log/pods/shop_db-0_uid", None),
            ("/var/log/containers/db-0.log", None),
            ("/api/pods/shop", None),
        ] {
            assert_eq!(of_path(path), expected, "{path}");
        }
    }

    #[test]
    fn paths_are_selected_by_what_they_name() {
        let place = Place::Path(Box::new(Place::Label("filename".to_owned())));
        for (term, name, expected) in [
            (Term::Pod, "db-0", true),
            (Term::Pod, "db", false),
            (Term::Pod, "shop", false),
            (Term::Namespace, "shop", true),
            (Term::Namespace, "db-0", false),
            (Term::Container, "sql-proxy", true),
            (Term::Container, "sql", false),
            (Term::Container, "proxy", false),
        ] {
            let matcher = place.one_of(term, &BTreeSet::from([name])).expect("a matcher");
            for path in [POD, CONTAINER] {
                assert_eq!(matcher.is_match(path), expected, "{matcher} {path}");
            }
        }
        let is = place.there(true).expect("a matcher");
        assert!(is.is_match(POD) && is.is_match(CONTAINER) && !is.is_match("/var/log/messages"));
    }

    #[test]
    fn a_job_names_a_namespace_before_its_slash() {
        for (job, expected) in
            [("shop/db", Some("shop")), ("db", None), ("/db", None), ("a/b/c", None)]
        {
            assert_eq!(of_job(job), expected, "{job}");
        }
        let place = Place::Job("job".to_owned());
        let all = place.one_of(Term::Namespace, &BTreeSet::from(["a", "b"])).expect("a matcher");
        assert!(all.is_match("a/x") && all.is_match("b/y") && !all.is_match("ab/x"), "{all}");
    }
}
