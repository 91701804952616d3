//! What needs somebody: from what the database knows to sentences, most urgent first.

use crate::access::Role;
use crate::break_glass::DRILL_EVERY;
use crate::connections::saml::expiry::Expiry;
use crate::domains::PATIENCE;
use crate::store::time::{DAY, Timestamp, date};

/// How long before its end something is told: certificates and tokens.
pub const SOON: i64 = 30 * DAY;
/// How long before its end an invitation is told.
pub const INVITATION_SOON: i64 = 3 * DAY;
/// How long ago a token may have expired to be told still.
pub const PAST: i64 = 7 * DAY;
/// How far the open denials are counted. A request makes its row the newest, so that it is among those that are.
const MANY: i64 = 1_000;

/// One thing that may need somebody, as the database tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// What it is.
    pub kind: Kind,
    /// The id of what it is about; a connection's for its certificates and tokens.
    pub id: String,
    /// Its name.
    pub name: String,
    /// When it ends or began, or a limit.
    pub at: i64,
    /// How many.
    pub n: i64,
}

/// What a fact is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The last certificate of a live connection's provider ends.
    Certificate,
    /// Since `at` nobody comes in by a live connection: its provider publishes its keys elsewhere than confirmed.
    Moved,
    /// Our own key of a live connection ends.
    Key,
    /// A directory's token ends.
    Token,
    /// The record of a domain is missing since `at`; `n` is 1 where that has consequences by now.
    Lost,
    /// The installation was restored at `at`, and the connection has a directory.
    Restored,
    /// `n` of `at` seats are taken.
    Seats,
    /// `n` invitations end soon, the first at `at`.
    Invitations,
    /// `n` denials are open, of which `at` ask to be let in; the newest are counted.
    Denials,
    /// `n` letters could not be sent of late, the last at `at`.
    Letters,
    /// A connection was never turned on.
    Draft,
    /// Other settings of a connection's provider are being prepared since `at`.
    Prepared,
    /// The settings of a connection's provider were changed at `at`.
    Changed,
    /// `n` connections, of which `at` are on.
    Connections,
    /// `n` domains, of which `at` are verified.
    Domains,
    /// An owner came in `n` times as one for emergencies, the last time at `at`.
    Emergency,
    /// `n` connections ask single sign-on of everybody; the way in for emergencies was used or tried last at `at`.
    Drill,
}

impl Kind {
    const ALL: [(Self, &str); 17] = [
        (Self::Prepared, "prepared"),
        (Self::Changed, "changed"),
        (Self::Certificate, "certificate"),
        (Self::Moved, "moved"),
        (Self::Key, "key"),
        (Self::Token, "token"),
        (Self::Lost, "lost"),
        (Self::Restored, "restored"),
        (Self::Seats, "seats"),
        (Self::Invitations, "invitations"),
        (Self::Denials, "denials"),
        (Self::Letters, "letters"),
        (Self::Draft, "draft"),
        (Self::Connections, "connections"),
        (Self::Domains, "domains"),
        (Self::Emergency, "emergency"),
        (Self::Drill, "drill"),
    ];

    /// Reads the word of the query.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(_, known)| *known == word)
            .map(|(kind, _)| *kind)
    }
}

/// How much it hurries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Somebody can't work, or soon can't.
    Now,
    /// Before long.
    Soon,
    /// When there is time.
    Sometime,
}

impl Urgency {
    /// The word in its badge.
    pub fn title(self) -> &'static str {
        match self {
            Self::Now => "Now",
            Self::Soon => "Soon",
            Self::Sometime => "To do",
        }
    }

    /// The variant of its badge.
    pub fn badge(self) -> &'static str {
        match self {
            Self::Now => "bad",
            Self::Soon => "warn",
            Self::Sometime => "",
        }
    }
}

/// One thing that needs somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// How much it hurries.
    pub urgency: Urgency,
    /// What is the matter.
    pub sentence: String,
    /// What the link says.
    pub deed: String,
    /// Where it leads, below the organization's address.
    pub path: String,
}

