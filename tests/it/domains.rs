//! Domains: claimed in pages, proven by a record in a real DNS, lost, healed and removed.

use serde_json::{Value, json};
use vestibule::access::DomainName;
use vestibule::audit::Actor;
use vestibule::domains::{self, Domain, Finding, PATIENCE, Standing};
use vestibule::outbound::dns::{Dns, LookupError};
use vestibule::store::time::{DAY, HOUR, MINUTE, SECOND};
use vestibule::web::Problem;

use crate::support::peer::DnsServer;
use crate::support::{Acme, Browser, Database, Front, Installation};

const NAME: &str = "corp.example";
const PLACE: &str = "_vestibule.corp.example";

/// Acme, and the DNS that it asks.
async fn with_dns(db: Database) -> (Front, DnsServer) {
    let dns = DnsServer::start();
    let installation = Installation::start_with(db, |config| config.dns = vec![dns.address]);
    (Front::open_in(installation).await, dns)
}

/// The organization adds a domain; answers its id.
fn added(front: &Front, organization: &str, name: &str) -> String {
    let name = DomainName::parse(name).unwrap();
    front
        .acme
        .write(|conn, now| domains::actions::add(conn, now, &Actor::operator(), organization, &name))
}

fn domain_of(acme: &Acme, organization: &str, id: &str) -> Domain {
    acme.read(|conn| Ok(domains::find(conn, organization, id)?.unwrap()))
}

/// The domain of Acme's with this id.
fn domain(front: &Front, id: &str) -> Domain {
    domain_of(&front.acme, &front.acme.organization, id)
}

/// Everything whose time has come is looked up.
async fn looks(front: &Front, dns: &DnsServer) {
    let asked = Dns::new(vec![dns.address]);
    domains::check::due(&front.acme.installation.site, &asked)
        .await
        .unwrap();
}

/// A record that proves the domain, beside others.
fn proof(domain: &Domain) -> Value {
    json!({ "txt": ["v=spf1 -all", domain.record_value()] })
}

/// Goes to the domain's page and presses the button, after a pause.
async fn checks<'a>(front: &Front, browser: &'a mut Browser, id: &str) -> &'a mut Browser {
    front.later(11 * SECOND);
    browser.get(&front.acme.to(&format!("/domains/{id}"))).await;
    browser.submit("Check now", &[]).await
}

