//! The rules that come with the program.

use super::fault::RuleFile;

macro_rules! files {
    ($($name:literal)*) => {
        [$(($name, include_str!(concat!("../../", $name)))),*]
    };
}

/// The files, in the order that breaks ties between rules of equal cost.
pub(super) fn files() -> Vec<RuleFile> {
    let all = files! {
        "rules/subject.yaml"
        "rules/components.yaml"
        "rules/alert.yaml"
        "rules/workload.yaml"
        "rules/config.yaml"
        "rules/storage.yaml"
        "rules/network.yaml"
        "rules/gateway.yaml"
        "rules/certificates.yaml"
        "rules/node.yaml"
        "rules/access.yaml"
        "rules/event.yaml"
        "rules/k8s.yaml"
        "rules/custom.yaml"
        "rules/gitops.yaml"
        "rules/prometheus.yaml"
        "rules/openshift.yaml"
        "rules/olm.yaml"
        "rules/kubevirt.yaml"
        "rules/log.yaml"
        "rules/metric.yaml"
        "rules/trace.yaml"
        "rules/netflow.yaml"
        "rules/incident.yaml"
        "rules/status.yaml"
    };
    let file = |(name, text): (&str, &str)| RuleFile { name: name.into(), text: text.into() };
    all.into_iter().map(file).collect()
}
