//! Sign-in by SAML through other people's providers: `SimpleSAMLphp` and pysaml2, each set up from its own metadata.

use serde_json::{Value, json};
use vestibule::access::{MappedGroup, Role};
use vestibule::audit::Actor;
use vestibule::connections::saml::SamlSettings;
use vestibule::connections::saml::actions::{Wanted, create};
use vestibule::connections::{self, State};
use vestibule::saml::{SpKey, read_provider_metadata};
use vestibule::store::time;
use vestibule::{groups, teams};

use super::Before;
use crate::support::peer::{Make, SamlProvider};
use crate::support::{Acme, Browser, Database};

/// Acme and a provider that know each other by their metadata alone.
struct Door {
    acme: Acme,
    provider: SamlProvider,
}

impl Door {
    /// With just-in-time provisioning off.
    async fn open(db: Database, make: Make, people: &Value) -> Self {
        Self::open_with(db, make, people, |_, _| ()).await
    }

    /// With settings that differ from what the metadata says.
    async fn open_with(
        db: Database,
        make: Make,
        people: &Value,
        change: impl FnOnce(&mut SamlProvider, &mut SamlSettings),
    ) -> Self {
        let mut acme = Acme::alone(db);
        let mut provider = SamlProvider::start(make, people);
        let mut saml = SamlSettings::default();
        change(&mut provider, &mut saml);
        acme.connection = connect(&acme, &fetched(&provider.metadata_url()).await, saml);
        let door = Self { acme, provider };
        let ours = fetched(&door.entity_id()).await;
        let mut provider = door.provider;
        provider.meet(&ours);
        Self { provider, ..door }
    }

    fn start(&self) -> String {
        self.acme.installation.to("/sign-in/acme/acme-saml")
    }

    /// Our entity id, where our metadata is.
    fn entity_id(&self) -> String {
        let id = &self.acme.connection;
        self.acme.installation.to(&format!("/sign-in/saml/{id}/metadata"))
    }

    /// A browser that started here and signed in there.
    async fn comes(&self, login: &str) -> Browser {
        // The provider's clock is the machine's.
        let clock = &self.acme.installation.site.clock;
        clock.advance((time::now() - clock.now()).max(0));
        let mut browser = Browser::new();
        browser.get(&self.start()).await;
        self.provider.sign_in(&mut browser, login).await;
        browser
    }
}

async fn fetched(url: &str) -> String {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.get(url).send().await.unwrap();
    assert!(answer.status().is_success(), "{url}: {}", answer.status());
    answer.text().await.unwrap()
}

/// A connection for Acme's domain, on, just-in-time provisioning off; answers its id.
fn connect(acme: &Acme, metadata: &str, saml: SamlSettings) -> String {
    let site = &acme.installation.site;
    let theirs = read_provider_metadata(metadata, None, site.now()).unwrap();
    let saml = SamlSettings {
        entity_id: theirs.entity_id.clone(),
        sso_url: theirs.sso_url.clone(),
        binding: theirs.sso_binding,
        sign_requests: theirs.wants_signed_requests,
        ..saml
    };
    let settings = connections::Settings {
        name: "Acme SAML".into(),
        slug: "acme-saml".into(),
        ..connections::Settings::default()
    };
    let wanted = Wanted {
        settings: &settings,
        saml: &saml,
        certificates: &theirs.certificates,
    };
    let key = SpKey::generate("vestibule", site.now()).unwrap();
    let old = acme.connection();
    let made = acme.write(|conn, now| {
        let actor = Actor::operator();
        let made = create(conn, now, &actor, &site.sealer, &acme.organization, &wanted, &key)?;
        let made = connections::actions::set_jit(conn, now, &actor, &made, false)?;
        let made = connections::actions::set_state(conn, now, &actor, &made, State::On)?;
        connections::actions::set_state(conn, now, &actor, &old, State::Off)?;
        Ok(made.id)
    });
    acme.run(&format!(
        "INSERT INTO connection_domains (connection_id, domain_id) SELECT '{made}', id FROM domains"
    ));
    made
}

fn tess(groups: &Value) -> Value {
    json!({ "tess": { "mail": ["Tess@acme.example"], "givenName": ["Tess"], "sn": ["Novak"], "groups": groups } })
}

/// Denied, invited, in.
async fn with_jit_off(db: Database, make: Make) {
    let door = Door::open(db, make, &tess(&json!(["staff"]))).await;
    let acme = &door.acme;
    let browser = door.comes("tess").await;
    browser.sees("Access denied").sees("the IT desk");
    assert_eq!(browser.status(), 403);
    assert!(browser.cookie("vestibule_session").is_none());
    let account = "accounts WHERE email_key = 'tess@acme.example' AND full_name = 'Tess Novak'";
    assert_eq!(acme.count(account), 1);
    assert_eq!(acme.count("members"), 1, "the owner alone");

    acme.invite("tess@acme.example");
    let browser = door.comes("tess").await;
    browser.sees("Tess Novak");
    assert_eq!((browser.status(), browser.path()), (200, "/orgs/acme"));
    door.comes("tess").await.sees("Tess Novak");
    let reasons: Vec<_> = acme.sign_ins().into_iter().map(|record| record.reason).collect();
    assert_eq!(reasons, ["not_invited", "invitation", "member"]);
}

