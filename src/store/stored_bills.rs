//! Tables `bill`, `bill_line`, `bill_allocation` and `bill_adjustment`: reading bills back.
//!
//! Amounts are compared as the texts of finished decimals, so that what is
//! compared is what is stored.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::postgres::PgPool;

use super::bills::{DRAFT, costs_of, line_rows};
use super::error::StoreError;
use crate::domain::money::decimal_text;
use crate::domain::{
    AccountId, AppliedAdjustment, BillStatus, Currency, DateRange, Media, Money, Month, ProjectId,
    Service,
};
use crate::rating::{ALLOCATION_SCALE, Bill, LINE_SCALE, RatingError, decimal_units};
use crate::store::statement::{alone, query_as};

/// The row of a bill, without its lines.
#[derive(Debug, Clone, PartialEq)]
pub struct BillHead {
    /// Whose bill.
    pub account: AccountId,
    /// Of which month.
    pub month: Month,
    /// 0: draft; from 1: closed.
    pub revision: i32,
    /// Whether it can be relied on.
    pub status: BillStatus,
    /// SHA-256 of the price book's text.
    pub book_sha256: String,
    /// When it was made.
    pub rated_at: DateTime<Utc>,
    /// When it was closed; none for a draft.
    pub closed_at: Option<DateTime<Utc>>,
    /// Newest request whose values are in it; none where that was not recorded.
    pub known_request_id: Option<i64>,
    /// Newest adjustment that was known; none where that was not recorded.
    pub known_adjustment_id: Option<i64>,
    /// What the report of a closed one says beside the amounts.
    pub closing: Option<serde_json::Value>,
    /// Least and greatest total, as decimal texts; none of a version that had no range.
    pub range: Option<[String; 2]>,
}

#[derive(sqlx::FromRow)]
struct HeadRow {
    month: NaiveDate,
    revision: i32,
    status: String,
    book_sha256: String,
    rated_at: DateTime<Utc>,
    closed_at: Option<DateTime<Utc>>,
    known_request_id: Option<i64>,
    known_adjustment_id: Option<i64>,
    closing: Option<serde_json::Value>,
    total_low: Option<String>,
    total_high: Option<String>,
}

/// Every bill of an account within some months, by month and revision.
///
/// # Errors
/// [`StoreError`] when the database does not answer or holds a foreign value.
pub async fn heads(
    pool: &PgPool,
    account: &AccountId,
    months: Option<(Month, Month)>,
) -> Result<Vec<BillHead>, StoreError> {
    let rows: Vec<HeadRow> = query_as(
        "select month, revision, status, book_sha256, rated_at, closed_at, known_request_id, \
         known_adjustment_id, closing, total_low::text as total_low, \
         total_high::text as total_high from agora.bill \
         where account_id = $1 and ($2::date is null or month between $2 and $3) \
         order by month, revision",
    )
    .bind(account.as_str())
    .bind(months.map(|(first, _)| first.first_day()))
    .bind(months.map(|(_, last)| last.first_day()))
    .fetch_all(alone(pool))
    .await
    .map_err(StoreError::during("reading bill"))?;
    let head = |row: HeadRow| {
        let status = BillStatus::from_name(&row.status).ok_or_else(|| {
            StoreError::UnknownValue { table: "agora.bill", value: row.status.clone() }
        })?;
        Ok(BillHead {
            account: account.clone(),
            month: Month::of(row.month),
            revision: row.revision,
            status,
            book_sha256: row.book_sha256,
            rated_at: row.rated_at,
            closed_at: row.closed_at,
            known_request_id: row.known_request_id,
            known_adjustment_id: row.known_adjustment_id,
            closing: row.closing,
            range: row.total_low.zip(row.total_high).map(|(low, high)| [low, high]),
        })
    };
    rows.into_iter().map(head).collect()
}

/// Closed revisions of a month, oldest first.
///
/// # Errors
/// As [`heads`].
pub async fn closed(
    pool: &PgPool,
    account: &AccountId,
    month: Month,
) -> Result<Vec<BillHead>, StoreError> {
    let mut heads = heads(pool, account, Some((month, month))).await?;
    heads.retain(|head| head.closed_at.is_some());
    Ok(heads)
}

