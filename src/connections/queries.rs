//! SQL of connections and of the domains attached to them.

use diesel::prelude::*;

use super::model::{Connection, Protocol, Settings, StandingDomain, State, Uses};
use crate::access::{DomainStanding, Role};
use crate::store::schema::{
    accounts, connection_domains, connections, domains, identities, members, organizations, scim_groups,
    scim_tokens, scim_users, sign_ins, teams,
};
use crate::store::time::Timestamp;
use crate::store::{Conn, Result};

#[derive(Queryable, Selectable)]
#[diesel(table_name = connections)]
pub(super) struct Row {
    id: String,
    organization_id: String,
    slug: String,
    name: String,
    protocol: String,
    state: String,
    jit: bool,
    scim: bool,
    enforce: bool,
    default_role: String,
    default_team_id: Option<String>,
    issuer: String,
    client_id: String,
    client_secret_sealed: String,
    scopes: String,
    groups_claim: String,
    confirmed_jwks_uri: String,
    keys_moved_at: Option<i64>,
    jit_changed_at: Option<i64>,
    jit_changed_by: String,
    version: i64,
}

impl From<Row> for Connection {
    fn from(row: Row) -> Self {
        Self {
            // The table's CHECKs know no other words; should one come all the same, nobody enters by it.
            protocol: Protocol::parse(&row.protocol).unwrap_or(Protocol::Oidc),
            state: State::parse(&row.state).unwrap_or(State::Off),
            default_role: Role::parse(&row.default_role).unwrap_or(Role::Member),
            id: row.id,
            organization: row.organization_id,
            slug: row.slug,
            name: row.name,
            jit: row.jit,
            scim: row.scim,
            enforce: row.enforce,
            default_team: row.default_team_id,
            issuer: row.issuer,
            client_id: row.client_id,
            client_secret_sealed: row.client_secret_sealed,
            scopes: row.scopes,
            groups_claim: row.groups_claim,
            confirmed_jwks_uri: row.confirmed_jwks_uri,
            keys_moved_at: row.keys_moved_at,
            jit_changed_at: row.jit_changed_at,
            jit_changed_by: row.jit_changed_by,
            version: row.version,
        }
    }
}

/// The connection with this id, whatever its organization: for the provider's answer, which names no other.
///
/// # Errors
/// When the database refuses.
pub fn find(conn: &mut Conn, id: &str) -> Result<Option<Connection>> {
    let row = connections::table
        .find(id)
        .select(Row::as_select())
        .first(conn)
        .optional()?;
    Ok(row.map(Connection::from))
}

/// The connection whose live token has this hash, in an organization that is on; with the token's id and name.
///
/// # Errors
/// When the database refuses.
pub fn find_by_token(
    conn: &mut Conn,
    now: Timestamp,
    hash: &str,
) -> Result<Option<(String, String, Connection)>> {
    let found: Option<(String, String, Row)> = connections::table
        .inner_join(organizations::table)
        .inner_join(scim_tokens::table.on(scim_tokens::connection_id.eq(connections::id)))
        .filter(scim_tokens::token_hash.eq(hash))
        .filter(scim_tokens::revoked_at.is_null())
        .filter(
            scim_tokens::expires_at
                .is_null()
                .or(scim_tokens::expires_at.gt(now)),
        )
        .filter(organizations::state.eq("on"))
        .select((scim_tokens::id, scim_tokens::name, Row::as_select()))
        .first(conn)
        .optional()?;
    Ok(found.map(|(id, name, row)| (id, name, Connection::from(row))))
}

/// One of the organization's connections.
///
/// # Errors
/// When the database refuses.
pub fn find_in(conn: &mut Conn, organization: &str, id: &str) -> Result<Option<Connection>> {
    let row = connections::table
        .find(id)
        .filter(connections::organization_id.eq(organization))
        .select(Row::as_select())
        .first(conn)
        .optional()?;
    Ok(row.map(Connection::from))
}

/// The connection that `/sign-in/{organization}/{slug}` names, whatever its state.
///
/// # Errors
/// When the database refuses.
pub fn find_by_slugs(conn: &mut Conn, organization: &str, slug: &str) -> Result<Option<Connection>> {
    Ok(find_at_door(conn, organization, slug)?.map(|(connection, _)| connection))
}

