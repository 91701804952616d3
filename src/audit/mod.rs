//! The audit log: every change and every sign-in outcome. An entry is written in the transaction of
//! what it tells, or neither is. It keeps names as they were then, so that it needs no other feature.

mod entry;
mod model;
mod pages;
mod queries;
mod words;

use actix_web::web;

pub use model::{Actor, ActorKind, Event, Subject, record};

/// The pages of the log: the list, and one entry.
pub fn routes(cfg: &mut web::ServiceConfig) {
    cfg.route("/orgs/{org}/audit", web::get().to(pages::list))
        .route("/orgs/{org}/audit/{id}", web::get().to(pages::one));
}
