//! What is done to many members at once: to those who were ticked, or to all whom a filter lets through. It is done by
//! the same verbs as to one, so that the same rules stand against it.

use std::collections::HashMap;

use super::actions::{self, Doer, TeamChange};
use super::model::{Act, Facts, Filter, Membership, State, judge};
use super::queries;
use super::search::{self, Census, Facet, Order, Question};
use crate::access::Role;
use crate::seats::{self, Seats};
use crate::store::time::Timestamp;
use crate::store::{Conn, id};
use crate::teams;
use crate::web::{Paging, Problem};

/// How many are acted on at once, so that nobody who signs in meanwhile waits for long.
pub const MOST: usize = 500;

/// What is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// Put into the team with this id.
    Join(String),
    /// Take out of the team with this id.
    Leave(String),
    /// Give this role.
    Role(Role),
    /// Block their entry.
    Deactivate,
    /// Let in again.
    Reactivate,
    /// Take out of the organization.
    Remove,
}

impl Deed {
    /// From its word, and the team's id or the role's word that it needs. None where either is missing.
    pub fn parse(word: &str, team: &str, role: &str) -> Option<Self> {
        let team = Some(team).filter(|team| !team.is_empty()).map(str::to_owned);
        match word {
            "join" => team.map(Self::Join),
            "leave" => team.map(Self::Leave),
            "role" => Role::parse(role).map(Self::Role),
            "deactivate" => Some(Self::Deactivate),
            "reactivate" => Some(Self::Reactivate),
            "remove" => Some(Self::Remove),
            _ => None,
        }
    }

    fn act(&self) -> Act {
        match self {
            Self::Join(_) | Self::Leave(_) => Act::ChangeTeams,
            Self::Role(role) => Act::ChangeRole(*role),
            Self::Deactivate => Act::Deactivate,
            Self::Reactivate => Act::Reactivate,
            Self::Remove => Act::Remove,
        }
    }

    fn team(&self) -> Option<&str> {
        match self {
            Self::Join(team) | Self::Leave(team) => Some(team),
            Self::Role(_) | Self::Deactivate | Self::Reactivate | Self::Remove => None,
        }
    }

    /// Whether it makes sense for members of this kind. Kinds that stand above an admin are judged one by one.
    fn kinds(&self) -> fn(&Facet) -> bool {
        match self {
            Self::Join(_) | Self::Leave(_) | Self::Remove => |facet| facet.state != State::Removed,
            Self::Role(Role::Member) => |facet| facet.state != State::Removed && facet.role != Role::Member,
            Self::Role(Role::Admin) => |facet| facet.state != State::Removed && facet.role != Role::Admin,
            Self::Role(Role::Owner) => |facet| facet.state != State::Removed && facet.role != Role::Owner,
            Self::Deactivate => |facet| facet.state == State::Active,
            Self::Reactivate => |facet| facet.state == State::Deactivated,
        }
    }
}

/// Who is meant.
#[derive(Debug, Clone)]
pub enum Whom {
    /// The members with these ids.
    Ticked(Vec<String>),
    /// Everybody whom the filter lets through and whom the deed would change.
    Matching(Filter),
}

/// What would become of those who are meant.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// Those to whom it is done now, by name.
    pub chosen: Vec<Membership>,
    /// Those to whom it is not done, and why.
    pub others: Vec<(Membership, String)>,
    /// How many of those who are taken out of a team stay in it by a group or a directory.
    pub staying: usize,
    /// Whether more match than are acted on at once.
    pub more: bool,
}

impl Plan {
    /// What a page shows of it, in few letters: whoever confirms the page confirms just that.
    pub fn digest(&self) -> String {
        let shown: Vec<String> = self
            .chosen
            .iter()
            .map(|member| format!("{} {}", member.id, member.version))
            .collect();
        id::hash_token(&shown.join("\n"))
    }
}

