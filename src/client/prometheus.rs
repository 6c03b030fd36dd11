//! The HTTP API of Prometheus, and of what speaks like it: Thanos, Mimir and others.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::Value;

use super::http::{HttpClient, HttpOptions};
use super::transport::Call;
use crate::model::{Source, StoreError, Window};

/// The most points that a range query asks for.
const POINTS: i64 = 300;

/// The shortest step of a range query, in seconds.
const SHORTEST_STEP: i64 = 5;

/// A set of labels.
pub type Labels = BTreeMap<String, String>;

/// A Prometheus server.
pub struct Prometheus {
    http: HttpClient,
}

/// An alerting rule and its alerts.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Rule {
    /// The name of the alert.
    pub name: String,
    /// The expression.
    pub query: String,
    /// Seconds that the expression must hold before the alert fires.
    pub duration: f64,
    /// `ok`, `err` or `unknown`.
    pub health: String,
    /// Why the rule is not healthy.
    pub last_error: Option<String>,
    /// `alerting` or `recording`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What is pending or firing.
    pub alerts: Vec<ActiveAlert>,
}

/// A pending or firing alert.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ActiveAlert {
    /// Its labels, without the external ones.
    pub labels: Labels,
    /// Its annotations.
    pub annotations: Labels,
    /// `pending` or `firing`.
    pub state: String,
    /// Since when the expression holds, RFC 3339 with nanoseconds.
    pub active_at: Option<String>,
    /// The value of the expression, a number in a string.
    pub value: String,
}

/// A series with values in time.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Samples {
    /// The labels, with the name as `__name__`.
    pub metric: Labels,
    /// Pairs of Unix seconds and the value as a string.
    pub values: Vec<Value>,
}

/// A series with some of the events that its values were made of.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Exemplars {
    /// The labels, with the name as `__name__`.
    pub series_labels: Labels,
    /// The events.
    pub exemplars: Vec<Exemplar>,
}

/// One event that a value was made of, as a request that was counted.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Exemplar {
    /// What tells of the event: mostly the id of its trace.
    pub labels: Labels,
    /// The value, a number in a string.
    pub value: String,
    /// Unix seconds.
    pub timestamp: f64,
}

#[derive(Deserialize)]
struct Envelope<T> {
    // An answer without it is not from Prometheus, and not an empty result.
    #[serde(rename = "status")]
    _status: Success,
    data: Option<T>,
    #[serde(default)]
    warnings: Vec<String>,
}

/// The only status of an answer that is no failure.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Success {
    /// All is well.
    Success,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Rules {
    groups: Vec<Group>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Group {
    rules: Vec<Rule>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Ranges {
    result: Vec<Samples>,
}

impl Prometheus {
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

    /// All alerting rules, with their alerts.
    pub async fn alert_rules(&self) -> Result<Vec<Rule>, StoreError> {
        let call = Call::new("/api/v1/rules").param("type", "alert");
        let rules: Envelope<Rules> = self.http.json(call).await?;
        let groups = rules.data.unwrap_or_default().groups;
        let all = groups.into_iter().flat_map(|group| group.rules);
        Ok(all.filter(|rule| rule.kind != "recording").collect())
    }

    /// The label sets of the series that any of the selectors selects, and the server's warnings.
    pub async fn series(
        &self,
        selectors: &[String],
        window: Window,
        limit: Option<usize>,
    ) -> Result<(Vec<Labels>, Vec<String>), StoreError> {
        let mut call = Call::new("/api/v1/series")
            .param("start", seconds(window.start.timestamp_millis()))
            .param("end", seconds(window.end.timestamp_millis()));
        for selector in selectors {
            call = call.param("match[]", selector);
        }
        if let Some(limit) = limit {
            call = call.param("limit", limit.to_string());
        }
        let found: Envelope<Vec<Labels>> = self.http.json(call).await?;
        Ok((found.data.unwrap_or_default(), found.warnings))
    }

    /// The values of an expression in the window, at no more than 300 points.
    pub async fn range(&self, query: &str, window: Window) -> Result<Vec<Samples>, StoreError> {
        let call = Call::new("/api/v1/query_range")
            .param("query", query)
            .param("start", seconds(window.start.timestamp_millis()))
            .param("end", seconds(window.end.timestamp_millis()))
            .param("step", step(window.length()).to_string());
        let found: Envelope<Ranges> = self.http.json(call).await?;
        Ok(found.data.unwrap_or_default().result)
    }

    /// The exemplars in the window of the series that an expression selects; `None` if the server
    /// offers none, or not to us.
    pub async fn exemplars(
        &self,
        query: &str,
        window: Window,
    ) -> Result<Option<Vec<Exemplars>>, StoreError> {
        let call = Call::new("/api/v1/query_exemplars")
            .param("query", query)
            .param("start", seconds(window.start.timestamp_millis()))
            .param("end", seconds(window.end.timestamp_millis()));
        // Servers that only speak like Prometheus may lack the path, or not allow it.
        let lacking = |status, _: &str| matches!(status, 403 | 404 | 405 | 501);
        let found: Option<Envelope<Vec<Exemplars>>> = self.http.find(call, lacking).await?;
        Ok(found.map(|found| found.data.unwrap_or_default()))
    }
}

/// Seconds between two points, so that there are no more than 300.
fn step(length: TimeDelta) -> i64 {
    let wanted = length.num_seconds().max(0);
    (wanted / (POINTS - 1) + i64::from(wanted % (POINTS - 1) != 0)).max(SHORTEST_STEP)
}

fn seconds(millis: i64) -> String {
    format!("{}.{:03}", millis.div_euclid(1000), millis.rem_euclid(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_window_gives_more_than_300_points() {
        for seconds in [0, 1, 60, 1495, 1496, 3600, 4501, 86_400, 30 * 86_400 + 7] {
            let points = seconds / step(TimeDelta::seconds(seconds)) + 1;
            assert!(points <= POINTS, "{seconds}: {points}");
        }
        assert_eq!(step(TimeDelta::hours(1)), 13);
    }

    #[test]
    fn times_keep_their_milliseconds() {
        assert_eq!(seconds(1_795_398_281_007), "1795398281.007");
    }
}
