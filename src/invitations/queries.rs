//! SQL of invitations.

use std::collections::{BTreeMap, HashMap};

use diesel::prelude::*;

use super::model::{Found, Invitation, Known, State, TeamName};
use crate::access::{InvitationStanding, Role};
use crate::store::schema::{accounts, invitation_teams, invitations, members, teams};
use crate::store::time::Timestamp;
use crate::store::{Conn, Result};
use crate::web::{Paging, Slice};

/// How many invitations of one person are looked at.
const LOOKED_AT: i64 = 50;

#[derive(Queryable, Selectable)]
#[diesel(table_name = invitations)]
struct Row {
    id: String,
    organization_id: String,
    email: String,
    email_key: String,
    role: String,
    state: String,
    token_hash: String,
    expires_at: Timestamp,
    invited_by: String,
    invited_by_name: String,
    created_at: Timestamp,
    sent_at: Timestamp,
    settled_at: Option<Timestamp>,
    member_id: Option<String>,
    version: i64,
}

impl Row {
    fn with(self, teams: Vec<TeamName>) -> Invitation {
        Invitation {
            id: self.id,
            organization: self.organization_id,
            email: self.email,
            email_key: self.email_key,
            // The table's checks leave no other words.
            role: Role::parse(&self.role).unwrap_or(Role::Member),
            stored: State::parse(&self.state).unwrap_or(State::Closed),
            token_hash: self.token_hash,
            expires_at: self.expires_at,
            invited_by: self.invited_by,
            invited_by_name: self.invited_by_name,
            created_at: self.created_at,
            sent_at: self.sent_at,
            settled_at: self.settled_at,
            member: self.member_id,
            version: self.version,
            teams,
        }
    }
}

fn with_teams(conn: &mut Conn, rows: Vec<Row>) -> Result<Vec<Invitation>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    let named: Vec<(String, String, String)> = invitation_teams::table
        .inner_join(teams::table)
        .filter(invitation_teams::invitation_id.eq_any(ids))
        .order((teams::name_key, teams::id))
        .select((invitation_teams::invitation_id, teams::id, teams::name))
        .load(conn)?;
    let mut by_invitation: HashMap<String, Vec<TeamName>> = HashMap::new();
    for (invitation, id, name) in named {
        by_invitation
            .entry(invitation)
            .or_default()
            .push(TeamName { id, name });
    }
    let teams_of = |row: Row| {
        let teams = by_invitation.remove(&row.id).unwrap_or_default();
        row.with(teams)
    };
    Ok(rows.into_iter().map(teams_of).collect())
}

/// The invitation with this id, if it is this organization's.
///
/// # Errors
/// When the database refuses.
pub fn find(conn: &mut Conn, organization: &str, id: &str) -> Result<Option<Invitation>> {
    Ok(find_many(conn, organization, &[id.to_owned()])?.pop())
}

/// Those of these invitations that are this organization's, by address.
pub(super) fn find_many(conn: &mut Conn, organization: &str, ids: &[String]) -> Result<Vec<Invitation>> {
    let rows = invitations::table
        .filter(invitations::organization_id.eq(organization))
        .filter(invitations::id.eq_any(ids))
        .order((invitations::email_key, invitations::id))
        .select(Row::as_select())
        .load(conn)?;
    with_teams(conn, rows)
}

/// The invitation whose link has this token, by the token's hash, in whatever state.
///
/// # Errors
/// When the database refuses.
pub fn by_token(conn: &mut Conn, token_hash: &str) -> Result<Option<Invitation>> {
    let row: Option<Row> = invitations::table
        .filter(invitations::token_hash.eq(token_hash))
        .select(Row::as_select())
        .first(conn)
        .optional()?;
    Ok(with_teams(conn, row.into_iter().collect())?.pop())
}

/// What the organization's invitations say about a person with these addresses (folded), whose browser
/// carries the token with this hash.
///
/// # Errors
/// When the database refuses.
pub fn standing(
    conn: &mut Conn,
    now: Timestamp,
    organization: &str,
    email_keys: &[String],
    token_hash: Option<&str>,
) -> Result<Found> {
    let rows = invitations::table
        .filter(invitations::organization_id.eq(organization))
        .filter(invitations::email_key.eq_any(email_keys))
        .order((invitations::sent_at.desc(), invitations::id.desc()))
        .limit(LOOKED_AT)
        .select(Row::as_select())
        .load(conn)?;
    let found = Found::judge(&with_teams(conn, rows)?, now, token_hash);
    let Some(token_hash) = token_hash.filter(|_| found.standing == InvitationStanding::None) else {
        return Ok(found);
    };
    let carried = by_token(conn, token_hash)?.filter(|other| {
        other.organization == organization
            && other.state(now) == State::Pending
            && !email_keys.contains(&other.email_key)
    });
    Ok(carried.map_or(found, |other| Found::by(&other, InvitationStanding::OtherAddress)))
}

