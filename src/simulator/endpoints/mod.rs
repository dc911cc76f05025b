//! One file a path: reads the parameters and writes the body.
//!
//! Owns the shape of each answer, of the API's present year. The numbers come
//! from the modules above; what all calls share is checked by the server.

pub(super) mod channels;
pub(super) mod projects;
pub(super) mod usage_v1;
pub(super) mod usage_v3;

use axum::extract::Query;
use axum::extract::rejection::QueryRejection;

use super::answer::Refusal;
use crate::domain::DateRange;
use crate::domain::period::parse_day;

/// Reads `from_date` and `to_date`, both included.
fn asked_days(from_date: Option<&str>, to_date: Option<&str>) -> Result<DateRange, Refusal> {
    let day = |name, text: Option<&str>| {
        let day = text.and_then(|text| parse_day(text).ok());
        day.ok_or_else(|| Refusal::bad_request(format!("{name} must be YYYY-MM-DD")))
    };
    DateRange::new(day("from_date", from_date)?, day("to_date", to_date)?)
        .map_err(|_| Refusal::bad_request("from_date must not be after to_date"))
}

/// The parameters, or a refusal in the API's own shape.
fn parameters<T>(query: Result<Query<T>, QueryRejection>) -> Result<T, Refusal> {
    query.map(|Query(query)| query).map_err(|error| Refusal::bad_request(error.body_text()))
}
