//! What a replay found: who is concerned, in groups, and what can't be known.

use std::collections::HashMap;

use super::guard::Mark;
use super::line::{Basis, Kind, Line};
use super::replay::is_assumed;
use crate::sign_ins::chart::grouped;
use crate::store::id;
use crate::store::time::Timestamp;

/// How many people of a group are named before one asks for all of them.
const FIRST: usize = 10;
/// How many can be invited at once.
const MOST_INVITED: usize = 1_000;

/// What a change would do to people.
#[derive(Debug, Clone)]
pub struct Preview {
    /// When it was worked out.
    pub at: Timestamp,
    /// How many days back people were seen.
    pub days: i64,
    /// Those whose way differs, by how and by name.
    pub lines: Vec<Line>,
    /// How many people were judged.
    pub people: usize,
    /// Of these, how many were seen.
    pub seen: usize,
    /// Of these, how many are invited or members, and what the provider would say of them is supposed.
    pub assumed: usize,
    /// How many free seats people would take who come in by the changed rules.
    pub seats_wanted: i64,
    /// How many there are then; none where there is no limit.
    pub free_seats: Option<i64>,
    /// What becomes of people whom nobody has seen, domain by domain.
    pub strangers: Vec<Stranger>,
    /// What tells one answer from another.
    pub digest: String,
    /// Owners for emergencies, who keep their passwords under enforcement: name or address.
    pub keepers: Vec<String>,
    /// Names of teams by their ids.
    pub(super) teams: HashMap<String, String>,
    /// What it was worked out from.
    pub(super) mark: Mark,
}

/// Somebody whom nobody has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stranger {
    /// The domain of the address.
    pub domain: String,
    /// What happens today.
    pub before: String,
    /// What would happen.
    pub after: String,
}

/// The people of one kind, as far as a page shows them.
#[derive(Debug, Clone)]
pub struct Group<'a> {
    /// The kind.
    pub kind: Kind,
    /// All of them.
    pub lines: &'a [Line],
}

impl<'a> Group<'a> {
    /// How many there are, and what they would meet.
    pub fn heading(&self) -> String {
        self.kind.heading(self.lines.len())
    }

    /// The first few.
    pub fn first(&self) -> &'a [Line] {
        self.lines.get(..FIRST.min(self.lines.len())).unwrap_or_default()
    }

    /// Whether there are more than these.
    pub fn has_more(&self) -> bool {
        self.lines.len() > FIRST
    }

    /// Addresses to invite, at most a thousand; none where an invitation is not the remedy.
    pub fn to_invite(&self) -> Vec<&'a str> {
        if !self.kind.is_for_inviting() {
            return Vec::new();
        }
        let emails = self.lines.iter().filter(|line| !line.email_key.is_empty());
        emails
            .map(|line| line.email.as_str())
            .take(MOST_INVITED)
            .collect()
    }

    /// What the button says that invites them.
    pub fn invite_these(&self) -> String {
        let count = self.to_invite().len();
        let number = grouped(i64::try_from(count).unwrap_or(i64::MAX));
        match count {
            1 => "Invite this one".to_owned(),
            MOST_INVITED if self.lines.len() > count => format!("Invite the first {number}"),
            _ => format!("Invite these {number}"),
        }
    }
}

impl Preview {
    pub(super) fn empty(at: Timestamp, days: i64) -> Self {
        Self {
            at,
            days,
            lines: Vec::new(),
            people: 0,
            seen: 0,
            assumed: 0,
            seats_wanted: 0,
            free_seats: None,
            strangers: Vec::new(),
            keepers: Vec::new(),
            digest: String::new(),
            teams: HashMap::new(),
            mark: Mark::default(),
        }
    }

    pub(super) fn count(&mut self, basis: Basis) {
        self.people += 1;
        if is_assumed(basis) {
            self.assumed += 1;
        } else {
            self.seen += 1;
        }
    }

    /// Sorts, and says in a few letters what was found.
    pub(super) fn finished(mut self) -> Self {
        self.lines.sort_by_cached_key(|line| (line.kind, line.key()));
        self.digest = self.told();
        self
    }

    /// A hash over everybody whose way differs, and how.
    fn told(&self) -> String {
        let mut text = String::new();
        for line in &self.lines {
            for part in [
                &line.kind.word(),
                &line.email,
                &line.before,
                &line.after,
                &line.connection,
            ] {
                text.push_str(part);
                text.push('\u{1f}');
            }
        }
        for stranger in &self.strangers {
            text.push_str(&stranger.after);
            text.push('\u{1f}');
        }
        for keeper in &self.keepers {
            text.push_str(keeper);
            text.push('\u{1f}');
        }
        text.push_str(&self.mark.rules);
        id::hash_token(&text)
    }

    /// The addresses of those who come in today, and would be denied.
    pub fn kept_out(&self) -> Vec<String> {
        let out = self.lines.iter().filter(|line| matches!(line.kind, Kind::Out(_)));
        out.map(|line| line.email.clone()).collect()
    }

    /// The groups, in the order of the page.
    pub fn groups(&self) -> Vec<Group<'_>> {
        self.lines
            .chunk_by(|one, other| one.kind == other.kind)
            .filter_map(|lines| {
                Some(Group {
                    kind: lines.first()?.kind,
                    lines,
                })
            })
            .collect()
    }

    /// The group of this word.
    pub fn group(&self, word: &str) -> Option<Group<'_>> {
        self.groups().into_iter().find(|group| group.kind.word() == word)
    }

    /// Whether more free seats are wanted than there are.
    pub fn wants_seats(&self) -> bool {
        self.free_seats.is_some_and(|free| self.seats_wanted > free)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Denial;

    fn line(kind: Kind, email: &str, name: &str) -> Line {
        Line {
            kind,
            name: name.into(),
            email: email.into(),
            email_key: email.into(),
            before: "Comes in".into(),
            after: "Denied".into(),
            basis: Basis::Seen(0),
            connection: "Okta".into(),
        }
    }

    #[test]
    fn people_stand_by_how_and_by_name_and_the_digest_knows_them() {
        let mut preview = Preview::empty(0, 90);
        preview.lines = vec![
            line(Kind::Teams, "t@corp.example", "Tom"),
            line(Kind::Out(Denial::NotInvited), "z@corp.example", "Zoe"),
            line(Kind::Out(Denial::NotInvited), "a@corp.example", "ada"),
        ];
        let preview = preview.finished();
        let groups = preview.groups();
        assert_eq!(groups.len(), 2);
        assert_eq!(groups[0].to_invite(), ["a@corp.example", "z@corp.example"]);
        assert!(groups[1].to_invite().is_empty());
        assert_eq!(preview.group("teams").unwrap().lines.len(), 1);
        let mut fewer = preview.clone();
        fewer.lines.pop();
        assert_ne!(fewer.finished().digest, preview.digest);
    }
}
