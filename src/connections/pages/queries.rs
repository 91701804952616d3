//! SQL of a connection's page: what stands beside the connection, in few statements.

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable, Text};

use crate::connections::Connection;
use crate::connections::queries::Row;
use crate::connections::saml::queries::{Row as SamlRow, state_of};
use crate::connections::saml::{KeyState, MetadataState, SamlSettings};
use crate::connections::versions::Kind;
use crate::store::schema::{
    connection_domains, connection_versions, connections, domains, planned_switches, saml_keys,
    saml_settings, scim_tokens, teams,
};
use crate::store::sql::Sql;
use crate::store::time::Timestamp;
use crate::store::{Conn, Result};

/// A connection with everything of its page that is one of its kind.
pub struct Whole {
    pub connection: Connection,
    /// The team of newcomers, by name.
    pub default_team: Option<String>,
    /// Whether a directory ever spoke to it.
    pub had_directory: bool,
    /// When the draft was last changed, and by whom.
    pub draft: Option<(Timestamp, String)>,
    /// When the settings that hold replaced others, and by whom.
    pub previous: Option<(Timestamp, String)>,
    /// What only a SAML connection has.
    pub saml: Option<Saml>,
    /// Whether a switch was ever planned.
    pub has_plans: bool,
}

/// What a SAML connection has besides, without its certificates.
pub struct Saml {
    pub settings: SamlSettings,
    pub state: MetadataState,
    /// How many keys of ours there are.
    pub keys: i64,
    /// Whether one of them is the next.
    pub has_next: bool,
}

/// A column of the settings of this kind that are kept beside those that hold.
macro_rules! kept {
    ($kind:expr, $column:expr) => {
        connection_versions::table
            .filter(connection_versions::connection_id.eq(connections::id))
            .filter(connection_versions::kind.eq($kind.as_str()))
            .select($column)
            .single_value()
    };
}

type Kept = (Option<i64>, Option<String>);
/// When the metadata was looked at, what was wrong, and what it says otherwise.
type LookedAt = (Option<i64>, Option<String>, Option<String>);

/// One of the organization's connections, with what stands beside it: in one statement, because each is a round trip.
#[expect(clippy::too_many_lines, reason = "one statement, and what its columns are")]
pub fn whole(conn: &mut Conn, organization: &str, id: &str) -> Result<Option<Whole>> {
    type Found = (
        Row,
        Option<String>,
        bool,
        (Kept, Kept),
        Option<SamlRow>,
        LookedAt,
        (Option<i64>, bool),
        bool,
    );
    let used = scim_tokens::table
        .filter(scim_tokens::connection_id.eq(connections::id))
        .filter(scim_tokens::last_used_at.is_not_null());
    let keys = saml_keys::table.filter(saml_keys::connection_id.eq(connections::id));
    let planned = planned_switches::table.filter(planned_switches::connection_id.eq(connections::id));
    let found: Option<Found> = connections::table
        .left_join(saml_settings::table)
        .left_join(teams::table.on(connections::default_team_id.eq(teams::id.nullable())))
        .filter(connections::id.eq(id))
        .filter(connections::organization_id.eq(organization))
        .select((
            Row::as_select(),
            teams::name.nullable(),
            exists(used),
            (
                (
                    kept!(Kind::Draft, connection_versions::at),
                    kept!(Kind::Draft, connection_versions::by_name),
                ),
                (
                    kept!(Kind::Previous, connection_versions::at),
                    kept!(Kind::Previous, connection_versions::by_name),
                ),
            ),
            Option::<SamlRow>::as_select(),
            (
                saml_settings::metadata_at.nullable(),
                saml_settings::metadata_fault.nullable(),
                saml_settings::metadata_proposal.nullable(),
            ),
            (
                keys.count().single_value(),
                exists(keys.filter(saml_keys::state.eq(KeyState::Next.as_str()))),
            ),
            exists(planned),
        ))
        .first(conn)
        .optional()?;
    Ok(found.map(
        |(
            row,
            default_team,
            had_directory,
            (draft, previous),
            saml,
            (at, fault, proposal),
            keys,
            has_plans,
        )| Whole {
            connection: row.into(),
            default_team,
            had_directory,
            has_plans,
            draft: moment(draft),
            previous: moment(previous),
            saml: saml.map(|settings| Saml {
                settings: settings.into(),
                state: state_of((at, fault.unwrap_or_default(), proposal.unwrap_or_default())),
                keys: keys.0.unwrap_or_default(),
                has_next: keys.1,
            }),
        },
    ))
}

