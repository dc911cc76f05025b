//! `agora-usage bill explain`: from a cent of a project and day up to the price list.

use std::fmt::Write;

use chrono::NaiveDate;

use super::explain_rules::rules;
use super::words::{self, decimal, micro};
use super::{explain_json, month_or_previous, only_account, records};
use crate::agora_api::usage_path;
use crate::billing::explain::{LineSteps, Part, Split, day_lines, days, lines, projects};
use crate::billing::month::rate_month;
use crate::billing::reproduce::closed_revision;
use crate::billing::{BillingError, RatedMonth};
use crate::cli::backfill::parse_service;
use crate::cli::failure::{Exit, Failure};
use crate::cli::print::{Output, aligned, one_line, plain_table, print_text, trimmed};
use crate::collect::Records;
use crate::context::Context;
use crate::domain::money::decimal_text;
use crate::domain::period::parse_day;
use crate::domain::{DateRange, Media, Month, ProjectId, Service, UsageSource};
use crate::rating::PriceBook;
use crate::store::analyst_queries::ValueKind;
use crate::store::price_books::{self, StoredPriceBook};
use crate::store::usage_history::{self, ValueOrigin};
use crate::store::{Store, stored_bills};

/// Arguments of `bill explain`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Each step stands with its inputs, so that it can be done again by hand; \
    json has every fraction exactly. With --project also its days and the values behind them, with \
    the request that brought each; with --day the media of that day.")]
pub(in crate::cli) struct ExplainArguments {
    /// Month, YYYY-MM [default: that of --day, else the previous one]
    #[arg(long, value_name = "MONTH", value_parser = Month::parse)]
    month: Option<Month>,
    /// Account of the settings, where there are several
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// This closed revision; 0: the month as it is rated now [default: the newest there is]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(0..))]
    revision: Option<i32>,
    /// Project id whose cost to explain
    #[arg(long, value_name = "ID")]
    project: Option<String>,
    /// Day whose cost to explain, YYYY-MM-DD
    #[arg(long, value_name = "DAY", value_parser = parse_day, requires = "project")]
    day: Option<NaiveDate>,
    /// Only this media
    #[arg(long, value_name = "NAME", value_parser = parse_media)]
    media: Option<Media>,
    /// Only this service
    #[arg(long, value_name = "NAME", value_parser = parse_service)]
    service: Option<Service>,
    /// Form: table or json
    #[arg(long, value_name = "FORM", default_value = "table", value_parser = parse_form)]
    output: Output,
}

fn parse_media(name: &str) -> Result<Media, String> {
    let known = Media::ALL.map(Media::name).join(", ");
    Media::from_name(name).ok_or_else(|| format!("the media are {known}"))
}

fn parse_form(name: &str) -> Result<Output, String> {
    match name {
        "table" => Ok(Output::Table),
        "json" => Ok(Output::Json),
        _ => Err("the forms are table and json".to_owned()),
    }
}

/// A bill with everything that explains it.
pub(super) struct Explained {
    pub(super) month: RatedMonth,
    /// None before a bill was stored with the book.
    pub(super) book: Option<StoredPriceBook>,
    pub(super) lines: Vec<LineSteps>,
    pub(super) projects: Split<ProjectId>,
    pub(super) project: Option<ExplainedProject>,
}

/// A project's part.
pub(super) struct ExplainedProject {
    pub(super) project_id: ProjectId,
    /// None without usage.
    pub(super) days: Option<Split<NaiveDate>>,
    /// With `--day`, where it has usage.
    pub(super) day_lines: Option<(NaiveDate, Split<(Service, Media)>)>,
    pub(super) values: Vec<ExplainedValue>,
}

/// A value that a day has or had.
pub(super) struct ExplainedValue {
    pub(super) origin: ValueOrigin,
    /// Whether the bill was made from it.
    pub(super) is_billed: bool,
    /// The request that brought it, as it was sent.
    pub(super) path: Option<String>,
}

pub(super) async fn run(context: &Context, arguments: ExplainArguments) -> Result<Exit, Failure> {
    let asked = arguments.month.or(arguments.day.map(Month::of));
    let month = month_or_previous(asked, context.clock)?;
    if let Some(day) = arguments.day.filter(|day| Month::of(*day) != month) {
        return Err(Failure::new(Exit::Usage, format!("{day} is not a day of {month}")));
    }
    let account = only_account(context, arguments.account.as_deref())?;
    let book = account.price_book(month)?;
    let store = context.open_store().await?;
    let records = records(&store, account, context.clock);
    let explained = explain(&records, &book, month, &arguments).await;
    store.close().await;
    let explained = explained?;
    match arguments.output {
        Output::Json => print_text(&format!("{:#}\n", explain_json::object(&explained)))?,
        _ => print_text(&text(&explained))?,
    }
    let has_gaps = explained.month.report().has_gaps();
    Ok(if has_gaps { Exit::Partial } else { Exit::Done })
}

