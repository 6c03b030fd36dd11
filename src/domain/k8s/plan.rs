//! From a batch of queries to as few requests as answer them all, and as few bytes.
//!
//! Many small requests to one namespace become one list of it where that is expected to move
//! fewer bytes, by what earlier answers tell of the sizes.

use std::collections::BTreeMap;

use super::catalog::{Catalog, Kind};
use super::query::Selector;
use crate::client::kube::Url;
use crate::model::{Class, Query};

/// What a call costs besides its objects, in bytes that could be moved in the same time.
const CALL: usize = 16 << 10;
/// Bytes of an object where none is known: Events are small.
const OBJECT: usize = 4 << 10;
const EVENT: usize = 1 << 10;
/// Objects in a namespace (or of a cluster-scoped kind), and of a kind in all namespaces, where
/// nothing is known of them.
const IN_NAMESPACE: usize = 40;
const IN_CLUSTER: usize = 1000;
/// Objects that a selector is expected to find.
const SELECTED: usize = 4;
/// Objects in one page of a list.
pub(super) const PAGE: usize = 500;

/// A request and the queries that it answers.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) class: Class,
    pub(super) ask: Ask,
    /// Places in the batch.
    pub(super) queries: Vec<usize>,
    /// What to do instead if a merged list is forbidden or too long: the requests that were merged.
    pub(super) parts: Vec<Request>,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Ask {
    /// One object by its name.
    Get { namespace: Option<String>, name: String },
    /// Objects of a namespace or, without one, of the cluster.
    List { namespace: Option<String>, labels: String, fields: String },
}

/// What earlier answers tell.
pub(super) trait Known {
    /// Whether the answer is at hand.
    fn fresh(&self, class: &Class, ask: &Ask) -> bool;
    /// What is known of all objects of a namespace.
    fn size(&self, class: &Class, namespace: Option<&String>) -> Size;
}

/// What is known of all objects of a class in a namespace or, without one, in the cluster.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Size {
    /// How many there are.
    pub(super) objects: Option<usize>,
    /// Bytes of one of them.
    pub(super) bytes: Option<usize>,
    /// What requests for some of them have cost since all were read.
    pub(super) spent: usize,
    /// All of them are at hand, or will be soon.
    pub(super) listed: bool,
    /// The server has refused to list them.
    pub(super) refused: bool,
}

impl Size {
    fn bytes(&self, class: &Class) -> usize {
        self.bytes.unwrap_or(if class.kind() == "Event" { EVENT } else { OBJECT })
    }

    /// What it costs to read so many objects of a list.
    pub(super) fn list(&self, class: &Class, objects: usize) -> usize {
        objects.div_ceil(PAGE).max(1) * CALL + objects * self.bytes(class)
    }

    /// What a request for some of the objects costs.
    pub(super) fn part(&self, class: &Class, ask: &Ask) -> usize {
        let objects = if matches!(ask, Ask::Get { .. }) { 1 } else { SELECTED };
        CALL + objects.min(self.objects.unwrap_or(objects)) * self.bytes(class)
    }
}

impl Ask {
    /// All objects of a namespace or, without one, of the cluster.
    pub(super) fn all(namespace: Option<&String>) -> Self {
        Self::List { namespace: namespace.cloned(), labels: String::new(), fields: String::new() }
    }

    /// Whether it is for all objects of a namespace or of the cluster.
    pub(super) fn is_all(&self) -> bool {
        matches!(self, Self::List { labels, fields, .. } if labels.is_empty() && fields.is_empty())
    }

    /// The namespace that is asked.
    pub(super) fn namespace(&self) -> Option<&String> {
        match self {
            Self::Get { namespace, .. } | Self::List { namespace, .. } => namespace.as_ref(),
        }
    }

    /// The URL, for a list that of the first page.
    pub(super) fn url(&self, kind: &Kind, version: &str) -> Url {
        let base = |namespace: &Option<String>| {
            Url::resource(&kind.group, version, namespace.as_deref(), &kind.plural)
        };
        match self {
            Self::Get { namespace, name } => base(namespace).at(name),
            Self::List { namespace, labels, fields } => {
                base(namespace).query("labelSelector", labels).query("fieldSelector", fields)
            }
        }
    }
}

