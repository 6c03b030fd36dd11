//! An API server that answers as the recorded one does: shapes of lists, pages, errors and
//! rights are those of the recordings.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::discovery::{KINDS, Row, core_versions, groups, resources};
use super::http::{Request, Response, Server};

/// The lines of a container: its name, whether of the previous run, time and text of each.
pub(crate) type Lines = Vec<(&'static str, &'static str)>;

/// What the server has and how it behaves.
#[derive(Clone, Default)]
pub(crate) struct ApiServer {
    /// Full objects, with kind and apiVersion, in the order of their names.
    pub(crate) objects: Vec<Value>,
    /// (pod, container, previous) -> lines as time and text.
    pub(crate) logs: BTreeMap<(&'static str, &'static str, bool), Lines>,
    /// It knows only the old form of discovery.
    pub(crate) plain_discovery: bool,
    /// Paths that are answered with 500.
    pub(crate) broken: Vec<&'static str>,
    /// How many tokens of next pages turn out to be too old.
    pub(crate) expire: usize,
}

impl ApiServer {
    pub(crate) fn with(objects: impl IntoIterator<Item = Value>) -> Self {
        Self { objects: objects.into_iter().collect(), ..Self::default() }
    }

    pub(crate) async fn start(self) -> Server {
        Server::start(self.answerer()).await
    }

