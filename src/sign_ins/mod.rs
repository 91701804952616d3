//! Sign-ins: one record of each attempt that ended, admitted, denied or rejected. Whoever judges an
//! attempt writes it with [`insert`] in the transaction of its effects; nothing changes it afterwards.

pub mod chart;
mod export;
mod judged;
mod model;
mod pages;
mod queries;
mod reference;
mod shown;

use actix_web::web;

pub use judged::{Judged, Switched};
pub use model::{Counted, MESSAGE, Outcome, Record};
pub use queries::{days, find, find_by_reference, insert, of_person};
pub use reference::as_reference;
pub use shown::{Fact, Line, SignIn, cut};

/// The pages of the record: the list, and one sign-in.
pub fn routes(cfg: &mut web::ServiceConfig) {
    cfg.route("/orgs/{org}/sign-ins", web::get().to(pages::list))
        .route("/orgs/{org}/sign-ins.csv", web::get().to(export::csv))
        .route("/orgs/{org}/sign-ins/{id}", web::get().to(pages::one));
}