/// The requests for a batch; each place of the batch with a `k8s` selector is in one of them.
pub(super) fn plan(batch: &[Query], catalog: &Catalog, known: &impl Known) -> Vec<Request> {
    let mut asks: BTreeMap<(Class, Ask), (bool, Vec<usize>)> = BTreeMap::new();
    for (place, query) in batch.iter().enumerate() {
        let Some(selector) = query.selector::<Selector>() else { continue };
        let (kind, _) = catalog.kind(query.class().name());
        let key = (query.class().clone(), ask(selector, &kind));
        let (local, queries) = asks.entry(key).or_default();
        *local = selector.is_local(query.class());
        queries.push(place);
    }
    let mut requests = Vec::new();
    let mut groups: BTreeMap<(Class, Option<String>), Vec<Request>> = BTreeMap::new();
    for ((class, ask), (local, queries)) in asks {
        let request = Request { class, ask, queries, parts: vec![] };
        if local && !known.fresh(&request.class, &request.ask) {
            let key = (request.class.clone(), request.ask.namespace().cloned());
            groups.entry(key).or_default().push(request);
        } else {
            requests.push(request);
        }
    }
    for ((class, namespace), parts) in groups {
        let all = namespace.is_none() && catalog.kind(class.name()).0.namespaced != Some(false);
        let guess = if all { IN_CLUSTER } else { IN_NAMESPACE };
        requests.extend(merge(&class, namespace.as_ref(), guess, parts, known));
    }
    requests
}

/// What one query needs.
fn ask(selector: &Selector, kind: &Kind) -> Ask {
    let namespace = selector.namespace.clone().filter(|_| kind.namespaced != Some(false));
    let placed = namespace.is_some() || kind.namespaced == Some(false);
    if let Some(name) = selector.name.clone().filter(|_| placed) {
        return Ask::Get { namespace, name };
    }
    // An object of an unknown namespace is found by a list.
    let name = selector.name.as_ref().map(|name| ("metadata.name".to_owned(), name));
    let fields = selector.fields.iter().map(|(field, value)| (field.to_string(), value));
    let fields: Vec<String> =
        fields.chain(name).map(|(field, value)| format!("{field}={}", escape(value))).collect();
    Ask::List { namespace, labels: selector.labels.to_string(), fields: fields.join(",") }
}

/// Escapes what has a meaning in a field selector.
fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace(',', "\\,").replace('=', "\\=")
}

