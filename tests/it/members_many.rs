//! Many members: orders, pages, files, and what is done to many at once.

use diesel::connection::SimpleConnection as _;
use vestibule::access::Role;
use vestibule::audit::Actor;
use vestibule::teams;

use crate::budget::PAGE;
use crate::plans;
use crate::support::acme::OWNER;
use crate::support::{Acme, Browser, html};

/// The names of the list, in its order.
fn names(browser: &Browser) -> Vec<String> {
    let rows = browser.body().split("<th scope=\"row\">").skip(1);
    let name = |row: &str| html::text(row.split("</a>").next().unwrap());
    rows.map(name).collect()
}

fn team(acme: &Acme, name: &str) -> String {
    acme.write(|conn, now| teams::actions::create(conn, now, &Actor::operator(), &acme.organization, name))
}

/// So many members, `p0` and so on, made in few statements.
fn crowd(acme: &Acme, number: usize) {
    acme.installation
        .site
        .store
        .write(|conn| {
            for some in (0..number).collect::<Vec<_>>().chunks(400) {
                let rows = |row: &dyn Fn(usize) -> String| some.iter().map(|n| row(*n)).collect::<Vec<_>>().join(", ");
                conn.batch_execute(&format!(
                    "INSERT INTO accounts (id, email, email_key, full_name, name_key, username, created_at) VALUES {}",
                    rows(&|n| format!("('a{n}', 'P{n}@acme.example', 'p{n}@acme.example', 'Person {n}', 'person {n}', 'pp{n}', 0)")),
                ))?;
                conn.batch_execute(&format!(
                    "INSERT INTO account_words (account_id, word, name_key) VALUES {}",
                    rows(&|n| format!("('a{n}', 'person', 'person {n}'), ('a{n}', 'p{n}@acme.example', 'person {n}')")),
                ))?;
                conn.batch_execute(&format!(
                    "INSERT INTO members (id, organization_id, account_id, role, state, source, joined_at, state_changed_at) VALUES {}",
                    rows(&|n| format!("('m{n:05}', '{}', 'a{n}', 'member', 'active', 'jit', {n}, 0)", acme.organization)),
                ))?;
            }
            Ok::<_, vestibule::store::DbError>(())
        })
        .unwrap();
}

/// The names of a list from the first page to the last, and of the way back.
async fn walked(browser: &mut Browser) -> (Vec<String>, Vec<String>) {
    let (mut forth, mut back) = (names(browser), Vec::new());
    while browser.body().contains("Next page") {
        browser.click("Next page").await;
        forth.extend(names(browser));
    }
    loop {
        back.splice(0..0, names(browser));
        if !browser.body().contains("Previous page") {
            return (forth, back);
        }
        browser.click("Previous page").await;
    }
}

fn states(acme: &Acme, state: &str) -> i64 {
    acme.count(&format!("members WHERE state = '{state}'"))
}

/// What the database keeps count of is what there is.
fn counts_agree(acme: &Acme) {
    let counted = acme.rows("member_counts", "facet people");
    let mut counted: Vec<String> = counted
        .into_iter()
        .filter(|row| !row.ends_with("people=0"))
        .collect();
    counted.sort();
    let mut real: Vec<String> = Vec::new();
    let mut facets = acme.rows("members", "facet");
    facets.sort();
    facets.dedup();
    for facet in facets {
        let facet = facet.split("facet=").nth(1).unwrap().to_owned();
        let number = acme.count(&format!("members WHERE facet = '{facet}'"));
        real.push(format!("member_counts facet={facet} people={number}"));
    }
    assert_eq!(counted, real);
    let wrong = "teams WHERE people <> (SELECT COUNT(DISTINCT t.member_id) FROM team_members t WHERE t.team_id = teams.id)";
    assert_eq!(acme.count(wrong), 0);
    let wrong = "members m JOIN accounts a ON a.id = m.account_id WHERE a.name_key <> m.name_key";
    assert_eq!(acme.count(wrong), 0);
    let wrong = "account_words w JOIN accounts a ON a.id = w.account_id WHERE a.name_key <> w.name_key";
    assert_eq!(acme.count(wrong), 0);
}

