//! `agora-usage lake`: write history as Parquet files, check them, list them.

use chrono::NaiveDate;

use super::failure::{Exit, Failure};
use super::lease::{lease, release};
use super::print::say_line;
use super::summary::thousands;
use crate::context::Context;
use crate::domain::period::parse_day;
use crate::domain::{AccountId, DateRange, Month};
use crate::lake::dataset::Dataset;
use crate::lake::export::{BucketExport, ExportRange, Exported, buckets};
use crate::lake::layout::bucket;
use crate::lake::verify::{self, Verified};
use crate::lake::{Lake, LakeError, LakeUrl};
use crate::store::Store;

/// Lease of those who write into the lake, held on a bucket's first account.
const LAKE_LEASE: &str = "lake";

/// Differences that are printed; their number tells of the others.
const MOST_DIFFERENCES: usize = 50;

const WHERE: &str = "Folder, s3://BUCKET/PATH, gs://BUCKET/PATH or az://CONTAINER/PATH \
    [default: lake_url of the settings]";

const DATASETS: &str = "usage_daily, cost_daily, occupancy_minute or occupancy_channel";

/// Commands on the lake.
#[derive(Debug, clap::Subcommand)]
pub(super) enum LakeCommand {
    /// Write what is new; nothing where nothing has changed
    Export(ExportArguments),
    /// Count the lake again and hold it against its manifests and the database
    Verify(VerifyArguments),
    /// List the files in force of a dataset, a line each
    Files(FilesArguments),
}

/// Where the lake is.
#[derive(Debug, clap::Args)]
struct Place {
    #[arg(long = "url", alias = "to-url", value_name = "URL", help = WHERE)]
    url: Option<String>,
}

/// Arguments of `lake export`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Credentials of an object store are taken from the environment, as its own \
    tools read it (AWS_*, GOOGLE_*, AZURE_*). Days of occupancy that are not over are left out. \
    Without a range: every month, and the days whose channels are in the database. An export that \
    is interrupted leaves readers on the revision they saw; the next one makes up for it.\n\n\
    Nothing is written where the database has not changed, unless a partition or a file of a day of \
    occupancy is gone. Where `lake verify` tells of files that are gone or were changed, \
    --again writes a revision with their rows: of every month, and of all days since the oldest \
    that was archived, or of the range. Channels that the database has no more cannot come back.\n\n\
    Exit codes: 0 done; 3 days of occupancy were damaged when they were read back; 4 another run \
    exports, with --no-wait."
)]
pub(super) struct ExportArguments {
    #[arg(long = "to-url", alias = "url", value_name = "URL", help = WHERE)]
    to_url: Option<String>,
    /// First UTC day, YYYY-MM-DD; its month is exported whole
    #[arg(long, value_name = "DAY", value_parser = parse_day, requires = "to", conflicts_with = "month")]
    from: Option<NaiveDate>,
    /// Last UTC day, included
    #[arg(long, value_name = "DAY", value_parser = parse_day, requires = "from")]
    to: Option<NaiveDate>,
    /// Month, or first and last month: YYYY-MM or YYYY-MM..YYYY-MM
    #[arg(long, value_name = "MONTHS")]
    month: Option<String>,
    /// Only the bucket of this account, with the other accounts in it [default: all]
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// Read what was published, too, and write anew what is not there as it was written
    #[arg(long)]
    again: bool,
    /// Exit with 4 instead of waiting while another run exports
    #[arg(long)]
    no_wait: bool,
}

/// Arguments of `lake verify`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Reads every file of every revision. With --files-only an export that was \
    interrupted is told and is no difference, as long as readers see an earlier revision whole.\n\n\
    With the database, all that `lake export` without a range would publish has to be there: if you \
    export ranges alone, the other months and days are told as not published yet. So have days of \
    occupancy that were archived, with both datasets.\n\n\
    Exit codes: 0 all agree; 1 some do not, and are listed, or nothing is published there.")]