both_databases! {
    /// From what is typed to the verified domain, with a sentence for each thing that is found on the way.
    /// ADM-009.
    async fn a_domain_is_proven_by_its_record(db: Database) {
        let (front, mut dns) = with_dns(db).await;
        let mut olive = front.acme.owner().await;
        olive.get(&front.acme.to("/domains")).await;
        for (typed, sentence) in [
            ("https://corp.example", "without https://"),
            ("corp.example:443", "without a port"),
            ("corp.example/x", "without a path"),
            ("ada@corp.example", "behind the @"),
            ("*.corp.example", "without *"),
            ("192.0.2.1", "An IP address is not a domain"),
            ("corp", "at least two parts"),
            ("gmail.com", "Anybody can have an address at gmail.com"),
        ] {
            olive.submit("Add the domain", &[("name", typed)]).await.sees(sentence);
            assert_eq!(olive.status(), 422, "{typed}");
        }
        olive.submit("Add the domain", &[("name", "Corp.Example")]).await.sees("is added");
        let id = olive.path().rsplit('/').next().unwrap().to_owned();
        let waiting = domain(&front, &id);
        assert!(waiting.token.len() >= 22 && waiting.standing() == Standing::Waiting);
        assert!(olive.body().contains(&format!("value=\"{}\"", waiting.record_value())));
        assert!(olive.body().contains(&format!("value=\"dig +short TXT {PLACE}\"")));

        checks(&front, &mut olive, &id).await.sees(&format!("There is no TXT record at {PLACE} yet"));
        dns.says(PLACE, &json!({ "txt": ["v=spf1 -all", "vestibule-verification=somebody-elses"] }));
        checks(&front, &mut olive, &id).await.sees("Found 2 TXT records").sees("but none with this domain’s text");
        dns.says(PLACE, &json!({}));
        checks(&front, &mut olive, &id).await.sees("There is no TXT record");
        dns.says(NAME, &proof(&waiting));
        checks(&front, &mut olive, &id).await.sees("It stands at corp.example instead");
        for (fault, sentence) in [
            ("servfail", "The DNS server could not tell (Server Failure)"),
            ("refused", "The DNS server could not tell"),
            ("referral", "it only named other name servers"),
        ] {
            dns.says(PLACE, &json!({ "fault": fault }));
            checks(&front, &mut olive, &id).await.sees(sentence).sees("That says nothing about corp.example");
        }
        assert_eq!(domain(&front, &id).last.unwrap().finding, Finding::Failed);
        dns.says(PLACE, &proof(&waiting));
        checks(&front, &mut olive, &id).await.sees("corp.example is verified").sees("Record seen last");
        olive.submit("Check now", &[]).await.sees("Wait 10 seconds, then check again");
        let verified = domain(&front, &id);
        assert_eq!((verified.standing(), verified.vouched), (Standing::Verified, false));
        olive.get(&front.acme.to("/audit")).await.sees("Verified a domain");
    }

    /// Split strings are one text, a CNAME is followed, a truncated answer is asked for by TCP; silence is no answer.
    /// ADM-009, FLT-010.
    async fn the_dns_is_spoken_to_as_it_is(db: Database) {
        let (front, mut dns) = with_dns(db).await;
        let id = added(&front, &front.acme.organization, NAME);
        let wanted = domain(&front, &id);
        let (value, asked) = (wanted.record_value(), Dns::new(vec![dns.address]));
        let (head, tail) = value.split_at(9);
        dns.says("proofs.other.example", &json!({ "txt": [value] }));
        dns.says("loop.other.example", &json!({ "cname": "loop.other.example" }));
        for about in [
            json!({ "txt": [[head, tail]] }),
            json!({ "cname": "proofs.other.example" }),
            json!({ "txt": [value], "fault": "truncated" }),
        ] {
            dns.says(PLACE, &about);
            assert_eq!(asked.txt(PLACE).await.unwrap().last(), Some(&value), "{about}");
        }
        let many: Vec<_> = (0..150).map(|number| format!("record {number} {}", "x".repeat(200))).collect();
        dns.says(PLACE, &json!({ "txt": many, "fault": "truncated" }));
        assert_eq!(asked.txt(PLACE).await.unwrap().len(), 100);
        dns.says(PLACE, &json!({ "cname": "nowhere.example" }));
        assert_eq!(asked.txt(PLACE).await, Ok(vec![]));
        assert_eq!(asked.txt("unknown.example").await, Ok(vec![]));
        for fault in ["silent", "garbled"] {
            dns.says(PLACE, &json!({ "fault": fault }));
            let began = std::time::Instant::now();
            assert_eq!(asked.txt(PLACE).await, Err(LookupError::TimedOut), "{fault}");
            assert!(began.elapsed().as_secs() < 8);
        }
        dns.says(PLACE, &json!({ "cname": "loop.other.example" }));
        let looped = asked.txt(PLACE).await;
        assert!(looped.as_ref().is_ok_and(Vec::is_empty) || looped.is_err(), "{looped:?}");
        let nobody = Dns::new(vec!["127.0.0.1:9".parse().unwrap()]);
        assert!(nobody.txt(PLACE).await.is_err());
    }

    /// Without anybody asking: the record appears and is found; one that never appears is given up after seven days.
    async fn a_waiting_domain_is_looked_up_by_itself(db: Database) {
        let (front, mut dns) = with_dns(db).await;
        let id = added(&front, &front.acme.organization, NAME);
        looks(&front, &dns).await;
        let first = domain(&front, &id);
        assert_eq!(first.last.unwrap().finding, Finding::None);
        assert_eq!(first.next_check_at, Some(first.waiting_since + 5 * MINUTE));
        front.later(8 * DAY);
        looks(&front, &dns).await;
        assert_eq!(domain(&front, &id).standing(), Standing::Stopped);
        dns.says(PLACE, &proof(&first));
        front.later(DAY);
        looks(&front, &dns).await;
        assert_eq!(domain(&front, &id).standing(), Standing::Stopped);
        let mut olive = front.acme.owner().await;
        olive.get(&front.acme.to(&format!("/domains/{id}"))).await.sees("no longer looked up by itself");
        olive.submit("Check now", &[]).await.sees("corp.example is verified");
    }

    /// Two organizations have both made their records: one wins, the other is told; and what lapsed goes to the other.
    /// DEC-025, RACE-018.
    async fn a_domain_belongs_to_one_organization(db: Database) {
        let (front, mut dns) = with_dns(db).await;
        let zenith = front.second_organization("zenith", "zenith.example", &front.provider).organization;
        let ours = added(&front, &front.acme.organization, NAME);
        let theirs = added(&front, &zenith, NAME);
        let both = |acme: &Acme| (domain_of(acme, &acme.organization, &ours), domain_of(acme, &zenith, &theirs));
        let (one, two) = both(&front.acme);
        assert_ne!(one.token, two.token);
        dns.says(PLACE, &json!({ "txt": [one.record_value(), two.record_value()] }));
        let (site, asked) = (&front.acme.installation.site, Dns::new(vec![dns.address]));
        let check = |organization: &'static str, id: String| {
            let (site, asked, organization) = (site.clone(), asked.clone(), organization);
            async move { domains::check::now(&site, &asked, Actor::operator(), organization, &id).await }
        };
        let (acme_id, zenith_id): (&'static str, &'static str) =
            (front.acme.organization.clone().leak(), zenith.clone().leak());
        let (first, second) = (
            actix_web::rt::spawn(check(acme_id, ours.clone())),
            actix_web::rt::spawn(check(zenith_id, theirs.clone())),
        );
        first.await.unwrap().unwrap();
        second.await.unwrap().unwrap();
        let standings = {
            let (one, two) = both(&front.acme);
            [one.standing(), two.standing()]
        };
        assert!(standings.contains(&Standing::Verified) && standings.contains(&Standing::Taken), "{standings:?}");

        let (winner, loser, of_winner, of_loser) = if standings[0] == Standing::Verified {
            (&ours, &theirs, acme_id, zenith_id)
        } else {
            (&theirs, &ours, zenith_id, acme_id)
        };
        let name = DomainName::parse(NAME).unwrap();
        let again = site.store.write_in(of_loser, |conn| {
            domains::actions::vouch(conn, site.now(), &Actor::operator(), of_loser, loser)
        });
        assert!(matches!(again, Err(Problem::Conflict(ref said)) if said.contains("Another organization here")));
        let again = site.store.write_in(of_loser, |conn| {
            domains::actions::add(conn, site.now(), &Actor::operator(), of_loser, &name)
        });
        assert!(matches!(again, Err(Problem::Conflict(_))));

        // Only the loser's record is left: after seven days the domain is theirs.
        let left = domain_of(&front.acme, of_loser, loser).record_value();
        dns.says(PLACE, &json!({ "txt": [left] }));
        front.later(DAY);
        looks(&front, &dns).await;
        assert!(matches!(domain_of(&front.acme, of_winner, winner).standing(), Standing::Lost(_)));
        front.later(PATIENCE);
        looks(&front, &dns).await;
        looks(&front, &dns).await;
        front.later(11 * SECOND);
        check(of_loser, loser.clone()).await.unwrap();
        assert_eq!(domain_of(&front.acme, of_loser, loser).standing(), Standing::Verified);
        assert_eq!(domain_of(&front.acme, of_winner, winner).standing(), Standing::Taken);
    }

    /// A lost proof changes nothing for seven days, then lets in nobody new, and heals by itself. An outage is no loss.
    /// DEC-026.
    async fn a_lost_proof_stops_newcomers_after_seven_days(db: Database) {
        let (front, mut dns) = with_dns(db).await;
        front.acme.jit(true);
        let id = added(&front, &front.acme.organization, NAME);
        let connection = front.acme.connection();
        front.acme.write(|conn, now| {
            vestibule::connections::actions::attach_domain(conn, now, &Actor::operator(), &connection, &id)
        });
        dns.says(PLACE, &proof(&domain(&front, &id)));
        looks(&front, &dns).await;
        front.provider.person("sub-mia", "mia@corp.example");
        Browser::new().get(&front.acme.sign_in()).await.does_not_see("Access denied");

        dns.says(PLACE, &json!({ "fault": "servfail" }));
        for _ in 0..10 {
            front.later(DAY);
            looks(&front, &dns).await;
        }
        assert_eq!(domain(&front, &id).standing(), Standing::Verified);

        dns.says(PLACE, &json!({ "txt": ["v=spf1 -all"] }));
        front.later(HOUR);
        looks(&front, &dns).await;
        let lost_at = domain(&front, &id).lost_at.unwrap();
        let mut olive = front.acme.owner().await;
        olive.get(&front.acme.to(&format!("/domains/{id}"))).await.sees("Record missing").sees("members go on signing in");
        front.later(PATIENCE - HOUR);
        looks(&front, &dns).await;
        front.provider.person("sub-nell", "nell@corp.example");
        Browser::new().get(&front.acme.sign_in()).await.does_not_see("Access denied");

        front.later(HOUR);
        looks(&front, &dns).await;
        assert_eq!(domain(&front, &id).standing(), Standing::Lapsed(lost_at + PATIENCE));
        front.provider.person("sub-otto", "otto@corp.example");
        Browser::new().get(&front.acme.sign_in()).await.sees("Access denied");
        front.provider.person("sub-mia", "mia@corp.example");
        Browser::new().get(&front.acme.sign_in()).await.does_not_see("Access denied");
        let mut olive = front.acme.owner().await;
        olive.get(&front.acme.to("/denied")).await.sees("otto@corp.example");
        olive.click("otto@corp.example").await.sees("its proof has been missing for 7 days or more");
        olive.get(&front.acme.to("/audit")).await;
        olive.sees("Missed the record of a domain").sees("Stopped letting newcomers of a domain in");

        dns.says(PLACE, &proof(&domain(&front, &id)));
        front.later(HOUR);
        looks(&front, &dns).await;
        assert_eq!(domain(&front, &id).standing(), Standing::Verified);
        front.provider.person("sub-otto", "otto@corp.example");
        Browser::new().get(&front.acme.sign_in()).await.does_not_see("Access denied");
    }

    /// What the operator answers for is shown so and never lost; removing says whom it concerns, and another token follows.
    async fn a_vouched_domain_is_never_lost_and_can_be_removed(db: Database) {
        let (front, dns) = with_dns(db).await;
        let id = front.acme.read(|conn| {
            Ok(domains::find_by_name(conn, &front.acme.organization, "acme.example")?.unwrap().id)
        });
        front.later(30 * DAY);
        looks(&front, &dns).await;
        let vouched = domain(&front, &id);
        assert_eq!((vouched.standing(), vouched.last), (Standing::Vouched, None));
        let mut olive = front.acme.owner().await;
        olive.get(&front.acme.to(&format!("/domains/{id}"))).await.sees("Vouched for").sees("Command line");
        olive.click("Remove…").await.sees("1 member has an address there").sees("The connection Acme ID loses it");
        let stale = olive.fields("Remove acme.example");
        assert_eq!(domain(&front, &id).standing(), Standing::Vouched);
        front.acme.write(|conn, now| {
            domains::actions::stop_vouching(conn, now, &Actor::operator(), &front.acme.organization, &id)
        });
        let stale: Vec<_> = stale.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        olive.post(&front.acme.to(&format!("/domains/{id}/remove")), &stale).await.sees("The domain, or whom it concerns, changed meanwhile");
        olive.submit("Remove acme.example", &[]).await.sees("acme.example is removed");
        let again = added(&front, &front.acme.organization, "acme.example");
        assert_ne!(domain(&front, &again).token, vouched.token);
    }

    /// Who has an account with an address of the domain and is no member is listed, and invited after a review.
    async fn people_of_a_domain_can_be_invited(db: Database) {
        let front = Front::open(db).await;
        for (sub, email) in [("s1", "nora@acme.example"), ("s2", "oscar@acme.example"), ("s3", "pia@other.example")] {
            front.provider.person(sub, email);
            Browser::new().get(&front.acme.sign_in()).await.sees("Access denied");
        }
        front.acme.join("max@acme.example", "Max Member", vestibule::access::Role::Member);
        let gone = front.acme.join("gus@acme.example", "Gus Gone", vestibule::access::Role::Member);
        let mut olive = front.acme.owner().await;
        olive.get(&front.acme.to(&format!("/members/{gone}/remove"))).await.submit("Remove Gus Gone", &[]).await;
        front.acme.invite("oscar@acme.example");
        let id = front.acme.read(|conn| {
            Ok(domains::find_by_name(conn, &front.acme.organization, "acme.example")?.unwrap().id)
        });
        olive.get(&front.acme.to(&format!("/domains/{id}"))).await.click("See them").await;
        olive.sees("2 people, by address").sees("nora@acme.example").sees("gus@acme.example").sees("Removed");
        olive.does_not_see("oscar@").does_not_see("max@").does_not_see("olive@").does_not_see("pia@");
        olive.submit("Review the invitation of the ticked", &[]).await.sees("Type at least one e-mail address");
        olive.get(&front.acme.to(&format!("/domains/{id}/people"))).await;
        let token = olive.fields("Review the invitation of the ticked")[0].1.clone();
        let ticked = [("form_token", token.as_str()), ("addresses", "nora@acme.example"), ("addresses", "gus@acme.example")];
        olive.post(&front.acme.to("/invitations/new"), &ticked).await;
        olive.sees("nora@acme.example").sees("gus@acme.example");
    }
}
