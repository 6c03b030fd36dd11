//! Looks whether a program is going to print anything, before it is run: most rules do not apply
//! to most objects. What is plain to see of the object needs no memory; where it is not plain,
//! the program is run.

use serde_json::Value;

use super::value::{is_true, missing};
use super::{Expr, Known, Part, Program, Word};
use crate::rule::words::stem;

/// How many variables are remembered.
const NAMES: usize = 4;

/// What an expression comes to.
#[derive(Clone, Copy, Debug)]
enum Seen<'a> {
    Undefined,
    Json(&'a Value),
    Text(&'a str),
    Bool(bool),
    /// Something that is there and true, and of which nothing else matters.
    Thing,
}

/// Why no more is looked at.
enum Stop {
    /// A value is missing: the rule does not apply.
    Missing,
    /// Only a run of the program can tell.
    Unclear,
}

type Look<T> = Result<T, Stop>;

impl Program {
    /// Whether it is plain that nothing is printed, and that nothing else goes wrong.
    pub(super) fn is_silent<'a>(&'a self, known: &'a Known<'a>) -> bool {
        let mut looker = Looker { known, names: [None; NAMES], prints: self.prints };
        let missing = |expr| match looker.see(expr) {
            Ok(value) => value.missing(),
            Err(stop) => matches!(stop, Stop::Missing),
        };
        if self.needs.iter().any(missing) {
            return true;
        }
        match looker.parts(&self.body[self.sure..]) {
            Ok(()) => !looker.prints,
            Err(stop) => matches!(stop, Stop::Missing),
        }
    }
}

struct Looker<'a> {
    known: &'a Known<'a>,
    names: [Option<(&'a str, Seen<'a>)>; NAMES],
    /// Something is printed if nothing is missing.
    prints: bool,
}

impl<'a> Looker<'a> {
    fn parts(&mut self, parts: &'a [Part]) -> Look<()> {
        for part in parts {
            match part {
                Part::Text(text) => self.prints |= !text.trim_ascii_start().is_empty(),
                Part::Print(expr) => {
                    if self.see(expr)?.missing() {
                        return Err(Stop::Missing);
                    }
                    self.prints = true;
                }
                Part::Set(name, expr) => {
                    let value = self.see(expr)?;
                    let free = self.names.iter_mut().find(|place| place.is_none());
                    *free.ok_or(Stop::Unclear)? = Some((name, value));
                }
                Part::If(branches) => {
                    for (condition, body) in branches {
                        if self.see(condition)?.is_true() {
                            self.parts(body)?;
                            break;
                        }
                    }
                }
                Part::For { list, .. } => match self.see(list)? {
                    Seen::Undefined => return Err(Stop::Missing),
                    Seen::Json(Value::Array(list)) if list.is_empty() => {}
                    _ => return Err(Stop::Unclear),
                },
            }
        }
        Ok(())
    }

