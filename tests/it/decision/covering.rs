//! Enough rows of the matrix of the rules, each lived through in the browser, against the pure function: any three
//! facts meet in some row.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::Cursor;

use diesel::{ExpressionMethods as _, QueryDsl as _, RunQueryDsl as _};
use serde_json::{Value, json};
use vestibule::access::{EmailAddress, Identity, MappedGroup, PersonName, Role, lines};
use vestibule::audit::Actor;
use vestibule::invitations::{self, New};
use vestibule::members::{self, Doer, Joining, Source};
use vestibule::orgs;
use vestibule::store::Conn;
use vestibule::store::schema::accounts;
use vestibule::store::time::DAY;
use vestibule::web::Problem;
use vestibule::{connections, groups, seats, teams};

use crate::support::provider::Person;
use crate::support::{Browser, Front};

/// The facts and what each may be, as `vestibule decide` names them.
const FACTS: [(&str, &[&str]); 9] = [
    ("jit", &["false", "true"]),
    ("scim", &["false", "true"]),
    ("account", &["none", "linked", "unlinked", "deactivated"]),
    ("member", &["no", "active", "deactivated", "removed"]),
    (
        "invitation",
        &[
            "none",
            "pending_link",
            "pending",
            "expired",
            "revoked",
            "declined",
            "other_email",
        ],
    ),
    ("seats", &["free", "full"]),
    ("domain", &["verified", "unverified", "other_org"]),
    ("email_verified", &["true", "false", "null"]),
    ("groups", &["none", "mapped", "unmapped"]),
];

/// For each fact, which of its words.
type Row = [usize; 9];
/// Three facts with a word each.
type Triple = [(usize, usize); 3];

/// A membership belongs to an account.
fn is_possible(row: Row) -> bool {
    row[2] != 0 || row[3] == 0
}

fn triples_of(row: Row) -> impl Iterator<Item = Triple> {
    let facts = 0..row.len();
    facts.flat_map(move |a| {
        (a + 1..row.len())
            .flat_map(move |b| (b + 1..row.len()).map(move |c| [(a, row[a]), (b, row[b]), (c, row[c])]))
    })
}

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn row(&mut self) -> Row {
        FACTS.map(|(_, words)| self.throw(words.len()))
    }
}

/// Rows in which any three words that can meet do.
fn covering() -> Vec<Row> {
    let mut dice = Dice(7);
    let mut missing: BTreeSet<Triple> = BTreeSet::new();
    for _ in 0..60_000 {
        let row = dice.row();
        if is_possible(row) {
            missing.extend(triples_of(row));
        }
    }
    let mut rows = Vec::new();
    while let Some(first) = missing.first().copied() {
        let candidates = (0..40).filter_map(|_| {
            let mut row = dice.row();
            for (fact, word) in first {
                row[fact] = word;
            }
            is_possible(row).then_some(row)
        });
        let gain = |row: &Row| triples_of(*row).filter(|triple| missing.contains(triple)).count();
        if let Some(best) = candidates.max_by_key(gain) {
            for triple in triples_of(best) {
                missing.remove(&triple);
            }
            rows.push(best);
        }
    }
    rows
}

/// A row by its words.
struct Cell {
    number: usize,
    words: BTreeMap<&'static str, &'static str>,
}

impl Cell {
    fn of(number: usize, row: Row) -> Self {
        let words = FACTS
            .iter()
            .zip(row)
            .map(|((fact, words), word)| (*fact, words[word]));
        Self {
            number,
            words: words.collect(),
        }
    }

    fn is(&self, fact: &str, word: &str) -> bool {
        self.words[fact] == word
    }

    /// The question for the pure function.
    fn question(&self) -> Value {
        let value = |(fact, word): (&&str, &&str)| {
            let value = match *word {
                "true" => json!(true),
                "false" => json!(false),
                "null" => Value::Null,
                word => json!(word),
            };
            ((*fact).to_owned(), value)
        };
        Value::Object(self.words.iter().map(value).collect())
    }

