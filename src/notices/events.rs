//! Security notices: which entries of the audit log owners are told by mail, and which the person whose account they
//! concern. Pure.

use serde_json::Value;

use crate::audit::Happened;
use crate::store::time::exact;

/// The entries that are looked at.
pub const ACTIONS: [&str; 16] = [
    "connection.keys_confirmed",
    "connection.swapped_in",
    "connection.taken_back",
    "connection.turned_on_untested",
    "connection.link_opened",
    "connection.switched_as_planned",
    "connection.plan_refused",
    "connection.switched_back",
    "scim_token.created",
    "member.role_changed",
    "member.joined",
    REACTIVATED,
    "break_glass.named",
    "break_glass.used",
    "account.email_changed",
    "account.passkey_suspected",
];

/// Whoever asked to be let in and is active again is told so.
pub const REACTIVATED: &str = "member.reactivated";

/// What owners are told of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// In a few words.
    pub title: String,
    /// What happened.
    pub sentence: String,
    /// The page that helps, below the organization's address.
    pub path: String,
}

/// Whether owners are told of this entry, and what.
pub fn notice(entry: &Happened) -> Option<Notice> {
    let (who, whom) = (&entry.actor_name, &entry.subject_name);
    let (title, sentence, path) = match entry.action.as_str() {
        "scim_token.created" => (
            "A token for the directory was made".to_owned(),
            format!(
                "{who} made the token \u{201c}{whom}\u{201d}. Whoever has it can change the people here."
            ),
            "/connections".to_owned(),
        ),
        "member.role_changed" | "member.joined" if becomes_owner(entry) => (
            format!("{whom} is an owner now"),
            format!("{who} made {whom} an owner. Owners may do everything here."),
            format!("/members/{}", entry.subject_id),
        ),
        "connection.swapped_in" | "connection.taken_back" => exchanged(entry),
        "connection.keys_confirmed" => (
            format!("The keys of {whom}\u{2019}s provider are elsewhere now"),
            format!(
                "{who} confirmed another address for the keys by which everybody who comes by {whom} is believed."
            ),
            format!("/connections/{}/provider-keys", entry.subject_id),
        ),
        "connection.turned_on_untested" => (
            format!("{whom} was turned on without a test"),
            format!("{who} let people sign in by {whom}, whose settings had not passed a test."),
            format!("/connections/{}/test", entry.subject_id),
        ),
        "connection.switched_as_planned" | "connection.plan_refused" | "connection.switched_back" => {
            planned(entry)?
        }
        "connection.link_opened" => (
            format!("A set-up link of {whom} is in use"),
            format!(
                "{who} was opened in a browser. Whoever holds it can prepare and test the provider’s settings of {whom}."
            ),
            format!("/connections/{}/links", entry.subject_id),
        ),
        "break_glass.used" => (
            "Somebody came in by the way for emergencies".to_owned(),
            format!(
                "{who} came in by password on {}, although single sign-on is enforced.",
                exact(entry.at)
            ),
            "/break-glass".to_owned(),
        ),
        "break_glass.named" => (
            "Other owners are there for emergencies".to_owned(),
            format!("{who} chose which owners may come in by password where single sign-on is enforced."),
            "/break-glass".to_owned(),
        ),
        _ => return None,
    };
    Some(Notice {
        title,
        sentence,
        path,
    })
}

/// Other settings of a provider hold now: new ones, or those from before again.
fn exchanged(entry: &Happened) -> (String, String, String) {
    let (who, whom) = (&entry.actor_name, &entry.subject_name);
    let (title, sentence) = if entry.action == "connection.taken_back" {
        (
            format!("The provider’s settings of {whom} were taken back"),
            format!(
                "{who} let the settings from before hold again, by which people sign in by {whom}. If nobody of you meant that, compare the two."
            ),
        )
    } else {
        (
            format!("The provider’s settings of {whom} were changed"),
            format!(
                "{who} changed by which settings people sign in by {whom}. If nobody of you meant that, take them back."
            ),
        )
    };
    (
        title,
        sentence,
        format!("/connections/{}/previous", entry.subject_id),
    )
}

/// What became of a planned switch.
fn planned(entry: &Happened) -> Option<(String, String, String)> {
    let whom = &entry.subject_name;
    let title = match entry.action.as_str() {
        "connection.switched_as_planned" => format!("A planned switch of {whom} was made"),
        "connection.switched_back" => format!("A switch of {whom} was made back by itself"),
        _ => format!("A planned switch of {whom} was not made"),
    };
    let path = format!("/connections/{}", entry.subject_id);
    Some((title, text(&entry.after_json, "told")?, path))
}

