//! Accounts of a file: one that cannot work does not stop the others, and what would
//! count twice is refused.

use std::fs;

use crate::support::fake_api::AUDIO;
use crate::support::setup::Setup;

const NOW: &str = "2031-03-12T09:00:00Z";

/// Accounts that a CSV describes, and nobody else.
async fn accounts(csv: &str) -> Setup {
    let mut setup = Setup::at(NOW).await;
    setup.api.list(&["P1"]);
    setup.api.use_seconds("P1", "2031-03-10", &[(AUDIO, 60)]);
    fs::write(setup.program.folder().join("accounts.csv"), csv).expect("written");
    setup.program.set("AGORA_USAGE_ACCOUNTS_FILE", "accounts.csv");
    setup.program.unset("AGORA_CUSTOMER_ID").unset("AGORA_CUSTOMER_SECRET");
    setup
}

const EAST_HAS_NO_SECRET: &str = "name,customer_id,customer_secret_env,customer_secret_file\n\
    east,a,EAST_SECRET,\nnorth,b,,absent\nwest,c,WEST_SECRET,\n";

#[tokio::test(flavor = "multi_thread")]
async fn an_account_whose_secret_is_not_there_fails_alone_and_is_named() {
    let mut setup = accounts(EAST_HAS_NO_SECRET).await;
    setup.program.set("WEST_SECRET", "fake-secret");
    let said = [
        "the customer secret of account 'east' cannot be had",
        "customer_secret_env: the variable EAST_SECRET is not set (in accounts.csv)",
        "the customer secret of account 'north' cannot be had",
        "the secret file absent cannot be read",
    ];
    // What asks nobody needs no secret.
    setup.run(&["check"]).exits(0).says(&["ok: 3 accounts"]);
    setup.run(&["sync", "projects"]).exits(78).says(&said).says(&["account west: 1 project"]);
    setup.backfill("2031-03-10", "2031-03-10").exits(78).says(&said);
    let stored = "select account_id, project_id, audio_seconds from agora.usage_daily";
    assert_eq!(setup.database.rows(stored).await, ["(west,P1,60)"]);
    setup.run(&["sync", "projects", "--account", "west"]).exits(0);
    setup.run(&["sync", "projects", "--account", "east"]).exits(78).says(&said[..2]);
    // An empty variable is none, and with no account left nothing is opened.
    setup.program.set("WEST_SECRET", "").set("DATABASE_URL", "postgres://localhost:1/none");
    setup.run(&["sync", "projects"]).exits(78).says(&said[..2]);
    setup.run(&["daemon", "--once"]).exits(78).says(&said[..2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_daemon_works_on_the_other_accounts_and_tells_operators_of_the_one() {
    let mut setup = accounts(EAST_HAS_NO_SECRET).await;
    setup.program.set("WEST_SECRET", "fake-secret");
    let lake = setup.program.folder().join("lake").display().to_string();
    setup.program.set("AGORA_USAGE_LAKE_URL", lake);
    let said = ["an account is left out", "'east' cannot be had", "EAST_SECRET", "'north'"];
    setup.run(&["daemon", "--once"]).exits(0).says(&said);
    let done = "select account_id, job from agora.job_run where job in ('usage', 'lake') \
        and state = 'done' order by job";
    assert_eq!(setup.database.rows(done).await, ["(west,lake)", "(west,usage)"]);
    setup.now("2031-03-13T09:00:00Z");
    setup.run(&["daemon", "--once"]).exits(0);
    let overdue = "select account_id from agora.alert where kind = 'no_success' and \
        message like '%job usage%' order by account_id";
    assert_eq!(setup.database.rows(overdue).await, ["(east)", "(north)"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_count_twice_or_be_taken_for_something_else_is_refused() {
    let setup = accounts("").await;
    let head = "name,customer_id,customer_secret_env,base_url,services";
    let file = setup.program.folder().join("accounts.csv");
    for (rows, said) in [
        (
            "east,a,PATH,,\nwest,b,PATH,,\nnorth,a,PATH,,",
            "accounts 'east' and 'north' have the same customer_id at http://127.0.0.1:",
        ),
        (
            "east,a,PATH,\"https://x.example,https://y.example\",\nwest,a,PATH,https://y.example,",
            "accounts 'east' and 'west' have the same customer_id at https://y.example/",
        ),
        ("east,a,PATH,,fax", "account 'east' (in accounts.csv): services: 'fax' is not known"),
        ("east,a:b,PATH,,", "account 'east' (in accounts.csv): customer_id holds a colon"),
        ("east,a,PATH,,\neast,b,PATH,,", "account 'east' is described twice (in accounts.csv)"),
    ] {
        fs::write(&file, format!("{head}\n{rows}\n")).expect("written");
        setup.run(&["check"]).exits(78).says(&[said]);
    }
    fs::write(&file, "name,customer_id,name\neast,a,west\n").expect("written");
    let twice = "accounts_file accounts.csv: line 1: the column 'name' is there twice";
    setup.run(&["check"]).exits(78).says(&[twice]);
    // At other hosts the same id is another customer, and a host may be listed twice.
    let hosts = "east,a,PATH,\"https://x.example,https://x.example\",\n\
                 west,a,PATH,https://y.example,";
    fs::write(&file, format!("{head}\n{hosts}\n")).expect("written");
    setup.run(&["check"]).exits(0).says(&["ok: 2 accounts"]);
}
