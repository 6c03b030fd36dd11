//! Taking out of Kubernetes objects what must be neither shown nor kept.

use serde_json::Value;

/// Annotations in which tools keep a whole manifest; that of a Secret holds its data.
const APPLIED: [&str; 4] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    "objectset.rio.cattle.io/applied",
    "kapp.k14s.io/original",
    "banzaicloud.com/last-applied",
];

/// Takes out of the body of a Secret, of whatever API group, what it keeps secret: its data, and
/// the manifests that tools keep in annotations.
pub fn redact_secret(body: &mut Value) {
    let Some(secret) = body.as_object_mut() else { return };
    secret.remove("data");
    secret.remove("stringData");
    let notes = body.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut);
    if let Some(notes) = notes {
        notes.retain(|name, _| !APPLIED.contains(&name.as_str()));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_secret_is_left() {
        let mut notes = json!({"team": "a"});
        for name in APPLIED {
            notes[name] = json!("{\"data\": {\"password\": \"hunter2\"}}");
        }
        let mut body = json!({"type": "Opaque", "data": {"password": "hunter2"},
            "stringData": {"password": "hunter2"},
            "metadata": {"name": "s", "annotations": notes}});
        redact_secret(&mut body);
        let left = json!({"type": "Opaque",
            "metadata": {"name": "s", "annotations": {"team": "a"}}});
        assert_eq!(body, left);
        for odd in [json!(null), json!({"metadata": 1}), json!({"metadata": {"annotations": []}})] {
            let mut body = odd.clone();
            redact_secret(&mut body);
            assert_eq!(body, odd);
        }
    }
}
