//! SQL of the blocks.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use crate::store::schema::{scim_blocks, scim_users};
use crate::store::{Conn, Result};

/// The blocks of a connection's directory in their order.
pub fn blocks(conn: &mut Conn, connection: &str) -> Result<Vec<(String, i64)>> {
    scim_blocks::table
        .filter(scim_blocks::connection_id.eq(connection))
        .order(scim_blocks::first_id)
        .select((scim_blocks::first_id, scim_blocks::users))
        .load(conn)
}

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = BigInt)]
    users: i64,
}

/// So many more in the block of this id; answers how many those are now, or nothing where there is no block.
pub fn count(conn: &mut Conn, connection: &str, id: &str, more: i64) -> Result<Option<i64>> {
    let statement = diesel::sql_query(
        "UPDATE scim_blocks SET users = users + $1 WHERE connection_id = $2 AND first_id = \
         (SELECT max(one.first_id) FROM scim_blocks AS one WHERE one.connection_id = $2 AND one.first_id <= $3) \
         RETURNING users",
    );
    let counted: Option<Counted> = statement
        .into_boxed()
        .bind::<BigInt, _>(more)
        .bind::<Text, _>(connection.to_owned())
        .bind::<Text, _>(id.to_owned())
        .get_result(conn)
        .optional()?;
    Ok(counted.map(|counted| counted.users))
}

/// A new block.
pub fn insert(conn: &mut Conn, connection: &str, first_id: &str, users: i64) -> Result<()> {
    diesel::insert_into(scim_blocks::table)
        .values((
            scim_blocks::connection_id.eq(connection),
            scim_blocks::first_id.eq(first_id),
            scim_blocks::users.eq(users),
        ))
        .execute(conn)
        .map(drop)
}

/// Whether nobody of the directory stands behind this id.
pub fn is_last(conn: &mut Conn, connection: &str, id: &str) -> Result<bool> {
    let behind = scim_users::table
        .filter(scim_users::connection_id.eq(connection))
        .filter(scim_users::id.gt(id));
    diesel::select(diesel::dsl::not(diesel::dsl::exists(behind))).get_result(conn)
}