/// Whose page it is, and what its frame knows already.
#[derive(Debug, Clone, Copy)]
pub struct Desk<'a> {
    /// Now.
    pub now: Timestamp,
    /// What the person may do.
    pub role: Role,
    /// Id and name of connections whose directory waits for an owner.
    pub paused: &'a [(String, String)],
    /// Whether a mail server is named in the settings.
    pub is_mailing: bool,
}

/// What needs somebody, most urgent first.
pub fn needs(desk: &Desk<'_>, facts: &[Fact]) -> Vec<Need> {
    let mut needs: Vec<Need> = desk.paused.iter().map(|one| paused(desk, one)).collect();
    needs.extend(
        facts
            .iter()
            .filter(|fact| fact.kind == Kind::Denials)
            .flat_map(denials),
    );
    needs.extend(facts.iter().filter_map(|fact| one(desk, fact)));
    needs.extend(mail(desk));
    needs.sort_by_key(|need| need.urgency);
    needs
}

fn one(desk: &Desk<'_>, fact: &Fact) -> Option<Need> {
    match fact.kind {
        Kind::Certificate => Some(certificate(desk, fact)),
        Kind::Moved => Some(moved(desk, fact)),
        Kind::Key => Some(key(desk, fact)),
        Kind::Token => Some(token(desk, fact)),
        Kind::Lost => Some(lost(fact)),
        Kind::Restored => Some(restored(fact)),
        Kind::Seats => seats(desk, fact),
        Kind::Invitations => invitations(fact),
        // They are two needs, and stand before all others of their urgency.
        Kind::Denials => None,
        Kind::Letters => letters(fact),
        Kind::Draft => Some(draft(fact)),
        Kind::Prepared => Some(prepared(desk, fact)),
        Kind::Changed => Some(changed(desk, fact)),
        Kind::Connections => connections(desk, fact),
        Kind::Domains => domains(desk, fact),
        Kind::Emergency => emergency(desk, fact),
        Kind::Drill => drill(desk, fact),
    }
}

/// Each use of the way in for emergencies is told to all owners, for a week.
fn emergency(desk: &Desk<'_>, fact: &Fact) -> Option<Need> {
    (desk.role >= Role::Owner).then(|| Need {
        urgency: Urgency::Now,
        sentence: format!(
            "{} came in as an owner for emergencies on {}, by password. Was it them?",
            fact.name,
            date(fact.at)
        ),
        deed: "See the audit log".to_owned(),
        path: "/audit".to_owned(),
    })
}

fn drill(desk: &Desk<'_>, fact: &Fact) -> Option<Need> {
    let is_due = fact.n > 0 && desk.now - fact.at > DRILL_EVERY && desk.role >= Role::Owner;
    is_due.then(|| Need {
        urgency: Urgency::Soon,
        sentence: "Single sign-on is asked of everybody, and no owner has tried the way in for emergencies for 90 days."
            .to_owned(),
        deed: "Try the way in".to_owned(),
        path: "/break-glass".to_owned(),
    })
}

fn paused(desk: &Desk<'_>, (id, name): &(String, String)) -> Need {
    let whose = if desk.role >= Role::Owner {
        "What it asked beyond that waits for you."
    } else {
        "What it asked beyond that waits for an owner."
    };
    Need {
        urgency: Urgency::Now,
        sentence: format!("The directory of {name} deactivated unusually many people. {whose}"),
        deed: format!("See the directory of {name}"),
        path: format!("/connections/{id}/directory"),
    }
}

