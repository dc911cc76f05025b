//! The files of `queries/`, and what their headers say.

use super::parameters::ParameterKind;
#[cfg(test)]
use crate::store::analyst_queries::parameters_of;

/// Name and SQL of every question; a new one is a file and a line here.
pub(super) const QUESTIONS: &[(&str, &str)] = &[
    ("biggest_days", include_str!("../../../queries/biggest_days.sql")),
    ("bill_lines", include_str!("../../../queries/bill_lines.sql")),
    ("budget_status", include_str!("../../../queries/budget_status.sql")),
    (
        "cost_by_cost_centre_and_month",
        include_str!("../../../queries/cost_by_cost_centre_and_month.sql"),
    ),
    ("cost_by_month", include_str!("../../../queries/cost_by_month.sql")),
    ("cost_by_project_and_media", include_str!("../../../queries/cost_by_project_and_media.sql")),
    ("cost_by_project_and_month", include_str!("../../../queries/cost_by_project_and_month.sql")),
    ("free_minutes_by_project", include_str!("../../../queries/free_minutes_by_project.sql")),
    ("gaps", include_str!("../../../queries/gaps.sql")),
    ("ghost_channel_costs", include_str!("../../../queries/ghost_channel_costs.sql")),
    ("ghost_channels", include_str!("../../../queries/ghost_channels.sql")),
    ("hdp_overlap", include_str!("../../../queries/hdp_overlap.sql")),
    ("idle_projects", include_str!("../../../queries/idle_projects.sql")),
    ("late_corrections", include_str!("../../../queries/late_corrections.sql")),
    (
        "margin_by_project_and_month",
        include_str!("../../../queries/margin_by_project_and_month.sql"),
    ),
    ("missing_days_by_month", include_str!("../../../queries/missing_days_by_month.sql")),
    ("new_and_deleted_projects", include_str!("../../../queries/new_and_deleted_projects.sql")),
    ("occupancy_by_hour", include_str!("../../../queries/occupancy_by_hour.sql")),
    ("occupancy_heat_map", include_str!("../../../queries/occupancy_heat_map.sql")),
    (
        "peak_users_by_account_and_day",
        include_str!("../../../queries/peak_users_by_account_and_day.sql"),
    ),
    (
        "peak_users_by_project_and_day",
        include_str!("../../../queries/peak_users_by_project_and_day.sql"),
    ),
    ("plan_comparison", include_str!("../../../queries/plan_comparison.sql")),
    ("projects", include_str!("../../../queries/projects.sql")),
    ("requests_by_outcome", include_str!("../../../queries/requests_by_outcome.sql")),
    ("revision_history", include_str!("../../../queries/revision_history.sql")),
    ("top_movers", include_str!("../../../queries/top_movers.sql")),
    ("unit_cost_trend", include_str!("../../../queries/unit_cost_trend.sql")),
    ("usage_against_occupancy", include_str!("../../../queries/usage_against_occupancy.sql")),
    ("usage_by_project_and_month", include_str!("../../../queries/usage_by_project_and_month.sql")),
    ("values_by_day_of_request", include_str!("../../../queries/values_by_day_of_request.sql")),
    ("weekday_profile", include_str!("../../../queries/weekday_profile.sql")),
];

/// A question with its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Question {
    /// Name of the file, without its ending.
    pub(super) name: &'static str,
    /// What is asked, in words.
    pub(super) text: String,
    /// Parameters in the order of the header.
    pub(super) parameters: Vec<Parameter>,
    /// The statement, header included.
    pub(super) sql: &'static str,
}

/// A parameter of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parameter {
    /// As in `:'name'`.
    pub(super) name: String,
    /// What its values are.
    pub(super) kind: ParameterKind,
    /// Value when none is given; the SQL gives an empty text its meaning.
    pub(super) default: String,
}

impl Question {
    /// Reads the header: `-- Question: ...`, `-- Parameter name (kind) = default: meaning`.
    pub(super) fn parse(name: &'static str, sql: &'static str) -> Result<Self, String> {
        let header = |prefix: &'static str| sql.lines().filter_map(move |l| l.strip_prefix(prefix));
        let text = header("-- Question: ")
            .next()
            .ok_or_else(|| format!("queries/{name}.sql has no line '-- Question: ...'"))?;
        let parameters: Option<Vec<Parameter>> =
            header("-- Parameter ").map(Parameter::parse).collect();
        let parameters = parameters.ok_or_else(|| {
            format!(
                "queries/{name}.sql has a parameter line that is not \
                 'name (kind) = default: meaning'"
            )
        })?;
        Ok(Self { name, text: text.to_owned(), parameters, sql })
    }

    /// Names that the statement uses and the header does not explain, or the other way round.
    #[cfg(test)]
    fn undocumented(&self) -> Vec<String> {
        let mut used = parameters_of(self.sql);
        let mut told: Vec<String> = self.parameters.iter().map(|p| p.name.clone()).collect();
        used.sort();
        told.sort();
        if used == told { Vec::new() } else { [used, told].concat() }
    }
}

impl Parameter {
    fn parse(line: &str) -> Option<Self> {
        let (name, rest) = line.split_once('=')?;
        let (default, _meaning) = rest.split_once(':')?;
        let (name, kind) = name.trim().strip_suffix(')')?.split_once(" (")?;
        Some(Self {
            name: name.to_owned(),
            kind: ParameterKind::from_name(kind)?,
            default: default.trim().to_owned(),
        })
    }

    /// The line by which psql takes the default when the variable is not set.
    #[cfg(test)]
    fn psql_default(&self) -> String {
        let Self { name, default, .. } = self;
        format!("\\if :{{?{name}}} \\else \\set {name} '{default}' \\endif\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_listed_and_its_header_is_whole() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/queries");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .expect("folder")
            .map(|entry| entry.expect("entry"))
            // Below it are questions for other engines.
            .filter(|entry| entry.path().is_file())
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        files.sort();
        let listed: Vec<String> = QUESTIONS.iter().map(|(name, _)| format!("{name}.sql")).collect();
        assert_eq!(files, listed);
        for (name, sql) in QUESTIONS {
            let question = Question::parse(name, sql).expect("header");
            assert!(question.text.ends_with('?'), "{name}");
            assert_eq!(question.undocumented(), Vec::<String>::new(), "{name}");
            assert!(sql.contains("-- Columns:"), "{name}");
            let defaults: String =
                question.parameters.iter().map(Parameter::psql_default).collect();
            let psql: String = sql.split_inclusive('\n').filter(|l| l.starts_with('\\')).collect();
            assert_eq!(psql, defaults, "{name}");
            for parameter in &question.parameters {
                let default = &parameter.default;
                assert!(default.is_empty() || parameter.kind.check(default).is_ok(), "{name}");
            }
        }
    }
}
