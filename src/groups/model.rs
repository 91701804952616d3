//! A line of the table of groups, and what a table changes.

use serde::Serialize;

use crate::access::{MappedGroup, Role};
use crate::store::id;

/// How many names a report has at most; the count is always whole.
pub(super) const MOST_NAMES: i64 = 100;

/// One line of a connection's table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The group's id or name, exactly as a sign-in sends it.
    pub group: String,
    /// The team's id.
    pub team: String,
    /// The role in the organization, never owner.
    pub role: Role,
    /// The id of the directory's group that the line follows; empty while it has met none. A group that
    /// was deleted stays here: another one of its name is not the same.
    pub scim_group: String,
}

impl From<&Line> for MappedGroup {
    fn from(line: &Line) -> Self {
        Self {
            group: line.group.clone(),
            team: line.team.clone(),
            role: line.role,
        }
    }
}

/// What a table of groups did to people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Team by team, by name; those where somebody comes or goes.
    pub teams: Vec<TeamChange>,
    /// Who became an admin.
    pub raised: People,
    /// Who is an admin no longer.
    pub lowered: People,
}

impl Changes {
    /// Whether nobody is concerned.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.teams.is_empty() && self.raised.count == 0 && self.lowered.count == 0
    }

    /// What tells one answer from another. A team that is to be made has no lasting id, so it counts by its name.
    #[must_use]
    pub fn print(&self) -> String {
        let teams = self.teams.iter();
        let teams = teams.map(|team| (&team.name, &team.joining, &team.leaving));
        id::hash_token(&format!(
            "{:?} {:?} {:?}",
            teams.collect::<Vec<_>>(),
            self.raised,
            self.lowered
        ))
    }
}

/// Who joins and leaves one team.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TeamChange {
    /// The team's id.
    pub team: String,
    /// Its name.
    pub name: String,
    /// Who is in it from now on.
    pub joining: People,
    /// Who is not any longer by this table; somebody may still be in it by another's word.
    pub leaving: People,
}

/// How many people, and the names of the first hundred.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct People {
    /// How many.
    pub count: i64,
    /// Names, sorted; at most a hundred.
    pub names: Vec<String>,
}

impl People {
    /// How many are not named.
    #[must_use]
    pub fn more(&self) -> i64 {
        self.count - i64::try_from(self.names.len()).unwrap_or(self.count)
    }
}

impl People {
    pub(super) fn add(&mut self, name: String) {
        self.count += 1;
        if self.count <= MOST_NAMES {
            self.names.push(name);
        }
    }
}