/// Says what would become of those who are meant; `oneself` is the member who asks.
///
/// # Errors
/// When the database refuses.
pub fn plan(
    conn: &mut Conn,
    now: Timestamp,
    by: Role,
    (organization, oneself): (&str, &str),
    deed: &Deed,
    whom: &Whom,
) -> Result<Plan, Problem> {
    let (members, more) = match whom {
        Whom::Ticked(ids) => (search::chosen(conn, organization, ids)?, false),
        Whom::Matching(filter) => matching(conn, organization, oneself, deed, filter)?,
    };
    // Only what the deed asks for is counted.
    let seats = if *deed == Deed::Reactivate {
        seats::count(conn, organization, now)?
    } else {
        Seats {
            limit: None,
            members: 0,
            invited: 0,
        }
    };
    let has_owners = members.iter().any(|member| member.role == Role::Owner);
    let owners = if has_owners {
        queries::other_owners(conn, organization, "")?
    } else {
        0
    };
    let belongings = belongings(conn, organization, deed, &members)?;
    Ok(Plan {
        more,
        ..judged(by, oneself, deed, members, &belongings, seats, owners)
    })
}

/// By what members are in the team that a deed is about; none where the team is gone.
type Belongings = Option<HashMap<String, Vec<teams::Source>>>;

fn belongings(
    conn: &mut Conn,
    organization: &str,
    deed: &Deed,
    members: &[Membership],
) -> Result<Belongings, Problem> {
    let Some(team) = deed.team() else {
        return Ok(None);
    };
    let ids: Vec<String> = members.iter().map(|member| member.id.clone()).collect();
    let found = teams::with_sources(conn, organization, team, &ids)?;
    Ok(found.map(|(_, sources)| sources))
}

/// Why a deed about a team would change nothing for whoever is in it by these sources.
fn why_not_moved(deed: &Deed, sources: Option<&[teams::Source]>) -> Option<&'static str> {
    let by_hand = |sources: &[teams::Source]| sources.iter().any(|source| source.is_taken_by_hand());
    match (deed, sources) {
        (Deed::Join(_) | Deed::Leave(_), None) => Some("The team is gone."),
        (Deed::Join(_), Some(sources)) if by_hand(sources) => Some("Is in the team already."),
        (Deed::Leave(_), Some([])) => Some("Is not in the team."),
        (Deed::Leave(_), Some(sources)) if !by_hand(sources) => {
            Some("Is in the team by a group or a directory alone, which would put them back.")
        }
        _ => None,
    }
}

fn matching(
    conn: &mut Conn,
    organization: &str,
    oneself: &str,
    deed: &Deed,
    filter: &Filter,
) -> Result<(Vec<Membership>, bool), Problem> {
    let mut filter = filter.clone();
    if let (Deed::Leave(team), None) = (deed, &filter.team) {
        filter.team = Some(team.clone());
    }
    let most = i64::try_from(MOST + 1).map_err(Problem::internal)?;
    let census = Census::load(conn, organization, &filter)?;
    let question = Question {
        kinds: Some(deed.kinds()),
        outside: match deed {
            Deed::Join(team) => Some(team),
            _ => None,
        },
        taken_from: match deed {
            Deed::Leave(team) => Some(team),
            _ => None,
        },
        // One's own fate is decided on one's own page.
        but: Some(oneself),
        ..Question::new(organization, &filter, Order::Name)
    };
    let mut rows = search::find(conn, &census, &question, &Paging::default(), most)?.rows;
    let more = rows.len() > MOST;
    rows.truncate(MOST);
    Ok((rows.into_iter().map(|row| row.member).collect(), more))
}

