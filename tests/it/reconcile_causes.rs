//! `bill reconcile`: every cause of a difference is found when it is planted,
//! alone and together with others.
//!
//! The invoices are rated here from the usage that the platform is taken to
//! have; the program knows what it fetched.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;

use agora_usage::domain::{
    AccountId, DayUsage, Media, MediaSet, Month, ProjectId, Service, UsageSource,
};
use agora_usage::rating::{LINE_SCALE, PriceBook, decimal_units, rate};
use serde_json::{Value, json};

use crate::support::fake_api::{AUDIO, FULL_HD, HD, HDP};
use crate::support::setup::Setup;

const LONG_AFTER: &str = "2031-04-20T06:00:00Z";

/// Fields of usage v3 by media, and keys of v1.
const FIELDS: [(Media, &str); 4] =
    [(Media::Audio, AUDIO), (Media::Hd, HD), (Media::Hdp, HDP), (Media::FullHd, FULL_HD)];

fn cell(project: &str, day: u32, service: Service, seconds: &[(Media, i64)]) -> DayUsage {
    let mut by_media = [None; Media::COUNT];
    for (media, value) in seconds {
        by_media[media.index()] = Some(*value);
    }
    DayUsage {
        project_id: ProjectId::new(project).expect("id"),
        service,
        day: format!("2031-03-{day:02}").parse().expect("day"),
        source: UsageSource::V3,
        seconds: by_media,
        extra_seconds: BTreeMap::new(),
        missing: MediaSet::EMPTY,
    }
}

/// March 2031 above the second tier: P1 records what it uses, P2 has HD+ beside
/// Full HD, P3 has SD, which usage v1 alone tells.
fn usage() -> Vec<DayUsage> {
    use Media::{Audio, FullHd, Hd, Hdp, Sd};
    let mut usage = Vec::new();
    for day in 1..=6 {
        let odd = i64::from(day) * 7 + 11;
        let high = [(Audio, 700_000 + odd), (Hdp, 50_000 + odd), (FullHd, 150_000 + odd)];
        usage.extend([
            cell("P1", day, Service::Rtc, &[(Audio, 900_000 + odd), (Hd, 333_333 + odd)]),
            cell("P1", day, Service::Recording, &[(Audio, 30_000 + odd), (Hd, 20_000 + odd)]),
            cell("P1", day, Service::CloudRecording, &[(Audio, 120_000 + odd)]),
            cell("P2", day, Service::Rtc, &high),
        ]);
    }
    let mut minutes = cell("P3", 9, Service::Rtc, &[(Audio, 6_000), (Sd, 60_000), (Hd, 12_000)]);
    minutes.source = UsageSource::V1;
    usage.push(minutes);
    usage
}

fn serve(setup: &Setup, usage: &[DayUsage]) {
    for cell in usage {
        let (project, day) = (cell.project_id.as_str(), cell.day.to_string());
        let seconds = |media: Media| cell.seconds[media.index()].unwrap_or(0);
        if cell.source == UsageSource::V1 {
            let minutes = [Media::Audio, Media::Sd, Media::Hd, Media::Hdp]
                .map(|media| (media.name(), seconds(media) / 60));
            setup.api.use_minutes(project, &day, json!(BTreeMap::from(minutes)));
            continue;
        }
        let fields: BTreeMap<&str, i64> =
            FIELDS.iter().map(|(media, field)| (*field, seconds(*media))).collect();
        let mut fields = json!(fields);
        fields["durationVideo2K"] = json!(0);
        fields["durationVideo4K"] = json!(0);
        let business = match cell.service {
            Service::Recording => "recording",
            Service::CloudRecording => "cloudRecording",
            _ => "default",
        };
        setup.api.use_body(project, business, &day, fields);
    }
}

/// Fetched and stored; days that the platform does not answer are missing.
async fn march(usage: &[DayUsage], exit_code: i32, prepare: impl Fn(&Setup)) -> Setup {
    let mut setup = Setup::at(LONG_AFTER).await;
    setup.program.set("AGORA_USAGE_SERVICES", "rtc,recording,cloud_recording");
    setup.api.list(&["P1", "P2", "P3"]);
    serve(&setup, usage);
    prepare(&setup);
    setup.backfill("2031-03-01", "2031-03-31").exits(exit_code);
    setup.api.heal();
    setup.use_v1();
    let month =
        ["backfill", "--from", "2031-03-09", "--to", "2031-03-09", "--project", "P3", "--again"];
    setup.run(&month).exits(0);
    setup.program.unset("AGORA_USAGE_USAGE_API");
    setup
}

