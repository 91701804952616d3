//! How each provider is told where the directory finds us: the exact fields, in the provider's own words.

use actix_web::web;
use askama::Template;

use super::{Around, Within, connection};
use crate::access::Role;
use crate::session::{Admin, Frame};
use crate::web::{Page, Problem, Site};

/// What stands in the place of our address in [`Field::value`].
const BASE_URL: &str = "{base}";

/// A provider whose directory can speak to us.
pub struct Provider {
    /// Its word in addresses.
    pub word: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Where in its console the fields stand.
    place: &'static str,
    /// The fields to paste.
    fields: &'static [Field],
    /// What to do, in order.
    steps: &'static [&'static str],
    /// What it is good to know.
    notes: &'static [&'static str],
    /// A text to paste as a whole, with the name of its field.
    template: Option<(&'static str, &'static str)>,
}

/// One field of the provider's form.
struct Field {
    name: &'static str,
    value: &'static str,
}

const fn field(name: &'static str, value: &'static str) -> Field {
    Field { name, value }
}

/// Every provider that has a page.
pub const PROVIDERS: [Provider; 6] = [
    Provider {
        word: "okta",
        name: "Okta",
        place: "Applications → your application → Provisioning → Integration → Edit",
        fields: &[
            field("SCIM connector base URL", BASE_URL),
            field("Unique identifier field for users", "userName"),
            field(
                "Supported provisioning actions",
                "Push New Users, Push Profile Updates, Push Groups",
            ),
            field("Authentication Mode", "HTTP Header"),
            field("Authorization: Bearer", "the token"),
        ],
        steps: &[
            "In the application’s General tab, edit App Settings and set Provisioning to SCIM. A Provisioning tab appears.",
            "Fill in the fields below under Integration, press Test Connector Configuration, then Save.",
            "Under Provisioning → To App, edit and tick Create Users, Update User Attributes and Deactivate Users.",
            "Under Assignments, assign people or groups: they are created here at once.",
            "Under Push Groups, choose the groups whose members are to be in teams.",
        ],
        notes: &[
            "Set the application username format to Email: the user name is then the address by which people sign in.",
            "Okta deactivates people whose assignment is taken away, and never deletes them here.",
        ],
        template: None,
    },
    Provider {
        word: "entra",
        name: "Microsoft Entra ID",
        place: "Enterprise applications → your application → Provisioning → Connectivity",
        fields: &[
            field("Authentication method", "Bearer authentication"),
            field("Tenant URL", BASE_URL),
            field("Secret token", "the token"),
        ],
        steps: &[
            "Create (or open) the enterprise application, choose Provisioning, and New configuration (in the older pages: mode Automatic).",
            "Fill in the fields below, press Test connection, then Create.",
            "Under Attribute mapping → users, map objectId to externalId in the place of mailNickname, and keep userPrincipalName → userName, mail → emails[type eq \"work\"].value and Switch([IsSoftDeleted], …) → active.",
            "Under Users and groups, assign people and groups. Only what is assigned is sent.",
            "Try one person by Provision on demand, then Start provisioning. Entra sends changes about every 40 minutes.",
        ],
        notes: &[
            "If user principal names are not the addresses by which people sign in, map mail to userName instead.",
            "Both of Entra’s dialects are understood, with and without ?aadOptscim062020 at the end of the tenant URL.",
            "A person who is unassigned or disabled is deactivated here; one who is deleted for good in Entra is removed, 30 days later.",
            "Nested groups are not expanded by Entra: assign the groups that hold the people.",
        ],
        template: None,
    },
    Provider {
        word: "onelogin",
        name: "OneLogin",
        place: "Applications → your application → Configuration → API Connection",
        fields: &[
            field("SCIM Base URL", BASE_URL),
            field("SCIM Bearer Token", "the token"),
            field("Custom Headers", "leave empty"),
        ],
        steps: &[
            "Add the application “SCIM Provisioner with SAML (SCIM v2 Core)”, or open yours.",
            "Fill in the fields below, paste the JSON template, press Enable and Save.",
            "Under Parameters, set scimusername to Email, and tick Include in User Provisioning for Groups.",
            "Under Provisioning, tick Enable provisioning, and choose Suspend for people who are deleted or lose the application.",
            "Under Rules, say which groups are set, such as “Set Groups in the application from role”.",
        ],
        notes: &[
            "While “Require admin approval” is ticked, each change waits in OneLogin until it is approved.",
        ],
        template: Some((
            "SCIM JSON Template",
            r#"{
  "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
  "userName": "{$parameters.scimusername}",
  "displayName": "{$user.display_name}",
  "name": {
    "givenName": "{$user.firstname}",
    "familyName": "{$user.lastname}"
  },
  "emails": [{
    "value": "{$user.email}",
    "type": "work",
    "primary": true
  }]
}"#,
        )),
    },
    Provider {
        word: "jumpcloud",
        name: "JumpCloud",
        place: "SSO Applications → your application → Identity Management",
        fields: &[
            field("API Type", "SCIM API"),
            field("SCIM Version", "SCIM 2.0"),
            field("Base URL", BASE_URL),
            field("Token Key", "the token"),
            field("Test User Email", "an address of your domain that nobody has"),
        ],
        steps: &[
            "Open a custom application that exports users (Identity Management).",
            "Fill in the fields below, and tick Enable management of User Groups and Group Membership.",
            "Press Test Connection, then Activate, then Save.",
            "Under User Groups, tick the groups whose people belong here.",
        ],
        notes: &[
            "The test makes a person of the test address and deactivates them again. You may remove them under Members.",
            "A person who loses the application is deactivated here.",
        ],
        template: None,
    },
    Provider {
        word: "google",
        name: "Google Workspace",
        place: "Apps → Web and mobile apps → your application → Autoprovisioning → Configure autoprovisioning",
        fields: &[
            field("Access token", "the token"),
            field("Endpoint URL", BASE_URL),
        ],
        steps: &[
            "Open the application by which people sign in here. Google offers autoprovisioning for some SAML applications of its catalogue only: where the section is missing, use just-in-time provisioning.",
            "Fill in the fields below, then Continue.",
            "Map Primary email to userName, First name to name.givenName, Last name to name.familyName.",
            "Choose the provisioning scope: groups whose members are sent, or everybody who has the application.",
            "Under Deprovisioning, choose when people are suspended or deleted here, then turn autoprovisioning on.",
        ],
        notes: &[
            "Google sends people, not groups. Teams are then given by hand, by invitation, or by the default team.",
            "The first run can take hours at Google’s side.",
        ],
        template: None,
    },
    Provider {
        word: "other",
        name: "Any other directory",
        place: "the settings for SCIM 2.0 (RFC 7643 and 7644)",
        fields: &[
            field("Base URL", BASE_URL),
            field("Authentication", "HTTP header, OAuth bearer token"),
            field("Authorization header", "Bearer, a space, then the token"),
            field("Content type", "application/scim+json"),
            field("Unique identifier of people", "userName (an e-mail address)"),
            field("Updates", "PATCH (PUT is understood too)"),
            field("Deactivation", "active: false"),
        ],
        steps: &[
            "Fill in the fields below, and test the connection: it reads ServiceProviderConfig or lists one person.",
            "Send people with userName, name.givenName, name.familyName, emails and active.",
            "Send groups with displayName and members, if teams are to follow groups.",
        ],
        notes: &[
            "Filters, sorting, paging, PATCH, bulk requests and ETags are offered; passwords are neither taken nor changed.",
        ],
        template: None,
    },
];

