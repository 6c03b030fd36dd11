//! Reading an answer of `query_range` as it comes by: lines go into few shared texts, and nothing
//! is made that is thrown away again.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use chrono::DateTime;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Map;

use super::{Entry, Stream};
use crate::client::prometheus::Success;
use crate::model::{Fields, Text};

/// Lines are put together in texts of this many bytes, so that a line that is kept does not keep
/// a whole answer.
const BLOCK: usize = 64 << 10;

/// How many different sets of metadata are remembered, so that lines can share them.
const SETS: usize = 1024;

/// The streams of an answer, or the type of a result that has none.
pub(super) enum Answered {
    Lines(Vec<Stream>),
    Other(String),
}

/// Reads an answer; lines whose time is no number are left out.
pub(super) fn read(text: &str) -> Result<Answered, serde_json::Error> {
    let mut reader = Reader::default();
    let mut json = serde_json::Deserializer::from_str(text);
    let found = Whole(&mut reader).deserialize(&mut json)?;
    json.end()?;
    Ok(found)
}

/// What is shared by the lines of an answer.
#[derive(Default)]
struct Reader {
    /// Lines that are not yet in a text: their nanoseconds, place in `block`, and metadata.
    pending: Vec<(i64, std::ops::Range<usize>, Fields)>,
    block: String,
    sets: HashMap<Box<str>, Fields>,
    none: Fields,
}

impl Reader {
    /// Adds a line; a block that it would overfill is moved into `entries` before.
    fn push(&mut self, line: &str, entries: &mut Vec<Entry>) -> std::ops::Range<usize> {
        if !self.block.is_empty() && self.block.len() + line.len() > BLOCK {
            self.seal(entries);
        }
        if self.block.is_empty() {
            self.block.reserve_exact(line.len());
        }
        let start = self.block.len();
        self.block.push_str(line);
        start..self.block.len()
    }

    fn seal(&mut self, entries: &mut Vec<Entry>) {
        let mut block = std::mem::take(&mut self.block);
        block.shrink_to_fit();
        let block = Arc::new(block);
        entries.extend(self.pending.drain(..).map(|(nanos, range, metadata)| Entry {
            time: DateTime::from_timestamp_nanos(nanos),
            line: Text::of(&block, range),
            metadata,
        }));
    }

    /// Pairs as fields; equal ones are shared.
    fn fields(&mut self, mut pairs: Vec<(Cow<'_, str>, Cow<'_, str>)>) -> Fields {
        if pairs.is_empty() {
            return Arc::clone(&self.none);
        }
        pairs.sort_by(|a, b| a.0.cmp(&b.0));
        // Of a name that comes twice, the last value counts.
        pairs.reverse();
        pairs.dedup_by(|a, b| a.0 == b.0);
        pairs.reverse();
        let mut key = String::new();
        for part in pairs.iter().flat_map(|(name, value)| [name, value]) {
            key.push_str(part);
            key.push('\0');
        }
        if let Some(known) = self.sets.get(key.as_str()) {
            return Arc::clone(known);
        }
        let whole = Arc::new(key.clone());
        let mut at = 0;
        let mut next = |part: &str| {
            let text = Text::of(&whole, at..at + part.len());
            at += part.len() + 1;
            text
        };
        let fields: Fields = pairs.iter().map(|(name, value)| (next(name), next(value))).collect();
        if self.sets.len() == SETS {
            self.sets.clear();
        }
        self.sets.insert(key.into(), Arc::clone(&fields));
        fields
    }
}

struct Whole<'r>(&'r mut Reader);
struct Data<'r>(&'r mut Reader);
struct Streams<'r>(&'r mut Reader);
struct OneStream<'r>(&'r mut Reader);
struct Values<'r>(&'r mut Reader);
struct Value<'r>(&'r mut Reader, &'r mut Vec<Entry>);
struct Line<'r>(&'r mut Reader, &'r mut Vec<Entry>);
struct Categories;
struct Pairs<'p, 'de>(&'p mut Vec<Pair<'de>>);
struct Word;

/// A string, borrowed if it has no escapes.
#[derive(Deserialize)]
struct Str<'s>(#[serde(borrow)] Cow<'s, str>);

type Said<'de> = Option<Cow<'de, str>>;
type Pair<'de> = (Cow<'de, str>, Cow<'de, str>);

/// A seed that expects one kind of value: `seed! { Type, [lifetimes], call, "what", Output, visit }`.
macro_rules! seed {
    ($seed:ty, [$($life:lifetime),*], $call:ident, $what:literal, $output:ty, $($visit:tt)*) => {
        impl<'de, $($life),*> DeserializeSeed<'de> for $seed {
            type Value = $output;

            fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<$output, D::Error> {
                from.$call(self)
            }
        }

        impl<'de, $($life),*> Visitor<'de> for $seed {
            type Value = $output;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($what)
            }

            $($visit)*
        }
    };
}