/// In at once, in the teams that the groups stand for.
async fn with_jit_on(db: Database, make: Make) {
    let mut door = Door::open(db, make, &tess(&json!(["g-eng", "unknown"]))).await;
    door.acme.jit(true);
    let connection = door.acme.connection();
    door.acme.write(|conn, now| {
        let actor = Actor::operator();
        let mut table = Vec::new();
        for name in ["eng", "ops"] {
            let team = teams::actions::create(conn, now, &actor, &door.acme.organization, name)?;
            table.push(MappedGroup {
                group: format!("g-{name}"),
                team,
                role: Role::Member,
            });
        }
        groups::actions::set(conn, now, &actor, &connection, &table)
    });
    door.comes("tess").await.sees("Tess Novak");
    assert_eq!(door.acme.teams_of("tess@acme.example"), ["eng by mapping"]);
    door.provider.set_people(&tess(&json!(["g-ops"])));
    door.comes("tess").await.sees("Tess Novak");
    assert_eq!(door.acme.teams_of("tess@acme.example"), ["ops by mapping"]);
}

/// However much of it is signed and hidden.
async fn however(db: Database, make: Make, ways: &[Value]) {
    let mut door = Door::open_with(db, make, &tess(&json!([])), |_, saml| saml.allow_cbc = true).await;
    door.acme.jit(true);
    for way in ways {
        door.provider.change(way);
        let browser = door.comes("tess").await;
        assert!(browser.text().contains("Tess Novak"), "{way}: {}", browser.text());
    }
}

/// Hidden by AES-CBC, where nobody said that this is wanted.
async fn refused_as_cbc(db: Database, make: Make, way: &Value) {
    let mut door = Door::open(db, make, &tess(&json!([]))).await;
    door.acme.jit(true);
    door.provider.change(way);
    let before = Before::of(&door.acme);
    let browser = door.comes("tess").await;
    let record = before.stays_outside(&door.acme, &browser, "AES-CBC");
    assert_eq!(record.reason, "encryption");
}

/// A provider that takes signed requests only, and says so.
async fn with_signed_requests(db: Database, make: Make) {
    let people = tess(&json!([]));
    let door = Door::open_with(db, make, &people, |provider, _| {
        provider.change(&json!({ "demands": true }));
    })
    .await;
    door.acme.jit(true);
    door.comes("tess").await.sees("Tess Novak");
}

/// A sign-in that began there: refused with the right start offered, or let in where that was turned on.
async fn unasked(db: Database, make: Make, wanted: bool) {
    let people = tess(&json!([]));
    let door = Door::open_with(db, make, &people, |_, saml| saml.idp_initiated = wanted).await;
    door.acme.jit(true);
    let before = Before::of(&door.acme);
    let mut browser = Browser::new();
    browser
        .get(&door.provider.unasked(&door.entity_id(), "tess"))
        .await;
    if make == Make::SimpleSamlPhp {
        door.provider.sign_in(&mut browser, "tess").await;
    } else {
        door.provider.go_back(&mut browser).await;
    }
    if wanted {
        browser.sees("Tess Novak");
        return;
    }
    let record = before.stays_outside(&door.acme, &browser, "unasked");
    assert_eq!(record.reason, "unsolicited");
    // The page's own way in works: the person is known at the provider by now, or says who they are once more.
    browser.click("Start here").await;
    if browser.body().contains("Going back") || browser.body().contains("POST data") {
        door.provider.go_back(&mut browser).await;
    } else {
        door.provider.sign_in(&mut browser, "tess").await;
    }
    browser.sees("Tess Novak");
}

/// For a sensitive act it asks again, although it knows the person, and says when they proved themselves.
async fn asked_again(db: Database, make: Make) {
    let door = Door::open(db, make, &tess(&json!([]))).await;
    let acme = &door.acme;
    acme.join("tess@acme.example", "Tess Novak", Role::Owner);
    let edit = acme.to(&format!("/connections/{}/edit", acme.connection));
    let mut tess = door.comes("tess").await;
    assert_eq!(
        tess.get(&edit).await.url().as_str(),
        edit,
        "a sign-in says when it was"
    );
    acme.run("UPDATE sessions SET proved_at = 0");
    if make == Make::SimpleSamlPhp {
        // It knows her by now, and does not ask unless it has to.
        tess.get(&door.start()).await;
        door.provider.go_back(&mut tess).await.sees("Tess Novak");
        acme.run("UPDATE sessions SET proved_at = 0");
    }
    tess.get(&edit).await.sees("Is it still you?");
    tess.click("Sign in again by Acme SAML").await;
    door.provider.sign_in(&mut tess, "tess").await;
    assert_eq!(tess.url().as_str(), edit);
    assert_eq!(tess.get(&edit).await.url().as_str(), edit);
}