/// Who asks to be let in, and who only was denied.
fn denials(fact: &Fact) -> impl Iterator<Item = Need> + use<> {
    let (asking, silent) = (fact.at, fact.n - fact.at);
    let asks = match asking {
        0 => None,
        1 => Some("1 person asks to be let in.".to_owned()),
        some => Some(format!("{some} people ask to be let in.")),
    };
    let came = match silent {
        0 => None,
        1 if fact.n < MANY => Some("1 person was denied, and nobody has dealt with it.".to_owned()),
        some if fact.n < MANY => Some(format!(
            "{some} people were denied, and nobody has dealt with it."
        )),
        some => Some(format!(
            "{some} or more people were denied, and nobody has dealt with it."
        )),
    };
    let need = |deed: &str, path: &str, sentence| Need {
        urgency: Urgency::Now,
        sentence,
        deed: deed.to_owned(),
        path: path.to_owned(),
    };
    let asks = asks.map(|sentence| need("See who asks", "/denied?state=asking", sentence));
    let came = came.map(|sentence| need("See the denied sign-ins", "/denied?state=silent", sentence));
    asks.into_iter().chain(came)
}

/// By when something that ends wants somebody.
fn before(end: Timestamp, now: Timestamp) -> Urgency {
    if end <= now + PAST {
        Urgency::Now
    } else {
        Urgency::Soon
    }
}

fn certificate(desk: &Desk<'_>, fact: &Fact) -> Need {
    Need {
        urgency: before(fact.at, desk.now),
        sentence: format!(
            "The newest certificate of {}’s identity provider {}. After that nobody comes in by it.",
            fact.name,
            Expiry::of(fact.at, desk.now).words
        ),
        deed: format!("See {}", fact.name),
        path: format!("/connections/{}", fact.id),
    }
}

fn key(desk: &Desk<'_>, fact: &Fact) -> Need {
    Need {
        urgency: before(fact.at, desk.now),
        sentence: format!(
            "The key that signs our requests to {} {}.",
            fact.name,
            Expiry::of(fact.at, desk.now).words
        ),
        deed: "See its keys".to_owned(),
        path: match desk.role {
            Role::Owner => format!("/connections/{}/keys", fact.id),
            _ => format!("/connections/{}", fact.id),
        },
    }
}

fn token(desk: &Desk<'_>, fact: &Fact) -> Need {
    Need {
        urgency: before(fact.at, desk.now),
        sentence: format!(
            "The directory’s token “{}” {}. Without one, the directory changes nothing here any more.",
            fact.name,
            Expiry::of(fact.at, desk.now).words
        ),
        deed: "See the directory’s tokens".to_owned(),
        path: format!("/connections/{}/directory", fact.id),
    }
}

fn lost(fact: &Fact) -> Need {
    let sentence = if fact.n > 0 {
        format!(
            "The TXT record of {} is missing. Since {} nobody new is let in by it; members keep signing in.",
            fact.name,
            date(fact.at)
        )
    } else {
        format!(
            "The TXT record of {} is missing since {}. From {} on nobody new is let in by it.",
            fact.name,
            date(fact.at),
            date(fact.at + PATIENCE)
        )
    };
    Need {
        urgency: Urgency::Now,
        sentence,
        deed: format!("See {}", fact.name),
        path: format!("/domains/{}", fact.id),
    }
}

fn restored(fact: &Fact) -> Need {
    Need {
        urgency: Urgency::Now,
        sentence: format!(
            "This installation was restored from a back-up on {}. What the directory of {} said after that back-up was made is not \
             known here: let it send everything again.",
            date(fact.at),
            fact.name
        ),
        deed: format!("See the directory of {}", fact.name),
        path: format!("/connections/{}/directory", fact.id),
    }
}

/// Owners are told at 80 and at 100 per cent.
fn seats(desk: &Desk<'_>, fact: &Fact) -> Option<Need> {
    let (limit, taken) = (fact.at, fact.n);
    let is_full = taken >= limit;
    if !is_full && taken.saturating_mul(5) < limit.saturating_mul(4) {
        return None;
    }
    let sentence = if is_full {
        format!("All {limit} seats are taken ({taken} by members and invitations). Nobody new comes in.")
    } else {
        format!("{taken} of {limit} seats are taken.")
    };
    let (deed, path) = if desk.role >= Role::Owner {
        ("Change the number of seats", "/settings/seats")
    } else {
        ("See the members", "/members")
    };
    Some(Need {
        urgency: if is_full { Urgency::Now } else { Urgency::Soon },
        sentence,
        deed: deed.to_owned(),
        path: path.to_owned(),
    })
}

