//! Settings: files, environment and flags, later ones beating earlier ones.
//!
//! Owns their names, defaults and checks. An error names the source of the
//! bad value; no error or debug output ever holds a secret.

mod account;
mod accounts_file;
mod bounds;
mod outlook;
mod raw;
mod restart;
mod wording;

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};

use crate::agora_api::webhook::HookUrl;
use crate::authorities::Authorities;
use crate::domain::AccountId;
use crate::lake::LakeUrl;
use crate::observe::AllowedHosts;
use crate::rating::{PriceBookError, PriceBooksError};
use crate::store::DatabaseAddress;
use crate::store::cluster::{ClusterSettings, default_data_folder};
use raw::{RawAccount, RawSettings};

pub use account::{AccountSettings, price_book};

/// A settings file that explains every key and sets none.
pub const EXAMPLE: &str = include_str!("../deploy/agora-usage.example.toml");

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file or variable that cannot be read, or a value of the wrong kind.
    #[error("{0}")]
    Value(String),
    /// Credentials that an account needs and does not have, or the half that is missing.
    #[error("account '{account}' has no {missing}")]
    NoCredentials {
        /// The account.
        account: AccountId,
        /// `customer id and secret`, or one of them.
        missing: &'static str,
    },
    /// A secret that the settings name, and that is not where they say.
    #[error("the customer secret of account '{account}' cannot be had: {cause}")]
    NoSecret {
        /// The account.
        account: AccountId,
        /// The file or variable, and what is wrong with it.
        cause: String,
    },
    /// An account that nobody resells.
    #[error("account '{0}' has no sell_price_books")]
    NoSellPriceBook(AccountId),
    /// An account that the settings do not describe.
    #[error("account '{0}' is not in the settings")]
    UnknownAccount(String),
    /// A price book that cannot be used.
    #[error(transparent)]
    PriceBook(#[from] PriceBookError),
    /// Price books of which none, or more than one, holds for a month.
    #[error(transparent)]
    PriceBooks(#[from] PriceBooksError),
}

/// Everything that the program can be told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the database is.
    pub database: DatabaseAddress,
    /// Folder that reports are written into.
    pub report_folder: PathBuf,
    /// Schedules that replace those of jobs, by name.
    pub schedule: std::collections::BTreeMap<String, String>,
    /// How the daemon is seen from outside.
    pub observe: ObserveSettings,
    /// Whose certificates are trusted besides the machine's authorities.
    pub authorities: Authorities,
    /// Where the lake is, if there is one.
    pub lake_url: Option<LakeUrl>,
    /// Accounts on which jobs of one kind run at once, at least 1.
    pub accounts_at_once: usize,
    /// Accounts in the order of the settings, at least one.
    pub accounts: Vec<AccountSettings>,
}

/// How the daemon is seen from outside, and whom it tells.
#[derive(Debug, Clone)]
pub struct ObserveSettings {
    /// Where the HTTP side listens.
    pub listen_address: SocketAddr,
    /// Names under which it answers, besides the machine's own.
    pub allowed_hosts: AllowedHosts,
    /// Where operators are told of events; by the log alone without one.
    pub alert_webhook: Option<HookUrl>,
    /// Where each good usage run is told.
    pub dead_man_ping: Option<HookUrl>,
    /// Hours after a scheduled time within which a run must have succeeded.
    pub no_success_hours: u32,
    /// Whose certificates are trusted besides the machine's authorities.
    pub authorities: Authorities,
}

impl ConfigError {
    /// Whether it is about the credentials of one account, so that others can go on.
    #[must_use]
    pub const fn is_of_one_account(&self) -> bool {
        matches!(self, Self::NoCredentials { .. } | Self::NoSecret { .. })
    }
}

impl Settings {
    /// Reads the settings: `file` or the first of the usual files, then the environment.
    ///
    /// # Errors
    /// [`ConfigError::Value`] naming the source of the bad value.
    pub fn load(file: Option<&Path>, database_url: Option<&str>) -> Result<Self, ConfigError> {
        let raw = raw::read(file)?;
        Self::resolve(&raw, database_url)
    }

    /// Settings of a text alone, without the environment.
    pub(crate) fn from_text(text: &str) -> Result<Self, ConfigError> {
        Self::resolve(&raw::from_text(text)?, None)
    }

    fn resolve(raw: &RawSettings, database_url: Option<&str>) -> Result<Self, ConfigError> {
        bounds::check(raw)?;
        let database = match database_url.map(SecretString::from).or_else(|| raw.database_url()) {
            Some(url) => DatabaseAddress::Given(url),
            None => DatabaseAddress::Private(ClusterSettings {
                data_folder: raw.data_folder.clone().unwrap_or_else(default_data_folder),
                durable: true,
            }),
        };
        let report_folder = raw.report_folder.clone().unwrap_or_else(|| PathBuf::from("reports"));
        let authorities = raw.ca_file.as_deref().map(Authorities::read).transpose();
        let authorities = authorities
            .map_err(|why| value(format!("ca_file: {why}{}", raw.source_of("ca_file"))))?
            .unwrap_or_default();
        let accounts = accounts(raw, &authorities)?;
        Ok(Self {
            database,
            report_folder,
            schedule: raw.schedule.clone(),
            observe: ObserveSettings::resolve(raw, authorities.clone())?,
            authorities,
            lake_url: lake_url(raw)?,
            accounts_at_once: usize::try_from(raw.accounts_at_once.max(1)).unwrap_or(1),
            accounts,
        })
    }

