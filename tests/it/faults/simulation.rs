//! Everything that may happen to an organization, in an order that a seed decides, with faults in between, held against a
//! small model of the rules. After each step the doctor looks.
//!
//! `SIMULATION_SEEDS` says how many seeds are tried, `SIMULATION_FIRST` with which it begins; a failure names its own.

use std::collections::BTreeMap;

use vestibule::access::{EmailAddress, Role};
use vestibule::accounts;
use vestibule::audit::Actor;
use vestibule::connections::{self, State};
use vestibule::invitations;
use vestibule::members::{self, Doer};
use vestibule::store::sealed::Sealer;
use vestibule::store::time::{DAY, HOUR, MINUTE};
use vestibule::upkeep::doctor::{self, Weight};
use vestibule::web::Problem;

use super::statements::Faulty;
use crate::support::provider::Fault;
use crate::support::{Database, Dice, Front};

/// How many seeds are tried here, and how many steps each has.
const SEEDS: u64 = 2;
const STEPS: usize = 30;
/// How many people there are besides the owner.
const PEOPLE: usize = 5;

/// What a person is to the organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stand {
    Member,
    Deactivated,
    Removed,
}

/// What should be true.
#[derive(Debug)]
struct Model {
    now: i64,
    jit: bool,
    on: bool,
    organization_on: bool,
    seats: Option<usize>,
    people: BTreeMap<usize, Stand>,
    /// Until when the invitation stands.
    invited: BTreeMap<usize, i64>,
}

impl Model {
    fn taken(&self) -> usize {
        let members = self.people.values().filter(|stand| **stand == Stand::Member);
        1 + members.count() + self.invited.values().filter(|end| **end > self.now).count()
    }

    fn is_invited(&self, person: usize) -> bool {
        self.invited.get(&person).is_some_and(|end| *end > self.now)
    }

    /// How a sign-in of this person has to end.
    fn sign_in(&mut self, person: usize) -> &'static str {
        let stand = self.people.get(&person).copied();
        let reason = match stand {
            Some(Stand::Deactivated) => return "membership_deactivated",
            Some(Stand::Member) => return "member",
            _ if self.is_invited(person) => "invitation",
            Some(Stand::Removed) => return "removed",
            None if !self.jit => return "not_invited",
            None if self.seats.is_some_and(|seats| self.taken() >= seats) => return "no_seat",
            None => "jit",
        };
        self.invited.remove(&person);
        self.people.insert(person, Stand::Member);
        reason
    }
}

/// One world and the model of it.
struct World<'a> {
    front: &'a Front,
    faulty: Faulty<'a>,
    sealer: Sealer,
    model: Model,
    dice: Dice,
    /// Which sign-ins there are, and how many were kept from happening by a fault.
    records: usize,
    faults: usize,
}

fn email(person: usize) -> String {
    format!("p{person}@acme.example")
}

