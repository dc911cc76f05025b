use super::testing::{account, day, flat, tiered};
use super::*;

fn outlook(usage: &[DayUsage], last_day: &str) -> Outlook {
    let (account, book) = (account(), tiered());
    let known =
        Known { account: &account, last_day: day(last_day), usage, unknown: &[], book: &book };
    forecast(known).expect("rated")
}

fn forecast_of(usage: &[DayUsage], last_day: &str) -> MonthForecast {
    match outlook(usage, last_day) {
        Outlook::Forecast(forecast) => *forecast,
        Outlook::NotEnoughData { known_days, .. } => panic!("{known_days} days"),
    }
}

#[test]
fn a_level_month_goes_on_and_is_rated_with_its_free_minutes() {
    // 1,000 minutes a day: 31,000 in May, of which 10,000 are free.
    let usage = flat("P1", "2031-03-01", "2031-05-10", 60_000);
    let found = forecast_of(&usage, "2031-05-10");
    assert_eq!(found.to_date.total.to_string(), "0.00");
    assert_eq!(found.expected.total.to_string(), "20.79");
    assert!(found.low.minor_units < 2_079 && found.high.minor_units > 2_079);
    assert_eq!(found.days.first_billed_day, Some(day("2031-05-11")));
    let at_end = found.days.totals.last().expect("days");
    assert_eq!((at_end.day, at_end.total_minor_units), (day("2031-05-31"), 2_079));
}

#[test]
fn projects_sum_to_the_expected_total_and_a_new_one_goes_on_with_its_mean() {
    let mut usage = flat("P1", "2031-03-01", "2031-05-10", 90_000);
    usage.extend(flat("P2", "2031-05-06", "2031-05-10", 30_000));
    let found = forecast_of(&usage, "2031-05-10");
    let sum: i128 = found.projects.iter().map(|project| project.expected.minor_units).sum();
    assert_eq!(sum, found.expected.total.minor_units);
    let seconds: u128 = found.expected.lines.iter().filter_map(|line| line.seconds).sum();
    assert_eq!(seconds, 31 * 90_000 + 26 * 30_000);
}

#[test]
fn under_three_weeks_the_running_total_is_all_there_is() {
    let usage = flat("P1", "2031-05-01", "2031-05-20", 3_600_000);
    match outlook(&usage, "2031-05-20") {
        Outlook::NotEnoughData { to_date, known_days, .. } => {
            assert_eq!((to_date.total.to_string().as_str(), known_days), ("1104.84", 20));
        }
        Outlook::Forecast(_) => panic!("foretold from 20 days"),
    }
}

#[test]
fn on_its_last_day_a_month_is_as_it_is() {
    let usage = flat("P1", "2031-05-20", "2031-05-31", 60_000);
    let found = forecast_of(&usage, "2031-05-31");
    assert_eq!(found.month.to_string(), "2031-05");
    assert_eq!(found.expected, found.to_date);
    assert_eq!((found.low, found.high), (found.to_date.total, found.to_date.total));
    assert_eq!(found.days.totals.len(), 31);
}

#[test]
fn free_minutes_that_last_have_no_day() {
    let mut usage = flat("P1", "2031-03-01", "2031-05-10", 600);
    usage.push(super::testing::usage("P2", "2031-05-10", 1));
    assert_eq!(forecast_of(&usage, "2031-05-10").days.first_billed_day, None);
}

#[test]
fn a_day_of_the_month_that_is_not_known_is_foretold_too() {
    let all = flat("P1", "2031-03-01", "2031-05-10", 60_000);
    let known: Vec<DayUsage> =
        all.iter().filter(|row| row.day != day("2031-05-09")).cloned().collect();
    let unknown = [UnknownDays {
        project_id: ProjectId::new("P1").expect("id"),
        service: Service::Rtc,
        range: DateRange::new(day("2031-05-09"), day("2031-05-09")).expect("range"),
    }];
    let (account, book) = (account(), tiered());
    let known = Known {
        account: &account,
        last_day: day("2031-05-10"),
        usage: &known,
        unknown: &unknown,
        book: &book,
    };
    let Ok(Outlook::Forecast(found)) = forecast(known) else { panic!("not foretold") };
    let seconds: u128 = found.expected.lines.iter().filter_map(|line| line.seconds).sum();
    assert_eq!(seconds, 31 * 60_000);
}

#[test]
fn a_package_runs_out_by_its_own_minutes_and_not_by_usage_that_it_never_includes() {
    let text = "extends = 'standard-usd'\nname = 'own'\npackage = 'Starter'\n\
                [prices.cloud_recording]\naudio = '1.49'\n";
    let book = PriceBook::parse("own", text).expect("valid");
    // 20,000 minutes of audio a day: the 50,000 of the package, free ones included, end on the third.
    let mut usage = flat("P1", "2031-03-01", "2031-05-10", 1_200_000);
    let mut recorded = flat("P1", "2031-05-01", "2031-05-01", 60_000);
    recorded[0].service = Service::CloudRecording;
    usage.extend(recorded);
    let account = account();
    let known = Known {
        account: &account,
        last_day: day("2031-05-10"),
        usage: &usage,
        unknown: &[],
        book: &book,
    };
    let found = forecast(known).expect("rated");
    assert_eq!(found.days().first_billed_day, Some(day("2031-05-03")));
}