/// Pure: each member is judged as it will stand when its turn comes.
fn judged(
    by: Role,
    oneself: &str,
    deed: &Deed,
    members: Vec<Membership>,
    belongings: &Belongings,
    mut seats: Seats,
    mut owners: i64,
) -> Plan {
    let mut plan = Plan::default();
    for member in members {
        let is_owner = member.role == Role::Owner && member.state == State::Active;
        let facts = Facts {
            other_owners: owners - i64::from(is_owner),
            seats,
        };
        let sources = belongings
            .as_ref()
            .map(|all| all.get(&member.id).map_or(&[][..], Vec::as_slice));
        let why = match judge(deed.act(), by, &member, &facts) {
            _ if member.id == oneself => "This is you. Do it on your own page, if you mean it.".to_owned(),
            Err(refusal) => refusal.to_string(),
            Ok(()) if matches!(deed, Deed::Role(role) if *role == member.role) => {
                "Has this role already.".to_owned()
            }
            Ok(()) if let Some(why) = why_not_moved(deed, sources) => why.to_owned(),
            Ok(()) => {
                let stays =
                    |sources: &[teams::Source]| sources.iter().any(|source| !source.is_taken_by_hand());
                plan.staying += usize::from(matches!(deed, Deed::Leave(_)) && sources.is_some_and(stays));
                let loses_owner = matches!(deed, Deed::Deactivate | Deed::Remove)
                    || matches!(deed, Deed::Role(role) if *role < Role::Owner);
                owners -= i64::from(is_owner && loses_owner);
                seats.members += i64::from(*deed == Deed::Reactivate);
                plan.chosen.push(member);
                continue;
            }
        };
        plan.others.push((member, why));
    }
    plan
}