impl World<'_> {
    /// One thing happens.
    async fn step(&mut self) -> String {
        let person = self.dice.below(PEOPLE);
        match self.dice.below(16) {
            0..=6 => self.come(person).await,
            7 | 8 => self.invite(person),
            9 => self.change_stand(person),
            10 => self.change_stand((person + 1) % PEOPLE),
            11 => {
                self.model.jit = !self.model.jit;
                self.front.acme.jit(self.model.jit);
                format!("just-in-time {}", self.model.jit)
            }
            12 => self.change_seats(),
            13 => self.turn(),
            14 => {
                let jump = *self.dice.one(&[MINUTE, HOUR, 3 * DAY, 15 * DAY, -2 * MINUTE]);
                self.front.later(jump);
                self.model.now += jump;
                format!("the clock jumps by {jump}")
            }
            _ => self.without_provider(person).await,
        }
    }

    async fn come(&mut self, person: usize) -> String {
        let front = self.front;
        front.provider.person(&email(person), &email(person));
        if !self.model.on || !self.model.organization_on {
            let mut browser = crate::support::Browser::new();
            browser.get(&front.acme.sign_in()).await;
            assert_eq!(browser.status(), 403, "{}", browser.text());
            return format!("{person} can’t even begin");
        }
        let mut browser = front.at_the_callback().await;
        let row = self.dice.below(24);
        self.faulty.at(row);
        browser.resume().await;
        self.faulty.at(0);
        if browser.status() == 503 {
            assert!(row > 0, "{}", browser.text());
            self.faults += 1;
            return format!("{person} comes, and row {row} can’t be written");
        }
        let expected = self.model.sign_in(person);
        self.records += 1;
        let record = front.acme.sign_ins().pop().unwrap();
        assert_eq!(record.reason, expected, "{person}: {}", browser.text());
        let inside = matches!(expected, "member" | "invitation" | "jit");
        assert_eq!(browser.cookie("vestibule_session").is_some(), inside);
        format!("{person} comes: {expected}")
    }

    async fn without_provider(&mut self, person: usize) -> String {
        if !self.model.on || !self.model.organization_on {
            return "nothing".to_owned();
        }
        self.front.provider.person(&email(person), &email(person));
        let mut browser = self.front.at_the_callback().await;
        self.front.provider.fault(Fault::TokenError("server_error"));
        browser.resume().await;
        self.front.provider.honest();
        assert!(browser.cookie("vestibule_session").is_none());
        self.records = self.front.acme.sign_ins().len();
        format!("the provider fails {person}")
    }

    fn invite(&mut self, person: usize) -> String {
        let acme = &self.front.acme;
        let (site, organization, now) = (&acme.installation.site, acme.now(), self.model.now);
        let new = invitations::New {
            email: EmailAddress::parse(&email(person)).unwrap(),
            role: Role::Member,
            teams: vec![],
        };
        let made: Result<_, Problem> = site.store.write_in(&acme.organization, |conn| {
            invitations::actions::invite(conn, now, &Actor::operator(), Role::Owner, &organization, &[new])
        });
        let free = self.model.seats.is_none_or(|seats| self.model.taken() < seats);
        let open = matches!(self.model.people.get(&person), None | Some(Stand::Removed));
        let may = free && open && !self.model.is_invited(person);
        assert_eq!(made.is_ok(), may, "{person}: {:?}", made.err());
        if may {
            self.model.invited.insert(person, now + 14 * DAY);
        }
        format!("{person} is invited: {may}")
    }

    fn change_stand(&mut self, person: usize) -> String {
        let acme = &self.front.acme;
        let Some(stand) = self.model.people.get(&person).copied() else {
            return "nothing".to_owned();
        };
        let next = match (stand, self.dice.below(3)) {
            (Stand::Removed, _) => return "nothing".to_owned(),
            (_, 0) => Stand::Removed,
            (Stand::Member, _) => Stand::Deactivated,
            (Stand::Deactivated, _) => Stand::Member,
        };
        let (organization, now) = (&acme.organization, self.model.now);
        let done: Result<(), Problem> = acme.installation.site.store.write_in(organization, |conn| {
            let (email, doer) = (EmailAddress::parse(&email(person)).unwrap(), Doer::operator());
            let account = accounts::find_by_email(conn, &email)?.unwrap();
            let member = members::find_by_account(conn, organization, &account.id)?.unwrap();
            let (id, version) = (&member.id, member.version);
            match next {
                Stand::Deactivated => {
                    members::actions::deactivate(conn, now, &doer, organization, id, version)
                }
                Stand::Member => members::actions::reactivate(conn, now, &doer, organization, id, version),
                Stand::Removed => members::actions::remove(conn, now, &doer, organization, id, version),
            }
            .map(drop)
        });
        let full = self.model.seats.is_some_and(|seats| self.model.taken() >= seats);
        let may = next != Stand::Member || !full;
        assert_eq!(done.is_ok(), may, "{person} {next:?}: {:?}", done.err());
        if may {
            self.model.people.insert(person, next);
        }
        format!("{person} {next:?}: {may}")
    }

    fn change_seats(&mut self) -> String {
        self.model.seats = *self.dice.one(&[None, Some(2), Some(3), Some(5)]);
        let seats = self.model.seats.map(|seats| i64::try_from(seats).unwrap());
        self.front.acme.seats(seats);
        format!("{seats:?} seats")
    }

    fn turn(&mut self) -> String {
        let acme = &self.front.acme;
        if self.dice.below(2) == 0 {
            self.model.on = !self.model.on;
            let state = if self.model.on { State::On } else { State::Off };
            let connection = acme.connection();
            acme.write(|conn, now| {
                connections::actions::set_state(conn, now, &Actor::operator(), &connection, state)
            });
            return format!("the connection: {}", self.model.on);
        }
        self.model.organization_on = !self.model.organization_on;
        let (before, on) = (acme.now(), self.model.organization_on);
        acme.write(|conn, now| {
            vestibule::orgs::actions::turn(conn, now, &Actor::operator(), (&before, on), "nobody")
        });
        format!("the organization: {on}")
    }

    /// What must hold after each step.
    fn holds(&self) {
        let acme = &self.front.acme;
        let site = &acme.installation.site;
        let now = site.now().max(vestibule::store::time::now());
        let findings = doctor::examine(&site.store, Ok(self.sealer.clone()), now).unwrap();
        let broken: Vec<_> = findings
            .iter()
            .filter(|finding| finding.weight == Weight::Broken && !finding.what.contains("clocks"))
            .collect();
        assert!(broken.is_empty(), "{broken:?}");
        let members = self
            .model
            .people
            .values()
            .filter(|stand| **stand == Stand::Member)
            .count();
        let counted = acme.count("members WHERE state = 'active'");
        assert_eq!(usize::try_from(counted).unwrap(), 1 + members);
        assert_eq!(acme.sign_ins().len(), self.records);
        if !self.model.organization_on {
            assert_eq!(acme.count("sessions WHERE account_id IS NOT NULL"), 0);
        }
    }
}