/// The same, and whether its organization lets anybody in at present.
///
/// # Errors
/// When the database refuses.
pub fn find_at_door(conn: &mut Conn, organization: &str, slug: &str) -> Result<Option<(Connection, bool)>> {
    let found: Option<(Row, String)> = connections::table
        .inner_join(organizations::table)
        .filter(organizations::slug.eq(organization))
        .filter(connections::slug.eq(slug))
        .select((Row::as_select(), organizations::state))
        .first(conn)
        .optional()?;
    Ok(found.map(|(row, state)| (Connection::from(row), state == "on")))
}

/// The connections by which people of this domain (lower-case A-labels) sign in: on, in an organization
/// that is on, with the domain verified and attached. By name.
///
/// # Errors
/// When the database refuses.
pub fn for_domain(conn: &mut Conn, domain: &str) -> Result<Vec<Connection>> {
    let attached = connection_domains::table
        .inner_join(domains::table)
        .filter(domains::name.eq(domain))
        .filter(domains::verified)
        .select(connection_domains::connection_id);
    let rows: Vec<Row> = connections::table
        .inner_join(organizations::table)
        .filter(organizations::state.eq("on"))
        .filter(connections::state.eq(State::On.as_str()))
        .filter(connections::id.eq_any(attached))
        .order((connections::name, connections::id))
        .select(Row::as_select())
        .load(conn)?;
    Ok(rows.into_iter().map(Connection::from).collect())
}

/// What vouches for whom in this organization: each verified domain with the short name of each connection that is on and
/// that it is attached to.
///
/// # Errors
/// When the database refuses.
pub fn vouching(conn: &mut Conn, organization: &str) -> Result<Vec<(String, String)>> {
    connections::table
        .inner_join(connection_domains::table.inner_join(domains::table))
        .filter(connections::organization_id.eq(organization))
        .filter(connections::state.eq(State::On.as_str()))
        .filter(domains::verified)
        .order((domains::name, connections::slug))
        .select((domains::name, connections::slug))
        .load(conn)
}

/// The organization's connections, by name.
///
/// # Errors
/// When the database refuses.
pub fn list(conn: &mut Conn, organization: &str) -> Result<Vec<Connection>> {
    let rows: Vec<Row> = connections::table
        .filter(connections::organization_id.eq(organization))
        .order((connections::name, connections::id))
        .select(Row::as_select())
        .load(conn)?;
    Ok(rows.into_iter().map(Connection::from).collect())
}

/// How a domain (lower-case A-labels) stands for somebody who comes by this connection.
///
/// # Errors
/// When the database refuses.
pub fn domain_standing(conn: &mut Conn, connection: &Connection, domain: &str) -> Result<DomainStanding> {
    let found = domain_standings(conn, connection, &[domain])?.pop();
    Ok(found.map_or(DomainStanding::Unverified, |found| found.standing()))
}

/// How those of these domains stand that somebody verified; the others are [`DomainStanding::Unverified`].
///
/// # Errors
/// When the database refuses.
pub fn domain_standings(
    conn: &mut Conn,
    connection: &Connection,
    names: &[&str],
) -> Result<Vec<StandingDomain>> {
    let here = connection_domains::domain_id
        .eq(domains::id)
        .and(connection_domains::connection_id.eq(&connection.id));
    let proven = domains::table
        .left_join(connection_domains::table.on(here))
        .filter(domains::verified)
        .select((
            domains::name,
            domains::id,
            domains::organization_id,
            domains::lapsed_at,
            connection_domains::domain_id.nullable().is_not_null(),
        ))
        .into_boxed();
    // A plain comparison has one text, which is prepared once.
    let verified: Vec<(String, String, String, Option<Timestamp>, bool)> = match names {
        [name] => proven.filter(domains::name.eq(*name)).load(conn)?,
        _ => proven.filter(domains::name.eq_any(names)).load(conn)?,
    };
    Ok(verified
        .into_iter()
        .map(|(name, id, organization, lapsed_at, attached)| StandingDomain {
            name,
            attached: attached && organization == connection.organization,
            id: (organization == connection.organization).then_some(id),
            lapsed: lapsed_at.is_some(),
        })
        .collect())
}

