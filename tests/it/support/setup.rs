//! A scripted platform, a database, and the program set up for both.

use std::path::PathBuf;

use super::database::TestDatabase;
use super::fake_api::FakeApi;
use super::program::{Outcome, Program};
use super::reports::MonthFolder;

/// Everything that a test of a job needs.
pub(crate) struct Setup {
    pub(crate) api: FakeApi,
    pub(crate) database: TestDatabase,
    pub(crate) program: Program,
}

impl Setup {
    /// Asks for real-time usage alone, unpaced, at this time.
    pub(crate) async fn at(now: &str) -> Self {
        let (api, database) = (FakeApi::start().await, TestDatabase::new());
        let mut program = Program::new();
        program
            .set("DATABASE_URL", database.url())
            .set("AGORA_BASE_URL", api.base_url())
            .set("AGORA_CUSTOMER_ID", "fake-customer")
            .set("AGORA_CUSTOMER_SECRET", "fake-secret")
            .set("AGORA_USAGE_SERVICES", "rtc")
            .set("AGORA_USAGE_LISTEN_ADDRESS", "127.0.0.1:0")
            .set("AGORA_USAGE_NOW", now)
            .set("AGORA_USAGE_FIRST_RETRY_WAIT_MS", "1")
            .set("AGORA_USAGE_REQUESTS_PER_SECOND", "0")
            .set("AGORA_USAGE_STATISTICS_REQUESTS_PER_SECOND", "0");
        Self { api, database, program }
    }

    /// Moves the clock.
    pub(crate) fn now(&mut self, now: &str) {
        self.program.set("AGORA_USAGE_NOW", now);
    }

    /// Asks usage v1 instead of v3 from now on.
    pub(crate) fn use_v1(&mut self) {
        self.program.set("AGORA_USAGE_USAGE_API", "v1");
    }

    /// Runs a command.
    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        self.program.run(arguments)
    }

    /// Runs `backfill`.
    pub(crate) fn backfill(&self, from: &str, to: &str) -> Outcome {
        self.run(&["backfill", "--from", from, "--to", to])
    }

    /// Asks for final days again.
    pub(crate) fn backfill_again(&self, from: &str, to: &str) {
        self.run(&["backfill", "--from", from, "--to", to, "--again"]).exits(0);
    }

    /// Runs `report`.
    pub(crate) fn report(&self, month: &str) -> Outcome {
        self.run(&["report", "--month", month])
    }

    /// A month's report in the usual folder.
    pub(crate) fn month(&self, month: &str) -> MonthFolder {
        MonthFolder::at(self.reports().join("default").join(month))
    }

    /// The usual folder of reports.
    pub(crate) fn reports(&self) -> PathBuf {
        self.program.folder().join("reports")
    }

    /// Current real-time usage: `(project,day,source,audio seconds)` of every cell.
    pub(crate) async fn audio(&self) -> Vec<String> {
        self.database
            .rows(
                "select project_id, day, source, audio_seconds from agora.usage_daily \
                 order by project_id, day",
            )
            .await
    }
}

/// `setup.audio()` of one project's v3 days of a month: a day without a value is not known.
pub(crate) fn audio_rows(project: &str, month: &str, days: &[(u32, u64)]) -> Vec<String> {
    days.iter().map(|(day, seconds)| format!("({project},{month}-{day:02},v3,{seconds})")).collect()
}

/// Every day from `first` to `last`, as text.
pub(crate) fn days(first: &str, last: &str) -> Vec<String> {
    let day = |text: &str| text.parse::<chrono::NaiveDate>().expect("day");
    let last = day(last);
    day(first).iter_days().take_while(|day| *day <= last).map(|day| day.to_string()).collect()
}
