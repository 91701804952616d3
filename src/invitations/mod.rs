//! Invitations: an organization's standing offer to one address, with a role and teams.
//!
//! The link's token is known to nobody but its bearer: the table keeps its hash. An invitation that
//! waits holds a seat; whether its time is over is judged when it is used, by no clean-up job.
//!
//! What a deciding page shows is judged again in the transaction that does it: addresses, seats, teams
//! and the inviter's own role.

mod acting;
pub mod actions;
mod asking;
mod landing;
pub mod letters;
mod list;
mod model;
mod queries;
mod review;
mod sent;
pub mod sheet;

use actix_web::{HttpResponse, web};

pub use model::{Found, Invitation, New, Sent, State, TeamName};
pub use queries::{by_token, find, standing, standings};

use crate::session::Admin;
use crate::web::{Posted, Problem, Site};
use acting::Act;

/// Registers the pages. Words stand before ids.
pub fn routes(cfg: &mut web::ServiceConfig) {
    cfg.service(
        web::resource("/orgs/{org}/invitations/new")
            .route(web::get().to(asking::form))
            .route(web::post().to(asking::review)),
    )
    .route("/orgs/{org}/invitations/send", web::post().to(asking::send))
    .route(
        "/orgs/{org}/invitations/template.csv",
        web::get().to(asking::template),
    )
    .configure(|cfg| acts(cfg, Act::Resend, "resend"))
    .configure(|cfg| acts(cfg, Act::Revoke, "revoke"))
    .route("/orgs/{org}/invitations", web::get().to(list::list))
    .route("/orgs/{org}/invitations.csv", web::get().to(list::csv))
    .route("/orgs/{org}/invitations/{id}", web::get().to(list::one))
    .route("/invitation", web::get().to(landing::landing))
    .route("/invitation/decline", web::post().to(landing::decline))
    .route("/invitation/{token}", web::get().to(landing::link));
}

type Answer = Result<HttpResponse, Problem>;
type Id = web::Path<(String, String)>;
type Query = web::Query<Vec<(String, String)>>;
type Here = web::Data<Site>;

fn acts(cfg: &mut web::ServiceConfig, act: Act, word: &str) {
    let show_one =
        move |admin: Admin, site: Here, path: Id| -> _ { acting::confirm_one(act, admin, site, path) };
    let show_many =
        move |admin: Admin, site: Here, query: Query| -> _ { acting::confirm_many(act, admin, site, query) };
    let do_one = move |admin: Admin, site: Here, path: Id, form: Posted| async move {
        let (_, id) = path.into_inner();
        acting::act(act, admin, site, Some(id), form).await as Answer
    };
    let do_many = move |admin: Admin, site: Here, form: Posted| acting::act(act, admin, site, None, form);
    cfg.service(
        web::resource(format!("/orgs/{{org}}/invitations/{word}"))
            .route(web::get().to(show_many))
            .route(web::post().to(do_many)),
    )
    .service(
        web::resource(format!("/orgs/{{org}}/invitations/{{id}}/{word}"))
            .route(web::get().to(show_one))
            .route(web::post().to(do_one)),
    );
}
