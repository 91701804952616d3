//! Groups of the provider and of the directory: which teams and roles they give, who writes them, and what they
//! never take.

use diesel::{ExpressionMethods as _, QueryDsl as _, RunQueryDsl as _};
use vestibule::access::{MappedGroup, Role};
use vestibule::audit::Actor;
use vestibule::groups::{self, Line};
use vestibule::store::Conn;
use vestibule::store::schema::{audit_events, scim_group_members, scim_groups, scim_users, seen_groups};
use vestibule::teams::Source;
use vestibule::{connections, members, orgs, teams};

use crate::support::acme::OWNER;
use crate::support::provider::{Person, Provider};
use crate::support::{Acme, Browser, Front};

fn team(acme: &Acme, name: &str) -> String {
    acme.write(|conn, now| teams::actions::create(conn, now, &Actor::operator(), &acme.organization, name))
}

/// Sets the table: group, team, role.
fn maps(acme: &Acme, lines: &[(&str, &str, Role)]) {
    let (connection, operator) = (acme.connection(), Actor::operator());
    let line = |(group, team, role): &(&str, &str, Role)| MappedGroup {
        group: (*group).into(),
        team: (*team).into(),
        role: *role,
    };
    let table: Vec<_> = lines.iter().map(line).collect();
    acme.write(|conn, now| groups::actions::set(conn, now, &operator, &connection, &table).map(drop));
}

fn convention(acme: &Acme, on: bool) {
    let before = acme.now();
    let settings = orgs::Settings {
        group_convention: on,
        ..before.settings.clone()
    };
    acme.write(|conn, now| {
        orgs::actions::change(conn, now, &Actor::operator(), &before, &settings, before.version)
    });
}

fn scim(acme: &Acme, on: bool) {
    let connection = acme.connection();
    acme.write(|conn, now| connections::actions::set_scim(conn, now, &Actor::operator(), &connection, on));
}

/// A person of the directory who is this member.
fn knows(acme: &Acme, member: &str) {
    acme.write(|conn, now| {
        diesel::insert_into(scim_users::table)
            .values((
                scim_users::id.eq(user(member)),
                scim_users::organization_id.eq(&acme.organization),
                scim_users::connection_id.eq(&acme.connection),
                scim_users::member_id.eq(member),
                scim_users::user_name.eq(member),
                scim_users::user_name_key.eq(member),
                scim_users::created_at.eq(now),
                scim_users::modified_at.eq(now),
            ))
            .execute(conn)?;
        Ok(())
    });
}

fn user(member: &str) -> String {
    format!("u-{member}")
}

/// The directory makes a group.
fn makes(acme: &Acme, id: &str, name: &str) {
    let connection = acme.connection();
    acme.write(|conn, now| {
        diesel::insert_into(scim_groups::table)
            .values((
                scim_groups::id.eq(id),
                scim_groups::organization_id.eq(&acme.organization),
                scim_groups::connection_id.eq(&acme.connection),
                scim_groups::display_name.eq(name),
                scim_groups::display_key.eq(name.to_lowercase()),
                scim_groups::created_at.eq(now),
                scim_groups::modified_at.eq(now),
            ))
            .execute(conn)?;
        Ok(groups::actions::met(conn, &connection, id, name).map(drop)?)
    });
}

fn renames(acme: &Acme, id: &str, name: &str) {
    let connection = acme.connection();
    acme.write(|conn, now| {
        diesel::update(scim_groups::table.find(id))
            .set((
                scim_groups::display_name.eq(name),
                scim_groups::display_key.eq(name.to_lowercase()),
            ))
            .execute(conn)?;
        groups::actions::met(conn, &connection, id, name)?;
        groups::actions::sync_all(conn, now, &Actor::system(), &connection).map(drop)
    });
}

fn deletes(acme: &Acme, id: &str) {
    let connection = acme.connection();
    acme.write(|conn, now| {
        diesel::delete(scim_groups::table.find(id)).execute(conn)?;
        groups::actions::gone(conn, now, &Actor::system(), &connection, id)
    });
}

