//! What a dry run supposes to be otherwise: the draft of the provider's settings, other switches, another table of groups.

use super::model::{Changes, Mapped};
use crate::access::{Identity, MappedGroup, Role, team_key};
use crate::connections::ProviderSettings;
use crate::connections::versions::{self, Kind};
use crate::sign_in::{Ground, Otherwise};
use crate::store::Conn;
use crate::teams::{self, Team};
use crate::web::Problem;

/// The ground and the person as they would be by the draft, where that is what is asked; and what can't be known of it.
pub(super) fn changed(
    conn: &mut Conn,
    ground: Ground,
    identity: Identity,
    changes: &Changes,
) -> Result<(Ground, Identity, Vec<String>), Problem> {
    if !changes.draft {
        return Ok((ground, identity, Vec::new()));
    }
    let live = versions::live(conn, &ground.connection)?;
    let draft = versions::find(conn, &ground.connection, Kind::Draft)?.ok_or_else(|| {
        Problem::Invalid(format!(
            "{} has no draft of its settings. Change something about its provider first, or leave the draft out.",
            ground.connection.name
        ))
    })?;
    let (identity, notes) = by_draft(identity, &live, &draft.provider);
    let connection = draft.provider.over(&ground.connection);
    let organization = ground.organization.id;
    let drafted = Ground::at(conn, &organization, connection)?.ok_or(Problem::NotFound)?;
    Ok((drafted, identity, notes))
}

/// The person as the draft's provider would describe them. What stands in a claim that nobody has read is not known.
fn by_draft(
    identity: Identity,
    live: &ProviderSettings,
    draft: &ProviderSettings,
) -> (Identity, Vec<String>) {
    let (mut identity, mut notes) = (identity, Vec::new());
    if draft.issuer() != live.issuer() {
        if identity.issuer.is_empty() || identity.issuer == live.issuer() {
            draft.issuer().clone_into(&mut identity.issuer);
        }
        notes.push(
            "The draft is of another provider: nobody is linked to it yet, so each address has to be proven anew at the \
             next sign-in."
                .to_owned(),
        );
    }
    let (before, after) = (groups_of(live), groups_of(draft));
    if before != after {
        let sentence = if after.is_empty() && matches!(draft, ProviderSettings::Oidc(_)) {
            identity.groups = None;
            "The draft reads no groups.".to_owned()
        } else {
            format!(
                "The draft reads groups elsewhere ({}). What stands there is not known: the groups given here are supposed.",
                if after.is_empty() {
                    "under the common names"
                } else {
                    after
                }
            )
        };
        notes.push(sentence);
    }
    (identity, notes)
}

/// Where the groups are read.
fn groups_of(provider: &ProviderSettings) -> &str {
    match provider {
        ProviderSettings::Oidc(oidc) => &oidc.groups_claim,
        ProviderSettings::Saml(saml, _) => &saml.attributes.groups,
    }
}

/// What the rules find otherwise.
pub(super) fn otherwise(
    conn: &mut Conn,
    organization: &str,
    changes: &Changes,
    identity: &Identity,
) -> Result<Otherwise, Problem> {
    let domain = identity.email.as_ref().map(|email| email.domain().to_owned());
    let known = teams::list(conn, organization)?;
    let named = |name: &String| team(&known, name);
    let default_team = match changes.default_team.as_deref().map(str::trim) {
        None => None,
        Some("") => Some(None),
        Some(name) => Some(Some(team(&known, name)?)),
    };
    let mapping = changes.mapping.as_ref().map(|lines| {
        let line = |line: &Mapped| {
            Ok(MappedGroup {
                group: line.group.clone(),
                team: named(&line.team)?,
                role: granted(line.role)?,
            })
        };
        lines.iter().map(line).collect::<Result<Vec<_>, Problem>>()
    });
    Ok(Otherwise {
        jit: changes.jit,
        scim: changes.scim,
        verified: domain.filter(|_| changes.domain),
        default_role: changes.default_role.map(granted).transpose()?,
        default_team,
        mapping: mapping.transpose()?,
        convention: changes.convention,
        ..Otherwise::default()
    })
}

fn granted(role: Role) -> Result<Role, Problem> {
    if role == Role::Owner {
        return Err(Problem::Invalid(
            "Nothing makes owners by itself. Choose member or admin.".to_owned(),
        ));
    }
    Ok(role)
}

/// The id of a team by its name, or by its id.
fn team(known: &[Team], name: &str) -> Result<String, Problem> {
    let key = team_key(name);
    let is_it = |team: &&Team| team.id == name || team_key(&team.name) == key;
    let found = known.iter().find(is_it).map(|team| team.id.clone());
    found.ok_or_else(|| Problem::Invalid(format!("There is no team called “{name}”.")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::PersonName;
    use crate::connections::OidcSettings;

    fn provider(issuer: &str, groups: &str) -> ProviderSettings {
        ProviderSettings::Oidc(OidcSettings {
            issuer: issuer.into(),
            groups_claim: groups.into(),
            ..OidcSettings::default()
        })
    }

    fn ada() -> Identity {
        Identity {
            connection: "c".into(),
            issuer: "https://old.example".into(),
            subject: "ada".into(),
            email: None,
            email_verified: None,
            name: PersonName::default(),
            groups: Some(vec!["eng".into()]),
        }
    }

    #[test]
    fn another_issuer_is_another_identity() {
        let live = provider("https://old.example", "groups");
        let (same, notes) = by_draft(ada(), &live, &live);
        assert_eq!((same, notes.len()), (ada(), 0));
        let draft = provider("https://new.example", "groups");
        let (other, notes) = by_draft(ada(), &live, &draft);
        assert_eq!((other.issuer.as_str(), notes.len()), ("https://new.example", 1));
        let typed = Identity {
            issuer: "https://typed.example".into(),
            ..ada()
        };
        assert_eq!(by_draft(typed, &live, &draft).0.issuer, "https://typed.example");
    }

    #[test]
    fn a_draft_that_reads_no_groups_leaves_none() {
        let live = provider("https://old.example", "groups");
        let (none, _) = by_draft(ada(), &live, &provider("https://old.example", ""));
        assert_eq!(none.groups, None);
        let (some, notes) = by_draft(ada(), &live, &provider("https://old.example", "roles"));
        assert!(some.groups.is_some() && notes.iter().any(|note| note.contains("(roles)")));
    }
}
