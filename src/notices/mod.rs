//! What owners, administrators and invited people are told by mail without anybody asking: warnings before something
//! ends or fills up, security notices, the denials of a day, reminders of invitations.
//!
//! A job looks every minute. What is due is decided purely, from facts (`warnings`, `events`, `digest`); what was told
//! is written down in the transaction that queues the letters and holds the organization, so that of several servers
//! one tells it, once. Without a mail server in the settings nothing is decided and nothing counts as told.

mod digest;
mod events;
mod job;
mod letters;
mod queries;
mod warnings;

pub use job::{for_ever, look};
