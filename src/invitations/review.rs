//! Sorting what somebody typed into whom to invite and whom not. Pure: what the organization knows of
//! the addresses is an argument.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{Known, New, TeamName};
use super::sheet::{self, Line};
use crate::access::{EmailAddress, Role, team_key};
use crate::store::text::tame;
use crate::teams;

/// How many addresses one batch may have.
pub(super) const MOST: usize = 1_000;

/// So many teams that a list names are made at once.
pub(super) const MOST_TEAMS: usize = 50;

/// How much of a text that is no address is shown again.
const SHOWN: usize = 254;

/// Somebody who will be invited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Invitee {
    pub email: EmailAddress,
    pub role: Role,
    pub teams: Vec<TeamName>,
}

/// Somebody who will not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Left {
    /// The line, from 1.
    pub line: u64,
    /// What stands there, fit to be shown.
    pub text: String,
    /// Why, where the place does not say it.
    pub why: String,
}

/// Each line in its place; the order within is the order in which they were typed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Sorted {
    /// Will be invited.
    pub invite: Vec<Invitee>,
    /// An invitation waits.
    pub invited: Vec<Left>,
    /// Members.
    pub members: Vec<Left>,
    /// Deactivated members, who are to be reactivated instead.
    pub deactivated: Vec<Left>,
    /// Got as many invitations today as one address gets in a day.
    pub too_often: Vec<Left>,
    /// Typed before.
    pub duplicates: Vec<Left>,
    /// No addresses, or of no role or team that there is.
    pub invalid: Vec<Left>,
    /// The names of teams that there are not, and for want of which some of these are invalid: each once, as it is
    /// written first.
    pub missing: Vec<String>,
}

/// Why a line means nobody.
#[derive(Debug, Default)]
struct Fault {
    why: String,
    /// The teams for want of which alone.
    missing: Vec<String>,
}

impl From<String> for Fault {
    fn from(why: String) -> Self {
        Self {
            why,
            ..Self::default()
        }
    }
}

/// What the lines are judged by.
#[derive(Debug)]
pub(super) struct Ground<'a> {
    /// The role of whoever invites.
    pub own: Role,
    /// The role of lines that name none.
    pub role: Role,
    /// The ids of the teams of lines that name none.
    pub teams: &'a [String],
    /// Every team of the organization.
    pub all_teams: &'a [TeamName],
    /// What the organization knows of the addresses, by the folded address.
    pub known: &'a BTreeMap<String, Known>,
}

/// The folded addresses among these lines, to ask the database about.
pub(super) fn keys(lines: &[Line]) -> Vec<String> {
    let keys: BTreeSet<String> = lines
        .iter()
        .filter_map(|line| EmailAddress::parse(&line.email).ok())
        .map(|address| address.key().to_owned())
        .collect();
    keys.into_iter().collect()
}

/// Sorts the lines.
pub(super) fn sort(lines: &[Line], ground: &Ground<'_>) -> Sorted {
    let (mut sorted, mut seen) = (Sorted::default(), BTreeMap::new());
    let (mut missing, mut waiting) = (Vec::new(), BTreeMap::new());
    for line in lines {
        let left = |why: String| Left {
            line: line.number,
            text: tame(&line.email, SHOWN),
            why,
        };
        let invitee = match ground.invitee(line) {
            Ok(invitee) => invitee,
            Err(fault) => {
                sorted.invalid.push(left(fault.why));
                // Once its teams are made, this line counts.
                if let (false, Ok(email)) = (fault.missing.is_empty(), EmailAddress::parse(&line.email)) {
                    waiting.entry(email.key().to_owned()).or_insert(line.number);
                }
                missing.extend(fault.missing);
                continue;
            }
        };
        let key = invitee.email.key().to_owned();
        if let Some((number, first)) = seen.get(&key) {
            sorted
                .duplicates
                .push(left(again(line, &invitee, *number, first)));
            continue;
        }
        if let Some(number) = waiting.get(&key) {
            sorted.duplicates.push(left(format!(
                "The same address as in line {number}, which names a team that there is not: line {number} counts."
            )));
            continue;
        }
        seen.insert(key.clone(), (line.number, invitee.clone()));
        let place = match ground.known.get(&key) {
            None => {
                sorted.invite.push(invitee);
                continue;
            }
            Some(Known::Invited) => &mut sorted.invited,
            Some(Known::Member) => &mut sorted.members,
            Some(Known::Deactivated) => &mut sorted.deactivated,
            Some(Known::TooOften) => &mut sorted.too_often,
        };
        place.push(left(String::new()));
    }
    let mut keys = BTreeSet::new();
    missing.retain(|name| keys.insert(team_key(name)));
    Sorted { missing, ..sorted }
}

