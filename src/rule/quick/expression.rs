//! Reads an expression: the grammar of the engine, as far as it is understood here.

use serde_json::Value;

use super::parse::Token;
use super::{Expr, Word};
use crate::rule::words::is_word;

/// Functions and variables of the engine, which are no fields of the object.
const TAKEN: [&str; 9] =
    ["range", "dict", "cycler", "joiner", "loop", "self", "super", "caller", "lipsum"];

/// Whether a name means something else than a field of the object: the engine's, or ours.
pub(super) fn taken(name: &str) -> bool {
    TAKEN.contains(&name) || is_word(name)
}

/// Whether a token is this word.
pub(super) fn is(token: &Token, word: &str) -> bool {
    matches!(token, Token::Word(own) if own == word)
}

/// The expression of the tokens, or [`Expr::Beyond`].
pub(super) fn expression(tokens: &[Token]) -> Expr {
    let mut parser = Parser { tokens };
    match parser.choice() {
        Some(expr) if parser.tokens.is_empty() => expr,
        _ => Expr::Beyond,
    }
}

fn field_of(of: Expr, field: String) -> Expr {
    match of {
        Expr::Name(name) => Expr::Path(name, vec![field]),
        Expr::Path(name, mut fields) => {
            fields.push(field);
            Expr::Path(name, fields)
        }
        other => Expr::Field(Box::new(other), field),
    }
}

/// The grammar of the engine, level by level, the loosest operator first.
struct Parser<'t> {
    tokens: &'t [Token],
}

