//! How the databases mean to answer what the pages of lists ask: by an index, and never by reading whole tables.

use diesel::connection::SimpleConnection as _;
use diesel::sql_types::Text;
use diesel::{QueryableByName, RunQueryDsl as _};
use serde_json::json;
use vestibule::access::Role;
use vestibule::audit::Actor;
use vestibule::store::Conn;
use vestibule::teams;

use crate::support::{Acme, Directory};

/// What is large, and the letters by which statements of ours call it.
const LARGE: [&str; 16] = [
    "members",
    "m",
    "accounts",
    "account_words",
    "w",
    "invitations",
    "i",
    "sign_ins",
    "denials",
    "d",
    "audit_events",
    "team_members",
    "t",
    "scim_users",
    "sessions",
    "invitation_teams",
];

/// Every list, and what one filters and sorts it by.
fn lists(team: &str) -> Vec<String> {
    let lists = [
        "",
        "/members",
        "/members?after=m0.person",
        "/members?before=m9.person&sort=newest",
        "/members?sort=seen&role=admin",
        "/members?sort=unseen&source=jit&state=deactivated",
        "/members?q=person",
        "/members?q=ada+lovelace&role=member",
        "/members?directory=unmanaged",
        "/members?team=TEAM",
        "/members?team=TEAM&q=ada",
        "/teams",
        "/teams/TEAM",
        "/teams/TEAM?find=ada",
        "/invitations",
        "/invitations?after=9.x",
        "/invitations?state=pending",
        "/invitations?state=expired&before=9.x",
        "/invitations?state=revoked",
        "/invitations?q=ada",
        "/denied",
        "/denied?state=any&after=9.x",
        "/denied?reason=not_invited",
        "/denied?state=asking",
        "/denied?state=silent&before=9.x",
        "/denied?person=ada",
        "/sign-ins",
        "/sign-ins?after=9.x",
        "/sign-ins?outcome=rejected",
        "/sign-ins?email=ada@acme.example",
        "/audit",
        "/audit?after=0199",
        "/audit?subject=ada@acme.example",
    ];
    lists.iter().map(|list| list.replace("TEAM", team)).collect()
}

#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = Text)]
    detail: String,
}

/// How the database means to answer, whatever the values are.
pub fn plan(acme: &Acme, statement: &str) -> Vec<String> {
    let text = statement.split(" -- binds:").next().unwrap();
    let steps: Vec<Step> = acme.read(|conn| {
        Ok(match conn {
            Conn::Sqlite(conn) => diesel::sql_query(format!("EXPLAIN QUERY PLAN {text}")).load(conn)?,
            Conn::Postgres(conn) => {
                let values = (1..100).take_while(|n| text.contains(&format!("${n}"))).count();
                let nulls = vec!["NULL"; values].join(", ");
                let nulls = if values == 0 { String::new() } else { format!("({nulls})") };
                // Small tables are read whole whatever there is; with that made dear, it is done only where nothing else helps.
                conn.batch_execute(&format!(
                    "SET LOCAL enable_seqscan = off; SET LOCAL plan_cache_mode = force_generic_plan; PREPARE asked AS {text}"
                ))?;
                let plan = format!("SELECT detail FROM plan_of('EXPLAIN EXECUTE asked {nulls}') detail");
                let steps = diesel::sql_query(plan).load(conn)?;
                conn.batch_execute("DEALLOCATE asked")?;
                steps
            }
        })
    });
    steps.into_iter().map(|step| step.detail).collect()
}

/// The steps that read a large table from end to end.
fn scans(acme: &Acme, statement: &str) -> Vec<String> {
    let reads = |step: &String| {
        let whole = step.strip_prefix("SCAN ").or(step.split("Seq Scan on ").nth(1));
        let what = whole.and_then(|rest| rest.split(' ').next());
        what.is_some_and(|what| LARGE.contains(&what))
    };
    plan(acme, statement).into_iter().filter(reads).collect()
}

/// What EXPLAIN says has a name with a space in it, which diesel can't read: [`plan`] asks by this on PostgreSQL.
pub const PLAN_OF: &str = "CREATE FUNCTION plan_of(asked text) RETURNS SETOF text LANGUAGE plpgsql AS                        $$ BEGIN RETURN QUERY EXECUTE asked; END $$;";

both_databases! {
    /// No page of a list reads a table that may be large from its beginning to its end.
    /// ADM-016, RES-010.
    async fn lists_are_answered_by_indexes(db: Database) {
        let is_postgres = db.is_postgres();
        let acme = Acme::alone(db);
        if is_postgres {
            acme.run(PLAN_OF);
        }
        acme.join("ada@acme.example", "Ada Lovelace", Role::Member);
        acme.invite("ada2@acme.example");
        let team = acme.write(|conn, now| {
            teams::actions::create(conn, now, &Actor::operator(), &acme.organization, "Sales")
        });
        let mut olive = acme.owner().await;
        let (mut wrong, mut asked) = (Vec::new(), 0);
        for list in lists(&team) {
            acme.installation.site.store.statements().watch();
            olive.get(&acme.to(&list)).await;
            assert_eq!(olive.status(), 200, "{list}");
            for statement in acme.installation.site.store.statements().telling() {
                if statement.starts_with("SELECT") || statement.starts_with("WITH") {
                    asked += 1;
                    for step in scans(&acme, &statement) {
                        wrong.push(format!("{list}: {step}\n    {statement}"));
                    }
                }
            }
        }
        assert!(asked > 100, "only {asked} statements were looked at");
        assert!(wrong.is_empty(), "{} steps read everything:\n{}", wrong.len(), wrong.join("\n"));
    }

    /// Nor does a change of a few people of a group read all of the group, while PostgreSQL knows nothing of its size yet.
    /// RES-010.
    async fn people_of_a_group_are_looked_up_one_by_one(db: Database) {
        let is_postgres = db.is_postgres();
        let (acme, directory) = Directory::start(db);
        if is_postgres {
            acme.run(PLAN_OF);
        }
        let ada = directory.provision("ada@acme.example").await.id();
        let group = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "G" });
        let path = format!("/Groups/{}", directory.post("/Groups", &group).await.id());
        let mut asked = 0;
        for operation in ["add", "add", "remove", "remove"] {
            acme.installation.site.store.statements().watch();
            let change = json!([{ "op": operation, "path": "members", "value": [{ "value": ada }] }]);
            assert_eq!(directory.patch(&path, change).await.status, 200);
            for statement in acme.installation.site.store.statements().telling() {
                if statement.contains("FROM scim_group_members WHERE") && statement.contains("user_id") {
                    asked += 1;
                    let plan = plan(&acme, &statement);
                    let is_looked_up = |step: &String| {
                        step.contains("(group_id=? AND user_id=?)") || step.contains("(group_id = $1) AND (user_id = $2)")
                    };
                    assert!(plan.iter().any(is_looked_up), "{statement}\n{plan:#?}");
                }
            }
        }
        assert!(asked >= 4, "only {asked} statements were looked at");
    }
}