    pub(crate) fn answerer(self) -> impl Fn(&Request) -> Response + Send + Sync + 'static {
        let expired = AtomicUsize::new(0);
        let server = Arc::new(self);
        move |request| server.answer(request, &expired)
    }

    fn answer(&self, request: &Request, expired: &AtomicUsize) -> Response {
        let token = request.header("authorization").strip_prefix("Bearer ").unwrap_or_default();
        let user = match (token, request.header("impersonate-user")) {
            ("admin", "") => "admin",
            ("viewer", "") | ("admin", "viewer") => "viewer",
            _ => return status(401, "Unauthorized", "Unauthorized", None),
        };
        if request.method != "GET" {
            let words = "the server does not allow this method on the requested resource";
            return status(405, "MethodNotAllowed", words, Some(json!({})));
        }
        if self.broken.contains(&request.path.as_str()) {
            return status(500, "InternalError", "etcd is gone", None);
        }
        let parts: Vec<&str> = request.path.trim_matches('/').split('/').collect();
        match parts[..] {
            ["api"] => core_versions(self.aggregates(request)),
            ["apis"] => groups(self.aggregates(request)),
            ["api", version] => resources("", version),
            ["apis", group, version] => resources(group, version),
            ["api", version, ref rest @ ..] => {
                self.objects(request, user, ("", version), rest, expired)
            }
            ["apis", group, version, ref rest @ ..] => {
                self.objects(request, user, (group, version), rest, expired)
            }
            _ => Response::text(404, "404 page not found\n"),
        }
    }

    fn aggregates(&self, request: &Request) -> bool {
        !self.plain_discovery && request.header("accept").contains("v=v2;as=APIGroupDiscoveryList")
    }

    fn objects(
        &self,
        request: &Request,
        user: &str,
        (group, version): (&str, &str),
        rest: &[&str],
        expired: &AtomicUsize,
    ) -> Response {
        let (namespace, plural, name, sub) = match *rest {
            ["namespaces", namespace, plural] => (Some(namespace), plural, None, None),
            ["namespaces", namespace, plural, name] => (Some(namespace), plural, Some(name), None),
            ["namespaces", namespace, plural, name, sub] => {
                (Some(namespace), plural, Some(name), Some(sub))
            }
            [plural] => (None, plural, None, None),
            [plural, name] => (None, plural, Some(name), None),
            _ => return no_kind(),
        };
        if let Some(refused) = forbid(user, (group, plural), namespace, name, sub) {
            return refused;
        }
        if !KINDS.iter().any(|kind| kind.2 == group) {
            return Response::text(404, "404 page not found\n");
        }
        let Some(row) = KINDS.iter().find(|kind| {
            kind.1 == plural
                && kind.2 == group
                && kind.3.contains(&version)
                && (namespace.is_none() || kind.4)
                && (name.is_none() || kind.4 == namespace.is_some())
        }) else {
            return no_kind();
        };
        let inside = self.objects.iter().filter(|object| {
            object["kind"] == row.0
                && namespace.is_none_or(|namespace| object["metadata"]["namespace"] == namespace)
        });
        match (name, sub) {
            (None, _) => list(request, row, inside.cloned().collect(), self.expire, expired),
            (Some(name), sub) => {
                let mut named = inside.filter(|object| object["metadata"]["name"] == name);
                match (named.next(), sub) {
                    (None, _) => {
                        let words = format!("{plural} {name:?} not found");
                        status(404, "NotFound", &words, Some(json!({"name": name, "kind": plural})))
                    }
                    (Some(pod), Some("log")) => self.log(request, pod),
                    (Some(object), None) => Response::json(200, &shaped(request, object.clone())),
                    _ => no_kind(),
                }
            }
        }
    }

    fn log(&self, request: &Request, pod: &Value) -> Response {
        let name = pod["metadata"]["name"].as_str().unwrap();
        let containers: Vec<&str> = ["initContainers", "containers", "ephemeralContainers"]
            .iter()
            .flat_map(|list| pod["spec"][list].as_array().into_iter().flatten())
            .map(|container| container["name"].as_str().unwrap())
            .collect();
        let asked = request.param("container");
        let words = if asked.is_empty() && containers.len() > 1 {
            format!(
                "a container name must be specified for pod {name}, choose one of: [{}]",
                containers.join(" ")
            )
        } else if !containers.contains(&asked) {
            format!("container {asked} is not valid for pod {name}")
        } else {
            return self.lines(request, name, asked);
        };
        status(400, "BadRequest", &words, None)
    }

    fn lines(&self, request: &Request, pod: &str, container: &str) -> Response {
        let previous = request.param("previous") == "true";
        let found = self
            .logs
            .iter()
            .find(|((had_pod, had, was), _)| (*had_pod, *had, *was) == (pod, container, previous));
        let Some((_, lines)) = found else {
            if previous {
                let words =
                    format!("previous terminated container {container:?} in pod {pod:?} not found");
                return status(400, "BadRequest", &words, None);
            }
            // No kubelet: a Status without a reason, and with the address of the node.
            let words = "Get \"https://10.10.0.12:10250/containerLogs\": dial tcp 10.10.0.12:10250: connect: connection refused";
            let body = json!({"kind": "Status", "apiVersion": "v1", "metadata": {},
                "status": "Failure", "message": words, "code": 500});
            return Response::json(500, &body);
        };
        let since = request.param("sinceTime");
        let lines: Vec<String> = lines
            .iter()
            .filter(|(time, _)| since.is_empty() || time[..19] >= since[..19])
            .map(|(time, text)| format!("{time} {text}\n"))
            .collect();
        let tail = request.param("tailLines").parse().unwrap_or(usize::MAX);
        let mut body = lines[lines.len().saturating_sub(tail)..].concat();
        body.truncate(request.param("limitBytes").parse().unwrap_or(usize::MAX));
        Response::text(200, &body)
    }
}

/// The refusal, if there is one: the user `viewer` sees only the namespace `shop`, and there
/// no Secrets; but may get every single Event.
fn forbid(
    user: &str,
    (group, plural): (&str, &str),
    namespace: Option<&str>,
    name: Option<&str>,
    sub: Option<&str>,
) -> Option<Response> {
    let single = name.is_some() && plural == "events";
    if user == "admin" || (namespace == Some("shop") && plural != "secrets") || single {
        return None;
    }
    let verb = if name.is_some() { "get" } else { "list" };
    let full = if group.is_empty() { plural.to_owned() } else { format!("{plural}.{group}") };
    let subject = name.map_or(full.clone(), |name| format!("{full} {name:?}"));
    let resource = sub.map_or(plural.to_owned(), |sub| format!("{plural}/{sub}"));
    let place = match namespace {
        Some(namespace) => format!("in the namespace {namespace:?}"),
        None => "at the cluster scope".to_owned(),
    };
    let words = format!(
        "{subject} is forbidden: User {user:?} cannot {verb} resource {resource:?} in API group {group:?} {place}"
    );
    Some(status(403, "Forbidden", &words, Some(json!({"kind": plural}))))
}

