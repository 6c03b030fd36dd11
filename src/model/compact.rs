//! Reads JSON that stands as this program prints it: no spaces, no escapes, the keys of every map
//! in order and each once. What rules make is nearly always so; it needs no parser of all JSON,
//! and it is its own canonical text. Whatever else a text is, the answer is `None`.

use std::collections::BTreeMap;

/// A reader of such JSON.
#[derive(Debug)]
pub struct Compact<'t> {
    rest: &'t str,
}

impl<'t> Compact<'t> {
    /// Reads a map that is all of a text; `read` is called with each key and has to read its value.
    pub fn read(text: &'t str, read: impl FnMut(&mut Self, &'t str) -> Option<()>) -> Option<()> {
        let mut reader = Self { rest: text };
        reader.entries(read)?;
        reader.rest.is_empty().then_some(())
    }

    /// The entries of a map that is not empty.
    pub fn entries(
        &mut self,
        mut read: impl FnMut(&mut Self, &'t str) -> Option<()>,
    ) -> Option<()> {
        let mut last = None;
        self.eat("{")?;
        loop {
            let key = self.text()?;
            if last.is_some_and(|last| last >= key) {
                return None;
            }
            last = Some(key);
            self.eat(":")?;
            read(self, key)?;
            if self.eat(",").is_none() {
                return self.eat("}");
            }
        }
    }

    /// A string.
    pub fn text(&mut self) -> Option<&'t str> {
        let inner = self.rest.strip_prefix('"')?;
        let end = inner.bytes().position(|byte| byte == b'"' || byte == b'\\' || byte < b' ')?;
        self.rest = inner[end..].strip_prefix('"')?;
        Some(&inner[..end])
    }

    /// A map of strings that is not empty.
    pub fn texts(&mut self) -> Option<BTreeMap<String, String>> {
        let mut texts = BTreeMap::new();
        self.entries(|reader, key| {
            texts.insert(key.to_owned(), reader.text()?.to_owned());
            Some(())
        })?;
        Some(texts)
    }

    /// A list of strings that is not empty, sorted, each once.
    pub fn list(&mut self) -> Option<Vec<String>> {
        let mut list: Vec<String> = Vec::new();
        self.eat("[")?;
        loop {
            let text = self.text()?;
            if list.last().is_some_and(|last| last.as_str() >= text) {
                return None;
            }
            list.push(text.to_owned());
            if self.eat(",").is_none() {
                self.eat("]")?;
                return Some(list);
            }
        }
    }

    fn eat(&mut self, sign: &str) -> Option<()> {
        self.rest = self.rest.strip_prefix(sign)?;
        Some(())
    }
}
