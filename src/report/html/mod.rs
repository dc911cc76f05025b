//! HTML: one self-contained page that answers a question in ten seconds.
//!
//! Owns the page: its template, its style, its few lines of script that sort
//! tables, and the [`policy`] that forbids it every request. Figures come from the
//! overview, shapes from `charts`; the template escapes all text. Nothing is
//! drawn from a float: shapes are whole parts of a thousand.

mod ahead;
mod charts;
mod invoice;
mod occupancy;
mod page;
mod policy;
mod projects;
mod range;
mod sections;
mod trend;

use std::fmt::Write;
use std::sync::LazyLock;

use minijinja::{AutoEscape, Environment, context};

use crate::domain::Media;

use super::format::{MonthContent, RangeContent, ReportFile, ReportFormat};
use super::{ReportError, ReportOptions, colours};

pub use policy::{served_policy, unscripted_policy};

/// Sorts tables; everything else works without it.
const SCRIPT: &str = include_str!("script.js");

const TEMPLATE: &str = include_str!("page.html");

const RANGE_TEMPLATE: &str = include_str!("range.html");

/// Style of the page, the colours of media included.
static STYLE: LazyLock<String> = LazyLock::new(|| {
    let mut style = include_str!("style.css").to_owned();
    for media in Media::ALL {
        let colour = colours::of(media);
        let (light, dark) = (colours::css(colour.light), colours::css(colour.dark));
        let name = media.name();
        let _ = writeln!(style, ".m-{name}{{fill:{light};background:{light}}}");
        let _ = writeln!(
            style,
            "@media screen and (prefers-color-scheme:dark){{.m-{name}{{fill:{dark};background:{dark}}}}}"
        );
    }
    style
});

/// The format `html`.
pub(super) struct Html;

impl ReportFormat for Html {
    fn name(&self) -> &'static str {
        "html"
    }

    fn first_file(&self) -> &'static str {
        "report.html"
    }

    fn month_files(
        &self,
        month: &MonthContent<'_>,
        _options: &ReportOptions,
    ) -> Result<Vec<ReportFile>, ReportError> {
        let overview = month.overview()?;
        let text = render(TEMPLATE, &page::page(&overview)?)?;
        let sums = [("cost", overview.total().to_string())].into();
        let path = "report.html".to_owned();
        let rows = overview.projects.len();
        Ok(vec![ReportFile { path, bytes: text.into_bytes(), rows, sums }])
    }

    fn range_files(
        &self,
        range: &RangeContent<'_>,
        _options: &ReportOptions,
    ) -> Result<Vec<ReportFile>, ReportError> {
        let text = render(RANGE_TEMPLATE, &range::page(range)?)?;
        let sums = [("cost", range::total_text(range))].into();
        let path = "report.html".to_owned();
        let rows = range.projects.len();
        Ok(vec![ReportFile { path, bytes: text.into_bytes(), rows, sums }])
    }

    fn needs_background(&self) -> bool {
        true
    }
}

/// A template with its page, style and script; all data are escaped.
fn render(template: &str, page: &impl serde::Serialize) -> Result<String, ReportError> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_template("page.html", template)?;
    Ok(environment.get_template("page.html")?.render(context! {
        page => minijinja::Value::from(minijinja::value::Serde(page)),
        policy => policy::of_page(&STYLE, SCRIPT),
        style => minijinja::Value::from_safe_string(STYLE.clone()),
        script => minijinja::Value::from_safe_string(SCRIPT.to_owned()),
    })?)
}

#[cfg(test)]
mod tests;