/// Statuses of the drafts of the months that begin in `range`.
///
/// # Errors
/// [`StoreError`] when the database does not answer or holds a foreign value.
pub async fn draft_statuses(
    pool: &PgPool,
    account: &AccountId,
    range: DateRange,
) -> Result<BTreeMap<Month, BillStatus>, StoreError> {
    let rows: Vec<(NaiveDate, String)> = query_as(
        "select month, status from agora.bill \
         where account_id = $1 and month between $2 and $3 and revision = $4",
    )
    .bind(account.as_str())
    .bind(range.first())
    .bind(range.last())
    .bind(DRAFT)
    .fetch_all(alone(pool))
    .await
    .map_err(StoreError::during("reading bill"))?;
    let known = |(month, status): (NaiveDate, String)| {
        let found = BillStatus::from_name(&status);
        let found = found.ok_or(StoreError::UnknownValue { table: "agora.bill", value: status });
        found.map(|status| (Month::of(month), status))
    };
    rows.into_iter().map(known).collect()
}

/// What a closed month costs, without its projects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClosedMonthSum {
    /// Of which month.
    pub month: Month,
    /// Whether the bill can be relied on.
    pub status: BillStatus,
    /// The total with its adjustments.
    pub amount_due: Money,
    /// Allocated cost in 1e-6 of the currency by [`Media::index`].
    pub cost_micro_units: [i128; Media::COUNT],
}

#[derive(sqlx::FromRow)]
struct ClosedMonthRow {
    month: NaiveDate,
    status: String,
    currency: String,
    amount_due: String,
    audio: String,
    sd: String,
    hd: String,
    hdp: String,
    full_hd: String,
    video_2k: String,
    video_2k_plus: String,
}

impl ClosedMonthRow {
    fn into_sum(self) -> Result<ClosedMonthSum, StoreError> {
        let foreign =
            |value: &str| StoreError::UnknownValue { table: "agora.bill", value: value.to_owned() };
        let status = BillStatus::from_name(&self.status).ok_or_else(|| foreign(&self.status))?;
        let currency = Currency::from_code(&self.currency);
        let amount_due = currency.and_then(|currency| Money::parse(&self.amount_due, currency));
        let costs = [
            (Media::Audio, self.audio),
            (Media::Sd, self.sd),
            (Media::Hd, self.hd),
            (Media::Hdp, self.hdp),
            (Media::FullHd, self.full_hd),
            (Media::Video2k, self.video_2k),
            (Media::Video2kPlus, self.video_2k_plus),
        ];
        let mut cost_micro_units = [0; Media::COUNT];
        for (media, text) in costs {
            cost_micro_units[media.index()] = text.parse().map_err(|_| foreign(&text))?;
        }
        Ok(ClosedMonthSum {
            month: Month::of(self.month),
            status,
            amount_due: amount_due.ok_or_else(|| foreign(&self.amount_due))?,
            cost_micro_units,
        })
    }
}

/// The newest closed bill of each month that begins in `range`, as sums; where a
/// time is given, of those that were closed by then.
///
/// # Errors
/// [`StoreError`] when the database does not answer or holds a foreign value.
pub async fn closed_month_sums(
    pool: &PgPool,
    account: &AccountId,
    range: DateRange,
    known_by: Option<DateTime<Utc>>,
) -> Result<Vec<ClosedMonthSum>, StoreError> {
    let rows: Vec<ClosedMonthRow> = query_as(include_str!("sql/closed_month_sums.sql"))
        .bind(account.as_str())
        .bind(range.first())
        .bind(range.last())
        .bind(known_by)
        .fetch_all(alone(pool))
        .await
        .map_err(StoreError::during("reading bill"))?;
    rows.into_iter().map(ClosedMonthRow::into_sum).collect()
}

/// The figures of a bill by what they are about, such as `line rtc audio 1`.
pub type Figures = BTreeMap<String, String>;

/// The figures of a stored bill.
///
/// # Errors
/// [`StoreError`] when the database does not answer.
pub async fn figures(pool: &PgPool, head: &BillHead) -> Result<Figures, StoreError> {
    let statements = [
        include_str!("sql/bill_figures.sql"),
        include_str!("sql/bill_line_figures.sql"),
        include_str!("sql/bill_allocation_figures.sql"),
        include_str!("sql/bill_adjustment_figures.sql"),
    ];
    let mut figures = Figures::new();
    for statement in statements {
        let rows: Vec<(String, String)> = query_as(statement)
            .bind(head.account.as_str())
            .bind(head.month.first_day())
            .bind(head.revision)
            .fetch_all(alone(pool))
            .await
            .map_err(StoreError::during("reading the figures of a bill"))?;
        figures.extend(rows);
    }
    Ok(figures)
}

