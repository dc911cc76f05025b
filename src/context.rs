//! What a command runs with: settings, clock, and the way to the database.

use std::path::Path;

use crate::agora_api::{AgoraApi, SharedClients};
use crate::clock::{Clock, NOW_VARIABLE};
use crate::config::{AccountSettings, ConfigError, Settings};
use crate::store::{Store, StoreError};

/// Accounts with their clients.
pub type AccountClients<'a> = Vec<(&'a AccountSettings, AgoraApi)>;

/// Settings and clock of a run.
#[derive(Debug)]
pub struct Context {
    /// Settings of files, environment and flags.
    pub settings: Settings,
    /// The time of day.
    pub clock: Clock,
    clients: SharedClients,
}

impl Context {
    /// Reads settings and clock; `config` and `database_url` are those of the command line.
    ///
    /// # Errors
    /// [`ConfigError`] naming the source of the bad value.
    pub fn load(config: Option<&Path>, database_url: Option<&str>) -> Result<Self, ConfigError> {
        let settings = Settings::load(config, database_url)?;
        Ok(Self { settings, clock: clock()?, clients: SharedClients::default() })
    }

    /// Opens the database and brings its schema up to date.
    ///
    /// # Errors
    /// [`StoreError`] when there is no way to a database of the right version.
    pub async fn open_store(&self) -> Result<Store, StoreError> {
        const CONNECTIONS: u32 = 4;
        Store::open(&self.settings.database, CONNECTIONS).await
    }

    /// Opens the database to read from it; changes nothing.
    ///
    /// # Errors
    /// [`StoreError`] when there is no way to a database that holds anything.
    pub async fn open_store_for_reading(&self) -> Result<Store, StoreError> {
        Store::open_for_reading(&self.settings.database, 1).await
    }

    /// Opens the database whatever is in it; changes nothing.
    ///
    /// # Errors
    /// [`StoreError`] when there is no way to a database.
    pub async fn open_store_as_it_is(&self) -> Result<Store, StoreError> {
        Store::open_as_it_is(&self.settings.database, 2).await
    }

    /// Clients of the accounts; those whose credentials are missing are left out, with the reason.
    /// Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`ConfigError`] when none is left, or when a client cannot be set up.
    pub fn apis<'a>(
        &self,
        accounts: impl IntoIterator<Item = &'a AccountSettings>,
    ) -> Result<(AccountClients<'a>, Vec<ConfigError>), ConfigError> {
        let (mut clients, mut left_out) = (Vec::new(), Vec::new());
        for account in accounts {
            match self.api(account) {
                Ok(api) => clients.push((account, api)),
                Err(error) if error.is_of_one_account() => left_out.push(error),
                Err(error) => return Err(error),
            }
        }
        match left_out.pop() {
            Some(only) if clients.is_empty() => Err(left_out.into_iter().next().unwrap_or(only)),
            last => {
                left_out.extend(last);
                Ok((clients, left_out))
            }
        }
    }

    /// A client of the account. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`ConfigError`] without credentials.
    pub fn api(&self, account: &AccountSettings) -> Result<AgoraApi, ConfigError> {
        AgoraApi::sharing(account.api_settings()?, &self.clients).map_err(ConfigError::Value)
    }
}

/// The clock that the environment asks for.
///
/// # Errors
/// [`ConfigError`] for a text that is no time.
pub fn clock() -> Result<Clock, ConfigError> {
    let text = std::env::var(NOW_VARIABLE).ok();
    Clock::from_setting(text.as_deref())
        .map_err(|error| ConfigError::Value(format!("{NOW_VARIABLE}: {error}")))
}
