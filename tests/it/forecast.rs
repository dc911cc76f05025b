//! `forecast` and `budget`: where the month is going, and what may be spent.

use crate::support::fake_api::AUDIO;
use crate::support::setup::Setup;

/// Ten weeks of 1,000 minutes a day, up to 2031-05-10.
async fn ten_weeks() -> Setup {
    let setup = Setup::at("2031-05-11T09:00:00Z").await;
    setup.api.list(&["P1", "P2"]);
    for day in crate::support::setup::days("2031-03-02", "2031-05-10") {
        setup.api.use_seconds("P1", &day, &[(AUDIO, 45_000)]);
        setup.api.use_seconds("P2", &day, &[(AUDIO, 15_000)]);
    }
    setup.backfill("2031-03-02", "2031-05-10").exits(0);
    setup
}

#[tokio::test(flavor = "multi_thread")]
async fn the_month_is_foretold_with_its_free_minutes_and_its_budgets() {
    let setup = ten_weeks().await;
    setup.run(&["budget", "set", "20.00"]).exits(0).says(&["account default: USD 20.00 a month"]);
    setup.run(&["budget", "set", "3", "--project", "P2", "--thresholds", "90,10"]).exits(0);
    setup.run(&["budget", "set", "15.00", "--project", "P1"]).exits(0);
    setup.run(&["budget", "set", "16.00", "--project", "P1"]).exits(0);
    let listed = setup.run(&["budget", "list", "--output", "csv"]).exits(0).stdout;
    insta::assert_snapshot!("budgets", listed);
    let text = setup.run(&["forecast", "--output", "table"]).exits(0).stdout;
    insta::assert_snapshot!("forecast_text", text);
    let csv = setup.run(&["forecast"]).exits(0).stdout;
    insta::assert_snapshot!("forecast_csv", csv);

    // What was printed is what analysts see.
    let sum = "select sum(p.expected) = f.expected from agora.project_forecast as p \
               join agora.forecast_newest as f using (account_id, month, last_day) group by f.expected";
    assert_eq!(setup.database.value(sum).await, "t");
    let status = "select scope, name, spent_percent, expected_percent, used_up_on \
                  from agora.budget_status order by scope, name";
    let status = setup.database.rows(status).await;
    assert_eq!(status[0], "(account,\"\",0.0,104.0,2031-05-31)");

    setup.run(&["budget", "remove", "--project", "P1"]).exits(0).says(&["removed"]);
    setup
        .run(&["budget", "remove", "--project", "P1"])
        .exits(1)
        .says(&["has no budget of project P1"]);
    let kept = "select count(*), count(removed_at) from agora.budget where name = 'P1'";
    assert_eq!(setup.database.value(kept).await, "2,2", "what was in force stays readable");
}

