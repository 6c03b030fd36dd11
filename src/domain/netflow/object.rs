//! A conversation's identity, times and preview from its body, and many flows as one body.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::model::{Class, Object, clean, fingerprint};

/// What all flows of a conversation have in common.
const KEY: [&str; 24] = [
    "AgentIP",
    "DnsErrno",
    "DstAddr",
    "DstK8S_HostName",
    "DstK8S_Name",
    "DstK8S_Namespace",
    "DstK8S_OwnerName",
    "DstK8S_OwnerType",
    "DstK8S_Type",
    "DstMac",
    "DstPort",
    "Dscp",
    "K8S_FlowLayer",
    "Proto",
    "SrcAddr",
    "SrcK8S_HostName",
    "SrcK8S_Name",
    "SrcK8S_Namespace",
    "SrcK8S_OwnerName",
    "SrcK8S_OwnerType",
    "SrcK8S_Type",
    "SrcMac",
    "SrcSubnetLabel",
    "DstSubnetLabel",
];

/// What is added up.
const SUMS: [&str; 4] = ["Bytes", "Packets", "PktDropBytes", "PktDropPackets"];

/// Of which the greatest counts.
const GREATEST: [&str; 3] = ["DnsLatencyMs", "TimeFlowEndMs", "TimeFlowRttNs"];

/// A network flow from a body as [`fold`] makes it.
pub(super) fn object(class: &Class, body: Value) -> Object {
    let id = format!("{:016x}", key(&body));
    let time = moment(&body, "TimeFlowStartMs");
    let end = moment(&body, "TimeFlowEndMs");
    let preview = preview(&body);
    let mut object = Object::new(class.clone(), id, body);
    object.time = time.or(end);
    object.end = end;
    object.preview = preview.into();
    object
}

fn moment(body: &Value, field: &str) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(number(body.get(field)?)?)
}

/// A number, which may be written as a string.
fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

fn key(body: &Value) -> u64 {
    let mut pairs: Vec<(&str, String)> = KEY
        .iter()
        .filter_map(|name| match body.get(name)? {
            Value::String(text) => Some((*name, text.clone())),
            other => Some((*name, other.to_string())),
        })
        .collect();
    pairs.sort_unstable();
    fingerprint(pairs.iter().map(|(name, value)| (*name, value.as_str())))
}

/// All flows of each conversation as one body, in the order in which they first come.
pub(super) fn fold(flows: impl IntoIterator<Item = Map<String, Value>>) -> Vec<Value> {
    let mut places: BTreeMap<u64, usize> = BTreeMap::new();
    let mut all: Vec<Value> = Vec::new();
    for flow in flows {
        let flow = Value::from(flow);
        let place = *places.entry(key(&flow)).or_insert_with(|| {
            let mut first = flow.clone();
            first["flows"] = 0.into();
            for name in SUMS.iter().chain(&GREATEST).chain(&["TimeFlowStartMs"]) {
                if let Some(fields) = first.as_object_mut() {
                    fields.remove(*name);
                }
            }
            all.push(first);
            all.len() - 1
        });
        add(&mut all[place], &flow);
    }
    all
}

fn add(sum: &mut Value, flow: &Value) {
    let flows = sum["flows"].as_i64().unwrap_or_default() + 1;
    sum["flows"] = flows.into();
    let mut put = |name: &str, pick: fn(i64, i64) -> i64| {
        let Some(own) = flow.get(name).and_then(number) else { return };
        let known = sum.get(name).and_then(Value::as_i64);
        sum[name] = known.map_or(own, |known| pick(known, own)).into();
    };
    for name in SUMS {
        put(name, i64::saturating_add);
    }
    for name in GREATEST {
        put(name, i64::max);
    }
    put("TimeFlowStartMs", i64::min);
}

/// `shop/web-0 -> shop/db-0:5432 TCP 1.2 MB in 42 flows, 3 packets dropped`.
fn preview(body: &Value) -> String {
    let text = |name: &str| body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let count = |name: &str| body.get(name).and_then(number).unwrap_or_default();
    let side = |prefix: &str| {
        let name = text(&format!("{prefix}K8S_Name"));
        match (text(&format!("{prefix}K8S_Namespace")), name) {
            (Some(namespace), Some(name)) => format!("{namespace}/{name}"),
            (None, Some(name)) => name.to_owned(),
            _ => text(&format!("{prefix}Addr")).unwrap_or("?").to_owned(),
        }
    };
    let mut line = format!("{} -> {}", side("Src"), side("Dst"));
    if count("DstPort") > 0 {
        line.push_str(&format!(":{}", count("DstPort")));
    }
    let protocol = match count("Proto") {
        1 | 58 => " ICMP",
        6 => " TCP",
        17 => " UDP",
        132 => " SCTP",
        _ => "",
    };
    let flows = count("flows").max(1);
    let plural = if flows == 1 { "" } else { "s" };
    line.push_str(&format!("{protocol} {} in {flows} flow{plural}", size(count("Bytes"))));
    if count("PktDropPackets") > 0 {
        line.push_str(&format!(", {} packets dropped", count("PktDropPackets")));
    }
    clean(&line)
}

fn size(bytes: i64) -> String {
    #[allow(clippy::cast_precision_loss, reason = "two digits are shown")]
    let number = bytes as f64;
    match bytes {
        ..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", number / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", number / 1e6),
        _ => format!("{:.1} GB", number / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn flows_of_a_conversation_are_one() {
        let flow = |port: u16, bytes: i64, at: i64| {
            let flow = json!({
                "SrcK8S_Namespace": "shop", "SrcK8S_Name": "web-0", "DstK8S_Namespace": "shop",
                "DstK8S_Name": "db-0", "DstPort": port, "Proto": 6, "Bytes": bytes, "PktDropPackets": 1,
                "TimeFlowStartMs": at, "TimeFlowEndMs": at + 10,
            });
            flow.as_object().unwrap().clone()
        };
        let all = fold([flow(5432, 900_000, 2000), flow(80, 1, 1), flow(5432, 300_000, 1000)]);
        assert_eq!(all.len(), 2);
        let class = Class::new("netflow", "network");
        let one = object(&class, all[0].clone());
        assert_eq!(
            &*one.preview,
            "shop/web-0 -> shop/db-0:5432 TCP 1.2 MB in 2 flows, 2 packets dropped"
        );
        assert_eq!(one.time.unwrap().timestamp_millis(), 1000);
        assert_eq!(one.end.unwrap().timestamp_millis(), 2010);
        assert_ne!(one.id, object(&class, all[1].clone()).id);
        assert_eq!(object(&class, one.body.to_value()).id, one.id);
    }

    #[test]
    fn an_empty_body_is_a_flow_too() {
        assert_eq!(
            &*object(&Class::new("netflow", "network"), json!({})).preview,
            "? -> ? 0 B in 1 flow"
        );
    }
}
