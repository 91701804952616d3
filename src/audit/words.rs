//! What the actions of the log are called by people. A word that stands not here is shown as it is.

/// What actions are about, and these, each with its sentence.
pub type Group = (&'static str, &'static [(&'static str, &'static str)]);

/// Each action with its sentence's verb and object, under what it is about, as administrators look for them.
const ACTIONS: &[Group] = &[
    (
        "Sign-ins",
        &[
            ("sign_in.admitted", "Came in by single sign-on"),
            ("sign_in.by_passkey", "Signed in by passkey"),
            ("sign_in.by_password", "Came in by password"),
            ("sign_in.denied", "Was denied"),
            ("sign_in.rejected", "Technical failure at sign-in"),
            ("session.ended", "Ended a session"),
            ("session.proved", "Showed again that it is them"),
        ],
    ),
    (
        "Denials and requests",
        &[
            (
                "denial.answered",
                "Told somebody who asked that they may come again",
            ),
            ("denial.asked", "Asked to be let in"),
            ("denial.invited", "Answered a denial by an invitation"),
            ("denial.assigned", "Gave a denial to somebody"),
            ("denial.noted", "Wrote a note beside a denial"),
            ("denial.dismissed", "Dismissed a denial"),
            ("denial.reopened", "Reopened a denial"),
        ],
    ),
    (
        "Invitations",
        &[
            ("invitation.sent", "Invited"),
            ("invitation.resent", "Sent an invitation again"),
            ("invitation.reminded", "Reminded of an invitation"),
            ("invitation.revoked", "Revoked an invitation"),
            ("invitation.accepted", "Accepted an invitation"),
            ("invitation.declined", "Declined an invitation"),
            ("invitation.closed", "Closed an invitation"),
        ],
    ),
    (
        "Members",
        &[
            ("member.joined", "Became a member"),
            ("member.role_changed", "Changed a member’s role"),
            ("member.role_mapped", "A group changed a member’s role"),
            ("member.deactivated", "Deactivated a member"),
            ("member.reactivated", "Reactivated a member"),
            ("member.removed", "Removed a member"),
            ("member.left", "Left the organization"),
            ("member.adopted", "Came under the care of a directory"),
            ("member.signed_out", "Signed a member out everywhere"),
        ],
    ),
    (
        "Teams",
        &[
            ("team.created", "Made a team"),
            ("team.renamed", "Renamed a team"),
            ("team.deleted", "Deleted a team"),
            ("team.member_added", "Put somebody into a team"),
            ("team.member_taken_out", "Took somebody out of a team"),
            ("team.mapped_in", "A group put somebody into a team"),
            ("team.mapped_out", "A group took somebody out of a team"),
            ("team.followed", "Groups changed who is in a team"),
        ],
    ),
    (
        "Directory",
        &[
            ("directory_group.changed", "Renamed a group of the directory"),
            ("directory_group.created", "Made a group of the directory"),
            ("directory_group.deleted", "Deleted a group of the directory"),
            (
                "directory_group.members_changed",
                "Changed who is in a group of the directory",
            ),
            (
                "directory_person.created",
                "Described a person without a membership",
            ),
            ("directory_person.changed", "Described a person anew"),
            ("directory_person.deleted", "Forgot a person without a membership"),
            ("scim_token.created", "Made a token for the directory"),
            ("scim_token.revoked", "Revoked a token of the directory"),
            (
                "connection.deactivations_paused",
                "Paused the directory’s deactivations",
            ),
            (
                "connection.deactivations_resumed",
                "Let the directory’s deactivations go on",
            ),
            ("connection.guard_changed", "Changed the guard of the directory"),
        ],
    ),
    (
        "Connections",
        &[
            ("connection.created", "Made a connection"),
            ("connection.changed", "Changed a connection"),
            (
                "connection.keys_confirmed",
                "Confirmed where a provider’s keys are",
            ),
            ("connection.deleted", "Deleted a connection that was a draft"),
            ("connection.link_made", "Made a set-up link"),
            ("connection.link_opened", "Opened a set-up link"),
            ("connection.link_revoked", "Revoked a set-up link"),
            ("connection.tested", "Tested a connection"),
            ("connection.drafted", "Prepared other settings of a connection"),
            (
                "connection.draft_discarded",
                "Threw away what was prepared for a connection",
            ),
            (
                "connection.swapped_in",
                "Swapped other settings of a connection in",
            ),
            ("connection.taken_back", "Took settings of a connection back"),
            (
                "connection.turned_on_untested",
                "Turned a connection on without a test",
            ),
            ("connection.state_changed", "Turned a connection on or off"),
            (
                "connection.jit_changed",
                "Turned just-in-time provisioning on or off",
            ),
            ("connection.switch_planned", "Planned a switch of a connection"),
            (
                "connection.switched_as_planned",
                "Made a switch of a connection that was planned",
            ),
            (
                "connection.plan_refused",
                "Did not make a switch of a connection that was planned",
            ),
            ("connection.switched_back", "Made a switch of a connection back"),
            (
                "connection.plan_cancelled",
                "Cancelled a planned switch of a connection",
            ),
            ("connection.scim_changed", "Turned SCIM on or off"),
            ("connection.enforce_changed", "Turned enforcement on or off"),
            ("connection.mapping_changed", "Changed the table of groups"),
            ("connection.domain_attached", "Attached a domain to a connection"),
            (
                "connection.domain_detached",
                "Detached a domain from a connection",
            ),
            ("connection.key_added", "Made a next key for a connection"),
            ("connection.key_changed", "Let the next key of a connection sign"),
            ("connection.key_deleted", "Deleted a key of a connection"),
            (
                "connection.metadata_differs",
                "Found other settings in a provider’s metadata",
            ),
        ],
    ),
    (
        "Domains",
        &[
            ("domain.added", "Added a domain"),
            ("domain.token_renewed", "Made a new token for a domain"),
            ("domain.verified", "Verified a domain"),
            ("domain.vouched", "Answered for a domain"),
            ("domain.unvouched", "Stopped answering for a domain"),
            ("domain.lost", "Missed the record of a domain"),
            ("domain.regained", "Found the record of a domain again"),
            ("domain.lapsed", "Stopped letting newcomers of a domain in"),
            ("domain.taken", "Lost a domain to another organization"),
            ("domain.removed", "Removed a domain"),
        ],
    ),
    (
        "The organization",
        &[
            ("organization.created", "Made the organization"),
            ("organization.signed_out", "Signed everybody out"),
            ("organization.turned_off", "Turned the organization off"),
            ("organization.turned_on", "Turned the organization on"),
            ("organization.changed", "Changed the settings"),
            ("retention.changed", "Changed how long sign-ins are kept"),
            ("retention.applied", "Took away records that had their time"),
            ("audit.trimmed", "Took old entries of this log away"),
        ],
    ),
    (
        "Mail",
        &[
            ("mail.settings_changed", "Changed who is written to"),
            ("mail.retried", "Sent a letter again"),
            ("mail.tried", "Tried the mail server"),
        ],
    ),
    (
        "Accounts",
        &[
            ("account.created", "Made an account"),
            ("account.linked", "Linked an identity to an account"),
            ("account.renamed", "Changed a person’s name"),
            ("account.email_changed", "Changed the address of an account"),
            ("account.unlinked", "Took identities away from an account"),
            ("account.username_changed", "Changed a username"),
            ("account.reset_link_made", "Made a link for a new password"),
            ("account.password_reset", "Set a new password by a link"),
            ("account.password_set", "Set a password"),
            ("account.password_dropped", "Took a password away"),
            ("account.app_added", "Added an authenticator app"),
            ("account.app_removed", "Removed an authenticator app"),
            ("account.recovery_codes_made", "Made recovery codes"),
            ("account.recovery_code_used", "Used a recovery code"),
            ("account.passkey_added", "Added a passkey"),
            ("account.passkey_removed", "Removed a passkey"),
            (
                "account.passkey_suspected",
                "Refused a passkey that may have been copied",
            ),
            ("account.factors_removed", "Removed every second factor"),
            ("account.operator_changed", "Changed who runs the installation"),
        ],
    ),
    (
        "Owners for emergencies",
        &[
            ("break_glass.named", "Named the owners for emergencies"),
            ("break_glass.used", "Came in as an owner for emergencies"),
            ("break_glass.tried", "Tried the way in for emergencies"),
        ],
    ),
];