pub fn is_attached(conn: &mut Conn, connection: &str, domain: &str) -> Result<bool> {
    diesel::select(diesel::dsl::exists(
        connection_domains::table.find((connection, domain)),
    ))
    .get_result(conn)
}

pub fn attach(conn: &mut Conn, connection: &str, domain: &str) -> Result<()> {
    diesel::insert_into(connection_domains::table)
        .values((
            connection_domains::connection_id.eq(connection),
            connection_domains::domain_id.eq(domain),
        ))
        .execute(conn)
        .map(drop)
}

pub fn detach(conn: &mut Conn, connection: &str, domain: &str) -> Result<()> {
    diesel::delete(connection_domains::table.find((connection, domain)))
        .execute(conn)
        .map(drop)
}

/// Id and name of each attached domain, by name.
///
/// # Errors
/// When the database refuses.
pub fn attached(conn: &mut Conn, connection: &str) -> Result<Vec<(String, String)>> {
    connection_domains::table
        .inner_join(domains::table)
        .filter(connection_domains::connection_id.eq(connection))
        .order(domains::name)
        .select((domains::id, domains::name))
        .load(conn)
}

/// The domains attached to each of the organization's connections: connection id and domain name.
pub fn all_attached(conn: &mut Conn, organization: &str) -> Result<Vec<(String, String)>> {
    connection_domains::table
        .inner_join(domains::table)
        .filter(domains::organization_id.eq(organization))
        .order(domains::name)
        .select((connection_domains::connection_id, domains::name))
        .load(conn)
}

/// Id and name of the organization's teams, by name.
pub fn teams_of(conn: &mut Conn, organization: &str) -> Result<Vec<(String, String)>> {
    teams::table
        .filter(teams::organization_id.eq(organization))
        .order(teams::name_key)
        .select((teams::id, teams::name))
        .load(conn)
}

/// Whether the team belongs to the organization.
pub fn has_team(conn: &mut Conn, organization: &str, team: &str) -> Result<bool> {
    diesel::select(diesel::dsl::exists(
        teams::table
            .find(team)
            .filter(teams::organization_id.eq(organization)),
    ))
    .get_result(conn)
}

/// Whether another connection of the organization has this slug.
pub fn slug_is_taken(conn: &mut Conn, organization: &str, slug: &str, but: &str) -> Result<bool> {
    diesel::select(diesel::dsl::exists(
        connections::table
            .filter(connections::organization_id.eq(organization))
            .filter(connections::slug.eq(slug))
            .filter(connections::id.ne(but)),
    ))
    .get_result(conn)
}

pub fn insert(
    conn: &mut Conn,
    now: Timestamp,
    id: &str,
    organization: &str,
    settings: &Settings,
    secret: &str,
) -> Result<()> {
    diesel::insert_into(connections::table)
        .values((
            connections::id.eq(id),
            connections::organization_id.eq(organization),
            connections::slug.eq(&settings.slug),
            connections::name.eq(&settings.name),
            connections::protocol.eq(Protocol::Oidc.as_str()),
            connections::default_role.eq(settings.default_role.as_str()),
            connections::default_team_id.eq(&settings.default_team),
            connections::issuer.eq(&settings.issuer),
            connections::client_id.eq(&settings.client_id),
            connections::client_secret_sealed.eq(secret),
            connections::scopes.eq(&settings.scopes),
            connections::groups_claim.eq(&settings.groups_claim),
            connections::created_at.eq(now),
        ))
        .execute(conn)
        .map(drop)
}

/// Who ever came by it.
pub fn uses(conn: &mut Conn, connection: &Connection) -> Result<Uses> {
    use diesel::dsl::exists;
    let linked = identities::table.filter(identities::connection_id.eq(&connection.id));
    let admitted = sign_ins::table
        .filter(sign_ins::organization_id.eq(&connection.organization))
        .filter(sign_ins::connection_id.eq(&connection.id))
        .filter(sign_ins::outcome.eq("admitted"));
    let people = scim_users::table.filter(scim_users::connection_id.eq(&connection.id));
    let groups = scim_groups::table.filter(scim_groups::connection_id.eq(&connection.id));
    let spoke = scim_tokens::table
        .filter(scim_tokens::connection_id.eq(&connection.id))
        .filter(scim_tokens::last_used_at.is_not_null());
    let (linked, admitted, people, groups, spoke): (bool, bool, bool, bool, bool) = diesel::select((
        exists(linked),
        exists(admitted),
        exists(people),
        exists(groups),
        exists(spoke),
    ))
    .get_result(conn)?;
    Ok(Uses {
        people: linked || admitted,
        directory: people || groups || spoke,
    })
}