impl Parser<'_> {
    fn take(&mut self, wanted: impl Fn(&Token) -> bool) -> bool {
        let there = self.tokens.first().is_some_and(wanted);
        self.tokens = &self.tokens[usize::from(there)..];
        there
    }

    fn word(&mut self, word: &str) -> bool {
        self.take(|token| is(token, word))
    }

    fn sign(&mut self, sign: &str) -> bool {
        self.take(|token| matches!(token, Token::Sign(own) if *own == sign))
    }

    fn choice(&mut self) -> Option<Expr> {
        let then = self.or()?;
        if !self.word("if") {
            return Some(then);
        }
        let condition = self.or()?;
        // Without `else` it would be a silent kind of nothing.
        let other = if self.word("else") { self.choice()? } else { return None };
        Some(Expr::Choice(Box::new((condition, then, other))))
    }

    fn or(&mut self) -> Option<Expr> {
        let mut left = self.and()?;
        while self.word("or") {
            left = Expr::Or(Box::new(left), Box::new(self.and()?));
        }
        Some(left)
    }

    fn and(&mut self) -> Option<Expr> {
        let mut left = self.not()?;
        while self.word("and") {
            left = Expr::And(Box::new(left), Box::new(self.not()?));
        }
        Some(left)
    }

    fn not(&mut self) -> Option<Expr> {
        if self.word("not") { Some(Expr::Not(Box::new(self.not()?))) } else { self.compare() }
    }

    fn compare(&mut self) -> Option<Expr> {
        let left = Box::new(self.add()?);
        let (equal, negated) = if self.sign("==") {
            (true, false)
        } else if self.sign("!=") {
            (true, true)
        } else if self.word("in") {
            (false, false)
        } else if self.word("not") {
            if !self.word("in") {
                return None;
            }
            (false, true)
        } else {
            return Some(*left);
        };
        let right = Box::new(self.add()?);
        let expr = if equal { Expr::Equal(left, right) } else { Expr::In(left, right) };
        Some(if negated { Expr::Not(Box::new(expr)) } else { expr })
    }

    fn add(&mut self) -> Option<Expr> {
        let mut left = self.concat()?;
        while self.sign("+") {
            left = Expr::Add(Box::new(left), Box::new(self.concat()?));
        }
        Some(left)
    }

    fn concat(&mut self) -> Option<Expr> {
        let mut left = self.filtered()?;
        while self.sign("~") {
            left = Expr::Concat(Box::new(left), Box::new(self.filtered()?));
        }
        Some(left)
    }

    fn filtered(&mut self) -> Option<Expr> {
        let mut of = self.primary()?;
        loop {
            if self.sign(".") {
                let [Token::Word(field), rest @ ..] = self.tokens else { return None };
                self.tokens = rest;
                of = field_of(of, field.clone());
            } else if self.sign("[") {
                let [index, Token::Sign("]"), rest @ ..] = self.tokens else { return None };
                self.tokens = rest;
                of = match index {
                    Token::Text(field) => field_of(of, field.clone()),
                    Token::Number(place) => Expr::At(Box::new(of), *place),
                    _ => return None,
                };
            } else {
                break;
            }
        }
        loop {
            of = if self.sign("|") {
                self.filter(of)?
            } else if self.word("is") {
                self.test(of)?
            } else {
                return Some(of);
            };
        }
    }

    fn filter(&mut self, of: Expr) -> Option<Expr> {
        let [Token::Word(filter), rest @ ..] = self.tokens else { return None };
        self.tokens = rest;
        let of = Box::new(of);
        Some(match filter.as_str() {
            "first" => Expr::First(of),
            "last" => Expr::Last(of),
            "list" if matches!(*of, Expr::Having(..)) => *of,
            "selectattr" => Expr::Having(of, self.argument()?),
            "split" => Expr::Split(of, self.argument().filter(|by| !by.is_empty())?),
            _ => return None,
        })
    }

    /// The one argument of a filter, which is a text.
    fn argument(&mut self) -> Option<String> {
        let [Token::Sign("("), Token::Text(text), Token::Sign(")"), rest @ ..] = self.tokens else {
            return None;
        };
        self.tokens = rest;
        Some(text.clone())
    }

    fn test(&mut self, of: Expr) -> Option<Expr> {
        let [Token::Word(test), Token::Text(text), rest @ ..] = self.tokens else { return None };
        self.tokens = rest;
        match test.as_str() {
            "startingwith" => Some(Expr::Starts(Box::new(of), text.clone())),
            "endingwith" => Some(Expr::Ends(Box::new(of), text.clone())),
            _ => None,
        }
    }

    fn primary(&mut self) -> Option<Expr> {
        if self.sign("(") {
            return self.listed(")", false);
        }
        if self.sign("[") {
            return self.listed("]", true);
        }
        if self.sign("{") {
            return self.sign("}").then(|| Expr::Const(Value::Object(serde_json::Map::new())));
        }
        let (token, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        let word = match token {
            Token::Text(text) => return Some(Expr::Const(text.as_str().into())),
            Token::Word(word) => word.as_str(),
            _ => return None,
        };
        if self.sign("(") {
            return self.call(word);
        }
        match word {
            "true" | "True" => Some(Expr::Const(true.into())),
            "false" | "False" => Some(Expr::Const(false.into())),
            "if" | "else" | "and" | "or" | "not" | "in" | "is" | "none" | "None" => None,
            _ if taken(word) => None,
            _ => Some(Expr::Name(word.to_owned())),
        }
    }

    /// A list or tuple, or one expression in brackets.
    fn listed(&mut self, close: &str, list: bool) -> Option<Expr> {
        let mut items = Vec::new();
        let mut several = list;
        while !self.sign(close) {
            items.push(self.choice()?);
            if self.sign(",") {
                several = true;
            } else if self.sign(close) {
                break;
            } else {
                return None;
            }
        }
        if !several {
            return items.pop().filter(|_| items.is_empty());
        }
        let constant = |item| if let Expr::Const(value) = item { Some(value) } else { None };
        let all: Option<Vec<Value>> = items.iter().cloned().map(constant).collect();
        Some(all.map_or(Expr::List(items), |all| Expr::Const(all.into())))
    }

    fn call(&mut self, word: &str) -> Option<Expr> {
        let mut arguments = Vec::new();
        while !self.sign(")") {
            arguments.push(self.choice()?);
            if !self.sign(",") && !matches!(self.tokens.first(), Some(Token::Sign(")"))) {
                return None;
            }
        }
        let (word, wanted) = match word {
            "beside" => (Word::Beside, 1),
            "class" => (Word::Class, 2),
            "label" => (Word::Label, 1),
            "labelname" => (Word::LabelName, 1),
            "line" => (Word::Line, 1),
            "logclass" => (Word::LogClass, 1),
            "messenger" => (Word::Messenger, 1),
            "named" => (Word::Named, 1),
            "re" => (Word::Re, 1),
            "selector" => (Word::Selector, 1),
            "stem" => (Word::Stem, 1),
            "subject" => (Word::Subject, 1),
            _ => return None,
        };
        (arguments.len() == wanted).then_some(Expr::Call(word, arguments))
    }
}
