//! Finding the objects that a query may select without looking at each: by what the query demands.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use super::{Object, Path, Query};

/// Something that every object has which a query selects: one of the values at one of the places,
/// where a number or a truth value counts as its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demand {
    /// Where in the body.
    pub places: Vec<Path>,
    /// What is there.
    pub values: Vec<String>,
}

impl Demand {
    /// One value at one place, given by the keys that lead to it.
    pub fn of(keys: &[&str], value: &str) -> Self {
        Self { places: vec![Path::of(keys)], values: vec![value.to_owned()] }
    }
}

/// Tables of the objects of a list by what queries demand, each made when first needed. One lookup
/// is for one list.
#[derive(Default)]
pub struct Lookup(Mutex<HashMap<Vec<Path>, Arc<Table>>>);

/// Text -> the numbers of the objects that have it, ascending.
type Table = HashMap<Box<str>, Vec<u32>>;

impl Lookup {
    /// The places of all objects in the list that the query selects; `None` if it cannot be told
    /// for one of them.
    pub fn select(&self, objects: &[Arc<Object>], query: &Query) -> Option<Vec<usize>> {
        let mut found = Vec::new();
        let mut take = |at: usize| {
            if query.matches(&objects[at])? {
                found.push(at);
            }
            Some(())
        };
        match self.candidates(objects, query) {
            Some(some) => some.into_iter().try_for_each(&mut take)?,
            None => (0..objects.len()).try_for_each(&mut take)?,
        }
        Some(found)
    }

    /// The places that fulfil the demand that the fewest objects fulfil; `None` if there is none.
    fn candidates(&self, objects: &[Arc<Object>], query: &Query) -> Option<Vec<usize>> {
        let tables: Vec<(Arc<Table>, Demand)> = query
            .demands()
            .into_iter()
            .map(|demand| (self.table(objects, &demand.places), demand))
            .collect();
        let lists = |(table, demand): &(Arc<Table>, Demand)| -> Vec<Vec<u32>> {
            demand.values.iter().filter_map(|value| table.get(value.as_str())).cloned().collect()
        };
        let size = |(table, demand): &&(Arc<Table>, Demand)| -> usize {
            demand.values.iter().filter_map(|value| Some(table.get(value.as_str())?.len())).sum()
        };
        let best = tables.iter().min_by_key(size)?;
        let mut places: Vec<usize> =
            lists(best).into_iter().flatten().map(|at| at as usize).collect();
        places.sort_unstable();
        places.dedup();
        Some(places)
    }

    fn table(&self, objects: &[Arc<Object>], places: &[Path]) -> Arc<Table> {
        let mut tables = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(table) = tables.get(places) {
            return Arc::clone(table);
        }
        let mut table = Table::new();
        for (at, object) in (0_u32..).zip(objects) {
            object.body.read(|body| {
                let found = places.iter().flat_map(|place| place.find_in(body));
                for text in found.filter_map(scalar) {
                    let list = match table.get_mut(&*text) {
                        Some(list) => list,
                        None => table.entry(text.into()).or_default(),
                    };
                    if list.last() != Some(&at) {
                        list.push(at);
                    }
                }
            });
        }
        let table = Arc::new(table);
        tables.insert(places.to_vec(), Arc::clone(&table));
        table
    }
}

fn scalar(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(_) | Value::Bool(_) => Some(Cow::Owned(value.to_string())),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::{Body, Class, Selector};

    /// Objects whose `a` is one of some texts.
    #[derive(Debug)]
    struct Any(Vec<&'static str>);

    impl Selector for Any {
        fn text(&self) -> String {
            self.0.join(",")
        }

        fn matches(&self, object: &Object) -> Option<bool> {
            assert_ne!(&*object.id, "3", "this one need not be looked at");
            let text = object.body.get("a").and_then(scalar)?;
            Some(self.0.contains(&&*text))
        }

        fn demands(&self) -> Vec<Demand> {
            let values = self.0.iter().map(|&value| value.to_owned()).collect();
            vec![Demand { places: vec![Path::of(&["a"]), Path::of(&["b"])], values }]
        }
    }

    #[test]
    fn only_what_fulfils_a_demand_is_looked_at() {
        let class = Class::new("k8s", "Pod.v1");
        let bodies = [json!({"a": "x"}), json!({"a": 1}), json!({"a": "y", "b": "x"}), json!({})];
        let objects: Vec<Arc<Object>> = (0..)
            .zip(bodies)
            .map(|(at, body): (usize, Value)| {
                let body = Body::from(body).packed();
                Arc::new(Object::new(class.clone(), at.to_string(), body))
            })
            .collect();
        let lookup = Lookup::default();
        for (wanted, expected) in
            [(vec!["x"], vec![0]), (vec!["y", "1", "x"], vec![0, 1, 2]), (vec!["nothing"], vec![])]
        {
            let query = Query::new(class.clone(), Any(wanted.clone()));
            assert_eq!(lookup.select(&objects, &query), Some(expected), "{wanted:?}");
        }
    }
}
