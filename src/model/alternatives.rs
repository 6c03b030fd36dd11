//! Queries in the order in which they are tried: those of one step are asked together, those of
//! the next step only if all before were answered and found nothing.

use super::Query;

/// What a rule makes of an object: one step, or several of which the first that finds something
/// is the last. A query that failed has not found nothing, so that no further step is taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alternatives {
    queries: Vec<Query>,
    /// Where each step but the last ends.
    ends: Vec<usize>,
}

impl Alternatives {
    /// Adds a query to the last step, unless it is there or in an earlier one.
    pub fn push(&mut self, query: Query) {
        if !self.queries.contains(&query) {
            self.queries.push(query);
        }
    }

    /// Begins a step; does nothing if the last one is empty.
    pub fn otherwise(&mut self) {
        if self.queries.len() > self.ends.last().copied().unwrap_or(0) {
            self.ends.push(self.queries.len());
        }
    }

    /// All queries, whether they will be asked or not.
    pub fn all(&self) -> &[Query] {
        &self.queries
    }

    /// The steps in order; none is empty.
    pub fn steps(&self) -> impl Iterator<Item = &[Query]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let ends = self.ends.iter().copied().chain([self.queries.len()]);
        starts.zip(ends).map(|(start, end)| &self.queries[start..end]).filter(|s| !s.is_empty())
    }

    /// The queries, each with the place at which the next step begins; for those of the last step
    /// that is how many queries there are.
    pub fn into_places(self) -> impl Iterator<Item = (Query, usize)> {
        let Self { queries, ends } = self;
        let all = queries.len();
        queries.into_iter().enumerate().map(move |(place, query)| {
            let next = ends.iter().copied().find(|end| place < *end);
            (query, next.unwrap_or(all))
        })
    }
}

impl From<Vec<Query>> for Alternatives {
    /// One step.
    fn from(queries: Vec<Query>) -> Self {
        Self { queries, ends: Vec::new() }
    }
}
