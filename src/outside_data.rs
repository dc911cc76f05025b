//! Every parser of what comes from outside, opened to random bytes.
//!
//! Owns what must hold for any bytes: no panic, results no larger than what was
//! sent, and the same again when a result is written and read. The tests below
//! and `fuzz/` bring the bytes. Promises nothing to anyone else.

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::agora_api;
use crate::cli;
use crate::config;
use crate::domain::period::parse_day;
use crate::domain::{AccountId, DateRange, DayUsage, Media, Month, ProjectId, Service};
use crate::observe::server;
use crate::rating::{PriceBook, rate_by_the_book};
use crate::reconcile::Invoice;

/// What stands in the file that no request may get at.
const NEVER_SERVED: &str = "not of a report";

fn text_of(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

fn march() -> Option<Month> {
    Month::parse("2031-03").ok()
}

/// A body of usage v1, read, written and read again.
pub fn usage_v1(bytes: &[u8]) {
    let Some(range) = march().map(Month::days) else { return };
    let Ok(days) = agora_api::usage_v1::decoded(bytes, range) else { return };
    assert_days_of(&days, bytes, range);
    let Ok(again) = agora_api::usage_v1::decoded(v1_body(&days).as_bytes(), range) else {
        unreachable!("what was written is read")
    };
    assert_eq!(again, days);
}

fn v1_body(days: &[DayUsage]) -> String {
    let usages = days.iter().map(|usage| {
        let mut day = serde_json::json!({ "date": usage.day.to_string() });
        for media in [Media::Audio, Media::Sd, Media::Hd, Media::Hdp] {
            day[media.name()] = usage.seconds[media.index()].map(|seconds| seconds / 60).into();
        }
        serde_json::json!({ "project": usage.project_id.as_str(), "daily": [day] })
    });
    serde_json::json!({ "usages": usages.collect::<Vec<_>>() }).to_string()
}

/// A body of usage v3.
pub fn usage_v3(bytes: &[u8]) {
    let (Some(range), Ok(project_id)) = (march().map(Month::days), ProjectId::new("P1")) else {
        return;
    };
    let Some(text) = text_of(bytes) else { return };
    let decoded = agora_api::usage_v3::decoded(text, &project_id, Service::Rtc, range);
    if let Ok(days) = decoded {
        assert_days_of(&days, bytes, range);
    }
}

/// Each day once, in the range, from 0 on, and no more of them than there are bytes.
fn assert_days_of(days: &[DayUsage], bytes: &[u8], range: DateRange) {
    assert!(days.len() <= bytes.len());
    let mut keys: Vec<_> = days.iter().map(|usage| (&usage.project_id, usage.day)).collect();
    keys.sort_unstable();
    assert!(keys.windows(2).all(|pair| pair[0] != pair[1]), "a day twice");
    for usage in days {
        assert!(range.contains(usage.day));
        let seconds = usage.seconds.iter().chain(usage.extra_seconds.values());
        assert!(seconds.flatten().all(|seconds| *seconds >= 0));
    }
}

/// A body of the project list.
pub fn projects(bytes: &[u8]) {
    let Some(Ok(projects)) = text_of(bytes).map(agora_api::projects::decoded) else { return };
    assert!(projects.len() <= bytes.len());
    let mut ids: Vec<_> = projects.iter().map(|project| &project.project_id).collect();
    ids.sort_unstable();
    assert!(ids.windows(2).all(|pair| pair[0] != pair[1]), "a project twice");
}

/// A page of live channels.
pub fn channels(bytes: &[u8]) {
    let Some(Ok(page)) = text_of(bytes).map(agora_api::channels::decoded) else { return };
    assert!(page.channels.len() <= bytes.len());
    assert!(page.total_channels >= 0);
    assert!(page.channels.iter().all(|channel| channel.user_count >= 0));
}

/// A settings file.
pub fn settings(bytes: &[u8]) {
    let Some(text) = text_of(bytes) else { return };
    // Those would be opened, and could be anything of this machine.
    if text.contains("file") || text.contains("env") {
        return;
    }
    if let Ok(settings) = config::Settings::from_text(text) {
        assert!(!settings.accounts.is_empty());
    }
}

/// A file of accounts: CSV after a first byte that is even, else TOML.
pub fn accounts(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else { return };
    let accounts = text_of(rest).and_then(|text| config::accounts_of(text, first % 2 == 0).ok());
    assert!(accounts.is_none_or(|accounts| accounts <= bytes.len()));
}

/// A price book, and a bill by it.
pub fn price_book(bytes: &[u8]) {
    let Some(text) = text_of(bytes) else { return };
    let Ok(book) = PriceBook::parse("book.toml", text) else { return };
    assert_eq!(PriceBook::parse("book.toml", &book.text).as_ref(), Ok(&book));
    let (Some(month), Ok(account)) = (march(), AccountId::new("default")) else { return };
    let used = r#"{"usages":[{"project":"P1","daily":[
        {"date":20310301,"audio":777777,"sd":1,"hd":12345,"hdp":67}]}]}"#;
    let Ok(days) = agora_api::usage_v1::decoded(used.as_bytes(), month.days()) else { return };
    if let Ok((bill, _)) = rate_by_the_book(&account, month, &days, &book) {
        let parts: i128 = bill.projects.iter().map(|project| project.cost_minor_units).sum();
        assert_eq!(parts + bill.unallocated.minor_units, bill.total.minor_units);
    }
}

