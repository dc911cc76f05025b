//! `agora-usage check`: what works and what does not, before anything is fetched.

mod price_book_words;

use chrono::{DateTime, Days, Utc};

use super::failure::{Exit, Failure};
use super::print::say_line;
use super::summary::counted;
use crate::agora_api::{AgoraApi, ApiError};
use crate::config::AccountSettings;
use crate::context::Context;
use crate::domain::{DateRange, DayUsage, Project, ProjectStatus, Service, UsageSource};
use crate::schedule::daemon::schedules_of;
use crate::store::DatabaseAddress;
use crate::store::migrate::newest_version;

/// Projects that are asked for usage; a limit keeps the check short.
const ASKED_PROJECTS: usize = 5;

/// Days before today that are looked at.
const ASKED_DAYS: u64 = 7;

/// Difference of the clocks, in seconds, from which on days could be taken for others.
const CLOCK_SKEW_SECONDS: i64 = 60;

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
pub(super) struct CheckArguments {
    /// Ask the platform too: credentials, usage APIs, services, clock
    #[arg(long)]
    online: bool,
    /// Only this account of the settings [default: all]
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
}

pub(super) async fn run(context: &Context, arguments: CheckArguments) -> Result<Exit, Failure> {
    let accounts = context.settings.chosen(arguments.account.as_deref())?;
    say_line(format_args!("settings   ok: {}", counted(accounts.len() as u64, "account")));
    let mut exit = schedules(context).and(database(context).await);
    for account in accounts {
        say_line(format_args!("\naccount {}", account.account));
        exit = exit.and(plan(account));
        if account.may_count_recording_twice() {
            say_line(format_args!("  services   warning: {DOUBLE_COUNT}"));
        }
        if arguments.online {
            exit = exit.and(online(context, account).await);
        }
    }
    say_line(format_args!("\n{}", next_step(exit, arguments.online)));
    Ok(exit)
}

/// What to tell users who ask for recording beside rtc.
pub(super) const DOUBLE_COUNT: &str = "rtc says that it includes on-premise recording, so that \
    recording beside it may count twice";

fn next_step(exit: Exit, online: bool) -> &'static str {
    match (exit, online) {
        (Exit::Done, true) => "next: agora-usage backfill --from YYYY-MM-DD --to YYYY-MM-DD",
        (Exit::Done, false) => "next: agora-usage check --online",
        _ => "next: mend what failed above, then run the same command again",
    }
}

fn failed(what: &str, failure: impl Into<Failure>) -> Exit {
    say_line(format_args!("{what} failed, see below"));
    let failure = failure.into();
    failure.print();
    failure.exit
}

fn schedules(context: &Context) -> Exit {
    match schedules_of(&context.settings.schedule) {
        Ok(_) => Exit::Done,
        Err(error) => failed("schedule  ", Failure::new(Exit::Configuration, error)),
    }
}

async fn database(context: &Context) -> Exit {
    let kind = match context.settings.database {
        DatabaseAddress::Given(_) => "given by address",
        DatabaseAddress::Private(_) => "private PostgreSQL",
    };
    match context.open_store().await {
        Ok(store) => {
            say_line(format_args!("database   ok: {kind}, migration {}", newest_version()));
            store.close().await;
            Exit::Done
        }
        Err(error) => failed("database  ", error),
    }
}

fn plan(account: &AccountSettings) -> Exit {
    match account.price_books() {
        Ok(books) => {
            for line in books.all().iter().flat_map(price_book_words::explain) {
                say_line(format_args!("  {line}"));
            }
            Exit::Done
        }
        Err(error) => failed("  plan      ", error),
    }
}

async fn online(context: &Context, account: &AccountSettings) -> Exit {
    let api = match context.api(account) {
        Ok(api) => api,
        Err(error) => return failed("  login     ", error),
    };
    let reply = match api.projects().await {
        Ok(reply) => reply,
        Err(error) => return failed("  login     ", error),
    };
    let count = |status| reply.value.iter().filter(|project| project.status == status).count();
    say_line(format_args!(
        "  login      ok: {}, {} of them disabled",
        counted(reply.value.len() as u64, "project"),
        count(ProjectStatus::Disabled)
    ));
    let skew = reply.answered_at.map_or(0, |at| (context.clock.now() - at).num_seconds());
    let exit = clock(skew);
    let Some(range) = last_days(context.clock.now()) else { return exit };
    let v3 = services(&api, &reply.value, range).await;
    let v1 = v1(&api, range).await;
    exit.and(usage_api(account, v3, v1))
}

/// A machine whose clock is moved on purpose is not compared.
fn clock(skew_seconds: i64) -> Exit {
    if std::env::var_os(crate::clock::NOW_VARIABLE).is_some() {
        say_line(format_args!(
            "  clock      moved by {}, not compared",
            crate::clock::NOW_VARIABLE
        ));
        return Exit::Done;
    }
    if skew_seconds.abs() <= CLOCK_SKEW_SECONDS {
        say_line(format_args!("  clock      ok: {skew_seconds} s from the platform's"));
        return Exit::Done;
    }
    say_line(format_args!(
        "  clock      failed: {skew_seconds} s from the platform's; set this machine's clock"
    ));
    Exit::Failed
}

fn last_days(now: DateTime<Utc>) -> Option<DateRange> {
    let today = now.date_naive();
    let first = today.checked_sub_days(Days::new(ASKED_DAYS))?;
    // One month, as every request.
    let range = DateRange::new(first, today.pred_opt()?).ok()?;
    range.by_month().last()
}

/// Asks usage v3 for each service of some projects; tells which have usage.
async fn services(
    api: &AgoraApi,
    projects: &[Project],
    range: DateRange,
) -> Option<Result<(), ApiError>> {
    let mut outcome = None;
    if projects.is_empty() {
        return outcome;
    }
    for service in Service::ALL {
        let mut used = 0_usize;
        for project in projects.iter().take(ASKED_PROJECTS) {
            match api.usage_v3(&project.project_id, service, range).await {
                Ok(reply) => {
                    let has_usage = |usage: &DayUsage| {
                        usage.seconds.iter().flatten().any(|seconds| *seconds > 0)
                    };
                    used += usize::from(reply.value.iter().any(has_usage));
                    outcome = Some(Ok(()));
                }
                Err(error) => return Some(Err(error)),
            }
        }
        say_line(format_args!(
            "  {:<16} {} of {} with usage on {range}",
            service.name(),
            used,
            counted(projects.len().min(ASKED_PROJECTS) as u64, "project")
        ));
    }
    outcome
}

async fn v1(api: &AgoraApi, range: DateRange) -> Result<(), ApiError> {
    api.usage_v1(&[], range).await.map(|_| ())
}

/// Which usage API answers, and whether it is the one of the settings.
fn usage_api(
    account: &AccountSettings,
    v3: Option<Result<(), ApiError>>,
    v1: Result<(), ApiError>,
) -> Exit {
    let word = |outcome: Option<&Result<(), ApiError>>| match outcome {
        Some(Ok(())) => "answers",
        Some(Err(_)) => "does not answer",
        None => "was not asked: there is no project",
    };
    say_line(format_args!("  usage v3   {}; usage v1 {}", word(v3.as_ref()), word(Some(&v1))));
    let wanted = match account.collect.source {
        UsageSource::V3 => v3.unwrap_or(Ok(())),
        UsageSource::V1 => v1,
    };
    match wanted {
        Ok(()) => Exit::Done,
        Err(error) => failed("  usage     ", error),
    }
}
