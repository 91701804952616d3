//! The behaviour of Vestibule, over HTTP and on both databases: a file per feature, named as in `src/`.
//!
//! One binary run as one process (`cargo test`), because PostgreSQL is started once per process.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::too_many_lines,
    reason = "tests fail by panicking"
)]

#[macro_use]
mod support;

mod apply;
mod audit;
mod break_glass;
mod budget;
mod connections;
mod connections_life;
mod connections_links;
mod connections_saml;
mod decision;
mod denied;
mod domains;
mod drill;
mod dry_run;
mod fuzz;
mod faults;
mod groups;
mod guesses;
mod home;
mod indexes;
mod invitations;
mod invitations_many;
mod mail;
mod members;
mod members_many;
mod my_account;
mod notices;
mod operator;
mod outbound;
mod plans;
mod output;
mod own_password;
mod pool;
mod previews;
mod protocol;
mod provisioning;
mod provisioning_desk;
mod races;
mod requests;
mod reset;
mod retention;
mod routes;
mod schema;
mod second_factors;
mod serving;
mod sessions;
mod several;
mod settings;
mod sign_in;
mod sign_ins;
mod still_you;
mod teams;
mod upkeep;
