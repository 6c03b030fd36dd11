//! From a batch of queries to as few requests as answer them all.

use std::collections::BTreeMap;

use super::catalog::{Catalog, Kind};
use super::query::Selector;
use crate::client::kube::Url;
use crate::model::{Class, Query};

/// More names than these in one namespace are one list.
const NAMES: usize = 8;
/// More selections of Events than these in one namespace are one list.
const EVENTS: usize = 3;

/// A request and the queries that it answers.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) class: Class,
    pub(super) ask: Ask,
    /// Places in the batch.
    pub(super) queries: Vec<usize>,
    /// What to do instead if a merged list is forbidden: the requests that were merged.
    pub(super) parts: Vec<Request>,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ask {
    /// One object by its name.
    Get { namespace: Option<String>, name: String },
    /// Objects of a namespace or, without one, of the cluster.
    List { namespace: Option<String>, labels: String, fields: String },
}

impl Ask {
    fn list(namespace: Option<&String>) -> Self {
        Self::List { namespace: namespace.cloned(), labels: String::new(), fields: String::new() }
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
pub(super) fn plan(batch: &[Query], catalog: &Catalog) -> Vec<Request> {
    let mut asks: BTreeMap<(Class, Ask), Vec<usize>> = BTreeMap::new();
    for (place, query) in batch.iter().enumerate() {
        let Some(selector) = query.selector::<Selector>() else { continue };
        let (kind, _) = catalog.kind(query.class().name());
        let key = (query.class().clone(), ask(selector, &kind));
        asks.entry(key).or_default().push(place);
    }
    let requests = asks
        .into_iter()
        .map(|((class, ask), queries)| Request { class, ask, queries, parts: vec![] })
        .collect();
    merge(requests)
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

/// Puts many small requests to one namespace into one list.
fn merge(requests: Vec<Request>) -> Vec<Request> {
    let mut groups: BTreeMap<(Class, Option<String>, bool), Vec<Request>> = BTreeMap::new();
    let mut rest = Vec::new();
    for request in requests {
        let get = matches!(request.ask, Ask::Get { .. });
        let event = request.class.kind() == "Event"
            && matches!(&request.ask, Ask::List { namespace: Some(_), .. });
        if get || event {
            let key = (request.class.clone(), request.ask.namespace().cloned(), get);
            groups.entry(key).or_default().push(request);
        } else {
            rest.push(request);
        }
    }
    for ((class, namespace, get), parts) in groups {
        if parts.len() > if get { NAMES } else { EVENTS } {
            let queries = parts.iter().flat_map(|part| part.queries.iter().copied()).collect();
            rest.push(Request { class, ask: Ask::list(namespace.as_ref()), queries, parts });
        } else {
            rest.extend(parts);
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::K8s;
    use super::*;
    use crate::model::Domains;

    fn check(queries: &[String], expected: &[&str]) {
        let domains = Domains::new(vec![Arc::new(K8s::new())]);
        let batch: Vec<Query> =
            queries.iter().map(|text| domains.query(text).expect("parses")).collect();
        let catalog = Catalog::builtin();
        let requests = plan(&batch, &catalog);
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