#[tokio::test(flavor = "multi_thread")]
async fn under_three_weeks_and_with_holes_it_says_so() {
    let mut setup = Setup::at("2031-05-11T09:00:00Z").await;
    setup.run(&["forecast"]).exits(1).says(&["nothing is stored for account 'default'"]);
    setup.api.list(&["P1"]);
    for day in crate::support::setup::days("2031-05-01", "2031-05-10") {
        setup.api.use_seconds("P1", &day, &[(AUDIO, 60_000)]);
    }
    setup.backfill("2031-05-01", "2031-05-10").exits(0);
    let early = setup.run(&["forecast", "--output", "table"]).exits(3);
    early.says(&[
        "USD 0.00 up to 2031-05-10",
        "not enough data",
        "10 days are known, 21 are needed",
    ]);
    setup
        .run(&["forecast", "--backtest", "--output", "table"])
        .exits(3)
        .says(&["no month is stored"]);

    setup.now("2031-05-14T09:00:00Z");
    setup.api.answer_when(crate::support::fake_api::Asked::is_v3, 500, "{}");
    setup.run(&["sync", "usage"]).exits(3);
    setup.run(&["forecast", "--output", "table"]).exits(3).says(&["up to 2031-05-10"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn forecasts_of_past_months_are_held_against_what_came() {
    let setup = ten_weeks().await;
    let text = setup.run(&["forecast", "--backtest", "--output", "table"]).exits(0).stdout;
    insta::assert_snapshot!("backtest_text", text);
    let csv = setup.run(&["forecast", "--backtest"]).exits(0).stdout;
    insta::assert_snapshot!("backtest_csv", csv);
}

#[test]
fn budgets_that_cannot_be_are_refused_with_the_way_out() {
    let mut program = crate::support::program::Program::new();
    for (arguments, said) in [
        (&["budget", "set", "-5"][..], "'-5' is not an amount of USD"),
        (&["budget", "set", "12.345"], "'12.345' is not an amount of USD"),
        (&["budget", "set", "0"], "'0' is not an amount of USD"),
        (&["budget", "set", "5", "--thresholds", "0,50"], "0 is not from 1 to 1000 per cent"),
        (&["budget", "set", "5", "--project", "P1", "--cost-centre", "x"], "cannot be used with"),
        (&["budget", "set", "5", "--cost-centre", ""], "--cost-centre is empty"),
    ] {
        program.run(arguments).exits(2).says(&[said]);
    }
    let settings = program.folder().join("agora-usage.toml");
    for (toml, said) in [
        ("[[budget]]\namount = \"ten\"", "amount = 'ten' is not an amount"),
        ("[[budget]]\namount = \"10\"\nproject = \"P1\"\ncost_centre = \"x\"", "not both"),
        (
            "[[budget]]\namount = \"10\"\naccount = \"east\"",
            "account 'east' is not in the settings",
        ),
        ("[[budget]]\namount = \"10\"\nthresholds = []", "thresholds: there is none"),
        ("anomaly_floor = \"-1\"", "anomaly_floor = '-1' is not an amount"),
    ] {
        std::fs::write(&settings, toml).expect("written");
        program.run(&["budget", "list"]).exits(78).says(&[said]);
    }
    std::fs::write(&settings, "").expect("written");
    program.set("AGORA_USAGE_ANOMALY_FLOOR", "x");
    program.run(&["forecast"]).exits(78);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_used_up_already_is_told_with_its_day_however_little_is_known() {
    let setup = Setup::at("2031-05-11T09:00:00Z").await;
    setup.api.list(&["P1"]);
    for day in crate::support::setup::days("2031-05-01", "2031-05-10") {
        // 4,000 minutes a day: the 10,000 free ones last into the third.
        setup.api.use_seconds("P1", &day, &[(AUDIO, 240_000)]);
    }
    setup.backfill("2031-05-01", "2031-05-10").exits(0);
    setup.run(&["budget", "set", "5.00"]).exits(0);
    // By hand: 16,000 minutes by the fourth day, less 10,000, at 0.99 a thousand: 5.94.
    setup.run(&["forecast", "--output", "table"]).exits(3).says(&[
        "not enough data",
        "included minutes were used up on 2031-05-03",
        "used up on 2031-05-04",
    ]);
    let days = "select f.first_billed_day, s.used_up_on from agora.month_forecast as f \
                join agora.budget_state as s using (account_id, month, last_day)";
    assert_eq!(setup.database.rows(days).await, ["(2031-05-03,2031-05-04)"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_in_another_currency_than_the_book_is_told_to_be_left_out() {
    let mut setup = ten_weeks().await;
    setup.run(&["budget", "set", "20.00"]).exits(0);
    setup.run(&["budget", "set", "5.00", "--project", "-odd-id"]).exits(0);
    setup.program.set("AGORA_USAGE_PRICE_BOOK", "tiered-cny");
    setup.run(&["forecast", "--output", "table"]).exits(0).says(&[
        "budget of account: USD 20.00 is in another currency than the price book",
        "budget of project -odd-id: USD 5.00 is in another currency",
    ]);
}
