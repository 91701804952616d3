//! What stands around each page of an organization.

use crate::access::Role;
use crate::web::{Flash, Theme};

/// Navigation, person, appearance, form token and message: one field of each page.
#[derive(Debug, Clone)]
pub struct Frame {
    /// The organization's name.
    pub organization_name: String,
    /// The organization as paths name it.
    pub organization_slug: String,
    /// Who is signed in.
    pub person_name: String,
    /// What they may do.
    pub role: Role,
    /// The chosen appearance.
    pub theme: Theme,
    /// The hidden field of each form.
    pub form_token: String,
    /// What the page before has to say.
    pub flash: Option<Flash>,
    /// How many people were denied whom nobody has dealt with, counted up to 100.
    pub open_denials: usize,
    /// Id and name of the connections whose directory deactivated too many and waits for an owner. Seen by
    /// admins and owners.
    pub paused: Vec<(String, String)>,
    /// The navigation entry of this page.
    pub here: &'static str,
    /// Whether this is somebody without an account, who holds a set-up link: its connection is all they see.
    pub guest: bool,
}

/// Some entries of the navigation under one title.
#[derive(Debug)]
pub struct Group {
    /// The title, empty for the first.
    pub title: &'static str,
    /// The entries.
    pub items: Vec<Item>,
}

/// One entry of the navigation.
#[derive(Debug)]
pub struct Item {
    /// What it is called.
    pub title: &'static str,
    /// Where it leads.
    pub path: String,
    /// Whether this is the page.
    pub current: bool,
    /// How many things wait there.
    pub count: usize,
}

impl Frame {
    /// The navigation for this person's role.
    pub fn nav(&self) -> Vec<Group> {
        if self.guest {
            return vec![self.guests_nav()];
        }
        let home = Group {
            title: "",
            items: vec![Item {
                path: self.path(""),
                ..self.item("Home", "home")
            }],
        };
        let mut groups = vec![home];
        if self.role >= Role::Admin {
            groups.push(Group {
                title: "People",
                items: vec![
                    self.item("Members", "members"),
                    self.item("Teams", "teams"),
                    self.item("Invitations", "invitations"),
                ],
            });
            let mut access = vec![
                self.item("Single sign-on", "connections"),
                self.item("Domains", "domains"),
                self.item("Dry run", "dry-run"),
            ];
            if self.role >= Role::Owner {
                access.push(self.item("Settings", "settings"));
            }
            groups.push(Group {
                title: "Access",
                items: access,
            });
            let denied = Item {
                count: self.open_denials,
                ..self.item("Denied sign-ins", "denied")
            };
            groups.push(Group {
                title: "Record",
                items: vec![
                    denied,
                    self.item("All sign-ins", "sign-ins"),
                    self.item("Audit log", "audit"),
                    self.item("Mail", "mail"),
                ],
            });
        }
        let account = Item {
            title: "My account",
            path: "/account".to_owned(),
            current: self.here == "account",
            count: 0,
        };
        groups.push(Group {
            title: "You",
            items: vec![account],
        });
        groups
    }

    fn guests_nav(&self) -> Group {
        let items = [
            ("The connection", "", ""),
            ("Guides", "/guides", "guides"),
            ("Settings", "/edit", "edit"),
            ("Test", "/test", "test"),
        ];
        let item = |(title, path, place)| Item {
            title,
            path: format!("{}{path}", Self::GUESTS),
            current: self.here == place,
            count: 0,
        };
        Group {
            title: "",
            items: items.map(item).into(),
        }
    }

    /// Where whoever holds a set-up link begins.
    pub const GUESTS: &'static str = "/connect";

    fn item(&self, title: &'static str, place: &'static str) -> Item {
        Item {
            title,
            path: self.path(&format!("/{place}")),
            current: self.here == place,
            count: 0,
        }
    }

    /// The path of a page of this organization.
    pub fn path(&self, rest: &str) -> String {
        format!("/orgs/{}{rest}", self.organization_slug)
    }
}
