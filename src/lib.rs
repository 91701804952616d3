//! Vestibule: the front door of an organization.
//!
//! This list is the table of contents, and its order is the law of imports: a module uses only
//! those that stand above it. `tests/architecture.rs` holds the law.

pub mod access;
pub mod saml;
pub mod scim;
pub mod outbound;
pub mod config;
pub mod store;
pub mod web;
pub mod session;
pub mod audit;
pub mod mail;
pub mod accounts;
pub mod factors;
pub mod break_glass;
pub mod orgs;
pub mod domains;
pub mod teams;
pub mod seats;
pub mod connections;
pub mod sign_ins;
pub mod denied;
pub mod retention;
pub mod invitations;
pub mod members;
pub mod groups;
pub mod provisioning;
pub mod notices;
pub mod sign_in;
pub mod set_up;
pub mod dry_run;
pub mod previews;
pub mod home;
pub mod my_account;
pub mod operator;
pub mod apply;
pub mod upkeep;
pub mod app;
pub mod demo;
