//! From the options to a configuration: which kubeconfig, which context, who asks.

use std::env;
use std::path::{Path, PathBuf};

use http::HeaderValue;
use http::header::USER_AGENT;
use kube::Config;
use kube::config::{ExecInteractiveMode, KubeConfigOptions, Kubeconfig, KubeconfigError};
use serde_json::json;

use super::proxy::is_direct;
use super::{KubeOptions, NAME};
use crate::client::retry::bounded;
use crate::model::{ErrorKind, StoreError, clean, similar};

/// A configuration and where it came from.
pub(super) struct Ready {
    pub(super) config: Config,
    pub(super) found: String,
    pub(super) context: Option<String>,
    /// The namespace that the context names.
    pub(super) namespace: Option<String>,
}

/// The configuration that the options and the environment ask for.
pub(super) async fn read(options: &KubeOptions) -> Result<Ready, StoreError> {
    let candidates = candidates(options);
    let files: Vec<PathBuf> = match &options.kubeconfig {
        Some(file) => vec![file.clone()],
        None => candidates.iter().filter(|file| file.exists()).cloned().collect(),
    };
    let mut ready = if files.is_empty() && env::var_os("KUBERNETES_SERVICE_HOST").is_some() {
        inside()?
    } else if files.is_empty() {
        return Err(nowhere(&candidates));
    } else {
        outside(&files, options).await?
    };
    adapt(&mut ready.config, options)?;
    Ok(ready)
}

/// The files that kubectl would read, in its order.
fn candidates(options: &KubeOptions) -> Vec<PathBuf> {
    if let Some(file) = &options.kubeconfig {
        return vec![file.clone()];
    }
    let listed = env::var_os("KUBECONFIG").map(|list| env::split_paths(&list).collect::<Vec<_>>());
    let listed: Vec<PathBuf> =
        listed.into_iter().flatten().filter(|file| !file.as_os_str().is_empty()).collect();
    if !listed.is_empty() {
        return listed;
    }
    env::home_dir().map(|home| home.join(".kube/config")).into_iter().collect()
}

fn missing(message: String) -> StoreError {
    StoreError::new(ErrorKind::Missing, NAME, message)
}

fn nowhere(candidates: &[PathBuf]) -> StoreError {
    let looked: Vec<String> = candidates.iter().map(|file| file.display().to_string()).collect();
    missing(format!("no kubeconfig: there is no {}", looked.join(", no ")))
        .hint("give --kubeconfig FILE, set KUBECONFIG, or try it out with --demo")
}

fn inside() -> Result<Ready, StoreError> {
    let config = Config::incluster().map_err(|fault| {
        missing(format!("the service account of this Pod cannot be used: {fault}"))
    })?;
    let namespace = Some(config.default_namespace.clone()).filter(|name| !name.is_empty());
    Ok(Ready { config, found: "service account".to_owned(), context: None, namespace })
}

async fn outside(files: &[PathBuf], options: &KubeOptions) -> Result<Ready, StoreError> {
    let mut merged = Kubeconfig::default();
    for file in files {
        let next = Kubeconfig::read_from(file).map_err(|fault| unreadable(file, &fault))?;
        merged = merged.merge(next).map_err(|fault| unreadable(file, &fault))?;
    }
    let names: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    let names = names.join(", ");
    let context = options.context.clone().or(merged.current_context.clone());
    let context = context.filter(|name| !name.is_empty());
    check_names(&merged, context.as_deref(), options, &names)?;
    quiet(&mut merged, options.quiet_plugins);
    let namespace = namespace_of(&merged, context.as_deref());
    let proxied = has_own_proxy(&merged, context.as_deref(), options);
    let choice = KubeConfigOptions {
        context: context.clone(),
        cluster: options.cluster.clone(),
        user: options.user.clone(),
    };
    let mut config = Config::from_custom_kubeconfig(merged, &choice)
        .await
        .map_err(|fault| missing(format!("kubeconfig {names}: {fault}")))?;
    let no_proxy = ["NO_PROXY", "no_proxy"].into_iter().find_map(|name| env::var(name).ok());
    if !proxied && is_direct(&config.cluster_url, &no_proxy.unwrap_or_default()) {
        config.proxy_url = None;
    }
    let found = match &context {
        Some(context) => format!("kubeconfig {names}, context {context}"),
        None => format!("kubeconfig {names}"),
    };
    Ok(Ready { config, found, context, namespace })
}

/// Why a file cannot be read. The text of the file is left out, for it holds credentials.
fn unreadable(file: &Path, fault: &KubeconfigError) -> StoreError {
    let words = match fault {
        KubeconfigError::ReadConfig(fault, _) => format!("cannot be read: {fault}"),
        KubeconfigError::Parse(fault) => {
            format!("is not a kubeconfig: {}", fault.without_snippet())
        }
        other => other.to_string(),
    };
    let error = missing(clean(&format!("kubeconfig {} {words}", file.display())));
    error.hint("mend the file or name another one with --kubeconfig")
}

