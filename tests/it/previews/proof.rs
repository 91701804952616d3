//! Hundreds of people drive through real sign-ins; a preview is asked; the rules are changed; and they all come again.
//! For every one of them what happened is what the preview said.

use std::collections::{BTreeMap, BTreeSet};

use vestibule::access::{Denial, DomainName, EmailAddress, MappedGroup, Role};
use vestibule::audit::Actor;
use vestibule::dry_run::{Question, explain};
use vestibule::members::Doer;
use vestibule::previews::{Change, DAYS, Preview, Progress, replay};
use vestibule::{accounts, domains, groups, members, teams};

use crate::support::provider::Person;
use crate::support::{Browser, Front, Installation};

/// How many people there are on SQLite; a round trip to PostgreSQL takes longer, so there they are fewer.
const PEOPLE: usize = 500;
/// How many there are on PostgreSQL.
const FEWER: usize = 120;
/// After the first change, which all of them meet, one of so many comes again.
const ONE_OF: usize = 5;

/// Where somebody stands after a sign-in: outcome, reason, and the teams that groups gave.
type Ended = (String, String, BTreeSet<String>);

/// A number that looks like chance and is the same in every run.
fn chance(person: usize, salt: usize) -> usize {
    let mut word = (person * 1_000 + salt).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    word ^= word >> 29;
    word = word.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (word ^ (word >> 32)) % 1_000
}

/// Most are Acme's, some of a domain that is not attached, some without a word on their address, in various groups.
fn somebody(number: usize) -> Person {
    let domain = if chance(number, 1) < 850 {
        "acme.example"
    } else {
        "other.example"
    };
    let all = ["eng", "ops", "sales", "everybody"];
    let groups: Vec<&str> = (0..4)
        .filter(|group| chance(number, 10 + group) < 350)
        .map(|group| all[group])
        .collect();
    let person = Person::new(&format!("sub-{number}"), &format!("p{number:03}@{domain}"));
    let person = person.verified(match chance(number, 2) {
        0..50 => Some(false),
        50..120 => None,
        _ => Some(true),
    });
    if chance(number, 3) < 800 {
        person.in_groups(&groups)
    } else {
        person
    }
}

struct Crowd {
    front: Front,
    people: Vec<Person>,
    /// Names of teams by their ids.
    teams: BTreeMap<String, String>,
}

impl Crowd {
    /// Everybody comes once: half of them while only the invited are let in, the others while newcomers are. Then
    /// administrators are at work.
    async fn gather(db: crate::support::Database) -> Self {
        let count = if db.is_postgres() { FEWER } else { PEOPLE };
        // All of them come from one address, and many are denied.
        let front = Front::open_in(Installation::start_with(db, |config| config.rate_limit = 0)).await;
        let acme = &front.acme;
        let made: Vec<(String, String)> = acme.write(|conn, now| {
            ["Engineering", "Operations", "Sales", "Welcome"]
                .into_iter()
                .map(|name| {
                    Ok((
                        teams::actions::create(conn, now, &Actor::operator(), &acme.organization, name)?,
                        name.to_owned(),
                    ))
                })
                .collect()
        });
        let teams: BTreeMap<String, String> = made.into_iter().collect();
        let crowd = Self {
            people: (0..count).map(somebody).collect(),
            front,
            teams,
        };
        crowd.map(&[
            ("eng", "Engineering", Role::Member),
            ("ops", "Operations", Role::Admin),
        ]);
        for number in (0..count).filter(|number| chance(*number, 4) < 80) {
            crowd.front.acme.invite(&crowd.people[number].email);
        }
        let mut browser = Browser::new();
        for number in (0..count).step_by(2) {
            crowd.comes(&mut browser, number).await;
        }
        crowd.front.acme.jit(true);
        for number in (1..count).step_by(2) {
            crowd.comes(&mut browser, number).await;
        }
        crowd.work();
        crowd
    }

    /// Somebody comes, in a browser that knows nobody.
    async fn comes(&self, browser: &mut Browser, number: usize) {
        self.front.provider.next(self.people[number].clone());
        browser.forget_cookies();
        browser
            .stop_before("/orgs/acme")
            .get(&self.front.acme.sign_in())
            .await;
    }

