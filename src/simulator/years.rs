//! What differs between the years of the API: one table a year, and nothing else.
//!
//! Owns keys, spellings, status codes and error bodies, as data. Endpoints ask
//! the table and never for the year. Where the documents of a year contradict
//! each other or are silent, a year takes one of the shapes that were seen, so
//! that the three tables together hold them all. A client that works with every
//! year has met every shape.

use std::fmt;
use std::str::FromStr;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::family::Family;

/// A year whose answers the simulator gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ApiYear {
    /// The oldest document: no usage v3, and `error_msg`.
    Year2018,
    /// Milliseconds, three media in usage v3, misspelt keys.
    Year2020,
    /// The present API.
    #[default]
    Year2026,
}

/// A text that names no year of the API.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no year of the API: use 2018, 2020 or 2026")]
pub struct ApiYearError(String);

impl ApiYear {
    /// Every year, oldest first.
    pub const ALL: [Self; 3] = [Self::Year2018, Self::Year2020, Self::Year2026];

    /// The year's table.
    pub(super) const fn shapes(self) -> &'static Shapes {
        match self {
            Self::Year2018 => &YEAR_2018,
            Self::Year2020 => &YEAR_2020,
            Self::Year2026 => &YEAR_2026,
        }
    }

    /// The year as it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Year2018 => "2018",
            Self::Year2020 => "2020",
            Self::Year2026 => "2026",
        }
    }
}

impl fmt::Display for ApiYear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ApiYear {
    type Err = ApiYearError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let year = Self::ALL.into_iter().find(|year| year.name() == text);
        year.ok_or_else(|| ApiYearError(text.to_owned()))
    }
}

/// Under which key a project is answered, and whether as a list of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ProjectKey {
    /// `{"projects": [..]}`
    ProjectsArray,
    /// `{"project": {..}}`
    ProjectObject,
    /// `{"project": [..]}`
    ProjectArray,
}

/// How a key without a value is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Absent {
    Empty,
    Null,
    Missing,
}

impl Absent {
    /// The value to send, or nothing to leave the key out.
    pub(super) fn value(self, text: Option<&str>) -> Option<Value> {
        match (text, self) {
            (Some(text), _) => Some(json!(text)),
            (None, Self::Empty) => Some(json!("")),
            (None, Self::Null) => Some(Value::Null),
            (None, Self::Missing) => None,
        }
    }
}

/// How a refusal is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ErrorBody {
    /// `{"error_msg": ..}`
    ErrorMsg,
    /// `{"message": ..}`
    Message,
    /// `{"message": .., "reason": ..}`
    MessageAndReason,
    /// `{"status": "error", "message": ..}`
    StatusAndMessage,
}

impl ErrorBody {
    pub(super) fn body(self, message: &str) -> Value {
        match self {
            Self::ErrorMsg => json!({ "error_msg": message }),
            Self::Message => json!({ "message": message }),
            Self::MessageAndReason => json!({ "message": message, "reason": message }),
            Self::StatusAndMessage => json!({ "status": "error", "message": message }),
        }
    }
}

/// Media that usage v3 tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UsageMedia {
    /// Audio, HD, and everything above as HD+.
    Three,
    /// Full HD, 2K and 4K beside a zero HD+.
    Six,
}

/// Everything that differs by year.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "a table of independent facts, not a state")]
pub(super) struct Shapes {
    pub(super) project_read_status: StatusCode,
    pub(super) project_create_status: StatusCode,
    pub(super) project_change_status: StatusCode,
    pub(super) one_project: ProjectKey,
    pub(super) changed_project: ProjectKey,
    /// `created` in milliseconds and not in seconds.
    pub(super) created_in_ms: bool,
    /// `sign_key` of a project without a certificate.
    pub(super) no_certificate: Absent,
    pub(super) no_recording_server: Absent,
    /// A key that no document knows.
    pub(super) company_id: bool,
    /// What a project that does not exist is answered with.
    pub(super) no_project: &'static str,
    /// Media of usage v3; nothing before it existed.
    pub(super) usage_v3: Option<UsageMedia>,
    /// `success` before `data`, on channel calls.
    pub(super) success_first: bool,
    /// `status` before the rest, on kicking rules.
    pub(super) status_first: bool,
    pub(super) broadcasters_key: &'static str,
    pub(super) audience_total_key: &'static str,
    /// Roles of those who send, by turns: 2 video, 4 audio.
    pub(super) broadcaster_roles: &'static [u8],
    /// `join`, `uid` and `platform` beside the role.
    pub(super) user_details: bool,
    /// `privileges` of a kicking rule.
    pub(super) rule_privileges: bool,
    /// Status of a channel call for an App ID that is not the account's.
    pub(super) unknown_app_id: StatusCode,
    project_errors: ErrorBody,
    usage_errors: ErrorBody,
    rule_errors: ErrorBody,
    statistics_errors: ErrorBody,
}