/// Contexts, clusters and users that are asked for must be there.
fn check_names(
    merged: &Kubeconfig,
    context: Option<&str>,
    options: &KubeOptions,
    files: &str,
) -> Result<(), StoreError> {
    let contexts: Vec<&str> = merged.contexts.iter().map(|named| named.name.as_str()).collect();
    let clusters: Vec<&str> = merged.clusters.iter().map(|named| named.name.as_str()).collect();
    let users: Vec<&str> = merged.auth_infos.iter().map(|named| named.name.as_str()).collect();
    let Some(context) = context else {
        let there = if contexts.is_empty() { "it has none".into() } else { contexts.join(", ") };
        return Err(missing(format!("kubeconfig {files} names no current context"))
            .hint(format!("give --context; contexts: {there}")));
    };
    for (what, flag, name, there) in [
        ("context", "--context", Some(context), contexts),
        ("cluster", "--cluster", options.cluster.as_deref(), clusters),
        ("user", "--user", options.user.as_deref(), users),
    ] {
        let Some(name) = name.filter(|name| !there.contains(name)) else { continue };
        let near = similar(name, there.iter().copied());
        let next = if !near.is_empty() {
            format!("did you mean {flag} {}?", near.join(" or "))
        } else if there.is_empty() {
            format!("the file has no {what}")
        } else {
            format!("give {flag} one of {}", there.join(", "))
        };
        return Err(missing(format!("kubeconfig {files} has no {what} {name:?}")).hint(next));
    }
    Ok(())
}

/// The namespace that a context names.
fn namespace_of(merged: &Kubeconfig, context: Option<&str>) -> Option<String> {
    let context = merged.contexts.iter().find(|named| Some(named.name.as_str()) == context)?;
    context.context.as_ref()?.namespace.clone().filter(|name| !name.is_empty())
}

/// Whether the kubeconfig itself names a proxy for the cluster.
fn has_own_proxy(merged: &Kubeconfig, context: Option<&str>, options: &KubeOptions) -> bool {
    let context = merged.contexts.iter().find(|named| Some(named.name.as_str()) == context);
    let cluster = context.and_then(|named| Some(&named.context.as_ref()?.cluster));
    let cluster = options.cluster.as_ref().or(cluster);
    let cluster = merged.clusters.iter().find(|named| Some(&named.name) == cluster);
    let proxy = cluster.and_then(|named| named.cluster.as_ref()?.proxy_url.as_ref());
    proxy.is_some_and(|proxy| !proxy.is_empty())
}

/// Keeps login plugins away from the terminal.
fn quiet(merged: &mut Kubeconfig, quiet: bool) {
    let users = merged.auth_infos.iter_mut().filter_map(|named| named.auth_info.as_mut());
    for plugin in users.filter_map(|user| user.exec.as_mut()).filter(|_| quiet) {
        plugin.interactive_mode = Some(ExecInteractiveMode::Never);
    }
}

fn adapt(config: &mut Config, options: &KubeOptions) -> Result<(), StoreError> {
    config.default_retry = false;
    config.connect_timeout = Some(bounded(options.timeout.unwrap_or(KubeOptions::TIMEOUT)));
    config.accept_invalid_certs |= options.insecure_skip_tls_verify;
    let agent = HeaderValue::from_static(concat!("korrel8/", env!("CARGO_PKG_VERSION")));
    config.headers.push((USER_AGENT, agent));
    if let Some(token) = &options.token {
        let given: kube::config::AuthInfo = serde_json::from_value(json!({"token": token}))
            .map_err(|fault| missing(format!("the token cannot be used: {fault}")))?;
        let login = &mut config.auth_info;
        login.token = given.token;
        (login.token_file, login.exec, login.auth_provider) = (None, None, None);
        (login.username, login.password) = (None, None);
    }
    if options.impersonate.is_some() {
        config.auth_info.impersonate.clone_from(&options.impersonate);
        config.auth_info.impersonate_groups = None;
    }
    if !options.impersonate_groups.is_empty() {
        if config.auth_info.impersonate.is_none() {
            return Err(missing("--as-group needs --as".to_owned()));
        }
        config.auth_info.impersonate_groups = Some(options.impersonate_groups.clone());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(dir: &Path, name: &str, value: &serde_json::Value) -> PathBuf {
        let file = dir.join(name);
        std::fs::write(&file, value.to_string()).expect("can be written");
        file
    }

    #[tokio::test]
    async fn the_first_file_wins_and_the_next_ones_add() {
        let dir = tempfile::tempdir().expect("a directory");
        let cluster = |server: &str| json!([{"name": "c", "cluster": {"server": server}}]);
        let first = json!({"current-context": "x", "clusters": cluster("https://first.example"),
            "users": [{"name": "u", "user": {"token": "t"}}]});
        let second = json!({"current-context": "y", "clusters": cluster("https://second.example"),
            "contexts": [{"name": "x", "context":
                {"cluster": "c", "user": "u", "namespace": "shop"}}]});
        let files = [file(dir.path(), "a", &first), file(dir.path(), "b", &second)];
        let ready = outside(&files, &KubeOptions::default()).await.expect("is read");
        assert_eq!(ready.config.cluster_url.host(), Some("first.example"));
        assert_eq!(ready.namespace.as_deref(), Some("shop"));
        assert_eq!(ready.context.as_deref(), Some("x"));
        assert!(ready.found.ends_with("context x"), "{}", ready.found);
    }
}
