//! Reads TraceQL; every fault has its place.

use super::expr::Expr;
use super::field::{Field, Static, intrinsics};
use super::lex::{Kind, Token, tokens};
use crate::model::{SelectorError, anchored, similar};

/// How deep brackets may be nested.
const DEPTH: usize = 60;

/// What a query is made of.
pub(super) struct Parsed {
    /// The condition of each spanset in it, in order; `None` for `{}`.
    pub(super) spansets: Vec<Option<Expr>>,
    /// The spansets and what joins them, as it prints.
    pub(super) text: String,
    /// The stages behind a pipe and the hints, as they print; empty if there are none.
    pub(super) pipeline: String,
}

/// Reads a whole query.
pub(super) fn parse(text: &str) -> Result<Parsed, SelectorError> {
    let mut reader =
        Reader { text, tokens: tokens(text)?, next: 0, depth: 0, spansets: Vec::new() };
    let printed = reader.spansets()?;
    let pipeline = reader.pipeline()?;
    Ok(Parsed { spansets: reader.spansets, text: printed, pipeline })
}

struct Reader<'t> {
    text: &'t str,
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
    spansets: Vec<Option<Expr>>,
}

/// The operators between spansets.
const BETWEEN: [&str; 17] = [
    "&&", "||", ">", ">>", "<", "<<", "~", "!>", "!>>", "!<", "!<<", "!~", "&>", "&>>", "&<",
    "&<<", "&~",
];

const COMPARE: [&str; 8] = ["=", "!=", "=~", "!~", ">", ">=", "<", "<="];

const STATUS: [&str; 3] = ["ok", "error", "unset"];

const KINDS: [&str; 6] = ["unspecified", "internal", "server", "client", "producer", "consumer"];