    fn email(&self) -> String {
        let domain = match self.words["domain"] {
            "verified" => "acme.example",
            "unverified" => "nobody.example",
            _ => "beta.example",
        };
        format!("p{}@{domain}", self.number)
    }

    fn subject(&self) -> String {
        format!("subject-{}", self.number)
    }

    fn person(&self) -> Person {
        let person = Person::new(&self.subject(), &self.email())
            .named("New", "Name")
            .verified(match self.words["email_verified"] {
                "true" => Some(true),
                "false" => Some(false),
                _ => None,
            });
        match self.words["groups"] {
            "mapped" => person.in_groups(&["other", "g"]),
            "unmapped" => person.in_groups(&["other"]),
            _ => person,
        }
    }
}

/// What the pure function says of each.
fn answers(cells: &[Cell]) -> Vec<Value> {
    let questions: Vec<_> = cells.iter().map(|cell| cell.question().to_string()).collect();
    let mut answers = Vec::new();
    assert!(lines::answer(Cursor::new(questions.join("\n")), &mut answers).unwrap());
    let answers = String::from_utf8(answers).unwrap();
    answers
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Makes the teams and the table of groups that every row uses; answers the invitations' team.
fn furnish(front: &Front) -> String {
    let acme = &front.acme;
    let (connection, sealer) = (acme.connection(), &acme.installation.site.sealer);
    acme.write(|conn, now| {
        let actor = Actor::operator();
        let mut team = |name| teams::actions::create(conn, now, &actor, &acme.organization, name);
        let (default, mapped, invited) = (team("default")?, team("mapped")?, team("invited")?);
        let settings = connections::Settings {
            default_team: Some(default),
            ..connections::Settings::from(&connection)
        };
        let connection = connections::actions::change(conn, now, &actor, sealer, &connection, &settings)?;
        let line = MappedGroup {
            group: "g".into(),
            team: mapped,
            role: Role::Member,
        };
        groups::actions::set(conn, now, &actor, &connection, &[line])?;
        Ok(invited)
    })
}

/// Makes the row true; answers the token that the browser carries, if it carries one.
fn set_up(front: &Front, cell: &Cell, team: &str) -> Option<String> {
    let acme = &front.acme;
    acme.seats(None);
    let connection = acme.connection();
    acme.jit(cell.is("jit", "true"));
    let connection_now = acme.connection();
    acme.write(|conn, now| {
        let actor = Actor::operator();
        connections::actions::set_scim(conn, now, &actor, &connection_now, cell.is("scim", "true"))
    });
    let organization = acme.now();
    let carried = acme.write(|conn, now| {
        let account = account(conn, now, cell, &connection)?;
        let is_removed = cell.is("member", "removed");
        let mut token = None;
        if !is_removed {
            token = invitation(conn, now, cell, &organization, team)?;
        }
        if let Some(account) = account.filter(|_| !cell.is("member", "no")) {
            member(conn, now, cell, &organization.id, &account)?;
        }
        if is_removed {
            token = invitation(conn, now, cell, &organization, team)?;
        }
        Ok(token)
    });
    let used = taken(front);
    acme.seats(Some(if cell.is("seats", "full") { used } else { used + 1 }));
    carried
}

fn account(
    conn: &mut Conn,
    now: i64,
    cell: &Cell,
    connection: &connections::Connection,
) -> Result<Option<String>, Problem> {
    if cell.is("account", "none") {
        return Ok(None);
    }
    let email = EmailAddress::parse(&cell.email()).unwrap();
    let account = vestibule::accounts::actions::create(conn, now, &email, "Old Name")?;
    if !cell.is("account", "unlinked") {
        let identity = Identity {
            connection: connection.id.clone(),
            issuer: connection.issuer.clone(),
            subject: cell.subject(),
            email: None,
            email_verified: None,
            name: PersonName::default(),
            groups: None,
        };
        vestibule::accounts::actions::link(conn, now, &Actor::operator(), &identity, &account)?;
    }
    if cell.is("account", "deactivated") {
        diesel::update(accounts::table.find(&account.id))
            .set(accounts::state.eq("deactivated"))
            .execute(conn)?;
    }
    Ok(Some(account.id))
}

fn invitation(
    conn: &mut Conn,
    now: i64,
    cell: &Cell,
    organization: &orgs::Organization,
    team: &str,
) -> Result<Option<String>, Problem> {
    let word = cell.words["invitation"];
    if word == "none" {
        return Ok(None);
    }
    let other = format!("other-{}@acme.example", cell.number);
    let email = if word == "other_email" {
        other
    } else {
        cell.email()
    };
    let new = New {
        email: EmailAddress::parse(&email).unwrap(),
        role: Role::Admin,
        teams: vec![team.to_owned()],
    };
    let actor = Actor::operator();
    let at = if word == "expired" { now - 15 * DAY } else { now };
    let sent = invitations::actions::invite(conn, at, &actor, Role::Owner, organization, &[new])?.remove(0);
    match word {
        "revoked" => {
            let ids = [sent.id.clone()];
            invitations::actions::revoke(conn, now, &actor, Role::Owner, &organization.id, &ids)?;
        }
        "declined" => assert!(invitations::actions::decline(conn, now, &actor, &sent.id)?),
        _ => {}
    }
    Ok(Some(sent.token).filter(|_| ["pending_link", "other_email"].contains(&word)))
}

fn member(conn: &mut Conn, now: i64, cell: &Cell, organization: &str, account: &str) -> Result<(), Problem> {
    let joining = Joining {
        by_password: true,
        organization,
        account,
        name: "Old Name",
        role: Role::Member,
        source: Source::Setup,
        invited_by: "",
    };
    let id = members::actions::join(conn, now, &Actor::operator(), &joining)?;
    let doer = Doer::operator();
    let version = members::find(conn, organization, &id)?.unwrap().version;
    match cell.words["member"] {
        "deactivated" => members::actions::deactivate(conn, now, &doer, organization, &id, version).map(drop),
        "removed" => members::actions::remove(conn, now, &doer, organization, &id, version).map(drop),
        _ => Ok(()),
    }
}

/// Members and pending invitations.
fn taken(front: &Front) -> i64 {
    let now = front.acme.installation.site.now();
    let seats = front
        .acme
        .read(|conn| Ok(seats::count(conn, &front.acme.organization, now)?));
    seats.members + seats.invited
}

/// What the tables say of one person.
struct Told {
    account: Option<String>,
    is_linked: bool,
    member: Option<String>,
    invitation: Option<String>,
    taken: i64,
    rows: BTreeSet<String>,
}

impl Told {
    fn of(front: &Front, cell: &Cell) -> Self {
        let rows: BTreeSet<_> = front.acme.people().into_iter().collect();
        let find = |table: &str, word: &str| {
            let found = rows
                .iter()
                .find(|row| row.starts_with(table) && row.contains(&format!(" {word} ")));
            found.cloned()
        };
        let account = find("accounts ", &format!("email_key={}", cell.email()));
        let id = account.as_deref().map(|row| field(row, "id"));
        Self {
            is_linked: find("identities ", &format!("subject={}", cell.subject())).is_some(),
            member: id.and_then(|id| find("members ", &format!("account_id={id}"))),
            invitation: find("invitations ", &format!("email_key={}", cell.email())),
            account,
            taken: taken(front),
            rows,
        }
    }
}

fn field(row: &str, name: &str) -> String {
    let start = format!("{name}=");
    let found = row.split(' ').find_map(|word| word.strip_prefix(&start));
    found.unwrap_or_default().to_owned()
}

/// What happened, in the words of the pure function.
fn lived(front: &Front, cell: &Cell, before: &Told, after: &Told) -> Value {
    let record = front.acme.sign_ins().pop().unwrap();
    let was_renamed = after
        .account
        .as_deref()
        .is_some_and(|row| row.contains("full_name=New Name"));
    let account = match (&before.account, before.is_linked, after.is_linked) {
        (None, false, true) if was_renamed => "created",
        (Some(_), false, true) if was_renamed => "linked",
        (Some(_), true, true) if was_renamed => "existing",
        _ => "unchanged",
    };
    let state = |row: &Option<String>| row.as_deref().map(|row| field(row, "state")).unwrap_or_default();
    let joined = state(&before.member) != "active" && state(&after.member) == "active";
    let invitation = match (
        state(&before.invitation).as_str(),
        state(&after.invitation).as_str(),
    ) {
        ("pending", "accepted") => "accepted",
        ("pending", "closed") => "closed",
        (before, after) if before == after => "unchanged",
        _ => "spoilt",
    };
    let teams = front.acme.teams_of(&cell.email());
    let teams: BTreeSet<_> = teams.iter().map(|team| source(team)).collect();
    let trace: Vec<Value> = serde_json::from_str(&record.trace_json).unwrap();
    let step = |step: &Value| json!({"rule": step["rule"], "outcome": step["outcome"]});
    json!({
        "outcome": match record.outcome.as_str() { "admitted" => "admit", "denied" => "deny", other => other },
        "reason": record.reason,
        "account": account,
        "membership": if joined { "created" } else { "unchanged" },
        "invitation": invitation,
        "seat": after.taken - before.taken + i64::from(invitation == "closed"),
        "teams": teams,
        "trace": trace.iter().map(step).collect::<Vec<_>>(),
    })
}

/// `invited by invitation`: the team's name is the word, if it came by what it is named after.
fn source(team: &str) -> &str {
    match team {
        "default by default" => "default",
        "mapped by mapping" => "mapped",
        "invited by invitation" => "invited",
        other => other,
    }
}

/// Nobody else's rows changed; a denial changed nothing but account and link.
fn assert_untouched(cell: &Cell, before: &Told, after: &Told, admitted: bool) {
    let row = |row: &Option<String>| row.as_deref().map(|row| field(row, "id"));
    let ids: HashSet<String> = [&before.account, &after.account, &after.member, &before.invitation]
        .into_iter()
        .filter_map(row)
        .collect();
    for changed in before.rows.symmetric_difference(&after.rows) {
        assert!(
            ids.iter().any(|id| changed.contains(id.as_str())),
            "{:?}: {changed}",
            cell.words
        );
        let of_the_account = changed.starts_with("accounts ") || changed.starts_with("identities ");
        assert!(admitted || of_the_account, "{:?}: {changed}", cell.words);
    }
}

both_databases! {
    /// Each row ends as the pure function says: outcome, reason, account, membership, invitation, seats, teams and
    /// trace; with one record and one audit entry; and a denial changes nothing but the account.
    /// DEC-002, DEC-003.
    async fn the_door_decides_as_the_rules_do(db: Database) {
        let front = Front::open(db).await;
        let beta = front.another_provider().await;
        front.second_organization("beta", "beta.example", &beta);
        let team = furnish(&front);
        let rows = covering();
        let cells: Vec<_> = rows.into_iter().enumerate().map(|(number, row)| Cell::of(number, row)).collect();
        assert!(cells.len() >= 60, "{}", cells.len());
        let mut browser = Browser::new();
        for (cell, expected) in cells.iter().zip(answers(&cells)) {
            browser.forget_cookies();
            if let Some(token) = set_up(&front, cell, &team) {
                browser.get(&front.acme.installation.to(&format!("/invitation/{token}"))).await;
            }
            front.provider.be(cell.person());
            let before = Told::of(&front, cell);
            let (records, audited) = (front.acme.count("sign_ins"), front.acme.audited_sign_ins());

            browser.get(&(front.acme.sign_in() + "?return_to=/healthz")).await;

            let after = Told::of(&front, cell);
            assert_eq!(lived(&front, cell, &before, &after), expected, "{:?}", cell.words);
            assert_eq!(front.acme.count("sign_ins"), records + 1, "{:?}", cell.words);
            assert_eq!(front.acme.audited_sign_ins(), audited + 1, "{:?}", cell.words);
            let admitted = expected["outcome"] == "admit";
            assert_eq!(browser.cookie("vestibule_session").is_some(), admitted, "{:?}", cell.words);
            assert_eq!(browser.status(), if admitted { 200 } else { 403 }, "{:?}", cell.words);
            if !admitted {
                browser.sees("Access denied");
            }
            assert_untouched(cell, &before, &after, admitted);
        }
    }
}
