//! `demo`, and the whole flow with the program's own PostgreSQL.

use std::fs;

use crate::support::fake_api::AUDIO;
use crate::support::program::Program;
use crate::support::reports::MonthFolder;
use crate::support::server::Share;
use crate::support::setup::Setup;

/// No server is left behind: PostgreSQL removes this file when it stops.
fn assert_stopped(program: &Program, data_folder: &str) {
    let cluster = program.folder().join(data_folder).join("postgres");
    assert!(cluster.join("PG_VERSION").exists());
    assert!(!cluster.join("postmaster.pid").exists());
}

#[test]
fn the_demo_runs_twice_and_leaves_settings_aside() {
    // Not used here: a long test would leave the server of the others without a user.
    let _share = Share::take();
    let mut program = Program::new();
    program
        .set("AGORA_USAGE_NOW", "2031-05-08T18:00:00Z")
        .set("DATABASE_URL", "postgres://127.0.0.1:1/nowhere")
        .set("AGORA_BASE_URL", "http://127.0.0.1:1")
        .set("AGORA_CUSTOMER_ID", "somebody")
        .set("AGORA_USAGE_WORKERS", "many")
        .set("AGORA_USAGE_PLAN", "flat");
    fs::write(program.folder().join("agora-usage.toml"), "nonsense").expect("written");
    // Fewer projects than usual: the pace below the simulator's limit is what takes time.
    let demo = ["demo", "--projects", "2", "--out", "out", "--data-folder", "data"];
    let mut totals = Vec::new();
    for _ in 0..2 {
        let outcome = program.run(&demo).exits(0).says(&[
            "of usage (2030-06-01..2031-05-07) with 72 requests over HTTP",
            "2031-04  complete",
            "2031-05  in progress",
            "out/demo/2031-04",
            &format!(
                "AGORA_USAGE_DATA_FOLDER=data {} query cost_by_project_and_month",
                env!("CARGO_BIN_EXE_agora-usage")
            ),
        ]);
        for month in ["2031-04", "2031-05"] {
            let folder = MonthFolder::at(program.folder().join("out/demo").join(month));
            for file in ["summary.csv", "summary.parquet", "bill.csv", "bill.parquet"] {
                assert!(folder.path(file).is_file(), "{file}");
            }
            folder.assert_adds_up();
            assert_eq!(folder.costs().len(), 2);
            totals.push((month, folder.total()));
        }
        let said = outcome.stdout.replace(',', "");
        assert!(said.contains(&format!("USD {}", totals[0].1)), "{said}");
        assert_stopped(&program, "data");
    }
    assert_eq!(totals[..2], totals[2..]);

    // What it says to do next works.
    for name in ["DATABASE_URL", "AGORA_USAGE_WORKERS", "AGORA_USAGE_PLAN"] {
        program.unset(name);
    }
    fs::write(program.folder().join("agora-usage.toml"), "").expect("written");
    program.set("AGORA_USAGE_DATA_FOLDER", "data");
    let costs = program.run(&["query", "cost_by_project_and_month"]).exits(0).stdout;
    assert_eq!(costs.lines().count(), 1 + 2 * 2, "{costs}");
}

#[test]
fn a_demo_whose_folder_cannot_be_written_does_not_begin() {
    let program = Program::new();
    fs::write(program.folder().join("out"), "mine").expect("written");
    let demo = ["demo", "--out", "out", "--data-folder", "data"];
    program.run(&demo).exits(1).says(&["error: 'out' is not a folder"]);
    assert!(!program.folder().join("data").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_flow_works_without_a_database_address() {
    let mut setup = Setup::at("2031-04-20T12:00:00Z").await;
    setup.program.unset("DATABASE_URL").set("AGORA_USAGE_DATA_FOLDER", "data");
    setup.api.list(&["P1"]);
    setup.api.use_seconds("P1", "2031-03-01", &[(AUDIO, 660_000)]);
    setup.backfill("2031-03-01", "2031-03-31").exits(0);
    assert_stopped(&setup.program, "data");
    setup.report("2031-03").exits(0).says(&["USD 0.99, complete"]);
    setup.month("2031-03").assert_adds_up();
    let rows = setup.run(&["query", "cost_by_project_and_month"]).exits(0).stdout;
    assert!(rows.contains("default,2031-03,P1,Project P1,0.99,USD,100.0,complete"), "{rows}");
    assert_stopped(&setup.program, "data");
}
