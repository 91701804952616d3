//! The settings of an organization.

use diesel::prelude::*;
use vestibule::access::Role;
use vestibule::store::schema::audit_events;

use crate::support::Acme;

both_databases! {
    /// What an owner types is stored, shown again, and told to the audit log before and after.
    async fn an_owner_changes_the_settings(db: Database) {
        let acme = Acme::alone(db);
        let mut olive = acme.owner().await;
        olive.get(&acme.to("/settings")).await.sees("Whom to ask");
        let answers = [
            ("name", "Acme & Sons"), ("contact", "the help desk, room 4"),
            ("invitation_days", "30"), ("guests", "yes"), ("session_hours", "8"), ("idle_minutes", "45"),
        ];
        olive.submit("Save the settings", &answers).await.sees("The settings are saved.");
        let settings = acme.now().settings;
        assert_eq!((settings.name.as_str(), settings.contact.as_str()), ("Acme & Sons", "the help desk, room 4"));
        assert_eq!((settings.invitation_days, settings.guests), (30, true));
        assert_eq!((settings.session_hours, settings.idle_minutes), (8, 45));
        let sent = olive.fields("Save the settings");
        assert!(sent.contains(&("name".into(), "Acme & Sons".into())), "{sent:?}");
        let (before, after): (String, String) = acme.read(|conn| {
            Ok(audit_events::table
                .filter(audit_events::action.eq("organization.changed"))
                .filter(audit_events::actor_kind.eq("person"))
                .select((audit_events::before_json, audit_events::after_json))
                .first(conn)?)
        });
        assert!(before.contains(r#""invitation_days":14"#) && after.contains(r#""invitation_days":30"#), "{before} {after}");
    }

    /// Fewer seats than are taken is allowed: nobody has to leave.
    /// DEC-017.
    async fn seats_may_be_fewer_than_are_taken(db: Database) {
        let acme = Acme::alone(db);
        acme.join("ada@acme.example", "Ada", Role::Member);
        let mut olive = acme.owner().await;
        olive.get(&acme.to("/settings/seats?seats=0")).await.submit("Change the number of seats", &[]).await.sees("The number of seats is changed.");
        assert_eq!(acme.now().settings.seats, Some(0));
        olive.get(&acme.to("/settings/seats?seats=")).await.submit("Change the number of seats", &[]).await.sees("The number of seats is changed.");
        assert_eq!(acme.now().settings.seats, None);
    }

    /// The form comes back with what was typed and a sentence beside each field.
    async fn a_mistake_comes_back_with_what_was_typed(db: Database) {
        let acme = Acme::alone(db);
        let mut olive = acme.owner().await;
        olive.get(&acme.to("/settings")).await;
        let answers = [
            ("name", ""), ("invitation_days", "366"), ("session_hours", "0"), ("idle_minutes", "4"),
        ];
        olive.submit("Save the settings", &answers).await;
        assert_eq!(olive.status(), 422);
        for sentence in ["Please correct this first", "1 to 100 characters", "days from 1 to 365",
            "hours from 1 to 720", "minutes from 5 to 43200"] {
            olive.sees(sentence);
        }
        assert!(olive.body().contains("<title>Error: "), "{}", olive.body());
        assert!(olive.fields("Save the settings").contains(&("invitation_days".into(), "366".into())));
        assert_eq!(acme.now().settings.name, "Acme");
    }

    /// Of two people who edit the same version, the second is shown what the first saved.
    /// ADM-014.
    async fn the_second_of_two_editors_is_told(db: Database) {
        let acme = Acme::alone(db);
        let mut one = acme.owner().await;
        one.get(&acme.to("/settings")).await;
        let mut two = one.new_tab();
        one.submit("Save the settings", &[("name", "First")]).await.sees("The settings are saved.");
        two.submit("Save the settings", &[("name", "Second")]).await.sees("meanwhile");
        assert_eq!(two.status(), 409);
        assert!(two.fields("Save the settings").contains(&("name".into(), "First".into())));
        assert_eq!(acme.now().settings.name, "First");
        two.submit("Save the settings", &[("name", "Second")]).await.sees("The settings are saved.");
    }

    /// Only owners see or change them; a form without its token does nothing.
    async fn the_settings_are_the_owners(db: Database) {
        let acme = Acme::alone(db);
        acme.join("adam@acme.example", "Adam Admin", Role::Admin);
        let mut adam = acme.signed_in("adam@acme.example").await;
        adam.get(&acme.to("/settings")).await.sees("Only owners");
        assert_eq!(adam.status(), 403);
        adam.get(&acme.to("/connections")).await.does_not_see("Settings");
        let mut olive = acme.owner().await;
        olive.get(&acme.to("/settings")).await;
        olive.post(&acme.to("/settings"), &[("name", "Forged"), ("version", "1")]).await;
        assert_eq!((olive.status(), acme.now().settings.name.as_str()), (403, "Acme"));
    }
}
