//! Tests that run all steps together, and what every test of rating needs.

mod cases;
mod open_points;
mod plans;
mod properties;
mod reference;
pub(super) mod support;
mod sweep;
