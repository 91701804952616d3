//! Inviting many people at once: tables with mistakes, files, the quotas of a day, and acts on all that match.

use reqwest::Method;
use vestibule::access::Role;
use vestibule::audit::Actor;
use vestibule::invitations;
use vestibule::members;
use vestibule::store::time::DAY;
use vestibule::teams;

use crate::support::{Acme, Browser, Caller};

/// A table with one of each mistake, as a spreadsheet of another country writes it.
const TABLE: &str = "\u{feff}Name;Email;Role;Teams\r\n\
    Ada;ada@acme.example;admin;Sales, Support\r\n\
    Bob;bob@guest.example;;\r\n\
    \"Carol; the third\";carol@acme.example;Member;sales\r\n\
    Ada again;ADA@acme.example;;\r\n\
    Mia;mia@acme.example;;\r\n\
    Dan;dan@acme.example;;\r\n\
    Ivy;ivy@acme.example;;\r\n\
    ;;;\r\n\
    Nobody;nobody;;\r\n\
    Boss;boss@acme.example;boss;\r\n\
    Moon;moon@acme.example;;Moon crew\r\n\
    Empty;;admin;\r\n";

fn team(acme: &Acme, name: &str) -> String {
    acme.write(|conn, now| teams::actions::create(conn, now, &Actor::operator(), &acme.organization, name))
}

/// Acme with people of each kind.
fn stage(acme: &Acme) {
    acme.join("mia@acme.example", "Mia Member", Role::Member);
    let dan = acme.join("dan@acme.example", "Dan Gone", Role::Member);
    let doer = members::Doer::operator();
    acme.write(|conn, now| members::actions::deactivate(conn, now, &doer, &acme.organization, &dan, 1));
    acme.invite("ivy@acme.example");
    team(acme, "Sales");
    team(acme, "Support");
}

fn pending(acme: &Acme) -> i64 {
    acme.count("invitations WHERE state = 'pending'")
}

fn offers(acme: &Acme) -> Vec<String> {
    acme.rows("invitations", "email_key role state")
}

/// Sends the form of new invitations as a browser sends one with a file.
async fn upload(acme: &Acme, browser: &Browser, file: &[u8]) -> (u16, String) {
    let caller = Caller::at(browser, "Review");
    let field = |name: &str, value: &str| {
        format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").into_bytes()
    };
    let head = b"--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"../people.csv\"\r\n\
                 Content-Type: application/octet-stream\r\n\r\n";
    let body = [
        field("form_token", &caller.token),
        field("addresses", ""),
        field("role", "member"),
        head.to_vec(),
        file.to_vec(),
        b"\r\n--edge--\r\n".to_vec(),
    ];
    let kind = [
        ("content-type", "multipart/form-data; boundary=edge"),
        ("sec-fetch-site", "same-origin"),
    ];
    let answer = caller
        .ask_bytes(Method::POST, &acme.to("/invitations/new"), &kind, body.concat())
        .await;
    (answer.status, crate::support::html::text(&answer.body))
}

