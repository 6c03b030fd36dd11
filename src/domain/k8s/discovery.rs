//! Which kinds a cluster has: two requests where the server can aggregate, else one per group
//! and version.

use futures::future::join_all;
use serde::Deserialize;

use super::catalog::{Catalog, Kind};
use crate::client::kube::{JSON, Kube, Reply, Url};
use crate::model::StoreError;

/// Asks for the aggregated form and takes the old one too. A server tells by the content type
/// which of the two it sent.
const AGGREGATED: &str =
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";

/// The kinds that the server has. A group that does not answer is left out; the error is that of
/// a server of which nothing can be learned.
pub async fn discover(kube: &Kube) -> Result<Catalog, StoreError> {
    let (core, groups) = tokio::join!(root(kube, "api"), root(kube, "apis"));
    match (core, groups) {
        (Err(fault), Err(_)) => Err(fault),
        (core, groups) => {
            let mut found = core.unwrap_or_default();
            found.append(&mut groups.unwrap_or_default());
            Ok(Catalog::new(found))
        }
    }
}

async fn root(kube: &Kube, root: &str) -> Result<Vec<Kind>, StoreError> {
    let reply = kube.get(&Url::new([root]), AGGREGATED).await.map_err(|refusal| refusal.error)?;
    if reply.content_type.contains("as=APIGroupDiscoveryList") {
        return aggregated(&reply);
    }
    let groups = if root == "api" { vec![core(&reply)?] } else { plain(&reply)? };
    let lists = groups.iter().flat_map(|group| {
        group.versions.iter().map(async |version| {
            let prefix = if group.name.is_empty() { "api" } else { "apis" };
            let url = Url::new([prefix, &group.name, version]);
            let reply = kube.get(&url, JSON).await.ok()?;
            Some((group.name.as_str(), version.as_str(), reply.json::<ResourceList>().ok()?))
        })
    });
    let lists = join_all(lists).await;
    let mut kinds = Vec::new();
    for (group, version, list) in lists.into_iter().flatten() {
        for resource in list.resources.into_iter().filter(|resource| !resource.name.contains('/')) {
            let Resource { name, singular_name, namespaced, kind, short_names, verbs } = resource;
            let found = Found {
                kind,
                plural: name,
                singular: singular_name,
                short: short_names,
                namespaced,
                verbs,
            };
            found.add(group, version, &mut kinds);
        }
    }
    Ok(kinds)
}

/// A resource in either form.
struct Found {
    kind: String,
    plural: String,
    singular: String,
    short: Vec<String>,
    namespaced: bool,
    verbs: Vec<String>,
}

impl Found {
    /// Adds one version of a kind that can be read; versions come in the order of preference.
    fn add(self, group: &str, version: &str, kinds: &mut Vec<Kind>) {
        if !self.verbs.iter().any(|verb| verb == "get" || verb == "list") {
            return;
        }
        let had = kinds.iter_mut().find(|had| had.group == group && had.kind == self.kind);
        if let Some(had) = had {
            had.versions.push(version.to_owned());
            return;
        }
        let singular =
            if self.singular.is_empty() { self.kind.to_lowercase() } else { self.singular };
        kinds.push(Kind {
            group: group.to_owned(),
            kind: self.kind,
            plural: self.plural,
            singular,
            short: self.short,
            namespaced: Some(self.namespaced),
            versions: vec![version.to_owned()],
            served: true,
        });
    }
}

#[derive(Deserialize)]
struct GroupDiscoveryList {
    #[serde(default)]
    items: Vec<GroupDiscovery>,
}

#[derive(Deserialize)]
struct GroupDiscovery {
    #[serde(default)]
    metadata: Named,
    #[serde(default)]
    versions: Vec<VersionDiscovery>,
}

#[derive(Default, Deserialize)]
struct Named {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct VersionDiscovery {
    version: String,
    #[serde(default)]
    resources: Vec<ResourceDiscovery>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceDiscovery {
    resource: String,
    response_kind: Option<ResponseKind>,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    singular_resource: String,
    #[serde(default)]
    short_names: Vec<String>,
    #[serde(default)]
    verbs: Vec<String>,
}

#[derive(Deserialize)]
struct ResponseKind {
    kind: String,
}

fn aggregated(reply: &Reply) -> Result<Vec<Kind>, StoreError> {
    let list: GroupDiscoveryList = reply.json()?;
    let mut kinds = Vec::new();
    for group in list.items {
        for version in group.versions {
            for resource in version.resources {
                // A resource without a kind comes from an aggregated server that is down.
                let Some(ResponseKind { kind }) = resource.response_kind else { continue };
                let found = Found {
                    kind,
                    plural: resource.resource,
                    singular: resource.singular_resource,
                    short: resource.short_names,
                    namespaced: resource.scope == "Namespaced",
                    verbs: resource.verbs,
                };
                found.add(&group.metadata.name, &version.version, &mut kinds);
            }
        }
    }
    Ok(kinds)
}

/// A group and its versions, the preferred one first.
struct Group {
    name: String,
    versions: Vec<String>,
}

#[derive(Deserialize)]
struct Versions {
    #[serde(default)]
    versions: Vec<String>,
}

#[derive(Deserialize)]
struct GroupList {
    #[serde(default)]
    groups: Vec<ListedGroup>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListedGroup {
    name: String,
    versions: Vec<ListedVersion>,
    preferred_version: Option<ListedVersion>,
}

#[derive(Clone, PartialEq, Deserialize)]
struct ListedVersion {
    version: String,
}

#[derive(Deserialize)]
struct ResourceList {
    #[serde(default)]
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Resource {
    name: String,
    #[serde(default)]
    singular_name: String,
    #[serde(default)]
    namespaced: bool,
    kind: String,
    #[serde(default)]
    short_names: Vec<String>,
    #[serde(default)]
    verbs: Vec<String>,
}

fn core(reply: &Reply) -> Result<Group, StoreError> {
    let Versions { versions } = reply.json()?;
    Ok(Group { name: String::new(), versions })
}

fn plain(reply: &Reply) -> Result<Vec<Group>, StoreError> {
    let GroupList { groups } = reply.json()?;
    let groups = groups.into_iter().map(|mut group| {
        group.versions.sort_by_key(|version| Some(version) != group.preferred_version.as_ref());
        let versions = group.versions.into_iter().map(|listed| listed.version).collect();
        Group { name: group.name, versions }
    });
    Ok(groups.collect())
}
