//! What the administrators of a connection have set.

use serde::{Deserialize, Serialize};

use super::convention::Convention;
use super::mapping::MappedGroup;
use super::role::Role;

/// A connection's rules of entry, as they are at the moment of judging.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Just-in-time provisioning: people of the connection's verified domains become members by
    /// signing in.
    pub jit: bool,
    /// SCIM provisioning: the directory writes members and groups.
    pub scim: bool,
    /// The role of a member who comes in by just-in-time provisioning.
    pub default_role: Role,
    /// The id of the team of such a member when no mapped group applies, if any.
    pub default_team: Option<String>,
    /// The provider's groups and the teams that they stand for, in the order in which they count.
    pub mapping: Vec<MappedGroup>,
    /// Groups called `organization:team` are teams, where the organization turned that on.
    #[serde(default)]
    pub convention: Option<Convention>,
}