/// A refusal as the server words it.
pub(crate) fn status(code: u16, reason: &str, message: &str, details: Option<Value>) -> Response {
    let mut body = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": code});
    if let Some(details) = details {
        body["details"] = details;
    }
    Response::json(code, &body)
}

fn no_kind() -> Response {
    status(404, "NotFound", "the server could not find the requested resource", Some(json!({})))
}

fn wants_metadata(request: &Request) -> bool {
    request.header("accept").contains("as=PartialObjectMetadata")
}

/// One object as the `Accept` header wants it.
fn shaped(request: &Request, object: Value) -> Value {
    if wants_metadata(request) {
        return json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
            "metadata": object["metadata"]});
    }
    object
}

fn list(
    request: &Request,
    row: &Row,
    mut objects: Vec<Value>,
    expire: usize,
    expired: &AtomicUsize,
) -> Response {
    let labels = request.param("labelSelector");
    let fields = request.param("fieldSelector");
    objects.retain(|object| labels.split(',').all(|need| label_holds(&object["metadata"], need)));
    for need in fields.split(',').filter(|need| !need.is_empty()) {
        let (field, value) = need.split_once('=').unwrap();
        let root = field.split('.').next().unwrap();
        let known = [
            "metadata.name",
            "metadata.namespace",
            "spec.nodeName",
            "status.phase",
            "type",
            "reason",
        ];
        if !(known.contains(&field) || row.0 == "Event" && root == "involvedObject") {
            return status(400, "BadRequest", &format!("field label not supported: {field}"), None);
        }
        let pointer = format!("/{}", field.replace('.', "/"));
        objects.retain(|object| {
            object.pointer(&pointer).and_then(Value::as_str).unwrap_or_default() == value
        });
    }
    let token = request.param("continue");
    if !token.is_empty() && expired.fetch_add(1, Ordering::Relaxed) < expire {
        let mut gone = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure",
            "message": "The provided continue parameter is too old to display a consistent list result.",
            "reason": "Expired", "code": 410});
        gone["metadata"] = json!({"continue": token});
        return Response::json(410, &gone);
    }
    let start: usize = token.parse().unwrap_or(0);
    let limit: usize =
        request.param("limit").parse().ok().filter(|&limit| limit > 0).unwrap_or(usize::MAX);
    let end = start.saturating_add(limit).min(objects.len());
    let mut meta = json!({"resourceVersion": "2013"});
    if end < objects.len() {
        meta["continue"] = json!(end.to_string());
        if labels.is_empty() && fields.is_empty() {
            meta["remainingItemCount"] = json!(objects.len() - end);
        }
    }
    let custom = row.2.contains("shop.example");
    let items: Vec<Value> = objects[start.min(end)..end]
        .iter()
        .map(|object| {
            let mut item = shaped(request, object.clone());
            if !custom && !wants_metadata(request) {
                let map = item.as_object_mut().unwrap();
                map.remove("kind");
                map.remove("apiVersion");
            }
            item
        })
        .collect();
    let kind = if wants_metadata(request) { "PartialObjectMetadata" } else { row.0 };
    Response::json(
        200,
        &json!({"kind": format!("{kind}List"), "apiVersion": "v1",
        "metadata": meta, "items": items}),
    )
}

/// Whether one requirement of a label selector holds: `a=b`, `!a`, `a`.
fn label_holds(meta: &Value, need: &str) -> bool {
    let label = |key: &str| meta["labels"].get(key).and_then(Value::as_str);
    match need.split_once('=') {
        _ if need.is_empty() => true,
        Some((key, value)) => label(key) == Some(value),
        None => match need.strip_prefix('!') {
            Some(key) => label(key).is_none(),
            None => label(need).is_some(),
        },
    }
}
