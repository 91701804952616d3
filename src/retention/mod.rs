//! How long sign-ins, the claims in them, and rows of the denied queue are kept: a setting of the organization, and the
//! job that takes away what has had its time, a few rows at a time.

mod actions;
mod model;
mod pages;
mod queries;
mod sweep;

use actix_web::web;

pub use actions::change;
pub use model::{Kept, Retention};
pub use queries::find;
pub use sweep::{sweep, sweep_for_ever};

/// The page of the setting.
pub fn routes(cfg: &mut web::ServiceConfig) {
    cfg.service(
        web::resource("/orgs/{org}/settings/retention")
            .get(pages::show)
            .post(pages::change),
    );
}
