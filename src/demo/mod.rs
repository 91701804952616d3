//! `vestibule demo`: an installation to look at, with people who may sign in and one who may not yet.

pub mod provider;
