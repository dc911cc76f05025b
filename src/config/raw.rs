//! Settings as they are written, before they are checked.

use std::env;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use secrecy::SecretString;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::wording::{told, without_faults};
use super::{ConfigError, value};
use crate::outside_file::text_of;

const FILE_NAME: &str = "agora-usage.toml";

/// Of variables that set a key of the settings file.
const PREFIX: &str = "AGORA_USAGE_";

/// Variables with the program's prefix that are no settings of this list.
const OTHER_VARIABLES: [&str; 4] = ["NOW", "LOG", "LOG_FORMAT", "CONFIG"];

/// Every key of the settings file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSettings {
    database_url: Option<Secret>,
    pub(super) data_folder: Option<PathBuf>,
    pub(super) report_folder: Option<PathBuf>,
    pub(super) lake_url: Option<String>,
    #[serde(default)]
    pub(super) occupancy_archive: bool,
    pub(super) accounts_file: Option<PathBuf>,
    #[serde(default = "defaults::accounts_at_once")]
    pub(super) accounts_at_once: u32,
    #[serde(default = "defaults::look_back_days")]
    pub(super) look_back_days: u32,
    #[serde(default = "defaults::api_history_months")]
    pub(super) api_history_months: u32,
    #[serde(default = "defaults::requests_per_second")]
    pub(super) requests_per_second: u32,
    #[serde(default = "defaults::statistics_requests_per_second")]
    pub(super) statistics_requests_per_second: u32,
    #[serde(default = "defaults::workers")]
    pub(super) workers: u32,
    #[serde(default = "defaults::request_timeout_seconds")]
    pub(super) request_timeout_seconds: u64,
    #[serde(default = "defaults::attempts_per_host")]
    pub(super) attempts_per_host: u32,
    #[serde(default = "defaults::first_retry_wait_ms")]
    pub(super) first_retry_wait_ms: u64,
    #[serde(default = "defaults::max_body_bytes")]
    pub(super) max_body_bytes: usize,
    #[serde(default = "defaults::channel_page_size")]
    pub(super) channel_page_size: u32,
    #[serde(default = "defaults::channel_retention_days")]
    pub(super) channel_retention_days: u32,
    #[serde(default)]
    pub(super) allow_http: bool,
    pub(super) ca_file: Option<PathBuf>,
    #[serde(default)]
    pub(super) schedule: std::collections::BTreeMap<String, String>,
    #[serde(default = "defaults::listen_address")]
    pub(super) listen_address: String,
    pub(super) allowed_hosts: Option<Names>,
    alert_webhook_url: Option<Secret>,
    alert_webhook_url_file: Option<PathBuf>,
    dead_man_ping_url: Option<Secret>,
    dead_man_ping_url_file: Option<PathBuf>,
    #[serde(default = "defaults::no_success_hours")]
    pub(super) no_success_hours: u32,
    pub(super) anomaly_floor: Option<String>,
    #[serde(default)]
    pub(super) budget: Vec<super::outlook::RawBudget>,
    #[serde(default)]
    pub(super) account: Vec<RawAccount>,
    // Keys of the account `default`, and defaults of the others. Listed here
    // rather than flattened, since flattening would let unknown keys pass.
    customer_id: Option<String>,
    customer_secret: Option<Secret>,
    customer_secret_file: Option<PathBuf>,
    base_url: Option<String>,
    usage_api: Option<String>,
    services: Option<Names>,
    plan: Option<String>,
    price_book: Option<String>,
    price_books: Option<Names>,
    sell_price_books: Option<Names>,
    #[serde(skip)]
    pub(super) defaults: RawAccount,
    /// The settings file that was read, if any.
    #[serde(skip)]
    file: Option<PathBuf>,
}

/// Keys of an `[[account]]` table.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAccount {
    pub(super) name: Option<String>,
    pub(super) customer_id: Option<String>,
    customer_secret: Option<Secret>,
    customer_secret_file: Option<PathBuf>,
    /// Name of a variable that holds the secret.
    customer_secret_env: Option<String>,
    pub(super) base_url: Option<String>,
    pub(super) usage_api: Option<String>,
    pub(super) services: Option<Names>,
    pub(super) plan: Option<String>,
    price_book: Option<String>,
    price_books: Option<Names>,
    pub(super) sell_price_books: Option<Names>,
    pub(super) requests_per_second: Option<u32>,
    pub(super) statistics_requests_per_second: Option<u32>,
}

