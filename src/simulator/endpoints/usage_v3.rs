//! `GET /dev/v3/usage`: seconds a day of one project and one business.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};

use super::{asked_days, parameters};
use crate::simulator::answer::Refusal;
use crate::simulator::state::Account;
use crate::simulator::usage::{Business, DaySeconds};
use crate::simulator::years::UsageMedia;

#[derive(Deserialize)]
pub(in crate::simulator) struct Parameters {
    project_id: Option<String>,
    from_date: Option<String>,
    to_date: Option<String>,
    business: Option<String>,
}

#[derive(Serialize)]
pub(in crate::simulator) struct Usages {
    meta: BTreeMap<&'static str, FieldMeta>,
    usages: Vec<DayUsage>,
}

#[derive(Serialize)]
struct FieldMeta {
    en: &'static str,
    unit: &'static str,
}

#[derive(Serialize)]
struct DayUsage {
    /// Midnight in UTC: `2021-10-13T00:00:00.000Z`.
    date: String,
    usage: BTreeMap<&'static str, u64>,
}

/// A counted type of media: key, English label and where its seconds come from.
struct Field {
    key: &'static str,
    label: &'static str,
    seconds: fn(DaySeconds) -> u64,
}

const AUDIO: Field =
    Field { key: "durationAudioAll", label: "Audio", seconds: |seconds| seconds.audio };
const HD: Field =
    Field { key: "durationVideoHd", label: "HD video", seconds: |seconds| seconds.hd };
/// Always zero: HD+ belongs to the plans that did not tell full HD, 2K and 4K apart. A value
/// beside those three would count the same seconds twice.
const HDP: Field = Field { key: "durationVideoHdp", label: "HD+ video", seconds: |_| 0 };
/// Everything above HD, where nothing else tells it apart.
const ABOVE_HD: Field = Field {
    key: "durationVideoHdp",
    label: "HD+ video",
    seconds: |seconds| seconds.full_hd + seconds.video_2k + seconds.video_4k,
};
const FULL_HD: Field =
    Field { key: "durationVideo1080P", label: "Full HD video", seconds: |seconds| seconds.full_hd };
const VIDEO_2K: Field =
    Field { key: "durationVideo2K", label: "2K video", seconds: |seconds| seconds.video_2k };
const VIDEO_4K: Field =
    Field { key: "durationVideo4K", label: "4K video", seconds: |seconds| seconds.video_4k };

/// Answers for one project; an App ID in place of the project id is not found either.
pub(in crate::simulator) async fn daily_seconds(
    State(account): State<Arc<Account>>,
    query: Result<Query<Parameters>, QueryRejection>,
) -> Result<Json<Usages>, Refusal> {
    let media = account.shapes.usage_v3.ok_or_else(|| Refusal::not_found("Not Found"))?;
    let parameters = parameters(query)?;
    let asked = asked_days(parameters.from_date.as_deref(), parameters.to_date.as_deref())?;
    let business = parameters.business.as_deref().and_then(business_of_name);
    let business = business.ok_or_else(|| {
        let names = "default, transcodeDuration, recording, cloudRecording, miniapp";
        Refusal::bad_request(format!("business must be one of {names}"))
    })?;
    let project_id = parameters.project_id.as_deref().filter(|id| !id.is_empty());
    let project_id = project_id.ok_or_else(|| Refusal::bad_request("project_id is required"))?;
    let project =
        account.project(project_id).ok_or_else(|| Refusal::not_found("Project not found"))?;

    let now = account.now();
    let fields = fields(business, media);
    let row = |day| {
        let seconds = account.told_seconds(&project, business, day, now)?;
        let usage = fields.iter().map(|field| (field.key, (field.seconds)(seconds))).collect();
        Some(DayUsage { date: format!("{day}T00:00:00.000Z"), usage })
    };
    let days = account.answered_days(asked, now);
    let usages = days.into_iter().flat_map(|days| days.days().filter_map(row)).collect();
    Ok(Json(Usages { meta: meta(fields), usages }))
}

fn business_of_name(name: &str) -> Option<Business> {
    match name {
        "default" => Some(Business::Default),
        "transcodeDuration" => Some(Business::TranscodeDuration),
        "recording" => Some(Business::Recording),
        "cloudRecording" => Some(Business::CloudRecording),
        "miniapp" => Some(Business::Miniapp),
        _ => None,
    }
}

