//! A team, and how people come into it.

use crate::store::time::Timestamp;

/// The longest name of a team, in characters.
const LONGEST: usize = 60;

/// A part of an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Team {
    /// Its key.
    pub id: String,
    /// Its name, unique in the organization whatever the case.
    pub name: String,
    /// How many members are in it, deactivated ones included.
    pub people: i64,
    /// Goes up with each change.
    pub version: i64,
}

/// Who said that somebody is in a team.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// An administrator.
    Hand,
    /// The invitation that the person accepted.
    Invitation,
    /// The default team of the connection by which the person came.
    Default,
    /// A group of the provider.
    Mapping,
    /// A directory.
    Scim,
}

impl Source {
    /// Every source.
    pub const ALL: [Self; 5] = [
        Self::Hand,
        Self::Invitation,
        Self::Default,
        Self::Mapping,
        Self::Scim,
    ];

    /// Those whose memberships an administrator takes away: the others would put the person back.
    pub const TAKEN_BY_HAND: [Self; 3] = [Self::Hand, Self::Invitation, Self::Default];

    /// Those that follow the groups of a connection.
    pub const MAPPED: [Self; 2] = [Self::Mapping, Self::Scim];

    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hand => "hand",
            Self::Invitation => "invitation",
            Self::Default => "default",
            Self::Mapping => "mapping",
            Self::Scim => "scim",
        }
    }

    /// The source of a word; none for any other word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.as_str() == word)
    }

    /// In a person's words, to stand behind "in the team".
    pub fn title(self) -> &'static str {
        match self {
            Self::Hand => "by hand",
            Self::Invitation => "by invitation",
            Self::Default => "by the connection’s default",
            Self::Mapping => "by a group of the provider",
            Self::Scim => "by SCIM",
        }
    }

    /// Whether an administrator may take it away here.
    pub fn is_taken_by_hand(self) -> bool {
        Self::TAKEN_BY_HAND.contains(&self)
    }
}

/// One reason why a member is in a team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Belonging {
    /// The team's id.
    pub team: String,
    /// The team's name.
    pub name: String,
    /// Who said so.
    pub source: Source,
    /// Since when.
    pub since: Timestamp,
}

/// What names a team, and will go on without it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Uses {
    /// How many pending invitations give it.
    pub invitations: i64,
    /// How many lines of group mappings give it.
    pub mappings: i64,
    /// The names of the connections whose default it is.
    pub defaults: Vec<String>,
}

/// A name as it is kept: white space inside is one space.
pub fn tidy(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The name folded for comparing and sorting.
pub(super) fn name_key(name: &str) -> String {
    crate::access::team_key(name)
}

/// What is wrong with a tidy name, in a sentence, if anything is.
pub fn fault_of(name: &str) -> Option<String> {
    if name.is_empty() {
        return Some("Write the team’s name.".to_owned());
    }
    if name.chars().count() > LONGEST {
        return Some(format!("Write a name of at most {LONGEST} characters."));
    }
    if name.chars().any(char::is_control) {
        return Some("Write a name without control characters.".to_owned());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_and_visible() {
        assert_eq!(tidy("  Platform \t team\n"), "Platform team");
        assert_eq!(fault_of("Platform team"), None);
        assert_eq!(fault_of(&"ü".repeat(60)), None);
        for wrong in ["", "a\u{7}b", &"a".repeat(61)] {
            assert!(fault_of(wrong).is_some(), "{wrong:?}");
        }
    }

    #[test]
    fn a_source_is_read_back_from_its_word() {
        for source in Source::ALL {
            assert_eq!(Source::parse(source.as_str()), Some(source));
        }
        assert_eq!(Source::parse("Hand"), None);
    }

    #[test]
    fn what_a_directory_gave_is_not_taken_by_hand() {
        let left: Vec<_> = Source::ALL
            .into_iter()
            .filter(|source| !source.is_taken_by_hand())
            .collect();
        assert_eq!(left, [Source::Mapping, Source::Scim]);
    }
}