/// What the organization knows already about these addresses (folded). An invitation whose time is over
/// is not known, nor is a removed member.
pub(super) fn known(
    conn: &mut Conn,
    now: Timestamp,
    organization: &str,
    email_keys: &[String],
) -> Result<BTreeMap<String, Known>> {
    let invited: Vec<String> = invitations::table
        .filter(invitations::organization_id.eq(organization))
        .filter(invitations::email_key.eq_any(email_keys))
        .filter(invitations::state.eq("pending"))
        .filter(invitations::expires_at.gt(now))
        .select(invitations::email_key)
        .load(conn)?;
    let people: Vec<(String, String)> = members::table
        .inner_join(accounts::table)
        .filter(members::organization_id.eq(organization))
        .filter(members::state.ne("removed"))
        .filter(accounts::email_key.eq_any(email_keys))
        .select((accounts::email_key, members::state))
        .load(conn)?;
    let mut known: BTreeMap<_, _> = invited.into_iter().map(|key| (key, Known::Invited)).collect();
    // What one is counts more than what one was offered.
    known.extend(people.into_iter().map(|(key, state)| {
        let is_active = state == "active";
        (
            key,
            if is_active {
                Known::Member
            } else {
                Known::Deactivated
            },
        )
    }));
    Ok(known)
}

/// The names of those of these teams that the organization has.
pub(super) fn team_names(
    conn: &mut Conn,
    organization: &str,
    ids: &[String],
) -> Result<BTreeMap<String, String>> {
    let named: Vec<(String, String)> = teams::table
        .filter(teams::organization_id.eq(organization))
        .filter(teams::id.eq_any(ids))
        .select((teams::id, teams::name))
        .load(conn)?;
    Ok(named.into_iter().collect())
}

/// The invitation of this address that the table calls pending, expired or not.
pub(super) fn open_id(conn: &mut Conn, organization: &str, email_key: &str) -> Result<Option<String>> {
    invitations::table
        .filter(invitations::organization_id.eq(organization))
        .filter(invitations::email_key.eq(email_key))
        .filter(invitations::state.eq("pending"))
        .select(invitations::id)
        .first(conn)
        .optional()
}

/// What is written when a link is made.
pub(super) struct Link<'a> {
    pub token_hash: &'a str,
    pub expires_at: Timestamp,
    pub sent_at: Timestamp,
    pub invited_by: &'a str,
    pub invited_by_name: &'a str,
}

pub(super) fn insert(
    conn: &mut Conn,
    id: &str,
    organization: &str,
    new: &super::New,
    link: &Link<'_>,
) -> Result<()> {
    diesel::insert_into(invitations::table)
        .values((
            invitations::id.eq(id),
            invitations::organization_id.eq(organization),
            invitations::email.eq(new.email.as_str()),
            invitations::email_key.eq(new.email.key()),
            invitations::role.eq(new.role.as_str()),
            invitations::state.eq("pending"),
            invitations::token_hash.eq(link.token_hash),
            invitations::expires_at.eq(link.expires_at),
            invitations::invited_by.eq(link.invited_by),
            invitations::invited_by_name.eq(link.invited_by_name),
            invitations::created_at.eq(link.sent_at),
            invitations::sent_at.eq(link.sent_at),
        ))
        .execute(conn)
        .map(drop)?;
    set_teams(conn, id, &new.teams)
}

/// An expired invitation becomes the new one.
pub(super) fn replace(conn: &mut Conn, id: &str, new: &super::New, link: &Link<'_>) -> Result<()> {
    relink(conn, id, link)?;
    diesel::update(invitations::table.find(id))
        .set((
            invitations::email.eq(new.email.as_str()),
            invitations::role.eq(new.role.as_str()),
            invitations::created_at.eq(link.sent_at),
        ))
        .execute(conn)?;
    diesel::delete(invitation_teams::table.filter(invitation_teams::invitation_id.eq(id))).execute(conn)?;
    set_teams(conn, id, &new.teams)
}

/// Gives an invitation another link and makes it wait.
pub(super) fn relink(conn: &mut Conn, id: &str, link: &Link<'_>) -> Result<()> {
    diesel::update(invitations::table.find(id))
        .set((
            invitations::state.eq("pending"),
            invitations::token_hash.eq(link.token_hash),
            invitations::expires_at.eq(link.expires_at),
            invitations::sent_at.eq(link.sent_at),
            invitations::invited_by.eq(link.invited_by),
            invitations::invited_by_name.eq(link.invited_by_name),
            invitations::settled_at.eq(None::<Timestamp>),
            invitations::member_id.eq(None::<String>),
            invitations::version.eq(invitations::version + 1),
        ))
        .execute(conn)
        .map(drop)
}