pub(super) struct VerifyArguments {
    #[command(flatten)]
    place: Place,
    /// Check the files alone, without a database
    #[arg(long)]
    files_only: bool,
}

/// Arguments of `lake files`.
#[derive(Debug, clap::Args)]
#[command(after_help = "For readers such as DuckDB and Spark: a folder also holds the files of \
    earlier revisions, so do not read it whole.")]
pub(super) struct FilesArguments {
    /// One of those that `lake export` writes
    #[arg(value_parser = parse_dataset, help = DATASETS)]
    dataset: Dataset,
    #[command(flatten)]
    place: Place,
}

fn parse_dataset(name: &str) -> Result<Dataset, String> {
    let known = Dataset::ALL.map(Dataset::name).join(", ");
    Dataset::from_name(name).ok_or_else(|| format!("the datasets are {known}"))
}

pub(super) async fn run(context: &Context, command: LakeCommand) -> Result<Exit, Failure> {
    match command {
        LakeCommand::Export(arguments) => export(context, arguments).await,
        LakeCommand::Verify(arguments) => verify(context, &arguments).await,
        LakeCommand::Files(FilesArguments { dataset, place }) => {
            let trusted = &context.settings.authorities;
            let lake = Lake::open_for_reading(&address(context, place.url.as_deref())?, trusted)?;
            for path in verify::files_in_force(&lake, dataset).await? {
                say_line(format_args!("{}", lake.address_of(&path)));
            }
            Ok(Exit::Done)
        }
    }
}

/// The address that was given, or that of the settings.
fn address(context: &Context, url: Option<&str>) -> Result<LakeUrl, Failure> {
    let given = url.map(LakeUrl::parse).transpose()?;
    given.or_else(|| context.settings.lake_url.clone()).ok_or_else(|| {
        Failure::new(Exit::Configuration, "the settings name no lake".to_owned())
            .hint("set lake_url, or give --to-url FOLDER (--url for verify and files)")
    })
}

async fn export(context: &Context, arguments: ExportArguments) -> Result<Exit, Failure> {
    let (today, again) = (context.clock.today(), arguments.again);
    let range = ExportRange { days: days(&arguments)?, today, again };
    let url = address(context, arguments.to_url.as_deref())?;
    let lake = Lake::open(&url, &context.settings.authorities)?;
    let store = context.open_store().await?;
    let done = export_buckets(context, &store, &lake, range, &arguments).await;
    store.close().await;
    let done = done?;
    let [files, rows, bytes] =
        [done.files, done.rows, done.bytes].map(|count| thousands(&count.to_string()));
    say_line(format_args!(
        "{} partitions published, {} unchanged; {files} files with {rows} rows and {bytes} bytes; \
         {} days of occupancy read back, in {}",
        done.published,
        done.unchanged,
        done.days_verified,
        lake.name(),
    ));
    if done.days_damaged > 0 {
        tracing::warn!(
            "{} days of occupancy were not there as they were written when they were read back; \
             `agora-usage lake verify` lists why, and an export with --again writes them anew",
            done.days_damaged
        );
        return Ok(Exit::Partial);
    }
    Ok(Exit::Done)
}

/// The days that were asked for; none: everything.
fn days(arguments: &ExportArguments) -> Result<Option<DateRange>, Failure> {
    if let Some(text) = &arguments.month {
        let months = Month::parse_span(text)?;
        let bounds = months.first().zip(months.last());
        let days = bounds.map(|(first, last)| DateRange::new(first.first_day(), last.last_day()));
        return Ok(days.transpose()?);
    }
    let days = arguments.from.zip(arguments.to).map(|(first, last)| DateRange::new(first, last));
    Ok(days.transpose()?)
}

