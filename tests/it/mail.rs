//! Mail: the outbox and its worker, against a mail server of somebody else's.

use std::time::Duration;

use diesel::{QueryDsl as _, RunQueryDsl as _};
use serde_json::json;
use vestibule::access::EmailAddress;
use vestibule::config::SmtpTls;
use vestibule::mail::{self, Kind, Letter, Post, State};
use vestibule::store::id;
use vestibule::store::schema::letters;
use vestibule::store::time::{DAY, HOUR, MINUTE};
use vestibule::web::Problem;

use crate::support::acme::OWNER;
use crate::support::peer::{MailServer, SENDER};
use crate::support::{Acme, Browser, Installation};

fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

/// A letter about the thing `id`, with a link that holds `token`.
fn letter(to: &str, id: &str, token: &str) -> Letter {
    Letter::new(Kind::Security, &address(to), "Something was changed")
        .about("thing", id)
        .say("Look at it.")
        .act("Look", &format!("/thing/{token}"))
        .because("You get this because you own the thing.")
}

fn queue(installation: &Installation, letter: &Letter) -> Option<String> {
    let (site, now) = (&installation.site, installation.site.now());
    let post = Post::of(site);
    site.store
        .write(|conn| mail::actions::queue(conn, now, &post, letter))
        .unwrap()
}

/// State, reason, attempts and when it is tried next.
fn row(installation: &Installation, id: &str) -> (String, String, i64, i64) {
    let columns = (
        letters::state,
        letters::reason,
        letters::attempts,
        letters::due_at,
    );
    let question = letters::table.find(id).select(columns);
    installation.site.store.read(|conn| question.first(conn)).unwrap()
}

fn body(installation: &Installation, id: &str) -> String {
    let question = letters::table.find(id).select(letters::body_sealed);
    installation.site.store.read(|conn| question.first(conn)).unwrap()
}

fn start(db: crate::support::Database, server: &MailServer) -> Installation {
    Installation::start_with(db, |config| server.configure(config))
}

async fn deliver(installation: &Installation) -> (usize, usize) {
    let round = installation.mail.deliver().await.unwrap();
    (round.sent, round.failed)
}