async fn explain(
    records: &Records<'_>,
    book: &PriceBook,
    month: Month,
    arguments: &ExplainArguments,
) -> Result<Explained, Failure> {
    let rated = bill(records, book, month, arguments.revision).await?;
    let is_asked = |service, media| {
        arguments.service.is_none_or(|asked| asked == service)
            && arguments.media.is_none_or(|asked| rated.book.billed_as(asked) == media)
    };
    let mut lines = lines(&rated);
    lines.retain(|line| is_asked(line.service, line.media));
    let project = match &arguments.project {
        Some(id) => Some(explain_project(records.store, &rated, id, arguments).await?),
        None => None,
    };
    let stored = price_books::read(records.store.pool(), &rated.book.sha256).await?;
    Ok(Explained { projects: projects(&rated), month: rated, book: stored, lines, project })
}

async fn bill(
    records: &Records<'_>,
    book: &PriceBook,
    month: Month,
    revision: Option<i32>,
) -> Result<RatedMonth, BillingError> {
    let closed = stored_bills::closed(records.store.pool(), records.account, month).await?;
    match revision {
        Some(0) => rate_month(records, book, month).await,
        Some(revision) => {
            let head = closed.iter().find(|head| head.revision == revision);
            let head = head.ok_or(BillingError::NoRevision { month, revision })?;
            closed_revision(records, head).await
        }
        None => match closed.last() {
            Some(head) => closed_revision(records, head).await,
            None => rate_month(records, book, month).await,
        },
    }
}

async fn explain_project(
    store: &Store,
    month: &RatedMonth,
    id: &str,
    arguments: &ExplainArguments,
) -> Result<ExplainedProject, Failure> {
    let project_id = ProjectId::new(id)
        .map_err(|error| Failure::new(Exit::Usage, format!("'{id}' is no project id: {error}")))?;
    let is_known = month.projects.iter().any(|project| project.project_id == project_id)
        || month.bill.projects.iter().any(|project| project.project_id == project_id);
    if !is_known {
        let message = format!("project {id} is not known in account {}", month.bill.account);
        return Err(
            Failure::new(Exit::Failed, message).hint("`agora-usage query projects` lists them")
        );
    }
    let range = match arguments.day {
        Some(day) => DateRange::new(day, day)?,
        None => month.bill.month.days(),
    };
    let mut origins =
        usage_history::read(store.pool(), &month.bill.account, &project_id, range).await?;
    let asked = arguments.service.map(Service::name);
    origins.retain(|origin| asked.is_none_or(|service| origin.service == service));
    let mut day_lines = match arguments.day {
        Some(day) => day_lines(month, &project_id, day).map(|split| (day, split)),
        None => None,
    };
    if let Some((_, split)) = &mut day_lines {
        split.parts.retain(|part| {
            arguments.service.is_none_or(|service| part.of.0 == service)
                && arguments.media.is_none_or(|media| part.of.1 == media)
        });
    }
    Ok(ExplainedProject {
        days: days(month, &project_id),
        day_lines,
        values: values(month, &project_id, origins),
        project_id,
    })
}

/// Marks the value of each day and service that the bill was made from.
fn values(
    month: &RatedMonth,
    project_id: &ProjectId,
    origins: Vec<ValueOrigin>,
) -> Vec<ExplainedValue> {
    let known = month.usage.newest_request;
    let newest = |origin: &ValueOrigin, all: &[ValueOrigin]| {
        let same =
            |other: &&ValueOrigin| (other.day, &other.service) == (origin.day, &origin.service);
        let numbers = all.iter().filter(same).map(|other| other.request_id);
        numbers.filter(|number| *number <= known).max()
    };
    let billed: Vec<bool> =
        origins.iter().map(|origin| newest(origin, &origins) == Some(origin.request_id)).collect();
    let value = |(origin, is_billed): (ValueOrigin, bool)| {
        let source = UsageSource::from_name(&origin.source);
        let service = Service::from_name(&origin.service);
        let asked_for = Some(project_id).filter(|_| origin.is_of_project);
        let path = source.zip(service).zip(origin.asked);
        let path =
            path.map(|((source, service), range)| usage_path(source, asked_for, service, range));
        ExplainedValue { origin, is_billed, path }
    };
    origins.into_iter().zip(billed).map(value).collect()
}

