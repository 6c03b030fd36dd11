//! Reads a template. An expression that is not understood is [`Expr::Beyond`]; a statement that
//! is not understood leaves the whole template to the engine.

use super::expression::{expression, is, taken};
use super::{Expr, Part};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Word(String),
    Text(String),
    Sign(&'static str),
    Number(usize),
    /// An operator: nothing that is understood here.
    Other,
}

const SIGNS: [&str; 14] = ["==", "!=", ".", ",", "(", ")", "[", "]", "{", "}", "|", "+", "~", ":"];

/// The parts of a template.
pub(super) fn parse(template: &str) -> Option<Vec<Part>> {
    let mut reader = Reader { rest: template };
    let (body, end) = reader.body(&[])?;
    end.is_empty().then_some(body)
}

struct Reader<'t> {
    rest: &'t str,
}

impl Reader<'_> {
    /// Parts up to a statement that starts with one of these words, which is returned with it.
    fn body(&mut self, until: &[&str]) -> Option<(Vec<Part>, Vec<Token>)> {
        let mut parts = Vec::new();
        loop {
            let open = self.rest.match_indices('{').map(|(at, _)| at);
            let mut open = open.filter(|at| self.rest[at + 1..].starts_with(['{', '%', '#']));
            let Some(at) = open.next() else {
                parts.push(Part::Text(self.rest.to_owned()));
                self.rest = "";
                return until.is_empty().then_some((parts, Vec::new()));
            };
            if at > 0 {
                parts.push(Part::Text(self.rest[..at].to_owned()));
            }
            let print = match self.rest.as_bytes().get(at + 1)? {
                b'{' => true,
                b'%' => false,
                _ => return None,
            };
            self.rest = &self.rest[at + 2..];
            let tokens = self.tokens(if print { "}}" } else { "%}" })?;
            if print {
                parts.push(Part::Print(expression(&tokens)));
                continue;
            }
            let Token::Word(word) = tokens.first()? else { return None };
            if until.contains(&word.as_str()) {
                return Some((parts, tokens));
            }
            parts.push(match word.as_str() {
                "set" => set(&tokens[1..])?,
                "if" => self.branches(&tokens[1..])?,
                "for" => self.repeated(&tokens[1..])?,
                _ => return None,
            });
        }
    }

    fn branches(&mut self, condition: &[Token]) -> Option<Part> {
        let mut branches = Vec::new();
        let mut condition = expression(condition);
        loop {
            let (body, end) = self.body(&["elif", "else", "endif"])?;
            branches.push((condition, body));
            condition = match &end[0] {
                Token::Word(word) if word == "elif" => expression(&end[1..]),
                Token::Word(word) if word == "else" => Expr::Const(true.into()),
                _ => return Some(Part::If(branches)),
            };
        }
    }

    fn repeated(&mut self, head: &[Token]) -> Option<Part> {
        let inside = head.iter().position(|token| is(token, "in"))?;
        let names: Option<Vec<String>> =
            head[..inside].split(|token| *token == Token::Sign(",")).map(name).collect();
        let (list, only) = match top_level(&head[inside + 1..], "if") {
            Some(at) => {
                let at = inside + 1 + at;
                (&head[inside + 1..at], Some(expression(&head[at + 1..])))
            }
            None => (&head[inside + 1..], None),
        };
        let list = expression(list);
        let (body, end) = self.body(&["else", "endfor"])?;
        let whole = end.len() == 1 && is(&end[0], "endfor");
        whole.then_some(Part::For { names: names?, list, only, body })
    }

    /// The tokens up to the end of a tag. Trimming of white space is not understood.
    fn tokens(&mut self, end: &str) -> Option<Vec<Token>> {
        let mut tokens = Vec::new();
        let mut depth = 0;
        if self.rest.starts_with(['-', '+']) {
            return None;
        }
        loop {
            self.rest = self.rest.trim_start();
            if depth == 0 && self.rest.starts_with(end) {
                self.rest = &self.rest[end.len()..];
                return (tokens.last() != Some(&Token::Sign("+"))).then_some(tokens);
            }
            if self.rest.starts_with("-%}") || self.rest.starts_with("-}}") {
                return None;
            }
            let first = self.rest.chars().next()?;
            if first.is_ascii_alphabetic() || first == '_' {
                let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
                let len = self.rest.find(|c| !part(c)).unwrap_or(self.rest.len());
                tokens.push(Token::Word(self.rest[..len].to_owned()));
                self.rest = &self.rest[len..];
            } else if first.is_ascii_digit() {
                let digit = |c: char| c.is_ascii_digit();
                let len = self.rest.find(|c| !digit(c)).unwrap_or(self.rest.len());
                tokens.push(self.rest[..len].parse().map_or(Token::Other, Token::Number));
                self.rest = &self.rest[len..];
            } else if first == '"' || first == '\'' {
                tokens.push(self.text(first)?);
            } else if let Some(sign) = SIGNS.into_iter().find(|sign| self.rest.starts_with(sign)) {
                depth += i32::from(sign == "{") - i32::from(sign == "}");
                tokens.push(Token::Sign(sign));
                self.rest = &self.rest[sign.len()..];
            } else {
                tokens.push(Token::Other);
                self.rest = &self.rest[first.len_utf8()..];
            }
        }
    }

    /// A string; of the escapes only those of `\` and quotes are understood.
    fn text(&mut self, quote: char) -> Option<Token> {
        let mut text = String::new();
        let mut known = true;
        let mut chars = self.rest.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            if c == quote {
                self.rest = &self.rest[at + 1..];
                return Some(if known { Token::Text(text) } else { Token::Other });
            }
            if c == '\\' {
                let (_, escaped) = chars.next()?;
                known &= matches!(escaped, '\\' | '"' | '\'');
                text.push(escaped);
            } else {
                text.push(c);
            }
        }
        None
    }
}

/// A variable's name.
fn name(tokens: &[Token]) -> Option<String> {
    match tokens {
        [Token::Word(word)] if !taken(word) => Some(word.clone()),
        _ => None,
    }
}

fn set(tokens: &[Token]) -> Option<Part> {
    // The sign `=` is no operator, so it is none of the known ones.
    match tokens {
        [name @ Token::Word(_), Token::Other, value @ ..] => {
            Some(Part::Set(self::name(std::slice::from_ref(name))?, expression(value)))
        }
        _ => None,
    }
}

/// Where a word stands outside of all brackets.
fn top_level(tokens: &[Token], word: &str) -> Option<usize> {
    let mut depth = 0;
    tokens.iter().position(|token| {
        match token {
            Token::Sign("(" | "[" | "{") => depth += 1,
            Token::Sign(")" | "]" | "}") => depth -= 1,
            _ => {}
        }
        depth == 0 && is(token, word)
    })
}
