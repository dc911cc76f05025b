//! The program from outside: the built binary against a scripted or simulated
//! platform and a real PostgreSQL, its output, its files and its tables.

#![expect(
    clippy::disallowed_methods,
    reason = "the tests speak to the server itself, without a pooler"
)]
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by a panic; the exception for tests leaves out the functions that they share"
)]

mod api;
mod backfill;
mod backup;
mod bill;
mod bill_adjust;
mod bill_close;
mod bill_compare;
mod bill_explain;
mod bill_in_force;
mod bill_restated;
mod browser;
mod cases;
mod chaos;
mod check;
mod daemon;
mod demo;
mod deploy;
mod dictionary;
mod documented_bodies;
mod failures;
mod figures_agree;
mod forecast;
mod found_faults;
mod help;
mod hostile;
mod http;
mod interrupted;
mod lake;
mod lake_interrupted;
mod lake_lost;
mod lake_object_store;
mod lake_settings;
mod many_accounts;
mod observe;
mod occupancy;
mod odd_values;
mod pgbouncer;
mod query;
mod query_plans;
mod reader_roles;
mod readers;
mod reconcile;
mod reconcile_causes;
mod reload;
mod report_files;
mod report_history;
mod report_ranges;
mod resale;
mod secrets;
mod service_manager;
mod simulator;
mod store;
mod support;
mod sweep;
mod sync;
mod tls;
mod two_daemons;
mod v1;