both_databases! {
    /// Both parts, one recipient, our link, and nothing of it left in the database.
    /// EML-004, EML-005.
    async fn a_letter_arrives_and_its_text_is_forgotten(db: Database) {
        let mut server = MailServer::start();
        let installation = start(db, &server);
        let token = id::new_token();
        let id = queue(&installation, &letter("ada@acme.example", "1", &token)).unwrap();
        assert!(!body(&installation, &id).contains(&token));
        assert_eq!(row(&installation, &id).0, "waiting");

        assert_eq!(deliver(&installation).await, (1, 0));
        let arrived = server.letters(1).remove(0);
        assert_eq!(arrived.get("subject"), "Something was changed");
        assert_eq!((arrived.get("to"), arrived.get("from")), ("ada@acme.example", SENDER));
        assert_eq!(arrived.0["envelope_to"], json!(["ada@acme.example"]));
        assert_eq!(arrived.get("id"), format!("<{id}@vestibule.example>"));
        let link = installation.to(&format!("/thing/{token}"));
        assert!(arrived.get("text").contains(&link) && arrived.get("html").contains(&link));
        assert!(arrived.0["longest"].as_i64().unwrap() <= 998 && arrived.0["bare"] == false);
        assert!(!arrived.get("raw").contains("http-equiv") && !arrived.get("html").contains("<img"));
        for (name, value) in arrived.0["headers"].as_array().unwrap().iter().map(|pair| (&pair[0], &pair[1])) {
            assert!(!value.as_str().unwrap().contains(&token), "{name}");
        }
        assert_eq!(row(&installation, &id).0, "sent");
        assert_eq!(body(&installation, &id), "");
        assert_eq!(deliver(&installation).await, (0, 0));
        assert_eq!(server.letters(1).len(), 1);
    }

    /// What is rolled back was never written.
    /// INV-017.
    async fn a_letter_shares_the_fate_of_its_transaction(db: Database) {
        let mut server = MailServer::start();
        let installation = start(db, &server);
        let (site, now) = (&installation.site, installation.site.now());
        let post = Post::of(site);
        let refused = site.store.write(|conn| -> Result<(), Problem> {
            mail::actions::queue(conn, now, &post, &letter("ada@acme.example", "1", "t"))?;
            Err(Problem::Conflict("No.".into()))
        });
        assert!(refused.is_err());
        assert_eq!(deliver(&installation).await, (0, 0));
        assert!(server.letters(0).is_empty());
    }

    /// Without a mail server in the settings nothing is written down.
    /// INV-017.
    async fn without_a_mail_server_there_are_no_letters(db: Database) {
        let installation = Installation::start(db);
        assert!(!Post::of(&installation.site).is_configured());
        assert_eq!(queue(&installation, &letter("ada@acme.example", "1", "t")), None);
        assert_eq!(deliver(&installation).await, (0, 0));
    }

    /// 4xx: again after a minute, then twice as long each time, with the reason and the same Message-ID.
    /// EML-007.
    async fn a_letter_that_is_put_off_is_tried_again(db: Database) {
        let mut server = MailServer::start();
        let installation = start(db, &server);
        server.faults(&json!({ "ada@acme.example": "451 4.7.1 Greylisted, come back", "bob@acme.example": "data 452 4.2.2 Mailbox full" }));
        let ada = queue(&installation, &letter("ada@acme.example", "1", "t")).unwrap();
        let bob = queue(&installation, &letter("bob@acme.example", "2", "t")).unwrap();
        let mut began = installation.site.now();
        for attempt in 1..=3 {
            assert_eq!(deliver(&installation).await, (0, 2));
            let (state, reason, attempts, due) = row(&installation, &ada);
            assert_eq!((state.as_str(), attempts), ("retrying", attempt));
            assert!(reason.contains("451") && reason.contains("Greylisted"), "{reason}");
            assert!(row(&installation, &bob).1.contains("Mailbox full"));
            let pause = MINUTE << (attempt - 1);
            assert!((pause * 4 / 5..=pause * 6 / 5).contains(&(due - began)), "{attempt}: {}", due - began);
            assert_eq!(deliver(&installation).await, (0, 0));
            installation.site.clock.advance(pause * 6 / 5);
            began = installation.site.now();
        }
        server.faults(&json!({}));
        assert_eq!(deliver(&installation).await, (2, 0));
        let arrived = server.letters(2);
        assert_eq!(arrived.len(), 2);
        assert!(arrived.iter().any(|letter| letter.get("id") == format!("<{ada}@vestibule.example>")));
        assert_eq!(row(&installation, &ada), ("sent".into(), String::new(), 4, row(&installation, &ada).3));
    }

    /// 5xx: given up at once, with what the server said.
    /// EML-007, INV-018.
    async fn a_letter_that_is_refused_for_good_is_given_up(db: Database) {
        let mut server = MailServer::start();
        let installation = start(db, &server);
        server.faults(&json!({ "ada@acme.example": "550 5.1.1 No such user here" }));
        let ada = queue(&installation, &letter("ada@acme.example", "1", "t")).unwrap();
        let bob = queue(&installation, &letter("bob@acme.example", "2", "t")).unwrap();
        assert_eq!(deliver(&installation).await, (1, 1));
        let (state, reason, ..) = row(&installation, &ada);
        assert_eq!(state, "dead");
        assert!(reason.contains("550") && reason.contains("No such user here"), "{reason}");
        assert_eq!(row(&installation, &bob).0, "sent");
        installation.site.clock.advance(DAY);
        assert_eq!(deliver(&installation).await, (0, 0));
    }

    /// A server that is gone, or turns everybody away, is no letter's fault: nothing is given up.
    /// EML-007, FLT-011, INV-017.
    async fn a_mail_server_that_is_down_costs_no_letter(db: Database) {
        let mut server = MailServer::start();
        let installation = start(db, &server);
        server.faults(&json!({ "*": "greet 554 5.7.1 Go away" }));
        let ids: Vec<String> = (0..6)
            .map(|n| queue(&installation, &letter(&format!("p{n}@acme.example"), &n.to_string(), "t")).unwrap())
            .collect();
        let round = installation.mail.deliver().await.unwrap();
        assert!(round.is_server_at_fault && round.sent == 0);
        // It stopped after the first few, and has not hammered at the door with all.
        assert_eq!(row(&installation, &ids[5]).0, "waiting");
        assert!(row(&installation, &ids[0]).1.contains("could not be used"), "{:?}", row(&installation, &ids[0]));
        server.faults(&json!({}));
        installation.site.clock.advance(2 * HOUR);
        assert_eq!(deliver(&installation).await, (6, 0));
        assert_eq!(server.letters(6).len(), 6);
    }

    /// After three days it is given up, with the reason.
    async fn a_letter_is_tried_for_three_days(db: Database) {
        let mut server = MailServer::start();
        let installation = start(db, &server);
        server.faults(&json!({ "*": "451 Later" }));
        let id = queue(&installation, &letter("ada@acme.example", "1", "t")).unwrap();
        let mut tries = 0;
        while row(&installation, &id).0 != "dead" {
            deliver(&installation).await;
            tries += 1;
            assert!(tries < 60, "it never ends");
            installation.site.clock.advance(4 * HOUR);
        }
        assert!((18..24).contains(&tries), "{tries}");
        let (_, reason, ..) = row(&installation, &id);
        assert!(reason.contains("451 Later") && reason.contains("long enough"), "{reason}");
    }

    /// A link that is dead is not sent, and its text is forgotten.
    async fn a_letter_that_is_of_no_use_is_not_sent(db: Database) {
        let mut server = MailServer::start();
        let installation = start(db, &server);
        let end = installation.site.now() + 15 * MINUTE;
        let id = queue(&installation, &letter("ada@acme.example", "1", "t").useful_until(end)).unwrap();
        installation.site.clock.advance(HOUR);
        assert_eq!(deliver(&installation).await, (0, 1));
        assert_eq!(row(&installation, &id).0, "dead");
        assert_eq!(body(&installation, &id), "");
        assert!(server.letters(0).is_empty());
    }

    /// The server takes it and dies before it says so: a second copy with the same id and link, and no third.
    /// EML-008.
    async fn a_letter_whose_yes_was_lost_is_sent_once_more(db: Database) {
        let mut server = MailServer::start();
        let installation = start(db, &server);
        server.faults(&json!({ "*": "hang up" }));
        let id = queue(&installation, &letter("ada@acme.example", "1", "token")).unwrap();
        assert_eq!(deliver(&installation).await, (0, 1));
        server.faults(&json!({}));
        installation.site.clock.advance(HOUR);
        assert_eq!(deliver(&installation).await, (1, 0));
        installation.site.clock.advance(DAY);
        assert_eq!(deliver(&installation).await, (0, 0));
        let arrived = server.letters(2);
        assert_eq!(arrived.len(), 2);
        assert_eq!(arrived[0].get("id"), format!("<{id}@vestibule.example>"));
        assert_eq!(arrived[0].get("id"), arrived[1].get("id"));
        assert_eq!(arrived[0].link("/thing/"), arrived[1].link("/thing/"));
    }

    /// Our own process dies with letters in hand: they are free again after their lease, and not before.
    /// EML-008, FLT-021.
    async fn what_a_dead_process_had_in_hand_is_sent_by_another(db: Database) {
        let mut server = MailServer::start();
        let installation = start(db, &server);
        server.faults(&json!({ "*": "slow" }));
        queue(&installation, &letter("ada@acme.example", "1", "t")).unwrap();
        let worker = installation.mail.clone();
        let under_way = actix_web::rt::spawn(async move { worker.deliver().await });
        // Both run in this thread.
        let mut server = actix_web::web::block(move || {
            server.holds(1);
            server
        })
        .await
        .unwrap();
        under_way.abort();
        // Its conversation may still end well; whoever claimed it does not write it down any more.
        let another = installation.another();
        assert_eq!(deliver(&another).await, (0, 0));
        server.faults(&json!({}));
        installation.site.clock.advance(6 * MINUTE);
        assert_eq!(deliver(&another).await, (1, 0));
        drop(another);
    }

    /// Two servers at once: each letter once.
    /// EML-007, EML-008.
    async fn of_two_servers_one_sends_a_letter(db: Database) {
        let mut server = MailServer::start();
        let installation = start(db, &server);
        let another = installation.another();
        for n in 0..40 {
            queue(&installation, &letter(&format!("p{n}@acme.example"), &n.to_string(), "t")).unwrap();
        }
        let (one, other) = tokio::join!(installation.mail.deliver(), another.mail.deliver());
        let (one, other) = (one.unwrap(), other.unwrap());
        assert_eq!((one.sent + other.sent, one.failed + other.failed), (40, 0));
        let arrived = server.letters(40);
        let ids: std::collections::BTreeSet<&str> = arrived.iter().map(|letter| letter.get("id")).collect();
        assert_eq!((arrived.len(), ids.len()), (40, 40));
        drop(another);
    }

    /// A flood of one organization does not hold up the letter of another.
    /// EML-009.
    async fn organizations_take_turns(db: Database) {
        let mut server = MailServer::start();
        let acme = Acme::start_in(start(db, &server), "http://127.0.0.1:9", "vestibule", "secret");
        let flood: Vec<Letter> = (0..30)
            .map(|n| letter(&format!("p{n}@acme.example"), &n.to_string(), "t").of(&acme.organization, "Acme"))
            .collect();
        let post = Post::of(&acme.installation.site);
        assert_eq!(acme.write(|conn, now| Ok(mail::actions::queue_many(conn, now, &post, &flood)?)), 30);
        queue(&acme.installation, &letter("zoe@other.example", "z", "t")).unwrap();
        assert_eq!(deliver(&acme.installation).await, (31, 0));
        let arrived = server.letters(31);
        let place = arrived.iter().position(|letter| letter.get("to") == "zoe@other.example").unwrap();
        assert!(place < 4, "{place}");
        assert_eq!(arrived.iter().find(|one| one.get("to") == "p1@acme.example").unwrap().get("from"), format!("Acme <{SENDER}>"));
    }

    /// What is told no longer holds: not sent, and forgotten.
    async fn a_letter_can_be_taken_back(db: Database) {
        let mut server = MailServer::start();
        let acme = Acme::start_in(start(db, &server), "http://127.0.0.1:9", "vestibule", "secret");
        let post = Post::of(&acme.installation.site);
        let id = acme.write(|conn, now| {
            let one = letter("ada@acme.example", "1", "t").of(&acme.organization, "Acme");
            let id = mail::actions::queue(conn, now, &post, &one)?.unwrap();
            assert_eq!(mail::actions::withdraw(conn, now, "thing", &["1", "2"])?, 1);
            Ok(id)
        });
        assert_eq!(deliver(&acme.installation).await, (0, 0));
        assert_eq!(body(&acme.installation, &id), "");
        let mailed = acme.read(|conn| Ok(mail::about(conn, &acme.organization, "thing", "1")?)).unwrap();
        assert_eq!((mailed.id, mailed.state), (id, State::Withdrawn));
        assert!(server.letters(0).is_empty());
    }

    /// Text that would end the conversation, or smuggle a second letter, arrives as text.
    /// EML-004.
    async fn no_text_smuggles_a_letter(db: Database) {
        let mut server = MailServer::start();
        let installation = start(db, &server);
        let evil = "one\n.\nMAIL FROM:<evil@evil.example>\r.\r\nDATA\n\n.\r\n";
        let long = "x".repeat(1_900);
        let letter = Letter::new(Kind::Warning, &address("ada@acme.example"), &format!("Hello\r\nBcc: eve@evil.example\r\n\r\n{evil}"))
            .quote(evil)
            .say(&long)
            .because(evil);
        queue(&installation, &letter).unwrap();
        assert_eq!(deliver(&installation).await, (1, 0));
        let arrived = server.letters(1);
        assert_eq!(arrived.len(), 1);
        assert_eq!(arrived[0].0["envelope_to"], json!(["ada@acme.example"]));
        assert!(arrived[0].get("text").replace("\r\n", "\n").contains("> .\n> MAIL FROM[:]<evil@evil[.]example>"), "{}", arrived[0].get("text"));
        assert!(arrived[0].get("text").contains(&long));
        assert!(arrived[0].0["longest"].as_i64().unwrap() <= 998 && arrived[0].0["bare"] == false);
        let headers: Vec<&str> = arrived[0].0["headers"].as_array().unwrap().iter().map(|pair| pair[0].as_str().unwrap()).collect();
        assert!(!headers.contains(&"Bcc"), "{headers:?}");
    }
}

