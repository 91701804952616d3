//! Judging everybody twice: by the rules of today, and by the changed ones.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::change::Change;
use super::line::{Basis, Kind, Line, in_words, kind};
use super::people::{Visitor, Visitors};
use super::preview::{Preview, Stranger};
use super::{enforcing, guard, queries};
use crate::access::{
    AccountStanding, EmailAddress, Identity, InvitationStanding, MemberStanding, PersonName, Seats, Standing,
    Verdict, decide,
};
use crate::break_glass;
use crate::connections;
use crate::sign_in::{Ground, Person, foresee};
use crate::store::Conn;
use crate::store::time::{DAY, Timestamp};
use crate::teams;
use crate::web::Problem;

/// How many days back people were seen, where nobody chooses otherwise.
pub const DAYS: i64 = 90;

/// How far a replay has come.
#[derive(Debug, Default)]
pub struct Progress {
    done: AtomicUsize,
    total: AtomicUsize,
}

impl Progress {
    /// Rows that were read, and about how many there are.
    pub fn now(&self) -> (usize, usize) {
        let done = self.done.load(Ordering::Relaxed);
        (done, self.total.load(Ordering::Relaxed).max(done))
    }

    pub(super) fn expect(&self, rows: usize) {
        self.total.store(rows, Ordering::Relaxed);
    }

    pub(super) fn add(&self, rows: usize) {
        self.done.fetch_add(rows, Ordering::Relaxed);
    }
}

/// Works out what a change would do to everybody who was seen in so many days, is denied, invited or a member.
/// Nothing is written.
///
/// # Errors
/// `NotFound` where the organization has no such connection.
pub fn replay(
    conn: &mut Conn,
    now: Timestamp,
    organization: &str,
    change: &Change,
    days: i64,
    progress: &Progress,
) -> Result<Preview, Problem> {
    let since = now - days * DAY;
    progress.expect(size(conn, organization, since, i64::MAX)?);
    let mut preview = Preview::empty(now, days);
    preview.mark = guard::Mark::take(conn, now, organization, change)?;
    preview.teams = teams::list(conn, organization)?
        .into_iter()
        .map(|team| (team.id, team.name))
        .collect();
    if let Change::Enforce { connection, on } = change {
        enforcing::replay(conn, organization, connection, *on, since, progress, &mut preview)?;
        return Ok(preview.finished());
    }
    for connection in connections_of(conn, organization, change)? {
        let both = Both::load(conn, organization, &connection, change)?;
        let ground = both.before.clone();
        let mut visitors = Visitors::new(&ground.connection, now, since);
        while let Some((met, read)) = visitors.next(conn)? {
            both.judge(conn, now, &met, &mut preview)?;
            progress.add(read);
        }
        both.strangers(conn, change, &mut preview)?;
        preview.free_seats = both.after.seats(conn, now)?.free();
    }
    Ok(preview.finished())
}

/// About how many rows a replay reads, counted up to `most` of each kind.
pub(super) fn size(
    conn: &mut Conn,
    organization: &str,
    since: Timestamp,
    most: i64,
) -> Result<usize, Problem> {
    Ok(queries::count_seen(conn, organization, since, most)?
        + queries::count_members(conn, organization, most)?
        + queries::count_denied(conn, organization, since, most)?)
}

/// The connections whose people are concerned.
pub(super) fn connections_of(
    conn: &mut Conn,
    organization: &str,
    change: &Change,
) -> Result<Vec<String>, Problem> {
    if let Some(connection) = change.connection() {
        return Ok(vec![connection.to_owned()]);
    }
    let all = connections::list(conn, organization)?.into_iter();
    let on = all.filter(connections::Connection::is_on);
    Ok(on.map(|one| one.id).collect())
}

/// The rules of today and the changed ones.
pub(super) struct Both {
    pub before: Ground,
    pub after: Ground,
    changes_standing: bool,
    /// The accounts of owners for emergencies, who never come by single sign-on.
    named: HashSet<String>,
}

impl Both {
    pub fn load(
        conn: &mut Conn,
        organization: &str,
        connection: &str,
        change: &Change,
    ) -> Result<Self, Problem> {
        let before = Ground::load(conn, organization, connection)?.ok_or(Problem::NotFound)?;
        let otherwise = change.otherwise();
        Ok(Self {
            after: before.otherwise(&otherwise),
            changes_standing: otherwise.changes_standing(),
            named: break_glass::named(conn, organization)?.into_iter().collect(),
            before,
        })
    }

