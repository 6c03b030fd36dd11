//! Runs a program on an object. Where the engine would say "undefined", the rule does not apply;
//! where it might say anything else than what is certain here, it is asked.

use std::borrow::Cow;
use std::rc::Rc;

use serde_json::Value;

use super::operate::{equal, field_of, joined, len, plain, selected};
use super::value::Val;
use super::{Expr, Part, Program, Word};
use crate::model::{Body, Vocabulary, escape_re2};
use crate::rule::template::Labels;
use crate::rule::words::{class_name, label_name, one_line, stem};

/// Steps that are far below what the engine allows.
const STEPS: usize = 10_000;

/// Bytes that are far below what the engine allows.
const BYTES: usize = 20_000;

/// Bytes that most outputs fit in.
const ROOM: usize = 160;

/// What became of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::rule) enum Outcome {
    Printed(String),
    DoesNotApply,
    /// The engine has to decide.
    Unsure,
}

/// What a program can read.
pub(in crate::rule) struct Known<'a> {
    pub(in crate::rule) body: &'a Body,
    pub(in crate::rule) labels: &'a dyn Fn() -> &'a Labels,
    pub(in crate::rule) words: &'a Vocabulary,
}

/// Why a program ends early.
pub(super) enum Stop {
    Missing,
    Unsure,
}

pub(super) type Run<T> = Result<T, Stop>;

impl Program {
    pub(in crate::rule) fn run<'a>(&'a self, known: &'a Known<'a>) -> Outcome {
        if self.is_silent(known) {
            return Outcome::DoesNotApply;
        }
        let mut state = State { known, names: Vec::new(), out: Vec::new(), steps: 0 };
        match state.parts(&self.body) {
            Ok(()) if state.out.is_empty() => Outcome::DoesNotApply,
            Ok(()) => String::from_utf8(state.out).map_or(Outcome::Unsure, Outcome::Printed),
            Err(Stop::Missing) => Outcome::DoesNotApply,
            Err(Stop::Unsure) => Outcome::Unsure,
        }
    }
}

struct State<'a> {
    known: &'a Known<'a>,
    names: Vec<(&'a str, Val<'a>)>,
    out: Vec<u8>,
    steps: usize,
}

impl<'a> State<'a> {
    /// Blank lines at the start mean nothing, so that what prints nothing else needs no room.
    fn write(&mut self, text: &str) {
        if self.out.is_empty() {
            if text.trim_start().is_empty() {
                return;
            }
            self.out.reserve(ROOM);
        }
        self.out.extend_from_slice(text.as_bytes());
    }

    fn parts(&mut self, parts: &'a [Part]) -> Run<()> {
        for part in parts {
            self.step()?;
            match part {
                Part::Text(text) => self.write(text),
                Part::Print(expr) => {
                    let value = self.eval(expr)?;
                    self.print(&value)?;
                }
                Part::Set(name, expr) => {
                    let value = self.eval(expr)?;
                    self.names.push((name, value));
                }
                Part::If(branches) => {
                    for (condition, body) in branches {
                        if self.eval(condition)?.is_true() {
                            self.parts(body)?;
                            break;
                        }
                    }
                }
                Part::For { names, list, only, body } => {
                    self.repeat(names, list, only.as_ref(), body)?;
                }
            }
        }
        Ok(())
    }

    fn repeat(
        &mut self,
        names: &'a [String],
        list: &'a Expr,
        only: Option<&'a Expr>,
        body: &'a [Part],
    ) -> Run<()> {
        let list = self.eval(list)?;
        if matches!(list, Val::Undefined) {
            return Err(Stop::Missing);
        }
        let outside = self.names.len();
        for place in 0..list.len().ok_or(Stop::Unsure)? {
            let item = list.at(place);
            self.step()?;
            if let [name] = names {
                self.names.push((name, item));
            } else {
                let items = item.elements().filter(|items| items.len() == names.len());
                let names = names.iter().map(String::as_str);
                self.names.extend(names.zip(items.ok_or(Stop::Unsure)?));
            }
            let wanted = only.map_or(Ok(true), |only| self.eval(only).map(|value| value.is_true()));
            if wanted? {
                self.parts(body)?;
            }
            self.names.truncate(outside);
        }
        Ok(())
    }