fn text(explained: &Explained) -> String {
    let mut text = words::headline(&explained.month);
    text.push('\n');
    book(&mut text, explained);
    rules(&mut text, explained);
    let month = &explained.month;
    let digits = month.bill.currency.minor_unit_digits();
    let _ = writeln!(
        text,
        "\nparts of {} units of 10^-{digits} {}: exact cost / sum of exact costs x units, rounded \
         down; {} left, one each to the largest remainders (ties: smaller id)",
        explained.projects.total_units,
        month.bill.currency.code(),
        explained.projects.units_left
    );
    let cost = |units| decimal_text(units, digits);
    let project = |id: &ProjectId| one_line(id.as_str());
    let _ = writeln!(text, "{}", split(&explained.projects, "project", project, cost));
    if let Some(project) = &explained.project {
        project_text(&mut text, month, project);
    }
    text
}

fn book(text: &mut String, explained: &Explained) {
    let book = &explained.month.book;
    let since = match &explained.book {
        Some(stored) => format!("first used {}", words::time(stored.first_seen_at)),
        None => "not yet used for a stored bill".to_owned(),
    };
    let _ = writeln!(text, "price book {} (SHA-256 {}), {since}", book.name, book.sha256);
}

fn project_text(text: &mut String, month: &RatedMonth, project: &ExplainedProject) {
    let currency = month.bill.currency.code();
    let id = one_line(project.project_id.as_str());
    for applied in &month.adjustments {
        let share = applied.share_of(&project.project_id);
        let share = decimal_text(share, month.bill.currency.minor_unit_digits());
        let number = applied.adjustment.adjustment_id;
        let _ = writeln!(text, "\nadjustment {number} of project {id}: {share}");
    }
    if let Some(days) = &project.days {
        let _ = writeln!(
            text,
            "\ndays of project {id}: parts of {} units of 10^-6 {currency}, {} left",
            days.total_units, days.units_left
        );
        let _ = writeln!(text, "{}", split(days, "day", NaiveDate::to_string, micro));
    }
    if let Some((day, lines)) = &project.day_lines {
        let _ = writeln!(
            text,
            "\n{day} of project {id}: parts of {} units of 10^-6 {currency}, {} left",
            lines.total_units, lines.units_left
        );
        let name = |(service, media): &(Service, Media)| format!("{service} {media}");
        let _ = writeln!(text, "{}", split(lines, "media", name, micro));
    }
    let _ = writeln!(text, "\nvalues of project {id}, with the requests that brought them");
    let _ = writeln!(text, "{}", values_table(&project.values));
}

/// A split as a table.
fn split<K>(
    split: &Split<K>,
    of: &str,
    name: impl Fn(&K) -> String,
    cost: impl Fn(i128) -> String,
) -> String {
    let mut table = plain_table();
    let number = |text: &str| aligned(text, ValueKind::Decimal);
    let header = ["exact cost", "exact part", "remainder rank", "unit left", "cost"];
    table.set_header(std::iter::once(aligned(of, ValueKind::Text)).chain(header.map(number)));
    for Part { of, units, step } in &split.parts {
        let mut row = vec![aligned(&name(of), ValueKind::Text)];
        match step {
            Some(step) => row.extend([
                number(&decimal(&step.exact_cost)),
                number(&decimal(&step.exact_units)),
                number(&step.rank.to_string()),
                number(if step.has_extra_unit { "+1" } else { "" }),
            ]),
            None => row.extend(["by the plan's rule", "", "", ""].map(number)),
        }
        row.push(number(&cost(*units)));
        table.add_row(row);
    }
    trimmed(&table)
}

fn values_table(values: &[ExplainedValue]) -> String {
    let mut table = plain_table();
    table.set_header(["day", "service", "seconds", "billed", "received", "request", "asked"]);
    for ExplainedValue { origin, is_billed, path } in values {
        let seconds = Media::ALL.into_iter().zip(origin.seconds);
        let named = seconds.filter_map(|(media, value)| Some(format!("{media} {}", value?)));
        let extra = origin.extra_seconds.iter();
        let extra = extra.filter_map(|(key, value)| Some(format!("{key} {}", (*value)?)));
        let billed = match (is_billed, origin.superseded_at) {
            (true, _) => "yes".to_owned(),
            (false, Some(at)) => format!("no, until {}", words::time(at)),
            (false, None) => "no, later".to_owned(),
        };
        let platform =
            origin.platform_request_id.as_deref().map(|id| format!(" ({})", one_line(id)));
        table.add_row([
            origin.day.to_string(),
            origin.service.clone(),
            one_line(&named.chain(extra).collect::<Vec<_>>().join(", ")),
            billed,
            words::time(origin.observed_at),
            format!("{}{}", origin.request_id, platform.unwrap_or_default()),
            path.clone().unwrap_or_else(|| "not in the log".to_owned()),
        ]);
    }
    trimmed(&table)
}
