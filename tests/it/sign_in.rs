//! The front door, end to end: browser, provider, database.

use crate::support::provider::Provider;
use crate::support::{Acme, Browser, Database};

/// Acme and its provider.
async fn acme(db: Database) -> (Acme, Provider) {
    let provider = Provider::start().await;
    let acme = Acme::start(
        db,
        provider.issuer(),
        provider.client_id(),
        provider.client_secret(),
    );
    (acme, provider)
}

both_databases! {
    /// The heart of the product, from the stranger's first denial to the second sign-in.
    /// INV-019.
    async fn a_stranger_is_denied_then_invited_then_let_in(db: Database) {
        let (acme, provider) = acme(db).await;
        provider.person("sub-1", "sam@acme.example");

        let mut sam = Browser::new();
        sam.get(&acme.sign_in()).await.sees("Access denied").sees("the IT desk");
        assert_eq!(sam.status(), 403);
        assert!(sam.cookie("vestibule_session").is_none());

        acme.invite("sam@acme.example");
        sam.get(&acme.sign_in()).await.sees("sam@acme.example");
        assert_eq!((sam.status(), sam.path()), (200, "/orgs/acme"));
    }

    /// With just-in-time provisioning a stranger of the verified domain becomes a member.
    async fn just_in_time_lets_a_stranger_in(db: Database) {
        let (acme, provider) = acme(db).await;
        acme.jit(true);
        provider.person("sub-1", "tess@acme.example");
        let mut tess = Browser::new();
        tess.get(&acme.sign_in()).await.sees("tess@acme.example");
        assert_eq!(tess.path(), "/orgs/acme");
    }

    /// An owner signs in by password, sees the account, and signs out.
    async fn an_owner_signs_in_by_password_and_out(db: Database) {
        let acme = Acme::alone(db);
        let mut olive = acme.owner().await;
        olive.get(&acme.installation.to("/account")).await.sees("olive@acme.example");
        olive.submit("Sign out", &[]).await;
        assert_eq!(olive.path(), "/sign-in");
        olive.get(&acme.installation.to("/account")).await;
        assert_eq!(olive.path(), "/sign-in");
    }
}