    /// Judges these people, and keeps those whose way differs.
    pub fn judge(
        &self,
        conn: &mut Conn,
        now: Timestamp,
        met: &[Visitor],
        preview: &mut Preview,
    ) -> Result<(), Problem> {
        if met.is_empty() {
            return Ok(());
        }
        let identities: Vec<&Identity> = met.iter().map(|visitor| &visitor.identity).collect();
        let here = self.before.people(conn, now, &identities, None)?;
        let (policy, people);
        let there = if self.changes_standing {
            let there = self.after.people(conn, now, &identities, None)?;
            (policy, people) = (there.policy, there.people);
            (&policy, &people)
        } else {
            policy = self.after.policy(conn, &identities)?;
            (&policy, &here.people)
        };
        let mapped = self.mapped(conn, &here.people)?;
        let nothing = BTreeSet::new();
        for (place, visitor) in met.iter().enumerate() {
            let (Some(one), Some(other)) = (here.people.get(place), there.1.get(place)) else {
                continue;
            };
            if one
                .account
                .as_ref()
                .is_some_and(|account| self.named.contains(&account.id))
            {
                continue;
            }
            let member = one.member.as_ref().map(|member| member.id.as_str());
            let given = member.and_then(|id| mapped.get(id)).unwrap_or(&nothing);
            let today = foresee(
                &self.before.connection,
                &here.policy,
                &visitor.identity,
                one,
                given,
            );
            let then = foresee(&self.after.connection, there.0, &visitor.identity, other, given);
            let (said, says) = (in_words(&today, &preview.teams), in_words(&then, &preview.teams));
            preview.count(visitor.basis);
            if let Verdict::Admit(admission) = &then.decision.verdict {
                preview.seats_wanted += i64::from(admission.seat);
            }
            if let Some(kind) = kind(&today, &then, said == says) {
                preview.lines.push(self.line(kind, visitor, one, said, says));
            }
        }
        Ok(())
    }

    fn line(&self, kind: Kind, visitor: &Visitor, person: &Person, before: String, after: String) -> Line {
        let email = visitor.identity.email.as_ref();
        let known = person.account.as_ref().map(|account| account.full_name.clone());
        Line {
            kind,
            name: known
                .filter(|name| !name.is_empty())
                .unwrap_or_else(|| visitor.name.clone()),
            email: email.map_or_else(
                || visitor.identity.subject.clone(),
                |email| email.as_str().to_owned(),
            ),
            email_key: email.map(|email| email.key().to_owned()).unwrap_or_default(),
            before,
            after,
            basis: visitor.basis,
            connection: self.before.connection.name.clone(),
        }
    }

    /// The teams that the connection's groups have given to each of these members, where groups write any.
    fn mapped(
        &self,
        conn: &mut Conn,
        people: &[Person],
    ) -> Result<HashMap<String, BTreeSet<String>>, Problem> {
        let writes = |ground: &Ground| ground.connection.jit && !ground.connection.scim;
        let mut mapped: HashMap<String, BTreeSet<String>> = HashMap::new();
        let members = people.iter().filter_map(|person| person.member.as_ref());
        let ids: Vec<&str> = members.map(|member| member.id.as_str()).collect();
        if ids.is_empty() || !(writes(&self.before) || writes(&self.after)) {
            return Ok(mapped);
        }
        for (member, team) in teams::mapped_of(conn, &ids, &self.before.connection.id)? {
            mapped.entry(member).or_default().insert(team);
        }
        Ok(mapped)
    }

    /// What would become of somebody whom nobody has seen, for each domain of the connection.
    fn strangers(&self, conn: &mut Conn, change: &Change, preview: &mut Preview) -> Result<(), Problem> {
        let mut names = queries::verified_domains(conn, &self.before.connection.id)?;
        if let Change::Domains { domains, .. } = change {
            let ids: Vec<&String> = domains.iter().collect();
            names.extend(queries::domain_names(conn, &self.before.organization.id, &ids)?);
            names.sort();
            names.dedup();
        }
        for domain in names {
            let Ok(email) = EmailAddress::parse(&format!("somebody@{domain}")) else {
                continue;
            };
            let identity = stranger(&self.before.connection.id, email);
            let now = preview.at;
            let mut told = [String::new(), String::new()];
            for (ground, told) in [&self.before, &self.after].into_iter().zip(&mut told) {
                let mut here = ground.people(conn, now, &[&identity], None)?;
                let Some(person) = here.people.pop() else {
                    continue;
                };
                let standing = Standing {
                    account: AccountStanding::None,
                    member: MemberStanding::No,
                    invitation: InvitationStanding::None,
                    seats: Seats::Free,
                    domain: person.standing.domain,
                };
                *told = match decide(&here.policy, &identity, &standing).verdict {
                    Verdict::Admit(_) => "becomes a member, as long as a seat is free".to_owned(),
                    Verdict::Deny(refusal) => format!("is denied: {}", refusal.reason.title()),
                };
            }
            let [before, after] = told;
            preview.strangers.push(Stranger {
                domain,
                before,
                after,
            });
        }
        Ok(())
    }
}

fn stranger(connection: &str, email: EmailAddress) -> Identity {
    Identity {
        connection: connection.to_owned(),
        issuer: String::new(),
        subject: String::new(),
        email: Some(email),
        email_verified: Some(true),
        name: PersonName::default(),
        groups: None,
    }
}

/// What tells that somebody has a place in what is counted.
pub(super) fn is_assumed(basis: Basis) -> bool {
    !matches!(basis, Basis::Seen(_))
}
