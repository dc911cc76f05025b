//! `agora-usage migrate`: bring the schema up to date, and let roles read it.

use super::failure::{Exit, Failure};
use super::print::say_line;
use crate::context::Context;
use crate::domain::{AccountId, IdError};
use crate::store::Store;
use crate::store::migrate::newest_version;
use crate::store::readers::{self, Granted, Reader, ReaderError};

/// Arguments of `migrate`.
#[derive(Debug, clap::Args)]
pub(super) struct MigrateArguments {
    /// Let a role of the database server read every table and view, and nothing else
    #[arg(long, value_name = "ROLE")]
    grant_reader: Option<String>,
    /// Account that the role sees, and no other; can be repeated [default: every account]
    #[arg(long, value_name = "ACCOUNT", requires = "grant_reader", value_parser = parse_account)]
    tenant: Vec<AccountId>,
    /// Create the role, without a password, where there is none
    #[arg(long, requires = "grant_reader")]
    create: bool,
}

fn parse_account(text: &str) -> Result<AccountId, IdError> {
    AccountId::new(text)
}

pub(super) async fn run(context: &Context, arguments: MigrateArguments) -> Result<Exit, Failure> {
    let store = context.open_store().await?;
    say_line(format_args!("the database is at migration {}", newest_version()));
    let MigrateArguments { grant_reader, tenant, create } = arguments;
    let granted = match grant_reader {
        Some(role) => grant(context, &store, Reader { role, accounts: tenant, create }).await,
        None => Ok(()),
    };
    store.close().await;
    granted.map(|()| Exit::Done)
}

async fn grant(context: &Context, store: &Store, reader: Reader) -> Result<(), Failure> {
    let planned: Vec<AccountId> =
        context.settings.accounts.iter().map(|settings| settings.account.clone()).collect();
    let Granted { is_new, relations } = readers::grant(store.pool(), &reader, &planned).await?;
    let role = &reader.role;
    if is_new {
        say_line(format_args!(
            "the role '{role}' was created without a password; set one in psql with \\password"
        ));
    }
    let names: Vec<&str> = reader.accounts.iter().map(AccountId::as_str).collect();
    let seen = match names.as_slice() {
        [] => "every account".to_owned(),
        names => format!("of accounts {} alone", names.join(", ")),
    };
    say_line(format_args!(
        "the role '{role}' may read {relations} tables and views, and sees {seen}"
    ));
    Ok(())
}

impl From<ReaderError> for Failure {
    fn from(error: ReaderError) -> Self {
        let message = error.to_string();
        match error {
            ReaderError::Name(_) => Self::new(Exit::Usage, message)
                .hint("name a role of your own, of 1 to 63 bytes; see \\du in psql"),
            ReaderError::NoSuchRole(_) => {
                Self::new(Exit::Failed, message).hint("create it, or add --create")
            }
            ReaderError::NoSuchAccount(_) => Self::new(Exit::Failed, message)
                .hint("give the name that the settings have for it, or fetch something for it"),
            ReaderError::CanDoMore { .. } => {
                Self::new(Exit::Failed, message).hint("take that from it, or use another role")
            }
            ReaderError::SeesMore { .. } => {
                Self::new(Exit::Failed, message).hint("end its membership, or use another role")
            }
            ReaderError::Store(error) => error.into(),
        }
    }
}
