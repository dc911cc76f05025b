//! The pages in a browser, on a screen and on a phone: what is in view, what sorts,
//! and that nothing is asked for or refused.

use std::path::Path;
use std::process::Command;

use crate::support::daemon::Daemon;
use crate::support::fake_api::{AUDIO, HD, project};
use crate::support::setup::Setup;

/// Whether there is a browser; where one is required, there must be.
fn has_browser() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let found = std::env::split_paths(&path)
        .any(|folder| names.iter().any(|name| folder.join(name).is_file()));
    let is_required = std::env::var("AGORA_TEST_BROWSER").is_ok_and(|value| value == "required");
    assert!(found || !is_required, "AGORA_TEST_BROWSER is set, and there is no browser");
    found
}

/// Runs `scripts/check-page`, which opens pages and tells what is wrong with them.
fn check_pages(arguments: &[&str], pages: usize) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/check-page");
    let outcome = Command::new(script).args(arguments).output().expect("started");
    let said = String::from_utf8_lossy(&outcome.stdout).into_owned();
    let problems = String::from_utf8_lossy(&outcome.stderr);
    assert_eq!(said.trim_end(), format!("{pages} pages, 0 problems"), "{problems}");
}

/// Two months of projects with long ids and names, credits, and money of no project.
async fn account() -> Setup {
    let setup = Setup::at("2031-04-20T12:00:00Z").await;
    let names = [
        ("b8f5d1a2c3e44f6f9a0b1c2d3e4f5a6b", "Classroom with a long name of many words"),
        ("0a1b2c3d4e5f60718293a4b5c6d7e8f9", "aTalkThatHasAVeryLongNameWithoutAnySpaceInIt"),
        ("P10", "zoo 10"),
        ("P2", "zoo 2"),
        ("idle", ""),
    ];
    setup.api.list_bodies(names.iter().map(|(id, name)| project(id, name)).collect());
    for (day, factor) in (1..=28).zip([7, 11, 13, 17, 1, 2, 3].into_iter().cycle()) {
        for month in ["2031-02", "2031-03"] {
            let day = format!("{month}-{day:02}");
            for (weight, (id, _)) in (1..).zip(&names[..4]) {
                let seconds =
                    [(AUDIO, weight * factor * 7_777_777), (HD, weight * factor * 61_616)];
                setup.api.use_seconds(id, &day, &seconds);
            }
        }
    }
    setup.backfill("2031-02-01", "2031-03-31").exits(0);
    let adjust = ["bill", "adjust", "--month", "2031-03", "--amount", "-12345.67"];
    let project = [&adjust[..], &["--project", "P2", "--reason", "-x"]].concat();
    setup.run(&project).exits(0);
    setup
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_show_every_cost_on_a_phone_and_sort_as_people_expect() {
    if !has_browser() {
        return;
    }
    let setup = account().await;
    setup.run(&["report", "--month", "2031-02..2031-03", "--format", "csv,html"]).exits(0);
    check_pages(&[setup.reports().to_str().expect("UTF-8")], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_daemon_serves_is_read_and_sorted_under_its_policy() {
    if !has_browser() {
        return;
    }
    let setup = account().await;
    setup.run(&["bill", "close", "--month", "2031-02"]).exits(0);
    setup.run(&["report", "--month", "2031-02..2031-03", "--format", "all"]).exits(0);
    // What is due runs before, so that no page changes while it is looked at.
    setup.run(&["daemon", "--once"]).exits(0);
    let daemon = Daemon::start(&setup.program);
    let (_, index) = daemon.get("/reports/");
    assert!(index.contains(">closed r1, complete</td>"), "{index}");
    let pages = index.matches("report%2Ehtml\">report.html<").count();
    assert!(pages >= 2, "{index}");
    check_pages(&["--served", &format!("http://{}", daemon.address)], pages);
    daemon.stop();
}