fn tiered() -> PriceBook {
    PriceBook::embedded("tiered").expect("built in").expect("valid")
}

fn changed(from: &str, to: &str) -> PriceBook {
    changed_in(&[(from, to)])
}

fn changed_in(changes: &[(&str, &str)]) -> PriceBook {
    let mut text = tiered().text;
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    PriceBook::parse("changed.toml", &text).expect("valid")
}

/// The rows that the platform would write about this usage with this book.
fn rows(usage: &[DayUsage], book: &PriceBook) -> String {
    let account = AccountId::new("default").expect("name");
    let month = Month::parse("2031-03").expect("month");
    let bill = rate(&account, month, usage, book).expect("rated");
    let mut lines = BTreeMap::<(&str, &str), (u128, i128)>::new();
    for line in &bill.lines {
        let (minutes, units) = lines.entry((line.service.name(), line.media.name())).or_default();
        *minutes += line.minutes;
        *units += decimal_units(&line.amount, LINE_SCALE).expect("exact");
    }
    let mut rows = String::new();
    for ((service, media), (minutes, units)) in lines {
        let scale = 10_i128.pow(LINE_SCALE);
        let (whole, rest) = (units / scale, units % scale);
        writeln!(rows, "{service},{media},{minutes},{whole}.{rest:012}").expect("text");
    }
    rows
}

/// What is found in an invoice: names of causes in order, and what is unexplained.
fn found(setup: &Setup, rows: &str) -> (Vec<String>, Vec<String>) {
    let file = setup.program.folder().join("invoice.csv");
    fs::write(file, format!("service,media,minutes,amount\n{rows}")).expect("written");
    let command = ["bill", "reconcile", "--month", "2031-03", "--invoice", "invoice.csv"];
    let outcome = setup.run(&[&command[..], &["--output", "json"]].concat());
    let rows: Vec<Value> = serde_json::from_str(&outcome.stdout).expect("JSON");
    let of_section = |section: &str, key: &str| -> Vec<String> {
        let rows = rows.iter().filter(|row| row["section"] == section);
        let mut names: Vec<String> =
            rows.map(|row| row[key].as_str().expect("text").to_owned()).collect();
        names.dedup();
        names
    };
    let unexplained = of_section("unexplained", "service");
    outcome.exits(if unexplained.is_empty() { 0 } else { 3 });
    assert_adds_up(&rows);
    (of_section("cause", "name"), unexplained)
}

/// Causes and what is unexplained are the difference of the totals.
fn assert_adds_up(rows: &[Value]) {
    let units = |row: &Value| {
        let text = row["difference"].as_str().expect("text");
        let (whole, decimals) = text.split_once('.').expect("a point");
        format!("{whole}{decimals:0<12}").parse::<i128>().expect("digits")
    };
    let parts =
        rows.iter().filter(|row| row["section"] == "cause" || row["section"] == "unexplained");
    let explained: i128 = parts.map(units).sum();
    assert_eq!(explained, units(rows.last().expect("a total")));
}

/// What the platform has and charges.
struct Platform {
    usage: Vec<DayUsage>,
    book: PriceBook,
    /// Rows of the invoice besides usage.
    rows: String,
}

impl Platform {
    fn invoice(&self) -> String {
        rows(&self.usage, &self.book) + &self.rows
    }

    fn leave_out(&mut self, media: Media) {
        for cell in &mut self.usage {
            cell.seconds[media.index()] = None;
        }
    }

    fn round_up_days(&mut self) {
        for value in self.usage.iter_mut().flat_map(|cell| cell.seconds.iter_mut()).flatten() {
            *value = (*value + 59) / 60 * 60;
        }
    }
}

/// Makes the platform's side differ.
type Plant = fn(&mut Platform);

