//! `vestibule apply`: what a file describes is brought about, once.

use std::collections::BTreeMap;
use std::path::PathBuf;

use diesel::{
    Connection as _, PgConnection, QueryableByName, RunQueryDsl as _, SqliteConnection, sql_query, sql_types,
};
use tempfile::TempDir;
use vestibule::access::EmailAddress;
use vestibule::connections::{self, Connection, State};
use vestibule::store::id;
use vestibule::web::Site;
use vestibule::{accounts, apply, groups, invitations, members, orgs, seats, teams};

use crate::support::Installation;

/// The whole form.
const ACME: &str = r#"[[organization]]
slug = "acme"
name = "Acme"
contact = "it@acme.example"
seats = 50                      # absent: no limit
teams = ["engineering", "sales"]
  [[organization.owner]]
  email = "olive@acme.example"
  password_env = "OLIVE_PASSWORD"   # or password_file
  [[organization.domain]]
  name = "acme.example"
  vouched = true                # the operator answers for it; else it waits for its TXT record
  [[organization.connection]]
  slug = "okta"
  protocol = "oidc"
  issuer = "http://127.0.0.1:9000"
  client_id = "vestibule"
  client_secret_env = "OKTA_SECRET"
  domains = ["acme.example"]
  jit = false
  scim = false
  default_team = "engineering"
  groups_claim = "groups"
  state = "on"                  # draft, on, off
    [[organization.connection.mapping]]
    group = "eng"
    team = "engineering"
  [[organization.invitation]]
  email = "ivan@acme.example"
  role = "member"
  teams = ["engineering"]
"#;

const PASSWORD: &str = "correct horse battery";
const SECRET: &str = "s3cret-of-okta";

/// A file and the environment that it is applied in.
struct File {
    folder: TempDir,
    env: BTreeMap<String, String>,
}

impl File {
    fn of(text: &str) -> Self {
        let env = [("OLIVE_PASSWORD", PASSWORD), ("OKTA_SECRET", SECRET)];
        let file = Self {
            folder: tempfile::tempdir().unwrap(),
            env: env
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
        };
        file.write("acme.toml", text);
        file
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("acme.toml")
    }

    fn apply(&self, site: &Site) -> Vec<String> {
        self.run(site, false).unwrap_or_else(|error| panic!("{error}"))
    }