fn moment((at, by): Kept) -> Option<(Timestamp, String)> {
    at.zip(by)
}

/// A domain that is attached.
pub struct Attached {
    pub name: String,
    /// Whether it proves addresses.
    pub verified: bool,
    /// Whether the operator answers for it.
    pub vouched: bool,
    /// Whether its record has been missing for so long that it proves nobody new.
    pub lapsed: bool,
}

/// The domains that are attached to a connection, by name.
pub fn attached(conn: &mut Conn, connection: &str) -> Result<Vec<Attached>> {
    let rows: Vec<(String, bool, bool, bool)> = connection_domains::table
        .inner_join(domains::table)
        .filter(connection_domains::connection_id.eq(connection))
        .order(domains::name)
        .select((
            domains::name,
            domains::verified,
            domains::vouched,
            domains::lapsed_at.is_not_null(),
        ))
        .load(conn)?;
    let attached = |(name, verified, vouched, lapsed): (String, bool, bool, bool)| Attached {
        name,
        verified: verified && !lapsed,
        vouched,
        lapsed,
    };
    Ok(rows.into_iter().map(attached).collect())
}

/// A domain of the organization that is not attached.
pub struct Free {
    pub id: String,
    pub name: String,
    pub verified: bool,
}

/// What a connection has several of.
#[derive(Default)]
pub struct Several {
    /// The domains that are attached, by name.
    pub domains: Vec<Attached>,
    /// The organization's other domains, by name.
    pub free: Vec<Free>,
    /// Group and team of each line of its table, by group.
    pub mapping: Vec<(String, String)>,
}

/// A line of what a connection has several of: a domain that is attached, a group with a team, or a domain that is not
/// attached, of which alone the id is asked.
#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Nullable<Text>)]
    team: Option<String>,
    #[diesel(sql_type = Text)]
    team_key: String,
    #[diesel(sql_type = Bool)]
    verified: bool,
    #[diesel(sql_type = Bool)]
    vouched: bool,
    #[diesel(sql_type = Bool)]
    lapsed: bool,
}

/// The domains that are attached to a connection and those that are not, and its table of groups: in one statement.
pub fn several(conn: &mut Conn, connection: &Connection) -> Result<Several> {
    let mut text = Sql::new(
        "SELECT '' AS id, d.name AS name, NULL AS team, '' AS team_key, d.verified AS verified, d.vouched AS vouched, \
         d.lapsed_at IS NOT NULL AS lapsed \
         FROM connection_domains c JOIN domains d ON d.id = c.domain_id WHERE c.connection_id = ",
    );
    text.bind(&connection.id).add(
        " UNION ALL SELECT '', g.group_name, t.name, t.name_key, FALSE, FALSE, FALSE \
         FROM group_mappings g JOIN teams t ON t.id = g.team_id WHERE g.connection_id = ",
    );
    text.bind(&connection.id).add(
        " UNION ALL SELECT o.id, o.name, NULL, '', o.verified, o.vouched, o.lapsed_at IS NOT NULL \
         FROM domains o WHERE o.organization_id = ",
    );
    text.bind(&connection.organization).add(
        " AND NOT EXISTS (SELECT 1 FROM connection_domains a WHERE a.domain_id = o.id AND a.connection_id = ",
    );
    text.bind(&connection.id).add(")");
    let mut lines: Vec<Line> = text.load(conn)?;
    // Here and not there: the columns may be sorted by different rules.
    lines.sort_by(|one, other| (&one.name, &one.team_key).cmp(&(&other.name, &other.team_key)));
    let mut several = Several::default();
    for line in lines {
        match line.team {
            Some(team) => several.mapping.push((line.name, team)),
            None if line.id.is_empty() => several.domains.push(Attached {
                name: line.name,
                verified: line.verified && !line.lapsed,
                vouched: line.vouched,
                lapsed: line.lapsed,
            }),
            None => several.free.push(Free {
                id: line.id,
                name: line.name,
                verified: line.verified && !line.lapsed,
            }),
        }
    }
    Ok(several)
}