    /// Some are deactivated, some removed, some of these invited again, and some who wait as well.
    fn work(&self) {
        let acme = &self.front.acme;
        for number in 0..self.people.len() {
            let email = EmailAddress::parse(&self.people[number].email).unwrap();
            let member = acme.read(|conn| {
                let account = accounts::find_by_email(conn, &email)?;
                let id = account.map(|account| account.id).unwrap_or_default();
                Ok(members::find_by_account(conn, &acme.organization, &id)?)
            });
            match (member, chance(number, 5)) {
                (Some(member), 0..60) => {
                    acme.write(|conn, now| {
                        members::actions::deactivate(
                            conn,
                            now,
                            &Doer::operator(),
                            &acme.organization,
                            &member.id,
                            member.version,
                        )
                    });
                }
                (Some(member), 60..160) => {
                    acme.write(|conn, now| {
                        members::actions::remove(
                            conn,
                            now,
                            &Doer::operator(),
                            &acme.organization,
                            &member.id,
                            member.version,
                        )
                    });
                    if chance(number, 6) < 300 {
                        acme.invite(email.as_str());
                    }
                }
                (None, 160..260) if !self.is_invited(number) => {
                    acme.invite(email.as_str());
                }
                _ => {}
            }
        }
    }

    fn is_invited(&self, number: usize) -> bool {
        let email = self.people[number].email.to_lowercase();
        self.front.acme.count(&format!(
            "invitations WHERE state = 'pending' AND email_key = '{email}'"
        )) > 0
    }

    /// Makes this the table of groups.
    fn map(&self, lines: &[(&str, &str, Role)]) {
        let (acme, table) = (&self.front.acme, self.table(lines));
        let connection = acme.connection();
        acme.write(|conn, now| groups::actions::set(conn, now, &Actor::operator(), &connection, &table));
    }

    fn table(&self, lines: &[(&str, &str, Role)]) -> Vec<MappedGroup> {
        let id = |name: &str| {
            self.teams
                .iter()
                .find(|(_, known)| *known == name)
                .unwrap()
                .0
                .clone()
        };
        lines
            .iter()
            .map(|(group, team, role)| MappedGroup {
                group: (*group).into(),
                team: id(team),
                role: *role,
            })
            .collect()
    }

    fn preview(&self, change: &Change) -> Preview {
        let acme = &self.front.acme;
        let now = acme.installation.site.now();
        acme.read(|conn| replay(conn, now, &acme.organization, change, DAYS, &Progress::default()))
    }

    /// What would happen to everybody who is not named: the same as by the rules of today.
    fn today(&self, one_of: usize) -> BTreeMap<usize, Ended> {
        let numbers = (0..self.people.len()).step_by(one_of);
        numbers.map(|number| (number, self.today_for(number))).collect()
    }

    fn today_for(&self, number: usize) -> Ended {
        let (acme, person) = (&self.front.acme, &self.people[number]);
        let question = Question {
            connection: acme.connection.clone(),
            email: Some(person.email.clone()),
            email_verified: person.email_verified,
            name: person.name.clone(),
            groups: person.groups.clone(),
            issuer: Some(self.front.provider.issuer().to_owned()),
            subject: Some(person.sub.clone()),
            ..Question::default()
        };
        let now = acme.installation.site.now();
        let told = acme.read(|conn| explain(conn, now, &acme.organization, &question));
        let outcome = if told.outcome == "admit" {
            "admitted"
        } else {
            "denied"
        };
        let mut given = self.given(number);
        if outcome == "admitted" {
            let leaves: BTreeSet<String> = told.effects.leaves.iter().cloned().collect();
            given = given.difference(&leaves).cloned().collect();
            given.extend(told.effects.joins);
        }
        (outcome.to_owned(), told.reason.to_owned(), given)
    }

    /// The teams that groups gave to this person.
    fn given(&self, number: usize) -> BTreeSet<String> {
        let all = self
            .front
            .acme
            .teams_of(&self.people[number].email.to_lowercase());
        all.iter()
            .filter_map(|team| team.strip_suffix(" by mapping"))
            .map(str::to_owned)
            .collect()
    }

    /// Everybody comes again; and each is met as the preview said.
    async fn come_again_as(&self, preview: &Preview, today: BTreeMap<usize, Ended>) {
        let named: BTreeMap<&str, &vestibule::previews::Line> = preview
            .lines
            .iter()
            .map(|line| (line.email_key.as_str(), line))
            .collect();
        let before: BTreeMap<usize, BTreeSet<String>> = today
            .keys()
            .map(|number| (*number, self.given(*number)))
            .collect();
        let known = self.front.acme.sign_ins().len();
        let (mut browser, count) = (Browser::new(), today.len());
        for number in today.keys() {
            self.comes(&mut browser, *number).await;
        }
        let records = self.front.acme.sign_ins();
        assert_eq!(records.len() - known, count);
        let ended: BTreeMap<String, (String, String)> = records
            .into_iter()
            .skip(known)
            .map(|record| (record.email, (record.outcome, record.reason)))
            .collect();
        let mut wrong = Vec::new();
        for (number, today) in today {
            let email = &self.people[number].email;
            let (outcome, reason) = ended[email].clone();
            let given = self.given(number);
            let is_right = match named.get(email.as_str()) {
                None => (outcome.clone(), reason.clone(), given.clone()) == today,
                Some(line) => is_as_said(&line.after, &outcome, &reason, &before[&number], &given),
            };
            if !is_right {
                wrong.push(format!(
                    "{email}: {outcome} {reason} {given:?}, but {:?} / {today:?}",
                    named.get(email.as_str())
                ));
            }
        }
        assert!(
            wrong.is_empty(),
            "{} of {count} were foretold wrongly:\n{}",
            wrong.len(),
            wrong.join("\n")
        );
    }
}

