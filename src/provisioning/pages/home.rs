//! A connection's directory at a glance.

use actix_web::web;
use askama::Template;

use super::setup::Provider;
use super::{Around, Id, connection};
use crate::access::Role;
use crate::provisioning::guard::{self, Guard};
use crate::provisioning::log::Log;
use crate::provisioning::queries;
use crate::provisioning::tokens::{self, Token};
use crate::session::{Admin, Frame};
use crate::store::time::Timestamp;
use crate::web::{Page, Problem, Site};

#[derive(Template)]
#[template(path = "provisioning/home.html")]
pub struct Home {
    around: Around,
    frame: Frame,
    tokens: Vec<Token>,
    live: usize,
    now: Timestamp,
    guard: Guard,
    /// How many people were deactivated within the last hour.
    deactivated: i64,
    /// How many people and groups the directory has here.
    counts: (i64, i64),
    /// How many members no directory made or adopted.
    unmanaged: i64,
    providers: &'static [Provider],
    /// Why nothing is synchronised any longer, if that is so.
    lapsed: Option<&'static str>,
}

/// `GET /orgs/{org}/connections/{id}/directory`
pub async fn home(
    admin: Admin,
    site: web::Data<Site>,
    log: web::Data<Log>,
    path: Id,
) -> Result<Page<Home>, Problem> {
    log.settle().await;
    let (organization, id, now) = (admin.organization.clone(), path.into_inner().1, site.now());
    let (tokens, guard, deactivated, counts, unmanaged, connection) = site
        .store
        .reading(move |conn| -> Result<_, Problem> {
            let connection = connection(conn, &organization, &id)?;
            Ok((
                tokens::list(conn, &connection.id)?,
                guard::find(conn, &connection.id)?.unwrap_or_default(),
                guard::within_the_hour(conn, now, &connection.id)?,
                queries::counts(conn, &connection.id)?,
                queries::unmanaged(conn, &organization)?,
                connection,
            ))
        })
        .await?;
    let live = tokens.iter().filter(|token| token.is_live(now)).count();
    let around = Around::of(&admin, &site, connection);
    Ok(Page::new(Home {
        lapsed: lapsed(around.connection.scim, live, &tokens),
        frame: around.frame.clone(),
        around,
        live,
        tokens,
        now,
        guard,
        deactivated,
        counts,
        unmanaged,
        providers: &super::setup::PROVIDERS,
    }))
}

/// Why a directory that once spoke is heard no longer.
fn lapsed(scim: bool, live: usize, tokens: &[Token]) -> Option<&'static str> {
    let spoke = tokens.iter().any(|token| token.last_used_at.is_some());
    match (spoke, scim) {
        (true, false) => {
            Some("SCIM was turned off. The directory is answered, but nothing that it asks is done.")
        }
        (true, true) if live == 0 => {
            Some("No token is accepted any longer: each has expired or was revoked. Make a new one.")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_never_spoke_has_not_lapsed() {
        let token = |last_used_at| Token {
            id: String::new(),
            name: String::new(),
            hint: String::new(),
            created_at: 0,
            created_by: String::new(),
            expires_at: None,
            last_used_at,
            revoked_at: None,
        };
        assert_eq!(lapsed(false, 0, &[token(None)]), None);
        assert_eq!(lapsed(true, 1, &[token(Some(1))]), None);
        assert!(lapsed(false, 1, &[token(Some(1))]).is_some_and(|why| why.contains("turned off")));
        assert!(lapsed(true, 0, &[token(Some(1))]).is_some_and(|why| why.contains("No token")));
    }
}
