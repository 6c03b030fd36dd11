//! Learning in which words a Loki server speaks: its labels, and a few lines of those streams that
//! do not tell which Pod they are of.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::TimeDelta;
use futures::future::join_all;

use super::gather::Server;
use super::journal::Journals;
use super::scheme::{Scheme, Schemes};
use crate::client::loki::Stream;
use crate::model::{Matcher, StoreError, Window};

/// How many lines are looked at where labels do not tell which Pod a line is of.
const SAMPLE: usize = 100;

/// How often more is looked at, for lines unlike the first, and in how much of the window.
const FURTHER: usize = 2;
const LAST: TimeDelta = TimeDelta::minutes(10);

/// How long is waited for them where labels tell something.
const PATIENCE: Duration = Duration::from_secs(5);

impl Server {
    /// The schemes of the server: by the labels of its streams, and by some lines of those
    /// streams that do not tell which Pod a line is of.
    pub(super) async fn schemes(&self, window: Window) -> Result<Schemes, StoreError> {
        let words = &self.words;
        let mut schemes = Schemes::of(self.loki.labels(window).await?, words);
        let samples = schemes.samples();
        let looks = join_all(samples.iter().map(|streams| self.look(streams, window)));
        let found = if schemes.all.is_empty() {
            looks.await
        } else {
            // What labels tell serves, if the server is slow to show its lines.
            tokio::time::timeout(PATIENCE, looks).await.unwrap_or_default()
        };
        let mut shown = BTreeSet::new();
        let (mut seen, mut failed) = (false, None);
        for look in found {
            match look {
                Ok(more) => {
                    seen = true;
                    shown.extend(more);
                }
                Err(error) => failed = Some(error),
            }
        }
        schemes.learn(shown);
        match failed {
            Some(error) if schemes.all.is_empty() && !seen => Err(error),
            // What is usual is tried where the server does not show its lines.
            _ => Ok(schemes),
        }
    }

    /// The schemes of some streams. Where the newest lines are many and all alike, those that are
    /// not alike are looked at too, in the last part of the window.
    async fn look(
        &self,
        streams: &[Matcher],
        window: Window,
    ) -> Result<BTreeSet<Scheme>, StoreError> {
        let Self { loki, words } = self;
        let selector = Matcher::selector(streams);
        let (lines, _) = loki.newest(&selector, window, SAMPLE).await?;
        let count = |lines: &[Stream]| lines.iter().map(|own| own.entries.len()).sum::<usize>();
        let mut shown = Schemes::shown(&lines, words);
        let (mut full, mut new) = (count(&lines) >= SAMPLE, !shown.is_empty());
        let last = Window { start: window.start.max(window.end - LAST), ..window };
        for _ in 0..FURTHER {
            if !full || !new {
                break;
            }
            let others = format!("{selector}{}", Schemes::unlike(shown.iter()));
            let Ok((lines, _)) = loki.newest(&others, last, SAMPLE).await else { break };
            let before = shown.len();
            shown.extend(Schemes::shown(&lines, words));
            (full, new) = (count(&lines) >= SAMPLE, shown.len() > before);
        }
        Ok(shown)
    }

    /// How the server keeps journals, from lines that may be of some.
    pub(super) async fn journals(
        &self,
        known: &Schemes,
        window: Window,
    ) -> Result<Vec<Journals>, StoreError> {
        let Self { loki, words } = self;
        let streams = known.strangers();
        let selectors = streams.iter().map(|own| Matcher::selector(own));
        let texts: Vec<String> = selectors
            .flat_map(|own| Journals::stages().map(|stages| format!("{own}{stages}")))
            .collect();
        let looks = join_all(texts.iter().map(|text| loki.newest(text, window, SAMPLE))).await;
        let mut sample = Vec::new();
        for look in looks {
            sample.extend(look?.0);
        }
        Ok(Journals::shown(&sample, words))
    }
}
