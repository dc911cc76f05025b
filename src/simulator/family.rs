//! Families of calls: what shares a limit, an error body and faults.

/// Calls that share one limit (Agora's documentation, 2026: each online-statistics call has its own).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// Every project call.
    Projects,
    /// Usage of all versions.
    Usage,
    /// All calls about kicking rules.
    KickingRules,
    /// The list of live channels.
    Channels,
    /// The users of a channel.
    Users,
    /// A user's role.
    Roles,
    /// Whether a user is a co-host.
    CoHosts,
}

impl Family {
    pub(super) const ALL: [Self; 7] = [
        Self::Projects,
        Self::Usage,
        Self::KickingRules,
        Self::Channels,
        Self::Users,
        Self::Roles,
        Self::CoHosts,
    ];

    /// The name by which a fault aims at it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Projects => "projects",
            Self::Usage => "usage",
            Self::KickingRules => "kicking-rules",
            Self::Channels => "channels",
            Self::Users => "users",
            Self::Roles => "roles",
            Self::CoHosts => "co-hosts",
        }
    }

    /// Whether its limit is that of the online statistics.
    pub(super) const fn is_statistics(self) -> bool {
        matches!(self, Self::Channels | Self::Users | Self::Roles | Self::CoHosts)
    }
}

impl Family {
    /// The family of a request's path, with or without a slash at its end.
    pub(super) fn of_path(path: &str) -> Option<Self> {
        let rest = path.strip_prefix("/dev/v1/").or_else(|| path.strip_prefix("/dev/v3/"))?;
        let segments: Vec<_> = rest.trim_end_matches('/').split('/').collect();
        match segments[..] {
            [
                "projects" | "project" | "project_status" | "recording_config" | "signkey"
                | "reset_signkey",
            ] => Some(Self::Projects),
            ["usage"] => Some(Self::Usage),
            ["kicking-rule"] => Some(Self::KickingRules),
            ["channel", _] => Some(Self::Channels),
            ["channel", "user", "property", _, _, _] => Some(Self::Roles),
            ["channel", "user", ..] => Some(Self::Users),
            ["channel", "business", "hostin", ..] => Some(Self::CoHosts),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_has_its_family() {
        for (path, family) in [
            ("/dev/v1/projects/", Some(Family::Projects)),
            ("/dev/v1/reset_signkey", Some(Family::Projects)),
            ("/dev/v3/usage", Some(Family::Usage)),
            ("/dev/v1/kicking-rule/", Some(Family::KickingRules)),
            ("/dev/v1/channel/a", Some(Family::Channels)),
            ("/dev/v1/channel/user/a/c/hosts_only", Some(Family::Users)),
            ("/dev/v1/channel/user/property/a/1/c", Some(Family::Roles)),
            ("/dev/v1/channel/business/hostin/a/1/c/", Some(Family::CoHosts)),
            ("/simulator/faults", None),
        ] {
            assert_eq!(Family::of_path(path), family, "{path}");
        }
    }
}