/// Defaults, each with its reason in the README.
mod defaults {
    pub(super) const fn look_back_days() -> u32 {
        7
    }
    pub(super) const fn api_history_months() -> u32 {
        12
    }
    /// One below the documented 10, so that a clock that differs a little does no harm.
    pub(super) const fn requests_per_second() -> u32 {
        9
    }
    /// Two below the documented 20.
    pub(super) const fn statistics_requests_per_second() -> u32 {
        18
    }
    /// A thousand accounts of twenty projects have their snapshots within the minute.
    pub(super) const fn accounts_at_once() -> u32 {
        32
    }
    pub(super) const fn workers() -> u32 {
        8
    }
    /// The platform advises 20 s or more.
    pub(super) const fn request_timeout_seconds() -> u64 {
        30
    }
    pub(super) const fn attempts_per_host() -> u32 {
        4
    }
    pub(super) const fn first_retry_wait_ms() -> u64 {
        1_000
    }
    pub(super) const fn max_body_bytes() -> usize {
        256 * 1024 * 1024
    }
    pub(super) const fn channel_page_size() -> u32 {
        500
    }
    pub(super) const fn channel_retention_days() -> u32 {
        14
    }
    /// The machine's own address, on the port that Prometheus' exporters are used to.
    pub(super) fn listen_address() -> String {
        "127.0.0.1:9464".to_owned()
    }
    /// Two hours more than from one usage run to the next.
    pub(super) const fn no_success_hours() -> u32 {
        8
    }
}

/// Many times what settings take.
const MOST_SETTINGS_BYTES: u64 = 1024 * 1024;

/// A secret is a line.
const MOST_SECRET_BYTES: u64 = 64 * 1024;

/// A text that must not be printed.
#[derive(Debug, Clone)]
struct Secret(SecretString);

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The usual error would quote the value.
        match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(text) => Ok(Self(text.into())),
            _ => Err(D::Error::custom("a secret must be a text in quotes")),
        }
    }
}

/// A list of names, or one text with commas, as variables have it.
#[derive(Debug, Clone)]
pub(super) struct Names(pub(super) Vec<String>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            List(Vec<String>),
            Text(String),
        }
        Ok(Self(match Written::deserialize(deserializer)? {
            Written::List(names) => names,
            Written::Text(text) => text.split(',').map(|name| name.trim().to_owned()).collect(),
        }))
    }
}

impl RawSettings {
    pub(super) fn database_url(&self) -> Option<SecretString> {
        self.database_url.as_ref().map(|url| url.0.clone())
    }

    /// The operator's webhook, from the settings or from the file that they name.
    pub(super) fn alert_webhook_url(&self) -> Result<Option<SecretString>, ConfigError> {
        own_or_in_file(self.alert_webhook_url.as_ref(), self.alert_webhook_url_file.as_deref())
    }

    /// The address of the dead-man ping, likewise.
    pub(super) fn dead_man_ping_url(&self) -> Result<Option<SecretString>, ConfigError> {
        own_or_in_file(self.dead_man_ping_url.as_ref(), self.dead_man_ping_url_file.as_deref())
    }

    /// Where a key is set, to follow an error: ` (set by AGORA_USAGE_PLAN)`, or the file.
    pub(super) fn source_of(&self, key: &str) -> String {
        let variable = format!("AGORA_USAGE_{}", key.to_uppercase());
        match &self.file {
            _ if env::var_os(&variable).is_some_and(|text| !text.is_empty()) => {
                format!(" (set by {variable})")
            }
            Some(file) => format!(" (set in {})", file.display()),
            None => String::new(),
        }
    }

    /// Where the accounts of the settings are described, to follow their name.
    pub(super) fn described_in(&self) -> String {
        self.file.as_ref().map_or_else(String::new, |file| format!(" (in {})", file.display()))
    }

    /// Where further accounts are described, likewise.
    pub(super) fn accounts_described_in(&self) -> String {
        let file = self.accounts_file.as_ref();
        file.map_or_else(String::new, |file| format!(" (in {})", file.display()))
    }

    fn with_defaults(mut self) -> Self {
        self.defaults = RawAccount {
            name: None,
            customer_id: self.customer_id.clone(),
            customer_secret: self.customer_secret.clone(),
            customer_secret_file: self.customer_secret_file.clone(),
            customer_secret_env: None,
            base_url: self.base_url.clone(),
            usage_api: self.usage_api.clone(),
            services: self.services.clone(),
            plan: self.plan.clone(),
            price_book: self.price_book.clone(),
            price_books: self.price_books.clone(),
            sell_price_books: self.sell_price_books.clone(),
            requests_per_second: None,
            statistics_requests_per_second: None,
        };
        self
    }
}

impl RawAccount {
    /// The secret, from the settings, or from the file or variable that they name.
    pub(super) fn secret(&self) -> Result<Option<SecretString>, ConfigError> {
        if let (None, None, Some(name)) =
            (&self.customer_secret, &self.customer_secret_file, &self.customer_secret_env)
        {
            let secret = variable_text(name)?;
            let missing = || value(format!("customer_secret_env: the variable {name} is not set"));
            return Ok(Some(secret.ok_or_else(missing)?.into()));
        }
        own_or_in_file(self.customer_secret.as_ref(), self.customer_secret_file.as_deref())
    }