    fn step(&mut self) -> Run<()> {
        self.steps += 1;
        if self.steps > STEPS || self.out.len() > BYTES { Err(Stop::Unsure) } else { Ok(()) }
    }

    fn print(&mut self, value: &Val<'_>) -> Run<()> {
        if value.missing() {
            return Err(Stop::Missing);
        }
        match value {
            Val::Safe(text) => self.out.extend_from_slice(text.as_bytes()),
            Val::Text(text) => self.json(text.as_ref())?,
            Val::Json(Value::String(text)) => self.json(text.as_str())?,
            Val::Json(Value::Number(number)) if number.is_f64() => return Err(Stop::Unsure),
            Val::Json(json) => self.json(json)?,
            Val::Map(map) => self.json(&**map)?,
            Val::Bool(truth) => self.json(truth)?,
            Val::List(_) | Val::Parts(_) | Val::Undefined => return Err(Stop::Unsure),
        }
        Ok(())
    }

    fn json<T: serde::Serialize + ?Sized>(&mut self, value: &T) -> Run<()> {
        serde_json::to_writer(&mut self.out, value).map_err(|_| Stop::Unsure)
    }

    fn eval(&mut self, expr: &'a Expr) -> Run<Val<'a>> {
        self.step()?;
        Ok(match expr {
            Expr::Const(value) => Val::Json(value),
            Expr::List(items) => {
                let items: Run<Vec<_>> = items.iter().map(|item| self.eval(item)).collect();
                Val::List(Rc::new(items?))
            }
            Expr::Name(name) => self.name(name)?,
            Expr::Field(of, field) => field_of(&self.eval(of)?, field)?,
            Expr::Path(name, fields) => {
                self.steps += fields.len();
                let mut value = self.name(name)?;
                for field in fields {
                    value = field_of(&value, field)?;
                }
                value
            }
            Expr::Or(left, right) => match self.eval(left)? {
                left if left.is_true() => left,
                _ => self.eval(right)?,
            },
            Expr::And(left, right) => match self.eval(left)? {
                left if left.is_true() => self.eval(right)?,
                left => left,
            },
            Expr::Not(of) => Val::Bool(!self.eval(of)?.is_true()),
            Expr::Equal(left, right) => {
                let (left, right) = (self.eval(left)?, self.eval(right)?);
                Val::Bool(equal(&left, &right)?)
            }
            Expr::In(item, all) => {
                let (item, all) = (self.eval(item)?, self.eval(all)?);
                Val::Bool(self.contains(&all, &item)?)
            }
            Expr::Add(left, right) => {
                let (left, right) = (self.eval(left)?, self.eval(right)?);
                joined(&left, &right)?
            }
            Expr::Concat(left, right) => {
                let (left, right) = (self.eval(left)?, self.eval(right)?);
                Val::Text((plain(&left)?.to_owned() + plain(&right)?).into())
            }
            Expr::Choice(parts) => {
                let (condition, then, other) = &**parts;
                let truth = self.eval(condition)?.is_true();
                self.eval(if truth { then } else { other })?
            }
            Expr::Call(word, arguments) => self.call(*word, arguments)?,
            Expr::Having(of, field) => {
                let mut kept = Vec::new();
                let list = self.eval(of)?;
                for place in 0..len(&list)? {
                    let item = list.at(place);
                    self.step()?;
                    if field_of(&item, field)?.is_true() {
                        kept.push(item);
                    }
                }
                Val::List(Rc::new(kept))
            }
            Expr::First(of) => {
                let list = self.eval(of)?;
                len(&list).map(|_| list.at(0))?
            }
            Expr::Last(of) => {
                let list = self.eval(of)?;
                len(&list)?.checked_sub(1).map_or(Val::Undefined, |last| list.at(last))
            }
            Expr::At(of, place) => {
                let list = self.eval(of)?;
                list.len().map(|_| list.at(*place)).ok_or(Stop::Unsure)?
            }
            Expr::Split(of, by) => self.split(of, by)?,
            Expr::Starts(of, text) => Val::Bool(self.text(of)?.starts_with(text.as_str())),
            Expr::Ends(of, text) => Val::Bool(self.text(of)?.ends_with(text.as_str())),
            Expr::Beyond => return Err(Stop::Unsure),
        })
    }

    fn text(&mut self, of: &'a Expr) -> Run<Cow<'a, str>> {
        self.eval(of)?.into_text().ok_or(Stop::Unsure)
    }

    fn split(&mut self, of: &'a Expr, by: &str) -> Run<Val<'a>> {
        let text = self.text(of)?;
        self.steps += text.len() / 10;
        let parts = match text {
            Cow::Borrowed(text) => text.split(by).map(|part| Val::Text(part.into())).collect(),
            Cow::Owned(text) => {
                text.split(by).map(|part| Val::Text(part.to_owned().into())).collect()
            }
        };
        Ok(Val::List(Rc::new(parts)))
    }

    fn name(&self, name: &str) -> Run<Val<'a>> {
        if let Some((_, value)) = self.names.iter().rev().find(|(own, _)| *own == name) {
            return Ok(value.clone());
        }
        match self.known.body.get(name) {
            Some(value) => Ok(Val::Json(value)),
            // The expression of an alert is also known from elsewhere.
            None if name == "expression" => Err(Stop::Unsure),
            None => Ok(Val::Undefined),
        }
    }

    fn contains(&mut self, all: &Val<'_>, item: &Val<'_>) -> Run<bool> {
        if matches!(all, Val::Undefined) || matches!(item, Val::Undefined) {
            return Err(Stop::Missing);
        }
        let item = item.text().ok_or(Stop::Unsure)?;
        if let Some(text) = all.text() {
            self.steps += text.len() / 10;
            return Ok(text.contains(item));
        }
        let len = all.len().ok_or(Stop::Unsure)?;
        self.steps += len;
        Ok((0..len).any(|place| all.at(place).text() == Some(item)))
    }

    fn call(&mut self, word: Word, arguments: &'a [Expr]) -> Run<Val<'a>> {
        let first = self.eval(&arguments[0])?;
        if word == Word::Selector {
            return selected(&first);
        }
        if word == Word::Stem {
            return Ok(stemmed(first));
        }
        let second = arguments.get(1).map(|second| self.eval(second)).transpose()?;
        if first.missing() || second.as_ref().is_some_and(Val::missing) {
            // A term that is empty is no missing value.
            return Err(if word.reads_labels() { Stop::Unsure } else { Stop::Missing });
        }
        let text = first.into_text().ok_or(Stop::Unsure)?;
        let words = self.known.words;
        let found = |text: Option<&'a str>| text.map_or(Val::Undefined, |t| Val::Text(t.into()));
        Ok(match word {
            Word::Class => {
                let second = second.ok_or(Stop::Unsure)?;
                let kind = second.text().ok_or(Stop::Unsure)?;
                Val::Safe(class_name(&text, kind).ok_or(Stop::Unsure)?.into())
            }
            Word::Beside => {
                let mut all = (self.known.labels)().beside.iter();
                let parts = all.find(|parts| parts.terms.contains_key(text.as_ref()));
                parts.map_or(Val::Undefined, |parts| Val::Parts(&parts.terms))
            }
            Word::Messenger => {
                let labels = (self.known.labels)();
                found(words.read(&labels.carrier, &text, &labels.hidden))
            }
            Word::Label => found((self.known.labels)().read(words, &text)),
            Word::Subject => found((self.known.labels)().subject(&text)),
            Word::Named => {
                let subject = (self.known.labels)().subject.as_ref();
                let space = subject.and_then(|subject| subject.namespace.as_deref());
                let space = space.map(|space| ("namespace".to_owned(), Value::from(space)));
                let name = ("name".to_owned(), Value::from(text.as_ref()));
                let map = space.into_iter().chain([name]).collect();
                Val::Map(Rc::new(Value::Object(map)))
            }
            Word::LabelName => Val::Safe(label_name(&text).into()),
            Word::Line => Val::Safe(one_line(&text).into()),
            Word::LogClass => Val::Safe(Cow::Borrowed(words.log_class(&text))),
            Word::Re => Val::Text(escape_re2(&text).into()),
            Word::Selector | Word::Stem => return Err(Stop::Unsure),
        })
    }
}

/// `stem(…)`: a name without its last part; what is no text or has no such part has none.
fn stemmed(name: Val<'_>) -> Val<'_> {
    match name.into_text() {
        Some(Cow::Borrowed(name)) => stem(name).map(|name| Val::Text(name.into())),
        Some(Cow::Owned(name)) => stem(&name).map(|name| Val::Text(name.to_owned().into())),
        None => None,
    }
    .unwrap_or(Val::Undefined)
}