/// Each named cause that does not need another state of our side.
const PLANTS: [(&str, Plant); 12] = [
    ("sd_left_out", |platform| platform.leave_out(Media::Sd)),
    ("recording_twice", |platform| {
        platform.usage.retain(|cell| cell.service != Service::Recording);
    }),
    ("hdp_overlap", |platform| platform.leave_out(Media::Hdp)),
    ("daily_rounding", Platform::round_up_days),
    ("free_order", |it| it.book = changed("free_minutes = 10000", "free_minutes = 0")),
    ("tier_fill", |platform| {
        platform.book = changed("tier_fill = \"cheapest_first\"", "tier_fill = \"pro_rata\"");
    }),
    ("tier_edge", |platform| {
        platform.book = changed("tier_edge = \"half_open\"", "tier_edge = \"printed\"");
    }),
    ("sd_apart", |platform| {
        platform.book = changed_in(&[
            ("sd_as = \"hd\"", ""),
            ("free_order = \"2021-04\"", "free_order = ['rtc.audio', 'rtc.sd', 'rtc.hd']"),
            ("hd = \"3.99\"", "hd = \"3.99\"\nsd = \"3.99\""),
        ]);
    }),
    ("rates", |it| it.book = changed("rates = \"percent\"", "rates = \"printed\"")),
    ("price", |it| it.book = changed("audio = \"1.49\"", "audio = \"1.25\"")),
    ("other", |platform| platform.rows.push_str("other,,,-7.5\n")),
    ("tax", |platform| platform.rows.push_str("tax,,,123.45\n")),
];

fn planted(plants: &[Plant]) -> String {
    let mut platform = Platform { usage: usage(), book: tiered(), rows: String::new() };
    for plant in plants {
        plant(&mut platform);
    }
    platform.invoice()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_planted_cause_is_found_alone_and_many_together() {
    let setup = march(&usage(), 0, |_| ()).await;
    assert_eq!(found(&setup, &planted(&[])), (vec![], vec![]));
    for (name, plant) in PLANTS {
        assert_eq!(found(&setup, &planted(&[plant])), (vec![name.to_owned()], vec![]));
    }
    // All ways of counting, a price rule, and rows of their own.
    let together = ["sd_left_out", "recording_twice", "hdp_overlap", "daily_rounding", "tier_fill"];
    let together = [&together[..], &["other", "tax"]].concat();
    let plants: Vec<Plant> = PLANTS
        .iter()
        .filter(|(name, _)| together.contains(name))
        .map(|(_, plant)| *plant)
        .collect();
    assert_eq!(found(&setup, &planted(&plants)).0, together);
    // An amount that nothing leads to, beside two causes.
    let two =
        planted(&[|platform| platform.leave_out(Media::Hdp), |it| it.rows.push_str("tax,,,5\n")]);
    let mut lines: Vec<String> = two.lines().map(str::to_owned).collect();
    let odd = lines.iter().position(|line| line.starts_with("rtc,full_hd,")).expect("a line");
    let minutes = lines[odd].split(',').nth(2).expect("minutes").to_owned();
    lines[odd] = format!("rtc,full_hd,{minutes},210.123456789\n");
    let (causes, unexplained) = found(&setup, &lines.join("\n"));
    assert_eq!(causes, ["hdp_overlap", "tax"]);
    assert!(unexplained.contains(&"rtc".to_owned()), "{unexplained:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_days_are_found_alone_and_beside_a_tax() {
    let of_one_service = |setup: &Setup| {
        let fails = |asked: &crate::support::fake_api::Asked| {
            asked.is_v3() && asked.parameter("business") == "cloudRecording"
        };
        setup.api.answer_when(fails, 500, "{}");
    };
    let setup = march(&usage(), 3, of_one_service).await;
    let invoice = planted(&[]);
    assert_eq!(found(&setup, &invoice), (vec!["missing_days".to_owned()], vec![]));
    let taxed = format!("{invoice}tax,,,10\n");
    assert_eq!(found(&setup, &taxed).0, ["missing_days", "tax"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_prices_of_another_built_in_book_are_found() {
    let mut setup = march(&usage(), 0, |_| ()).await;
    setup.program.set("AGORA_USAGE_PLAN", "fixed");
    assert_eq!(found(&setup, &planted(&[])), (vec!["other_book".to_owned()], vec![]));
    let rounded = planted(&[Platform::round_up_days]);
    assert_eq!(found(&setup, &rounded).0, ["daily_rounding", "other_book"]);
}
