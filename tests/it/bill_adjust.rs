//! `bill adjust` and `tag`: credits and charges, cost centres, and that every
//! level still adds up.

use crate::support::fake_api::FULL_HD;
use crate::support::filled_lake::{files_of, seen};
use crate::support::reports::units;
use crate::support::setup::Setup;

const FINAL: &str = "2031-04-20T12:00:00Z";

/// Three projects that cost 89.90 together, and one without usage.
async fn march() -> Setup {
    let setup = Setup::at(FINAL).await;
    setup.api.list(&["P1", "P2", "P3", "idle"]);
    for id in ["P1", "P2", "P3"] {
        setup.api.use_seconds(id, "2031-03-01", &[(FULL_HD, 400_000)]);
    }
    setup.backfill("2031-03-01", "2031-03-31").exits(0);
    setup
}

fn adjust(setup: &Setup, amount: &str, flags: &[&str]) -> crate::support::program::Outcome {
    let arguments = ["bill", "adjust", "--month", "2031-03", "--amount", amount];
    setup.run(&[&arguments[..], &["--reason", "a reason"], flags].concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn adjustments_reach_every_level_and_every_level_adds_up() {
    let setup = march().await;
    setup.run(&["tag", "set", "P1", "cost_centre=ops"]).exits(0);
    setup.run(&["tag", "set", "P2", "cost_centre=ops", "team=live"]).exits(0);
    adjust(&setup, "-0.10", &[]).exits(0);
    adjust(&setup, "5", &["--project", "idle"]).exits(0);
    adjust(&setup, "-1.01", &["--cost-centre", "ops"]).exits(0);
    setup.report("2031-03").exits(0);
    let month = setup.month("2031-03");
    month.assert_adds_up();
    assert_eq!(month.total(), "93.79");
    // -0.04 and -0.51, -0.03 and -0.50, -0.03, 5.00
    assert_eq!(month.costs(), ["P1 29.42", "P2 29.44", "P3 29.93", "idle 5.00"]);
    let manifest = month.manifest();
    assert_eq!(
        (&manifest["rated_total"], &manifest["adjustments"][2]["cost_centre"]),
        (&"89.90".into(), &"ops".into())
    );
    let last = month.rows("projects/idle.csv");
    assert_eq!((last[0]["day"].as_str(), last[0]["service"].as_str()), ("", "adjustment"));

    let sums = "select b.total, b.adjustment_total, b.amount_due, \
                (select sum(cost) from agora.bill_adjustment), \
                (select sum(cost) from agora.project_cost_monthly), \
                (select sum(cost) from agora.cost_centre_cost_monthly) from agora.bill as b";
    let expected = "(89.900000,3.890000,93.790000,3.890000,93.79,93.79)";
    assert_eq!(setup.database.rows(sums).await, [expected]);
    let centres =
        setup.run(&["query", "cost_by_cost_centre_and_month", "--output", "csv"]).exits(0);
    insta::assert_snapshot!("cost_centres", centres.stdout);
    setup.run(&["bill", "verify"]).exits(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_adjustment_of_a_month_without_usage_belongs_to_no_project() {
    let setup = Setup::at(FINAL).await;
    setup.api.list(&["P1"]);
    setup.backfill("2031-03-01", "2031-03-31").exits(0);
    adjust(&setup, "-12.50", &[]).exits(0);
    setup.report("2031-03").exits(0);
    let month = setup.month("2031-03");
    month.assert_adds_up();
    assert_eq!(
        (month.total().as_str(), month.costs()),
        ("-12.50", vec!["P1 0.00".to_owned(), " -12.50".to_owned()])
    );
    let centres = "select cost_centre, cost from agora.cost_centre_cost_monthly";
    assert_eq!(setup.database.rows(centres).await, ["(\"(unallocated)\",-12.50)"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_adjustment_is_taken_back_once_and_closed_bills_keep_it() {
    let setup = march().await;
    adjust(&setup, "-12.50", &[]).exits(0).says(&["adjustment 1 of USD -12.50 recorded"]);
    setup.run(&["bill", "close", "--month", "2031-03"]).exits(0).says(&["USD 77.40, closed r1"]);
    let void = |id: &str| setup.run(&["bill", "adjust", "--void", id, "--reason", "in error"]);
    void("1").exits(0).says(&["taken back by 2", "closed as r1"]);
    void("1").exits(1).says(&["void already"]);
    void("2").exits(1).says(&["takes back another"]);
    void("9").exits(1).says(&["no adjustment 9"]);
    setup.report("2031-03").exits(0).says(&["USD 77.40, closed r1", "USD 77.40 -> USD 89.90"]);
    let revise = ["bill", "close", "--month", "2031-03", "--revise"];
    setup.run(&revise).exits(0).says(&["closed r2", "adjustment 1"]);
    let due = "select revision, amount_due from agora.bill order by 1";
    let expected = ["(0,89.900000)", "(1,77.400000)", "(2,89.900000)"];
    assert_eq!(setup.database.rows(due).await, expected);
    assert_eq!(setup.database.value("select sum(amount) from agora.adjustment").await, "0.000000");
    setup.run(&["bill", "verify"]).exits(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_an_adjustment_is_refused_before_anything_is_stored() {
    let setup = march().await;
    for (amount, said) in
        [("1.234", "at most 2 decimals"), ("ten", "'ten'"), ("0", "changes nothing")]
    {
        adjust(&setup, amount, &[]).exits(2).says(&[said]);
    }
    adjust(&setup, "1", &["--project", "nobody"]).exits(1).says(&["nobody is not known"]);
    adjust(&setup, "1", &["--cost-centre", "none"]).exits(1).says(&["no project has"]);
    adjust(&setup, "1", &["--project", "P1", "--cost-centre", "ops"]).exits(2);
    setup.run(&["bill", "adjust", "--month", "2031-03", "--amount", "1"]).exits(2);
    let later = ["bill", "adjust", "--month", "2031-05", "--amount", "1", "--reason", "x"];
    setup.run(&later).exits(2).says(&["not begun"]);
    assert_eq!(setup.database.value("select count(*) from agora.adjustment").await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reason_and_a_name_may_begin_with_a_hyphen() {
    let setup = march().await;
    let adjust = ["bill", "adjust", "--month", "2031-03", "--amount", "-1.00", "--reason", "-x"];
    setup.run(&adjust).exits(0);
    setup.run(&[&adjust[..], &["--cost-centre", "-none"]].concat()).exits(1).says(&["'-none'"]);
    let stored = "select amount, reason from agora.adjustment";
    assert_eq!(setup.database.rows(stored).await, ["(-1.000000,-x)"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_count_from_their_month_on_and_keep_their_history() {
    let setup = march().await;
    let list = || setup.run(&["tag", "list", "--output", "csv"]).exits(0).stdout;
    let file = setup.program.folder().join("tags.csv");
    std::fs::write(&file, "project_id,cost_centre,team\nP1,ops,live\nP2,\"research, new\",\n")
        .expect("written");
    let import = ["tag", "import", "tags.csv"];
    setup.run(&import).exits(0).says(&["3 tags recorded, 0 as before"]);
    setup.run(&import).exits(0).says(&["0 tags recorded, 3 as before"]);
    setup.run(&["tag", "set", "P1", "cost_centre=sales", "--from", "2031-03"]).exits(0);
    setup.run(&["tag", "clear", "P2", "cost_centre"]).exits(0);
    insta::assert_snapshot!("tags", list());
    setup.run(&["tag", "set", "P1", "cost_centre=support", "--from", "2031-03"]).exits(0);
    let history = "select tag_value, valid_from, superseded_at is null from agora.project_tag \
                   where project_id = 'P1' and tag_key = 'cost_centre' order by tag_id";
    let expected = ["(ops,0001-01-01,t)", "(sales,2031-03-01,f)", "(support,2031-03-01,t)"];
    assert_eq!(setup.database.rows(history).await, expected);

    setup.report("2031-03").exits(0);
    let centres = "select cost_centre, cost from agora.cost_centre_cost_monthly order by 1";
    let expected = ["(\"(untagged)\",29.96)", "(\"research, new\",29.97)", "(support,29.97)"];
    assert_eq!(setup.database.rows(centres).await, expected);
    let sum = "select sum(cost) from agora.cost_centre_cost_monthly";
    assert_eq!(units(&setup.database.value(sum).await), units("89.90"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_in_a_file_of_tags_is_named_with_its_line_and_changes_nothing() {
    let setup = march().await;
    let file = setup.program.folder().join("tags.csv");
    for (text, said) in [
        ("project_id,cost_centre\nP1,ops\nnobody,ops\n", "tags.csv, line 3: project nobody"),
        ("project_id,cost_centre\nP1,ops\nP1,sales\n", "tags.csv, line 3: project P1 stands"),
        ("project_id,Cost Centre\nP1,ops\n", "tags.csv, line 1: 'Cost Centre'"),
        ("id,cost_centre\nP1,ops\n", "tags.csv, line 1: the first line"),
        ("project_id,cost_centre\nP1,ops,more\n", "tags.csv"),
        ("project_id,cost_centre\nP1,(untagged)\n", "tags.csv, line 2"),
    ] {
        std::fs::write(&file, text).expect("written");
        let outcome = setup.run(&["tag", "import", "tags.csv"]).says(&[said]);
        assert!(matches!(outcome.exit_code, Some(1 | 2)), "{outcome:?}");
    }
    setup.run(&["tag", "set", "P1", "cost_centre"]).exits(2).says(&["write it as"]);
    setup.run(&["tag", "set", "P1", "Team=x"]).exits(2).says(&["no key"]);
    setup.run(&["tag", "set", "P1", "team="]).exits(2).says(&["empty"]);
    assert_eq!(setup.database.value("select count(*) from agora.project_tag").await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lake_adds_up_to_what_is_due_in_months_with_adjustments_too() {
    let setup = march().await;
    adjust(&setup, "-0.10", &[]).exits(0);
    adjust(&setup, "5", &["--project", "idle"]).exits(0);
    setup.report("2031-03").exits(0);
    let only = ["bill", "adjust", "--month", "2031-02", "--amount", "-99", "--reason", "a reason"];
    setup.run(&only).exits(0);
    setup.report("2031-02").exits(3);
    let lake = setup.program.folder().join("lake");
    let url = lake.display().to_string();
    let costs = || {
        setup.run(&["lake", "export", "--to-url", &url]).exits(0);
        setup.run(&["lake", "verify", "--url", &url]).exits(0);
        let published = seen(&files_of(&lake)).into_iter();
        let costs = published.filter(|(folder, _)| folder.starts_with("cost_daily/"));
        costs.map(|(_, manifest)| manifest["sums"]["cost"].to_string()).collect::<Vec<_>>()
    };
    assert_eq!(costs(), ["\"-99.000000000000\"", "\"94.800000000000\""]);
    let due = "select sum(amount_due) from agora.bill_in_force group by month order by month";
    assert_eq!(setup.database.rows(due).await, ["(-99.000000)", "(94.800000)"]);
    // A further one changes the lake too.
    adjust(&setup, "-4.80", &[]).exits(0);
    setup.report("2031-03").exits(0);
    assert_eq!(costs(), ["\"-99.000000000000\"", "\"90.000000000000\""]);
}

/// A line that nobody can read changes neither what was done nor what is said of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_under_stderr_changes_no_exit_code_and_no_row() {
    let setup = march().await;
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").expect("opened");
    let run = |arguments: &[&str]| {
        let mut command = setup.program.command(arguments);
        command.stdout(std::process::Stdio::null()).stderr(full());
        command.status().expect("ran").code()
    };
    let credit = ["bill", "adjust", "--month", "2031-03", "--amount", "-1", "--reason", "a reason"];
    let close = ["bill", "close", "--month", "2031-03"];
    for (arguments, exit_code) in [
        (&credit[..], 0),
        (&["report", "--month", "2031-03"], 0),
        (&close, 0),
        (&close, 1),
        (&["bill", "show", "--month", "2031-13"], 2),
        (&["coverage", "--from", "2031-02-01", "--to", "2031-02-02"], 3),
        (&["lake", "verify", "--url", "nowhere"], 1),
        (&["report", "--month", "2031-03", "--config", "nowhere.toml"], 78),
    ] {
        assert_eq!(run(arguments), Some(exit_code), "{arguments:?}");
    }
    assert_eq!(setup.database.value("select count(*) from agora.adjustment").await, "1");
}
