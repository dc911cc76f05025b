//! What the settings say about one account.

use std::path::Path;
use std::time::Duration;

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};

use super::raw::{RawAccount, RawSettings};
use super::{ConfigError, outlook, value};
use crate::account_outlook::OutlookSettings;
use crate::agora_api::ApiSettings;
use crate::authorities::Authorities;
use crate::collect::CollectSettings;
use crate::collect::due::DuePolicy;
use crate::domain::{AccountId, Month, Service, UsageSource};
use crate::outside_file::text_of;
use crate::rating::{PriceBook, PriceBooks};

/// Many times what a contract takes.
const MOST_BOOK_BYTES: u64 = 1024 * 1024;

/// Hosts of the platform, tried in this order.
const DEFAULT_HOSTS: &str = "https://api.agora.io,https://api.sd-rtn.com";

/// What the settings say about one account.
#[derive(Debug, Clone)]
pub struct AccountSettings {
    /// Its name.
    pub account: AccountId,
    /// Customer id and secret, or what is missing where only stored data are used.
    credentials: Result<(String, SecretString), Missing>,
    pub(super) hosts: Vec<Url>,
    limits: ApiLimits,
    authorities: Authorities,
    /// What to ask for and how.
    pub collect: CollectSettings,
    /// Plan whose built-in price book holds where `price_books` is empty.
    pub plan: String,
    /// Where the plan is set, for errors.
    plan_source: String,
    /// Days for which single channels are kept; hourly sums are kept for ever.
    pub channel_retention_days: u32,
    /// Budgets, and how odd a day must be.
    pub outlook: OutlookSettings,
    /// Price books that replace the plan's own: files, or names of built-in books.
    pub price_books: Vec<String>,
    /// Price books that a customer pays by: files, or names of built-in books; empty: nobody does.
    pub sell_price_books: Vec<String>,
    /// Whether channels stay, beyond their days, until the lake holds them.
    pub occupancy_archive: bool,
}

/// Why there are no credentials.
#[derive(Debug, Clone)]
enum Missing {
    /// What the settings do not have.
    Given(&'static str),
    /// What became of the file or variable that should hold the secret.
    Secret(String),
}

/// Paces and bounds of calls.
#[derive(Debug, Clone, Copy)]
struct ApiLimits {
    requests_per_second: u32,
    statistics_requests_per_second: u32,
    request_timeout: Duration,
    attempts_per_host: u32,
    first_retry_wait: Duration,
    max_body_bytes: usize,
}

impl AccountSettings {
    pub(super) fn resolve(
        account: AccountId,
        own: &RawAccount,
        raw: &RawSettings,
        authorities: &Authorities,
        described_in: &str,
    ) -> Result<Self, ConfigError> {
        let common = &raw.defaults;
        let is_default = own.name.is_none();
        let identity = if is_default { common } else { own };
        // Failing by itself: the other accounts, and stored data, need no secret of this one.
        let credentials = match identity.secret() {
            Ok(secret) => credentials(identity.customer_id.clone(), secret)?,
            Err(error) => Err(Missing::Secret(format!("{error}{described_in}"))),
        };
        let text = |of: fn(&RawAccount) -> Option<&String>| of(own).or_else(|| of(common)).cloned();
        let base_url = text(|raw| raw.base_url.as_ref()).unwrap_or_else(|| DEFAULT_HOSTS.into());
        let usage_api = text(|raw| raw.usage_api.as_ref()).unwrap_or_else(|| "v3".into());
        let source = UsageSource::from_name(&usage_api).ok_or_else(|| {
            let source = raw.source_of("usage_api");
            value(format!("usage_api = '{usage_api}' is not known; use v3 or v1{source}"))
        })?;
        let services = own.services.as_ref().or(common.services.as_ref());
        let outlook = outlook::resolve(&account, &raw.budget, raw.anomaly_floor.as_deref())?;
        Ok(Self {
            account,
            outlook,
            credentials,
            hosts: hosts(&base_url, raw.allow_http)?,
            limits: ApiLimits {
                requests_per_second: own.requests_per_second.unwrap_or(raw.requests_per_second),
                statistics_requests_per_second: own
                    .statistics_requests_per_second
                    .unwrap_or(raw.statistics_requests_per_second),
                request_timeout: Duration::from_secs(raw.request_timeout_seconds.max(1)),
                attempts_per_host: raw.attempts_per_host.max(1),
                first_retry_wait: Duration::from_millis(raw.first_retry_wait_ms),
                max_body_bytes: raw.max_body_bytes,
            },
            authorities: authorities.clone(),
            collect: CollectSettings {
                source,
                services: services_of(
                    services.map(|list| list.0.as_slice()),
                    &raw.source_of("services"),
                )?,
                only_projects: std::collections::BTreeSet::new(),
                policy: DuePolicy {
                    look_back_days: raw.look_back_days,
                    api_history_months: raw.api_history_months,
                    again: false,
                },
                workers: usize::try_from(raw.workers.max(1)).unwrap_or(1),
                page_size: raw.channel_page_size.clamp(1, 500),
            },
            channel_retention_days: raw.channel_retention_days,
            occupancy_archive: raw.occupancy_archive,
            plan: text(|raw| raw.plan.as_ref()).unwrap_or_else(|| "tiered".into()),
            plan_source: raw.source_of("plan"),
            price_books: match own.price_books()? {
                Some(books) => books,
                None => common.price_books()?.unwrap_or_default(),
            },
            sell_price_books: own
                .sell_price_books
                .as_ref()
                .or(common.sell_price_books.as_ref())
                .map(|names| names.0.clone())
                .unwrap_or_default(),
        })
    }

