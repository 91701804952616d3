//! Schemas: which attributes a user and a group have, and the documents that tell clients so (RFC 7643).

mod attribute;
mod definitions;
mod documents;

pub use attribute::{Attribute, Mutability, Type};
pub use documents::{
    MAX_BULK_BYTES, document, documents, resource_type, resource_types, service_provider_config,
};

use super::path::AttributePath;

/// The schema of users.
pub const USER_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// The schema of groups.
pub const GROUP_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// The enterprise extension of users.
pub const ENTERPRISE_URN: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// Our own extension of users: role and teams.
pub const OWN_URN: &str = "urn:vestibule:params:scim:schemas:extension:2.0:User";
/// Requests that search.
pub const SEARCH_URN: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
/// Answers that list.
pub const LIST_URN: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
/// Requests that change parts.
pub const PATCH_URN: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
/// Requests of several operations.
pub const BULK_REQUEST_URN: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
/// Answers to several operations.
pub const BULK_RESPONSE_URN: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";

/// What a resource is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A person.
    User,
    /// A group of people.
    Group,
}

impl Kind {
    /// `User` or `Group`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
        }
    }

    /// `/Users` or `/Groups`.
    #[must_use]
    pub const fn endpoint(self) -> &'static str {
        match self {
            Self::User => "/Users",
            Self::Group => "/Groups",
        }
    }

    /// The URN of its core schema.
    #[must_use]
    pub const fn urn(self) -> &'static str {
        match self {
            Self::User => USER_URN,
            Self::Group => GROUP_URN,
        }
    }

    /// Its own attributes, without the common ones.
    #[must_use]
    pub const fn attributes(self) -> &'static [Attribute] {
        match self {
            Self::User => definitions::USER,
            Self::Group => definitions::GROUP,
        }
    }

    /// Its extensions.
    #[must_use]
    pub const fn extensions(self) -> &'static [Extension] {
        match self {
            Self::User => EXTENSIONS,
            Self::Group => &[],
        }
    }

    /// The core or common attribute of this name, in any case.
    #[must_use]
    pub fn attribute(self, name: &str) -> Option<&'static Attribute> {
        self.attributes()
            .iter()
            .chain(definitions::COMMON)
            .find(|attribute| attribute.name.eq_ignore_ascii_case(name))
    }

    /// The extension of this URN, in any case.
    #[must_use]
    pub fn extension(self, urn: &str) -> Option<&'static Extension> {
        self.extensions()
            .iter()
            .find(|extension| extension.urn.eq_ignore_ascii_case(urn))
    }

    /// What a path leads to; `None` when the schemas don't know it.
    #[must_use]
    pub fn resolve(self, path: &AttributePath) -> Option<Target> {
        let extension = match path.schema.as_deref() {
            None => None,
            Some(urn) if urn.eq_ignore_ascii_case(self.urn()) => None,
            Some(urn) => Some(self.extension(urn)?),
        };
        let attribute = match extension {
            None => self.attribute(&path.attribute)?,
            Some(extension) => extension.attribute(&path.attribute)?,
        };
        let part = match path.part.as_deref() {
            None => None,
            Some(name) => Some(attribute.part(name)?),
        };
        Some(Target {
            extension: extension.map(|extension| extension.urn),
            attribute,
            part,
        })
    }
}

/// An extension of a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extension {
    /// Its URN, which is also the key of its object in a resource.
    pub urn: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What it is for.
    pub description: &'static str,
    /// Its attributes.
    pub attributes: &'static [Attribute],
}

impl Extension {
    /// The attribute of this name, in any case.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        self.attributes
            .iter()
            .find(|attribute| attribute.name.eq_ignore_ascii_case(name))
    }
}

const EXTENSIONS: &[Extension] = &[
    Extension {
        urn: ENTERPRISE_URN,
        name: "EnterpriseUser",
        description: "What an organization knows of the people who work for it.",
        attributes: definitions::ENTERPRISE,
    },
    Extension {
        urn: OWN_URN,
        name: "VestibuleUser",
        description: "The person's role and teams here.",
        attributes: definitions::OWN,
    },
];

/// Every URN whose attributes can be named with it in front.
pub(super) const SCHEMA_URNS: &[&str] = &[USER_URN, GROUP_URN, ENTERPRISE_URN, OWN_URN];

/// Where a path leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// The extension whose object holds the attribute.
    pub extension: Option<&'static str>,
    /// The attribute.
    pub attribute: &'static Attribute,
    /// The part of it, if the path names one.
    pub part: Option<&'static Attribute>,
}

impl Target {
    /// What is compared and what a value is checked against: the part, or the attribute.
    #[must_use]
    pub fn leaf(&self) -> &'static Attribute {
        self.part.unwrap_or(self.attribute)
    }

    /// Whether only the server writes it.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.attribute.is_read_only() || self.part.is_some_and(Attribute::is_read_only)
    }
}
