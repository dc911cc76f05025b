//! A closed month against the simulator, which tells a day anew.

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::database::TestDatabase;
use crate::support::program::Program;
use crate::support::reports::{MonthFolder, files_below};
use crate::support::simulated::Running;

const NOW: &str = "2031-05-20T12:00:00Z";

#[tokio::test(flavor = "multi_thread")]
async fn c02_a_restatement_after_the_close_is_told_and_leaves_the_files() {
    let (database, mut program) = (TestDatabase::new(), Program::new());
    program.set("AGORA_USAGE_NOW", NOW).set("DATABASE_URL", database.url());
    program.set("AGORA_USAGE_REQUESTS_PER_SECOND", "0").set("AGORA_USAGE_SERVICES", "rtc");
    let limits = ["--requests-per-second", "0"];
    let flags = [&["--projects", "3", "--days", "60"][..], &limits].concat();
    let simulator = Running::start(&program, &flags);
    simulator.set_up(&mut program);
    program.run(&["backfill", "--from", "2031-04-01", "--to", "2031-04-30"]).exits(0);
    program.run(&["bill", "close", "--month", "2031-04"]).exits(0).says(&["closed r1, complete"]);
    program.run(&["report", "--month", "2031-04"]).exits(0);
    let reports = program.folder().join("reports");
    let files = files_below(&reports);

    let most = "select project_id from agora.usage_daily order by audio_seconds desc limit 1";
    let id = database.value(most).await;
    let day = format!(
        "select day from agora.usage_daily where project_id = '{id}' \
         order by audio_seconds desc limit 1"
    );
    let body = json!({ "project": id, "day": database.value(&day).await, "percent": 400 });
    assert_eq!(simulator.call("POST", "/simulator/restatements", Some(&body)).0, 200);
    let again = ["backfill", "--from", "2031-04-01", "--to", "2031-04-30", "--again"];
    program.run(&again).exits(0);
    program.run(&["report", "--month", "2031-04"]).exits(0).says(&["changes since the close", &id]);
    assert_eq!(files_below(&reports), files);

    let before = MonthFolder::at(reports.join("default/2031-04")).total();
    let revised = program.run(&["bill", "close", "--month", "2031-04", "--revise"]).exits(0);
    revised.says(&["closed r2", &format!("project {id}")]);
    program.run(&["report", "--month", "2031-04"]).exits(0);
    let month = MonthFolder::at(reports.join("default/2031-04"));
    month.assert_adds_up();
    assert_ne!(month.total(), before);
    let r1 = MonthFolder::at(reports.join("default/2031-04/r1"));
    r1.assert_adds_up();
    assert_eq!(r1.total(), before);
    assert_eq!(month.manifest()["closed"]["revision"], Value::from(2));
    program.run(&["bill", "verify", "--month", "2031-04"]).exits(0).says(&["3 bills verified"]);
    simulator.stop(Signal::TERM);
}
