//! Numbers as Kubernetes writes them: `2`, `500m`, `8Gi`, `1e3`.

use serde_json::Value;

/// The number that a value means; `None` if it is none.
pub(super) fn quantity(value: &Value) -> Option<f64> {
    if let Some(number) = value.as_f64() {
        return Some(number);
    }
    let text = value.as_str()?.trim();
    if let Ok(number) = text.parse::<f64>() {
        return Some(number).filter(|number| number.is_finite());
    }
    let end = text.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, suffix) = text.split_at(end);
    let factor = match suffix {
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1024_f64.powi(2),
        "Gi" => 1024_f64.powi(3),
        "Ti" => 1024_f64.powi(4),
        "Pi" => 1024_f64.powi(5),
        "Ei" => 1024_f64.powi(6),
        _ => return None,
    };
    Some(number.parse::<f64>().ok()? * factor)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn quantities_are_numbers() {
        for (value, expected) in [
            (json!(2), Some(2.0)),
            (json!("2"), Some(2.0)),
            (json!("500m"), Some(0.5)),
            (json!("8Gi"), Some(8_589_934_592.0)),
            (json!("1e3"), Some(1000.0)),
            (json!("2k"), Some(2000.0)),
            (json!("inf"), None),
            (json!("lots"), None),
            (json!("3Qi"), None),
            (json!(null), None),
        ] {
            assert_eq!(quantity(&value), expected, "{value}");
        }
    }
}