/// A CSV file of tags, read, written and read again.
pub fn tags(bytes: &[u8]) {
    let Some(tags) = text_of(bytes).and_then(cli::tag::tags_of) else { return };
    assert!(tags.len() <= bytes.len());
    for (project_id, key, value) in tags {
        let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
        let text =
            format!("project_id,{key}\n{},{}\n", quoted(project_id.as_str()), quoted(&value));
        assert_eq!(cli::tag::tags_of(&text), Some(vec![(project_id, key, value)]), "{text:?}");
    }
}

/// A value of `query -p`: its kind by the first byte.
pub fn parameters(bytes: &[u8]) {
    const KINDS: [&str; 6] = ["account", "project", "day", "month", "count", "number"];
    let Some((first, rest)) = bytes.split_first() else { return };
    let Some(text) = text_of(rest) else { return };
    let kind = KINDS[usize::from(*first) % KINDS.len()];
    let Some(is_value) = cli::query::is_value_of(kind, text) else {
        unreachable!("a kind that exists")
    };
    if is_value {
        assert!(!text.is_empty() && !text.contains('\0'));
        match kind {
            "day" => assert!(parse_day(text).is_ok_and(|day| day.to_string() == text)),
            "month" => assert!(Month::parse(text).is_ok_and(|month| month.to_string() == text)),
            "count" => assert!(text.parse::<u32>().is_ok()),
            "number" => assert!(text.bytes().all(|byte| byte == b'.' || byte.is_ascii_digit())),
            _ => {}
        }
    }
}

/// A day, a month, and a span of months, read, written and read again.
pub fn periods(bytes: &[u8]) {
    let Some(text) = text_of(bytes) else { return };
    if let Ok(day) = parse_day(text) {
        assert_eq!(day.to_string(), text);
    }
    if let Ok(month) = Month::parse(text) {
        assert_eq!(month.to_string(), text);
        assert_eq!(Month::parse_span(text), Ok(vec![month]));
    }
    if let Ok(months) = Month::parse_span(text) {
        // From year 0 to year 9999.
        assert!((1..=120_000).contains(&months.len()));
        let mut written = String::new();
        for month in [months.first(), months.last()].into_iter().flatten() {
            let separator = if written.is_empty() { "" } else { ".." };
            let _ = write!(written, "{separator}{month}");
        }
        assert_eq!(Month::parse_span(&written), Ok(months));
    }
}

/// An invoice of the platform.
pub fn invoice(bytes: &[u8]) {
    let Ok(invoice) = Invoice::parse("invoice.csv", bytes) else { return };
    assert!(!invoice.rows.is_empty() && invoice.rows.len() <= bytes.len());
}

/// Bytes that a connection of the daemon's HTTP side sends.
pub fn http_request(bytes: &[u8]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let (Ok(runtime), Some(folder)) = (runtime, served_folder()) else { return };
    let Ok(answer) = runtime.block_on(server::answered(folder, bytes)) else { return };
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1."), "{answer}");
    assert!(!answer.contains(NEVER_SERVED), "{answer}");
    let reads: [&[u8]; 4] = [b"GET ", b"HEAD ", b"\r", b"\n"];
    let is_read = reads.iter().any(|read| bytes.starts_with(read));
    assert!(is_read || !answer.starts_with("HTTP/1.1 200"), "{answer}");
}

/// A folder with a report, beside a file that is none.
fn served_folder() -> Option<PathBuf> {
    let parent = std::env::temp_dir().join(format!("agora-usage-served-{}", std::process::id()));
    let folder = parent.join("reports");
    if !folder.join("bill.csv").exists() {
        std::fs::create_dir_all(&folder).ok()?;
        std::fs::write(parent.join("secret.csv"), NEVER_SERVED).ok()?;
        std::fs::write(folder.join(".hidden.csv"), NEVER_SERVED).ok()?;
        std::fs::write(folder.join("notes.txt"), NEVER_SERVED).ok()?;
        std::fs::write(folder.join("bill.csv"), "service\n").ok()?;
    }
    Some(folder)
}

#[cfg(test)]
mod tests;
