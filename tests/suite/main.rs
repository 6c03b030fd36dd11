//! Tests of the whole: rooms, rules, servers, commands, the terminal. One crate, so that the
//! library is linked once.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod alert_gone;
mod alerts;
mod ask;
mod busy;
mod commands;
mod demo;
mod exemplars;
mod fake;
mod http_client;
mod kube_cache;
mod kube_client;
mod kube_merge;
mod kube_store;
mod layers;
mod log_context;
mod loki_merge;
mod loki_store;
mod loki_vocabulary;
mod netflow_store;
mod pod_logs;
mod prometheus_merge;
mod prometheus_store;
mod readme;
mod real;
mod rules;
mod run;
mod scheduling;
mod status;
mod terminal;
mod trace_store;
mod versions;
mod vocabulary;
