//! The words of the product: projects, usage, occupancy, periods and money.
//!
//! Owns the types that every other module speaks, and their rules of form
//! (what a project id is, which day a label means). Does no input or output,
//! reads no clock and knows neither HTTP nor SQL: wire types stop at
//! [`crate::agora_api`], row types at [`crate::store`].

pub mod adjustment;
pub mod bill_status;
pub mod margin;
pub mod money;
pub mod occupancy;
pub mod period;
pub mod project;
pub mod request;
pub mod usage;

pub use adjustment::{Adjustment, AdjustmentScope, AppliedAdjustment};
pub use bill_status::BillStatus;
pub use money::{Currency, Money};
pub use occupancy::{Channel, HourOfWeek, Incompleteness, OccupancySnapshot, Peak};
pub use period::{DateRange, Month, PeriodError};
pub use project::{AccountId, AppId, IdError, Project, ProjectId, ProjectStatus};
pub use request::{RequestFact, RequestOutcome};
pub use usage::{DayUsage, Media, MediaSet, Service, SupersededUsage, UsageSource};
