//! Why a whole job stops; failures of single requests are part of its outcome.

use crate::agora_api::ApiError;
use crate::domain::ProjectId;
use crate::store::StoreError;

/// Why a job cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// A call that everything else depends on failed for good.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A project was asked for that the account never had.
    #[error("project {0} is not known in this account")]
    UnknownProject(ProjectId),
}