/// One seed, to its end. Answers how many sign-ins there were, and how many were kept from happening.
async fn live(db: Database, seed: u64) -> (usize, usize) {
    let is_postgres = db.is_postgres();
    let front = Front::open(db).await;
    let sealer = Sealer::from_file(&front.acme.installation.site.config.key_file).unwrap();
    let mut world = World {
        faulty: Faulty::in_the_way(&front.acme, is_postgres),
        sealer,
        model: Model {
            now: front.acme.installation.site.now(),
            jit: false,
            on: true,
            organization_on: true,
            seats: None,
            people: BTreeMap::new(),
            invited: BTreeMap::new(),
        },
        front: &front,
        dice: Dice(seed),
        records: 0,
        faults: 0,
    };
    for number in 0..STEPS {
        let what = world.step().await;
        println!("seed {seed:#x}, step {number}: {what}");
        world.holds();
    }
    (world.records, world.faults)
}

both_databases! {
    /// Whatever happens in whatever order, and whatever fails: each sign-in ends as the rules say, or has not happened; and
    /// what must always hold, holds.
    /// FLT-024, FLT-025.
    async fn whatever_happens_the_rules_hold(db: Database) {
        let number = |name: &str, otherwise: u64| super::setting(name).map_or(otherwise, |text| text.parse().unwrap());
        let first = number("SIMULATION_FIRST", 1);
        let is_postgres = db.is_postgres();
        drop(db);
        let (mut records, mut faults) = (0, 0);
        for seed in first..first + number("SIMULATION_SEEDS", SEEDS) {
            let db = if is_postgres { Database::postgres() } else { Database::sqlite() };
            // Neighbours begin alike in this kind of dice.
            let (some, kept) = live(db, seed.wrapping_mul(0x9E37_79B9_7F4A_7C15)).await;
            records += some;
            faults += kept;
        }
        println!("{records} sign-ins ended as the rules say, {faults} were kept from happening by a fault");
        assert!(records > 0);
    }
}
