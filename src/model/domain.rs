//! A domain: a kind of signal with its own query language.

use std::sync::Arc;

use serde_json::Value;
use thiserror::Error;

use super::{Body, Class, Object, Query, SelectorError, similar};

/// A kind of signal. Everything here is pure; the effects are in [`crate::model::Store`].
pub trait Domain: Send + Sync {
    /// The first word of its queries: `k8s`, `alert`, `metric`, `log`.
    fn name(&self) -> &'static str;

    /// What it is: a first line, an empty line, then the selector's language with examples, as
    /// Markdown.
    fn about(&self) -> &'static str;

    /// The classes known now, sorted.
    fn classes(&self) -> Vec<Class>;

    /// The canonical class for a name as a user writes it (`Pod`, `Deployment.apps`), or `None`
    /// if there is no such class.
    fn class(&self, name: &str) -> Option<Class>;

    /// A query of one of this domain's classes.
    fn parse(&self, class: &Class, selector: &str) -> Result<Query, SelectorError>;

    /// An object of one of this domain's classes: identity, times and preview from a body.
    /// Severity and status come later, from the rules.
    fn object(&self, class: &Class, body: Value) -> Object;

    /// The same from a body that others may share.
    fn object_of(&self, class: &Class, body: Body) -> Object {
        self.object(class, body.into_value())
    }
}

/// All domains of this program, by name.
#[derive(Clone, Default)]
pub struct Domains(Vec<Arc<dyn Domain>>);

impl Domains {
    /// The given domains, which have different names.
    pub fn new(all: Vec<Arc<dyn Domain>>) -> Self {
        Self(all)
    }

    /// In the order given.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn Domain>> {
        self.0.iter()
    }

    /// The domain of a name.
    pub fn domain(&self, name: &str) -> Result<&Arc<dyn Domain>, ParseError> {
        self.0.iter().find(|domain| domain.name() == name).ok_or_else(|| ParseError::Domain {
            name: name.to_owned(),
            known: self.0.iter().map(|domain| domain.name().to_owned()).collect(),
        })
    }

    /// The class written `domain:name`.
    ///
    /// ```
    /// use korrel8::model::Domains;
    ///
    /// let domains: Domains = korrel8::domain::all(&korrel8::model::Vocabulary::builtin());
    /// assert_eq!(domains.class("k8s:Pod").unwrap().to_string(), "k8s:Pod.v1");
    /// assert!(domains.class("k8s:Pood").unwrap_err().to_string().contains("Pod.v1"));
    /// ```
    pub fn class(&self, text: &str) -> Result<Class, ParseError> {
        let (domain, name) =
            text.split_once(':').ok_or_else(|| ParseError::Class { text: text.to_owned() })?;
        self.class_of(domain.trim(), name.trim())
    }

    fn class_of(&self, domain: &str, name: &str) -> Result<Class, ParseError> {
        let domain = self.domain(domain)?;
        domain.class(name).ok_or_else(|| unknown(&**domain, name))
    }

    /// The classes that a goal names: `log:application`, or all of a domain by `log`.
    pub fn goal(&self, text: &str) -> Result<Vec<Class>, ParseError> {
        match text.split_once(':') {
            None | Some((_, "" | "*")) => {
                Ok(self.domain(text.trim_end_matches(['*', ':']))?.classes())
            }
            Some(_) => Ok(vec![self.class(text)?]),
        }
    }

    /// The query written `domain:class:selector`.
    ///
    /// ```
    /// let domains = korrel8::domain::all(&korrel8::model::Vocabulary::builtin());
    /// let query = domains.query("k8s:Pod:{name: db-0, namespace: shop}").unwrap();
    /// assert_eq!(query.text(), r#"k8s:Pod.v1:{"name":"db-0","namespace":"shop"}"#);
    /// ```
    pub fn query(&self, text: &str) -> Result<Query, ParseError> {
        let (domain, name, selector) = self.parts(text)?;
        let class = domain.class(name).ok_or_else(|| unknown(&**domain, name))?;
        read(&**domain, class, selector)
    }

    /// The same, but `None` for a class that there is not if `skip` says so of its name: looking
    /// for others with a name like it takes long, and not every caller wants to know.
    pub fn query_or_skip(
        &self,
        text: &str,
        skip: impl Fn(&str) -> bool,
    ) -> Result<Option<Query>, ParseError> {
        let (domain, name, selector) = self.parts(text)?;
        match domain.class(name) {
            Some(class) => read(&**domain, class, selector).map(Some),
            None if skip(name) => Ok(None),
            None => Err(unknown(&**domain, name)),
        }
    }

    /// Domain, name of the class and selector of a query.
    fn parts<'t>(&self, text: &'t str) -> Result<(&Arc<dyn Domain>, &'t str, &'t str), ParseError> {
        let text = text.trim();
        let malformed = || ParseError::Query { text: text.to_owned() };
        let (domain, rest) = text.split_once(':').ok_or_else(malformed)?;
        let (name, selector) = rest.split_once(':').ok_or_else(malformed)?;
        Ok((self.domain(domain.trim())?, name.trim(), selector.trim()))
    }

    /// An object of a class from its body.
    pub fn object(&self, class: &Class, body: Value) -> Result<Object, ParseError> {
        Ok(self.domain(class.domain())?.object(class, body))
    }

    /// An object of a class from a body that others may share.
    pub fn object_of(&self, class: &Class, body: Body) -> Result<Object, ParseError> {
        Ok(self.domain(class.domain())?.object_of(class, body))
    }
}