/// Each way to a server: with the right certificate and password it takes letters, and otherwise nothing is said in
/// the clear.
async fn over(tls: &str, wanted: SmtpTls, db: crate::support::Database) {
    let login = json!({ "user": "door", "password": "s3cret" });
    let mut server = MailServer::start_with(tls, &login);
    let ca = server.ca.clone();
    let installation = Installation::start_with(db, |config| {
        let mut smtp = server.settings();
        (smtp.tls, smtp.ca_file) = (wanted, Some(ca.clone().into()));
        smtp.login = Some(("door".into(), "s3cret".into()));
        config.smtp = Some(smtp);
    });
    queue(&installation, &letter("ada@acme.example", "1", "t")).unwrap();
    assert_eq!(deliver(&installation).await, (1, 0));
    assert_eq!(server.letters(1)[0].0["tls"], true);
    assert_eq!(server.letters(1)[0].0["login"], true);

    let worse = |change: &dyn Fn(&mut vestibule::config::Smtp)| {
        let mut config = vestibule::config::Config::clone(&installation.site.config);
        let mut smtp = config.smtp.clone().unwrap();
        change(&mut smtp);
        config.smtp = Some(smtp);
        let site = vestibule::web::Site::new(
            config,
            installation.site.store.clone(),
            installation.site.clock.clone(),
            installation.site.sealer.clone(),
        );
        mail::Worker::new(site).unwrap()
    };
    let id = queue(&installation, &letter("bob@acme.example", "2", "t")).unwrap();
    let wrong = |smtp: &mut vestibule::config::Smtp| smtp.login = Some(("door".into(), "wr0ng".into()));
    for (worker, reason) in [
        (worse(&|smtp| smtp.ca_file = None), "no safe connection"),
        (worse(&wrong), "535"),
        (worse(&|smtp| smtp.login = None), "530"),
    ] {
        assert!(worker.deliver().await.unwrap().is_server_at_fault, "{reason}");
        let (state, told, ..) = row(&installation, &id);
        assert_eq!(state, "retrying");
        assert!(told.contains(reason), "{told}");
        assert!(!told.contains("s3cret") && !told.contains("wr0ng"), "{told}");
        installation.site.clock.advance(HOUR);
    }
    assert_eq!(server.letters(1).len(), 1);
}

