//! What a line that is a JSON object tells: its level, its message and its error, in one pass that
//! copies nothing but strings with escapes.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::level::{PRIORITY, is_key, is_number, numeric, otel, word};

/// Lines longer than this are not parsed: they are data, not messages.
const LONGEST: usize = 256 * 1024;

const MESSAGES: [&str; 9] =
    ["msg", "message", "body", "@message", "short_message", "MESSAGE", "event", "text", "@m"];

const ERRORS: [&str; 7] =
    ["error", "err", "exception", "reason", "error.message", "exception.message", "stack_trace"];

/// Fields with what a program wrote: a text, or a map if the collector parsed it.
const INNER: [&str; 3] = ["log", "log_processed", "structured"];

/// Fields of which any tells that a collector wrote the line around a text of a program.
const OF_COLLECTORS: [&str; 5] = ["kubernetes", "stream", "docker", "resources", "_SYSTEMD_UNIT"];

/// What a JSON line tells.
#[derive(Default)]
pub(super) struct JsonLine<'l> {
    /// The level in canonical words.
    pub(super) level: Option<&'static str>,
    /// What happened.
    pub(super) message: Option<Cow<'l, str>>,
    /// What went wrong.
    pub(super) error: Option<Cow<'l, str>>,
    /// Whether the message is a line of its own, around which a collector wrote this one.
    pub(super) wraps: bool,
}

/// Reads a line; `None` if it is no JSON object.
pub(super) fn json(line: &str) -> Option<JsonLine<'_>> {
    let line = line.trim();
    let sane = line.starts_with('{') && line.ends_with('}') && line.len() <= LONGEST;
    sane.then(|| serde_json::from_str(line).ok()).flatten()
}

/// A string, borrowed if it has no escapes.
#[derive(serde::Deserialize)]
struct Str<'s>(#[serde(borrow)] Cow<'s, str>);

impl<'de: 'l, 'l> Deserialize<'de> for JsonLine<'l> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Fields)
    }
}

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = JsonLine<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<JsonLine<'de>, A::Error> {
        // Of several keys of a kind the one that is more usual counts; of levels the first by name.
        let mut level: Option<(Cow<'_, str>, &'static str)> = None;
        let (mut message, mut error) = (None, None);
        let (mut logged, mut wraps) = (None, false);
        while let Some(Str(key)) = map.next_key()? {
            wraps |= OF_COLLECTORS.contains(&&*key);
            let place = |keys: &[&str]| keys.iter().position(|known| *known == key);
            if is_key(&key) || key == PRIORITY {
                let found = map.next_value::<Loose<'_>>()?.level(&key);
                if let Some(found) = found.filter(|_| level.as_ref().is_none_or(|(k, _)| key <= *k))
                {
                    level = Some((key, found));
                }
            } else if let Some(place) = INNER.iter().position(|known| *known == key) {
                let value = map.next_value::<Loose<'_>>()?;
                if let Loose::Map(inner) = &value {
                    logged = inner.level.or(logged);
                }
                wraps |= matches!(value, Loose::Text(_));
                keep(&mut message, MESSAGES.len() + place, value);
            } else if let Some(place) = place(&MESSAGES) {
                keep(&mut message, place, map.next_value::<Loose<'_>>()?);
            } else if let Some(place) = place(&ERRORS) {
                keep(&mut error, place, map.next_value::<Loose<'_>>()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(JsonLine {
            level: level.map(|(_, level)| level).or(logged),
            message: message.map(|(_, text)| text),
            error: error.map(|(_, text)| text),
            wraps,
        })
    }
}

/// Keeps the words of a value if there are any, and none are known from a better place.
fn keep<'l>(best: &mut Option<(usize, Cow<'l, str>)>, place: usize, value: Loose<'l>) {
    if best.as_ref().is_none_or(|(known, _)| place <= *known)
        && let Some(words) = value.words()
    {
        *best = Some((place, words));
    }
}

/// A value of which only words, numbers and a few fields matter.
enum Loose<'l> {
    Text(Cow<'l, str>),
    Number(u64),
    Map(Inner<'l>),
    Other,
}

#[derive(Default)]
struct Inner<'l> {
    level: Option<&'static str>,
    message: Option<Named<'l>>,
    msg: Option<Named<'l>>,
}

/// The string at a key, or that something else is there.
type Named<'l> = Option<Cow<'l, str>>;

impl<'l> Loose<'l> {
    fn level(&self, key: &str) -> Option<&'static str> {
        match self {
            Self::Number(number) if is_number(key) => otel(*number),
            Self::Text(text) if is_number(key) => otel(text.parse().ok()?),
            Self::Text(text) => word(text),
            Self::Number(number) => numeric(*number),
            _ => None,
        }
    }

    fn string(self) -> Option<Cow<'l, str>> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A text that is not blank, or the message in a map.
    fn words(self) -> Option<Cow<'l, str>> {
        let text = match self {
            Self::Text(text) => text,
            Self::Map(inner) => inner.message.or(inner.msg)??,
            _ => return None,
        };
        let text = match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
            Cow::Owned(text) if text.trim().len() == text.len() => Cow::Owned(text),
            Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
        };
        (!text.is_empty()).then_some(text)
    }
}

impl<'de: 'l, 'l> Deserialize<'de> for Loose<'l> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Loose<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Loose<'de>, E> {
        Ok(Loose::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Loose<'de>, E> {
        Ok(Loose::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Loose<'de>, E> {
        Ok(Loose::Number(number))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Loose<'de>, E> {
        Ok(Loose::Other)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Loose<'de>, E> {
        Ok(Loose::Other)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Loose<'de>, E> {
        Ok(Loose::Other)
    }

    fn visit_unit<E: Error>(self) -> Result<Loose<'de>, E> {
        Ok(Loose::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Loose<'de>, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Loose::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Loose<'de>, A::Error> {
        let mut inner = Inner::default();
        while let Some(Str(key)) = map.next_key()? {
            match &*key {
                "level" => inner.level = map.next_value::<Loose<'_>>()?.level(&key),
                "message" => inner.message = Some(map.next_value::<Loose<'_>>()?.string()),
                "msg" => inner.msg = Some(map.next_value::<Loose<'_>>()?.string()),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(Loose::Map(inner))
    }
}