    /// The account of that name, or every account without a name.
    ///
    /// # Errors
    /// [`ConfigError::UnknownAccount`].
    pub fn chosen(&self, name: Option<&str>) -> Result<Vec<&AccountSettings>, ConfigError> {
        let Some(name) = name else { return Ok(self.accounts.iter().collect()) };
        let chosen = self.accounts.iter().find(|settings| settings.account.as_str() == name);
        chosen
            .map(|settings| vec![settings])
            .ok_or_else(|| ConfigError::UnknownAccount(name.to_owned()))
    }
}

impl ObserveSettings {
    fn resolve(raw: &RawSettings, authorities: Authorities) -> Result<Self, ConfigError> {
        let listen_address = raw.listen_address.parse().map_err(|_| {
            value(format!(
                "listen_address = '{}' is not an address and port; write 127.0.0.1:9464{}",
                raw.listen_address,
                raw.source_of("listen_address")
            ))
        })?;
        // An empty variable is none.
        let names = raw.allowed_hosts.as_ref().filter(|names| names.0 != [""]);
        let names = names.map_or(&[][..], |names| &names.0);
        let allowed_hosts = AllowedHosts::new(names).map_err(|name| {
            value(format!(
                "allowed_hosts: '{name}' is not the name of a host; write usage.example.com, \
                 without scheme and port"
            ))
        })?;
        let hook = |key: &str, url: Option<SecretString>| {
            url.map(|url| HookUrl::parse(url.expose_secret()))
                .transpose()
                .map_err(|why| value(format!("{key} cannot be used: {why}")))
        };
        Ok(Self {
            listen_address,
            allowed_hosts,
            alert_webhook: hook("alert_webhook_url", raw.alert_webhook_url()?)?,
            dead_man_ping: hook("dead_man_ping_url", raw.dead_man_ping_url()?)?,
            no_success_hours: raw.no_success_hours,
            authorities,
        })
    }
}

/// The accounts of the settings and of the file that they name, at least one.
fn accounts(
    raw: &RawSettings,
    authorities: &Authorities,
) -> Result<Vec<AccountSettings>, ConfigError> {
    let (mut accounts, mut names) = (Vec::new(), BTreeSet::new());
    let has_none = raw.account.is_empty() && raw.accounts_file.is_none();
    if has_none || raw.defaults.customer_id.is_some() {
        let default = AccountId::new("default").map_err(|e| value(e.to_string()))?;
        names.insert(default.clone());
        let own = RawAccount::default();
        accounts.push(AccountSettings::resolve(default, &own, raw, authorities, "")?);
    }
    let listed = raw.accounts_file.as_deref().map(accounts_file::read).transpose()?;
    let listed = listed.unwrap_or_default();
    let (of_settings, of_file) = (raw.described_in(), raw.accounts_described_in());
    let own = raw.account.iter().map(|own| (own, &of_settings));
    for (own, described_in) in own.chain(listed.iter().map(|own| (own, &of_file))) {
        let name = own.name.as_deref().unwrap_or_default();
        let account = AccountId::new(name).map_err(|error| {
            value(format!("'{name}' is not a name for an account: {error}{described_in}"))
        })?;
        if !names.insert(account.clone()) {
            return Err(value(format!("account '{account}' is described twice{described_in}")));
        }
        let wrong = |error| match error {
            ConfigError::Value(why) => value(format!("account '{name}'{described_in}: {why}")),
            other => other,
        };
        let resolved = AccountSettings::resolve(account, own, raw, authorities, described_in);
        accounts.push(resolved.map_err(wrong)?);
    }
    let of_budgets = raw.budget.iter().filter_map(outlook::RawBudget::account);
    if let Some(name) =
        of_budgets.into_iter().find(|name| accounts.iter().all(|own| own.account.as_str() != *name))
    {
        return Err(value(format!("budget: account '{name}' is not in the settings")));
    }
    if accounts.is_empty() {
        return Err(value("accounts_file names no account".to_owned()));
    }
    refuse_doubled(&accounts)?;
    Ok(accounts)
}

/// The platform limits a customer's requests: two accounts of one customer would go beyond
/// the limit together, and count everything twice.
fn refuse_doubled(accounts: &[AccountSettings]) -> Result<(), ConfigError> {
    let mut seen: HashMap<(&str, &Url), &AccountId> = HashMap::new();
    for settings in accounts {
        let account = &settings.account;
        for (customer_id, host) in settings.counted_at() {
            match seen.insert((customer_id, host), account) {
                // A host that is listed twice is no second account.
                Some(other) if other != account => {
                    return Err(value(format!(
                        "accounts '{other}' and '{account}' have the same customer_id at {host}: \
                         their usage would be counted twice; keep one of them"
                    )));
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// How many accounts a CSV or TOML text describes.
pub(crate) fn accounts_of(text: &str, is_csv: bool) -> Result<usize, String> {
    accounts_file::from_text(text, is_csv).map(|accounts| accounts.len())
}

/// The lake's address; needed where channels are to be kept until they are there.
fn lake_url(raw: &RawSettings) -> Result<Option<LakeUrl>, ConfigError> {
    let url = raw.lake_url.as_deref().map(LakeUrl::parse).transpose();
    let url = url.map_err(|error| {
        value(format!("lake_url cannot be used: {error}{}", raw.source_of("lake_url")))
    })?;
    if url.is_none() && raw.occupancy_archive {
        return Err(value(
            "occupancy_archive = true needs a lake_url: channels would be kept for ever".to_owned(),
        ));
    }
    Ok(url)
}

fn value(message: String) -> ConfigError {
    ConfigError::Value(message)
}

#[cfg(test)]
mod tests;