both_databases! {
    /// By `STARTTLS`.
    /// EML-006.
    async fn letters_go_by_starttls(db: Database) {
        over("starttls", SmtpTls::StartTls, db).await;
    }

    /// By TLS from the first byte.
    /// EML-006.
    async fn letters_go_by_tls_from_the_first_byte(db: Database) {
        over("implicit", SmtpTls::Implicit, db).await;
    }

    /// Somebody took `STARTTLS` out of the server's greeting: nothing is sent.
    /// EML-006.
    async fn nothing_is_sent_where_starttls_was_stripped(db: Database) {
        let mut server = MailServer::start();
        let installation = Installation::start_with(db, |config| {
            let mut smtp = server.settings();
            smtp.tls = SmtpTls::StartTls;
            config.smtp = Some(smtp);
        });
        let id = queue(&installation, &letter("ada@acme.example", "1", "t")).unwrap();
        assert!(installation.mail.deliver().await.unwrap().is_server_at_fault);
        assert_eq!(row(&installation, &id).0, "retrying");
        assert!(server.letters(0).is_empty());
    }

    /// The worker of a running server sends by itself, and at the end finishes what it has in hand.
    /// FLT-015.
    async fn the_server_carries_letters_by_itself_and_finishes_what_it_began(db: Database) {
        let mut server = MailServer::start();
        let installation = Installation::start_with(db, |config| {
            let mut smtp = server.settings();
            smtp.pause = Duration::from_millis(20);
            config.smtp = Some(smtp);
        });
        let first = queue(&installation, &letter("ada@acme.example", "1", "t")).unwrap();
        server.letters(1);
        server.faults(&json!({ "*": "slow" }));
        let second = queue(&installation, &letter("bob@acme.example", "2", "t")).unwrap();
        server.holds(1);
        let worker = installation.mail.clone();
        let finishing = actix_web::rt::spawn(async move { worker.finish().await });
        server.go_on();
        finishing.await.unwrap();
        assert_eq!(row(&installation, &first).0, "sent");
        assert_eq!(row(&installation, &second).0, "sent");
        queue(&installation, &letter("eve@acme.example", "3", "t")).unwrap();
        assert_eq!(deliver(&installation).await, (0, 0));
        assert_eq!(server.letters(2).len(), 2);
    }
}