const fn fields(business: Business, media: UsageMedia) -> &'static [Field] {
    match (business, media) {
        (Business::Miniapp, _) => &[AUDIO],
        (_, UsageMedia::Three) => &[AUDIO, HD, ABOVE_HD],
        (Business::Default | Business::Recording, UsageMedia::Six) => {
            &[AUDIO, HD, HDP, FULL_HD, VIDEO_2K, VIDEO_4K]
        }
        (Business::CloudRecording | Business::TranscodeDuration, UsageMedia::Six) => {
            &[AUDIO, HD, FULL_HD]
        }
    }
}

fn meta(fields: &[Field]) -> BTreeMap<&'static str, FieldMeta> {
    let meta = |field: &Field| (field.key, FieldMeta { en: field.label, unit: "second" });
    fields.iter().map(meta).collect()
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use serde_json::Value;

    use crate::simulator::ApiYear;
    use crate::simulator::testing::{account, account_of, app_id, ask, project_id, unlimited};

    const APRIL: &str = "from_date=2031-04-01&to_date=2031-04-30";

    #[tokio::test]
    async fn rows_hold_exactly_the_fields_of_meta() {
        let account = account(&unlimited());
        let id = &project_id(&account, 1);
        for (business, fields) in [
            ("default", 6),
            ("recording", 6),
            ("cloudRecording", 3),
            ("transcodeDuration", 3),
            ("miniapp", 1),
        ] {
            let path = format!("/dev/v3/usage?project_id={id}&{APRIL}&business={business}");
            let answer = ask(&account, &path).await;
            assert_eq!(answer.status, StatusCode::OK);
            let body = answer.json();
            let meta: Vec<_> = body["meta"].as_object().expect("object").keys().collect();
            assert_eq!(meta.len(), fields, "{business}");
            let days = body["usages"].as_array().expect("array");
            assert_eq!(days.len(), 30);
            assert_eq!(days[0]["date"], "2031-04-01T00:00:00.000Z");
            for day in days {
                let usage = day["usage"].as_object().expect("object");
                assert_eq!(usage.keys().collect::<Vec<_>>(), meta);
                assert_eq!(usage.get("durationVideoHdp").and_then(Value::as_u64).unwrap_or(0), 0);
            }
        }
    }

    #[tokio::test]
    async fn a_deleted_project_answers_by_its_id() {
        let account = account(&unlimited());
        let id = &project_id(&account, 6);
        let of = async |month: &str| {
            let path = format!("/dev/v3/usage?project_id={id}&{month}&business=default");
            ask(&account, &path).await.json()["usages"].as_array().expect("array").len()
        };
        assert_eq!(of("from_date=2030-12-01&to_date=2030-12-31").await, 18);
        assert_eq!(of(APRIL).await, 0);
    }

    #[tokio::test]
    async fn an_unknown_id_and_an_app_id_are_not_found() {
        let account = account(&unlimited());
        for id in ["nobody", &app_id(&account, 0)] {
            let path = format!("/dev/v3/usage?project_id={id}&{APRIL}&business=default");
            let answer = ask(&account, &path).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND);
            assert_eq!(answer.body, r#"{"message":"Project not found"}"#);
        }
    }

    #[tokio::test]
    async fn missing_or_wrong_parameters_are_refused() {
        let account = account(&unlimited());
        let id = &project_id(&account, 0);
        for query in [
            format!("{APRIL}&business=default"),
            format!("project_id={id}&business=default"),
            format!("project_id={id}&{APRIL}"),
            format!("project_id={id}&{APRIL}&business=Default"),
            format!("project_id={id}&from_date=2031-04-02&to_date=2031-04-01&business=default"),
        ] {
            let answer = ask(&account, &format!("/dev/v3/usage?{query}")).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        }
    }

    #[tokio::test]
    async fn in_2020_three_media_hold_the_same_seconds_and_in_2018_there_are_none() {
        let account = account(&unlimited());
        let path = format!(
            "/dev/v3/usage?project_id={}&{APRIL}&business=default",
            project_id(&account, 1)
        );
        let seconds = |body: &Value| -> u64 {
            let days = body["usages"].as_array().expect("array");
            let usage =
                days.iter().flat_map(|day| day["usage"].as_object().expect("object").values());
            usage.filter_map(Value::as_u64).sum()
        };
        let today = ask(&account, &path).await.json();
        let in_2020 = ask(&account_of(ApiYear::Year2020), &path).await.json();
        assert_eq!(in_2020["meta"].as_object().map(serde_json::Map::len), Some(3));
        assert_eq!(seconds(&in_2020), seconds(&today));
        let in_2018 = ask(&account_of(ApiYear::Year2018), &path).await;
        assert_eq!(in_2018.status, StatusCode::NOT_FOUND);
        assert_eq!(in_2018.body, r#"{"error_msg":"Not Found"}"#);
    }
}