/// The action as people read it.
pub fn sentence(action: &str) -> &str {
    let mut known = ACTIONS.iter().flat_map(|(_, actions)| actions.iter());
    known
        .find(|(word, _)| *word == action)
        .map_or(action, |(_, sentence)| *sentence)
}

/// Every action that is known with its sentence, under what it is about.
pub fn all() -> &'static [Group] {
    ACTIONS
}

/// Text as a log shows it: what can't be seen, or turns the reading direction, is written out.
pub fn visible(text: &str) -> String {
    text.chars()
        .fold(String::with_capacity(text.len()), |mut seen, letter| {
            if is_hidden(letter) {
                seen.extend(letter.escape_unicode());
            } else {
                seen.push(letter);
            }
            seen
        })
}

/// Control characters, and those of Unicode that are invisible or reorder the text around them (UAX #9).
fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_have_sentences_and_unknown_ones_their_word() {
        assert_eq!(sentence("member.removed"), "Removed a member");
        assert_eq!(sentence("moon.landed"), "moon.landed");
        let all: Vec<&str> = all()
            .iter()
            .flat_map(|(_, actions)| actions.iter())
            .map(|(word, _)| *word)
            .collect();
        let words: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(words.len(), all.len());
    }

    /// OUT-003.
    #[test]
    fn what_hides_is_written_out() {
        assert_eq!(visible("Ada\u{202e}gnik\n"), "Ada\\u{202e}gnik\\u{a}");
        assert_eq!(visible("Жанна d’Arc"), "Жанна d’Arc");
    }
}