impl Shapes {
    /// How a family writes its refusals.
    pub(super) const fn errors(&self, family: Family) -> ErrorBody {
        match family {
            Family::Projects => self.project_errors,
            Family::Usage => self.usage_errors,
            Family::KickingRules => self.rule_errors,
            Family::Channels | Family::Users | Family::Roles | Family::CoHosts => {
                self.statistics_errors
            }
        }
    }
}

const YEAR_2018: Shapes = Shapes {
    project_read_status: StatusCode::OK,
    project_create_status: StatusCode::OK,
    project_change_status: StatusCode::OK,
    one_project: ProjectKey::ProjectsArray,
    changed_project: ProjectKey::ProjectObject,
    created_in_ms: false,
    no_certificate: Absent::Empty,
    no_recording_server: Absent::Missing,
    company_id: false,
    no_project: "project not exist",
    usage_v3: None,
    success_first: true,
    status_first: false,
    broadcasters_key: "broadcaster",
    audience_total_key: "auience_total",
    broadcaster_roles: &[2, 4],
    user_details: false,
    rule_privileges: false,
    unknown_app_id: StatusCode::UNAUTHORIZED,
    project_errors: ErrorBody::ErrorMsg,
    usage_errors: ErrorBody::ErrorMsg,
    rule_errors: ErrorBody::StatusAndMessage,
    statistics_errors: ErrorBody::Message,
};

const YEAR_2020: Shapes = Shapes {
    project_read_status: StatusCode::OK,
    project_create_status: StatusCode::CREATED,
    project_change_status: StatusCode::OK,
    one_project: ProjectKey::ProjectObject,
    changed_project: ProjectKey::ProjectArray,
    created_in_ms: true,
    no_certificate: Absent::Missing,
    no_recording_server: Absent::Null,
    company_id: true,
    no_project: "project not exsit",
    usage_v3: Some(UsageMedia::Three),
    success_first: false,
    status_first: true,
    broadcasters_key: "broadcasters",
    audience_total_key: "auience_total",
    broadcaster_roles: &[2],
    user_details: true,
    rule_privileges: false,
    unknown_app_id: StatusCode::UNAUTHORIZED,
    project_errors: ErrorBody::ErrorMsg,
    usage_errors: ErrorBody::Message,
    rule_errors: ErrorBody::StatusAndMessage,
    statistics_errors: ErrorBody::MessageAndReason,
};

const YEAR_2026: Shapes = Shapes {
    project_read_status: StatusCode::CREATED,
    project_create_status: StatusCode::CREATED,
    project_change_status: StatusCode::CREATED,
    one_project: ProjectKey::ProjectsArray,
    changed_project: ProjectKey::ProjectObject,
    created_in_ms: false,
    no_certificate: Absent::Empty,
    no_recording_server: Absent::Null,
    company_id: false,
    no_project: "project not exist",
    usage_v3: Some(UsageMedia::Six),
    success_first: true,
    status_first: true,
    broadcasters_key: "broadcasters",
    audience_total_key: "audience_total",
    broadcaster_roles: &[2],
    user_details: true,
    rule_privileges: true,
    unknown_app_id: StatusCode::BAD_REQUEST,
    project_errors: ErrorBody::Message,
    usage_errors: ErrorBody::Message,
    rule_errors: ErrorBody::Message,
    statistics_errors: ErrorBody::Message,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_is_read_as_it_is_written() {
        for year in ApiYear::ALL {
            assert_eq!(year.to_string().parse(), Ok(year));
        }
        let error = "2019".parse::<ApiYear>().expect_err("no such year");
        assert_eq!(error.to_string(), "'2019' is no year of the API: use 2018, 2020 or 2026");
    }

    #[test]
    fn a_key_without_a_value_is_empty_null_or_left_out() {
        assert_eq!(Absent::Empty.value(None), Some(json!("")));
        assert_eq!(Absent::Null.value(None), Some(Value::Null));
        assert_eq!(Absent::Missing.value(None), None);
        assert_eq!(Absent::Missing.value(Some("x")), Some(json!("x")));
    }
}
