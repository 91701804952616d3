//! A connection's provider settings beside those that hold: the draft that is being prepared while everybody signs in by
//! the live ones, and what held before, for taking back.

pub mod actions;
mod queries;

pub use queries::{find, live, prepared};

use super::provider::ProviderSettings;
use crate::store::time::Timestamp;

/// Which settings are kept beside the live ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What is being prepared.
    Draft,
    /// What held before.
    Previous,
}

impl Kind {
    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Previous => "previous",
        }
    }
}

/// Settings that are kept, and since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The settings.
    pub provider: ProviderSettings,
    /// When a draft was last changed; until when what held before did.
    pub at: Timestamp,
    /// By whom, as the name was then.
    pub by: String,
}