/// Puts the requests to one namespace into one list if that is cheaper.
///
/// What has been spent on it before counts too: many small batches that come one after the other
/// then cost at most twice as much as if it had been known from the beginning that they come.
fn merge(
    class: &Class,
    namespace: Option<&String>,
    guess: usize,
    parts: Vec<Request>,
    known: &impl Known,
) -> Vec<Request> {
    let size = known.size(class, namespace);
    let everywhere = namespace.is_some() && known.size(class, None).listed;
    if let [only] = &parts[..]
        && only.ask.is_all()
        && !everywhere
    {
        return parts;
    }
    let list = size.list(class, size.objects.unwrap_or(guess));
    let asked = parts.iter().any(|part| part.ask.is_all());
    let apart: usize = parts.iter().map(|part| size.part(class, &part.ask)).sum();
    let cheaper = asked || list < apart + size.spent;
    if size.listed || everywhere || cheaper && !size.refused {
        let queries = parts.iter().flat_map(|part| part.queries.iter().copied()).collect();
        let place = namespace.filter(|_| size.listed || !everywhere);
        return vec![Request { class: class.clone(), ask: Ask::all(place), queries, parts }];
    }
    parts
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::K8s;
    use super::*;
    use crate::model::Domains;

    struct Nothing;

    impl Known for Nothing {
        fn fresh(&self, _: &Class, _: &Ask) -> bool {
            false
        }

        fn size(&self, _: &Class, _: Option<&String>) -> Size {
            Size::default()
        }
    }

    /// What is known of one namespace.
    struct Of(Size);

    impl Known for Of {
        fn fresh(&self, _: &Class, _: &Ask) -> bool {
            false
        }

        fn size(&self, _: &Class, namespace: Option<&String>) -> Size {
            if namespace.is_some() { self.0 } else { Size::default() }
        }
    }

    fn check(queries: &[String], expected: &[&str]) {
        check_with(&Nothing, queries, expected);
    }

    fn check_with(known: &impl Known, queries: &[String], expected: &[&str]) {
        let domains = Domains::new(vec![Arc::new(K8s::new())]);
        let batch: Vec<Query> =
            queries.iter().map(|text| domains.query(text).expect("parses")).collect();
        let catalog = Catalog::builtin();
        let requests = plan(&batch, &catalog, known);
        let mut urls: Vec<String> = requests
            .iter()
            .map(|request| {
                let (kind, version) = catalog.kind(request.class.name());
                request.ask.url(&kind, &version).as_str().to_owned()
            })
            .collect();
        urls.sort();
        assert_eq!(urls, expected, "{queries:?}");
        let mut places: Vec<usize> = requests.into_iter().flat_map(|one| one.queries).collect();
        places.sort_unstable();
        assert_eq!(places, (0..batch.len()).collect::<Vec<_>>(), "each query is answered once");
    }

    fn each(count: usize, query: impl Fn(usize) -> String) -> Vec<String> {
        (0..count).map(query).collect()
    }

    #[test]
    fn what_is_known_decides_between_a_list_and_single_requests() {
        let shop = "/api/v1/namespaces/shop/pods";
        let two = each(2, |place| format!("k8s:Pod:{{namespace: shop, name: db-{place}}}"));
        let apart = [&*format!("{shop}/db-0"), &*format!("{shop}/db-1")];
        let size = Size::default();
        for (size, expected) in [
            (size, &apart[..]),
            (Size { objects: Some(2), ..size }, &[shop]),
            (Size { objects: Some(2), refused: true, ..size }, &apart),
            (Size { listed: true, objects: Some(10_000), ..size }, &[shop]),
            (Size { spent: 100 << 10, ..size }, &apart),
            (Size { spent: 200 << 10, ..size }, &[shop]),
            (Size { spent: 200 << 10, objects: Some(10_000), ..size }, &apart),
        ] {
            check_with(&Of(size), &two, expected);
        }
        let mut with_all = two;
        with_all.push("k8s:Pod:{namespace: shop}".to_owned());
        check(&with_all, &[shop]);
        let odd = "k8s:Pod:{namespace: shop, fields: {spec.weird: x}}".to_owned();
        with_all.push(odd);
        check(&with_all, &[shop, &format!("{shop}?fieldSelector=spec.weird%3Dx")]);
    }

    #[test]
    fn queries_become_few_requests() {
        let pods = "/api/v1/namespaces/shop/pods";
        let get = |place| format!("k8s:Pod:{{namespace: shop, name: db-{place}}}");
        let event = |place| {
            format!("k8s:Event:{{namespace: shop, fields: {{involvedObject.name: db-{place}}}}}")
        };
        check(&each(1, get), &["/api/v1/namespaces/shop/pods/db-0"]);
        check(&each(9, get), &[pods]);
        check(&each(4, event), &["/api/v1/namespaces/shop/events"]);
        check(
            &each(1, event),
            &["/api/v1/namespaces/shop/events?fieldSelector=involvedObject.name%3Ddb-0"],
        );
        check(
            &each(20, |place| {
                format!("k8s:Pod:{{namespace: shop, match: {{spec.nodeName: node-{place}}}}}")
            }),
            &[pods],
        );
        check(&["k8s:Node:{namespace: shop, name: n1}".into()], &["/api/v1/nodes/n1"]);
        check(
            &["k8s:Pod:{name: db-0}".into()],
            &["/api/v1/pods?fieldSelector=metadata.name%3Ddb-0"],
        );
        check(
            &["k8s:Deployment:{namespace: shop, labels: 'app in (a,b)'}".into()],
            &["/apis/apps/v1/namespaces/shop/deployments?labelSelector=app%20in%20%28a%2Cb%29"],
        );
        check(
            &["k8s:Pod:{fields: {spec.nodeName: 'a,b=c'}}".into()],
            &["/api/v1/pods?fieldSelector=spec.nodeName%3Da%5C%2Cb%5C%3Dc"],
        );
    }
}