/// A field with its value as it is to be pasted.
struct Paste {
    name: &'static str,
    value: String,
    is_address: bool,
}

#[derive(Template)]
#[template(path = "provisioning/setup.html")]
pub struct Setup {
    around: Around,
    frame: Frame,
    provider: &'static Provider,
    fields: Vec<Paste>,
}

/// `GET /orgs/{org}/connections/{id}/directory/setup/{provider}`
pub async fn setup(admin: Admin, site: web::Data<Site>, path: Within) -> Result<Page<Setup>, Problem> {
    let (_, id, word) = path.into_inner();
    let provider = PROVIDERS.iter().find(|provider| provider.word == word);
    let provider = provider.ok_or(Problem::NotFound)?;
    let organization = admin.organization.clone();
    let connection = site
        .store
        .reading(move |conn| connection(conn, &organization, &id))
        .await?;
    let around = Around::of(&admin, &site, connection);
    let fields = provider.fields.iter().map(|field| Paste {
        name: field.name,
        value: field.value.replace(BASE_URL, &around.base_url),
        is_address: field.value == BASE_URL,
    });
    Ok(Page::new(Setup {
        fields: fields.collect(),
        frame: around.frame.clone(),
        around,
        provider,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_provider_is_given_address_and_token() {
        for provider in &PROVIDERS {
            let has = |wanted: &str| provider.fields.iter().any(|field| field.value.contains(wanted));
            assert!(has(BASE_URL) && has("token"), "{}", provider.name);
        }
    }
}
