//! What operators are told without asking: once per event, until it is taken.
//!
//! Three steps, each in a file of its own: what goes on follows from the facts
//! (`evaluate`, pure); what is new and what is over follows from that and the
//! open events (`reconcile`, pure); and messages are sent until they are taken
//! (`deliver`). The events live in the table `alert`, so that a restart tells
//! nothing twice and forgets nothing, and two daemons tell each event once.
//!
//! A hole is an event of its project, service and month: it is told once,
//! however many days of the month it grows to, and is over when the month has
//! none left.

mod deliver;
mod evaluate;
mod reconcile;

pub use deliver::{DeliveryRules, Outlet, deliver};
pub use evaluate::evaluate;
pub use reconcile::{Changes, reconcile};

use serde_json::Value;

use crate::store::alerts::NewAlert;

/// What an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EventKind {
    /// Days of usage are not known.
    Hole,
    /// Days that are not known can soon be asked for no more.
    Expiring,
    /// An answer would have un-said stored values.
    Contradiction,
    /// The platform refuses the credentials.
    Unauthorized,
    /// A job has not succeeded for too long.
    NoSuccess,
    /// A threshold of a budget is reached.
    Budget,
    /// More than a budget is expected.
    BudgetForecast,
    /// The free minutes are used up, or will be within the month.
    FreeMinutes,
    /// A day of a project is not like its weekday.
    Anomaly,
}

impl EventKind {
    /// Word used in the table and in messages to programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hole => "hole",
            Self::Expiring => "expiring",
            Self::Contradiction => "contradiction",
            Self::Unauthorized => "unauthorized",
            Self::NoSuccess => "no_success",
            Self::Budget => "budget",
            Self::BudgetForecast => "budget_forecast",
            Self::FreeMinutes => "free_minutes",
            Self::Anomaly => "anomaly",
        }
    }

    /// Whether it is told once, and its subject begins with the period that it is about:
    /// a month, or the day of an odd project.
    const fn is_of_a_period(self) -> bool {
        matches!(self, Self::Budget | Self::BudgetForecast | Self::FreeMinutes | Self::Anomaly)
    }

    /// Whether its subject is a project, service and month.
    const fn is_about_days(self) -> bool {
        matches!(self, Self::Hole | Self::Expiring | Self::Contradiction)
    }

    const ALL: [Self; 9] = [
        Self::Hole,
        Self::Expiring,
        Self::Contradiction,
        Self::Unauthorized,
        Self::NoSuccess,
        Self::Budget,
        Self::BudgetForecast,
        Self::FreeMinutes,
        Self::Anomaly,
    ];

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Something that goes on and that operators must know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What it is.
    pub kind: EventKind,
    /// What it is about; with the kind it tells one event from another.
    pub subject: String,
    /// The event in words.
    pub message: String,
    /// The event in values.
    pub details: Value,
    /// Whether it goes on where it is open already, but is no reason to begin one:
    /// what is near its limit would else come and go each day.
    pub is_fading: bool,
}

impl From<Event> for NewAlert {
    fn from(event: Event) -> Self {
        let Event { kind, subject, message, details, is_fading: _ } = event;
        let is_told_once = kind.is_of_a_period();
        Self { kind: kind.name(), subject, message, details, is_told_once }
    }
}