    /// The price book that holds for a month.
    ///
    /// # Errors
    /// [`ConfigError`] where none does, and as [`AccountSettings::price_books`].
    pub fn price_book(&self, month: Month) -> Result<PriceBook, ConfigError> {
        Ok(self.price_books()?.in_force(month)?.clone())
    }

    /// Whether on-premise recording may be counted twice: usage v3 of `default`
    /// says that its video durations include it (API reference, 2020).
    #[must_use]
    pub fn may_count_recording_twice(&self) -> bool {
        let services = self.collect.askable_services();
        services.contains(&Service::Rtc) && services.contains(&Service::Recording)
    }

    /// Customer id and hosts, of which the platform counts the requests; none without credentials.
    pub(super) fn counted_at(&self) -> impl Iterator<Item = (&str, &Url)> {
        let id = self.credentials.as_ref().ok().map(|(id, _)| id.as_str());
        id.into_iter().flat_map(|id| self.hosts.iter().map(move |host| (id, host)))
    }

    /// How to reach the platform as this account.
    ///
    /// # Errors
    /// [`ConfigError::NoCredentials`], and [`ConfigError::NoSecret`] for a file or
    /// variable that should hold the secret and does not.
    pub fn api_settings(&self) -> Result<ApiSettings, ConfigError> {
        let account = || self.account.clone();
        let (customer_id, customer_secret) =
            self.credentials.clone().map_err(|missing| match missing {
                Missing::Given(missing) => {
                    ConfigError::NoCredentials { account: account(), missing }
                }
                Missing::Secret(cause) => ConfigError::NoSecret { account: account(), cause },
            })?;
        Ok(ApiSettings {
            hosts: self.hosts.clone(),
            customer_id,
            customer_secret,
            requests_per_second: self.limits.requests_per_second,
            statistics_requests_per_second: self.limits.statistics_requests_per_second,
            request_timeout: self.limits.request_timeout,
            attempts_per_host: self.limits.attempts_per_host,
            first_retry_wait: self.limits.first_retry_wait,
            retry_after_cap: Duration::from_mins(2),
            max_body_bytes: self.limits.max_body_bytes,
            authorities: self.authorities.clone(),
        })
    }

    /// The price books of the account: those of the settings, or the built-in one of its plan.
    ///
    /// # Errors
    /// [`ConfigError`] naming the file, the key and what is allowed, or two
    /// books that hold for the same month.
    pub fn price_books(&self) -> Result<PriceBooks, ConfigError> {
        let books = if self.price_books.is_empty() {
            let embedded = PriceBook::embedded(&self.plan).ok_or_else(|| {
                let known = PriceBook::embedded_plans().join(", ");
                let (plan, source) = (&self.plan, &self.plan_source);
                value(format!("plan = '{plan}' is not known; use one of {known}{source}"))
            })?;
            vec![embedded?]
        } else {
            self.price_books.iter().map(|name| price_book(name)).collect::<Result<_, _>>()?
        };
        Ok(PriceBooks::new(&self.account, books)?)
    }

