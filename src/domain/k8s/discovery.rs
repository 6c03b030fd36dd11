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

/// What a part of the discovery brought, and why more is not known.
type Learned = (Vec<Kind>, Vec<StoreError>);

/// The kinds that the server has, and why some of them are not known; the error is that of a
/// server of which nothing can be learned. A server that does not tell its core kinds, or its
/// groups, is a failed source until it does.
pub async fn discover(kube: &Kube) -> Result<(Catalog, Vec<StoreError>), StoreError> {
    let (core, groups) = tokio::join!(root(kube, "api"), root(kube, "apis"));
    let lacking = core.as_ref().err().or(groups.as_ref().err()).cloned();
    kube.lacks(lacking.clone());
    let (mut kinds, mut faults) = (Vec::new(), Vec::new());
    for part in [core, groups] {
        match part {
            Ok((found, failed)) => {
                kinds.extend(found);
                faults.extend(failed);
            }
            Err(fault) => faults.push(fault),
        }
    }
    match lacking {
        Some(fault) if kinds.is_empty() => Err(fault),
        _ if faults.is_empty() => Ok((Catalog::new(kinds), faults)),
        _ => Ok((Catalog::partial(kinds), faults)),
    }
}

/// The kinds below `/api` or `/apis`.
async fn root(kube: &Kube, root: &str) -> Result<Learned, StoreError> {
    below(kube, root).await.map_err(|fault| unknown(&format!("below /{root}"), fault))
}

fn unknown(place: &str, mut fault: StoreError) -> StoreError {
    fault.message = format!("the kinds {place} are not known: {}", fault.message);
    fault
}

async fn below(kube: &Kube, root: &str) -> Result<Learned, StoreError> {
    let reply = kube.get(&Url::new([root]), AGGREGATED).await.map_err(|refusal| refusal.error)?;
    if reply.content_type.contains("as=APIGroupDiscoveryList") {
        return Ok((aggregated(&reply)?, Vec::new()));
    }
    let groups = if root == "api" { vec![core(&reply)?] } else { plain(&reply)? };
    let lists = groups.iter().flat_map(|group| {
        group.versions.iter().map(async |version| {
            let prefix = if group.name.is_empty() { "api" } else { "apis" };
            let url = Url::new([prefix, &group.name, version]);
            let reply = kube.get(&url, JSON).await.map_err(|refusal| refusal.error);
            let list = reply.and_then(|reply| reply.json::<ResourceList>());
            let list = list.map_err(|fault| unknown(&format!("of {}", url.as_str()), fault));
            (group.name.as_str(), version.as_str(), list)
        })
    });
    let lists = join_all(lists).await;
    let (mut kinds, mut faults) = (Vec::new(), Vec::new());
    for (group, version, list) in lists {
        match list {
            Ok(list) => list.add(group, version, &mut kinds),
            Err(fault) => faults.push(fault),
        }
    }
    Ok((kinds, faults))
}

impl ResourceList {
    fn add(self, group: &str, version: &str, kinds: &mut Vec<Kind>) {
        for resource in self.resources.into_iter().filter(|resource| !resource.name.contains('/')) {
            let Resource { name, singular_name, namespaced, kind, short_names, verbs } = resource;
            let found = Found {
                kind,
                plural: name,
                singular: singular_name,
                short: short_names,
                namespaced,
                verbs,
            };
            found.add(group, version, kinds);
        }
    }
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