/// The directory puts a member into a group, or takes them out.
fn puts(acme: &Acme, group: &str, member: &str, is_in: bool) {
    let connection = acme.connection();
    acme.write(|conn, now| {
        set_in(conn, group, member, is_in)?;
        groups::actions::sync_member(conn, now, &Actor::system(), &connection, member)
    });
}

fn set_in(conn: &mut Conn, group: &str, member: &str, is_in: bool) -> diesel::QueryResult<()> {
    if is_in {
        diesel::insert_into(scim_group_members::table)
            .values((
                scim_group_members::group_id.eq(group),
                scim_group_members::user_id.eq(user(member)),
            ))
            .execute(conn)
            .map(drop)
    } else {
        diesel::delete(scim_group_members::table.find((group, user(member))))
            .execute(conn)
            .map(drop)
    }
}

/// "team by source", by team.
fn belongs(acme: &Acme, member: &str) -> Vec<String> {
    acme.read(|conn| {
        let found = teams::of_member(conn, member)?;
        Ok(found
            .into_iter()
            .map(|one| format!("{} {}", one.name, one.source.as_str()))
            .collect())
    })
}

fn role(acme: &Acme, member: &str) -> Role {
    acme.read(|conn| Ok(members::find(conn, &acme.organization, member)?.unwrap().role))
}

fn member_of(acme: &Acme, email: &str) -> String {
    use vestibule::store::schema::{accounts, members};
    acme.read(|conn| {
        Ok(members::table
            .inner_join(accounts::table)
            .filter(accounts::email_key.eq(email))
            .select(members::id)
            .first(conn)?)
    })
}

fn told(acme: &Acme, action: &str) -> usize {
    acme.read(|conn| {
        let all: Vec<String> = audit_events::table
            .filter(audit_events::action.eq(action))
            .select(audit_events::id)
            .load(conn)?;
        Ok(all.len())
    })
}

async fn signs_in(front: &Front) {
    let mut browser = Browser::new();
    browser.get(&front.acme.sign_in()).await;
    assert_eq!(browser.status(), 200, "{}", browser.text());
}

fn sends(provider: &Provider, subject: &str, email: &str, groups: &[&str]) {
    provider.be(Person::new(subject, email).in_groups(groups));
}

