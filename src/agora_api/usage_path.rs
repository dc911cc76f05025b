//! The path of a usage request that was made, for people who look behind a figure.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::usage_v3::business;
use crate::domain::{DateRange, ProjectId, Service, UsageSource};

/// Method, path and query, such as `GET /dev/v3/usage?project_id=...`.
#[must_use]
pub fn usage_path(
    source: UsageSource,
    project_id: Option<&ProjectId>,
    service: Service,
    range: DateRange,
) -> String {
    let id = project_id.map(|id| utf8_percent_encode(id.as_str(), NON_ALPHANUMERIC).to_string());
    let days = format!("from_date={}&to_date={}", range.first(), range.last());
    match source {
        UsageSource::V1 => {
            let projects = id.map(|id| format!("&projects={id}")).unwrap_or_default();
            format!("GET /dev/v1/usage/?{days}{projects}")
        }
        UsageSource::V3 => {
            let (id, business) = (id.unwrap_or_default(), business(service));
            format!("GET /dev/v3/usage?project_id={id}&{days}&business={business}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Month;

    #[test]
    fn the_path_is_the_one_that_was_asked() {
        let (id, month) = (ProjectId::new("P1").expect("id"), Month::parse("2031-02"));
        let days = month.expect("month").days();
        let path = |source, id| usage_path(source, id, Service::Rtc, days);
        assert_eq!(
            path(UsageSource::V3, Some(&id)),
            "GET /dev/v3/usage?project_id=P1&from_date=2031-02-01&to_date=2031-02-28&business=default"
        );
        assert_eq!(
            path(UsageSource::V1, None),
            "GET /dev/v1/usage/?from_date=2031-02-01&to_date=2031-02-28"
        );
    }
}
