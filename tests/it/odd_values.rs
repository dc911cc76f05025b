//! Values in odd forms: taken whole, called unknown, or refused aloud; never guessed.

use serde_json::{Value, json};

use crate::support::fake_api::{AUDIO, Asked, RTC};
use crate::support::setup::{Setup, audio_rows};

const LONG_AFTER: &str = "2031-04-20T12:00:00Z";

/// All fields of `meta`, with this one for audio.
fn with_audio(audio: Value) -> Value {
    let mut usage = json!({
        "durationVideoHd": 0, "durationVideoHdp": 0, "durationVideo1080P": 0,
        "durationVideo2K": 0, "durationVideo4K": 0,
    });
    usage[AUDIO] = audio;
    usage
}

#[tokio::test(flavor = "multi_thread")]
async fn c27_whole_numbers_are_taken_in_any_form() {
    let setup = Setup::at(LONG_AFTER).await;
    setup.api.list(&["P1"]);
    for (day, value) in [("2031-03-01", json!("120")), ("2031-03-02", json!(120.0))] {
        setup.api.use_body("P1", RTC, day, with_audio(value));
    }
    setup.backfill("2031-03-01", "2031-03-02").exits(0);
    assert_eq!(setup.audio().await, audio_rows("P1", "2031-03", &[(1, 120), (2, 120)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn c27_odd_numbers_are_refused_with_project_day_and_cause() {
    let odd = [
        ("Fraction", json!(120.5), "120.5"),
        ("Negative", json!(-5), "-5"),
        ("Huge", json!(9_223_372_036_854_775_808_u64), "9223372036854775808"),
        ("Word", json!("much"), "much"),
        ("List", json!([1]), "a list"),
    ];
    let setup = Setup::at(LONG_AFTER).await;
    let ids: Vec<&str> = odd.iter().map(|(id, ..)| *id).chain(["Good"]).collect();
    setup.api.list(&ids);
    for id in &ids {
        setup.api.use_seconds(id, "2031-03-01", &[(AUDIO, 60)]);
    }
    for (id, value, _) in &odd {
        setup.api.use_body(id, RTC, "2031-03-02", with_audio(value.clone()));
    }
    let mut outcome = setup.backfill("2031-03-01", "2031-03-02").exits(3);
    for (id, _, shown) in &odd {
        let cause = format!("project {id}, day 2031-03-02: durationAudioAll is");
        let said = outcome.stdout.lines().find(|line| line.contains(&cause)).map(str::to_owned);
        let said = said.unwrap_or_else(|| panic!("{cause}\n{}", outcome.stdout));
        assert!(said.contains(shown) && said.contains("not a whole number of seconds"), "{said}");
        outcome = outcome.says(&[&format!("{id} ")]);
    }
    // The good day of an answer with a bad one is not stored either: nothing half-stored.
    assert_eq!(setup.audio().await, audio_rows("Good", "2031-03", &[(1, 60)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn c27_null_and_missing_are_unknown_and_make_the_bill_incomplete() {
    let setup = Setup::at(LONG_AFTER).await;
    setup.api.list(&["P1"]);
    setup.api.use_body("P1", RTC, "2031-03-01", with_audio(Value::Null));
    let mut without_hd = with_audio(json!(60));
    without_hd.as_object_mut().expect("object").remove("durationVideoHd");
    setup.api.use_body("P1", RTC, "2031-03-02", without_hd);
    let said = ["2 days not known", "2031-03-01..2031-03-02  incomplete"];
    setup.backfill("2031-03-01", "2031-03-31").exits(3).says(&said);
    let stored = "select day, audio_seconds, hd_seconds, missing_media from agora.usage_daily \
                  order by day";
    let expected = ["(2031-03-01,,0,{audio})", "(2031-03-02,60,,{hd})"];
    assert_eq!(setup.database.rows(stored).await, expected);

    setup.report("2031-03").exits(3).says(&["incomplete"]);
    let month = setup.month("2031-03");
    assert_eq!(month.manifest()["status"], "incomplete");
    assert_eq!(month.manifest()["coverage"]["incomplete_cells"], 2);
    let days = month.rows("projects/P1.csv");
    assert_eq!((days[0]["audio_seconds"].as_str(), days[1]["hd_seconds"].as_str()), ("", ""));
    month.assert_adds_up();

    setup.api.use_body("P1", RTC, "2031-03-01", with_audio(json!(7)));
    setup.api.use_body("P1", RTC, "2031-03-02", with_audio(json!(60)));
    setup.backfill("2031-03-01", "2031-03-31").exits(0).says(&["2 changed"]);
    setup.report("2031-03").exits(0);
    assert_eq!(setup.month("2031-03").manifest()["status"], "complete");
}

#[tokio::test(flavor = "multi_thread")]
async fn c34_seconds_without_a_price_are_kept_and_reported_and_never_free() {
    let setup = Setup::at(LONG_AFTER).await;
    setup.api.list(&["P1"]);
    let mut usage = with_audio(json!(660_000));
    usage["durationVideo8K"] = json!(60);
    setup.api.use_body("P1", RTC, "2031-03-01", usage);
    setup.backfill("2031-03-01", "2031-03-31").exits(0);
    let kept = "select extra_seconds::text from agora.usage_daily";
    assert_eq!(setup.database.rows(kept).await, [r#"("{""durationVideo8K"": 60}")"#]);

    let said = ["warning: durationVideo8K of rtc has no price in tiered-usd: 60 s", "incomplete"];
    setup.report("2031-03").exits(3).says(&said);
    let month = setup.month("2031-03");
    let unpriced = json!([{ "service": "rtc", "field": "durationVideo8K", "seconds": 60 }]);
    let manifest = month.manifest();
    assert_eq!((&manifest["status"], &manifest["unpriced"]), (&json!("incomplete"), &unpriced));
    assert_eq!(month.total(), "0.99");
    month.assert_adds_up();
    let draft = "select status, total from agora.bill";
    assert_eq!(setup.database.rows(draft).await, ["(incomplete,0.990000)"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn c36_a_day_that_comes_twice_is_stored_once_or_refused() {
    let setup = Setup::at(LONG_AFTER).await;
    setup.api.list(&["Same", "Other"]);
    let body = |second: u32| {
        let day = |seconds: u32| {
            let usage = json!({ AUDIO: seconds });
            json!({ "date": "2031-03-01T00:00:00.000Z", "usage": usage })
        };
        json!({ "meta": { AUDIO: {} }, "usages": [day(60), day(second)] }).to_string()
    };
    setup.api.answer_when(|asked| asked.project() == "Same", 200, &body(60));
    setup.api.answer_when(|asked| asked.project() == "Other", 200, &body(61));
    let said = ["Other ", "2031-03-01", "1 day not known"];
    setup.backfill("2031-03-01", "2031-03-01").exits(3).says(&said);
    assert_eq!(setup.audio().await, audio_rows("Same", "2031-03", &[(1, 60)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_of_another_zone_belongs_to_its_utc_day() {
    let setup = Setup::at(LONG_AFTER).await;
    setup.api.list(&["P1"]);
    let day = |label: Value| json!({ "date": label, "usage": { AUDIO: 60 } });
    // 2031-03-02T02:00+08:00 is still 2031-03-01 in UTC.
    let usages = [day(json!("2031-03-02T02:00:00+08:00")), day(json!(20_310_303))];
    let body = json!({ "meta": { AUDIO: {} }, "usages": usages }).to_string();
    setup.api.answer_when(Asked::is_v3, 200, &body);
    setup.backfill("2031-03-01", "2031-03-03").exits(0);
    assert_eq!(setup.audio().await, audio_rows("P1", "2031-03", &[(1, 60), (3, 60)]));
}