fn read(domain: &dyn Domain, class: Class, selector: &str) -> Result<Query, ParseError> {
    let query = domain.parse(&class, selector);
    query.map_err(|fault| ParseError::Selector { class, selector: selector.to_owned(), fault })
}

fn unknown(domain: &dyn Domain, name: &str) -> ParseError {
    let classes = domain.classes();
    let similar = similar(name, classes.iter().map(Class::name));
    ParseError::UnknownClass {
        domain: domain.name().to_owned(),
        name: name.to_owned(),
        similar: similar.into_iter().map(str::to_owned).collect(),
    }
}

/// Why a text is no class or no query. The message says what, where and what to do next.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ParseError {
    /// Not of the form `domain:class`.
    #[error("{text:?} is not a class: write DOMAIN:CLASS, as k8s:Pod or log:application")]
    Class {
        /// What was given.
        text: String,
    },
    /// Not of the form `domain:class:selector`.
    #[error("{text:?} is not a query: write DOMAIN:CLASS:SELECTOR, as k8s:Pod:{{namespace: shop}}")]
    Query {
        /// What was given.
        text: String,
    },
    /// There is no such domain.
    #[error("unknown domain {name:?}: the domains are {}", known.join(", "))]
    Domain {
        /// What was given.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// There is no such class.
    #[error("unknown class {name:?} in domain {domain}{}", did_you_mean(domain, similar))]
    UnknownClass {
        /// The domain, which exists.
        domain: String,
        /// What was given.
        name: String,
        /// Classes with a name much like it.
        similar: Vec<String>,
    },
    /// The selector does not parse.
    #[error("bad selector of {class}: {fault}{}", caret(selector, fault.offset))]
    Selector {
        /// The class of the query.
        class: Class,
        /// The selector as given.
        selector: String,
        /// What is wrong with it.
        fault: SelectorError,
    },
}

fn did_you_mean(domain: &str, similar: &[String]) -> String {
    if similar.is_empty() {
        format!("; `korrel8 list {domain}` shows them all")
    } else {
        format!("; did you mean {}?", similar.join(", "))
    }
}

/// The selector with a caret under the offset, on lines of its own.
fn caret(selector: &str, offset: Option<usize>) -> String {
    let Some(offset) = offset.filter(|_| !selector.is_empty()) else { return String::new() };
    let mut at = offset.min(selector.len());
    while !selector.is_char_boundary(at) {
        at -= 1;
    }
    let line = selector[..at].rfind('\n').map_or(0, |end| end + 1);
    let shown = selector[line..].lines().next().unwrap_or_default();
    let column = selector[line..at].chars().count();
    let skip = column.saturating_sub(60);
    let shown: String = shown.chars().skip(skip).take(100).collect();
    format!("\n  {shown}\n  {}^", " ".repeat(column - skip))
}