/// What is said of an address that stands in an earlier line: also what this line asks for and is passed over.
fn again(line: &Line, invitee: &Invitee, number: u64, first: &Invitee) -> String {
    let role = !line.role.is_empty() && invitee.role != first.role;
    let ids = |one: &Invitee| {
        one.teams
            .iter()
            .map(|team| team.id.clone())
            .collect::<BTreeSet<_>>()
    };
    let teams = !line.teams.is_empty() && ids(invitee) != ids(first);
    let other = match (role, teams) {
        (false, false) => return format!("The same as in line {number}."),
        (true, false) => "another role",
        (false, true) => "other teams",
        (true, true) => "another role and other teams",
    };
    format!("The same address as in line {number}, with {other}: line {number} counts.")
}

impl Ground<'_> {
    /// Whom a line means, or why it means nobody.
    fn invitee(&self, line: &Line) -> Result<Invitee, Fault> {
        if line.email.is_empty() {
            return Err("This line has no address.".to_owned().into());
        }
        Ok(Invitee {
            email: EmailAddress::parse(&line.email).map_err(|error| error.to_string())?,
            role: self.role_of(&line.role)?,
            teams: self.teams_of(&line.teams)?,
        })
    }

    fn role_of(&self, word: &str) -> Result<Role, String> {
        if word.is_empty() {
            return Ok(self.role);
        }
        let role = Role::parse(&word.to_ascii_lowercase()).ok_or_else(|| {
            let word = tame(word, 60);
            format!("“{word}” is no role. Write member, admin or owner.")
        })?;
        if self.own.may_grant(role) {
            Ok(role)
        } else {
            Err(format!(
                "The role {role} is above your own. Ask an owner to invite them."
            ))
        }
    }

    /// The teams that a cell names: one whose whole name it is, or those between its commas, semicolons and bars.
    fn teams_of(&self, cell: &str) -> Result<Vec<TeamName>, Fault> {
        if cell.is_empty() {
            let chosen = |team: &&TeamName| self.teams.contains(&team.id);
            return Ok(self.all_teams.iter().filter(chosen).cloned().collect());
        }
        if let Some(team) = self.team(cell) {
            return Ok(vec![team.clone()]);
        }
        let (mut teams, mut missing) = (Vec::new(), Vec::new());
        for name in cell.split([',', ';', '|']).map(str::trim) {
            match self.team(name) {
                Some(team) => teams.push(team.clone()),
                None if name.is_empty() => {}
                None => missing.push(teams::tidy(name)),
            }
        }
        if let Some(first) = missing.first() {
            let first = tame(first, 60);
            let why = format!("There is no team “{first}”. Make it first, or take it out.");
            if missing.iter().any(|name| teams::fault_of(name).is_some()) {
                missing.clear();
            }
            return Err(Fault { why, missing });
        }
        teams.sort();
        teams.dedup();
        Ok(teams)
    }

    /// A team by its name, or by its id, as our own lists name it.
    fn team(&self, name: &str) -> Option<&TeamName> {
        let key = team_key(&teams::tidy(name));
        let mut teams = self.all_teams.iter();
        teams.find(|team| team.id == name || team_key(&team.name) == key)
    }
}

impl Sorted {
    /// Those who will be invited, for the verb that does it.
    pub fn offers(&self) -> Vec<New> {
        let new = |one: &Invitee| New {
            email: one.email.clone(),
            role: one.role,
            teams: one.teams.iter().map(|team| team.id.clone()).collect(),
        };
        self.invite.iter().map(new).collect()
    }

