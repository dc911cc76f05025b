//! What the demo tells at its end: figures, where everything is, how to go on.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use super::super::print::{plain_table, trimmed};
use super::super::report::amount;
use super::super::summary::counted;
use super::Stage;
use crate::collect::occupancy::OccupancyRun;
use crate::collect::usage::UsageRun;
use crate::domain::{DateRange, Money};
use crate::month_report::Written;

use comfy_table::CellAlignment;

/// Projects that are listed by name; the rest is summed.
const LISTED_PROJECTS: usize = 5;

/// Everything that happened.
pub(super) struct Story {
    pub(super) range: DateRange,
    pub(super) usage: UsageRun,
    pub(super) occupancy: OccupancyRun,
    pub(super) last_full: Written,
    pub(super) to_date: Written,
    pub(super) out: PathBuf,
    pub(super) data_folder: PathBuf,
}

impl Story {
    /// Whether a report lacks days or prices, or a request failed.
    pub(super) fn has_gaps(&self) -> bool {
        let failed = !self.usage.failed.is_empty() || !self.occupancy.failed.is_empty();
        failed || self.last_full.has_gaps || self.to_date.has_gaps
    }

    /// The summary.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        let channels: usize = self.occupancy.snapshots.iter().map(|s| s.channels.len()).sum();
        let _ = writeln!(
            text,
            "\nFetched {} of usage ({}) with {} over HTTP; {} live in {}.",
            counted(self.usage.new_rows, "row"),
            self.range,
            counted(self.usage.answered, "request"),
            counted(channels as u64, "channel"),
            counted(self.occupancy.snapshots.len() as u64, "project"),
        );
        let _ = writeln!(text, "\nBills of account demo, plan {}:", self.last_full.bill.book_name);
        text.push_str(&bills(&[&self.last_full, &self.to_date]));
        let _ = writeln!(text, "\nWhere the money of {} went:", self.last_full.bill.month);
        text.push_str(&top_projects(&self.last_full));
        text.push_str(&self.places());
        text
    }

    fn places(&self) -> String {
        let folder = |written: &Written| written.published.folder.display().to_string();
        let data_folder = shell_quoted(&self.data_folder);
        let program = program();
        format!(
            "\nReports:\n  {}\n  {}\n  open report.html or report.xlsx there; the same figures are in .csv, .parquet, .json and\n  \
             FOCUS files, with a file a project in projects/ and sums in manifest.json\n\
             \nTo go on:\n  \
             AGORA_USAGE_DATA_FOLDER={data_folder} {program} query cost_by_project_and_month\n  \
             AGORA_USAGE_DATA_FOLDER={data_folder} {program} query gaps --output table\n  \
             {program} demo --keep-serving   (simulator and database stay up, for psql and curl)\n  \
             {program} simulator             (the API alone, for your own code)\n\
             \nWith a real account (Console > RESTful API):\n  \
             export AGORA_CUSTOMER_ID=... AGORA_CUSTOMER_SECRET=...\n  \
             {program} backfill --from {} --to {}\n  \
             {program} report --month {} --out {}\n",
            folder(&self.last_full),
            folder(&self.to_date),
            self.range.first(),
            self.range.last(),
            self.last_full.bill.month,
            shell_quoted(&self.out),
        )
    }
}

fn bills(months: &[&Written]) -> String {
    let mut table = plain_table();
    table.set_header(["month", "status", "total", "projects", "files"]);
    for written in months {
        table.add_row([
            written.bill.month.to_string(),
            written.status.name().replace('_', " "),
            amount(&written.bill.total),
            written.projects.len().to_string(),
            written.published.files.to_string(),
        ]);
    }
    right_align(&mut table, &[2, 3, 4]);
    format!("{}\n", trimmed(&table))
}

/// The dearest projects, the rest as one, and the total.
fn top_projects(written: &Written) -> String {
    let bill = &written.bill;
    let mut projects: Vec<_> = bill.projects.iter().collect();
    projects.sort_by(|a, b| {
        b.cost_minor_units.cmp(&a.cost_minor_units).then(a.project_id.cmp(&b.project_id))
    });
    let money = |minor_units| amount(&Money { minor_units, currency: bill.currency });
    let mut table = plain_table();
    table.set_header(["project", "name", "cost"]);
    // A rest of one project is listed like the others.
    let listed =
        if projects.len() == LISTED_PROJECTS + 1 { projects.len() } else { LISTED_PROJECTS };
    for project in projects.iter().take(listed) {
        let known = written.projects.iter().find(|known| known.project_id == project.project_id);
        let name = known.map_or("", |known| known.name.as_str());
        table.add_row([project.project_id.as_str(), name, &money(project.cost_minor_units)]);
    }
    let rest: i128 = projects.iter().skip(listed).map(|p| p.cost_minor_units).sum();
    let others = projects.len().saturating_sub(listed);
    if others > 0 {
        table.add_row([&format!("{others} others"), "", money(rest).as_str()]);
    }
    table.add_row(["total", "", amount(&bill.total).as_str()]);
    right_align(&mut table, &[2]);
    format!("{}\n", trimmed(&table))
}

fn right_align(table: &mut comfy_table::Table, columns: &[usize]) {
    for at in columns {
        if let Some(column) = table.column_mut(*at) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

/// How to reach what stays up.
pub(super) fn serving(stage: &Stage) -> String {
    let mut text = String::from("\nServing until Ctrl-C:\n");
    let simulator = &stage.simulator;
    let _ = writeln!(
        text,
        "  curl -u {}:{} -H 'Content-Type: application/json' {}/dev/v1/projects/",
        simulator.customer_id(),
        simulator.customer_secret(),
        simulator.base_url()
    );
    if let Some(cluster) = stage.store.cluster() {
        let socket = shell_quoted(cluster.socket_folder());
        let _ = writeln!(
            text,
            "  psql -h {socket} -U postgres agora_usage -c 'select * from agora.project_cost_monthly'"
        );
    }
    text
}

/// The program as it was called, so that the lines can be copied.
fn program() -> String {
    let called = std::env::args_os().next().unwrap_or_else(|| "agora-usage".into());
    shell_quoted(Path::new(&called))
}

/// A path as one word of a shell.
fn shell_quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}