both_databases! {
    /// By name, by when they came and by when they were last seen, forth and back.
    async fn a_list_has_its_order(db: Database) {
        let acme = Acme::alone(db);
        for (name, joined, seen) in [("Ada", 30, "NULL"), ("Bob", 10, "500"), ("Cy", 20, "400")] {
            let id = acme.join(&format!("{name}@acme.example"), name, Role::Member);
            acme.run(&format!("UPDATE members SET joined_at = {joined}, last_sign_in_at = {seen} WHERE id = '{id}'"));
        }
        let mut olive = acme.owner().await;
        acme.run(&format!("UPDATE members SET joined_at = 5, last_sign_in_at = 900 WHERE account_id = (SELECT id FROM accounts WHERE email_key = '{OWNER}')"));
        for (sort, expected) in [
            ("", ["Ada", "Bob", "Cy", "Olive Owner"]),
            ("newest", ["Ada", "Cy", "Bob", "Olive Owner"]),
            ("oldest", ["Olive Owner", "Bob", "Cy", "Ada"]),
            ("seen", ["Olive Owner", "Bob", "Cy", "Ada"]),
            ("unseen", ["Ada", "Cy", "Bob", "Olive Owner"]),
            ("nonsense", ["Ada", "Bob", "Cy", "Olive Owner"]),
        ] {
            olive.get(&acme.to(&format!("/members?sort={sort}"))).await;
            assert_eq!(names(&olive), expected, "{sort}");
        }
        crowd(&acme, 120);
        for sort in ["", "newest", "oldest", "seen", "unseen"] {
            olive.get(&acme.to(&format!("/members?sort={sort}"))).await.sees("124 members");
            let (forth, back) = walked(&mut olive).await;
            let all: std::collections::BTreeSet<_> = forth.iter().collect();
            assert_eq!((all.len(), &forth), (124, &back), "{sort}");
        }
        counts_agree(&acme);
    }

    /// A word that finds very many and one that finds few, alone and within a team and a role.
    async fn searches_find_the_same_wherever_they_begin(db: Database) {
        let acme = Acme::alone(db);
        crowd(&acme, 12_100);
        let sales = team(&acme, "Sales");
        acme.run(&format!("INSERT INTO team_members (team_id, member_id, source, since) SELECT '{sales}', id, 'hand', 0 FROM members WHERE joined_at < 2200"));
        acme.run("UPDATE members SET role = 'admin' WHERE joined_at IN (7, 2250)");
        let mut olive = acme.owner().await;
        for (query, caption) in [
            ("?q=person", "Some of 12101 members"),
            ("?q=p7%40", "1 of 12101 members"),
            ("?q=person+p7%40", "1 of 12101 members"),
            ("?q=person+p1", "3211 of 12101 members"),
            (&format!("?q=person+p1&team={sales}"), "1111 of 12101 members"),
            ("?q=person&role=admin", "2 of 12101 members"),
            (&format!("?q=p7%40&team={sales}"), "1 of 12101 members"),
            (&format!("?team={sales}"), "Some of 12101 members"),
            (&format!("?team={sales}&role=admin"), "1 of 12101 members"),
            (&format!("?q=p2250%40&team={sales}"), "Nobody matches"),
            ("?role=admin", "2 of 12101 members, by name"),
        ] {
            olive.get(&acme.to(&format!("/members{query}"))).await.sees(caption);
        }
        olive.get(&acme.to("/members?q=person&after=m12099.zzz")).await.sees("Nobody matches");
        olive.get(&acme.to(&format!("/teams/{sales}"))).await.sees("2200 people").sees("Find those first");
        olive.get(&acme.to(&format!("/teams/{sales}?find=person"))).await.sees("Person 10000 · P10000@acme.example");
        olive.get(&acme.to(&format!("/teams/{sales}?find=person+p1"))).await.sees("Person 10000 · P10000@acme.example");
        olive.does_not_see("Person 1000 ·").sees("The first 50 by name");
        // Whoever turns a page goes on looking for the same people.
        olive.click("Next page").await.sees("Person 10000 · P10000@acme.example").sees("The first 50 by name");
        olive.get(&acme.to(&format!("/teams/{sales}?find=person+p7%40"))).await.sees("Nobody outside this team matches");
        counts_agree(&acme);
    }

    /// In the order of names, some of which are the same, from page to page and back; whoever has two of the words comes once.
    async fn those_whom_a_word_finds_come_by_name(db: Database) {
        let is_postgres = db.is_postgres();
        let acme = Acme::alone(db);
        crowd(&acme, 50_100);
        acme.run("UPDATE members SET role = 'admin' WHERE joined_at < 260");
        acme.run("UPDATE accounts SET name_key = 'person 5' WHERE id IN (SELECT account_id FROM members WHERE joined_at BETWEEN 20 AND 140)");
        for (word, other) in [("émile", 0), ("émilie", 3)] {
            acme.run(&format!("INSERT INTO account_words (account_id, word, name_key) SELECT a.id, '{word}', a.name_key FROM accounts a JOIN members m ON m.account_id = a.id WHERE m.joined_at < 12100 AND m.joined_at % 4 IN (0, {other})"));
        }
        if is_postgres {
            acme.run(plans::PLAN_OF);
        }
        let mut olive = acme.owner().await;
        olive.get(&acme.to("/members?q=%C3%A9mil&role=admin")).await.sees("Some of 50101 members, by name");
        let (forth, back) = walked(&mut olive).await;
        assert_eq!(forth, back);
        acme.installation.site.store.statements().watch();
        olive.get(&acme.to("/members?q=%C3%89&role=admin")).await.sees("Some of 50101 members, by name");
        let asked = acme.installation.site.store.statements().telling();
        let names_in_order = asked.iter().find(|statement| statement.contains("substr(w.word")).unwrap();
        let plan = plans::plan(&acme, names_in_order);
        assert!(plan.iter().any(|step| step.contains("account_words_by_letter")), "{plan:#?}");
        assert_eq!(walked(&mut olive).await, (forth.clone(), back), "one letter");
        let real = acme.lines(
            "SELECT a.full_name AS line FROM accounts a JOIN members m ON m.account_id = a.id \
             WHERE m.role = 'admin' AND m.joined_at % 4 IN (0, 3) ORDER BY m.name_key, m.id",
        );
        assert_eq!((forth.len(), forth), (130, real));
        olive.get(&acme.to("/members?q=%C3%A9mil+person&role=owner")).await.sees("Nobody matches");
        // More than are counted, and all of them at the end of a list that is not walked to its end.
        acme.run("INSERT INTO account_words (account_id, word, name_key) SELECT id, 'late', name_key FROM accounts WHERE name_key >= 'person 4'");
        let real = acme.lines("SELECT full_name AS line FROM accounts WHERE name_key >= 'person 4' ORDER BY name_key LIMIT 100");
        let sales = team(&acme, "Sales");
        acme.run(&format!("INSERT INTO team_members (team_id, member_id, source, since) SELECT '{sales}', id, 'hand', 0 FROM members WHERE joined_at < 10"));
        // The first of them, Person 4, is there.
        let search = format!("/teams/{sales}?find=late+person");
        acme.installation.takes_at_most(PAGE, "whom a team could have, at the end of a list", async || {
            olive.get(&acme.to(&search)).await.sees(&format!("{} \u{b7}", real[1]));
        }).await;
        acme.installation.takes_at_most(PAGE, "people at the end of a list", async || {
            olive.get(&acme.to("/members?q=late+person")).await.sees("Some of 50101 members");
        }).await;
        let mut late = names(&olive);
        olive.click("Next page").await;
        late.extend(names(&olive));
        assert_eq!(late, real);
        olive.click("Previous page").await;
        assert_eq!(names(&olive), real[..50]);
        olive.get(&acme.to("/members?q=%C3%A9mil&sort=newest")).await.sees("6050 of 50101 members");
    }

    /// Everybody whom the filter lets through, once, and nothing that a spreadsheet runs.
    /// UPL-005, UPL-006.
    async fn a_list_is_a_file(db: Database) {
        let acme = Acme::alone(db);
        crowd(&acme, 1_203);
        let evil = acme.join("eve@acme.example", "=HYPERLINK(\"http://evil.example\",\"x\")", Role::Admin);
        let sales = team(&acme, "Sales, \"north\"");
        acme.run(&format!("INSERT INTO team_members (team_id, member_id, source, since) VALUES ('{sales}', '{evil}', 'hand', 0)"));
        let mut olive = acme.owner().await;
        olive.get(&acme.to("/members")).await.click("Download as CSV").await;
        assert_eq!(olive.header("content-disposition"), Some("attachment; filename=\"members.csv\""));
        assert_eq!(olive.header("content-type"), Some("text/csv; charset=utf-8; header=present"));
        let lines: std::collections::BTreeSet<&str> = olive.body().lines().collect();
        assert_eq!((olive.body().lines().count(), lines.len()), (1_206, 1_206));
        assert!(olive.body().starts_with("\"email\",\"name\",\"username\",\"role\""), "{}", &olive.body()[..80]);
        let eve = lines.iter().find(|line| line.contains("eve@")).unwrap();
        assert!(eve.contains("\"'=HYPERLINK(\"\"http://evil.example\"\",\"\"x\"\")\""), "{eve}");
        assert!(eve.contains("\"Sales, \"\"north\"\"\""), "{eve}");
        olive.get(&acme.to("/members.csv?role=admin")).await;
        assert_eq!(olive.body().lines().count(), 2);
        for path in ["/denied.csv", "/sign-ins.csv"] {
            olive.get(&acme.to(path)).await;
            assert!(olive.status() == 200 && olive.body().starts_with('"'), "{path}");
        }
    }

    /// By the same rules as one by one: the last owner stays, an admin touches no owner, nobody acts on themself.
    /// ADM-005.
    async fn many_are_acted_on_by_the_rules_of_one(db: Database) {
        let acme = Acme::alone(db);
        let ada = acme.join("ada@acme.example", "Ada Admin", Role::Admin);
        for name in ["bob", "cy", "dot"] {
            acme.join(&format!("{name}@acme.example"), name, Role::Member);
        }
        let sales = team(&acme, "Sales");
        let mut abe = acme.signed_in("ada@acme.example").await;
        let mut bob = acme.signed_in("bob@acme.example").await;
        abe.get(&acme.to("/members/bulk?deed=deactivate&whom=all")).await.sees("Deactivate 3 members?");
        abe.sees("Not among them: 1").sees("Only an owner may change an owner");
        let mut late = abe.new_tab();
        abe.submit("Deactivate 3 members", &[]).await.sees("3 members are deactivated.");
        assert_eq!((states(&acme, "deactivated"), acme.count("audit_events WHERE action = 'member.deactivated'")), (3, 3));
        bob.get(&acme.to("")).await;
        assert_eq!(bob.path(), "/sign-in");
        late.submit("Deactivate 3 members", &[]).await.sees("changed meanwhile").sees("Nobody is left");
        assert_eq!(late.status(), 409);

        acme.seats(Some(4));
        let mut olive = acme.owner().await;
        olive.get(&acme.to("/members/bulk?deed=reactivate&whom=all&state=deactivated")).await;
        olive.sees("Reactivate 2 members?").sees("Every seat is taken");
        olive.submit("Reactivate 2 members", &[]).await.sees("2 members are active again.");
        assert_eq!((states(&acme, "active"), states(&acme, "deactivated")), (4, 1));

        olive.get(&acme.to("/members/bulk?deed=join&whom=all&role=member")).await.sees("Put into which team?");
        olive.submit("See what happens…", &[("to_team", &sales)]).await.sees("Put 3 members into Sales?");
        olive.submit("Put 3 members into Sales", &[]).await.sees("3 members are in Sales now.");
        assert_eq!(acme.count("teams WHERE people = 3"), 1);
        olive.get(&acme.to(&format!("/members/bulk?deed=leave&whom=all&to_team={sales}"))).await;
        olive.submit("Take 3 members out of Sales", &[]).await;
        assert_eq!(acme.count("teams WHERE people = 0"), 1);

        olive.get(&acme.to("/members")).await;
        olive.submit("Do it to the ticked…", &[("id", &ada), ("deed", "role")]).await.sees("Give which role?");
        olive.submit("See what happens…", &[("to_role", "owner")]).await.sees("Give 1 member the role owner?");
        olive.submit("Give 1 member the role owner", &[]).await.sees("1 member is owner now.");
        // Whoever acts on some of a filtered list comes back to that list.
        olive.get(&acme.to("/members?q=ada")).await;
        olive.submit("Do it to the ticked…", &[("id", &ada)]).await.sees("Choose first");
        olive.submit("Do it to the ticked…", &[("id", &ada), ("deed", "deactivate")]).await;
        olive.click("Leave them as they are").await.sees("1 of 5 members");
        olive.submit("Do it to all that match…", &[("deed", "deactivate")]).await;
        olive.submit("Deactivate 1 member", &[]).await.sees("1 member is deactivated.");
        assert_eq!(olive.url().query(), Some("q=ada"));
        olive.submit("Do it to the ticked…", &[("id", &ada), ("deed", "reactivate")]).await;
        olive.submit("Reactivate 1 member", &[]).await.sees("1 member is active again.");
        olive.get(&acme.to("/members/bulk?deed=remove&whom=all")).await.sees("Remove 4 members?");
        olive.submit("Remove 4 members", &[]).await.sees("4 members are removed.");
        assert_eq!((states(&acme, "active"), states(&acme, "removed")), (1, 4));
        olive.get(&acme.to("/members/bulk?deed=remove&whom=all")).await.sees("Nobody is left to do this to");
        for (path, sentence) in [("?deed=explode&whom=all", "Choose first"), ("?deed=remove", "Tick at least one")] {
            olive.get(&acme.to(&format!("/members/bulk{path}"))).await.sees(sentence);
        }
        counts_agree(&acme);
    }

    /// Nobody is said to be taken out of a team who was not in it, or whom a group holds there; and they do not come back
    /// where all are meant.
    async fn only_who_is_moved_is_said_to_be_moved(db: Database) {
        let acme = Acme::alone(db);
        crowd(&acme, 520);
        let sales = team(&acme, "Sales");
        let put = |source: &str, who: &str| {
            acme.run(&format!("INSERT INTO team_members (team_id, member_id, source, since) SELECT '{sales}', id, '{source}', 0 FROM members WHERE joined_at {who}"));
        };
        put("mapping", "BETWEEN 1 AND 510");
        put("hand", "BETWEEN 510 AND 512");
        let mut olive = acme.owner().await;
        let of = |deed: &str, ids: &[&str]| {
            acme.to(&format!("/members/bulk?deed={deed}&to_team={sales}&id={}", ids.join("&id=")))
        };
        olive.get(&of("join", &["m00000", "m00512"])).await.sees("Put 1 member into Sales?").sees("Is in the team already.");
        olive.get(&of("leave", &["m00000", "m00001"])).await.sees("Nobody is left to do this to");
        olive.sees("Is not in the team.").sees("by a group or a directory alone");
        olive.get(&acme.to(&format!("/members/bulk?deed=leave&whom=all&to_team={sales}"))).await.sees("Take 3 members out of Sales?");
        olive.submit("Take 3 members out of Sales", &[]).await.sees("3 members are taken out of Sales. Of these, 1 is still in it");
        assert_eq!(acme.count(&format!("teams WHERE id = '{sales}' AND people = 510")), 1);
        assert_eq!(acme.count("audit_events WHERE action = 'team.member_taken_out'"), 3);
        olive.get(&acme.to(&format!("/members/bulk?deed=leave&whom=all&to_team={sales}"))).await.sees("Nobody is left to do this to");
    }

    /// More than are acted on at once follow one another, so that nobody waits long.
    /// RES-011.
    async fn very_many_are_acted_on_in_turns(db: Database) {
        let acme = Acme::alone(db);
        crowd(&acme, 620);
        let mut olive = acme.owner().await;
        olive.get(&acme.to("/members/bulk?deed=deactivate&whom=all&role=member")).await.sees("Deactivate 500 members?");
        olive.sees("These are the first 500 by name");
        olive.submit("Deactivate 500 members", &[]).await.sees("500 members are deactivated. These are the next ones.");
        olive.sees("Deactivate 120 members?");
        olive.submit("Deactivate 120 members", &[]).await.sees("120 members are deactivated.");
        assert_eq!((states(&acme, "active"), states(&acme, "deactivated")), (1, 620));
        counts_agree(&acme);
    }
}
