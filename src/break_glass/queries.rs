//! SQL of the owners for emergencies.

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};

use super::model::Keeper;
use crate::store::schema::{break_glass_owners, break_glass_uses, members};
use crate::store::time::Timestamp;
use crate::store::{Conn, Result, id};

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    account: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    email: String,
    #[diesel(sql_type = Bool)]
    named: bool,
    #[diesel(sql_type = Bool)]
    has_password: bool,
    #[diesel(sql_type = Bool)]
    has_factor: bool,
    #[diesel(sql_type = Nullable<BigInt>)]
    used_at: Option<Timestamp>,
    #[diesel(sql_type = Nullable<BigInt>)]
    tried_at: Option<Timestamp>,
}

/// The active owners, the first one first.
const OWNERS: &str = "
SELECT a.id AS account, CASE WHEN a.full_name = '' THEN a.email ELSE a.full_name END AS name, a.email AS email,
       b.account_id IS NOT NULL AS named, (m.by_password AND a.password_hash IS NOT NULL) AS has_password,
       (EXISTS (SELECT 1 FROM totp_seeds t WHERE t.account_id = a.id)
        OR EXISTS (SELECT 1 FROM passkeys p WHERE p.account_id = a.id)) AS has_factor,
       (SELECT MAX(u.at) FROM break_glass_uses u
        WHERE u.organization_id = $1 AND u.kind = 'sign_in' AND u.account_id = a.id) AS used_at,
       (SELECT MAX(u.at) FROM break_glass_uses u
        WHERE u.organization_id = $1 AND u.kind = 'drill' AND u.account_id = a.id) AS tried_at
FROM members m JOIN accounts a ON a.id = m.account_id
LEFT JOIN break_glass_owners b ON b.account_id = a.id AND b.organization_id = $1
WHERE m.organization_id = $1 AND m.role = 'owner' AND m.state = 'active' AND a.state = 'active'
ORDER BY m.joined_at, m.id LIMIT 200";

/// The organization's owners, with those for emergencies marked.
pub fn owners(conn: &mut Conn, organization: &str) -> Result<Vec<Keeper>> {
    let rows: Vec<Row> = diesel::sql_query(OWNERS)
        .bind::<Text, _>(organization)
        .load(conn)?;
    let first = if rows.iter().any(|row| row.named) {
        None
    } else {
        rows.iter().position(|row| row.has_password)
    };
    let keepers = rows.into_iter().enumerate().map(|(place, row)| Keeper {
        account: row.account,
        name: row.name,
        email: row.email,
        is_keeper: row.named || first == Some(place),
        has_password: row.has_password,
        has_factor: row.has_factor,
        used_at: row.used_at,
        tried_at: row.tried_at,
    });
    Ok(keepers.collect())
}

/// Whether the account is named in this organization and an active owner of it.
pub fn is_named(conn: &mut Conn, organization: &str, account: &str) -> Result<bool> {
    let owner = members::table
        .filter(members::organization_id.eq(organization))
        .filter(members::account_id.eq(account))
        .filter(members::role.eq("owner"))
        .filter(members::state.eq("active"));
    let named: bool =
        diesel::select(exists(break_glass_owners::table.find((organization, account)))).get_result(conn)?;
    Ok(named && diesel::select(exists(owner)).get_result(conn)?)
}

/// The accounts of those who are named in this organization and active owners of it: they never come by single sign-on.
///
/// # Errors
/// When the database refuses.
pub fn named(conn: &mut Conn, organization: &str) -> Result<Vec<String>> {
    let named = break_glass_owners::table
        .filter(break_glass_owners::organization_id.eq(organization))
        .select(break_glass_owners::account_id);
    members::table
        .filter(members::organization_id.eq(organization))
        .filter(members::role.eq("owner"))
        .filter(members::state.eq("active"))
        .filter(members::account_id.eq_any(named))
        .select(members::account_id)
        .load(conn)
}

/// Whether the account is named in any organization, and an active owner of it.
pub fn is_named_anywhere(conn: &mut Conn, account: &str) -> Result<bool> {
    let owners = members::table
        .filter(members::account_id.eq(account))
        .filter(members::role.eq("owner"))
        .filter(members::state.eq("active"))
        .select(members::organization_id);
    let named = break_glass_owners::table
        .filter(break_glass_owners::account_id.eq(account))
        .filter(break_glass_owners::organization_id.eq_any(owners));
    diesel::select(exists(named)).get_result(conn)
}

pub fn set_named(
    conn: &mut Conn,
    organization: &str,
    accounts: &[String],
    now: Timestamp,
    by: &str,
) -> Result<()> {
    diesel::delete(break_glass_owners::table.filter(break_glass_owners::organization_id.eq(organization)))
        .execute(conn)?;
    for account in accounts {
        diesel::insert_into(break_glass_owners::table)
            .values((
                break_glass_owners::organization_id.eq(organization),
                break_glass_owners::account_id.eq(account),
                break_glass_owners::named_at.eq(now),
                break_glass_owners::named_by.eq(by),
            ))
            .execute(conn)?;
    }
    Ok(())
}

pub fn insert_use(
    conn: &mut Conn,
    organization: &str,
    (account, name): (&str, &str),
    kind: &str,
    now: Timestamp,
) -> Result<()> {
    diesel::insert_into(break_glass_uses::table)
        .values((
            break_glass_uses::id.eq(id::new_id()),
            break_glass_uses::organization_id.eq(organization),
            break_glass_uses::account_id.eq(account),
            break_glass_uses::name.eq(name),
            break_glass_uses::kind.eq(kind),
            break_glass_uses::at.eq(now),
        ))
        .execute(conn)
        .map(drop)
}