/// Whether what happened is what the line says: `Denied: not invited`, or `Comes in; joins A, B; leaves C`.
fn is_as_said(
    said: &str,
    outcome: &str,
    reason: &str,
    before: &BTreeSet<String>,
    given: &BTreeSet<String>,
) -> bool {
    if let Some(denial) = said.strip_prefix("Denied: ") {
        let title = Denial::parse(reason).map(|denial| denial.title().to_lowercase());
        return outcome == "denied" && title == Some(denial.to_lowercase()) && before == given;
    }
    let names = |verb: &str| -> BTreeSet<String> {
        let list = said.split("; ").find_map(|part| part.strip_prefix(verb));
        list.into_iter()
            .flat_map(|list| list.split(", "))
            .map(str::to_owned)
            .collect()
    };
    let mut expected: BTreeSet<String> = before.difference(&names("leaves ")).cloned().collect();
    expected.extend(names("joins "));
    let right = match said.split("; ").next().unwrap() {
        "Comes in" => reason == "member",
        start if start.starts_with("Comes in by invitation") => reason == "invitation",
        _ => reason == "jit",
    };
    outcome == "admitted" && right && expected == *given
}

both_databases! {
    /// The promise: an administrator sees the names, and the names are right. For just-in-time provisioning, for the
    /// table of groups, and for a domain.
    async fn the_preview_was_right_for_every_one(db: Database) {
        let crowd = Crowd::gather(db).await;
        let acme = &crowd.front.acme;

        let off = Change::Jit { connection: acme.connection.clone(), on: false };
        let (preview, today) = (crowd.preview(&off), crowd.today(1));
        let out = preview.group("out.not_invited").expect("somebody is kept out");
        assert!(out.lines.len() > crowd.people.len() / 10, "{} are kept out", out.lines.len());
        let mut olive = acme.owner().await;
        olive.get(&acme.to(&format!("/connections/{}/jit", acme.connection))).await;
        olive.sees(&out.heading());
        olive.submit("Turn off just-in-time provisioning", &[("word", "acme")]).await.sees("is off for Acme ID");
        crowd.come_again_as(&preview, today).await;

        acme.jit(true);
        let lines = [("eng", "Sales", Role::Member), ("sales", "Sales", Role::Member), ("everybody", "Engineering", Role::Member)];
        let mapping = crowd.table(&lines);
        let change = Change::Groups { connection: acme.connection.clone(), mapping, convention: false };
        let (preview, today) = (crowd.preview(&change), crowd.today(ONE_OF));
        assert!(preview.group("teams").is_some_and(|group| group.lines.len() > crowd.people.len() / 10));
        crowd.map(&lines);
        crowd.come_again_as(&preview, today).await;

        let other = acme.write(|conn, now| {
            let name = DomainName::parse("other.example").unwrap();
            let id = domains::actions::add(conn, now, &Actor::operator(), &acme.organization, &name)?;
            domains::actions::vouch(conn, now, &Actor::operator(), &acme.organization, &id)?;
            Ok(id)
        });
        let attached = acme.read(|conn| Ok(vestibule::connections::attached(conn, &acme.connection)?));
        let domains: BTreeSet<String> = attached.into_iter().map(|(id, _)| id).chain([other]).collect();
        let query: Vec<String> = domains.iter().map(|id| format!("domain={id}")).collect();
        let change = Change::Domains { connection: acme.connection.clone(), domains };
        let (preview, today) = (crowd.preview(&change), crowd.today(ONE_OF));
        assert!(preview.group("in.jit").is_some_and(|group| group.lines.len() > crowd.people.len() / 50));
        let page = format!("/connections/{}/domains?chosen=yes&{}", acme.connection, query.join("&"));
        olive.get(&acme.to(&page)).await.submit("Attach other.example", &[]).await.sees("are changed");
        crowd.come_again_as(&preview, today).await;
    }
}