seed! { Whole<'r>, ['r], deserialize_map, "an answer", Answered,
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Answered, A::Error> {
        let (mut found, mut status) = (None, None);
        while let Some(key) = map.next_key::<Str<'de>>()? {
            match &*key.0 {
                "status" => status = Some(map.next_value::<Success>()?),
                "data" => found = Some(map.next_value_seed(Data(&mut *self.0))?),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        status.ok_or_else(|| A::Error::missing_field("status"))?;
        Ok(found.unwrap_or_else(|| Answered::Lines(Vec::new())))
    }
}

seed! { Data<'r>, ['r], deserialize_map, "the data of an answer", Answered,
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Answered, A::Error> {
        let (mut kind, mut streams) = (None, None);
        while let Some(key) = map.next_key::<Str<'de>>()? {
            match &*key.0 {
                "resultType" => kind = Some(map.next_value::<String>()?),
                "result" if kind.as_deref().is_none_or(|kind| kind == "streams") => {
                    streams = map.next_value_seed(Streams(&mut *self.0))?;
                }
                "result" => streams = map.next_value::<Option<IgnoredAny>>()?.map(|_| Vec::new()),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(match (streams, kind) {
            (None, _) => Answered::Lines(Vec::new()),
            (Some(streams), Some(kind)) if kind == "streams" => Answered::Lines(streams),
            (_, kind) => Answered::Other(kind.unwrap_or_default()),
        })
    }
}

seed! { Streams<'r>, ['r], deserialize_option, "streams", Option<Vec<Stream>>,
    fn visit_none<E: Error>(self) -> Result<Option<Vec<Stream>>, E> {
        Ok(None)
    }

    fn visit_unit<E: Error>(self) -> Result<Option<Vec<Stream>>, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Option<Vec<Stream>>, D::Error> {
        from.deserialize_seq(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Option<Vec<Stream>>, A::Error> {
        let mut streams = Vec::new();
        while let Some(stream) = list.next_element_seed(OneStream(&mut *self.0))? {
            streams.push(stream);
        }
        Ok(Some(streams))
    }
}

seed! { OneStream<'r>, ['r], deserialize_map, "a stream", Stream,
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Stream, A::Error> {
        let mut stream = Stream::default();
        while let Some(key) = map.next_key::<Str<'de>>()? {
            match &*key.0 {
                "stream" => stream.labels = map.next_value::<Map<String, serde_json::Value>>()?,
                "values" => stream.entries = map.next_value_seed(Values(&mut *self.0))?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(stream)
    }
}

seed! { Values<'r>, ['r], deserialize_seq, "the lines of a stream", Vec<Entry>,
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<Entry>, A::Error> {
        let mut entries = Vec::new();
        while list.next_element_seed(Value(&mut *self.0, &mut entries))?.is_some() {}
        self.0.seal(&mut entries);
        entries.shrink_to_fit();
        Ok(entries)
    }
}

seed! { Value<'r>, ['r], deserialize_seq, "a time, a line and its metadata", (),
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let time = list.next_element::<Str<'de>>()?;
        let time = time.ok_or_else(|| A::Error::invalid_length(0, &self))?;
        let line = list.next_element_seed(Line(&mut *self.0, &mut *self.1))?;
        let line = line.ok_or_else(|| A::Error::custom("a line is missing"))?;
        let pairs = list.next_element_seed(Categories)?.unwrap_or_default();
        while list.next_element::<IgnoredAny>()?.is_some() {}
        if let Ok(nanos) = time.0.parse() {
            let metadata = self.0.fields(pairs);
            self.0.pending.push((nanos, line, metadata));
        }
        Ok(())
    }
}

seed! { Line<'r>, ['r], deserialize_str, "a line", std::ops::Range<usize>,
    fn visit_str<E: Error>(self, line: &str) -> Result<std::ops::Range<usize>, E> {
        Ok(self.0.push(line, self.1))
    }
}

seed! {
    Categories,
    [],
    deserialize_map,
    "metadata of a line",
    Vec<Pair<'de>>,
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<Pair<'de>>, A::Error> {
        let (mut parsed, mut kept) = (Vec::new(), Vec::new());
        while let Some(key) = map.next_key::<Str<'de>>()? {
            match &*key.0 {
                "parsed" => map.next_value_seed(Pairs(&mut parsed))?,
                "structuredMetadata" => map.next_value_seed(Pairs(&mut kept))?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        parsed.append(&mut kept);
        Ok(parsed)
    }
}

seed! { Pairs<'p, 'de>, ['p], deserialize_map, "names and values", (),
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<Str<'de>>()? {
            if let Some(value) = map.next_value_seed(Word)? {
                self.0.push((name.0, value));
            }
        }
        Ok(())
    }
}

// A string; `None` for anything else.
seed! {
    Word,
    [],
    deserialize_any,
    "a value",
    Said<'de>,
    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Said<'de>, E> {
        Ok(Some(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Said<'de>, E> {
        Ok(Some(Cow::Owned(text.to_owned())))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Said<'de>, E> {
        Ok(None)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Said<'de>, E> {
        Ok(None)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Said<'de>, E> {
        Ok(None)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Said<'de>, E> {
        Ok(None)
    }

    fn visit_unit<E: Error>(self) -> Result<Said<'de>, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Said<'de>, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Said<'de>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}
