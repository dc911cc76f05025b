//! Why a month has no bill, or none that can be closed.

use crate::collect::CollectError;
use crate::domain::{AccountId, Month};
use crate::rating::{PriceBookError, RatingError};
use crate::store::StoreError;
use crate::store::bills::BillWriteError;

use super::reproduce::FigureDifference;

/// Why a bill cannot be made, stored, closed or made again.
#[derive(Debug, thiserror::Error)]
pub enum BillingError {
    /// The account was never fetched.
    #[error("nothing is stored for account '{0}'")]
    NothingStored(AccountId),
    /// Usage could not be read.
    #[error(transparent)]
    Collect(#[from] CollectError),
    /// The usage cannot be rated.
    #[error(transparent)]
    Rating(#[from] RatingError),
    /// The bill could not be stored.
    #[error(transparent)]
    Write(#[from] BillWriteError),
    /// A stored price book that this version cannot read.
    #[error(transparent)]
    PriceBook(#[from] PriceBookError),
    /// An adjustment in another currency than the price book's.
    #[error(
        "adjustment {adjustment_id} of {month} is in {found}, and the price book in {expected}"
    )]
    AdjustmentCurrency {
        /// Number of the adjustment.
        adjustment_id: i64,
        /// Month of the bill.
        month: Month,
        /// Currency of the adjustment.
        found: &'static str,
        /// Currency of the bill.
        expected: &'static str,
    },
    /// The month is not over.
    #[error("{0} is not over, so it cannot be closed")]
    NotOver(Month),
    /// The month is closed, and no revision was asked for.
    #[error("{month} is closed already, as r{revision}")]
    AlreadyClosed {
        /// The month.
        month: Month,
        /// Its newest revision.
        revision: i32,
    },
    /// A revision of a month that was never closed.
    #[error("{0} is not closed, so there is nothing to revise")]
    NotClosed(Month),
    /// A revision that would say the same.
    #[error("nothing has changed since {month} was closed as r{revision}")]
    Unchanged {
        /// The month.
        month: Month,
        /// Its newest revision.
        revision: i32,
    },
    /// The month's figures may still change.
    #[error("{month} cannot be relied on yet, so it is not closed")]
    Doubtful {
        /// The month.
        month: Month,
        /// What stands against it, a sentence each.
        reservations: Vec<String>,
    },
    /// No such revision.
    #[error("{month} has no revision r{revision}")]
    NoRevision {
        /// The month.
        month: Month,
        /// What was asked for.
        revision: i32,
    },
    /// A bill that an earlier version stored, without what it was made from.
    #[error("the bill of {month} was stored without what it was made from")]
    UnknownOrigin {
        /// The month.
        month: Month,
    },
    /// The text of the price book is gone.
    #[error("the price book {sha256} of the bill of {month} is not stored")]
    MissingPriceBook {
        /// The month.
        month: Month,
        /// SHA-256 of the book.
        sha256: String,
    },
    /// What a closed bill says beside its amounts cannot be read.
    #[error("the closing note of {month} r{revision} cannot be read: {cause}")]
    ClosingNote {
        /// The month.
        month: Month,
        /// The revision.
        revision: i32,
        /// What is wrong with it.
        cause: String,
    },
    /// A closed bill does not come out the same.
    #[error("the stored bill of {month} r{revision} differs from what its facts make")]
    NotReproducible {
        /// The month.
        month: Month,
        /// The revision.
        revision: i32,
        /// Which figures, and how.
        differences: Vec<FigureDifference>,
    },
}

impl From<StoreError> for BillingError {
    fn from(error: StoreError) -> Self {
        Self::Collect(error.into())
    }
}
