//! SQL of the blocks.

use diesel::prelude::*;
use diesel::sql_types::BigInt;

use crate::store::schema::{scim_blocks, scim_users};
use crate::store::{Conn, Result, Run as _, Sql, rows};

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
    let statement = Sql::new(
        "UPDATE scim_blocks SET users = users + ? WHERE connection_id = ? AND first_id = \
         (SELECT max(one.first_id) FROM scim_blocks AS one WHERE one.connection_id = ? AND one.first_id <= ?) \
         RETURNING users",
    );
    let values = statement.number(more).text(connection).text(connection).text(id);
    let counted: Vec<Counted> = rows(conn, values)?;
    Ok(counted.first().map(|counted| counted.users))
}

/// A new block.
pub fn insert(conn: &mut Conn, connection: &str, first_id: &str, users: i64) -> Result<()> {
    diesel::insert_into(scim_blocks::table)
        .values((
            scim_blocks::connection_id.eq(connection),
            scim_blocks::first_id.eq(first_id),
            scim_blocks::users.eq(users),
        ))
        .run(conn)
        .map(drop)
}

/// Whether nobody of the directory stands behind this id.
pub fn is_last(conn: &mut Conn, connection: &str, id: &str) -> Result<bool> {
    let behind = scim_users::table
        .filter(scim_users::connection_id.eq(connection))
        .filter(scim_users::id.gt(id));
    diesel::select(diesel::dsl::not(diesel::dsl::exists(behind))).get_result(conn)
}
