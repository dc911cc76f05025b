//! What the tests stand on: a database each, a scripted platform, and the
//! program in a clean environment.

pub(crate) mod daemon;
pub(crate) mod database;
pub(crate) mod dice;
pub(crate) mod fake_api;
pub(crate) mod filled_lake;
pub(crate) mod object_server;
pub(crate) mod own_server;
pub(crate) mod pooler;
pub(crate) mod program;
pub(crate) mod raw_server;
pub(crate) mod reports;
pub(crate) mod server;
pub(crate) mod setup;
pub(crate) mod simulated;
pub(crate) mod tls;
pub(crate) mod two_accounts;
pub(crate) mod watched_lake;
pub(crate) mod world;
