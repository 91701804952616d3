//! SAML 2.0 against a provider that says what it must not, and against browsers that come back in odd ways.
#![expect(clippy::too_many_lines, reason = "tables of faults, a line for each")]

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use vestibule::saml::SpKey;
use vestibule::store::time::{HOUR, MINUTE, SECOND};

use super::Before;
use crate::support::dump::dump;
use crate::support::html;
use crate::support::saml::message::{self, Message, PERSISTENT, Signed, TRANSIENT, sign};
use crate::support::saml::{Asked, SITE, attribute, connect, id};
use crate::support::{Browser, SamlFront};

/// The ways in which providers sign.
const SIGNED: [Signed; 3] = [Signed::Assertion, Signed::Response, Signed::Both];

/// Something that a provider must not say: its name, and how the message is written that says it.
type Fault = (&'static str, fn(&SamlFront, Message) -> String);

fn says(front: &SamlFront, mut message: Message, change: impl FnOnce(&mut Message)) -> String {
    change(&mut message);
    message.xml(&front.key)
}

/// An assertion that nobody signed, about somebody else.
fn evil(message: &Message) -> String {
    let evil = Message {
        assertion_id: id("_e"),
        name: "evil@acme.example".into(),
        attributes: vec![],
        ..message.clone()
    };
    evil.assertion()
}

/// The signed message, with this put elsewhere.
fn bent(front: &SamlFront, message: &Message, change: impl FnOnce(String) -> String) -> String {
    let honest = message.xml(&front.key);
    let bent = change(honest.clone());
    assert_ne!(bent, honest, "the fault changes nothing");
    bent
}

fn faults() -> Vec<Fault> {
    let mut faults = what_is_not_signed();
    faults.extend(what_is_wrapped());
    faults.extend(what_is_for_others());
    faults.extend(what_is_out_of_time());
    faults.extend(what_is_odd());
    faults
}

fn what_is_not_signed() -> Vec<Fault> {
    vec![
        ("unsigned", |front, m| {
            says(front, m, |m| m.signed = Signed::Nothing)
        }),
        ("tampered name", |front, m| {
            bent(front, &m, |xml| xml.replace("mary@", "evil@"))
        }),
        ("tampered condition", |front, m| {
            bent(front, &m, |xml| {
                xml.replace("<saml:Audience>", "<saml:Audience>x")
            })
        }),
        ("foreign key", |front, m| {
            m.xml(&SpKey::generate("idp.acme.example", front.now()).unwrap())
        }),
        ("empty signature value", |front, m| {
            bent(front, &m, |xml| each_signature_value(&xml, |_| String::new()))
        }),
        ("garbage signature value", |front, m| {
            bent(front, &m, |xml| {
                each_signature_value(&xml, |_| STANDARD.encode([7; 256]))
            })
        }),
        ("signature without its algorithm", |front, m| {
            bent(front, &m, |xml| {
                xml.replace("xmldsig-more#rsa-sha256", "xmldsig-more#hmac-sha256")
            })
        }),
        ("sha-1", |front, m| {
            bent(front, &m, |xml| {
                xml.replace("2001/04/xmldsig-more#rsa-sha256", "2000/09/xmldsig#rsa-sha1")
            })
        }),
        ("reference to nothing", |front, m| {
            bent(front, &m, |xml| xml.replace("URI=\"#", "URI=\"#x"))
        }),
        ("reference to everything", |front, m| {
            bent(front, &m, |xml| {
                each_between(&xml, "URI=\"", "\"", |_| String::new())
            })
        }),
        ("reference to elsewhere", |front, m| {
            bent(front, &m, |xml| {
                each_between(&xml, "URI=\"", "\"", |_| "http://127.0.0.1:1/x".into())
            })
        }),
        ("comment in the digest", |front, m| {
            bent(front, &m, |xml| {
                xml.replace("<ds:DigestValue>", "<ds:DigestValue><!--x-->")
            })
        }),
        ("two signed infos", |front, m| {
            bent(front, &m, |xml| {
                xml.replacen(
                    "</ds:SignedInfo>",
                    "</ds:SignedInfo><ds:SignedInfo></ds:SignedInfo>",
                    1,
                )
            })
        }),
    ]
}

fn what_is_wrapped() -> Vec<Fault> {
    vec![
        ("a second assertion before", |front, m| {
            let evil = evil(&m);
            let at = m
                .response("")
                .find("</samlp:Status>")
                .map(|_| "</samlp:Status>")
                .unwrap();
            bent(front, &m, |xml| xml.replacen(at, &format!("{at}{evil}"), 1))
        }),
        ("a second assertion after", |front, m| {
            let evil = evil(&m);
            bent(front, &m, |xml| {
                xml.replace("</samlp:Response>", &format!("{evil}</samlp:Response>"))
            })
        }),
        ("an assertion in extensions", |front, m| {
            let evil = evil(&m);
            bent(front, &m, |xml| {
                let extensions = format!("<samlp:Extensions>{evil}</samlp:Extensions><samlp:Status>");
                xml.replacen("<samlp:Status>", &extensions, 1)
            })
        }),
        ("the signed assertion inside another", |front, m| {
            wrapped(front, &m, "saml:Advice")
        }),
        (
            "the signed assertion in an object of the signature",
            |front, m| wrapped(front, &m, "ds:Object"),
        ),
        ("two assertions, both signed", |front, m| {
            let other = Message {
                assertion_id: id("_e"),
                name: "evil@acme.example".into(),
                ..m.clone()
            };
            let other = sign(&other.assertion(), &other.assertion_id, &front.key);
            says(front, m, |m| m.around[1] = other)
        }),
        ("one id twice", |front, m| {
            let twice = evil(&m).replacen(&attribute(&evil(&m), "ID"), &m.assertion_id, 1);
            bent(front, &m, |xml| {
                xml.replace("</samlp:Response>", &format!("{twice}</samlp:Response>"))
            })
        }),
        ("a namespaced id", |front, m| {
            bent(front, &m, |xml| {
                xml.replacen(
                    "<samlp:Response ",
                    &format!("<samlp:Response xml:id=\"{}\" ", m.assertion_id),
                    1,
                )
            })
        }),
        ("a response of another message", |front, m| {
            let other = Message {
                id: id("_r"),
                assertion_id: id("_a"),
                ..m.clone()
            }
            .xml(&front.key);
            let stolen = other
                .split_once("<ds:Signature")
                .unwrap()
                .1
                .split_once("</ds:Signature>")
                .unwrap()
                .0;
            let plain = says(front, m, |m| m.signed = Signed::Nothing);
            plain.replacen(
                "</saml:Issuer>",
                &format!("</saml:Issuer><ds:Signature{stolen}</ds:Signature>"),
                1,
            )
        }),
    ]
}

fn what_is_for_others() -> Vec<Fault> {
    vec![
        ("wrong audience", |f, m| {
            says(f, m, |m| m.audiences = vec![vec!["https://other.example".into()]])
        }),
        ("no audience", |f, m| says(f, m, |m| m.audiences = vec![])),
        ("audience prefix", |f, m| {
            says(f, m, |m| m.audiences[0][0].push_str("/x"))
        }),
        ("one audience wrong of two restrictions", |f, m| {
            says(f, m, |m| m.audiences.push(vec!["https://other.example".into()]))
        }),
        ("wrong recipient", |f, m| {
            says(f, m, |m| m.recipient = Some("https://other.example/acs".into()))
        }),
        ("no recipient", |f, m| says(f, m, |m| m.recipient = None)),
        ("wrong destination", |f, m| {
            says(f, m, |m| m.destination = Some("https://other.example/acs".into()))
        }),
        ("wrong issuer", |f, m| {
            says(f, m, |m| m.issuer = "https://other.example".into())
        }),
        ("wrong issuer of the assertion", |f, m| {
            says(f, m, |m| m.assertion_issuer = "https://other.example".into())
        }),
        ("no confirmed request", |f, m| says(f, m, |m| m.confirms = None)),
        ("another confirmed request", |f, m| {
            says(f, m, |m| m.confirms = Some("_other".into()))
        }),
        ("no request", |f, m| says(f, m, |m| m.in_response_to = None)),
        ("an unknown request", |f, m| {
            says(f, m, |m| {
                (m.in_response_to, m.confirms) = (Some("_x".into()), Some("_x".into()));
            })
        }),
        ("holder of key", |f, m| {
            says(f, m, |m| {
                m.method = "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key";
            })
        }),
        ("sender vouches", |f, m| {
            says(f, m, |m| {
                m.method = "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches";
            })
        }),
    ]
}

fn what_is_out_of_time() -> Vec<Fault> {
    vec![
        ("confirmation expired", |f, m| {
            says(f, m, |m| m.confirmed_until = Some(f.now() - 61 * SECOND))
        }),
        ("confirmation without an end", |f, m| {
            says(f, m, |m| m.confirmed_until = None)
        }),
        ("conditions expired", |f, m| {
            says(f, m, |m| m.not_on_or_after = Some(f.now() - 61 * SECOND))
        }),
        ("not yet", |f, m| {
            says(f, m, |m| m.not_before = Some(f.now() + 62 * SECOND))
        }),
        ("issued in the future", |f, m| {
            says(f, m, |m| m.issued_at = f.now() + 62 * SECOND)
        }),
        ("session over", |f, m| {
            says(f, m, |m| m.session_ends_at = Some(f.now() - 61 * SECOND))
        }),
        ("a date that is none", |front, m| {
            let until = message::instant(m.confirmed_until.unwrap());
            let plain = says(front, m, |m| m.signed = Signed::Nothing);
            let odd = plain.replace(&until, "10000-02-30T24:00:00");
            sign(&odd, &attribute(&odd, "ID"), &front.key)
        }),
    ]
}

fn what_is_odd() -> Vec<Fault> {
    vec![
        ("not a success", |f, m| {
            says(f, m, |m| {
                m.status = "urn:oasis:names:tc:SAML:2.0:status:Responder";
            })
        }),
        ("another version", |f, m| says(f, m, |m| m.version = "1.1")),
        ("a transient name", |f, m| {
            says(f, m, |m| m.name_format = TRANSIENT)
        }),
        ("no name", |f, m| says(f, m, |m| m.name = String::new())),
        ("a name of 10 kB", |f, m| {
            says(f, m, |m| m.name = "x".repeat(10_000) + "@acme.example")
        }),
        ("a comment in the name", |front, m| {
            let plain = says(front, m, |m| {
                (m.signed, m.name) = (Signed::Nothing, "mary@acme.example|.evil.example".into());
            });
            let signed = sign(&plain.replace('|', ""), &attribute(&plain, "ID"), &front.key);
            signed.replace("mary@acme.example.evil", "mary@acme.example<!---->.evil")
        }),
        ("a document type", |front, m| {
            bent(front, &m, |xml| {
                format!("<!DOCTYPE samlp:Response [<!ENTITY e \"evil\">]>{xml}")
            })
        }),
        ("another encoding", |front, m| {
            bent(front, &m, |xml| {
                format!("<?xml version=\"1.0\" encoding=\"UTF-7\"?>{xml}")
            })
        }),
        ("two roots", |front, m| {
            bent(front, &m, |xml| format!("{xml}{xml}"))
        }),
        ("an assertion alone", |front, m| {
            sign(&m.assertion(), &m.assertion_id, &front.key)
        }),
        ("depth", |front, m| {
            let deep = "<samlp:a>".repeat(10_000) + &"</samlp:a>".repeat(10_000);
            bent(front, &m, |xml| {
                xml.replace("</samlp:Response>", &format!("{deep}</samlp:Response>"))
            })
        }),
    ]
}

/// The signed assertion hidden in an unsigned one about somebody else.
fn wrapped(front: &SamlFront, message: &Message, place: &str) -> String {
    let signed = sign(&message.assertion(), &message.assertion_id, &front.key);
    let (tag, end) = (place, format!("</{place}>"));
    let evil = evil(message).replacen(
        "</saml:Issuer>",
        &format!("</saml:Issuer><{tag} xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">{signed}{end}"),
        1,
    );
    message.response(&evil)
}

fn each_between(text: &str, start: &str, end: &str, change: impl Fn(&str) -> String) -> String {
    let mut parts = text.split(start);
    let mut out = parts.next().unwrap().to_owned();
    for part in parts {
        let (value, rest) = part.split_once(end).unwrap();
        out.extend([start, &change(value), end, rest]);
    }
    out
}

fn each_signature_value(xml: &str, change: impl Fn(&str) -> String) -> String {
    each_between(xml, "<ds:SignatureValue>", "</ds:SignatureValue>", change)
}

/// The whole database but what a rejected message leaves behind.
fn all_but_the_record(front: &SamlFront) -> String {
    let url = &front.acme.installation.site.config.database_url;
    let mut keep = true;
    let dump = dump(url);
    let kept = dump.lines().filter(|line| {
        if let Some(table) = line.strip_prefix("== ") {
            keep = ![
                "sign_ins",
                "sign_in_days",
                "audit_events",
                "audit_heads",
                "attempts",
            ]
            .contains(&table);
        }
        keep
    });
    kept.collect::<Vec<_>>().join("\n")
}

both_databases! {
    /// Signed here, there or in both places: in.
    /// SAML-001.
    async fn an_honest_answer_comes_in(db: Database) {
        let front = SamlFront::open_to_newcomers(db);
        for (number, signed) in SIGNED.into_iter().enumerate() {
            let email = format!("mary{number}@acme.example");
            let (mut browser, asked) = front.at_the_provider().await;
            let message = Message { signed, ..front.about(&asked, &email) }
                .with("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname", &["Mary"])
                .with("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname", &["Contrary"]);
            front.bring(&mut browser, &message.xml(&front.key), &asked.relay_state).await;
            browser.sees(&email).sees("Mary Contrary");
            let record = front.acme.sign_ins().pop().unwrap();
            assert_eq!((record.outcome.as_str(), record.reason.as_str()), ("admitted", "jit"), "{signed:?}");
        }
        assert_eq!(front.acme.count("sign_ins WHERE protocol = 'saml' AND issuer = 'https://idp.acme.example/metadata'"), 3);
        let mut again = front.comes("mary0@acme.example").await;
        again.get("/account").await.sees("mary0@acme.example");
        assert_eq!(front.acme.sign_ins().pop().unwrap().reason, "member");
    }

    /// With just-in-time provisioning off: denied, invited, in, a member.
    async fn a_stranger_is_denied_then_invited(db: Database) {
        let front = SamlFront::open(db);
        let denied = front.comes("sam@acme.example").await;
        denied.sees("Access denied").sees("the IT desk");
        assert_eq!((denied.status(), denied.cookie("vestibule_session")), (403, None));
        assert_eq!((front.acme.count("members"), front.acme.count("accounts WHERE email_key = 'sam@acme.example'")), (1, 1));
        front.acme.invite("sam@acme.example");
        front.comes("sam@acme.example").await.sees("sam@acme.example");
        front.comes("sam@acme.example").await.sees("sam@acme.example");
        let reasons: Vec<_> = front.acme.sign_ins().into_iter().map(|record| record.reason).collect();
        assert_eq!(reasons, ["not_invited", "invitation", "member"]);
    }

    /// A person without an address in the message is told so in words of its own.
    async fn a_name_that_is_no_address_needs_an_attribute(db: Database) {
        let front = SamlFront::open_to_newcomers(db);
        let (mut browser, asked) = front.at_the_provider().await;
        let message = Message { name_format: PERSISTENT, name: "00u1".into(), ..front.about(&asked, "") };
        let with_address = message.clone().with("email", &["mary@acme.example"]);
        front.bring(&mut browser, &with_address.xml(&front.key), &asked.relay_state).await;
        browser.sees("mary@acme.example");
        let (mut browser, asked) = front.at_the_provider().await;
        let message = Message { in_response_to: Some(asked.id.clone()), confirms: Some(asked.id.clone()), assertion_id: id("_a"), name: "00u2".into(), ..message };
        front.bring(&mut browser, &message.xml(&front.key), &asked.relay_state).await;
        browser.sees("Access denied");
        let mut owner = front.acme.owner().await;
        owner.get(&front.acme.to("/sign-ins?outcome=denied")).await;
        let links = html::links(owner.body());
        let link = links.iter().find(|link| link.address.contains("/sign-ins/")).unwrap();
        owner.get(&link.address).await.sees("The identity provider sent no e-mail address: the NameID is not one");
    }

    /// Nobody comes in by a message that is not genuine, though just-in-time provisioning would admit anybody; and
    /// nothing is left of it but its record.
    /// SAML-004, SAML-005, SAML-009 to SAML-020, SAML-022, SAML-024, SAML-026 to SAML-029, SAML-033, SAML-035 to SAML-042, SAML-047 to SAML-054.
    async fn what_a_provider_must_not_say_is_rejected(db: Database) {
        let front = SamlFront::open_to_newcomers(db);
        let mut browser = Browser::new();
        for signed in SIGNED {
            let all = all_but_the_record(&front);
            for (fault, write) in faults() {
                let what = format!("{fault}, {signed:?}");
                browser.forget_cookies();
                let asked = front.again_at_the_provider(&mut browser).await;
                let xml = write(&front, Message { signed, ..front.about(&asked, "mary@acme.example") });
                let before = Before::of(&front.acme);
                front.bring(&mut browser, &xml, &asked.relay_state).await;
                let record = before.stays_outside(&front.acme, &browser, &what);
                assert!(!record.reason.is_empty() && !record.detail.is_empty(), "{what}: {record:?}");
                assert!(matches!(browser.status(), 400 | 403), "{what}: {}", browser.status());
            }
            assert_eq!(all_but_the_record(&front), all, "{signed:?}");
        }
        front.comes("mary@acme.example").await.sees("mary@acme.example");
    }

    /// A response belongs to the browser and the connection of its request, for ten minutes.
    /// SAML-042, SAML-067.
    async fn a_response_belongs_to_its_request(db: Database) {
        let front = SamlFront::open_to_newcomers(db);
        let (mut mary, asked) = front.at_the_provider().await;
        let xml = front.about(&asked, "mary@acme.example").xml(&front.key);
        let (elsewhere, _) = front.at_the_provider().await;
        for (mut thief, what) in [(Browser::new(), "no cookie"), (elsewhere, "another browser")] {
            let before = Before::of(&front.acme);
            front.bring(&mut thief, &xml, &asked.relay_state).await;
            assert_eq!(before.stays_outside(&front.acme, &thief, what).reason, "state_of_another_browser");
        }
        let before = Before::of(&front.acme);
        front.bring(&mut mary, &xml, "another").await;
        assert_eq!(before.stays_outside(&front.acme, &mary, "RelayState").reason, "relay_state");
        front.bring(&mut mary, &xml, "").await;
        mary.sees("mary@acme.example");

        let (mut early, its) = front.at_the_provider().await;
        let (mut late, late_asked) = front.at_the_provider().await;
        front.later(10 * MINUTE - SECOND);
        let xml = front.about(&its, "mary@acme.example").xml(&front.key);
        front.bring(&mut early, &xml, &its.relay_state).await;
        early.sees("mary@acme.example");
        front.later(SECOND);
        let xml = front.about(&late_asked, "mary@acme.example").xml(&front.key);
        let before = Before::of(&front.acme);
        front.bring(&mut late, &xml, &late_asked.relay_state).await;
        assert_eq!(before.stays_outside(&front.acme, &late, "late").reason, "state_expired");
        late.sees("took too long");
    }

    /// The address chooses the connection; what another one's provider says counts there and nowhere else.
    /// SAML-038, SAML-042.
    async fn a_response_belongs_to_one_connection(db: Database) {
        let front = SamlFront::open_to_newcomers(db);
        let other = connect(&front.acme, "other", &front.key);
        let (mut browser, asked) = front.at_the_provider().await;
        let xml = front.about(&asked, "mary@acme.example").xml(&front.key);
        let there = front.acs().replace(&front.id, &other);
        let response = STANDARD.encode(&xml);
        let before = Before::of(&front.acme);
        browser.post_from(SITE, &there, &[("SAMLResponse", &response), ("RelayState", &asked.relay_state)]).await;
        assert_eq!(before.stays_outside(&front.acme, &browser, "elsewhere").reason, "state_of_another_connection");
        // The attempt is as good as before.
        front.bring(&mut browser, &xml, &asked.relay_state).await;
        browser.sees("mary@acme.example");
        for (protocol, path) in [("oidc", "acs"), ("oidc", "metadata")] {
            let url = format!("/sign-in/saml/{}/{path}", front.acme.connection);
            let mut nobody = Browser::new();
            nobody.get(&front.acme.installation.to("/sign-in")).await;
            if path == "acs" {
                nobody.post(&url, &[("SAMLResponse", &response)]).await;
            } else {
                nobody.get(&url).await;
            }
            assert_eq!(nobody.status(), 404, "{protocol} {path}");
        }
    }

    /// An assertion is good for one sign-in: in this browser and another, on this server and the next, now and after
    /// a restart.
    /// SAML-045.
    async fn an_assertion_counts_once(db: Database) {
        let front = SamlFront::open_to_newcomers(db);
        let (mut mary, asked) = front.at_the_provider().await;
        let message = front.about(&asked, "mary@acme.example");
        front.bring(&mut mary, &message.xml(&front.key), &asked.relay_state).await;
        mary.sees("mary@acme.example");
        assert_eq!(front.acme.count("saml_assertions"), 1);
        for mut browser in [mary.clone(), Browser::new()] {
            let before = Before::of(&front.acme);
            front.bring(&mut browser, &message.xml(&front.key), &asked.relay_state).await;
            assert_eq!(before.is_rejected(&front.acme, &browser, "again").reason, "replay");
        }
        // Another assertion that answers the same request.
        let second = Message { assertion_id: id("_a"), id: id("_r"), ..message.clone() };
        let before = Before::of(&front.acme);
        front.bring(&mut mary, &second.xml(&front.key), &asked.relay_state).await;
        assert_eq!(before.is_rejected(&front.acme, &mary, "answered already").reason, "state_used");
        mary.sees("finished already");

        // A fresh request, the old assertion.
        let (mut thief, fresh) = front.at_the_provider().await;
        let old = Message { in_response_to: Some(fresh.id.clone()), ..message.clone() };
        let before = Before::of(&front.acme);
        front.bring(&mut thief, &old.xml(&front.key), &fresh.relay_state).await;
        before.stays_outside(&front.acme, &thief, "for another request");

        // At another server of the installation, which has just been started.
        let another = front.acme.installation.another();
        let before = Before::of(&front.acme);
        let answer = post_to(&another.url, &front, &message.xml(&front.key)).await;
        assert!(answer.contains("/sign-in/refused/"), "{answer}");
        let records = front.acme.sign_ins();
        assert_eq!((records.len(), records.last().unwrap().reason.as_str()), (before.records + 1, "replay"));
    }

    /// Fifty copies at once: one comes in.
    /// SAML-046, RACE-014.
    async fn of_many_copies_one_counts(db: Database) {
        let front = SamlFront::open_to_newcomers(db);
        let (browser, asked) = front.at_the_provider().await;
        let xml = front.about(&asked, "mary@acme.example").xml(&front.key);
        let response = STANDARD.encode(&xml);
        let coming: Vec<_> = (0..50)
            .map(|_| {
                let (mut browser, acs, response) = (browser.clone(), front.acs(), response.clone());
                actix_web::rt::spawn(async move {
                    browser.post_from(SITE, &acs, &[("SAMLResponse", &response)]).await;
                    browser.status()
                })
            })
            .collect();
        for one in coming {
            assert!(one.await.unwrap() < 500);
        }
        let records = front.acme.sign_ins();
        let ended = |outcome: &str| records.iter().filter(|record| record.outcome == outcome).count();
        assert_eq!((records.len(), ended("admitted"), ended("rejected")), (50, 1, 49), "{records:#?}");
        assert_eq!(front.acme.count("sessions WHERE connection_id IS NOT NULL"), 1);
    }

    /// What nobody asked for is refused with the right way in, unless the connection allows it.
    /// SAML-043.
    async fn an_unsolicited_response_is_shown_the_way(db: Database) {
        let front = SamlFront::open_to_newcomers(db);
        let mut browser = Browser::new();
        browser.get(&front.acme.installation.to("/sign-in")).await;
        let before = Before::of(&front.acme);
        front.bring(&mut browser, &front.unasked("mary@acme.example").xml(&front.key), "").await;
        assert_eq!(before.stays_outside(&front.acme, &browser, "unasked").reason, "unsolicited");
        browser.sees("starts here");
        browser.stop_before("/sso").click("Start here").await;
        let asked = Asked::read(browser.held().unwrap().clone());
        front.bring(&mut browser, &front.about(&asked, "mary@acme.example").xml(&front.key), &asked.relay_state).await;
        browser.sees("mary@acme.example");
    }

    /// Where the connection allows it: in, once, soon, and to a path of ours.
    /// SAML-044, SAML-045.
    async fn an_unsolicited_response_may_be_allowed(db: Database) {
        let front = SamlFront::open_to_newcomers(db);
        front.set("idp_initiated = TRUE");
        let message = front.unasked("mary@acme.example");
        let mut browser = Browser::new();
        front.bring(&mut browser, &message.xml(&front.key), "/account").await;
        browser.sees("mary@acme.example");
        assert_eq!(browser.path(), "/account");
        let before = Before::of(&front.acme);
        let mut thief = Browser::new();
        front.bring(&mut thief, &message.xml(&front.key), "").await;
        assert_eq!(before.stays_outside(&front.acme, &thief, "again").reason, "replay");

        let asks = [("_unknown", "_unknown"), ("_unknown", ""), ("", "_unknown")];
        for (response, confirmation) in asks {
            let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
            let message = Message { in_response_to: some(response), confirms: some(confirmation), ..front.unasked("mary@acme.example") };
            let before = Before::of(&front.acme);
            let mut browser = Browser::new();
            front.bring(&mut browser, &message.xml(&front.key), "").await;
            before.stays_outside(&front.acme, &browser, "unasked, but it names a request");
        }
        let old = front.unasked("mary@acme.example");
        front.later(6 * MINUTE + 2 * SECOND);
        let old = Message { confirmed_until: Some(front.now() + MINUTE), not_on_or_after: Some(front.now() + MINUTE), ..old };
        let before = Before::of(&front.acme);
        let mut browser = Browser::new();
        front.bring(&mut browser, &old.xml(&front.key), "").await;
        before.stays_outside(&front.acme, &browser, "unasked, and old");
    }

    /// Whatever stands in the `RelayState`, the browser stays on our pages.
    /// SAML-067, OUT-006.
    async fn the_relay_state_leads_nowhere_else(db: Database) {
        let front = SamlFront::open_to_newcomers(db);
        front.set("idp_initiated = TRUE");
        let long = format!("/{}", "x".repeat(10_000));
        for evil in ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/a\r\nX: y", long.as_str()] {
            let mut browser = Browser::new();
            front.bring(&mut browser, &front.unasked("mary@acme.example").xml(&front.key), evil).await;
            browser.sees("mary@acme.example");
            assert_eq!(browser.path(), "/orgs/acme", "{evil}");
        }
    }

    /// A session lasts as long as the provider says, if that is shorter.
    /// SAML-055.
    async fn a_session_ends_when_the_provider_says(db: Database) {
        let front = SamlFront::open_to_newcomers(db);
        let (mut browser, asked) = front.at_the_provider().await;
        let message = Message { session_ends_at: Some(front.now() + 5 * MINUTE), ..front.about(&asked, "mary@acme.example") };
        front.bring(&mut browser, &message.xml(&front.key), &asked.relay_state).await;
        front.later(5 * MINUTE - SECOND);
        browser.get("/account").await.sees("mary@acme.example");
        front.later(2 * SECOND);
        browser.get("/account").await;
        assert_eq!(browser.path(), "/sign-in");
    }

    /// What the form must look like.
    /// SAML-070, SAML-035, RES-001.
    async fn a_form_has_one_response(db: Database) {
        let front = SamlFront::open_to_newcomers(db);
        let (mut browser, asked) = front.at_the_provider().await;
        let xml = front.about(&asked, "mary@acme.example").xml(&front.key);
        let good = STANDARD.encode(&xml);
        let bad: [&[(&str, &str)]; 6] = [
            &[],
            &[("SAMLResponse", &good), ("SAMLResponse", &good)],
            &[("SAMLResponse", &good), ("RelayState", ""), ("RelayState", "x")],
            &[("SAMLResponse", "%%%")],
            &[("SAMLResponse", &(good.clone() + "!!"))],
            &[("SAMLResponse", &URL_SAFE_NO_PAD.encode(format!("{xml}\u{ff}\u{3fffe}")))],
        ];
        for form in bad {
            let before = Before::of(&front.acme);
            browser.post_from(SITE, &front.acs(), form).await;
            before.stays_outside(&front.acme, &browser, &format!("{form:?}"));
            assert_eq!(browser.status(), 400);
        }
        for (kind, body) in [("application/json", "{}"), ("multipart/form-data; boundary=x", "--x--"), ("text/plain", "SAMLResponse=x")] {
            let (status, to) = raw(&front, kind, body.into()).await;
            assert!(status == 303 && to.contains("/sign-in/refused/"), "{kind}: {status}");
        }
        let (status, page) = raw(&front, "application/x-www-form-urlencoded", format!("SAMLResponse={}", "A".repeat(1_100_000))).await;
        assert_eq!(status, 413, "{page}");
        // Line breaks are allowed.
        let lines: Vec<_> = good.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
        browser.post_from(SITE, &front.acs(), &[("SAMLResponse", &lines.join("\r\n"))]).await;
        browser.sees("mary@acme.example");
    }

    /// The request as the standard wants it; a person who starts again is asked again.
    /// SAML-069.
    async fn the_request_says_who_asks(db: Database) {
        let front = SamlFront::open(db);
        let (mut browser, asked) = front.at_the_provider().await;
        assert!(asked.id.len() > 32 && asked.id.starts_with('_'), "{}", asked.id);
        assert_eq!(attribute(&asked.xml, "Destination"), "https://idp.acme.example/sso");
        assert_eq!(attribute(&asked.xml, "AssertionConsumerServiceURL"), front.acs());
        assert!(asked.xml.contains(&format!("Issuer>{}</", front.audience())), "{}", asked.xml);
        assert!(!asked.xml.contains("ForceAuthn=\"true\"") && !asked.url.as_str().contains("Signature="));
        assert!(asked.relay_state.len() <= 80, "{}", asked.relay_state);
        browser.get(&(front.sign_in() + "?again=1&return_to=/account")).await;
        let again = Asked::read(browser.held().unwrap().clone());
        assert!(again.xml.contains("ForceAuthn=\"true\""), "{}", again.xml);
        assert_ne!((&again.id, &again.relay_state), (&asked.id, &asked.relay_state));
    }

    /// A provider that takes requests by a form gets one, with a button for those without scripts.
    /// SAML-068.
    async fn a_request_can_be_a_form(db: Database) {
        let front = SamlFront::open_to_newcomers(db);
        front.set("sso_binding = 'post', sso_url = 'https://idp.acme.example/sso?a=\"><script>alert(1)</script>'");
        let mut browser = Browser::new();
        browser.get(&front.sign_in()).await;
        assert_eq!(browser.status(), 200);
        assert!(!browser.body().contains("<script>alert"), "{}", browser.body());
        let policy = browser.header("content-security-policy").unwrap();
        assert!(policy.contains("form-action https:;") && policy.contains("script-src 'self'"), "{policy}");
        let fields = browser.fields("Continue");
        let field = |name: &str| fields.iter().find(|(field, _)| field == name).unwrap().1.clone();
        let xml = String::from_utf8(STANDARD.decode(field("SAMLRequest")).unwrap()).unwrap();
        let asked = Asked { id: attribute(&xml, "ID"), relay_state: field("RelayState"), url: browser.url().clone(), xml };
        front.bring(&mut browser, &front.about(&asked, "mary@acme.example").xml(&front.key), &asked.relay_state).await;
        browser.sees("mary@acme.example");
        browser.get("/account").await;
        assert!(browser.header("content-security-policy").unwrap().contains("form-action 'self';"));
    }

    /// What providers are set up from.
    /// SAML-071.
    async fn the_metadata_says_who_we_are(db: Database) {
        let front = SamlFront::open(db);
        let mut browser = Browser::new();
        browser.get(&front.audience()).await;
        assert_eq!((browser.status(), browser.header("content-type").unwrap().starts_with("application/samlmetadata+xml")), (200, true));
        for part in ["WantAssertionsSigned=\"true\"", &front.acs(), &format!("entityID=\"{}\"", front.audience()), "use=\"signing\"", "use=\"encryption\""] {
            assert!(browser.body().contains(part), "{part}: {}", browser.body());
        }
        browser.get(&front.acme.installation.to("/sign-in/saml/nobody/metadata")).await;
        assert_eq!(browser.status(), 404);
    }

    /// Administrators see what came in, which check failed, and what to do.
    /// SAML-040, SEC-001.
    async fn an_administrator_sees_what_came_in(db: Database) {
        let front = SamlFront::open_to_newcomers(db);
        let (mut mary, asked) = front.at_the_provider().await;
        let message = Message { recipient: Some("https://other.example/acs".into()), ..front.about(&asked, "mary@acme.example") };
        front.bring(&mut mary, &message.xml(&front.key), &asked.relay_state).await;
        mary.sees("Sign-in did not work").does_not_see("other.example");
        let mut owner = front.acme.owner().await;
        owner.get(&front.acme.to("/sign-ins?outcome=rejected")).await;
        let links = html::links(owner.body());
        let link = links.iter().find(|link| link.address.contains("/sign-ins/")).unwrap();
        owner.get(&link.address).await.sees("https://other.example/acs").sees("What came in").sees("<saml:NameID");
        let signature = message.xml(&front.key);
        let signature = signature.split_once("<ds:SignatureValue>").unwrap().1.split_once('<').unwrap().0;
        assert!(!owner.body().contains(signature), "{}", owner.body());
    }

    /// What was seen is forgotten when it could not be used again anyway.
    /// SAML-045.
    async fn assertions_are_swept(db: Database) {
        let front = SamlFront::open_to_newcomers(db);
        front.comes("mary@acme.example").await;
        let site = &front.acme.installation.site;
        vestibule::sign_in::sweep(&site.store, site.now(), 30).await.unwrap();
        assert_eq!(front.acme.count("saml_assertions"), 1);
        front.later(HOUR);
        vestibule::sign_in::sweep(&site.store, site.now(), 30).await.unwrap();
        assert_eq!(front.acme.count("saml_assertions"), 0);
    }
}

/// Posts a response to another server of the same installation, and answers where it leads.
async fn post_to(url: &str, front: &SamlFront, xml: &str) -> String {
    let authority = front
        .acme
        .installation
        .url
        .trim_start_matches("http://")
        .to_owned();
    let answer = client()
        .post(format!("{url}/sign-in/saml/{}/acs", front.id))
        .header("host", authority)
        .form(&[("SAMLResponse", STANDARD.encode(xml))])
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 303);
    answer.headers()["location"].to_str().unwrap().to_owned()
}

/// Posts bytes that are no form.
async fn raw(front: &SamlFront, kind: &str, body: String) -> (u16, String) {
    let answer = client()
        .post(front.acs())
        .header("content-type", kind)
        .body(body)
        .send()
        .await
        .unwrap();
    let to = answer
        .headers()
        .get("location")
        .map(|to| to.to_str().unwrap().to_owned());
    (answer.status().as_u16(), to.unwrap_or_default())
}

fn client() -> reqwest::Client {
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy();
    client.build().unwrap()
}
