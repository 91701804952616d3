//! Previews: what a change of the rules would do to real people, before it is made. Everybody who was seen, who is
//! denied, invited or a member is judged by `access::decide` under the rules of today and under the changed ones;
//! whoever's way differs is named. The switch then does what was shown, or comes back with what is true now.

mod change;
mod csv;
mod enforcing;
mod guard;
mod line;
mod pages;
mod people;
mod planned;
mod preview;
mod queries;
mod replay;
mod runs;

use actix_web::web;

pub use change::Change;
pub use guard::{Guard, still};
pub use line::{Kind, Line};
pub use planned::{make_planned, plans_for_ever};
pub use preview::Preview;
pub use replay::{DAYS, Progress, replay};
pub use runs::Previews;

/// The switches, each with its preview.
pub fn routes(cfg: &mut web::ServiceConfig) {
    let at = |path: &str| web::resource(format!("/orgs/{{org}}{path}"));
    cfg.service(at("/connections/{id}/jit").get(pages::jit).post(pages::set_jit))
        .service(
            at("/connections/{id}/scim")
                .get(pages::scim)
                .post(pages::set_scim),
        )
        .service(
            at("/connections/{id}/plans/{key}/cancel")
                .get(pages::ask_to_cancel)
                .post(pages::cancel),
        )
        .service(at("/connections/{id}/enforce/people").get(pages::enforce))
        .service(
            at("/connections/{id}/domains")
                .get(pages::domains)
                .post(pages::set_domains),
        )
        .service(
            at("/connections/{id}/newcomers")
                .get(pages::newcomers)
                .post(pages::set_newcomers),
        )
        .service(
            at("/connections/{id}/groups/preview")
                .get(pages::groups)
                .post(pages::set_groups),
        )
        .service(at("/domains/{id}/remove").get(pages::removal).post(pages::remove))
        .service(at("/settings/seats").get(pages::seats).post(pages::set_seats));
}