both_databases! {
    /// Each line has its place, with its number; what is good is made once, and the same list again makes nobody twice.
    /// INV-021, UPL-003, UPL-004.
    async fn a_table_with_every_mistake_is_sorted(db: Database) {
        let acme = Acme::alone(db);
        stage(&acme);
        let mut olive = acme.owner().await;
        olive.get(&acme.to("/invitations/new")).await;
        olive.submit("Review", &[("addresses", TABLE)]).await;
        olive
            .sees("Will be invited: 3")
            .sees("ada@acme.example Admin, Sales, Support")
            .sees("bob@guest.example Member")
            .sees("carol@acme.example Member, Sales")
            .sees("Twice in the list: 1")
            .sees("Line 5. The same as in line 2.")
            .sees("Already a member: 1")
            .sees("Deactivated: 1")
            .sees("Already invited: 1")
            .sees("Can’t be invited like this: 4")
            .sees("Line 10. An e-mail address has an @")
            .sees("Line 11. “boss” is no role.")
            .sees("Line 12. There is no team “Moon crew”.")
            .sees("Line 13. This line has no address.");
        assert_eq!(pending(&acme), 1);
        olive.submit("Change the list", &[]).await;
        assert!(olive.body().contains("Carol; the third"));
        olive.submit("Review", &[]).await.sees("Will be invited: 3");
        olive.submit("Invite these 3 people", &[]).await.sees("3 people are invited");
        let expected = ["ada@acme.example role=admin", "bob@guest.example role=member", "carol@acme.example role=member"];
        for offer in expected {
            let (email, role) = offer.split_once(' ').unwrap();
            let line = format!("invitations email_key={email} {role} state=pending");
            assert!(offers(&acme).contains(&line), "{line}: {:?}", offers(&acme));
        }
        let ada = "invitation_teams t JOIN invitations i ON i.id = t.invitation_id WHERE i.email_key = 'ada@acme.example'";
        assert_eq!((pending(&acme), acme.count(ada)), (4, 2));
        olive.get(&acme.to("/invitations/new")).await;
        olive.submit("Review", &[("addresses", TABLE)]).await.sees("Nobody will be invited").sees("Already invited: 4");
        assert_eq!(acme.count("audit_events WHERE action = 'invitation.sent'"), 4);
    }

    /// Once, by whoever may, and whoever was to be in them is invited then; asked again, there is nothing left to make.
    async fn teams_that_a_list_names_are_made_from_its_review(db: Database) {
        let acme = Acme::alone(db);
        team(&acme, "Sales");
        let mut olive = acme.owner().await;
        let table = "email,role,teams\nada@acme.example,,Sales; Moon crew\nbob@acme.example,,moon  CREW\ncy@acme.example,,Design\n";
        olive.get(&acme.to("/invitations/new")).await;
        olive.submit("Review", &[("addresses", table)]).await;
        olive.sees("Nobody will be invited").sees("Teams that don’t exist yet: 2").sees("Moon crew").sees("Design");
        assert_eq!(acme.count("teams"), 1);
        let again = Caller::at(&olive, "Make these 2 teams");
        olive.submit("Make these 2 teams", &[]).await;
        olive
            .sees("2 teams are made: Moon crew, Design.")
            .sees("Will be invited: 3")
            .sees("ada@acme.example Member, Sales, Moon crew")
            .does_not_see("Teams that don’t exist yet");
        assert_eq!(acme.count("teams"), 3);
        assert_eq!(acme.count("audit_events WHERE action = 'team.created'"), 3);
        let form = [("form_token", again.token.as_str()), ("make_teams", "yes"), ("addresses", table), ("role", "member")];
        let answer = again.post(&acme.to("/invitations/new"), &form).await;
        assert_eq!((answer.status, acme.count("teams")), (200, 3));
        olive.submit("Invite these 3 people", &[]).await.sees("3 people are invited");
        assert_eq!(acme.count("invitation_teams"), 4);
    }

    /// A file in any of the encodings that spreadsheets write; what can't be told apart is refused with the line.
    /// UPL-001, UPL-002.
    async fn a_file_is_read_whatever_wrote_it(db: Database) {
        let acme = Acme::alone(db);
        stage(&acme);
        let mut olive = acme.owner().await;
        olive.get(&acme.to("/invitations/template.csv")).await;
        assert_eq!(olive.header("content-type"), Some("text/csv; charset=utf-8"));
        assert!(olive.header("content-disposition").unwrap().starts_with("attachment"));
        assert!(olive.body().starts_with("email,role,teams\r\n"));
        olive.get(&acme.to("/invitations/new")).await;
        let wide: Vec<u8> = TABLE.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let latin = b"email,name\r\nzoe@acme.example,Zo\xeb\r\n".to_vec();
        for (file, says) in [
            (TABLE.as_bytes().to_vec(), "Will be invited: 3"),
            (wide, "Will be invited: 3"),
            (latin, "Will be invited: 1"),
        ] {
            let (status, text) = upload(&acme, &olive, &file).await;
            assert!(status == 200 && text.contains(says), "{status} {text}");
        }
        for (file, says) in [
            (&b"email,name\na@a.example,\"A\nb@a.example,B\n"[..], "opened in line 2 and never closed"),
            (b"", "Type at least one e-mail address"),
        ] {
            let (status, text) = upload(&acme, &olive, file).await;
            assert!(status == 422 && text.contains(says), "{status} {text}");
        }
        let (status, text) = upload(&acme, &olive, &vec![b'a'; 1024 * 1024]).await;
        assert!([400, 413].contains(&status), "{status} {text}");
        assert_eq!(pending(&acme), 1);
    }

    /// A thousand people take few statements, however many they are.
    /// INV-012.
    async fn a_thousand_are_invited_in_few_statements(db: Database) {
        let acme = Acme::alone(db);
        team(&acme, "Sales");
        let table = |letter: char| {
            let lines = (0..1_000).map(|n| format!("{letter}{n}@acme.example,member,Sales\n"));
            lines.collect::<String>()
        };
        let mut olive = acme.owner().await;
        let store = &acme.installation.site.store;
        for (letter, button) in [('a', "Invite these 1000 people"), ('b', "Invite these 1000 people")] {
            olive.get(&acme.to("/invitations/new")).await;
            let list = format!("email,role,teams\n{}", table(letter));
            olive.submit("Review", &[("addresses", &list)]).await.sees("Will be invited: 1000");
            store.statements().watch();
            olive.submit(button, &[]).await.sees("1000 people are invited");
            let seen = store.statements().telling();
            println!("1,000 invitations: {} statements", seen.len());
            let begins: Vec<&str> = seen.iter().map(|text| text.get(..80).unwrap_or(text)).collect();
            assert!(seen.len() <= 40, "{}: {begins:#?}", seen.len());
        }
        assert_eq!((pending(&acme), acme.count("invitation_teams")), (2_000, 2_000));
    }

    /// An organization makes so many links a day, an address gets so many; the next day counts anew.
    /// INV-012, EML-009.
    async fn a_day_has_its_quotas(db: Database) {
        let acme = Acme::alone(db);
        let mut olive = acme.owner().await;
        let invite = async |olive: &mut Browser| {
            olive.get(&acme.to("/invitations/new?email=ada%40acme.example")).await;
            olive.submit("Review", &[]).await;
        };
        let id = || acme.rows("invitations", "id")[0].split("id=").nth(1).unwrap().to_owned();
        invite(&mut olive).await;
        olive.submit("Invite this person", &[]).await.sees("1 person is invited");
        for _ in 0..2 {
            olive.get(&acme.to(&format!("/invitations/{}/resend", id()))).await;
            olive.submit("Make a fresh link", &[]).await.sees("A fresh link is made");
        }
        olive.get(&acme.to(&format!("/invitations/{}/revoke", id()))).await;
        let mut late = olive.new_tab();
        olive.submit("Revoke the invitation", &[]).await.sees("is revoked");
        invite(&mut olive).await;
        olive.sees("Written to often enough today: 1").sees("Nobody will be invited");
        late.get(&acme.to(&format!("/invitations/{}/resend", id()))).await.sees("It got 3 links today");
        let fields = olive.fields("Change the list");
        let token = &fields.iter().find(|(name, _)| name == "form_token").unwrap().1;
        late.post(&acme.to(&format!("/invitations/{}/resend", id())), &[("form_token", token), ("version", "4")]).await;
        assert_eq!(late.status(), 429);
        late.sees("at most 3 a day");

        acme.run("UPDATE invitations SET links = 4999");
        olive.get(&acme.to("/invitations/new")).await;
        olive.submit("Review", &[("addresses", "b@acme.example c@acme.example")]).await;
        olive.sees("more than today allows").sees("has sent 4999 today and can send 1 more");
        assert!(!olive.body().contains("/invitations/send"));
        let form = [("form_token", token.as_str()), ("list", "b@acme.example c@acme.example"), ("role", "member")];
        olive.post(&acme.to("/invitations/send"), &form).await.sees("Nobody was invited");
        assert_eq!((olive.status(), pending(&acme)), (429, 0));
        acme.installation.site.clock.advance(DAY);
        let mut olive = acme.owner().await;
        invite(&mut olive).await;
        olive.submit("Invite this person", &[]).await.sees("1 person is invited");
        assert_eq!(acme.count("invitations WHERE links = 1"), 1);
    }

    /// What is done to all that match is done to those whom the page showed, and to nobody else.
    async fn all_that_match_are_acted_on(db: Database) {
        let acme = Acme::alone(db);
        for name in ["a", "b", "c"] {
            acme.invite(&format!("{name}@acme.example"));
        }
        acme.invite("z@guest.example");
        let mut olive = acme.owner().await;
        olive.get(&acme.to("/invitations?state=pending")).await;
        olive.click("Revoke all that match…").await.sees("Revoke 4 invitations?");
        acme.invite("d@acme.example");
        olive.submit("Revoke 4 invitations", &[]).await.sees("Other invitations match by now");
        assert_eq!((olive.status(), pending(&acme)), (409, 5));
        olive.get(&acme.to("/invitations/revoke?all=yes&q=z%40")).await.sees("Revoke 1 invitation?");
        olive.submit("Revoke 1 invitation", &[]).await.sees("is revoked");
        assert_eq!(pending(&acme), 4);
        // What was taken back stays so, unless somebody asks for just that.
        olive.get(&acme.to("/invitations/resend?all=yes")).await.sees("Make 4 links fresh?").sees("What was revoked or declined stays so");
        olive.does_not_see("z@guest.example");
        olive.get(&acme.to("/invitations?state=revoked")).await;
        olive.click("Fresh links for all that match…").await.sees("Make 1 link fresh?");
        olive.submit("Make 1 fresh link", &[]).await.sees("A fresh link is made");
        assert_eq!(pending(&acme), 5);
        // Whoever acts on some of a filtered list comes back to that list.
        let z = &acme.lines("SELECT id AS line FROM invitations WHERE email_key = 'z@guest.example'")[0];
        olive.get(&acme.to("/invitations?q=z%40&state=pending")).await;
        olive.submit("Revoke the ticked…", &[]).await.sees("Tick at least one invitation").sees("1 of 1 pending invitation");
        olive.submit("Revoke the ticked…", &[("id", z)]).await.sees("Revoke 1 invitation?");
        olive.submit("Revoke 1 invitation", &[]).await.sees("The invitation is revoked");
        assert!(olive.url().as_str().ends_with("/invitations?q=z%40&state=pending"), "{}", olive.url());
        assert_eq!(pending(&acme), 4);
        // Of several for one address one is sent again, and members get none.
        acme.join("a@acme.example", "Ada", Role::Member);
        olive.get(&acme.to("/invitations/resend?all=yes")).await.sees("Make 3 links fresh?").sees("Not among them: 1");
    }

    /// Whoever said no while an administrator looked at a page of ticked invitations is not asked again by its button.
    /// ADM-014.
    async fn what_was_ticked_is_acted_on_as_it_was_shown(db: Database) {
        let acme = Acme::alone(db);
        for name in ["a", "b"] {
            acme.invite(&format!("{name}@acme.example"));
        }
        let ids = acme.lines("SELECT id AS line FROM invitations ORDER BY email_key");
        let decline = |id: &str| {
            acme.write(|conn, now| Ok(invitations::actions::decline(conn, now, &Actor::operator(), id)?))
        };
        let mut olive = acme.owner().await;
        let ticked = |act: &str| acme.to(&format!("/invitations/{act}?id={}&id={}", ids[0], ids[1]));
        olive.get(&ticked("resend")).await.sees("Make 2 links fresh?");
        let mut revoking = olive.new_tab();
        revoking.get(&ticked("revoke")).await.sees("Revoke 2 invitations?");
        assert!(decline(&ids[0]));
        olive.submit("Make 2 fresh links", &[]).await.sees("was changed meanwhile");
        revoking.submit("Revoke 2 invitations", &[]).await.sees("was changed meanwhile");
        assert_eq!((olive.status(), revoking.status(), pending(&acme)), (409, 409, 1));
        olive.get(&ticked("resend")).await.sees("Declined");
        olive.submit("Make 2 fresh links", &[]).await.sees("2 fresh links are made");
        assert_eq!(pending(&acme), 2);
    }

    /// The list as a file: what the filter leaves, in the order of the page, and nothing that a spreadsheet runs.
    /// UPL-005, UPL-006.
    async fn the_list_is_a_file(db: Database) {
        let acme = Acme::alone(db);
        team(&acme, "=Sales");
        let mut olive = acme.owner().await;
        let many: Vec<String> = (0..1_000).map(|n| format!("p{n}@acme.example,admin,=Sales")).collect();
        olive.get(&acme.to("/invitations/new")).await;
        olive.submit("Review", &[("addresses", &format!("email,role,teams\n{}\n", many.join("\n")))]).await;
        olive.submit("Invite these 1000 people", &[]).await.sees("1000 people are invited");
        acme.run("UPDATE invitations SET created_at = 1700000000000 + CAST(LENGTH(email) AS BIGINT)");
        acme.run("UPDATE invitations SET state = 'revoked', settled_at = 1700000000000 WHERE email_key LIKE 'p99%'");
        olive.get(&acme.to("/invitations")).await.click("Download as CSV").await;
        assert_eq!(olive.header("content-disposition"), Some("attachment; filename=\"invitations.csv\""));
        let lines: std::collections::BTreeSet<&str> = olive.body().lines().skip(1).collect();
        assert_eq!((olive.body().lines().count(), lines.len()), (1_001, 1_000));
        let begins = "\"p7@acme.example\",\"admin\",\"'=Sales\",\"pending\",\"2023-11-14T22:13:20Z\",\"Olive Owner\",";
        assert!(lines.iter().any(|line| line.starts_with(begins)), "{:?}", lines.first());
        olive.get(&acme.to("/invitations?q=p9&state=revoked")).await.click("Download as CSV").await;
        assert_eq!(olive.body().lines().count(), 12);
        assert!(olive.body().lines().skip(1).all(|line| line.contains("\"revoked\"")), "{}", olive.body());
    }
}
