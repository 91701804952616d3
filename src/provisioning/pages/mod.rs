//! The pages of a connection's directory: how it stands, its tokens, how a provider is set up, what it
//! asked, and the guard.

mod guard;
mod home;
mod log;
mod setup;
mod tokens;

use actix_web::web;

use super::BASE;
use crate::connections::{self, Connection};
use crate::session::{Frame, Member};
use crate::store::Conn;
use crate::web::{Problem, Site};

/// The connection that a path names, of the organization of whoever asks.
type Id = web::Path<(String, String)>;
/// … and something of the connection's.
type Within = web::Path<(String, String, String)>;

/// The pages of provisioning.
pub fn routes(cfg: &mut web::ServiceConfig) {
    let at = |path: &str| web::resource(format!("/orgs/{{org}}/connections/{{id}}/directory{path}"));
    cfg.service(at("").get(home::home))
        .service(at("/tokens/new").get(tokens::new).post(tokens::create))
        .service(at("/tokens/{key}/revoke").get(tokens::ask).post(tokens::revoke))
        .service(at("/setup/{provider}").get(setup::setup))
        .service(at("/log").get(log::list))
        .service(at("/log/{entry}").get(log::one))
        .service(at("/guard").get(guard::show).post(guard::change))
        .service(at("/guard/resume").get(guard::ask).post(guard::resume));
}

/// What each of these pages has.
struct Around {
    frame: Frame,
    connection: Connection,
    /// The path of the directory's pages.
    path: String,
    /// What the directory is told as our address.
    base_url: String,
}

impl Around {
    fn of(member: &Member, site: &Site, connection: Connection) -> Self {
        Self {
            frame: member.frame("connections"),
            path: path_of(member, &connection.id),
            base_url: site.url(BASE),
            connection,
        }
    }
}

fn path_of(member: &Member, connection: &str) -> String {
    member.path(&format!("/connections/{connection}/directory"))
}

fn connection(conn: &mut Conn, organization: &str, id: &str) -> Result<Connection, Problem> {
    connections::find_in(conn, organization, id)?.ok_or(Problem::NotFound)
}
