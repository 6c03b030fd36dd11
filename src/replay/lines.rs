//! Reading the lines of a recording one by one, so that a file is never in memory as a whole, and
//! sharing what log lines have in common.

use std::borrow::Cow;
use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read as _};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::{Outcome, ReplayError};
use crate::model::{Body, Fields};

const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// A recording may not unpack to more bytes than this.
pub(super) const MOST_BYTES: u64 = 1 << 30;

/// The lines of a file that are not empty, with their numbers.
pub(super) struct Lines<'f> {
    plain: Box<dyn BufRead + 'f>,
    buffer: Vec<u8>,
    number: usize,
    read: u64,
}

impl<'f> Lines<'f> {
    pub(super) fn new(mut file: impl BufRead + 'f) -> Result<Self, ReplayError> {
        let packed = file.fill_buf().map_err(ReplayError::Damaged)?.starts_with(&ZSTD_MAGIC);
        let plain: Box<dyn BufRead + 'f> = if packed {
            let decoder = zstd::Decoder::with_buffer(file).map_err(ReplayError::Damaged)?;
            Box::new(BufReader::with_capacity(1 << 17, decoder))
        } else {
            Box::new(file)
        };
        Ok(Self { plain, buffer: Vec::new(), number: 0, read: 0 })
    }

    /// The next line and its number, counted from 1.
    pub(super) fn next(&mut self) -> Result<Option<(usize, &str)>, ReplayError> {
        loop {
            self.buffer.clear();
            let room = MOST_BYTES + 1 - self.read;
            let mut bounded = (&mut self.plain).take(room);
            let read = bounded.read_until(b'\n', &mut self.buffer).map_err(ReplayError::Damaged)?;
            if read == 0 {
                return Ok(None);
            }
            self.read += read as u64;
            if self.read > MOST_BYTES {
                return Err(ReplayError::TooLarge);
            }
            self.number += 1;
            if !self.buffer.trim_ascii().is_empty() {
                break;
            }
        }
        let text = str::from_utf8(&self.buffer)
            .map_err(|_| ReplayError::Foreign("it is neither zstd nor text".to_owned()))?;
        Ok(Some((self.number, text)))
    }
}

/// What a line says.
pub(super) enum Line<'t> {
    Object { class: Cow<'t, str>, object: Value },
    Answer { query: String, ids: Vec<String> },
    Outcome { query: String, outcome: Outcome },
}

#[derive(Deserialize)]
struct Written<'t> {
    #[serde(borrow)]
    class: Option<Cow<'t, str>>,
    object: Option<Value>,
    query: Option<String>,
    ids: Option<Vec<String>>,
    outcome: Option<Outcome>,
}

/// Reads a line, or says what is wrong with it.
pub(super) fn parse(text: &str) -> Result<Line<'_>, String> {
    let other = || "neither {class, object} nor {query, ids}".to_owned();
    let written: Written<'_> = serde_json::from_str(text)
        .map_err(|fault| if fault.is_data() { other() } else { format!("not JSON: {fault}") })?;
    match written {
        Written { class: Some(class), object: Some(object), .. } => {
            Ok(Line::Object { class, object })
        }
        Written { query: Some(query), ids: Some(ids), .. } => Ok(Line::Answer { query, ids }),
        Written { query: Some(query), outcome: Some(outcome), .. } => {
            Ok(Line::Outcome { query, outcome })
        }
        _ => Err(other()),
    }
}

/// What log lines share.
#[derive(Default)]
pub(super) struct Interner {
    frames: HashSet<Arc<Value>>,
    fields: HashSet<Fields>,
}

impl Interner {
    /// The body of a log line, which shares what others had already.
    pub(super) fn line(&mut self, body: Value) -> Body {
        let body = Body::of_line(body);
        let Some((frame, time, text, fields)) = body.parts() else { return body };
        let frame = shared(&mut self.frames, frame);
        let fields = shared(&mut self.fields, fields);
        Body::line(frame, time, text.clone(), fields)
    }
}

/// The equal one that is known, or this one from now on.
pub(super) fn shared<T: Clone + Eq + std::hash::Hash>(known: &mut HashSet<T>, one: &T) -> T {
    if let Some(known) = known.get(one) {
        return known.clone();
    }
    known.insert(one.clone());
    one.clone()
}