/// Does it to the members of a plan.
///
/// # Errors
/// The first rule that stands against one of them; then nothing is to happen.
pub fn perform(
    conn: &mut Conn,
    now: Timestamp,
    doer: &Doer,
    organization: &str,
    deed: &Deed,
    plan: &Plan,
) -> Result<usize, Problem> {
    let change = |add: &[&String], take: &[&String]| TeamChange {
        add: add.iter().map(|team| (*team).clone()).collect(),
        take: take.iter().map(|team| (*team).clone()).collect(),
    };
    for member in &plan.chosen {
        let (id, version) = (member.id.as_str(), member.version);
        match deed {
            Deed::Join(team) => {
                actions::change_teams(conn, now, doer, organization, id, &change(&[team], &[]))
            }
            Deed::Leave(team) => {
                actions::change_teams(conn, now, doer, organization, id, &change(&[], &[team]))
            }
            Deed::Role(role) => actions::change_role(conn, now, doer, organization, id, version, *role),
            Deed::Deactivate => actions::deactivate(conn, now, doer, organization, id, version),
            Deed::Reactivate => actions::reactivate(conn, now, doer, organization, id, version),
            Deed::Remove => actions::remove(conn, now, doer, organization, id, version),
        }?;
    }
    Ok(plan.chosen.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::members::model::Source;

    fn member(id: &str, role: Role, state: State) -> Membership {
        Membership {
            id: id.into(),
            organization: "o".into(),
            account: format!("account of {id}"),
            name: id.into(),
            email: format!("{id}@acme.example"),
            email_key: format!("{id}@acme.example"),
            role,
            state,
            source: Source::Jit,
            invited_by: String::new(),
            joined_at: 0,
            state_changed_at: 0,
            last_sign_in_at: None,
            version: 1,
            role_given_by: None,
        }
    }

    fn seats(limit: Option<i64>, members: i64) -> Seats {
        Seats {
            limit,
            members,
            invited: 0,
        }
    }

    fn ids(plan: &Plan) -> (Vec<&str>, Vec<&str>) {
        let chosen = plan.chosen.iter().map(|member| member.id.as_str());
        let others = plan.others.iter().map(|(member, _)| member.id.as_str());
        (chosen.collect(), others.collect())
    }

    #[test]
    fn one_owner_stays_and_nobody_acts_on_themself() {
        let owners = ["a", "b", "c"].map(|id| member(id, Role::Owner, State::Active));
        for deed in [Deed::Deactivate, Deed::Remove, Deed::Role(Role::Member)] {
            let plan = judged(
                Role::Owner,
                "nobody",
                &deed,
                owners.to_vec(),
                &None,
                seats(None, 3),
                3,
            );
            assert_eq!(ids(&plan), (vec!["a", "b"], vec!["c"]), "{deed:?}");
            assert!(plan.others[0].1.contains("only owner"));
            let plan = judged(Role::Owner, "a", &deed, owners.to_vec(), &None, seats(None, 3), 3);
            assert_eq!(ids(&plan), (vec!["b", "c"], vec!["a"]), "{deed:?}");
        }
        let plan = judged(
            Role::Admin,
            "x",
            &Deed::Deactivate,
            owners.to_vec(),
            &None,
            seats(None, 3),
            3,
        );
        assert_eq!(plan.chosen.len(), 0);
    }

    #[test]
    fn seats_are_counted_on_the_way() {
        let gone = ["a", "b", "c"].map(|id| member(id, Role::Member, State::Deactivated));
        let plan = judged(
            Role::Admin,
            "x",
            &Deed::Reactivate,
            gone.to_vec(),
            &None,
            seats(Some(4), 2),
            1,
        );
        assert_eq!(ids(&plan), (vec!["a", "b"], vec!["c"]));
        assert!(plan.others[0].1.contains("Every seat is taken"));
    }

    #[test]
    fn what_changes_nothing_is_said() {
        let members = vec![
            member("a", Role::Admin, State::Active),
            member("m", Role::Member, State::Active),
            member("gone", Role::Member, State::Removed),
        ];
        let plan = judged(
            Role::Admin,
            "x",
            &Deed::Role(Role::Admin),
            members.clone(),
            &None,
            seats(None, 2),
            1,
        );
        assert_eq!(ids(&plan), (vec!["m"], vec!["a", "gone"]));
        let again = judged(
            Role::Admin,
            "x",
            &Deed::Role(Role::Owner),
            members,
            &None,
            seats(None, 2),
            1,
        );
        assert_eq!(again.chosen.len(), 0);
        assert_ne!(plan.digest(), again.digest());
    }

    #[test]
    fn only_who_is_moved_counts_as_moved() {
        use teams::Source::{Hand, Invitation, Mapping, Scim};
        let people = ["a", "b", "c", "d", "e"].map(|id| member(id, Role::Member, State::Active));
        let sources = [
            ("a", vec![Hand]),
            ("b", vec![Mapping]),
            ("c", vec![Invitation, Scim]),
            ("d", vec![Scim]),
        ];
        let belongings = Some(sources.map(|(id, sources)| (id.to_owned(), sources)).into());
        let plan = |deed: Deed, belongings: &Belongings| {
            judged(
                Role::Admin,
                "x",
                &deed,
                people.to_vec(),
                belongings,
                seats(None, 5),
                1,
            )
        };
        let leave = plan(Deed::Leave("t".into()), &belongings);
        assert_eq!(
            (ids(&leave), leave.staying),
            ((vec!["a", "c"], vec!["b", "d", "e"]), 1)
        );
        assert!(leave.others[0].1.contains("by a group") && leave.others[2].1.contains("not in the team"));
        let join = plan(Deed::Join("t".into()), &belongings);
        assert_eq!(
            (ids(&join), join.staying),
            ((vec!["b", "d", "e"], vec!["a", "c"]), 0)
        );
        assert_eq!(
            plan(Deed::Join("t".into()), &None).chosen.len(),
            0,
            "the team is gone"
        );
    }

    #[test]
    fn a_deed_needs_its_team_or_role() {
        assert_eq!(Deed::parse("join", "", ""), None);
        assert_eq!(Deed::parse("join", "t", ""), Some(Deed::Join("t".into())));
        assert_eq!(Deed::parse("role", "", "boss"), None);
        assert_eq!(Deed::parse("remove", "", ""), Some(Deed::Remove));
        assert_eq!(Deed::parse("explode", "t", "admin"), None);
    }
}
