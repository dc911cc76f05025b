//! Exit codes, and errors in words for people: what, where, and the way out.

use std::process::ExitCode;

use crate::agora_api::ApiError;
use crate::billing::BillingError;
use crate::cli::print::note_line;
use crate::collect::CollectError;
use crate::config::ConfigError;
use crate::domain::PeriodError;
use crate::month_report::MonthReportError;
use crate::observe::ObserveError;
use crate::rating::{PriceBooksError, RatingError};
use crate::report::ReportError;
use crate::store::StoreError;
use crate::store::adjustments::VoidError;
use crate::store::bills::BillWriteError;

/// How a command ends.
///
/// In order of severity: of several accounts the worst end counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// Everything is done.
    Done,
    /// Done in part: there are holes, contradictions or prices missing.
    Partial,
    /// Another run holds the job.
    Busy,
    /// The command was used wrongly.
    Usage,
    /// The settings cannot be used.
    Configuration,
    /// It failed, or was refused.
    Failed,
}

impl Exit {
    /// The worse of two ends.
    pub(crate) fn and(self, other: Self) -> Self {
        self.max(other)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0_u8,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Partial => 3,
            Exit::Busy => 4,
            Exit::Configuration => 78,
        })
    }
}

/// An error for people.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The exit code that it leads to.
    pub(crate) exit: Exit,
    /// What went wrong, and where.
    message: String,
    /// The way out.
    hint: Option<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hint: None }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says in front where it went wrong, such as a file and line.
    pub(crate) fn at(mut self, place: &str) -> Self {
        self.message = format!("{place}: {}", self.message);
        self
    }

    /// Writes it to stderr, with the hint on a line of its own.
    pub(crate) fn print(&self) {
        // Texts of the platform must not steer the terminal.
        let is_shown = |c: char| !c.is_control() || matches!(c, '\n' | '\t');
        let shown = self.message.replace(|c: char| !is_shown(c), " ");
        note_line(format_args!("error: {shown}"));
        if let Some(hint) = &self.hint {
            note_line(format_args!("hint: {hint}"));
        }
    }
}