fn set_teams(conn: &mut Conn, id: &str, team_ids: &[String]) -> Result<()> {
    for team in team_ids {
        diesel::insert_into(invitation_teams::table)
            .values((
                invitation_teams::invitation_id.eq(id),
                invitation_teams::team_id.eq(team),
            ))
            .execute(conn)?;
    }
    Ok(())
}

/// Ends an invitation that the table calls pending. Answers whether it was this call that did.
pub(super) fn settle(
    conn: &mut Conn,
    now: Timestamp,
    id: &str,
    state: State,
    member: Option<&str>,
) -> Result<bool> {
    let changed = diesel::update(
        invitations::table
            .find(id)
            .filter(invitations::state.eq("pending")),
    )
    .set((
        invitations::state.eq(state.as_str()),
        invitations::settled_at.eq(now),
        invitations::member_id.eq(member),
        invitations::version.eq(invitations::version + 1),
    ))
    .execute(conn)?;
    Ok(changed == 1)
}

/// The invitation with this id, whosever it is.
pub(super) fn load(conn: &mut Conn, id: &str) -> Result<Option<Invitation>> {
    let row: Option<Row> = invitations::table
        .find(id)
        .select(Row::as_select())
        .first(conn)
        .optional()?;
    Ok(with_teams(conn, row.into_iter().collect())?.pop())
}

/// The role of this active member.
pub(super) fn role(conn: &mut Conn, organization: &str, member: &str) -> Result<Option<Role>> {
    let role: Option<String> = members::table
        .find(member)
        .filter(members::organization_id.eq(organization))
        .filter(members::state.eq("active"))
        .select(members::role)
        .first(conn)
        .optional()?;
    Ok(role.and_then(|role| Role::parse(&role)))
}

/// What a list of invitations is to show.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    /// A piece of the address; empty for all.
    pub address: String,
    /// The state; none for all.
    pub state: Option<State>,
}

type Db = <Conn as diesel::Connection>::Backend;

fn wanted_rows<'a>(
    organization: &'a str,
    now: Timestamp,
    wanted: &Wanted,
) -> invitations::BoxedQuery<'a, Db> {
    let mut rows = invitations::table
        .filter(invitations::organization_id.eq(organization))
        .into_boxed::<Db>();
    if !wanted.address.is_empty() {
        let piece = wanted.address.to_ascii_lowercase();
        let piece = piece
            .replace('\\', "\\\\")
            .replace('%', "\\%")
            .replace('_', "\\_");
        rows = rows.filter(invitations::email_key.like(format!("%{piece}%")).escape('\\'));
    }
    match wanted.state {
        None => rows,
        Some(State::Pending) => rows
            .filter(invitations::state.eq("pending"))
            .filter(invitations::expires_at.gt(now)),
        Some(State::Expired) => rows
            .filter(invitations::state.eq("pending"))
            .filter(invitations::expires_at.le(now)),
        Some(state) => rows.filter(invitations::state.eq(state.as_str())),
    }
}

/// How many there are.
pub(super) fn count(conn: &mut Conn, organization: &str, now: Timestamp, wanted: &Wanted) -> Result<i64> {
    wanted_rows(organization, now, wanted).count().get_result(conn)
}

/// One page of them, newest first.
pub(super) fn page(
    conn: &mut Conn,
    organization: &str,
    now: Timestamp,
    wanted: &Wanted,
    paging: &Paging,
) -> Result<Slice<Invitation>> {
    let mut rows = wanted_rows(organization, now, wanted).limit(Paging::limit());
    let from = paging.key().and_then(|key| key.split_once('.'));
    let from = from.and_then(|(at, id)| Some((at.parse::<Timestamp>().ok()?, id.to_owned())));
    rows = match (from, paging.is_backwards()) {
        (None, _) => rows,
        (Some((at, id)), false) => rows.filter(
            invitations::created_at
                .lt(at)
                .or(invitations::created_at.eq(at).and(invitations::id.lt(id))),
        ),
        (Some((at, id)), true) => rows.filter(
            invitations::created_at
                .gt(at)
                .or(invitations::created_at.eq(at).and(invitations::id.gt(id))),
        ),
    };
    rows = if paging.is_backwards() {
        rows.order((invitations::created_at.asc(), invitations::id.asc()))
    } else {
        rows.order((invitations::created_at.desc(), invitations::id.desc()))
    };
    let rows = rows.select(Row::as_select()).load(conn)?;
    let key = |one: &Invitation| format!("{}.{}", one.created_at, one.id);
    Ok(Slice::cut(with_teams(conn, rows)?, paging, key))
}