fn acme_with(db: crate::support::Database, server: &MailServer) -> Acme {
    Acme::start_in(start(db, server), "http://127.0.0.1:9", "vestibule", "secret")
}

both_databases! {
    /// From the list of addresses by mail to the membership; no link on any page (the whole way).
    /// EML-005, INV-022.
    async fn an_invitation_goes_by_mail_and_its_link_lets_in(db: Database) {
        let mut server = MailServer::start();
        let acme = acme_with(db, &server);
        acme.guests(true);
        let mut olive = acme.quiet(acme.owner().await);
        olive.get(&acme.to("/invitations/new")).await;
        olive.submit("Review", &[("addresses", "gus@guest.example")]).await;
        olive.submit("Invite this person", &[]).await.sees("On the way by mail").sees("gus@guest.example");
        assert!(!olive.body().contains("/invitation/"), "a link is on the page");
        olive.get(&acme.to("/invitations")).await.sees("Not sent yet");

        assert_eq!(deliver(&acme.installation).await, (1, 0));
        let letter = server.letters(1).remove(0);
        assert_eq!(letter.get("subject"), "Olive Owner invites you to Acme");
        assert_eq!(letter.get("from"), format!("Acme <{SENDER}>"));
        for part in ["text", "html"] {
            for words in ["Olive Owner", "Acme", "gus@guest.example", "Member"] {
                assert!(letter.get(part).contains(words), "{part} lacks {words}");
            }
        }
        olive.get(&acme.to("/invitations")).await.sees("Sent");
        olive.click("gus@guest.example").await.sees("Sent").sees("Send again…");

        let mut gus = Browser::new();
        gus.get(&letter.link("/invitation/")).await.sees("You are invited to Acme");
        gus.click("Accept and set a password").await;
        gus.submit("Accept and set the password", &[("name", "Gus Guest"), ("password", "a guest of the house")]).await;
        olive.get(&acme.to("/members")).await.sees("gus@guest.example");
        olive.get(&acme.to("/invitations")).await.sees("Accepted");
    }

    /// A fresh link takes back the letter with the dead one; by hand there is no letter at all.
    /// INV-013.
    async fn sending_again_sends_the_fresh_link_alone(db: Database) {
        let mut server = MailServer::start();
        let acme = acme_with(db, &server);
        let mut olive = acme.quiet(acme.owner().await);
        olive.get(&acme.to("/invitations/new?email=ada@acme.example")).await.submit("Review", &[]).await;
        olive.submit("Invite this person", &[]).await;
        olive.get(&acme.to("/invitations")).await.click("ada@acme.example").await.click("Send again…").await;
        olive.submit("Send a fresh link", &[]).await.sees("On the way by mail");
        assert_eq!(deliver(&acme.installation).await, (1, 0));
        let letter = server.letters(1).remove(0);
        let mut ada = Browser::new();
        ada.get(&letter.link("/invitation/")).await.sees("You are invited to Acme");

        olive.get(&acme.to("/invitations")).await.click("ada@acme.example").await.click("Send again…").await;
        olive.submit("Send a fresh link", &[("copy", "yes")]).await.sees("Link for ada@acme.example");
        assert_eq!(deliver(&acme.installation).await, (0, 0));
        // An address gets three links a day.
        acme.run("UPDATE invitations SET links = 1");
        olive.get(&acme.to("/invitations")).await.click("ada@acme.example").await.click("Send again…").await;
        olive.submit("Send a fresh link", &[]).await;
        olive.get(&acme.to("/invitations")).await.click("ada@acme.example").await.click("Revoke…").await;
        olive.submit("Revoke the invitation", &[]).await.sees("The invitation is revoked");
        assert_eq!(deliver(&acme.installation).await, (0, 0), "a revoked invitation was mailed");
        assert_eq!(server.letters(1).len(), 1);
    }

    /// Names with links and markup are read, not followed; who invited is stated.
    /// EML-001, EML-003.
    async fn names_are_disarmed(db: Database) {
        let mut server = MailServer::start();
        let acme = acme_with(db, &server);
        let before = acme.now();
        let settings = vestibule::orgs::Settings {
            name: "Visit https://evil.example <b>now</b>".into(),
            ..before.settings.clone()
        };
        acme.write(|conn, now| vestibule::orgs::actions::change(conn, now, &vestibule::audit::Actor::operator(), &before, &settings, before.version));
        acme.join("eve@acme.example", "Eve\u{202e} www.evil.example", vestibule::access::Role::Admin);
        let mut eve = acme.quiet(acme.signed_in("eve@acme.example").await);
        eve.get(&acme.to("/invitations/new?email=ada@acme.example")).await.submit("Review", &[]).await;
        eve.submit("Invite this person", &[]).await.sees("On the way by mail");
        assert_eq!(deliver(&acme.installation).await, (1, 0));
        let letter = server.letters(1).remove(0);
        for part in ["subject", "from", "text", "html"] {
            assert!(!letter.get(part).contains("evil.example"), "{part}: {}", letter.get(part));
            assert!(!letter.get(part).contains("https://evil"), "{part}");
        }
        assert!(!letter.get("html").contains("<b>now"));
        assert!(letter.get("text").contains("Eve www[.]evil[.]example"), "{}", letter.get("text"));
        let ours = acme.installation.to("/");
        let links = letter.get("html").split("href=\"").skip(1);
        assert!(links.map(|link| link.split('"').next().unwrap()).all(|link| link.starts_with(&ours)));
    }

    /// Not sent: beside the invitation, on the page of the mail, on the first page; and tried again.
    /// INV-018.
    async fn what_could_not_be_sent_is_seen_and_tried_again(db: Database) {
        let mut server = MailServer::start();
        let acme = acme_with(db, &server);
        let mut olive = acme.quiet(acme.owner().await);
        olive.get(&acme.to("/mail")).await.sees("Every letter was sent");
        server.faults(&json!({ "ada@acme.example": "550 5.1.1 No such user" }));
        olive.get(&acme.to("/invitations/new?email=ada@acme.example")).await.submit("Review", &[]).await;
        olive.submit("Invite this person", &[]).await;
        assert_eq!(deliver(&acme.installation).await, (0, 1));
        olive.get(&acme.to("/invitations")).await.sees("Could not be sent").sees("No such user");
        olive.get(&acme.to("")).await.sees("1 letter could not be sent");
        olive.click("See the mail").await;
        olive.sees("ada@acme.example").sees("No such user");
        let id = olive.fields("Try the ticked again").into_iter().find(|(name, _)| name == "id");
        olive.submit("Try the ticked again", &[]).await.sees("Tick at least one letter first.");
        assert!(id.is_none(), "a box is ticked by itself");
        let value = olive.get(&acme.to("/mail")).await.body().split("name=\"id\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        server.faults(&json!({}));
        olive.submit("Try the ticked again", &[("id", &value)]).await.sees("The letter is tried again");
        assert_eq!(deliver(&acme.installation).await, (1, 0));
        assert_eq!(server.letters(1)[0].get("to"), "ada@acme.example");
        olive.get(&acme.to("/mail?state=sent")).await.sees("ada@acme.example");
        olive.get(&acme.to("/audit")).await.sees("Sent a letter again");
    }

    /// Who is written to is the owners' to say.
    async fn owners_say_what_is_written_about(db: Database) {
        let server = MailServer::start();
        let acme = acme_with(db, &server);
        acme.join("ada@acme.example", "Ada Admin", vestibule::access::Role::Admin);
        let mut olive = acme.quiet(acme.owner().await);
        let mut second = olive.new_tab();
        second.get(&acme.to("/mail")).await;
        olive.get(&acme.to("/mail")).await.submit("Save", &[("reminder_days", "31")]).await.sees("Write a whole number from 0 to 30");
        assert_eq!(olive.status(), 422);
        olive.submit("Save", &[("reminder_days", "5"), ("requests", "daily")]).await.sees("What is written about is saved.");
        let settings = acme.read(|conn| Ok(mail::settings(conn, &acme.organization)?));
        assert_eq!((settings.requests, settings.digest, settings.reminder_days), (mail::Requests::Daily, true, 5));
        second.submit("Save", &[("reminder_days", "9")]).await.sees("Somebody else changed this meanwhile");
        assert_eq!(second.status(), 409);
        let mut ada = acme.quiet(acme.signed_in("ada@acme.example").await);
        ada.get(&acme.to("/mail")).await.sees("5 days before its end").sees("An owner can change this.").does_not_see("Save");
        olive.get(&acme.to("/audit")).await.sees("Changed who is written to");
    }

    /// The operator tries the server, sees what it said, and no organization's people.
    async fn the_operator_tries_the_mail_server(db: Database) {
        let is_postgres = db.is_postgres();
        let mut server = MailServer::start();
        let acme = acme_with(db, &server);
        acme.operator("otto@run.example");
        let mut otto = acme.quiet(acme.signed_in("otto@run.example").await);
        let page = acme.installation.to("/operator/mail");
        otto.get(&page).await.sees("127.0.0.1").sees("No letter was given up").sees("in the clear");
        otto.submit("Send it", &[("to", "otto@run.example, eve@evil.example")]).await.sees("An e-mail address");
        assert_eq!(otto.status(), 422);
        otto.submit("Send it", &[("to", "otto@run.example")]).await.sees("The mail server took the letter to otto@run.example.");
        assert_eq!(server.letters(1)[0].get("subject"), "A letter to try the mail server");
        server.faults(&json!({ "*": "550 5.7.1 ada@acme.example is not welcome" }));
        otto.submit("Send it", &[("to", "otto@run.example")]).await.sees("was not sent").sees("550");

        queue(&acme.installation, &letter("ada@acme.example", "1", "t").of(&acme.organization, "Acme"));
        assert_eq!(deliver(&acme.installation).await, (0, 1));
        otto.get(&page).await.sees("Acme").sees("Security notice").sees("is not welcome").does_not_see("ada@acme.example");
        server.faults(&json!({ "*": "greet 554 Not now" }));
        otto.submit("Try these again", &[]).await.sees("1 letter is tried again");
        deliver(&acme.installation).await;
        otto.get(&acme.installation.to("/operator")).await.sees("Letters wait.").does_not_see("All is well.");
        server.faults(&json!({}));
        acme.installation.site.clock.advance(HOUR);
        assert_eq!(deliver(&acme.installation).await, (1, 0));
        otto.get(&acme.installation.to("/operator")).await.sees("no fault is known").does_not_see("Letters wait.");
        // This clock is an hour before PostgreSQL's, and that is told.
        otto.sees(if is_postgres { "The clocks disagree." } else { "All is well." });
    }

    /// Without a mail server the pages say so, and offer links as before.
    async fn without_a_mail_server_pages_offer_links(db: Database) {
        let acme = Acme::alone(db);
        acme.operator("otto@run.example");
        let mut olive = acme.quiet(acme.owner().await);
        olive.get(&acme.to("/mail")).await.sees("No letter is sent from here.").sees("There are no letters");
        olive.sees("Ask whoever runs the installation.");
        olive.get(&acme.to("")).await.click("See the mail").await.sees("No letter is sent from here.");
        let mut otto = acme.quiet(acme.signed_in("otto@run.example").await);
        otto.get(&acme.installation.to("/operator/mail")).await.sees("VESTIBULE_SMTP_URL");
        otto.get(&acme.installation.to("/operator")).await.click("Name a mail server").await.sees("start the server again");
        acme.write(|conn, now| {
            let account = vestibule::accounts::find_by_email(conn, &address(OWNER))?.unwrap();
            let actor = vestibule::audit::Actor::operator();
            Ok(vestibule::accounts::actions::set_operator(conn, now, &actor, &account, true)?)
        });
        let mut both = acme.quiet(acme.owner().await);
        both.get(&acme.to("/mail")).await.does_not_see("Ask whoever runs");
        both.click("See how to name one").await;
        assert_eq!((both.status(), both.path()), (200, "/operator/mail"));
        olive.get(&acme.to("/invitations/new?email=ada@acme.example")).await.submit("Review", &[]).await;
        olive.submit("Invite this person", &[]).await.sees("Link for ada@acme.example");
    }

    /// A thousand letters are written in the transaction of a thousand invitations.
    /// EML-009, INV-012.
    async fn a_thousand_letters_are_queued_at_once(db: Database) {
        let server = MailServer::start();
        let acme = acme_with(db, &server);
        let organization = acme.now();
        let people: Vec<vestibule::invitations::New> = (0..1_000)
            .map(|n| vestibule::invitations::New {
                email: address(&format!("p{n}@acme.example")),
                role: vestibule::access::Role::Member,
                teams: vec![],
            })
            .collect();
        let post = Post::of(&acme.installation.site);
        let actor = vestibule::audit::Actor::operator();
        let queued = acme.write(|conn, now| {
            let sent = vestibule::invitations::actions::invite(conn, now, &actor, vestibule::access::Role::Owner, &organization, &people)?;
            let began = std::time::Instant::now();
            let queued = vestibule::invitations::letters::send(conn, now, &post, &organization, &sent)?;
            println!("1,000 letters queued in {} ms", began.elapsed().as_millis());
            Ok(queued)
        });
        assert_eq!(queued, 1_000);
        let waiting = acme.read(|conn| Ok(mail::tally(conn)?));
        assert_eq!(waiting.iter().map(|tally| (tally.state, tally.letters)).collect::<Vec<_>>(), [(State::Waiting, 1_000)]);
    }

    /// What is old is forgotten; what was given up keeps its text for two weeks.
    async fn old_letters_are_forgotten(db: Database) {
        let mut server = MailServer::start();
        let installation = start(db, &server);
        server.faults(&json!({ "bob@acme.example": "550 no" }));
        let sent = queue(&installation, &letter("ada@acme.example", "1", "t")).unwrap();
        let dead = queue(&installation, &letter("bob@acme.example", "2", "t")).unwrap();
        assert_eq!(deliver(&installation).await, (1, 1));
        let sweep = |installation: &Installation| {
            let now = installation.site.now();
            installation.site.store.write(|conn| mail::actions::sweep(conn, now)).unwrap()
        };
        assert_eq!(sweep(&installation), 0);
        assert_ne!(body(&installation, &dead), "");
        installation.site.clock.advance(15 * DAY);
        assert_eq!(sweep(&installation), 1);
        assert_eq!(body(&installation, &dead), "");
        assert_eq!(row(&installation, &sent).0, "sent");
        installation.site.clock.advance(90 * DAY);
        assert_eq!(sweep(&installation), 2);
    }
}