/// Tells of accounts that are left out, and how the command ends at the best.
pub(super) fn told(left_out: Vec<ConfigError>) -> Exit {
    left_out.into_iter().map(Failure::from).fold(Exit::Done, |exit, failure| {
        failure.print();
        exit.and(failure.exit)
    })
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        let failure = Self::new(Exit::Configuration, error.to_string());
        match error {
            ConfigError::NoSellPriceBook(_) => failure.hint(
                "name the price book that customers pay by: sell_price_books = [\"sell.toml\"]",
            ),
            ConfigError::NoCredentials { account, .. } if account.as_str() == "default" => failure
                .hint(
                    "set AGORA_CUSTOMER_ID and AGORA_CUSTOMER_SECRET (Console > RESTful API), \
                 or try `agora-usage demo`",
                ),
            ConfigError::NoCredentials { account, .. } => failure.hint(format!(
                "add customer_id and customer_secret_file to the [[account]] table of '{account}'"
            )),
            ConfigError::NoSecret { .. } => failure
                .hint("what only uses stored data works without it, and so do the other accounts"),
            ConfigError::UnknownAccount(_) => failure
                .hint("an [[account]] table describes an account; without any there is 'default'"),
            _ => failure,
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let exit = match error {
            StoreError::Address(_) => Exit::Configuration,
            _ => Exit::Failed,
        };
        let is_denied = error.is_permission_denied();
        let failure = Self::new(exit, error.to_string());
        match error {
            StoreError::NotAllowed { owner: Some(owner), .. } => failure.hint(format!(
                "a role that only reads may run `query`, `coverage` and `budget list`; for this \
                 command name the role that owns the tables, '{owner}', in DATABASE_URL"
            )),
            StoreError::NotAllowed { role, owner: None } => failure.hint(format!(
                "as an administrator: grant create on database D to \"{role}\"; grant create on \
                 schema public to \"{role}\""
            )),
            StoreError::Statement { .. } if is_denied => failure.hint(
                "the role of DATABASE_URL may not do that: let it read with `agora-usage migrate \
                 --grant-reader ROLE`, or name the role that owns the tables",
            ),
            StoreError::Address(_) => {
                failure.hint("write DATABASE_URL as postgres://user:password@host:5432/database")
            }
            StoreError::Unreachable(_) => failure.hint(
                "check DATABASE_URL and that the server runs; without DATABASE_URL a private \
                 PostgreSQL is used",
            ),
            StoreError::LeaseLost { .. } => failure.hint(
                "this run was paused for too long; what it had committed stays, run it again",
            ),
            StoreError::NoSchema => failure
                .hint("fetch something first (`agora-usage sync usage`), or check DATABASE_URL"),
            StoreError::NewerSchema { .. } => {
                failure.hint("a newer agora-usage made it; install that version")
            }
            StoreError::Migration { .. } => failure.hint(
                "the schema is as the migration before left it; mend the cause and run again",
            ),
            _ => failure,
        }
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        let failure = Self::new(Exit::Failed, error.to_string());
        match error.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

impl From<CollectError> for Failure {
    fn from(error: CollectError) -> Self {
        match error {
            CollectError::Api(error) => error.into(),
            CollectError::Store(error) => error.into(),
            CollectError::UnknownProject(_) => Self::new(Exit::Failed, error.to_string()).hint(
                "give the project id (a short token), not the App ID or the name; \
                 `agora-usage query projects` lists them",
            ),
        }
    }
}

impl From<ObserveError> for Failure {
    fn from(error: ObserveError) -> Self {
        let failure = Self::new(Exit::Failed, error.to_string());
        match error {
            ObserveError::Listen { .. } => {
                failure.hint("set listen_address to a free address, such as 127.0.0.1:9465")
            }
            ObserveError::Look(error) => error.into(),
            ObserveError::Client(_) | ObserveError::Metrics(_) => failure,
        }
    }
}

impl From<PeriodError> for Failure {
    fn from(error: PeriodError) -> Self {
        Self::new(Exit::Usage, error.to_string())
    }
}

impl From<RatingError> for Failure {
    fn from(error: RatingError) -> Self {
        Self::new(Exit::Failed, error.to_string())
    }
}

impl From<PriceBooksError> for Failure {
    fn from(error: PriceBooksError) -> Self {
        Self::new(Exit::Configuration, error.to_string()).hint(
            "add a book for the month to price_books, or sell_price_books for what customers \
                 pay; `agora-usage check` explains the books",
        )
    }
}

impl From<MonthReportError> for Failure {
    fn from(error: MonthReportError) -> Self {
        match error {
            MonthReportError::Billing(error) => error.into(),
            MonthReportError::PriceBook(error) => error.into(),
            MonthReportError::Files(error) => error.into(),
            MonthReportError::TwoCurrencies { .. } => Self::new(Exit::Failed, error.to_string()),
        }
    }
}

impl From<BillingError> for Failure {
    fn from(error: BillingError) -> Self {
        let failure = Self::new(Exit::Failed, said(&error));
        match error {
            BillingError::NothingStored(_) => {
                failure.hint("fetch it first: `agora-usage sync usage`, or `agora-usage backfill`")
            }
            BillingError::Collect(error) => error.into(),
            BillingError::Rating(error) => error.into(),
            BillingError::Write(error) => error.into(),
            BillingError::NotOver(month) => {
                failure.hint(format!("close it from {} on", month.next().first_day()))
            }
            BillingError::AlreadyClosed { .. } => failure.hint(
                "new facts make a further revision: `agora-usage bill close --revise`; what \
                 would change: `agora-usage bill show`",
            ),
            BillingError::NoRevision { month, .. } => failure
                .hint(format!("`agora-usage bill verify --month {month}` lists its revisions")),
            BillingError::NotClosed(_) => failure.hint("close it without --revise"),
            BillingError::Doubtful { .. } => failure.hint(
                "fetch what is missing and wait until days are final, or close with --force, \
                 which states these points on the bill",
            ),
            BillingError::UnknownOrigin { .. } => {
                failure.hint("an earlier version stored it; `agora-usage report` makes it anew")
            }
            BillingError::AdjustmentCurrency { .. } => {
                failure.hint("take it back: `agora-usage bill adjust --void ID --reason ...`")
            }
            BillingError::NotReproducible { .. } | BillingError::MissingPriceBook { .. } => failure
                .hint(
                    "the tables were changed, or another version rates otherwise; \
                     `agora-usage bill verify` tells which figures",
                ),
            _ => failure,
        }
    }
}

/// The error, with the points that it lists.
fn said(error: &BillingError) -> String {
    /// Points that are listed one by one; the rest is counted.
    const LISTED: usize = 20;
    let points: Vec<String> = match error {
        BillingError::Doubtful { reservations, .. } => reservations.clone(),
        BillingError::NotReproducible { differences, .. } => {
            differences.iter().map(|difference| difference.name.clone()).collect()
        }
        _ => Vec::new(),
    };
    let mut text = error.to_string();
    for point in points.iter().take(LISTED) {
        text.push_str("\n  ");
        text.push_str(point);
    }
    if let Some(more) = points.len().checked_sub(LISTED).filter(|more| *more > 0) {
        text.push_str("\n  and ");
        text.push_str(&more.to_string());
        text.push_str(" more");
    }
    text
}

impl From<BillWriteError> for Failure {
    fn from(error: BillWriteError) -> Self {
        let message = error.to_string();
        match error {
            BillWriteError::Store(error) => error.into(),
            BillWriteError::Rating(error) => error.into(),
            BillWriteError::ClosedMeanwhile { .. } => {
                Self::new(Exit::Failed, message).hint("look at it: `agora-usage bill show`")
            }
        }
    }
}

impl From<VoidError> for Failure {
    fn from(error: VoidError) -> Self {
        match error {
            VoidError::Store(error) => error.into(),
            _ => Self::new(Exit::Failed, error.to_string())
                .hint("`agora-usage bill show` lists the adjustments that are in force"),
        }
    }
}

impl From<ReportError> for Failure {
    fn from(error: ReportError) -> Self {
        Self::new(Exit::Failed, error.to_string())
    }
}
