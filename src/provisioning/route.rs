//! What there is below the SCIM server's address, and who answers for it.

use super::request::{Answer, Context, Request, Verb};
use super::tokens::Caller;
use super::{bulk, discovery, everything, groups, users};
use crate::scim::ScimError;
use crate::store::Conn;

/// What may be done at a path; none where nothing is.
#[must_use]
pub fn allowed(path: &[&str]) -> Option<&'static [Verb]> {
    use Verb::{Delete, Get, Patch, Post, Put};
    Some(match path {
        ["Users" | "Groups"] => &[Get, Post],
        [".search" | "Bulk"] | ["Users" | "Groups", ".search"] => &[Post],
        ["Users" | "Groups", _] => &[Get, Put, Patch, Delete],
        ["ServiceProviderConfig" | "ResourceTypes" | "Schemas"] | ["ResourceTypes" | "Schemas", _] => &[Get],
        ["Me"] => &[Get, Post, Put, Patch, Delete],
        _ => return None,
    })
}

/// Whether a request changes anything, and so wants a transaction that holds the organization.
#[must_use]
pub fn writes(request: &Request) -> bool {
    request.verb != Verb::Get && request.path.last().is_none_or(|last| last != ".search")
}

/// Answers a request whose path and verb are [`allowed`].
///
/// # Errors
/// What is told to the directory; nothing is to be kept then.
pub fn handle(
    conn: &mut Conn,
    context: &Context,
    caller: &Caller,
    request: &Request,
) -> Result<Answer, ScimError> {
    match request.path.first().map(String::as_str) {
        Some("Users") => users::handle(conn, context, caller, request),
        Some("Groups") => groups::handle(conn, context, caller, request),
        Some("Bulk") => bulk::handle(conn, context, caller, request),
        Some(".search") => everything::search(conn, context, caller, request),
        Some("ServiceProviderConfig" | "ResourceTypes" | "Schemas") => discovery::handle(context, request),
        Some("Me") => Err(ScimError::new(
            501,
            "A token is nobody’s own: there is no /Me here. Use /Users.",
        )),
        _ => Err(ScimError::not_found()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_exact() {
        assert_eq!(allowed(&["Users"]), Some([Verb::Get, Verb::Post].as_slice()));
        assert_eq!(allowed(&["Users", ".search"]), Some([Verb::Post].as_slice()));
        assert_eq!(allowed(&["Users", "0190"]).map(<[Verb]>::len), Some(4));
        for nowhere in [
            &["users"][..],
            &[],
            &["Users", "a", "b"],
            &["Me", "a"],
            &["Bulk", "a"],
        ] {
            assert_eq!(allowed(nowhere), None, "{nowhere:?}");
        }
    }
}
