//! Accounts and projects, and the three kinds of identity that must not mix.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};

/// Why a text is not an identity of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The text is empty.
    #[error("it is empty")]
    Empty,
    /// A NUL byte, which PostgreSQL cannot store.
    #[error("it holds a NUL character")]
    Nul,
    /// An account name outside `[A-Za-z0-9_-]{1,64}`.
    #[error("only letters, digits, '_' and '-' are allowed, 64 at most")]
    AccountName,
    /// An App ID that is not 32 characters of `[A-Za-z0-9]`.
    #[error("an App ID has 32 letters and digits")]
    AppId,
}

/// Name that the settings give an account, such as `default`.
///
/// It leads every key in the database and names a folder of reports, so it is
/// kept to `[A-Za-z0-9_-]{1,64}`. It is never Agora's customer id.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountId(Arc<str>);

impl AccountId {
    /// Checks a name chosen in the settings.
    ///
    /// # Errors
    /// [`IdError::AccountName`] outside `[A-Za-z0-9_-]{1,64}`.
    pub fn new(name: &str) -> Result<Self, IdError> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if name.is_empty() {
            return Err(IdError::Empty);
        }
        if name.len() > 64 || !name.chars().all(allowed) {
            return Err(IdError::AccountName);
        }
        Ok(Self(name.into()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Short token such as `Hk12QqzrB` under which the API reports usage.
///
/// Taken as the platform sends it; ordered by its bytes, which decides ties
/// when cents are split.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProjectId(Arc<str>);

impl ProjectId {
    /// Takes an id as the platform sent it.
    ///
    /// # Errors
    /// [`IdError::Empty`] or [`IdError::Nul`]; any other text is an id.
    pub fn new(id: &str) -> Result<Self, IdError> {
        if id.is_empty() {
            return Err(IdError::Empty);
        }
        if id.contains('\0') {
            return Err(IdError::Nul);
        }
        Ok(Self(id.into()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// App ID of a project (32 characters), the key of channel calls.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AppId(Arc<str>);

impl AppId {
    /// Checks an App ID, the API's `vendor_key`.
    ///
    /// # Errors
    /// [`IdError::AppId`] unless it has 32 letters and digits.
    pub fn new(id: &str) -> Result<Self, IdError> {
        if id.len() == 32 && id.chars().all(|c| c.is_ascii_alphanumeric()) {
            Ok(Self(id.into()))
        } else {
            Err(IdError::AppId)
        }
    }

    /// The App ID as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for ProjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for AppId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a project can be used, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProjectStatus {
    /// Listed with status 1.
    Active,
    /// Listed with status 0.
    Disabled,
    /// Once listed, now gone from the list; its usage still counts.
    Deleted,
    /// Known from usage alone, or listed without a status.
    Unknown,
}

impl ProjectStatus {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Active, Self::Disabled, Self::Deleted, Self::Unknown];

    /// Word used in tables and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Deleted => "deleted",
            Self::Unknown => "unknown",
        }
    }

    /// The status of that name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}

/// A project as the platform lists it, without its certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Key of usage.
    pub project_id: ProjectId,
    /// Any Unicode text up to 255 characters; two projects may share one.
    pub name: String,
    /// Key of channel calls; absent where the platform sent none that is valid.
    pub app_id: Option<AppId>,
    /// Active, disabled, deleted or unknown.
    pub status: ProjectStatus,
    /// When the platform says that it was created.
    pub created_at: Option<DateTime<Utc>>,
    /// Whether an App Certificate is enabled; the certificate itself is never kept.
    pub has_certificate: bool,
    /// Address of the on-premise recording server, where one is set.
    pub recording_server: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_names_are_safe_as_folder_and_key() {
        assert!(AccountId::new("default").is_ok());
        assert_eq!(AccountId::new(""), Err(IdError::Empty));
        for name in ["a/b", "..", "a b", "é", &"x".repeat(65)] {
            assert_eq!(AccountId::new(name), Err(IdError::AccountName), "{name}");
        }
    }

    #[test]
    fn project_ids_order_by_bytes() {
        let id = |text| ProjectId::new(text).expect("valid");
        assert!(id("B") < id("a"));
        assert!(id("Z9") < id("a0"));
        assert_eq!(ProjectId::new("a\0b"), Err(IdError::Nul));
    }

    #[test]
    fn a_project_id_is_no_app_id() {
        assert_eq!(AppId::new("Hk12QqzrB"), Err(IdError::AppId));
        assert!(AppId::new("4855898a22ae4102a29b81ba76f2eae2").is_ok());
    }

    #[test]
    fn statuses_read_back_from_their_names() {
        for status in ProjectStatus::ALL {
            assert_eq!(ProjectStatus::from_name(status.name()), Some(status));
        }
        assert_eq!(ProjectStatus::from_name("gone"), None);
    }
}