    fn see(&self, expr: &'a Expr) -> Look<Seen<'a>> {
        Ok(match expr {
            Expr::Const(value) => Seen::Json(value),
            Expr::Name(name) => self.name(name)?,
            Expr::Field(of, field) => self.see(of)?.field(field)?,
            Expr::Path(name, fields) => {
                let mut value = self.name(name)?;
                for field in fields {
                    value = value.field(field)?;
                }
                value
            }
            Expr::Or(left, right) => match self.see(left)? {
                left if left.is_true() => left,
                _ => self.see(right)?,
            },
            Expr::And(left, right) => match self.see(left)? {
                left if left.is_true() => self.see(right)?,
                left => left,
            },
            Expr::Not(of) => Seen::Bool(!self.see(of)?.is_true()),
            Expr::Equal(left, right) => {
                let (left, right) = (self.see(left)?.known()?, self.see(right)?.known()?);
                Seen::Bool(left.text()? == right.text()?)
            }
            Expr::In(item, all) => {
                let (item, all) = (self.see(item)?.known()?, self.see(all)?.known()?);
                let item = item.text()?;
                Seen::Bool(match all {
                    Seen::Json(Value::Array(list)) => list.iter().any(|one| one == item),
                    text => text.text()?.contains(item),
                })
            }
            Expr::Add(left, right) => match (self.see(left)?, self.see(right)?) {
                (Seen::Json(Value::Array(none)), list @ Seen::Json(Value::Array(_)))
                | (list @ Seen::Json(Value::Array(_)), Seen::Json(Value::Array(none)))
                    if none.is_empty() =>
                {
                    list
                }
                _ => return Err(Stop::Unclear),
            },
            Expr::Choice(parts) => {
                let (condition, then, other) = &**parts;
                let truth = self.see(condition)?.is_true();
                self.see(if truth { then } else { other })?
            }
            Expr::First(of) => match self.see(of)?.known()? {
                Seen::Json(Value::Array(list)) => list.first().map_or(Seen::Undefined, Seen::Json),
                _ => return Err(Stop::Unclear),
            },
            Expr::Starts(of, text) => Seen::Bool(self.see(of)?.text()?.starts_with(text.as_str())),
            Expr::Ends(of, text) => Seen::Bool(self.see(of)?.text()?.ends_with(text.as_str())),
            Expr::Call(word, arguments) => self.call(*word, arguments)?,
            _ => return Err(Stop::Unclear),
        })
    }

    fn name(&self, name: &str) -> Look<Seen<'a>> {
        let own = self.names.iter().rev().flatten().find(|(own, _)| *own == name);
        match own.map(|(_, value)| *value).or_else(|| self.known.body.get(name).map(Seen::Json)) {
            Some(value) => Ok(value),
            // The expression of an alert is also known from elsewhere.
            None if name == "expression" => Err(Stop::Unclear),
            None => Ok(Seen::Undefined),
        }
    }

    fn call(&self, word: Word, arguments: &'a [Expr]) -> Look<Seen<'a>> {
        let first = self.see(&arguments[0])?;
        let second = arguments.get(1).map(|second| self.see(second)).transpose()?;
        let missing = first.missing() || second.is_some_and(Seen::missing);
        let words = self.known.words;
        let labels = || (self.known.labels)();
        let found = |text: Option<&'a str>| text.map_or(Seen::Undefined, Seen::Text);
        Ok(match word {
            Word::Stem => found(first.text().ok().and_then(stem)),
            // A term that is empty is no missing value.
            _ if word.reads_labels() && missing => return Err(Stop::Unclear),
            _ if missing => return Err(Stop::Missing),
            Word::Label => found(labels().read(words, first.text()?)),
            Word::Messenger => {
                found(words.read(&labels().carrier, first.text()?, &labels().hidden))
            }
            Word::Subject => found(labels().subject(first.text()?)),
            Word::LogClass | Word::Named => first.text().map(|_| Seen::Thing)?,
            _ => return Err(Stop::Unclear),
        })
    }
}

impl<'a> Seen<'a> {
    fn is_true(self) -> bool {
        match self {
            Self::Undefined => false,
            Self::Json(value) => is_true(value),
            Self::Text(text) => !text.is_empty(),
            Self::Bool(truth) => truth,
            Self::Thing => true,
        }
    }

    fn missing(self) -> bool {
        match self {
            Self::Undefined => true,
            Self::Json(value) => missing(value),
            Self::Text(text) => text.is_empty(),
            Self::Bool(_) | Self::Thing => false,
        }
    }

    /// The value, which has to be there.
    fn known(self) -> Look<Self> {
        if matches!(self, Self::Undefined) { Err(Stop::Missing) } else { Ok(self) }
    }

    fn text(self) -> Look<&'a str> {
        match self {
            Self::Json(Value::String(text)) => Ok(text),
            Self::Text(text) => Ok(text),
            _ => Err(Stop::Unclear),
        }
    }

    fn field(self, field: &str) -> Look<Self> {
        match self {
            Self::Json(Value::Object(map)) => {
                Ok(map.get(field).map_or(Self::Undefined, Self::Json))
            }
            Self::Undefined => Err(Stop::Missing),
            Self::Json(Value::Array(_)) | Self::Thing => Err(Stop::Unclear),
            _ => Ok(Self::Undefined),
        }
    }
}