both_databases! {
    /// Lines follow the group's id: a rename keeps, a deletion takes, and a new group of the old name waits.
    /// SCIM-076.
    async fn a_mapping_follows_the_directorys_group(db: Database) {
        let acme = Acme::alone(db);
        scim(&acme, true);
        let (platform, bob) = (team(&acme, "Platform"), acme.join("bob@acme.example", "Bob", Role::Member));
        knows(&acme, &bob);
        maps(&acme, &[("Admins", &platform, Role::Admin)]);
        makes(&acme, "g-1", "Admins");
        puts(&acme, "g-1", &bob, true);
        assert_eq!((belongs(&acme, &bob), role(&acme, &bob)), (vec!["Platform scim".into()], Role::Admin));
        renames(&acme, "g-1", "Rulers");
        assert_eq!(belongs(&acme, &bob), ["Platform scim"]);
        deletes(&acme, "g-1");
        assert_eq!((belongs(&acme, &bob), role(&acme, &bob)), (vec![], Role::Member));
        makes(&acme, "g-2", "Admins");
        puts(&acme, "g-2", &bob, true);
        assert_eq!((belongs(&acme, &bob), role(&acme, &bob)), (vec![], Role::Member));
        // The same file, applied again, is nobody's confirmation.
        maps(&acme, &[("Admins", &platform, Role::Admin)]);
        assert!(belongs(&acme, &bob).is_empty());
        let confirmed = Line { group: "Admins".into(), team: platform, role: Role::Admin, scim_group: "g-2".into() };
        let connection = acme.connection();
        let changes = acme.write(|conn, now| {
            groups::actions::replace(conn, now, &Actor::operator(), &connection, &[confirmed])
        });
        let changes = changes.unwrap();
        assert_eq!((changes.teams[0].joining.names.clone(), changes.raised.count), (vec!["Bob".to_owned()], 1));
        assert_eq!((belongs(&acme, &bob), role(&acme, &bob)), (vec!["Platform scim".into()], Role::Admin));
    }

    /// What was given by hand, the owner's role, and everything while SCIM is off stay.
    /// SCIM-073, SCIM-077.
    async fn the_directory_takes_only_what_its_groups_gave(db: Database) {
        let acme = Acme::alone(db);
        scim(&acme, true);
        let team = team(&acme, "Platform");
        let (bob, ann) = (
            acme.join("bob@acme.example", "Bob", Role::Member),
            acme.join("ann@acme.example", "Ann", Role::Admin),
        );
        let olive = member_of(&acme, OWNER);
        for member in [&bob, &ann, &olive] {
            knows(&acme, member);
        }
        acme.write(|conn, now| Ok(teams::give(conn, now, &bob, [&team], Source::Hand, "")?));
        makes(&acme, "g", "All");
        maps(&acme, &[("All", &team, Role::Admin)]);
        for member in [&bob, &ann, &olive] {
            puts(&acme, "g", member, true);
        }
        assert_eq!(belongs(&acme, &bob), ["Platform hand", "Platform scim"]);
        assert_eq!([&bob, &ann, &olive].map(|member| role(&acme, member)), [Role::Admin, Role::Admin, Role::Owner]);
        assert_eq!((told(&acme, "team.mapped_in"), told(&acme, "member.role_mapped")), (3, 1));
        scim(&acme, false);
        puts(&acme, "g", &bob, false);
        assert_eq!(belongs(&acme, &bob), ["Platform hand", "Platform scim"], "SCIM off stops the sync");
        scim(&acme, true);
        maps(&acme, &[]);
        assert_eq!(belongs(&acme, &bob), ["Platform hand"]);
        assert!(belongs(&acme, &ann).is_empty());
        assert_eq!([&bob, &ann, &olive].map(|member| role(&acme, member)), [Role::Member, Role::Admin, Role::Owner]);
    }

    /// One member at a time or all at once: the same teams and roles. The first line's role counts.
    async fn both_ways_of_syncing_agree(db: Database) {
        let acme = Acme::alone(db);
        scim(&acme, true);
        let (one, two) = (team(&acme, "One"), team(&acme, "Two"));
        let people: Vec<String> = (0..6)
            .map(|number| acme.join(&format!("p{number}@acme.example"), &format!("P {number}"), Role::Member))
            .collect();
        for member in &people {
            knows(&acme, member);
        }
        makes(&acme, "a", "A");
        makes(&acme, "b", "acme:Made here");
        makes(&acme, "c", "acme:");
        convention(&acme, true);
        for (number, member) in people.iter().enumerate() {
            acme.write(|conn, _| {
                for (place, group) in ["a", "b", "c"].into_iter().enumerate() {
                    if number & (1 << place) != 0 {
                        set_in(conn, group, member, true)?;
                    }
                }
                Ok(())
            });
        }
        let table = [("A", one.as_str(), Role::Member), ("acme:Made here", &two, Role::Admin)];
        maps(&acme, &table);
        let now = || people.iter().map(|member| (belongs(&acme, member), role(&acme, member))).collect::<Vec<_>>();
        let at_once = now();
        assert_eq!(at_once[2], (vec!["Made here scim".into(), "Two scim".into()], Role::Admin));
        assert_eq!(at_once[3].1, Role::Member, "the first line that fits is A’s");
        let connection = acme.connection();
        for member in &people {
            acme.write(|conn, now| groups::actions::sync_member(conn, now, &Actor::system(), &connection, member));
        }
        assert_eq!(now(), at_once);
        maps(&acme, &[]);
        convention(&acme, false);
        acme.write(|conn, now| groups::actions::sync_members(conn, now, &Actor::system(), &connection, &people));
        assert!(now().iter().all(|(teams, role)| teams.is_empty() && *role == Role::Member));
    }

    /// Just-in-time on, SCIM off: groups of a sign-in give teams and roles and take what they gave; a team that
    /// is missing is made; groups are remembered.
    /// DEC-032.
    async fn groups_of_a_sign_in_write_where_they_may(db: Database) {
        let front = Front::open_to_newcomers(db).await;
        let acme = &front.acme;
        let platform = team(acme, "Platform");
        maps(acme, &[("root", &platform, Role::Admin)]);
        convention(acme, true);
        sends(&front.provider, "s-1", "tess@acme.example", &["root", "acme:Night shift", "acme:", "other:X"]);
        signs_in(&front).await;
        let tess = member_of(acme, "tess@acme.example");
        assert_eq!(belongs(acme, &tess), ["Night shift mapping", "Platform mapping"]);
        assert_eq!(role(acme, &tess), Role::Admin);
        let seen: i64 = acme.read(|conn| Ok(seen_groups::table.count().get_result(conn)?));
        assert_eq!(seen, 4);
        scim(acme, true);
        sends(&front.provider, "s-1", "tess@acme.example", &[]);
        signs_in(&front).await;
        assert_eq!(belongs(acme, &tess).len(), 2, "with SCIM on a sign-in writes nothing");
        scim(acme, false);
        acme.jit(false);
        signs_in(&front).await;
        assert_eq!((belongs(acme, &tess).len(), role(acme, &tess)), (2, Role::Admin), "nor with both off");
        acme.jit(true);
        signs_in(&front).await;
        assert_eq!((belongs(acme, &tess).len(), role(acme, &tess)), (0, Role::Member));
        assert_eq!((told(acme, "team.mapped_in"), told(acme, "team.mapped_out")), (2, 2));
    }

    /// The page shows the directory's groups; a choice is reviewed with names before it is saved, and shown again.
    async fn an_owner_maps_a_group_of_the_directory(db: Database) {
        let acme = Acme::alone(db);
        scim(&acme, true);
        let (platform, bob) = (team(&acme, "Platform"), acme.join("bob@acme.example", "Bob Builder", Role::Member));
        knows(&acme, &bob);
        makes(&acme, "g-77", "Rulers");
        makes(&acme, "g-78", "acme:a:b");
        puts(&acme, "g-77", &bob, true);
        convention(&acme, true);
        let mut olive = acme.owner().await;
        olive.get(&acme.to(&format!("/connections/{}", acme.connection))).await.click("Groups and teams…").await;
        olive.sees("Rulers").sees("g-77").sees("no second colon");
        let page = olive.path().to_owned();
        chooses(&mut olive, "See what changes…", "Rulers", &platform, "admin").await;
        olive.sees("Platform").sees("1 joins").sees("Bob Builder").sees("Become admins: 1");
        assert!(belongs(&acme, &bob).is_empty(), "a review changes nothing");
        olive.submit("Change it", &[]).await.sees("Rulers");
        chooses(&mut olive, "See what changes…", "Rulers", &platform, "admin").await;
        olive.submit("Save the table", &[]).await.sees("The table of groups is saved.");
        assert_eq!((belongs(&acme, &bob), role(&acme, &bob)), (vec!["Platform scim".into()], Role::Admin));
        olive.get(&acme.to(&format!("/members/{bob}"))).await.sees("Admin, by a group of Acme ID");
        deletes(&acme, "g-77");
        makes(&acme, "g-79", "Rulers");
        puts(&acme, "g-79", &bob, true);
        assert!(belongs(&acme, &bob).is_empty());
        olive.get(&acme.installation.to(&page)).await.sees("The directory deleted this group");
        chooses(&mut olive, "See what changes…", "Rulers", &platform, "admin").await;
        olive.submit("Save the table", &[]).await;
        assert_eq!(belongs(&acme, &bob), ["Platform scim"], "an administrator confirmed the new group");
    }

    /// What is wrong stands beside its field, what somebody else saved meanwhile is not overwritten, and nothing
    /// changes.
    /// SCIM-077, ADM-014.
    async fn a_wrong_or_stale_table_is_not_saved(db: Database) {
        let acme = Acme::alone(db);
        scim(&acme, true);
        let platform = team(&acme, "Platform");
        makes(&acme, "g-77", "Rulers");
        let mut olive = acme.owner().await;
        let page = acme.to(&format!("/connections/{}/groups", acme.connection));
        olive.get(&page).await;
        chooses(&mut olive, "See what changes…", "Rulers", "nowhere", "admin").await;
        assert_eq!(olive.status(), 422);
        olive.sees("This team is gone");
        olive.get(&page).await;
        chooses(&mut olive, "See what changes…", "Rulers", &platform, "owner").await;
        assert_eq!(olive.status(), 422);
        olive.sees("No group makes owners");
        olive.get(&page).await;
        chooses(&mut olive, "See what changes…", "Rulers", &platform, "admin").await;
        maps(&acme, &[("Others", &platform, Role::Member)]);
        olive.submit("Save the table", &[]).await.sees("Somebody else changed the table meanwhile");
        assert_eq!(olive.status(), 409);
        let table = acme.read(|conn| Ok(groups::mapping(conn, &acme.connection)?));
        assert_eq!(table.len(), 1);
    }

    /// Without SCIM the review judges by the groups of each person's last sign-in.
    async fn a_review_foresees_the_next_sign_ins(db: Database) {
        let front = Front::open_to_newcomers(db).await;
        let acme = &front.acme;
        let platform = team(acme, "Platform");
        sends(&front.provider, "s-1", "tess@acme.example", &["eng", "acme:Night shift"]);
        signs_in(&front).await;
        let mut olive = acme.owner().await;
        olive.get(&acme.to(&format!("/connections/{}/groups", acme.connection))).await.sees("eng");
        chooses(&mut olive, "See what changes…", "eng", &platform, "admin").await;
        olive.sees("At each person’s next sign-in").sees("1 joins").sees("Tess").sees("Become admins: 1");
        olive.submit("Save the table", &[]).await;
        let tess = member_of(acme, "tess@acme.example");
        assert!(belongs(acme, &tess).is_empty());
        signs_in(&front).await;
        assert_eq!((belongs(acme, &tess), role(acme, &tess)), (vec!["Platform mapping".into()], Role::Admin));
    }

    /// Members whom the directory does not know can be listed, so that nobody is forgotten.
    /// SCIM-091.
    async fn members_without_the_directory_are_listed(db: Database) {
        let acme = Acme::alone(db);
        let (bob, _) = (
            acme.join("bob@acme.example", "Bob", Role::Member),
            acme.join("ann@acme.example", "Ann", Role::Member),
        );
        let mut olive = acme.owner().await;
        olive.get(&acme.to("/members")).await.does_not_see("Managed or not");
        scim(&acme, true);
        knows(&acme, &bob);
        olive.get(&acme.to("/members?directory=unmanaged")).await.sees("Ann").does_not_see("bob@acme.example");
        olive.sees("not managed by the directory");
        olive.get(&acme.to("/members?directory=managed")).await.sees("Bob").does_not_see("ann@acme.example");
        olive.get(&acme.to(&format!("/members/{bob}"))).await.sees("Managed by Acme ID");
        scim(&acme, false);
        olive.get(&acme.to(&format!("/members/{bob}"))).await.sees("No longer synchronised");
    }
}

/// Chooses team and role in the row of the (last) group of this name, and presses the button.
async fn chooses(browser: &mut Browser, button: &str, group: &str, team: &str, role: &str) {
    let mut fields = browser.fields(button);
    let rows: Vec<String> = all(&fields, "group");
    let row = rows
        .iter()
        .rposition(|name| name == group)
        .unwrap_or_else(|| panic!("no {group} in {rows:?}"));
    set_nth(&mut fields, "team", row, team);
    set_nth(&mut fields, "role", row, role);
    let form: Vec<(&str, &str)> = fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let here = browser.url().to_string();
    browser.post(&here, &form).await;
}

fn all(fields: &[(String, String)], name: &str) -> Vec<String> {
    fields
        .iter()
        .filter(|(key, _)| key == name)
        .map(|(_, value)| value.clone())
        .collect()
}

fn set_nth(fields: &mut [(String, String)], name: &str, number: usize, value: &str) {
    let found = fields.iter_mut().filter(|(key, _)| key == name).nth(number);
    value.clone_into(&mut found.unwrap().1);
}