    fn rehearse(&self, site: &Site) -> Vec<String> {
        self.run(site, true).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The refusal, without the file's name in front.
    fn refused(&self, site: &Site) -> String {
        let told = self.run(site, false).unwrap_err().to_string();
        told.replace(&format!("{}:", self.path().display()), "")
    }

    fn run(&self, site: &Site, dry_run: bool) -> Result<Vec<String>, apply::ApplyError> {
        apply::run(site, &self.path(), &|name| self.env.get(name).cloned(), dry_run)
    }
}

#[derive(QueryableByName)]
struct Text {
    #[diesel(sql_type = sql_types::Text)]
    text: String,
}

/// Every row of every table.
fn everything(site: &Site) -> BTreeMap<String, Vec<String>> {
    let url = &site.config.database_url;
    if url.starts_with("postgres") {
        let mut conn = PgConnection::establish(url).unwrap();
        let mut ask = |sql: &str| texts(sql_query(sql).load(&mut conn).unwrap());
        let tables = ask("SELECT tablename::text AS text FROM pg_tables WHERE schemaname = current_schema()");
        let rows = |name: String| {
            let rows = ask(&format!("SELECT t::text AS text FROM {name} t ORDER BY 1"));
            (name, rows)
        };
        tables.into_iter().map(rows).collect()
    } else {
        let mut conn = SqliteConnection::establish(url).unwrap();
        let mut ask = |sql: &str| texts(sql_query(sql).load(&mut conn).unwrap());
        let tables = ask("SELECT name AS text FROM sqlite_master WHERE type = 'table'");
        let rows = |name: String| {
            let columns = ask(&format!(
                "SELECT 'quote(' || name || ')' AS text FROM pragma_table_info('{name}')"
            ));
            let rows = ask(&format!(
                "SELECT {} AS text FROM {name} ORDER BY 1",
                columns.join(" || '|' || ")
            ));
            (name, rows)
        };
        tables.into_iter().map(rows).collect()
    }
}

fn texts(rows: Vec<Text>) -> Vec<String> {
    rows.into_iter().map(|row| row.text).collect()
}

fn okta(site: &Site) -> Connection {
    site.store
        .read(|conn| connections::find_by_slugs(conn, "acme", "okta"))
        .unwrap()
        .unwrap()
}

fn acme(site: &Site) -> orgs::Organization {
    site.store
        .read(|conn| orgs::find_by_slug(conn, "acme"))
        .unwrap()
        .unwrap()
}

fn olive(site: &Site) -> accounts::Account {
    let email = EmailAddress::parse("olive@acme.example").unwrap();
    site.store
        .read(|conn| accounts::find_by_email(conn, &email))
        .unwrap()
        .unwrap()
}

both_databases! {
    /// The whole form is brought about, by the verbs that the pages use.
    async fn an_installation_is_made_from_a_file(db: Database) {
        let installation = Installation::start(db);
        let site = &installation.site;
        let lines = File::of(ACME).apply(site);
        let (invited, others): (Vec<_>, Vec<_>) = lines.into_iter().partition(|line| line.contains("invitation"));
        assert_eq!(others, [
            "acme: organization created",
            "acme: team engineering created",
            "acme: team sales created",
            "acme: olive@acme.example made an owner",
            "acme: password of olive@acme.example set",
            "acme: domain acme.example added",
            "acme: domain acme.example vouched for",
            "acme: connection okta created",
            "acme: connection okta: domain acme.example attached",
            "acme: connection okta: table of groups set (1 line)",
            "acme: connection okta: just-in-time provisioning turned off",
            "acme: connection okta: turned on",
        ]);
        let start = format!("acme: invitation for ivan@acme.example: {}/invitation/", installation.url);
        let token = invited[0].strip_prefix(&start).unwrap_or_else(|| panic!("{invited:?}"));
        let hash = id::hash_token(token);
        let invitation = site.store.read(|conn| invitations::by_token(conn, &hash)).unwrap().unwrap();
        assert_eq!(invitation.email, "ivan@acme.example");
        assert_eq!(invitation.teams[0].name, "engineering");

        let (organization, connection, olive) = (acme(site), okta(site), olive(site));
        assert_eq!(organization.settings.seats, Some(50));
        assert_eq!(organization.settings.contact, "it@acme.example");
        assert!(accounts::verify(PASSWORD, olive.password_hash.as_deref()));
        assert_eq!((connection.state, connection.jit, connection.scim), (State::On, false, false));
        let place = connections::secret_place(&connection.id);
        assert_eq!(site.sealer.open(&place, &connection.client_secret_sealed).unwrap(), SECRET);
        let (member, table, team, used, ways) = site.store.read(|conn| -> vestibule::store::Result<_> {
            Ok((
                members::find_by_account(conn, &organization.id, &olive.id)?.unwrap(),
                groups::mapping(conn, &connection.id)?,
                teams::find_by_name(conn, &organization.id, "engineering")?.unwrap(),
                seats::count(conn, &organization.id, site.now())?,
                connections::for_domain(conn, "acme.example")?,
            ))
        }).unwrap();
        assert_eq!((member.role.as_str(), member.state), ("owner", members::State::Active));
        assert_eq!((table[0].group.as_str(), &table[0].team), ("eng", &team.id));
        assert_eq!(connection.default_team, Some(team.id));
        assert_eq!((used.members, used.invited), (1, 1));
        assert_eq!(ways, [connection]);
    }

    /// Applied again, nothing is touched: not a row, not a version, no audit entry.
    async fn a_file_applied_twice_changes_nothing(db: Database) {
        let installation = Installation::start(db);
        let (site, file) = (&installation.site, File::of(ACME));
        file.apply(site);
        let before = everything(site);
        assert_eq!(file.apply(site), ["Nothing to change."]);
        assert_eq!(file.rehearse(site), ["Nothing to change."]);
        assert_eq!(everything(site), before);
    }

    /// A dry run says the same and leaves no trace, on an empty installation and on one that differs.
    async fn a_dry_run_writes_nothing(db: Database) {
        let installation = Installation::start(db);
        let (site, file) = (&installation.site, File::of(ACME));
        let before = everything(site);
        let lines = file.rehearse(site);
        assert_eq!(everything(site), before);
        assert!(lines[0].starts_with("This is a dry run."), "{lines:?}");
        assert_eq!(lines.len(), 14);
        assert!(!lines.concat().contains("/invitation/"), "{lines:?}");
        file.apply(site);
        let before = everything(site);
        file.write("acme.toml", &ACME.replace("seats = 50", "seats = 60").replace("jit = false", "jit = true"));
        assert_eq!(file.rehearse(site)[1..], [
            "acme: seats changed from “50” to “60”",
            "acme: connection okta: just-in-time provisioning turned on",
        ]);
        assert_eq!(everything(site), before);
    }

    /// What differs is changed, and told.
    async fn a_change_of_one_field_is_the_only_change(db: Database) {
        let installation = Installation::start(db);
        let (site, mut file) = (&installation.site, File::of(ACME));
        file.apply(site);
        let changes = [
            ("name = \"Acme\"", "name = \"Acme Inc.\"", "acme: name changed from “Acme” to “Acme Inc.”"),
            ("it@acme", "help@acme", "acme: contact changed from “it@acme.example” to “help@acme.example”"),
            ("seats = 50 ", "", "acme: seats changed from “50” to “no limit”"),
            ("\"sales\"]", "\"sales\", \"legal\"]", "acme: team legal created"),
            ("/127.0.0.1:9000", "/127.0.0.1:9001", "acme: connection okta: issuer changed from “http://127.0.0.1:9000” to “http://127.0.0.1:9001”"),
            ("jit = false", "jit = true", "acme: connection okta: just-in-time provisioning turned on"),
            ("scim = false", "scim = true", "acme: connection okta: SCIM turned on"),
            ("scim = true", "scim = true\nenforce = true", "acme: connection okta: enforcement turned on"),
            ("default_team = \"engineering\"", "default_team = \"sales\"", "acme: connection okta: default team changed"),
            ("default_team = \"sales\"", "default_team = \"\"", "acme: connection okta: default team changed"),
            ("groups_claim = \"groups\"", "groups_claim = \"roles\"", "acme: connection okta: groups claim changed from “groups” to “roles”"),
            ("group = \"eng\"", "group = \"engineers\"", "acme: connection okta: table of groups set (1 line)"),
            ("state = \"on\"", "state = \"off\"", "acme: connection okta: turned off"),
            ("name = \"acme.example\"", "name = \"acme.test\"", "acme: domain acme.test added"),
        ];
        let mut text = ACME.to_owned();
        for (old, new, line) in changes {
            assert!(text.contains(old), "{old}");
            text = text.replacen(old, new, 1);
            file.write("acme.toml", &text);
            let lines = file.apply(site);
            assert!(lines.iter().any(|told| told == line), "{line}\n{lines:?}");
            let more = usize::from(line.contains("issuer") || line.contains("domain"));
            assert_eq!(lines.len(), 1 + more, "{lines:?}");
            assert_eq!(file.apply(site), ["Nothing to change."]);
        }
        file.env.insert("OKTA_SECRET".into(), "another secret".into());
        assert_eq!(file.apply(site), ["acme: connection okta: client secret changed"]);
        file.env.insert("OLIVE_PASSWORD".into(), "another good password".into());
        assert_eq!(file.apply(site), ["acme: password of olive@acme.example set"]);
        assert!(accounts::verify("another good password", olive(site).password_hash.as_deref()));
        assert_eq!(file.apply(site), ["Nothing to change."]);
    }

    /// What the file no longer mentions stays, and what it never mentioned stays as it was set elsewhere.
    async fn nothing_is_removed(db: Database) {
        let installation = Installation::start(db);
        let (site, file) = (&installation.site, File::of(ACME));
        file.apply(site);
        file.write("acme.toml", "[[organization]]\nslug = \"acme\"\nname = \"Acme\"\nseats = 50\n");
        let before = everything(site);
        assert_eq!(file.apply(site), ["Nothing to change."]);
        file.write("acme.toml", "");
        assert_eq!(file.apply(site), ["Nothing to change."]);
        assert_eq!(everything(site), before);
    }

    /// The table of groups is replaced as a whole, also by an empty one.
    async fn the_table_of_groups_is_replaced(db: Database) {
        let installation = Installation::start(db);
        let (site, file) = (&installation.site, File::of(ACME));
        file.apply(site);
        let (start, rest) = ACME.split_once("    [[organization.connection.mapping]]").unwrap();
        let invitation = rest.split_once("  [[organization.invitation]]").unwrap().1;
        let text = format!("{start}mapping = []\n[[organization.invitation]]{invitation}");
        file.write("acme.toml", &text);
        assert_eq!(file.apply(site), ["acme: connection okta: table of groups set (0 lines)"]);
        let connection = okta(site);
        let table = site.store.read(|conn| groups::mapping(conn, &connection.id)).unwrap();
        assert!(table.is_empty());
    }

    /// An invitation that promises something else is made anew; its old link dies.
    async fn an_invitation_that_differs_is_made_anew(db: Database) {
        let installation = Installation::start(db);
        let (site, file) = (&installation.site, File::of(ACME));
        file.apply(site);
        file.write("acme.toml", &ACME.replace("role = \"member\"", "role = \"admin\""));
        let lines = file.apply(site);
        assert!(lines[0].starts_with("acme: invitation for ivan@acme.example: http"), "{lines:?}");
        assert_eq!(file.apply(site), ["Nothing to change."]);
        let organization = acme(site);
        let seats = site.store.read(|conn| seats::count(conn, &organization.id, site.now())).unwrap();
        assert_eq!(seats.invited, 1);
    }

    /// An owner who was taken out in the pages does not come back by a file that runs every night.
    async fn a_removed_owner_stays_removed(db: Database) {
        let installation = Installation::start(db);
        let (site, file) = (&installation.site, File::of(ACME));
        file.apply(site);
        let second = "  [[organization.owner]]\n  email = \"otto@acme.example\"\n";
        file.write("acme.toml", &format!("{ACME}{second}"));
        assert_eq!(file.apply(site), ["acme: otto@acme.example made an owner"]);
        let (organization, olive) = (acme(site), olive(site));
        site.store.write_in(&organization.id, |conn| {
            let member = members::find_by_account(conn, &organization.id, &olive.id)?.unwrap();
            let doer = members::Doer::operator();
            members::actions::remove(conn, site.now(), &doer, &organization.id, &member.id, member.version)
        }).unwrap();
        assert_eq!(file.apply(site), [
            "acme: olive@acme.example was left removed, and is no owner",
            "Nothing to change.",
        ]);
    }

    /// A mistake names file, line and field, and nothing has happened: not even what stands above it.
    async fn a_mistake_names_its_place_and_changes_nothing(db: Database) {
        let installation = Installation::start(db);
        let (site, file) = (&installation.site, File::of(ACME));
        let before = everything(site);
        let mistakes = [
            ("slug = \"acme\"", "slug = \"Acme!\"", "2: organization.slug: Use 1 to 40"),
            ("name = \"Acme\"", "name = \"\"", "3: organization.name: Write a name"),
            ("name = \"Acme\"\n", "", "1: organization.name: missing field “name”"),
            ("seats = 50", "seats = -1", "5: organization.seats: Write a whole number"),
            ("seats = 50", "seats = \"50\"", "5: organization.seats: invalid type"),
            ("seats = 50", "sets = 50", "5: organization.sets: unknown field “sets”"),
            ("seats = 50", "seats = ", "5: organization.seats: "),
            ("seats = 50", "invitation_days = 0", "5: organization.invitation_days: Write a number of days"),
            ("[\"engineering\", \"sales\"]", "[\"engineering\", \"\"]", "6: organization.teams: Write the team’s name"),
            ("olive@acme.example", "olive", "8: organization.owner.email: An e-mail address has an @"),
            ("\"OLIVE_PASSWORD\"", "\"OTTO_PASSWORD\"", "9: organization.owner.password_env: The environment variable OTTO_PASSWORD is not set"),
            ("password_env = \"OLIVE_PASSWORD\"", "password_file = \"absent\"", "9: organization.owner.password_file: "),
            ("password_env = \"OLIVE_PASSWORD\"", "password = \"hunter2hunter2\"", "9: organization.owner.password: unknown field"),
            ("name = \"acme.example\"", "name = \"https://acme.example\"", "11: organization.domain.name: "),
            ("name = \"acme.example\"", "name = \"gmail.com\"", "11: organization.domain.name: Anybody can have an address"),
            ("slug = \"okta\"", "slug = \"ok ta\"", "14: organization.connection.slug: "),
            ("protocol = \"oidc\"", "protocol = \"saml\"", "15: organization.connection.protocol: A SAML connection needs its provider"),
            ("protocol = \"oidc\"", "protocol = \"ldap\"", "15: organization.connection.protocol: “ldap” is no protocol"),
            ("issuer = \"http://127.0.0.1:9000\"", "metadata_file = \"idp.xml\"", "14: organization.connection.issuer: The connection “okta” needs it"),
            ("issuer = \"http://127.0.0.1:9000\"", "issuer = \"okta\"", "16: organization.connection.issuer: Copy the issuer"),
            ("issuer = \"http://127.0.0.1:9000\"", "issuer = \"ldap://okta\"", "16: organization.connection.issuer: Copy the issuer"),
            ("client_id = \"vestibule\"", "client_id = \"\"", "17: organization.connection.client_id: Don’t leave it empty"),
            ("domains = [\"acme.example\"]", "domains = [\"acme.test\"]", "19: organization.connection.domains: acme has no domain acme.test"),
            ("jit = false", "jit = \"no\"", "20: organization.connection.jit: invalid type"),
            ("default_team = \"engineering\"", "default_team = \"legal\"", "22: organization.connection.default_team: acme has no team “legal”"),
            ("default_team = \"engineering\"", "default_role = \"owner\"", "22: organization.connection.default_role: No connection makes owners"),
            ("state = \"on\"", "state = \"live\"", "24: organization.connection.state: Write \"draft\""),
            ("group = \"eng\"", "group = \"\"", "26: organization.connection.mapping.group: "),
            ("team = \"engineering\"\n  [[organization.invitation]]", "team = \"legal\"\n  [[organization.invitation]]", "27: organization.connection.mapping.team: acme has no team “legal”"),
            ("ivan@acme.example", "ivan@", "29: organization.invitation.email: "),
            ("role = \"member\"", "role = \"boss\"", "30: organization.invitation.role: Write \"member\""),
            ("teams = [\"engineering\"]", "teams = [\"legal\"]", "31: organization.invitation.teams: acme has no team “legal”"),
            ("seats = 50", "seats = 1", "29: organization.invitation.email: 1 seat is needed"),
        ];
        for (old, new, told) in mistakes {
            assert!(ACME.contains(old), "{old}");
            file.write("acme.toml", &ACME.replacen(old, new, 1));
            let error = file.refused(site);
            assert!(error.starts_with(told), "{new}\n{error}");
            assert!(!error.contains("hunter2") && !error.contains(SECRET) && !error.contains(PASSWORD), "{error}");
            assert_eq!(everything(site), before, "{new}");
        }
    }

    /// A SAML connection is made from its metadata or by hand, and applying the file again changes nothing.
    async fn a_saml_connection_is_described_and_made_once(db: Database) {
        let installation = Installation::start(db);
        let site = &installation.site;
        let made = |name: &str| {
            let key = vestibule::saml::SpKey::generate(name, site.now()).unwrap();
            vestibule::saml::Certificate::from_der(key.certificate).unwrap()
        };
        let (one, two) = (made("one"), made("two"));
        let by_hand = format!(
            "[[organization]]\nslug = \"acme\"\nname = \"Acme\"\n[[organization.connection]]\nslug = \"saml\"\n\
             protocol = \"saml\"\nentity_id = \"idp\"\nsso_url = \"https://idp.example/sso\"\n\
             certificates = [\"idp.pem\", \"{}\"]\nattributes = {{ email = \"mail\" }}\nidp_initiated = true\n\
             state = \"on\"\n",
            two.base64()
        );
        let file = File::of(&by_hand);
        file.write("idp.pem", &one.pem());
        let lines = file.apply(site);
        assert!(lines.iter().any(|line| line.contains("connection saml created")), "{lines:?}");
        assert_eq!(file.apply(site), ["Nothing to change."]);
        let (settings, certificates) = site.store.read(|conn| -> vestibule::store::Result<_> {
            let known = connections::find_by_slugs(conn, "acme", "saml")?.unwrap();
            assert_eq!(known.state, State::On);
            let settings = connections::saml::find(conn, &known.id)?.unwrap();
            Ok((settings, connections::saml::certificates(conn, &known.id)?))
        }).unwrap();
        assert_eq!((settings.entity_id.as_str(), settings.attributes.email.as_str()), ("idp", "mail"));
        assert!(settings.idp_initiated && certificates.len() == 2);

        file.write("acme.toml", &by_hand.replace("\"idp.pem\", ", ""));
        let lines = file.apply(site);
        assert!(lines.iter().any(|line| line.contains("certificates changed")), "{lines:?}");
        for (old, new, told) in [
            ("idp_initiated", "issuer = \"https://x\"\nidp_initiated", "belongs to an OpenID Connect connection"),
            ("entity_id", "metadata_url = \"https://idp.example/m\"\nentity_id", "Keep one"),
            ("\"idp.pem\"", "\"acme.toml\"", "certificate"),
            ("sso_url = \"https", "sso_url = \"javascript", "sign-on address"),
        ] {
            file.write("acme.toml", &by_hand.replacen(old, new, 1));
            let error = file.refused(site);
            assert!(error.contains(told), "{told}: {error}");
        }
    }

    /// Mistakes that can be seen together are told together.
    async fn every_mistake_is_told(db: Database) {
        let installation = Installation::start(db);
        let file = File::of(&ACME.replace("olive@", "olive").replace("state = \"on\"", "state = \"live\""));
        let told = file.refused(&installation.site);
        let lines: Vec<&str> = told.lines().collect();
        assert!(lines.len() == 2 && lines[0].starts_with("8: ") && lines[1].starts_with("24: "), "{told}");
    }

    /// A weak password is refused where it is named, and not repeated.
    async fn a_weak_password_is_refused(db: Database) {
        let installation = Installation::start(db);
        let mut file = File::of(ACME);
        file.env.insert("OLIVE_PASSWORD".into(), "hunter2".into());
        let told = file.refused(&installation.site);
        assert!(told.starts_with("9: organization.owner.password_env: Use at least 12 characters"), "{told}");
        assert!(!told.contains("hunter2"), "{told}");
    }

    /// Files with secrets stand beside the file.
    async fn secrets_come_from_files_too(db: Database) {
        let installation = Installation::start(db);
        let (site, file) = (&installation.site, File::of(&ACME
            .replace("password_env = \"OLIVE_PASSWORD\"", "password_file = \"olive.txt\"")
            .replace("client_secret_env = \"OKTA_SECRET\"", "client_secret_file = \"okta.txt\"")));
        file.write("olive.txt", "correct horse battery\n");
        file.write("okta.txt", "from a file\n");
        file.apply(site);
        let connection = okta(site);
        let place = connections::secret_place(&connection.id);
        assert_eq!(site.sealer.open(&place, &connection.client_secret_sealed).unwrap(), "from a file");
        assert!(accounts::verify(PASSWORD, olive(site).password_hash.as_deref()));
    }

    /// No secret is printed, written to the audit log or kept in the clear anywhere.
    /// SEC-001.
    async fn no_secret_is_shown(db: Database) {
        let installation = Installation::start(db);
        let (site, file) = (&installation.site, File::of(ACME));
        let shown = format!("{:?}{:?}{:?}", file.rehearse(site), file.apply(site), everything(site));
        assert!(!shown.contains(PASSWORD) && !shown.contains(SECRET));
        let read = apply::read(&file.path(), &|name| file.env.get(name).cloned()).unwrap();
        let shown = format!("{read:?}");
        assert!(!shown.contains(PASSWORD) && !shown.contains(SECRET), "{shown}");
    }

    /// The old secret of one provider is never sent to another.
    async fn another_issuer_wants_its_own_secret(db: Database) {
        let installation = Installation::start(db);
        let (site, file) = (&installation.site, File::of(ACME));
        file.apply(site);
        file.write("acme.toml", &ACME.replace(":9000", ":9001").replace("client_secret_env = \"OKTA_SECRET\"", ""));
        let told = file.refused(site);
        assert!(told.starts_with("16: organization.connection.issuer: The issuer differs."), "{told}");
    }

    /// The command itself: lines on standard output, mistakes on standard error, a failure's exit code.
    async fn the_command_prints_and_fails_properly(db: Database) {
        let (file, key) = (File::of(ACME), tempfile::tempdir().unwrap());
        let run = |arguments: &[&str], password: &str| {
            let output = std::process::Command::new(env!("CARGO_BIN_EXE_vestibule"))
                .arg("apply")
                .arg(file.path())
                .args(arguments)
                .env("DATABASE_URL", db.url())
                .env("VESTIBULE_KEY_FILE", key.path().join("key"))
                .env("OKTA_SECRET", SECRET)
                .env("OLIVE_PASSWORD", password)
                .output()
                .unwrap();
            let text = |bytes| String::from_utf8(bytes).unwrap();
            (output.status.success(), text(output.stdout), text(output.stderr))
        };
        let (done, out, err) = run(&["--dry-run"], PASSWORD);
        assert!(done && out.contains("acme: team engineering created\n"), "{out}{err}");
        let (done, out, err) = run(&[], "");
        assert!(!done && out.is_empty(), "{out}");
        let place = format!("{}:9: organization.owner.password_env: ", file.path().display());
        assert!(err.starts_with(&place), "{err}");
        let (done, out, err) = run(&[], PASSWORD);
        assert!(done && out.contains("acme: team engineering created\n"), "{out}{err}");
        let (done, out, err) = run(&[], PASSWORD);
        assert_eq!((done, out.as_str(), err.as_str()), (true, "Nothing to change.\n", ""));
    }
}
