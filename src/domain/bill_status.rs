//! Whether a bill can be relied on.

/// Whether a bill can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BillStatus {
    /// Every day of the month is known and priced.
    Complete,
    /// Something is missing, contradicted or without a price.
    Incomplete,
    /// The month is not over.
    InProgress,
}

impl BillStatus {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Complete, Self::Incomplete, Self::InProgress];

    /// The status of that name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }

    /// Word used in tables and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Incomplete => "incomplete",
            Self::InProgress => "in_progress",
        }
    }
}
