//! The HTTP API of Alertmanager, version 2: its alerts.

use std::time::Duration;

use serde::Deserialize;

use super::http::{HttpClient, HttpOptions};
use super::prometheus::Labels;
use super::transport::Call;
use crate::model::{Source, StoreError};

/// An Alertmanager.
pub struct Alertmanager {
    http: HttpClient,
}

/// An alert that was sent to Alertmanager and is not resolved.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SentAlert {
    /// Its labels, external ones included.
    pub labels: Labels,
    /// Its annotations.
    pub annotations: Labels,
    /// When it began to fire, RFC 3339.
    pub starts_at: Option<String>,
    /// When it is taken for resolved unless it is sent again, RFC 3339.
    pub ends_at: Option<String>,
    /// The page of the expression that gave it.
    #[serde(rename = "generatorURL")]
    pub generator_url: Option<String>,
    /// The fingerprint of all its labels.
    pub fingerprint: String,
    /// Who is told.
    pub receivers: Vec<Receiver>,
    /// Whether it is suppressed, and by what.
    pub status: Status,
}

/// Somebody who is told.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Receiver {
    /// The receiver's name.
    pub name: String,
}

/// Whether an alert is suppressed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Status {
    /// `active`, `suppressed` or `unprocessed`.
    pub state: String,
    /// Ids of silences.
    pub silenced_by: Vec<String>,
    /// Fingerprints of alerts.
    pub inhibited_by: Vec<String>,
}

impl Alertmanager {
    /// A server; fails if its address cannot be understood.
    pub fn new(options: HttpOptions) -> Result<Self, StoreError> {
        Ok(Self::with(HttpClient::new(options)?))
    }

    /// A server behind a client.
    pub fn with(http: HttpClient) -> Self {
        Self { http }
    }

    /// How long it is waited for where another has answered.
    pub fn grace(&self) -> Duration {
        self.http.grace()
    }

    /// The failure of one that is not waited for any longer.
    pub fn late(&self) -> StoreError {
        self.http.late()
    }

    /// Forgets that it gave no answer, so that it is asked again at once.
    pub fn forget(&self) {
        self.http.forget();
    }

    /// How it is doing.
    pub fn source(&self) -> Source {
        self.http.source()
    }

    /// All alerts, silenced and inhibited ones too.
    pub async fn alerts(&self) -> Result<Vec<SentAlert>, StoreError> {
        self.http.json(Call::new("/api/v2/alerts")).await
    }
}
