//! What the operators of expressions come to; `Unsure` where the engine has to be asked.

use std::rc::Rc;
use std::sync::LazyLock;

use serde_json::Value;

use super::run::{Run, Stop};
use super::value::Val;

/// What stands in a field. Nothing has no fields; what is neither that nor a map has none either.
pub(super) fn field_of<'a>(of: &Val<'a>, field: &str) -> Run<Val<'a>> {
    match of {
        Val::Json(Value::Object(map)) => Ok(map.get(field).map_or(Val::Undefined, Val::Json)),
        Val::Parts(parts) => {
            Ok(parts.get(field).map_or(Val::Undefined, |text| Val::Text(text.as_str().into())))
        }
        Val::Undefined => Err(Stop::Missing),
        Val::Json(Value::Array(_)) | Val::List(_) | Val::Map(_) => Err(Stop::Unsure),
        _ => Ok(Val::Undefined),
    }
}

/// How long a list is, which has to be there.
pub(super) fn len(list: &Val<'_>) -> Run<usize> {
    if matches!(list, Val::Undefined) { Err(Stop::Missing) } else { list.len().ok_or(Stop::Unsure) }
}

pub(super) fn equal(left: &Val<'_>, right: &Val<'_>) -> Run<bool> {
    match (left, right) {
        (Val::Undefined, _) | (_, Val::Undefined) => Err(Stop::Missing),
        _ => Ok(left.text().ok_or(Stop::Unsure)? == right.text().ok_or(Stop::Unsure)?),
    }
}

pub(super) fn joined<'a>(left: &Val<'a>, right: &Val<'a>) -> Run<Val<'a>> {
    // What is added to nothing is a fault, and no missing value.
    let mut all = left.elements().ok_or(Stop::Unsure)?;
    all.extend(right.elements().ok_or(Stop::Unsure)?);
    Ok(Val::List(Rc::new(all)))
}

pub(super) fn plain<'v>(value: &'v Val<'_>) -> Run<&'v str> {
    match value {
        Val::Undefined => Err(Stop::Missing),
        // Text that is printed as it is would make the whole so.
        Val::Safe(_) => Err(Stop::Unsure),
        other => other.text().ok_or(Stop::Unsure),
    }
}

/// `selector(…)` where there are no expressions: the map of `matchLabels`, or an empty one.
pub(super) fn selected<'a>(selector: &Val<'a>) -> Run<Val<'a>> {
    static ALL: LazyLock<Value> = LazyLock::new(|| Value::Object(serde_json::Map::new()));
    if selector.missing() {
        return Err(Stop::Missing);
    }
    let Val::Json(map @ Value::Object(_)) = selector else { return Err(Stop::Unsure) };
    let part = |name: &str| map.get(name).map_or(Val::Undefined, Val::Json);
    if part("matchExpressions").is_true() {
        return Err(Stop::Unsure);
    }
    let labels = part("matchLabels");
    Ok(if labels.is_true() { labels } else { Val::Json(&ALL) })
}
