//! Faults within the JSON of an answer: rows twice, rows lost, numbers as texts.

use serde_json::Value;

use super::spec::FaultKind;

/// Keys under which answers hold rows.
const ROW_KEYS: [&str; 8] =
    ["projects", "usages", "daily", "channels", "rules", "users", "broadcasters", "audience"];

/// Changes a body as a fault wants it; other faults leave it alone.
pub(super) fn disturb(kind: &FaultKind, body: &mut Value) {
    match kind {
        // A whole list of projects goes at once, without a look at the days in it.
        FaultKind::NoRows => each_list(body, false, &mut Vec::clear),
        FaultKind::DuplicateRows => each_list(body, true, &mut |rows| {
            if let Some(first) = rows.first().cloned() {
                rows.insert(0, first);
            }
        }),
        FaultKind::MissingRows => each_list(body, true, &mut |rows| {
            if !rows.is_empty() {
                rows.remove(rows.len() / 2);
            }
        }),
        FaultKind::NumbersAsStrings => quote_numbers(body),
        _ => {}
    }
}

/// Visits the lists of rows; with `innermost`, lists of lists are left alone.
fn each_list(body: &mut Value, innermost: bool, change: &mut dyn FnMut(&mut Vec<Value>)) {
    let Value::Object(object) = body else { return };
    for (key, value) in object {
        match value {
            Value::Array(rows) if ROW_KEYS.contains(&key.as_str()) => {
                if innermost && rows.iter().any(holds_rows) {
                    for row in rows {
                        each_list(row, innermost, change);
                    }
                } else {
                    change(rows);
                }
            }
            value => each_list(value, innermost, change),
        }
    }
}

fn holds_rows(row: &Value) -> bool {
    ROW_KEYS.iter().any(|key| row.get(key).is_some_and(Value::is_array))
}

fn quote_numbers(value: &mut Value) {
    match value {
        Value::Number(number) => *value = Value::String(number.to_string()),
        Value::Array(values) => values.iter_mut().for_each(quote_numbers),
        Value::Object(object) => object.values_mut().for_each(quote_numbers),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn disturbed(kind: &FaultKind, mut body: Value) -> Value {
        disturb(kind, &mut body);
        body
    }

    #[test]
    fn the_days_of_usage_v1_are_its_rows() {
        let body = json!({ "usages": [{ "project": "a", "daily": [1, 2, 3] }] });
        let daily = |kind| disturbed(kind, body.clone())["usages"][0]["daily"].clone();
        assert_eq!(daily(&FaultKind::DuplicateRows), json!([1, 1, 2, 3]));
        assert_eq!(daily(&FaultKind::MissingRows), json!([1, 3]));
        assert_eq!(disturbed(&FaultKind::NoRows, body.clone()), json!({ "usages": [] }));
    }

    #[test]
    fn rows_are_found_within_data_too() {
        let body = json!({ "data": { "channels": [{ "user_count": 1 }], "total_size": 1 } });
        let quoted = disturbed(&FaultKind::NumbersAsStrings, body.clone());
        assert_eq!(quoted["data"]["channels"][0]["user_count"], "1");
        let lost = disturbed(&FaultKind::MissingRows, body.clone());
        assert_eq!(lost["data"], json!({ "channels": [], "total_size": 1 }));
        assert_eq!(disturbed(&FaultKind::Gzip, body.clone()), body);
    }
}