    /// The price books that a customer pays by.
    ///
    /// # Errors
    /// [`ConfigError::NoSellPriceBook`] without any, and as [`AccountSettings::price_books`].
    pub fn sell_price_books(&self) -> Result<PriceBooks, ConfigError> {
        if self.sell_price_books.is_empty() {
            return Err(ConfigError::NoSellPriceBook(self.account.clone()));
        }
        let books = self.sell_price_books.iter().map(|name| price_book(name));
        Ok(PriceBooks::new(&self.account, books.collect::<Result<_, _>>()?)?)
    }
}

/// The built-in book of that name, or the one in that file.
///
/// # Errors
/// [`ConfigError`] when the file cannot be read or is no price book.
pub fn price_book(name: &str) -> Result<PriceBook, ConfigError> {
    if PriceBook::embedded_names().contains(&name)
        && let Some(embedded) = PriceBook::embedded(name)
    {
        return Ok(embedded?);
    }
    let text = text_of(Path::new(name), MOST_BOOK_BYTES).map_err(|why| {
        let built_in = PriceBook::embedded_names().join(", ");
        value(format!("price book {name} {why}; name a file, or a built-in book: {built_in}"))
    })?;
    Ok(PriceBook::parse(name, &text)?)
}

/// Both halves, or what is missing; an empty one counts as not given.
fn credentials(
    customer_id: Option<String>,
    secret: Option<SecretString>,
) -> Result<Result<(String, SecretString), Missing>, ConfigError> {
    let customer_id = customer_id.filter(|id| !id.is_empty());
    let secret = secret.filter(|secret| !secret.expose_secret().is_empty());
    // Basic authentication ends the user name at the first colon (RFC 7617).
    if customer_id.as_ref().is_some_and(|id| id.contains(':')) {
        return Err(value("customer_id holds a colon; give the secret in customer_secret".into()));
    }
    Ok(match (customer_id, secret) {
        (Some(customer_id), Some(secret)) => Ok((customer_id, secret)),
        (Some(_), None) => Err(Missing::Given("customer secret")),
        (None, Some(_)) => Err(Missing::Given("customer id")),
        (None, None) => Err(Missing::Given("customer id and secret")),
    })
}

/// The services of these names; `set_by` says in errors where the list is.
fn services_of(names: Option<&[String]>, set_by: &str) -> Result<Vec<Service>, ConfigError> {
    let Some(names) = names else {
        return Ok(vec![Service::Rtc, Service::CloudRecording, Service::Miniapp]);
    };
    let known = Service::ALL.map(Service::name).join(", ");
    let service = |name: &String| {
        Service::from_name(name.trim()).ok_or_else(|| {
            value(format!("services: '{name}' is not known; use some of {known}{set_by}"))
        })
    };
    let mut services = names.iter().map(service).collect::<Result<Vec<_>, _>>()?;
    services.sort_unstable();
    services.dedup();
    if services.is_empty() {
        return Err(value(format!("services: the list is empty; use some of {known}{set_by}")));
    }
    Ok(services)
}

/// Checks a comma list of hosts: HTTPS, or HTTP to this machine or where it is allowed.
pub(super) fn hosts(list: &str, allow_http: bool) -> Result<Vec<Url>, ConfigError> {
    let host = |text: &str| {
        let wrong = |why: &str| {
            value(format!("AGORA_BASE_URL (base_url) has a host that cannot be used: {why}"))
        };
        let url = Url::parse(text.trim())
            .map_err(|error| wrong(&format!("{error}; write it as https://api.agora.io")))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("credentials belong in AGORA_CUSTOMER_ID and AGORA_CUSTOMER_SECRET"));
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("write scheme, host and port without a path"));
        }
        let loopback = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        match url.scheme() {
            "https" => Ok(url),
            "http" if loopback || allow_http => Ok(url),
            "http" => Err(wrong(
                "http would send the secret in the clear; use https, or set allow_http = true",
            )),
            other => Err(wrong(&format!("'{other}' is not https"))),
        }
    };
    let hosts: Vec<Url> = list
        .split(',')
        .filter(|text| !text.trim().is_empty())
        .map(host)
        .collect::<Result<_, _>>()?;
    if hosts.is_empty() {
        return Err(value("AGORA_BASE_URL (base_url) names no host".to_owned()));
    }
    Ok(hosts)
}
