//! Bits of the database’s file are flipped behind our back.

use vestibule::access::Role;
use vestibule::store::Store;
use vestibule::store::sealed::Sealer;
use vestibule::store::time::now;
use vestibule::upkeep::doctor;

use crate::support::{Acme, Database, Dice};

#[derive(diesel::QueryableByName)]
struct Entry {
    #[diesel(sql_type = diesel::sql_types::Text)]
    entry: String,
}

/// What the audit log says there, or nothing where it can’t be read. By what it is searched is no part of it.
fn log(store: &Store) -> Option<Vec<String>> {
    use diesel::RunQueryDsl as _;
    let entries: Result<Vec<Entry>, vestibule::store::DbError> = store.read(|conn| {
        diesel::sql_query(
            "SELECT id || coalesce(organization_id, '') || at || actor_kind || actor_id || actor_name || action \
             || subject_kind || subject_id || subject_name || ip || before_json || after_json AS entry \
             FROM audit_events ORDER BY chain, seq",
        )
        .load(conn)
    });
    entries
        .ok()
        .map(|entries| entries.into_iter().map(|one| one.entry).collect())
}

/// Whatever bit it is, nothing of ours breaks over it; and where the doctor has nothing to say, the audit log is whole,
/// word for word. (PostgreSQL has checksums of its own.)
/// FLT-026.
#[test]
fn a_flipped_bit_is_found_or_changes_no_record() {
    let acme = Acme::alone(Database::sqlite());
    for number in 0..40 {
        acme.join(
            &format!("p{number}@acme.example"),
            "Somebody With A Name",
            Role::Member,
        );
    }
    let folder = tempfile::tempdir().unwrap();
    let copy = |name: &str| folder.path().join(name);
    vacuum(&acme, &copy("whole.db").display().to_string());
    let bytes = std::fs::read(copy("whole.db")).unwrap();
    let sealer = Sealer::from_file(&acme.installation.site.config.key_file).unwrap();
    let whole = Store::open(copy("whole.db").to_str().unwrap()).unwrap();
    assert_eq!(doctor::examine(&whole, Ok(sealer.clone()), now()).unwrap(), []);
    let (wanted, mut dice, mut found) = (log(&whole), Dice(0x5EED), 0);
    for number in 0..80 {
        let bit = dice.below(8);
        // Most of a young file is empty, and nothing is in it to be changed.
        let place = std::iter::repeat_with(|| dice.below(bytes.len()))
            .find(|place| bytes[*place] != 0)
            .unwrap();
        let mut flipped = bytes.clone();
        flipped[place] ^= 1 << bit;
        let path = copy(&format!("{number}.db"));
        std::fs::write(&path, flipped).unwrap();
        // What can’t even be opened is found, too.
        let fine = Store::open(path.to_str().unwrap()).is_ok_and(|store| {
            let findings = doctor::examine(&store, Ok(sealer.clone()), now());
            let fine = findings.is_ok_and(|findings| findings.is_empty());
            assert!(
                !fine || log(&store) == wanted,
                "bit {bit} of byte {place} was not found"
            );
            fine
        });
        found += i32::from(!fine);
    }
    println!("80 bits flipped, {found} of them found");
    assert!(found > 5, "{found}");
}

/// A clean copy in one file.
fn vacuum(acme: &Acme, to: &str) {
    use diesel::connection::SimpleConnection as _;
    use diesel::{Connection as _, SqliteConnection};
    let mut conn = SqliteConnection::establish(&acme.installation.site.config.database_url).unwrap();
    conn.batch_execute(&format!("VACUUM INTO '{to}'")).unwrap();
}
