//! Who looks after a connection, and where its pages are for them.

use crate::audit::Actor;
use crate::session::{Frame, Owner};

/// An owner at a connection.
#[derive(Debug, Clone)]
pub struct Desk {
    /// What stands around the page.
    pub frame: Frame,
    /// The organization's id.
    pub organization: String,
    /// Who acts.
    pub actor: Actor,
    /// The connection's id; empty while it is being made.
    pub id: String,
    /// The path of the connection's pages, without a slash at the end.
    pub base: String,
    /// Whether they may turn the connection on and swap drafts in.
    pub may_switch: bool,
}

impl Desk {
    /// An owner at one of the organization's connections.
    pub fn of_owner(owner: &Owner, id: &str) -> Self {
        let place = if id.is_empty() {
            String::new()
        } else {
            format!("/{id}")
        };
        Self {
            frame: owner.frame("connections"),
            organization: owner.organization.clone(),
            actor: Actor::from(&**owner),
            id: id.to_owned(),
            base: owner.path(&format!("/connections{place}")),
            may_switch: true,
        }
    }

    /// The path of one of the connection's pages.
    pub fn path(&self, rest: &str) -> String {
        format!("{}{rest}", self.base)
    }
}
