//! The files of `queries/`, and what their headers say.

#[cfg(test)]
use crate::store::analyst_queries::parameters_of;

/// Name and SQL of every question; a new one is a file and a line here.
pub(super) const QUESTIONS: &[(&str, &str)] = &[
    (
        "cost_by_cost_centre_and_month",
        include_str!("../../../queries/cost_by_cost_centre_and_month.sql"),
    ),
    ("cost_by_project_and_month", include_str!("../../../queries/cost_by_project_and_month.sql")),
    ("gaps", include_str!("../../../queries/gaps.sql")),
    ("ghost_channels", include_str!("../../../queries/ghost_channels.sql")),
    ("occupancy_by_hour", include_str!("../../../queries/occupancy_by_hour.sql")),
    (
        "peak_users_by_project_and_day",
        include_str!("../../../queries/peak_users_by_project_and_day.sql"),
    ),
    ("projects", include_str!("../../../queries/projects.sql")),
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
    /// Value when none is given; the SQL gives an empty text its meaning.
    pub(super) default: String,
}

impl Question {
    /// Reads the header: `-- Question: ...`, `-- Parameter name = default: meaning`.
    pub(super) fn parse(name: &'static str, sql: &'static str) -> Result<Self, String> {
        let header = |prefix: &'static str| sql.lines().filter_map(move |l| l.strip_prefix(prefix));
        let text = header("-- Question: ")
            .next()
            .ok_or_else(|| format!("queries/{name}.sql has no line '-- Question: ...'"))?;
        let parameters: Option<Vec<Parameter>> = header("-- Parameter ")
            .map(|line| {
                let (name, rest) = line.split_once('=')?;
                let (default, _meaning) = rest.split_once(':')?;
                let (name, default) = (name.trim().to_owned(), default.trim().to_owned());
                Some(Parameter { name, default })
            })
            .collect();
        let parameters = parameters.ok_or_else(|| {
            format!("queries/{name}.sql has a parameter line that is not 'name = default: meaning'")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_listed_and_its_header_is_whole() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/queries");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .expect("folder")
            .map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned())
            .collect();
        files.sort();
        let listed: Vec<String> = QUESTIONS.iter().map(|(name, _)| format!("{name}.sql")).collect();
        assert_eq!(files, listed);
        for (name, sql) in QUESTIONS {
            let question = Question::parse(name, sql).expect("header");
            assert!(question.text.ends_with('?'), "{name}");
            assert_eq!(question.undocumented(), Vec::<String>::new(), "{name}");
            assert!(sql.contains("-- Columns:"), "{name}");
        }
    }
}
