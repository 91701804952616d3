//! A change of the rules that is thought of.

use std::collections::BTreeSet;

use crate::access::{MappedGroup, Role};
use crate::sign_in::Otherwise;

/// What would be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Just-in-time provisioning of a connection is turned on or off.
    Jit {
        /// The connection's id.
        connection: String,
        /// On.
        on: bool,
    },
    /// SCIM of a connection is turned on or off.
    Scim {
        /// The connection's id.
        connection: String,
        /// On.
        on: bool,
    },
    /// People of a connection's domains have to come by it, or may use a password.
    Enforce {
        /// The connection's id.
        connection: String,
        /// They have to.
        on: bool,
    },
    /// These domains are attached to a connection, and no others.
    Domains {
        /// The connection's id.
        connection: String,
        /// The ids of the domains.
        domains: BTreeSet<String>,
    },
    /// Newcomers of a connection get this role and team.
    Newcomers {
        /// The connection's id.
        connection: String,
        /// The role.
        role: Role,
        /// The id of the team, if any.
        team: Option<String>,
    },
    /// This is a connection's table of groups.
    Groups {
        /// The connection's id.
        connection: String,
        /// The table.
        mapping: Vec<MappedGroup>,
        /// Whether groups are teams by their names.
        convention: bool,
    },
    /// The organization has a domain no longer.
    Removed {
        /// The id of the domain.
        domain: String,
    },
    /// The organization may have so many people; none: as many as it likes.
    Seats(Option<i64>),
}

impl Change {
    /// The connection whose people it concerns; none where it is everybody.
    pub fn connection(&self) -> Option<&str> {
        match self {
            Self::Jit { connection, .. }
            | Self::Scim { connection, .. }
            | Self::Enforce { connection, .. }
            | Self::Domains { connection, .. }
            | Self::Newcomers { connection, .. }
            | Self::Groups { connection, .. } => Some(connection),
            Self::Seats(_) | Self::Removed { .. } => None,
        }
    }

    /// What the rules of entry would find otherwise.
    pub fn otherwise(&self) -> Otherwise {
        let same = Otherwise::default();
        match self {
            Self::Jit { on, .. } => Otherwise {
                jit: Some(*on),
                ..same
            },
            Self::Scim { on, .. } => Otherwise {
                scim: Some(*on),
                ..same
            },
            // No rule of entry: it is about passwords.
            Self::Enforce { .. } => same,
            Self::Domains { domains, .. } => Otherwise {
                attached: Some(domains.clone()),
                ..same
            },
            Self::Newcomers { role, team, .. } => Otherwise {
                default_role: Some(*role),
                default_team: Some(team.clone()),
                ..same
            },
            Self::Groups {
                mapping, convention, ..
            } => Otherwise {
                mapping: Some(mapping.clone()),
                convention: Some(*convention),
                ..same
            },
            Self::Removed { domain } => Otherwise {
                gone: Some(domain.clone()),
                ..same
            },
            Self::Seats(seats) => Otherwise {
                seats: Some(*seats),
                ..same
            },
        }
    }
}