async fn export_buckets(
    context: &Context,
    store: &Store,
    lake: &Lake,
    range: ExportRange,
    arguments: &ExportArguments,
) -> Result<Exported, Failure> {
    let mut buckets = buckets(store.pool()).await?;
    if let Some(name) = &arguments.account {
        let wanted = bucket_of(name, buckets.values().flatten())?;
        buckets.retain(|bucket, _| *bucket == wanted);
    }
    let mut done = Exported::default();
    for (account_bucket, accounts) in buckets {
        let Some(first) = accounts.first().cloned() else { continue };
        let held = lease(store, &first, LAKE_LEASE, context.clock, arguments.no_wait).await?;
        let (pool, now) = (store.pool(), context.clock.now());
        let export = BucketExport { lake, pool, account_bucket, accounts, now };
        let exported = export.run(range).await;
        release(held).await;
        done = done.and(exported?);
    }
    Ok(done)
}

fn bucket_of<'a>(
    name: &str,
    mut accounts: impl Iterator<Item = &'a AccountId>,
) -> Result<u8, Failure> {
    accounts.find(|account| account.as_str() == name).map(bucket).ok_or_else(|| {
        Failure::new(Exit::Failed, format!("nothing is stored for account '{name}'"))
            .hint("`agora-usage query projects` lists what is stored")
    })
}

async fn verify(context: &Context, arguments: &VerifyArguments) -> Result<Exit, Failure> {
    let url = address(context, arguments.place.url.as_deref())?;
    let lake = Lake::open_for_reading(&url, &context.settings.authorities)?;
    let today = context.clock.today();
    let mut verified = if arguments.files_only {
        verify::everything(&lake, None, today).await?
    } else {
        let store = context.open_store_for_reading().await?;
        let verified = verify::everything(&lake, Some(store.pool()), today).await;
        store.close().await;
        verified?
    };
    if verified.partitions == 0 && verified.differences.is_empty() {
        return Err(Failure::new(Exit::Failed, format!("nothing is published in {}", lake.name()))
            .hint("is the address right? `agora-usage lake export` publishes what there is"));
    }
    if !arguments.files_only {
        // Whole, but not what the database has.
        verified.differences.append(&mut verified.behind);
        verified.differences.append(&mut verified.missing);
    }
    print(&verified, &lake);
    if !verified.differences.is_empty() {
        tracing::warn!(
            "`agora-usage lake export` publishes what is new; with --again it also writes anew what \
             is gone or was changed"
        );
    }
    Ok(if verified.differences.is_empty() { Exit::Done } else { Exit::Failed })
}

fn print(verified: &Verified, lake: &Lake) {
    let Verified { partitions, manifests, files, rows, compared, differences, behind, .. } =
        verified;
    for lines in [differences, behind] {
        for line in lines.iter().take(MOST_DIFFERENCES) {
            say_line(format_args!("{line}"));
        }
    }
    let rows = thousands(&rows.to_string());
    say_line(format_args!(
        "{partitions} partitions with {manifests} manifests and {files} files, {rows} rows; \
         {compared} held against the database; {} differences, in {}",
        differences.len(),
        lake.name(),
    ));
}

impl From<LakeError> for Failure {
    fn from(error: LakeError) -> Self {
        let text = error.to_string();
        match error {
            LakeError::Store(error) => error.into(),
            LakeError::Address(_) => Self::new(Exit::Configuration, text).hint(
                "give a folder or s3://, gs://, az://; credentials go into the environment, such \
                 as AWS_ACCESS_KEY_ID",
            ),
            LakeError::Folder { .. } => Self::new(Exit::Failed, text).hint(
                "is the volume mounted, and may this user write there? The systemd unit has \
                 ReadWritePaths= for folders outside /var/lib/agora-usage",
            ),
            LakeError::NotThere(_) => Self::new(Exit::Failed, text)
                .hint("is the address right? `agora-usage lake export` makes the folder"),
            LakeError::Contended(_) => Self::new(Exit::Failed, text).hint("run it again"),
            LakeError::Manifest { .. } => Self::new(Exit::Failed, text)
                .hint("nothing was written; `agora-usage lake verify` lists what does not agree"),
            _ => Self::new(Exit::Failed, text),
        }
    }
}