both_databases! {
    /// SAML-055.
    async fn simplesamlphp_asks_again_for_a_sensitive_act(db: Database) {
        asked_again(db, Make::SimpleSamlPhp).await;
    }

    /// SAML-055.
    async fn pysaml2_asks_again_for_a_sensitive_act(db: Database) {
        asked_again(db, Make::PySaml2).await;
    }

    async fn simplesamlphp_with_just_in_time_off(db: Database) {
        with_jit_off(db, Make::SimpleSamlPhp).await;
    }

    async fn simplesamlphp_with_just_in_time_on(db: Database) {
        with_jit_on(db, Make::SimpleSamlPhp).await;
    }

    /// SAML-001, SAML-057.
    async fn simplesamlphp_signs_and_hides(db: Database) {
        let ways = [
            json!({ "signed": "assertion" }),
            json!({ "signed": "response" }),
            json!({ "encrypted": true }),
            json!({ "encrypted": true, "signed": "assertion" }),
            json!({ "encrypted": true, "signed": "both" }),
        ];
        however(db, Make::SimpleSamlPhp, &ways).await;
    }

    /// SAML-058.
    async fn simplesamlphp_hides_in_a_way_that_is_refused_at_first(db: Database) {
        refused_as_cbc(db, Make::SimpleSamlPhp, &json!({ "encrypted": true })).await;
    }

    /// SAML-069.
    async fn simplesamlphp_takes_our_signed_requests(db: Database) {
        with_signed_requests(db, Make::SimpleSamlPhp).await;
    }

    /// SAML-043.
    async fn simplesamlphp_begins_unasked(db: Database) {
        unasked(db, Make::SimpleSamlPhp, false).await;
    }

    /// SAML-044.
    async fn simplesamlphp_begins_where_that_is_wanted(db: Database) {
        unasked(db, Make::SimpleSamlPhp, true).await;
    }

    async fn pysaml2_with_just_in_time_off(db: Database) {
        with_jit_off(db, Make::PySaml2).await;
    }

    async fn pysaml2_with_just_in_time_on(db: Database) {
        with_jit_on(db, Make::PySaml2).await;
    }

    /// SAML-001, SAML-057.
    async fn pysaml2_signs_and_hides(db: Database) {
        let ways = [
            json!({ "signed": "assertion" }),
            json!({ "signed": "response" }),
            json!({ "encrypted": "aes256-gcm" }),
            json!({ "encrypted": "aes128-gcm", "signed": "assertion" }),
            json!({ "encrypted": "aes128-gcm", "signed": "response" }),
            json!({ "encrypted": "aes128-gcm", "signed": "both" }),
            json!({ "encrypted": "aes128-cbc", "signed": "both" }),
        ];
        however(db, Make::PySaml2, &ways).await;
    }

    /// SAML-058.
    async fn pysaml2_hides_in_a_way_that_is_refused_at_first(db: Database) {
        refused_as_cbc(db, Make::PySaml2, &json!({ "encrypted": "aes128-cbc" })).await;
    }

    /// SAML-069.
    async fn pysaml2_takes_our_signed_requests(db: Database) {
        with_signed_requests(db, Make::PySaml2).await;
    }

    /// SAML-043.
    async fn pysaml2_begins_unasked(db: Database) {
        unasked(db, Make::PySaml2, false).await;
    }

    /// SAML-044.
    async fn pysaml2_begins_where_that_is_wanted(db: Database) {
        unasked(db, Make::PySaml2, true).await;
    }

    /// What a provider may get wrong: nobody comes in, and the record names the check.
    /// SAML-012, SAML-014, SAML-027, SAML-039, SAML-040, SAML-041, SAML-042, SAML-047.
    async fn pysaml2_gets_it_wrong(db: Database) {
        let mut door = Door::open(db, Make::PySaml2, &tess(&json!([]))).await;
        door.acme.jit(true);
        for fault in [
            "unsigned", "wrong_key", "sha1", "expired", "not_yet_valid", "wrong_audience", "wrong_destination",
            "wrong_recipient", "wrong_in_response_to",
        ] {
            door.provider.change(&json!({ "fault": fault }));
            let before = Before::of(&door.acme);
            let browser = door.comes("tess").await;
            let record = before.stays_outside(&door.acme, &browser, fault);
            let reason = match fault {
                "wrong_key" => "signature",
                "sha1" => "algorithm",
                "not_yet_valid" => "not_yet",
                other => other.trim_start_matches("wrong_"),
            };
            assert_eq!(record.reason, reason, "{fault}: {record:#?}");
        }
        door.provider.change(&json!({ "fault": "no_email" }));
        let browser = door.comes("tess").await;
        browser.sees("Access denied");
        let record = door.acme.sign_ins().pop().unwrap();
        assert!(record.trace_json.contains("The identity provider sent no e-mail address."), "{record:#?}");
        door.provider.change(&json!({ "fault": null }));
        door.comes("tess").await.sees("Tess Novak");
    }
}