/// What the person is told whose account this entry is about; and the address that the account had before, where that
/// changed. What people do to their accounts in the pages is told in the transaction that does it (`sign_in::letters`).
pub fn personal(entry: &Happened) -> Option<(Notice, Option<String>)> {
    let title = match entry.action.as_str() {
        "account.email_changed" => "The address of your account was changed",
        "account.passkey_suspected" => "A passkey of your account was refused: it may have been copied",
        _ => return None,
    };
    let notice = Notice {
        title: title.to_owned(),
        sentence: format!("{title}, on {}, by {}.", exact(entry.at), entry.actor_name),
        path: "/account".to_owned(),
    };
    Some((notice, text(&entry.before_json, "email")))
}

fn text(json: &str, name: &str) -> Option<String> {
    let value: Value = serde_json::from_str(json).ok()?;
    Some(value.get(name)?.as_str()?.to_owned())
}

fn becomes_owner(entry: &Happened) -> bool {
    let role = |json: &str| text(json, "role");
    role(&entry.after_json).as_deref() == Some("owner")
        && role(&entry.before_json).as_deref() != Some("owner")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(action: &str, before: &str, after: &str) -> Happened {
        Happened {
            id: "1".into(),
            organization: Some("acme".into()),
            at: 1_795_459_867_123,
            actor_name: "Olive".into(),
            action: action.into(),
            subject_id: "m1".into(),
            subject_name: "Mia".into(),
            before_json: before.into(),
            after_json: after.into(),
        }
    }

    /// EML-010.
    #[test]
    fn owners_are_told_of_new_owners_and_tokens() {
        let told = |action: &str, before: &str, after: &str| {
            notice(&entry(action, before, after)).map(|notice| notice.title)
        };
        assert_eq!(
            told("scim_token.created", "", ""),
            Some("A token for the directory was made".into())
        );
        assert_eq!(
            told(
                "member.role_changed",
                r#"{"role":"admin"}"#,
                r#"{"role":"owner"}"#
            ),
            Some("Mia is an owner now".into())
        );
        assert_eq!(
            told("member.joined", "", r#"{"state":"active","role":"owner"}"#),
            Some("Mia is an owner now".into())
        );
        assert_eq!(
            told(
                "member.role_changed",
                r#"{"role":"owner"}"#,
                r#"{"role":"admin"}"#
            ),
            None
        );
        assert_eq!(told("member.joined", "", r#"{"role":"member"}"#), None);
        assert_eq!(told("team.created", "", ""), None);
    }

    #[test]
    fn changed_settings_of_a_provider_are_told() {
        for action in [
            "swapped_in",
            "taken_back",
            "turned_on_untested",
            "link_opened",
            "keys_confirmed",
        ] {
            let told = notice(&entry(&format!("connection.{action}"), "", "")).unwrap();
            assert!(told.path.starts_with("/connections/m1/"), "{told:?}");
            assert!(ACTIONS.contains(&format!("connection.{action}").as_str()));
        }
        assert_eq!(notice(&entry("connection.tested", "", "")), None);
    }

    #[test]
    fn what_becomes_of_a_planned_switch_is_told() {
        for (action, part) in [
            ("switched_as_planned", "was made"),
            ("plan_refused", "was not made"),
            ("switched_back", "back by itself"),
        ] {
            let action = format!("connection.{action}");
            assert!(ACTIONS.contains(&action.as_str()));
            let told = notice(&entry(&action, "", r#"{"told":"Why."}"#)).unwrap();
            assert!(told.title.contains(part) && told.sentence == "Why.", "{told:?}");
            assert_eq!(told.path, "/connections/m1");
        }
    }

    #[test]
    fn a_person_is_told_at_both_addresses_where_it_changed() {
        let changed = entry(
            "account.email_changed",
            r#"{"email":"old@acme.example"}"#,
            r#"{"email":"new@acme.example"}"#,
        );
        let (notice, before) = personal(&changed).unwrap();
        assert_eq!(notice.title, "The address of your account was changed");
        assert_eq!(before.as_deref(), Some("old@acme.example"));
        let (added, before) = personal(&entry("account.passkey_suspected", "", "")).unwrap();
        assert!(added.sentence.contains("on 23 Nov 2026") && added.sentence.ends_with("by Olive."));
        assert_eq!(before, None);
        assert!(personal(&entry("member.joined", "", "")).is_none());
    }

    #[test]
    fn the_way_for_emergencies_is_told() {
        let used = notice(&entry("break_glass.used", "", "")).unwrap();
        assert!(used.sentence.contains("Olive came in by password on 23 Nov 2026"));
        assert!(notice(&entry("break_glass.named", "", "")).is_some());
        assert_eq!(notice(&entry("sign_in.by_password", "", "")), None);
    }
}