fn invitations(fact: &Fact) -> Option<Need> {
    let sentence = match fact.n {
        0 => return None,
        1 => format!("1 invitation expires on {}.", date(fact.at)),
        // So far they are counted.
        1_000.. => format!(
            "1,000 or more invitations expire within 3 days, the first on {}.",
            date(fact.at)
        ),
        some => format!(
            "{some} invitations expire within 3 days, the first on {}.",
            date(fact.at)
        ),
    };
    Some(Need {
        urgency: Urgency::Soon,
        sentence,
        deed: "See the invitations".to_owned(),
        path: "/invitations?state=pending".to_owned(),
    })
}

fn letters(fact: &Fact) -> Option<Need> {
    let sentence = match fact.n {
        0 => return None,
        1 => format!("1 letter could not be sent, on {}.", date(fact.at)),
        some => format!("{some} letters could not be sent, the last on {}.", date(fact.at)),
    };
    Some(Need {
        urgency: Urgency::Soon,
        sentence,
        deed: "See the mail".to_owned(),
        path: "/mail?state=dead".to_owned(),
    })
}

/// Nothing is wrong without mail, so this is the last thing to do.
fn mail(desk: &Desk<'_>) -> Option<Need> {
    (!desk.is_mailing && desk.role >= Role::Owner).then(|| Need {
        urgency: Urgency::Sometime,
        sentence: "No mail is sent: invitations and warnings are only shown here.".to_owned(),
        deed: "See the mail".to_owned(),
        path: "/mail".to_owned(),
    })
}

fn draft(fact: &Fact) -> Need {
    Need {
        urgency: Urgency::Sometime,
        sentence: format!(
            "{} is a draft since {} and lets nobody in yet.",
            fact.name,
            date(fact.at)
        ),
        deed: format!("Finish {}", fact.name),
        path: format!("/connections/{}", fact.id),
    }
}

/// The path of a page of a connection that only owners open.
fn owners_page(desk: &Desk<'_>, fact: &Fact, page: &str) -> String {
    match desk.role {
        Role::Owner => format!("/connections/{}/{page}", fact.id),
        _ => format!("/connections/{}", fact.id),
    }
}

fn moved(desk: &Desk<'_>, fact: &Fact) -> Need {
    Need {
        urgency: Urgency::Now,
        sentence: format!(
            "Since {} nobody comes in by {}: its provider publishes its keys at another address, which an owner has to confirm.",
            date(fact.at),
            fact.name
        ),
        deed: format!("See where the keys of {} are", fact.name),
        path: owners_page(desk, fact, "provider-keys"),
    }
}

fn prepared(desk: &Desk<'_>, fact: &Fact) -> Need {
    Need {
        urgency: Urgency::Sometime,
        sentence: format!(
            "Other settings of {} are being prepared since {}. Everybody signs in as before until they are swapped in.",
            fact.name,
            date(fact.at)
        ),
        deed: format!("See what is prepared for {}", fact.name),
        path: owners_page(desk, fact, "draft"),
    }
}

fn changed(desk: &Desk<'_>, fact: &Fact) -> Need {
    Need {
        urgency: Urgency::Soon,
        sentence: format!(
            "The provider’s settings of {} were changed on {}. If nobody of you did that, compare them with those from before.",
            fact.name,
            date(fact.at)
        ),
        deed: format!("See what was changed for {}", fact.name),
        path: owners_page(desk, fact, "previous"),
    }
}

