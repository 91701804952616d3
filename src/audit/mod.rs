//! The audit log: every change and every sign-in outcome. An entry is written in the transaction of
//! what it tells, or neither is. It keeps names as they were then, so that it needs no other feature.
//!
//! The log is append-only: triggers of the database refuse everything else. Each entry stands in a chain ([`chain`])
//! that can be verified ([`verify`]). What was kept long enough goes by one door ([`tend::trim`]), which leaves
//! behind what the rest of the chain is verified from.

mod chain;
mod entry;
pub mod export;
mod model;
mod pages;
mod queries;
pub mod tend;
pub mod verify;
mod words;

use actix_web::web;

pub use chain::is_installation;
pub use model::{Actor, ActorKind, Event, Happened, Subject, record, record_all};
pub use queries::since;

/// The pages of the log: the list, one entry, and the list as a file.
pub fn routes(cfg: &mut web::ServiceConfig) {
    cfg.route("/orgs/{org}/audit", web::get().to(pages::list))
        .route("/orgs/{org}/audit.csv", web::get().to(pages::csv))
        .route("/orgs/{org}/audit.jsonl", web::get().to(pages::json_lines))
        .route("/orgs/{org}/audit/{id}", web::get().to(pages::one));
}
