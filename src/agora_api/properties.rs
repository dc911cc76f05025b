//! What must hold for any body that is JSON at all.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{certificates, channel_users, channels, kicking_rules, projects, usage_v1, usage_v3};
use crate::domain::period::parse_day;
use crate::domain::{DateRange, ProjectId, Service};

fn range() -> DateRange {
    let day = |text| parse_day(text).expect("day");
    DateRange::new(day("2031-03-01"), day("2031-03-31")).expect("range")
}

fn project_id() -> ProjectId {
    ProjectId::new("p1").expect("id")
}

/// Decodes a body as every endpoint would; a wrong one is an error, never a panic.
fn decode_as_everything(body: &Value) {
    let text = body.to_string();
    let _ = projects::decoded(&text);
    let _ = certificates::decoded(&text);
    let _ = usage_v1::decoded(text.as_bytes(), range());
    let _ = usage_v3::decoded(&text, &project_id(), Service::Rtc, range());
    let _ = channels::decoded(&text);
    let _ = channel_users::decoded(&text);
    let _ = kicking_rules::decoded(&text);
}

/// Keys that some endpoint knows, so that arbitrary values reach deep places.
fn key() -> impl Strategy<Value = String> {
    let known = proptest::sample::select(vec![
        "projects",
        "project",
        "id",
        "name",
        "vendor_key",
        "sign_key",
        "status",
        "created",
        "usages",
        "daily",
        "date",
        "audio",
        "sd",
        "hd",
        "hdp",
        "meta",
        "usage",
        "durationAudioAll",
        "durationVideo8K",
        "data",
        "channels",
        "channel_name",
        "user_count",
        "total_size",
        "channel_exist",
        "mode",
        "users",
        "broadcaster",
        "audience",
        "in_channel",
        "role",
        "join",
        "isHostIn",
        "rules",
        "uid",
        "cname",
        "ip",
        "ts",
        "result",
        "success",
    ]);
    prop_oneof![4 => known.prop_map(str::to_owned), 1 => "[a-z]{0,6}"]
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        Just(json!("2031-03-09T00:00:00.000Z")),
        Just(json!(20_310_309)),
    ];
    leaf.prop_recursive(5, 64, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::vec((key(), inner), 0..6)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

/// The body with an unknown field in each of its objects.
fn with_unknown_fields(body: &Value, extra: &Value) -> Value {
    match body {
        Value::Object(fields) => {
            let mut fields: Map<String, Value> = fields
                .iter()
                .map(|(key, value)| (key.clone(), with_unknown_fields(value, extra)))
                .collect();
            fields.insert("not_known_yet".to_owned(), extra.clone());
            Value::Object(fields)
        }
        Value::Array(items) => items.iter().map(|item| with_unknown_fields(item, extra)).collect(),
        other => other.clone(),
    }
}

proptest! {
    #[test]
    fn no_json_makes_the_client_panic(body in any_json()) {
        decode_as_everything(&body);
    }

    #[test]
    fn known_fields_survive_unknown_ones(
        seconds in 0_i64..=i64::MAX,
        name in "\\PC{0,40}",
        extra in any_json(),
    ) {
        let usage = json!({
            "meta": {"durationAudioAll": {"unit": "second"}},
            "usages": [{"date": "2031-03-09T00:00:00.000Z", "usage": {"durationAudioAll": seconds}}],
        });
        let decode = |body: &Value| {
            usage_v3::decoded(&body.to_string(), &project_id(), Service::Rtc, range())
        };
        let days = decode(&with_unknown_fields(&usage, &extra)).expect("valid");
        prop_assert_eq!(days[0].seconds[0], Some(seconds));
        prop_assert_eq!(&days, &decode(&usage).expect("valid"));

        let list = json!({"projects": [{"id": "p1", "name": name, "status": 1}]});
        let decode = |body: &Value| projects::decoded(&body.to_string());
        let listed = decode(&with_unknown_fields(&list, &extra)).expect("valid");
        prop_assert_eq!(&listed[0].name, &name);
        prop_assert_eq!(&listed, &decode(&list).expect("valid"));
    }
}