/// Deletes it with all that hangs on it (the tables say so), unless somebody else changed it first.
pub fn delete(conn: &mut Conn, known: &Connection) -> Result<usize> {
    diesel::delete(
        connections::table
            .find(&known.id)
            .filter(connections::version.eq(known.version)),
    )
    .execute(conn)
}

/// How many people may sign in here.
pub fn active_members(conn: &mut Conn, organization: &str) -> Result<i64> {
    members::table
        .filter(members::organization_id.eq(organization))
        .filter(members::state.eq("active"))
        .count()
        .get_result(conn)
}

/// How many active members could still sign in without this connection: by a password, or by another
/// connection that is on and to which they are linked.
pub fn with_another_way(conn: &mut Conn, connection: &Connection, owners_only: bool) -> Result<i64> {
    let elsewhere = identities::table
        .inner_join(connections::table)
        .filter(connections::organization_id.eq(&connection.organization))
        .filter(connections::state.eq(State::On.as_str()))
        .filter(connections::id.ne(&connection.id))
        .select(identities::account_id);
    let roles: &[&str] = if owners_only {
        &["owner"]
    } else {
        &["owner", "admin", "member"]
    };
    members::table
        .inner_join(accounts::table)
        .filter(members::organization_id.eq(&connection.organization))
        .filter(members::state.eq("active"))
        .filter(members::role.eq_any(roles.iter().copied()))
        .filter(accounts::state.eq("active"))
        .filter(
            accounts::password_hash
                .is_not_null()
                .or(accounts::id.eq_any(elsewhere)),
        )
        .count()
        .get_result(conn)
}

/// Somebody by name and address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    pub name: String,
    pub email: String,
}

/// Accounts with a password at these domains that enforcement would take from them: their ids, and the first 20 by address.
/// Those named here, who are owners for emergencies, and operators keep theirs.
pub fn losing_passwords(
    conn: &mut Conn,
    domains: &[String],
    keepers: &[String],
) -> Result<(Vec<String>, Vec<Named>)> {
    let losing = || {
        accounts::table
            .filter(accounts::email_domain.eq_any(domains))
            .filter(accounts::password_hash.is_not_null())
            .filter(accounts::state.eq("active"))
            .filter(accounts::operator.eq(false))
            .filter(accounts::id.ne_all(keepers))
    };
    let all = losing().order(accounts::id).select(accounts::id).load(conn)?;
    let first = losing()
        .order(accounts::email_key)
        .limit(20)
        .select((accounts::full_name, accounts::email))
        .load(conn)?;
    Ok((all, named(first)))
}

/// Whoever has no name is called by the address.
fn named(rows: Vec<(String, String)>) -> Vec<Named> {
    rows.into_iter()
        .map(|(name, email)| Named {
            name: if name.is_empty() { email.clone() } else { name },
            email,
        })
        .collect()
}

/// Counts the version up after a change of its domains.
pub fn touch(conn: &mut Conn, known: &Connection) -> Result<usize> {
    diesel::update(
        connections::table
            .find(&known.id)
            .filter(connections::version.eq(known.version)),
    )
    .set(connections::version.eq(known.version + 1))
    .execute(conn)
}

/// Each update counts the version up, and touches nothing when somebody else did so first.
pub fn update(conn: &mut Conn, known: &Connection, settings: &Settings, secret: &str) -> Result<usize> {
    diesel::update(
        connections::table
            .find(&known.id)
            .filter(connections::version.eq(known.version)),
    )
    .set((
        connections::slug.eq(&settings.slug),
        connections::name.eq(&settings.name),
        connections::default_role.eq(settings.default_role.as_str()),
        connections::default_team_id.eq(&settings.default_team),
        connections::issuer.eq(&settings.issuer),
        connections::client_id.eq(&settings.client_id),
        connections::client_secret_sealed.eq(secret),
        connections::scopes.eq(&settings.scopes),
        connections::groups_claim.eq(&settings.groups_claim),
        connections::confirmed_jwks_uri.eq(confirmed_for(known, &settings.issuer)),
        connections::keys_moved_at.eq(None::<i64>),
        connections::version.eq(known.version + 1),
    ))
    .execute(conn)
}

