//! A lake that cannot be reached, or is set up wrongly: what the daemon and the commands make of it.

use std::fs;

use crate::support::database::TestDatabase;
use crate::support::program::Program;
use crate::support::setup::Setup;

const STATES: &str = "select job, state from agora.job_run \
    where job in ('usage', 'lake') order by job";

#[tokio::test(flavor = "multi_thread")]
async fn a_lake_whose_folder_cannot_be_made_fails_its_job_and_nothing_else() {
    let mut setup = Setup::at("2031-03-12T09:00:00Z").await;
    setup.api.list(&["P1"]);
    // As a volume that is not mounted: nobody, not even root, can make a folder there.
    let volume = setup.program.folder().join("volume");
    fs::write(&volume, "").expect("written");
    let lake = volume.join("lake").display().to_string();
    setup.program.set("AGORA_USAGE_LAKE_URL", &lake);
    let outcome = setup.run(&["daemon", "--once"]).exits(0);
    outcome.says(&["the job 'lake' fails until it can be", &lake, "cannot be made or opened"]);
    assert_eq!(setup.database.rows(STATES).await, ["(lake,failed)", "(usage,done)"]);
    let message = "select message from agora.job_run where job = 'lake'";
    assert!(setup.database.value(message).await.contains(&lake));
    let refused = setup.run(&["lake", "export"]).exits(1);
    refused.says(&["cannot be made or opened", &lake, "is the volume mounted", "ReadWritePaths="]);
    // Once it is mounted the job does its work, without a restart or other settings.
    fs::remove_file(&volume).expect("removed");
    fs::create_dir(&volume).expect("made");
    setup.now("2031-03-13T09:00:00Z");
    setup.run(&["daemon", "--once"]).exits(0);
    let done = "select state from agora.job_run where job = 'lake' order by slot desc limit 1";
    assert_eq!(setup.database.value(done).await, "done");
}

#[test]
fn an_azure_address_as_spark_writes_it_is_taken_unless_a_password_is_in_it() {
    let (mut program, database) = (Program::new(), TestDatabase::new());
    program.set("DATABASE_URL", database.url());
    for scheme in ["abfss", "abfs"] {
        let url = format!("{scheme}://files@account.dfs.core.windows.net/lake");
        program.set("AGORA_USAGE_LAKE_URL", url);
        program.run(&["check"]).exits(0);
    }
    for user in ["abfss://files:hush@account.dfs.core.windows.net", "s3://hush@bucket"] {
        program.set("AGORA_USAGE_LAKE_URL", format!("{user}/lake"));
        let refused = program.run(&["check"]).exits(78);
        assert!(!format!("{refused:?}").contains("hush"), "{refused:?}");
        refused.says(&["lake_url cannot be used", "credentials belong in the environment"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_store_without_what_it_needs_is_refused_when_the_daemon_starts() {
    let mut setup = Setup::at("2031-03-12T09:00:00Z").await;
    setup.api.list(&["P1"]);
    setup.program.set("AGORA_USAGE_LAKE_URL", "az://container/lake");
    let refused = setup.run(&["daemon", "--once"]).exits(78);
    refused.says(&["the lake's address cannot be used", "credentials go into the environment"]);
}