    /// Whether more teams are missing than are made at once.
    pub fn names_too_many_teams(&self) -> bool {
        self.missing.len() > MOST_TEAMS
    }

    /// How many of those who will be invited get which role, the most powerful first; empty where all get the same.
    pub fn roles(&self) -> String {
        let mut counts = BTreeMap::<Role, usize>::new();
        for one in &self.invite {
            *counts.entry(one.role).or_default() += 1;
        }
        if counts.len() < 2 {
            return String::new();
        }
        let count = |(role, number): (&Role, &usize)| match number {
            1 => format!("1 {role}"),
            some => format!("{some} {role}s"),
        };
        counts.iter().rev().map(count).collect::<Vec<_>>().join(", ")
    }

    /// Those who will be invited, as a list that is read again when it is sent.
    pub fn list(&self) -> String {
        sheet::write(self.invite.iter().map(|one| {
            let teams: Vec<&str> = one.teams.iter().map(|team| team.id.as_str()).collect();
            (one.email.as_str(), one.role.as_str(), teams.join(";"))
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn teams() -> Vec<TeamName> {
        let team = |id: &str, name: &str| TeamName {
            id: id.into(),
            name: name.into(),
        };
        vec![
            team("t1", "Sales"),
            team("t2", "Research, Development"),
            team("t3", "Support"),
        ]
    }

    fn sorted(text: &str, own: Role, known: &[(&str, Known)]) -> Sorted {
        let known = known
            .iter()
            .map(|(key, known)| ((*key).to_owned(), *known))
            .collect();
        let ground = Ground {
            own,
            role: Role::Member,
            teams: &["t3".to_owned()],
            all_teams: &teams(),
            known: &known,
        };
        sort(&sheet::read(text).unwrap().lines, &ground)
    }

    fn texts(left: &[Left]) -> Vec<(u64, &str)> {
        left.iter().map(|one| (one.line, one.text.as_str())).collect()
    }

    /// UPL-003.
    #[test]
    fn each_address_has_one_place() {
        let known = [
            ("mia@corp.example", Known::Member),
            ("dan@corp.example", Known::Deactivated),
            ("ivy@corp.example", Known::Invited),
            ("oft@corp.example", Known::TooOften),
        ];
        let text = "ada@corp.example ADA@Corp.Example\nMia@corp.example mia@corp.example dan@corp.example \
                    ivy@corp.example nobody a@b@c.example oft@corp.example";
        let sorted = sorted(text, Role::Owner, &known);
        let invite: Vec<&str> = sorted.invite.iter().map(|one| one.email.as_str()).collect();
        assert_eq!(invite, ["ada@corp.example"]);
        assert_eq!(
            texts(&sorted.duplicates),
            [(1, "ADA@Corp.Example"), (2, "mia@corp.example")]
        );
        assert_eq!(sorted.duplicates[0].why, "The same as in line 1.");
        assert_eq!(texts(&sorted.members), [(2, "Mia@corp.example")]);
        assert_eq!(texts(&sorted.deactivated), [(2, "dan@corp.example")]);
        assert_eq!(texts(&sorted.invited), [(2, "ivy@corp.example")]);
        assert_eq!(texts(&sorted.too_often), [(2, "oft@corp.example")]);
        assert_eq!(texts(&sorted.invalid), [(2, "nobody"), (2, "a@b@c.example")]);
        assert!(
            sorted.invalid.iter().all(|one| one.why.ends_with('.')),
            "{sorted:?}"
        );
    }

    #[test]
    fn a_line_that_waits_for_its_team_counts_before_a_later_one() {
        let text = "email,role,teams\na@a.example,,Moon\nA@a.example,admin,\nb@a.example,,\nb@a.example,,Moon\nb@a.example,,\n";
        let sorted = sorted(text, Role::Owner, &[]);
        let invite: Vec<&str> = sorted.invite.iter().map(|one| one.email.as_str()).collect();
        assert_eq!(invite, ["b@a.example"]);
        let why: Vec<&str> = sorted.duplicates.iter().map(|one| one.why.as_str()).collect();
        let expected = [
            "The same address as in line 2, which names a team that there is not: line 2 counts.",
            "The same as in line 4.",
        ];
        assert_eq!(why, expected);
        assert_eq!(texts(&sorted.invalid).len(), 2);
    }

    #[test]
    fn a_line_that_asks_for_something_else_is_told_which_counts() {
        let text = "email,role,teams\na@a.example,,Sales\nA@a.example,,\na@a.example,member,sales\n\
                    a@a.example,admin,\na@a.example,,Support\na@a.example,admin,Support\n";
        let sorted = sorted(text, Role::Owner, &[]);
        let why: Vec<&str> = sorted.duplicates.iter().map(|one| one.why.as_str()).collect();
        let expected = [
            "The same as in line 2.",
            "The same as in line 2.",
            "The same address as in line 2, with another role: line 2 counts.",
            "The same address as in line 2, with other teams: line 2 counts.",
            "The same address as in line 2, with another role and other teams: line 2 counts.",
        ];
        assert_eq!(why, expected);
        assert_eq!(sorted.invite[0].role, Role::Member);
    }

    #[test]
    fn a_line_has_its_own_role_and_teams() {
        let text = "email,role,teams\na@a.example,Admin,sales\nb@a.example,,\"research,  development\"\n\
                    c@a.example,member,\"Sales; support|sales\"\nd@a.example,,\n";
        let sorted = sorted(text, Role::Admin, &[]);
        let told: Vec<_> = sorted
            .invite
            .iter()
            .map(|one| {
                let teams: Vec<&str> = one.teams.iter().map(|team| team.id.as_str()).collect();
                (one.email.as_str(), one.role.as_str(), teams.join(" "))
            })
            .collect();
        let expected = [
            ("a@a.example", "admin", "t1"),
            ("b@a.example", "member", "t2"),
            ("c@a.example", "member", "t1 t3"),
            ("d@a.example", "member", "t3"),
        ];
        let expected = expected.map(|(email, role, teams)| (email, role, teams.to_owned()));
        assert_eq!(told, expected);
        assert_eq!(super::tests::sorted(&sorted.list(), Role::Admin, &[]), sorted);
    }

    #[test]
    fn more_than_one_role_is_counted() {
        let text = |roles: &[&str]| {
            let line = |(number, role): (usize, &&str)| format!("p{number}@a.example,{role}\n");
            roles
                .iter()
                .enumerate()
                .map(line)
                .fold("email,role\n".to_owned(), |all, one| all + &one)
        };
        let roles = |roles: &[&str]| sorted(&text(roles), Role::Owner, &[]).roles();
        assert_eq!(roles(&["member", "member"]), "");
        assert_eq!(
            roles(&["member", "admin", "owner", "", "admin"]),
            "1 owner, 2 admins, 2 members"
        );
    }

    #[test]
    fn teams_that_are_missing_are_named_once_and_only_where_they_help() {
        let long = "x".repeat(200);
        let text = format!(
            "email,role,teams\na@a.example,,Marketing; sales\nb@a.example,,\"marketing,  Field   sales\"\n\
             c@a.example,boss,Design\nnobody,,Design\nd@a.example,,Design; {long}\na@a.example,,Legal\n"
        );
        let sorted = sorted(&text, Role::Owner, &[]);
        assert_eq!(sorted.missing, ["Marketing", "Field sales", "Legal"]);
        assert_eq!((sorted.invalid.len(), sorted.invite.len()), (6, 0));
    }

    /// UPL-004, INV-010.
    #[test]
    fn what_a_line_may_not_ask_is_said() {
        let text =
            "email,role,teams\na@a.example,owner,\nb@a.example,boss,\nc@a.example,,Marketing\n,admin,\n";
        let sorted = sorted(text, Role::Admin, &[]);
        let why: Vec<&str> = sorted.invalid.iter().map(|one| one.why.as_str()).collect();
        let expected = [
            "The role owner is above your own. Ask an owner to invite them.",
            "“boss” is no role. Write member, admin or owner.",
            "There is no team “Marketing”. Make it first, or take it out.",
            "This line has no address.",
        ];
        assert_eq!((why.as_slice(), sorted.invite.len()), (expected.as_slice(), 0));
    }
}