fn connections(desk: &Desk<'_>, fact: &Fact) -> Option<Need> {
    if fact.at > 0 {
        return None;
    }
    let (sentence, deed, path) = match (fact.n, desk.role) {
        (0, Role::Owner) => (
            "Nobody can come in by single sign-on yet: there is no connection to an identity provider.",
            "Make a connection",
            "/connections/new",
        ),
        (0, _) => (
            "Nobody can come in by single sign-on yet: there is no connection. An owner can make one.",
            "See single sign-on",
            "/connections",
        ),
        _ => (
            "Nobody can come in by single sign-on: no connection is turned on.",
            "See single sign-on",
            "/connections",
        ),
    };
    Some(Need {
        urgency: Urgency::Sometime,
        sentence: sentence.to_owned(),
        deed: deed.to_owned(),
        path: path.to_owned(),
    })
}

fn domains(desk: &Desk<'_>, fact: &Fact) -> Option<Need> {
    let (sentence, deed) = match (fact.at, fact.n) {
        (verified, all) if verified == all && all > 0 => return None,
        (0, 0) => (
            "No domain is verified yet, so that nobody’s address counts as proven by single sign-on."
                .to_owned(),
            if desk.role >= Role::Owner {
                "Add a domain"
            } else {
                "See the domains"
            },
        ),
        (verified, all) => {
            let waiting = all - verified;
            let sentence = if waiting == 1 {
                "1 domain waits for its TXT record.".to_owned()
            } else {
                format!("{waiting} domains wait for their TXT records.")
            };
            (sentence, "See the domains")
        }
    };
    Some(Need {
        urgency: Urgency::Sometime,
        sentence,
        deed: deed.to_owned(),
        path: "/domains".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = 1_795_459_867_123; // 23 November 2026

    fn desk(role: Role) -> Desk<'static> {
        Desk {
            now: NOW,
            role,
            paused: &[],
            is_mailing: true,
        }
    }

    fn fact(kind: Kind, at: i64, n: i64) -> Fact {
        Fact {
            kind,
            id: "c1".into(),
            name: "Okta".into(),
            at,
            n,
        }
    }

    fn sentences(needs: &[Need]) -> Vec<&str> {
        needs.iter().map(|need| need.sentence.as_str()).collect()
    }

    #[test]
    fn nothing_is_said_where_nothing_is_wrong() {
        let facts = [
            fact(Kind::Seats, 10, 7),
            fact(Kind::Denials, 0, 0),
            fact(Kind::Invitations, 0, 0),
            fact(Kind::Connections, 1, 3),
            fact(Kind::Domains, 2, 2),
        ];
        assert_eq!(needs(&desk(Role::Owner), &facts), []);
    }

    #[test]
    fn the_most_urgent_comes_first() {
        let facts = [
            fact(Kind::Draft, NOW - DAY, 1),
            fact(Kind::Token, NOW + 20 * DAY, 1),
            fact(Kind::Certificate, NOW + 2 * DAY, 1),
            fact(Kind::Denials, 1, 4),
        ];
        let found = needs(&desk(Role::Admin), &facts);
        assert_eq!(
            sentences(&found),
            [
                "1 person asks to be let in.",
                "3 people were denied, and nobody has dealt with it.",
                "The newest certificate of Okta’s identity provider expires in 2 days. After that nobody comes in by it.",
                "The directory’s token “Okta” expires in 20 days. Without one, the directory changes nothing here any more.",
                "Okta is a draft since 22 November 2026 and lets nobody in yet.",
            ]
        );
    }

    #[test]
    fn seats_are_told_at_80_and_100_per_cent() {
        let told = |taken| needs(&desk(Role::Owner), &[fact(Kind::Seats, 10, taken)]);
        assert_eq!(told(7), []);
        assert_eq!(sentences(&told(8)), ["8 of 10 seats are taken."]);
        assert_eq!(told(10)[0].urgency, Urgency::Now);
        assert!(told(11)[0].sentence.contains("11 by members"));
        assert_eq!(
            needs(&desk(Role::Admin), &[fact(Kind::Seats, 0, 1)])[0].path,
            "/members"
        );
    }

    #[test]
    fn a_new_organization_is_told_what_to_set_up() {
        let facts = [fact(Kind::Connections, 0, 0), fact(Kind::Domains, 0, 0)];
        let owner = needs(&desk(Role::Owner), &facts);
        let paths: Vec<_> = owner.iter().map(|need| need.path.as_str()).collect();
        assert_eq!(paths, ["/connections/new", "/domains"]);
        assert!(
            needs(&desk(Role::Admin), &facts)
                .iter()
                .all(|need| need.path != "/connections/new")
        );
    }

    #[test]
    fn a_lost_proof_says_what_follows_and_when() {
        let told = |n| needs(&desk(Role::Owner), &[fact(Kind::Lost, NOW, n)]).remove(0);
        assert_eq!(
            told(0).sentence,
            "The TXT record of Okta is missing since 23 November 2026. From 30 November 2026 on nobody new is let in by it."
        );
        assert!(told(1).sentence.contains("Since 23 November 2026 nobody new"));
        assert_eq!(told(1).path, "/domains/c1");
    }

    #[test]
    fn changed_settings_are_told() {
        let told = |role| needs(&desk(role), &[fact(Kind::Changed, NOW, 1)]).remove(0);
        assert!(told(Role::Owner).sentence.contains("changed on 23 November 2026"));
        assert_eq!(told(Role::Owner).path, "/connections/c1/previous");
        assert_eq!(told(Role::Admin).path, "/connections/c1");
    }

    /// OIDC-043.
    #[test]
    fn keys_that_moved_shut_the_door_now() {
        let told = |role| needs(&desk(role), &[fact(Kind::Moved, NOW, 1)]).remove(0);
        assert_eq!(told(Role::Owner).urgency, Urgency::Now);
        assert_eq!(told(Role::Owner).path, "/connections/c1/provider-keys");
        assert_eq!(told(Role::Admin).path, "/connections/c1");
    }

    #[test]
    fn letters_that_were_given_up_are_counted() {
        let told = |n| needs(&desk(Role::Admin), &[fact(Kind::Letters, NOW, n)]);
        assert_eq!(told(0), []);
        assert_eq!(
            sentences(&told(1)),
            ["1 letter could not be sent, on 23 November 2026."]
        );
        assert!(sentences(&told(3))[0].starts_with("3 letters could not be sent"));
    }

    #[test]
    fn owners_are_told_last_that_no_mail_is_sent() {
        let told = |role| {
            let desk = Desk {
                is_mailing: false,
                ..desk(role)
            };
            needs(&desk, &[fact(Kind::Draft, NOW, 1)])
        };
        let owners = told(Role::Owner);
        assert_eq!((owners.len(), owners[1].path.as_str()), (2, "/mail"));
        assert_eq!(owners[1].urgency, Urgency::Sometime);
        assert_eq!(told(Role::Admin).len(), 1);
    }

    #[test]
    fn a_paused_directory_waits_for_an_owner() {
        let paused = [("c1".to_owned(), "Okta".to_owned())];
        let mut desk = desk(Role::Admin);
        desk.paused = &paused;
        let found = needs(&desk, &[fact(Kind::Denials, 2, MANY)]);
        assert!(found[0].sentence.ends_with("waits for an owner."));
        assert!(found[1].sentence.starts_with("2 people ask"));
        assert!(found[2].sentence.starts_with("998 or more people"));
    }

    #[test]
    fn who_asks_is_told_apart_from_who_was_denied() {
        let told = |asking, open| needs(&desk(Role::Admin), &[fact(Kind::Denials, asking, open)]);
        let only_came = told(0, 1);
        assert_eq!(
            sentences(&only_came),
            ["1 person was denied, and nobody has dealt with it."]
        );
        assert_eq!(only_came[0].path, "/denied?state=silent");
        let only_asks = told(2, 2);
        assert_eq!(sentences(&only_asks), ["2 people ask to be let in."]);
        assert_eq!(only_asks[0].path, "/denied?state=asking");
    }
}
