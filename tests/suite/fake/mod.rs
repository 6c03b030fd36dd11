//! Servers that behave like the recorded ones, over real HTTP.

pub(crate) mod apiserver;
pub(crate) mod collectors;
mod discovery;
pub(crate) mod http;
pub(crate) mod loki;
