//! Templates without the template engine: the common part of the language, run on JSON as it is.
//!
//! A [`Program`] knows what it does not know. Where a template or an object goes beyond it, it
//! is [`Outcome::Unsure`], and the engine decides. What it says is what the engine would print,
//! but for the spelling of selectors: they are JSON already, which parses quickly (`tidy.rs`).

mod expression;
mod look;
mod operate;
mod parse;
mod run;
mod tidy;
mod value;

pub(super) use run::{Known, Outcome};

use crate::model::Domains;

/// A template, ready to be run.
#[derive(Clone, Debug, Default)]
pub(super) struct Program {
    body: Vec<Part>,
    /// How many parts from the start print what has to be there and cannot go wrong otherwise.
    sure: usize,
    /// What these parts print, each once, what objects seldom have first.
    needs: Vec<Expr>,
    /// Whether these parts print anything.
    prints: bool,
}

/// A piece of a template.
#[derive(Clone, Debug)]
enum Part {
    Text(String),
    Print(Expr),
    Set(String, Expr),
    /// Condition and parts of each branch; the condition of `else` is true.
    If(Vec<(Expr, Vec<Part>)>),
    For {
        names: Vec<String>,
        list: Expr,
        only: Option<Expr>,
        body: Vec<Part>,
    },
}

/// An expression.
#[derive(Clone, Debug, PartialEq)]
enum Expr {
    Const(serde_json::Value),
    List(Vec<Expr>),
    Name(String),
    Field(Box<Expr>, String),
    /// A name and the fields to go down from there.
    Path(String, Vec<String>),
    Or(Box<Expr>, Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    Equal(Box<Expr>, Box<Expr>),
    In(Box<Expr>, Box<Expr>),
    Add(Box<Expr>, Box<Expr>),
    Concat(Box<Expr>, Box<Expr>),
    /// Condition, then, else.
    Choice(Box<(Expr, Expr, Expr)>),
    Call(Word, Vec<Expr>),
    /// The elements of a list whose field is true.
    Having(Box<Expr>, String),
    First(Box<Expr>),
    Last(Box<Expr>),
    /// An element of a list by its place.
    At(Box<Expr>, usize),
    /// The parts of a text between separators.
    Split(Box<Expr>, String),
    Starts(Box<Expr>, String),
    Ends(Box<Expr>, String),
    /// What only the template engine knows.
    Beyond,
}

/// The functions of templates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    Beside,
    Class,
    Label,
    LabelName,
    Line,
    LogClass,
    Messenger,
    Named,
    Re,
    Selector,
    Stem,
    Subject,
}

impl Program {
    /// The program of a template; `None` where too much of it is beyond.
    pub(super) fn of(template: &str, domains: &Domains) -> Option<Self> {
        let mut body = parse::parse(template)?;
        tidy::tidy(&mut body, domains);
        let harmless = |part: &&Part| match part {
            Part::Text(_) => true,
            Part::Print(expr) => expr.harmless(),
            _ => false,
        };
        let sure = body.iter().take_while(harmless).count();
        let mut needs = Vec::new();
        let mut prints = false;
        for part in &body[..sure] {
            match part {
                Part::Print(expr) if !needs.contains(expr) => needs.push(expr.clone()),
                Part::Text(text) => prints |= !text.trim_ascii_start().is_empty(),
                _ => {}
            }
        }
        prints |= !needs.is_empty();
        needs.sort_by_key(Expr::is_usual);
        Some(Self { body, sure, needs, prints })
    }
}

impl Expr {
    /// Whether it can do nothing worse than find nothing.
    fn harmless(&self) -> bool {
        match self {
            Self::Const(_) | Self::Name(_) | Self::Path(..) => true,
            Self::Field(of, _) | Self::Not(of) => of.harmless(),
            Self::Or(left, right) | Self::And(left, right) | Self::Equal(left, right) => {
                left.harmless() && right.harmless()
            }
            Self::Call(word, arguments) if word.reads_labels() => {
                matches!(&arguments[..], [Self::Const(term)] if !value::missing(term))
            }
            Self::Call(Word::LogClass | Word::Named | Word::Stem, arguments) => {
                arguments.iter().all(Self::harmless)
            }
            _ => false,
        }
    }

    /// Whether most objects have it.
    fn is_usual(&self) -> bool {
        match self {
            Self::Path(name, fields) => {
                name == "metadata" && matches!(&*fields[0], "name" | "namespace")
            }
            Self::Call(word, _) => *word != Word::Subject,
            _ => false,
        }
    }
}

impl Word {
    /// Whether it reads what labels say of the term that it is given.
    fn reads_labels(self) -> bool {
        matches!(self, Self::Beside | Self::Label | Self::Messenger | Self::Subject)
    }
}
