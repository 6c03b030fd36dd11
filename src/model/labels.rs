//! Reading a list of label matchers with the place of every fault, and fingerprints of labels.

use super::{MatchOp, Matcher, SelectorError};

/// The fingerprint that Prometheus and Alertmanager give to a set of labels: FNV-1a over the
/// sorted names and values. The labels have to come sorted by name.
pub fn fingerprint<'l>(labels: impl IntoIterator<Item = (&'l str, &'l str)>) -> u64 {
    let mut hash = FNV_OFFSET;
    for (name, value) in labels {
        hash = fnv(hash, name.as_bytes());
        hash = fnv(hash, &[0xff]);
        hash = fnv(hash, value.as_bytes());
        hash = fnv(hash, &[0xff]);
    }
    hash
}

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;

fn fnv(hash: u64, bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// A hash of a text that stays the same over versions and machines.
pub fn stable_hash(text: &str) -> u64 {
    fnv(FNV_OFFSET, text.as_bytes())
}

/// Whether a selector is a list of matchers, `{a="x"}`, rather than a JSON or YAML map.
pub fn is_matchers(text: &str) -> bool {
    let mut reader = Reader { text, at: 0 };
    reader.blank();
    if !reader.eat('{') {
        return false;
    }
    reader.blank();
    if reader.name().is_err() {
        return false;
    }
    reader.blank();
    matches!(reader.peek(), Some('=' | '!'))
}

/// Reads `{a="x",b=~"y"}` at the start of a text, and tells the offset after its end.
pub fn parse_matchers(text: &str) -> Result<(Vec<Matcher>, usize), SelectorError> {
    let mut reader = Reader { text, at: 0 };
    let mut found = Vec::new();
    reader.blank();
    reader.expect('{')?;
    loop {
        reader.blank();
        if reader.eat('}') {
            return Ok((found, reader.at));
        }
        found.push(reader.matcher()?);
        reader.blank();
        if !reader.eat(',') && reader.peek() != Some('}') {
            return Err(reader.fault("expected , or }"));
        }
    }
}

/// Reads a string in double quotes or backticks at an offset, and tells the offset after it.
pub fn parse_string(text: &str, at: usize) -> Result<(String, usize), SelectorError> {
    let mut reader = Reader { text, at };
    let value = reader.string()?;
    Ok((value, reader.at))
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn eat(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.at += wanted.len_utf8();
        }
        found
    }

    fn expect(&mut self, wanted: char) -> Result<(), SelectorError> {
        if self.eat(wanted) { Ok(()) } else { Err(self.fault(&format!("expected {wanted}"))) }
    }

    fn fault(&self, expected: &str) -> SelectorError {
        let found = match self.peek() {
            Some(c) => format!("found {c:?}"),
            None => "it ends".to_owned(),
        };
        SelectorError::at(self.at, format!("{expected}, but {found}"))
    }

    fn blank(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn matcher(&mut self) -> Result<Matcher, SelectorError> {
        let name = self.name()?;
        self.blank();
        let op = self.op()?;
        self.blank();
        let start = self.at;
        let value = self.string()?;
        Matcher::new(&name, op, &value).map_err(|fault| SelectorError::at(start, fault.message))
    }

    fn name(&mut self) -> Result<String, SelectorError> {
        if self.peek() == Some('"') {
            return self.string();
        }
        let wanted = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':' || c == '.';
        let len = self.rest().find(|c| !wanted(c)).unwrap_or(self.rest().len());
        if len == 0 || self.rest().starts_with(|c: char| c.is_ascii_digit()) {
            return Err(self.fault("expected a label name"));
        }
        let name = self.rest()[..len].to_owned();
        self.at += len;
        Ok(name)
    }

    fn op(&mut self) -> Result<MatchOp, SelectorError> {
        let all = [MatchOp::Regex, MatchOp::NotRegex, MatchOp::NotEqual, MatchOp::Equal];
        let Some(op) = all.into_iter().find(|op| self.rest().starts_with(op.sign())) else {
            return Err(self.fault("expected =, !=, =~ or !~"));
        };
        self.at += op.sign().len();
        Ok(op)
    }

    fn string(&mut self) -> Result<String, SelectorError> {
        let start = self.at;
        let unclosed = || SelectorError::at(start, "this string has no closing quote");
        if self.eat('`') {
            let len = self.rest().find('`').ok_or_else(unclosed)?;
            let value = self.rest()[..len].to_owned();
            self.at += len + 1;
            return Ok(value);
        }
        if !self.eat('"') {
            return Err(self.fault("expected a string in double quotes"));
        }
        let mut value = String::new();
        loop {
            let c = self.peek().filter(|c| *c != '\n').ok_or_else(unclosed)?;
            let at = self.at;
            self.at += c.len_utf8();
            match c {
                '"' => return Ok(value),
                '\\' => value.push(self.escape(at)?),
                c => value.push(c),
            }
        }
    }

    fn escape(&mut self, start: usize) -> Result<char, SelectorError> {
        let bad = || SelectorError::at(start, "this escape is unknown; write \\\\ for a backslash");
        let c = self.peek().ok_or_else(bad)?;
        self.at += c.len_utf8();
        let simple = match c {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'v' => '\u{b}',
            '\\' | '"' | '\'' => c,
            'x' => return self.code(2, 16).ok_or_else(bad),
            'u' => return self.code(4, 16).ok_or_else(bad),
            'U' => return self.code(8, 16).ok_or_else(bad),
            '0'..='7' => {
                self.at -= 1;
                return self.code(3, 8).ok_or_else(bad);
            }
            _ => return Err(bad()),
        };
        Ok(simple)
    }

    fn code(&mut self, digits: usize, radix: u32) -> Option<char> {
        let text = self.rest().get(..digits)?;
        let c = char::from_u32(u32::from_str_radix(text, radix).ok()?)?;
        self.at += digits;
        Some(c)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matchers_are_read() {
        let text = r#" { a="x" , b!~`y\d` ,"c.d"=~"z|\"\u00fc",} | rest"#;
        let (found, end) = parse_matchers(text).unwrap();
        let texts: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(texts, [r#"a="x""#, r#"b!~"y\\d""#, r#""c.d"=~"z|\"ü""#]);
        assert_eq!(&text[end..], " | rest");
    }

    #[test]
    fn faults_have_a_place() {
        for (text, offset, words) in [
            (r#"{a="x"#, 3, "no closing quote"),
            ("{a=x}", 3, "double quotes"),
            (r#"{a~"x"}"#, 2, "expected =, !="),
            (r#"{a="x" b="y"}"#, 7, "expected , or }"),
            (r#"{a=~"("}"#, 4, "regular expression"),
            (r#"{a="\q"}"#, 4, "escape"),
            (r#"{a="x","#, 7, "label name"),
            (r#"{1a="x"}"#, 1, "label name"),
        ] {
            let fault = parse_matchers(text).unwrap_err();
            assert_eq!(fault.offset, Some(offset), "{text}: {fault}");
            assert!(fault.message.contains(words), "{text}: {fault}");
        }
    }

    #[test]
    fn maps_are_no_matchers() {
        for (text, expected) in [
            ("{a: x}", false),
            (r#"{"a":"x=1"}"#, false),
            ("{}", false),
            ("[{a: x}]", false),
            (r#"{a="x"}"#, true),
            (r#"{ "a" =~ "x"}"#, true),
            (r#"{a != "x"}"#, true),
        ] {
            assert_eq!(is_matchers(text), expected, "{text}");
        }
    }

    #[test]
    fn fingerprints_are_those_of_alertmanager() {
        let labels = [
            ("alertname", "ErrorBudgetBurn"),
            ("cluster", "shop-eu-1"),
            ("dashboard", "https://grafana.shop.example/d/checkout"),
            ("namespace", "shop"),
            ("prometheus", "monitoring/kube-prometheus-stack-prometheus"),
            ("service", "checkout"),
            ("severity", "critical"),
            ("slo", "availability"),
            ("team", "storefront"),
        ];
        assert_eq!(format!("{:016x}", fingerprint(labels)), "0f6ba750313f0105");
    }
}
