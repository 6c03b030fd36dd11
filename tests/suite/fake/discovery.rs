//! How an API server tells which kinds it has, in the old form and in the aggregated one.

use serde_json::{Value, json};

use super::http::Response;

/// Kind, plural, group, versions (preferred first), namespaced, short name.
pub(super) type Row =
    (&'static str, &'static str, &'static str, &'static [&'static str], bool, &'static str);

pub(super) const KINDS: &[Row] = &[
    ("Pod", "pods", "", &["v1"], true, "po"),
    ("Event", "events", "", &["v1"], true, "ev"),
    ("Node", "nodes", "", &["v1"], false, "no"),
    ("Secret", "secrets", "", &["v1"], true, ""),
    ("ConfigMap", "configmaps", "", &["v1"], true, "cm"),
    ("Service", "services", "", &["v1"], true, "svc"),
    ("Deployment", "deployments", "apps", &["v1"], true, "deploy"),
    (
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
        "autoscaling",
        &["v2", "v1"],
        true,
        "hpa",
    ),
    ("PostgresCluster", "postgresclusters", "db.shop.example", &["v1", "v1alpha1"], true, "pgc"),
];

pub(super) fn core_versions(aggregate: bool) -> Response {
    if aggregate {
        return aggregated(&[""]);
    }
    Response::json(200, &json!({"kind": "APIVersions", "versions": ["v1"]}))
}

pub(super) fn groups(aggregate: bool) -> Response {
    let mut groups: Vec<&str> = KINDS.iter().map(|kind| kind.2).collect();
    groups.retain(|group| !group.is_empty());
    if aggregate {
        return aggregated(&groups);
    }
    let groups: Vec<Value> = groups
        .iter()
        .map(|group| {
            let listed = |version: &str| {
                json!({"groupVersion": format!("{group}/{version}"), "version": version})
            };
            let versions = versions(group);
            // The order of this list means nothing; preferredVersion does.
            let all: Vec<Value> = versions.iter().rev().map(|version| listed(version)).collect();
            json!({"name": group, "versions": all, "preferredVersion": listed(versions[0])})
        })
        .collect();
    Response::json(200, &json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}))
}

pub(super) fn resources(group: &str, version: &str) -> Response {
    let kinds = KINDS.iter().filter(|kind| kind.2 == group && kind.3.contains(&version));
    let resources: Vec<Value> = kinds
        .flat_map(|&(kind, plural, _, _, namespaced, short)| {
            let short: Vec<&str> = short.split_whitespace().collect();
            [
                json!({"name": plural, "singularName": kind.to_lowercase(), "kind": kind,
                    "namespaced": namespaced, "verbs": ["get", "list"], "shortNames": short}),
                json!({"name": format!("{plural}/status"), "singularName": "", "kind": kind,
                    "namespaced": namespaced, "verbs": ["get", "patch"]}),
            ]
        })
        .collect();
    if resources.is_empty() {
        return Response::text(404, "404 page not found\n");
    }
    Response::json(200, &json!({"kind": "APIResourceList", "resources": resources}))
}

fn versions(group: &str) -> &'static [&'static str] {
    KINDS.iter().find(|kind| kind.2 == group).map_or(&[], |kind| kind.3)
}

fn aggregated(groups: &[&str]) -> Response {
    let items: Vec<Value> = groups
        .iter()
        .map(|group| {
            let version = |version: &&str| {
                let kinds =
                    KINDS.iter().filter(|kind| kind.2 == *group && kind.3.contains(version));
                let resources: Vec<Value> = kinds
                    .map(|&(kind, plural, _, _, namespaced, short)| {
                        let short: Vec<&str> = short.split_whitespace().collect();
                        json!({"resource": plural, "singularResource": kind.to_lowercase(),
                            "responseKind": {"group": "", "version": "", "kind": kind},
                            "scope": if namespaced { "Namespaced" } else { "Cluster" },
                            "verbs": ["get", "list"], "shortNames": short,
                            "subresources": [{"subresource": "status", "verbs": ["get"]}]})
                    })
                    .chain([json!({"resource": "reviews", "scope": "Cluster", "verbs": ["create"],
                        "responseKind": {"group": "", "version": "", "kind": "Review"}})])
                    .collect();
                json!({"version": version, "resources": resources, "freshness": "Current"})
            };
            let all: Vec<Value> = versions(group).iter().map(version).collect();
            let meta = if group.is_empty() { json!({}) } else { json!({"name": group}) };
            json!({"metadata": meta, "versions": all})
        })
        .collect();
    let body = json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {}, "items": items});
    let media = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    Response::new(200, media, body.to_string())
}