impl Reader<'_> {
    fn peek(&self) -> &Token {
        // The last token is the end, which is never passed.
        &self.tokens[self.next.min(self.tokens.len() - 1)]
    }

    fn step(&mut self) -> Token {
        let token = self.peek().clone();
        self.next += 1;
        token
    }

    fn eat(&mut self, wanted: &str) -> bool {
        let found = matches!(self.peek().kind, Kind::Sign(sign) if sign == wanted);
        self.next += usize::from(found);
        found
    }

    fn any(&mut self, wanted: &[&'static str]) -> Option<&'static str> {
        let Kind::Sign(sign) = self.peek().kind else { return None };
        let found = wanted.iter().find(|wanted| **wanted == sign)?;
        self.next += 1;
        Some(found)
    }

    fn fault<T>(&self, message: impl Into<String>) -> Result<T, SelectorError> {
        Err(SelectorError::at(self.peek().at, message))
    }

    fn deeper(&mut self) -> Result<(), SelectorError> {
        self.depth += 1;
        if self.depth > DEPTH { self.fault("too many brackets in each other") } else { Ok(()) }
    }

    fn spansets(&mut self) -> Result<String, SelectorError> {
        let mut printed = self.spanset()?;
        while let Some(op) = self.any(&BETWEEN) {
            printed = format!("{printed} {op} {}", self.spanset()?);
        }
        Ok(printed)
    }

    fn spanset(&mut self) -> Result<String, SelectorError> {
        let start = self.peek().at;
        if self.eat("(") {
            self.deeper()?;
            let inner = self.spansets()?;
            let pipeline = self.stages()?;
            let gap = if pipeline.is_empty() { "" } else { " " };
            if !self.eat(")") {
                return Err(SelectorError::at(start, "this bracket is never closed"));
            }
            self.depth -= 1;
            return Ok(format!("({inner}{gap}{pipeline})"));
        }
        if !self.eat("{") {
            return self.fault("expected {, as in {resource.service.name = \"web\"}");
        }
        if self.eat("}") {
            self.spansets.push(None);
            return Ok("{}".to_owned());
        }
        let expr = self.logical()?;
        if !self.eat("}") {
            if self.peek().kind == Kind::End {
                return Err(SelectorError::at(start, "this { is never closed"));
            }
            return self.fault("expected an operator (= != =~ !~ > >= < <= && ||) or }");
        }
        let printed = format!("{{ {expr} }}");
        self.spansets.push(Some(expr));
        Ok(printed)
    }

    /// Both bind alike, from the left.
    fn logical(&mut self) -> Result<Expr, SelectorError> {
        let mut left = self.comparison()?;
        while let Some(op) = self.any(&["&&", "||"]) {
            let right = self.comparison()?;
            left = Expr::Binary(Box::new(left), op, Box::new(right));
        }
        Ok(left)
    }

    fn comparison(&mut self) -> Result<Expr, SelectorError> {
        let mut left = self.sum()?;
        while let Some(op) = self.any(&COMPARE) {
            let at = self.peek().at;
            if op == "=~" || op == "!~" {
                let Kind::Text(regex) = self.step().kind else {
                    return Err(SelectorError::at(at, "expected a regular expression in quotes"));
                };
                let compiled =
                    anchored(&regex).map_err(|fault| SelectorError::at(at, fault.message))?;
                left = Expr::Match(Box::new(left), op == "=~", regex, compiled);
                continue;
            }
            let right = self.sum()?;
            for (one, other) in [(&left, &right), (&right, &left)] {
                types(one, other).map_err(|words| SelectorError::at(at, words))?;
            }
            left = Expr::Binary(Box::new(left), op, Box::new(right));
        }
        Ok(left)
    }

    fn sum(&mut self) -> Result<Expr, SelectorError> {
        let mut left = self.product()?;
        while let Some(op) = self.any(&["+", "-"]) {
            let right = self.product()?;
            left = Expr::Binary(Box::new(left), op, Box::new(right));
        }
        Ok(left)
    }

    fn product(&mut self) -> Result<Expr, SelectorError> {
        let mut left = self.unary()?;
        while let Some(op) = self.any(&["*", "/", "%", "^"]) {
            let right = self.unary()?;
            left = Expr::Binary(Box::new(left), op, Box::new(right));
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Expr, SelectorError> {
        let Some(op) = self.any(&["!", "-"]) else { return self.operand() };
        self.deeper()?;
        let inner = self.unary()?;
        self.depth -= 1;
        Ok(Expr::Unary(op, Box::new(inner)))
    }

    fn operand(&mut self) -> Result<Expr, SelectorError> {
        let start = self.peek().at;
        if self.eat("(") {
            self.deeper()?;
            let inner = self.logical()?;
            if !self.eat(")") {
                return Err(SelectorError::at(start, "this bracket is never closed"));
            }
            self.depth -= 1;
            return Ok(inner);
        }
        let token = self.peek().clone();
        let value = match token.kind {
            Kind::Text(text) => Static::Text(text),
            Kind::Number(number) => Static::Number(number),
            Kind::Duration(nanos) => Static::Duration(nanos),
            Kind::Word(word) => {
                self.next += 1;
                return named(&word).map_err(|words| SelectorError::at(token.at, words));
            }
            Kind::End => return self.fault("something is missing at the end: a value, then }"),
            Kind::Sign(sign) => {
                return self.fault(format!("expected an attribute or a value, not {sign}"));
            }
        };
        self.next += 1;
        Ok(Expr::Value(value))
    }

    /// The rest of the query, which is left to the server: its brackets have to be closed.
    fn pipeline(&mut self) -> Result<String, SelectorError> {
        let printed = self.stages()?;
        if self.peek().kind == Kind::End {
            return Ok(printed);
        }
        self.fault(
            "after a spanset comes an operator (&& || >> > ~), a stage (| select(…)) or the end",
        )
    }

    /// Stages as they were written, with single spaces.
    fn stages(&mut self) -> Result<String, SelectorError> {
        let hint = |kind: &Kind| matches!(kind, Kind::Word(word) if word == "with");
        if !matches!(self.peek().kind, Kind::Sign("|")) && !hint(&self.peek().kind) {
            return Ok(String::new());
        }
        let mut open: Vec<usize> = Vec::new();
        let mut parts: Vec<String> = Vec::new();
        let mut last = self.peek().at;
        loop {
            let token = self.peek().clone();
            match token.kind {
                Kind::End => break,
                Kind::Sign("(" | "{") => open.push(token.at),
                Kind::Sign(")" | "}") if open.pop().is_none() => break,
                _ => {}
            }
            let text = &self.text[token.at..token.end];
            match parts.last_mut() {
                Some(part) if token.at == last => part.push_str(text),
                _ => parts.push(text.to_owned()),
            }
            last = token.end;
            self.next += 1;
        }
        match open.pop() {
            Some(at) => Err(SelectorError::at(at, "this bracket is never closed")),
            None => Ok(parts.join(" ")),
        }
    }
}

fn named(word: &str) -> Result<Expr, String> {
    let value = match word {
        "true" => Static::Bool(true),
        "false" => Static::Bool(false),
        "nil" => Static::Nil,
        word if STATUS.contains(&word) || KINDS.contains(&word) => Static::Word(word.to_owned()),
        word => {
            return Field::of(word).map(Expr::Field).ok_or_else(|| {
                let near = similar(word, intrinsics());
                let near = match near.first() {
                    Some(name) => format!("; did you mean {name}?"),
                    None => String::new(),
                };
                format!(
                    "{word:?} is no field: write resource.{word}, span.{word} or .{word} for an \
                     attribute{near}"
                )
            });
        }
    };
    Ok(Expr::Value(value))
}

/// What is wrong with comparing a field with a value, if something is.
fn types(field: &Expr, value: &Expr) -> Result<(), String> {
    let (Expr::Field(Field::Intrinsic(name)), Expr::Value(value)) = (field, value) else {
        return Ok(());
    };
    let word = |known: &[&str]| matches!(value, Static::Word(word) if known.contains(&&**word));
    let (right, expected) = match *name {
        "status" => (word(&STATUS), "ok, error or unset, without quotes"),
        "kind" => (word(&KINDS), "server, client, internal, producer or consumer, without quotes"),
        "duration" | "traceDuration" => {
            (matches!(value, Static::Number(_) | Static::Duration(_)), "a duration, as 300ms")
        }
        "name" | "statusMessage" | "rootName" | "rootServiceName" | "trace:id" | "span:id" => {
            (matches!(value, Static::Text(_)), "a string in double quotes")
        }
        _ => (true, ""),
    };
    if right || *value == Static::Nil {
        Ok(())
    } else {
        Err(format!("{name} is compared with {expected}"))
    }
}
