//! SQL of the operator's pages.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};

use crate::store::text::part;
use crate::store::time::Timestamp;
use crate::store::{Conn, Result};
use crate::web::Paging;

/// An organization as the operator sees it: numbers, and nobody's name.
#[derive(Debug, Clone, QueryableByName)]
pub struct Row {
    /// Its id.
    #[diesel(sql_type = Text)]
    pub id: String,
    /// As paths name it.
    #[diesel(sql_type = Text)]
    pub slug: String,
    /// Its name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// `on` or `off`.
    #[diesel(sql_type = Text)]
    pub state: String,
    /// How many seats it may have.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub seats: Option<i64>,
    /// Active members.
    #[diesel(sql_type = BigInt)]
    pub members: i64,
    /// Invitations that wait.
    #[diesel(sql_type = BigInt)]
    pub invited: i64,
    /// Connections that are on.
    #[diesel(sql_type = BigInt)]
    pub connections: i64,
    /// The last sign-in, however it ended.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub last_at: Option<Timestamp>,
    /// Since when it is here.
    #[diesel(sql_type = BigInt)]
    pub created_at: Timestamp,
}

const COLUMNS: &str = "SELECT o.id, o.slug, o.name, o.state, o.seats, o.created_at,
  (SELECT COUNT(*) FROM members m WHERE m.organization_id = o.id AND m.state = 'active') AS members,
  (SELECT COUNT(*) FROM invitations i
   WHERE i.organization_id = o.id AND i.state = 'pending' AND i.expires_at > $1) AS invited,
  (SELECT COUNT(*) FROM connections c WHERE c.organization_id = o.id AND c.state = 'on') AS connections,
  (SELECT MAX(s.at) FROM sign_ins s WHERE s.organization_id = o.id) AS last_at
FROM organizations o";

/// One page of the organizations, by their short names, whose name or short name has this text.
pub fn page(conn: &mut Conn, now: Timestamp, search: &str, paging: &Paging) -> Result<Vec<Row>> {
    let (sign, order) = if paging.is_backwards() {
        ("<", "DESC")
    } else {
        (">", "ASC")
    };
    let beyond = match paging.key() {
        Some(_) => format!("o.slug {sign} $3"),
        None => "$3 = ''".to_owned(),
    };
    let question = format!(
        "{COLUMNS} WHERE (o.slug LIKE $2 ESCAPE '\\' OR LOWER(o.name) LIKE $2 ESCAPE '\\') AND {beyond} \
         ORDER BY o.slug {order} LIMIT {}",
        Paging::limit()
    );
    diesel::sql_query(question)
        .bind::<BigInt, _>(now)
        .bind::<Text, _>(part(&search.to_lowercase()))
        .bind::<Text, _>(paging.key().unwrap_or_default())
        .load(conn)
}

/// The organization of this id.
pub fn one(conn: &mut Conn, now: Timestamp, id: &str) -> Result<Option<Row>> {
    diesel::sql_query(format!("{COLUMNS} WHERE o.id = $2"))
        .bind::<BigInt, _>(now)
        .bind::<Text, _>(id)
        .get_result(conn)
        .optional()
}