/// The figures that a bill would have if it were stored.
///
/// # Errors
/// [`RatingError`] for an amount with more places than a line may have.
pub fn figures_of(
    bill: &Bill,
    adjustments: &[AppliedAdjustment],
    status: BillStatus,
) -> Result<Figures, RatingError> {
    let money = |minor_units| Money { minor_units, currency: bill.currency };
    let micro = |amount: Money| {
        let places = ALLOCATION_SCALE.saturating_sub(bill.currency.minor_unit_digits());
        decimal_text(amount.minor_units * 10_i128.pow(places), ALLOCATION_SCALE)
    };
    let adjusted = adjustments.iter().map(|a| a.adjustment.amount.minor_units).sum();
    let exact_total = decimal_units(&bill.exact_total, LINE_SCALE)?;
    let mut figures = Figures::from([
        ("status".to_owned(), status.name().to_owned()),
        ("currency".to_owned(), bill.currency.code().to_owned()),
        ("exact total".to_owned(), decimal_text(exact_total, LINE_SCALE)),
        ("rated total".to_owned(), micro(bill.total)),
        ("unallocated".to_owned(), micro(bill.unallocated)),
        ("adjustment total".to_owned(), micro(money(adjusted))),
        ("price book".to_owned(), format!("{} {}", bill.book_name, bill.book_sha256)),
    ]);
    for row in line_rows(bill)? {
        let names = [row.kind, row.service, row.media].into_iter().filter(|name| !name.is_empty());
        let key = format!("line {} {}", names.collect::<Vec<_>>().join(" "), row.tier);
        let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        let value = format!(
            "{} s, {} min, {} free, {} billable, {} coefficient, {} per 1000, {}",
            or_none(row.seconds.map(|seconds| seconds.to_string())),
            row.minutes,
            row.free_minutes,
            row.billable_minutes,
            or_none(row.coefficient.map(|units| decimal_text(units, LINE_SCALE))),
            decimal_text(row.unit_price_per_1000, LINE_SCALE),
            decimal_text(row.amount, LINE_SCALE),
        );
        figures.insert(key, value);
    }
    figures.extend(allocation_figures(bill));
    for applied in adjustments {
        let number = applied.adjustment.adjustment_id;
        let unallocated = Some(("", applied.unallocated)).filter(|(_, units)| *units != 0);
        let shares = applied.shares.iter().map(|(id, share)| (id.as_str(), *share));
        for (project_id, share) in shares.chain(unallocated) {
            let key = format!("adjustment {number} of project {project_id}");
            figures.insert(key, micro(money(share)));
        }
    }
    Ok(figures)
}

fn allocation_figures(bill: &Bill) -> Vec<(String, String)> {
    let mut figures = Vec::new();
    for project in &bill.projects {
        for day in &project.days {
            for service in Service::ALL {
                let Some(costs) = costs_of(day, service) else { continue };
                let cost = costs.iter().sum();
                let costs = costs.into_iter().chain([cost]);
                let costs: Vec<_> =
                    costs.map(|units| decimal_text(units, ALLOCATION_SCALE)).collect();
                let key = format!("cost of {} on {} for {service}", project.project_id, day.day);
                figures.push((key, costs.join(" ")));
            }
        }
    }
    figures
}

/// Projects that take part in the adjustments of a stored bill, by the adjustment's number.
///
/// # Errors
/// [`StoreError`] when the database does not answer or holds a foreign value.
pub async fn adjusted_projects(
    pool: &PgPool,
    head: &BillHead,
) -> Result<BTreeMap<i64, Vec<ProjectId>>, StoreError> {
    let rows: Vec<(i64, String)> = query_as(
        "select adjustment_id, project_id from agora.bill_adjustment \
         where account_id = $1 and month = $2 and revision = $3 and project_id <> '' \
         order by adjustment_id, project_id collate \"C\"",
    )
    .bind(head.account.as_str())
    .bind(head.month.first_day())
    .bind(head.revision)
    .fetch_all(alone(pool))
    .await
    .map_err(StoreError::during("reading bill_adjustment"))?;
    let mut projects: BTreeMap<i64, Vec<ProjectId>> = BTreeMap::new();
    for (number, id) in rows {
        let id = ProjectId::new(&id).map_err(|error| StoreError::UnknownValue {
            table: "agora.bill_adjustment",
            value: error.to_string(),
        })?;
        projects.entry(number).or_default().push(id);
    }
    Ok(projects)
}