/// Another provider has other keys: nobody has confirmed where they are.
pub fn confirmed_for<'a>(known: &'a Connection, issuer: &str) -> &'a str {
    if known.issuer == issuer {
        &known.confirmed_jwks_uri
    } else {
        ""
    }
}

/// Notes where the keys of this connection's provider are, as an owner confirmed.
pub fn confirm_keys(conn: &mut Conn, known: &Connection, jwks_uri: &str) -> Result<usize> {
    diesel::update(
        connections::table
            .find(&known.id)
            .filter(connections::version.eq(known.version)),
    )
    .set((
        connections::confirmed_jwks_uri.eq(jwks_uri),
        connections::keys_moved_at.eq(None::<i64>),
        connections::version.eq(known.version + 1),
    ))
    .execute(conn)
}

/// The same, as a sign-in found them, where nobody has confirmed anything yet. Forms that are open meanwhile stay good.
pub fn first_saw_keys(conn: &mut Conn, known: &Connection, jwks_uri: &str) -> Result<usize> {
    diesel::update(
        connections::table
            .find(&known.id)
            .filter(connections::issuer.eq(&known.issuer))
            .filter(connections::confirmed_jwks_uri.eq("")),
    )
    .set(connections::confirmed_jwks_uri.eq(jwks_uri))
    .execute(conn)
}

/// Notes since when the provider's keys are elsewhere than confirmed; what is noted already stays.
pub fn keys_moved(conn: &mut Conn, id: &str, confirmed: &str, now: Timestamp) -> Result<usize> {
    let noted_first = connections::table
        .find(id)
        .filter(connections::confirmed_jwks_uri.eq(confirmed))
        .filter(connections::keys_moved_at.is_null());
    diesel::update(noted_first)
        .set(connections::keys_moved_at.eq(now))
        .execute(conn)
}

/// The provider's keys are where they were confirmed to be again.
pub fn keys_came_back(conn: &mut Conn, id: &str) -> Result<usize> {
    diesel::update(connections::table.find(id))
        .set(connections::keys_moved_at.eq(None::<i64>))
        .execute(conn)
}

pub fn set_state(conn: &mut Conn, known: &Connection, state: State) -> Result<usize> {
    diesel::update(
        connections::table
            .find(&known.id)
            .filter(connections::version.eq(known.version)),
    )
    .set((
        connections::state.eq(state.as_str()),
        connections::version.eq(known.version + 1),
    ))
    .execute(conn)
}

pub fn set_jit(conn: &mut Conn, now: Timestamp, known: &Connection, on: bool, by: &str) -> Result<usize> {
    diesel::update(
        connections::table
            .find(&known.id)
            .filter(connections::version.eq(known.version)),
    )
    .set((
        connections::jit.eq(on),
        connections::jit_changed_at.eq(now),
        connections::jit_changed_by.eq(by),
        connections::version.eq(known.version + 1),
    ))
    .execute(conn)
}

/// What newcomers get.
pub fn set_newcomers(conn: &mut Conn, known: &Connection, role: Role, team: Option<&str>) -> Result<usize> {
    diesel::update(
        connections::table
            .find(&known.id)
            .filter(connections::version.eq(known.version)),
    )
    .set((
        connections::default_role.eq(role.as_str()),
        connections::default_team_id.eq(team),
        connections::version.eq(known.version + 1),
    ))
    .execute(conn)
}

pub fn set_scim(conn: &mut Conn, known: &Connection, on: bool) -> Result<usize> {
    diesel::update(
        connections::table
            .find(&known.id)
            .filter(connections::version.eq(known.version)),
    )
    .set((
        connections::scim.eq(on),
        connections::version.eq(known.version + 1),
    ))
    .execute(conn)
}

pub fn set_enforce(conn: &mut Conn, known: &Connection, on: bool) -> Result<usize> {
    diesel::update(
        connections::table
            .find(&known.id)
            .filter(connections::version.eq(known.version)),
    )
    .set((
        connections::enforce.eq(on),
        connections::version.eq(known.version + 1),
    ))
    .execute(conn)
}
