//! The pages of members: the list, those of one team, one member, the edit form, and the acts on one or on many, each of which is explained
//! before it is done.

mod act;
mod bulk;
mod detail;
mod edit;
mod list;
mod team;

use actix_web::web;

/// The pages of members.
pub fn routes(cfg: &mut web::ServiceConfig) {
    cfg.service(web::resource("/orgs/{org}/members").get(list::list))
        .service(web::resource("/orgs/{org}/members.csv").get(list::export))
        .service(web::resource("/orgs/{org}/teams/{id}").get(team::team))
        .service(
            web::resource("/orgs/{org}/members/bulk")
                .get(bulk::explain)
                .post(bulk::act),
        )
        .service(web::resource("/orgs/{org}/members/{id}").get(detail::detail))
        .service(
            web::resource("/orgs/{org}/members/{id}/edit")
                .get(edit::edit)
                .post(edit::change),
        )
        .service(
            web::resource("/orgs/{org}/members/{id}/{deed:deactivate|reactivate|remove|sign-out}")
                .get(act::explain)
                .post(act::act),
        );
}