    /// The price books that are named here, one or several.
    pub(super) fn price_books(&self) -> Result<Option<Vec<String>>, ConfigError> {
        match (&self.price_book, &self.price_books) {
            (Some(_), Some(_)) => {
                Err(value("price_book and price_books are both set; use one of them".to_owned()))
            }
            (Some(book), None) => Ok(Some(vec![book.clone()])),
            (None, books) => Ok(books.as_ref().map(|names| names.0.clone())),
        }
    }
}

fn own_or_in_file(
    own: Option<&Secret>,
    file: Option<&Path>,
) -> Result<Option<SecretString>, ConfigError> {
    match (own, file) {
        (Some(secret), _) => Ok(Some(secret.0.clone())),
        (None, Some(path)) => Ok(Some(secret_in(path)?)),
        (None, None) => Ok(None),
    }
}

fn secret_in(path: &Path) -> Result<SecretString, ConfigError> {
    let text = text_of(path, MOST_SECRET_BYTES)
        .map_err(|why| value(format!("the secret file {} {why}", path.display())))?;
    Ok(text.trim_end_matches(['\r', '\n']).into())
}

/// Reads a settings file's text alone.
pub(super) fn from_text(text: &str) -> Result<RawSettings, ConfigError> {
    without_faults(text).map_err(|why| value(format!("settings: {why}")))?;
    let raw: RawSettings = Figment::from(Toml::string(text)).extract().map_err(told)?;
    Ok(raw.with_defaults())
}

/// Reads file and environment into one.
pub(super) fn read(file: Option<&Path>) -> Result<RawSettings, ConfigError> {
    let mut figment = Figment::new();
    let file = match file {
        Some(path) if path.exists() && !path.is_file() => {
            let shown = path.display();
            return Err(value(format!(
                "the settings file {shown} is a folder or no ordinary file"
            )));
        }
        Some(path) if !path.is_file() => {
            return Err(value(format!(
                "the settings file {} is not there; `agora-usage init --file {0}` writes one",
                path.display()
            )));
        }
        Some(path) => Some(path.to_path_buf()),
        None => usual_files().into_iter().find(|path| path.is_file()),
    };
    if let Some(path) = &file {
        let text = text_of(path, MOST_SETTINGS_BYTES)
            .map_err(|why| value(format!("the settings file {} {why}", path.display())))?;
        without_faults(&text)
            .map_err(|why| value(format!("the settings file {}, {why}", path.display())))?;
        figment = figment.merge(Toml::file_exact(path));
    }
    let empty = empty_variables();
    let variables = Env::prefixed(PREFIX).ignore(&OTHER_VARIABLES);
    figment = figment.merge(variables.filter(move |key| !empty.iter().any(|name| key == name)));
    // Taken as plain texts: the usual reading would make a number of a secret of digits.
    let plain = [
        ("AGORA_CUSTOMER_ID", "customer_id"),
        ("AGORA_CUSTOMER_SECRET", "customer_secret"),
        ("AGORA_CUSTOMER_SECRET_FILE", "customer_secret_file"),
        ("AGORA_BASE_URL", "base_url"),
        ("DATABASE_URL", "database_url"),
    ];
    for (variable, key) in plain {
        if let Some(text) = variable_text(variable)? {
            figment = figment.merge(Serialized::default(key, text));
        }
    }
    if let Some(path) = variable_text("DATABASE_URL_FILE")? {
        use secrecy::ExposeSecret;
        let url = secret_in(Path::new(&path))?;
        figment = figment.merge(Serialized::default("database_url", url.expose_secret()));
    }
    let raw: RawSettings = figment.extract().map_err(told)?;
    Ok(RawSettings { file, ..raw.with_defaults() })
}

/// A variable's text; an empty one counts as not set.
fn variable_text(name: &str) -> Result<Option<String>, ConfigError> {
    match env::var(name) {
        Ok(text) if text.is_empty() => Ok(None),
        Ok(text) => Ok(Some(text)),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => {
            Err(value(format!("the variable {name} is not valid UTF-8")))
        }
    }
}

/// Keys whose variable is empty, which counts as not set: containers pass on what is not there.
fn empty_variables() -> Vec<String> {
    let is_empty = |(_, text): &(std::ffi::OsString, std::ffi::OsString)| text.is_empty();
    let names = env::vars_os().filter(is_empty).filter_map(|(name, _)| name.into_string().ok());
    names
        .filter_map(|name| {
            let (prefix, key) = name.split_at_checked(PREFIX.len())?;
            prefix.eq_ignore_ascii_case(PREFIX).then(|| key.to_owned())
        })
        .collect()
}

/// Where a settings file is looked for; the first one counts.
fn usual_files() -> Vec<PathBuf> {
    let mut files = vec![PathBuf::from(FILE_NAME)];
    if let Ok(strategy) = etcetera::choose_base_strategy() {
        files.push(strategy.config_dir().join("agora-usage").join(FILE_NAME));
    }
    files.push(Path::new("/etc/agora-usage").join(FILE_NAME));
    files
}
