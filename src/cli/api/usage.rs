//! `agora-usage api usage`: ask for usage and show it, without storing it.

use chrono::NaiveDate;

use super::super::backfill::parse_service;
use super::super::failure::{Exit, Failure};
use super::parse_project_id;
use crate::agora_api::AgoraApi;
use crate::domain::period::parse_day;
use crate::domain::{DateRange, DayUsage, Media, ProjectId, Service, UsageSource};
use crate::store::analyst_queries::{ResultTable, ValueKind};

/// Usage of some days; `unknown` marks what the platform should have sent and did not.
#[derive(Debug, clap::Args)]
pub(super) struct UsageCall {
    /// Project id, a short token; left out: every project (usage v1 alone)
    #[arg(long, allow_hyphen_values = true, value_parser = parse_project_id)]
    project: Option<ProjectId>,
    /// First UTC day, YYYY-MM-DD
    #[arg(long, value_name = "DAY", value_parser = parse_day)]
    from: NaiveDate,
    /// Last UTC day, included
    #[arg(long, value_name = "DAY", value_parser = parse_day)]
    to: NaiveDate,
    /// Service, as in the settings
    #[arg(long, default_value = "rtc", value_parser = parse_service)]
    service: Service,
    /// Ask usage v1 (minutes) instead of v3 (seconds)
    #[arg(long)]
    v1: bool,
}

pub(super) async fn run(api: &AgoraApi, call: UsageCall) -> Result<ResultTable, Failure> {
    let range = DateRange::new(call.from, call.to)?;
    let days = if call.v1 {
        if call.service != Service::Rtc {
            return Err(Failure::new(Exit::Usage, "usage v1 knows the service rtc alone"));
        }
        api.usage_v1(call.project.as_slice(), range).await?.value
    } else {
        let Some(project) = &call.project else {
            return Err(Failure::new(Exit::Usage, "usage v3 is asked for one project at a time")
                .hint("add --project ID, or --v1 for all projects"));
        };
        api.usage_v3(project, call.service, range).await?.value
    };
    Ok(table(&days, call.v1))
}

fn table(days: &[DayUsage], v1: bool) -> ResultTable {
    let source = if v1 { UsageSource::V1 } else { UsageSource::V3 };
    let named: Vec<String> = Media::ALL.iter().map(|media| format!("{media}_seconds")).collect();
    let mut columns = vec![
        ("project_id", ValueKind::Text),
        ("service", ValueKind::Text),
        ("day", ValueKind::Text),
        ("source", ValueKind::Text),
    ];
    columns.extend(named.iter().map(|name| (name.as_str(), ValueKind::Text)));
    columns.push(("other", ValueKind::Text));
    let mut table = ResultTable::with_columns(&columns);
    table.rows.extend(days.iter().map(|usage| row(usage, source)));
    table
}

fn row(usage: &DayUsage, source: UsageSource) -> Vec<Option<String>> {
    let mut row = vec![
        Some(usage.project_id.to_string()),
        Some(usage.service.to_string()),
        Some(usage.day.to_string()),
        Some(source.name().to_owned()),
    ];
    row.extend(Media::ALL.iter().map(|media| match usage.seconds[media.index()] {
        None if usage.missing.contains(*media) => Some("unknown".to_owned()),
        seconds => seconds.map(|seconds| seconds.to_string()),
    }));
    let other: Vec<String> = usage
        .extra_seconds
        .iter()
        .map(|(field, seconds)| match seconds {
            Some(seconds) => format!("{field}={seconds}"),
            None => format!("{field}=unknown"),
        })
        .collect();
    row.push(Some(other.join(" ")).filter(|text| !text.is_empty()));
    row
}
