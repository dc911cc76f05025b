//! Credits and charges beside the rated usage.

use super::{Money, Month, ProjectId};

/// Who has an adjustment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdjustmentScope {
    /// Every project, by its cost.
    Account,
    /// One project.
    Project(ProjectId),
    /// The projects of a cost centre, by their cost.
    CostCentre(String),
}

/// A credit or charge of a month that no usage caused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adjustment {
    /// Its number, given by the database; later ones are higher.
    pub adjustment_id: i64,
    /// Month whose bill it belongs to.
    pub month: Month,
    /// Negative for a credit; never 0.
    pub amount: Money,
    /// Who has it.
    pub scope: AdjustmentScope,
    /// Why, in the words of who recorded it.
    pub reason: String,
}

/// An adjustment with its split over projects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedAdjustment {
    /// The adjustment.
    pub adjustment: Adjustment,
    /// Minor units of each project that takes part, by the bytes of its id; with
    /// `unallocated` they sum to the amount.
    pub shares: Vec<(ProjectId, i128)>,
    /// Minor units that belong to no project.
    pub unallocated: i128,
}

impl AppliedAdjustment {
    /// What a project has of it, in minor units.
    #[must_use]
    pub fn share_of(&self, project_id: &ProjectId) -> i128 {
        self.shares.iter().filter(|(id, _)| id == project_id).map(|(_, share)| share).sum()
    }
}
