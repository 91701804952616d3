//! The front door, end to end: browser, provider, database.

use vestibule::sign_in::link_for_empty;
use vestibule::store::time::DAY;

use crate::support::acme::{OWNER, PASSWORD};
use crate::support::provider::Provider;
use crate::support::{Acme, Browser, Caller, Database, Installation};

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

    /// The first owner comes by a link from the log, which is good for a day and for once, and stands in no address.
    /// LOC-001.
    async fn the_first_owner_comes_by_a_link_that_is_used_once(db: Database) {
        let installation = Installation::start(db);
        let site = &installation.site;
        let link = || link_for_empty(&site.store, site.now()).unwrap();
        let late = link().unwrap();
        site.clock.advance(DAY);
        for address in ["/set-up", "/set-up/guessed", &late] {
            let mut nobody = Browser::new();
            nobody.get(&installation.to(address)).await.sees("was used or has expired");
            assert_eq!((nobody.status(), nobody.path()), (410, "/set-up"), "{address}");
        }
        let fresh = link().unwrap();
        let (mut olive, mut second) = (Browser::new(), Browser::new());
        for browser in [&mut olive, &mut second] {
            browser.get(&installation.to(&fresh)).await.sees("Set up Vestibule");
            assert_eq!(browser.path(), "/set-up");
        }
        let mut answers = [
            ("organization", "Acme"), ("slug", "acme"), ("name", "Olive"), ("email", OWNER), ("password", "short"),
        ];
        olive.submit("Set up", &answers).await;
        assert_eq!(olive.status(), 422);
        answers[4].1 = PASSWORD;
        olive.submit("Set up", &answers).await;
        assert_eq!((olive.status(), olive.path()), (200, "/orgs/acme"));
        second.submit("Set up", &answers).await;
        assert_eq!(second.status(), 410);
        second.sees("Vestibule is set up already");
        for address in ["/set-up", fresh.as_str()] {
            let mut again = Browser::new();
            again.get(&installation.to(address)).await.sees("Vestibule is set up already");
            assert_eq!((again.status(), again.path()), (410, "/set-up"), "{address}");
            assert_eq!(again.click("Sign in").await.path(), "/sign-in");
        }
        olive.get(&installation.to("/orgs/acme/members")).await.sees("Olive").does_not_see("never");
        assert!(link().is_none());
    }

    /// Whom an invitation lets in, as what and where, is what its row says, whatever a form adds; and its link is good for
    /// nothing else.
    /// INV-003, INV-007, INV-009, ADM-004, ADM-002.
    async fn a_guest_is_whom_the_invitation_says(db: Database) {
        let acme = Acme::alone(db);
        acme.guests(true);
        let link = acme.invite("guest@elsewhere.example");
        let token = link.rsplit('/').next().unwrap().to_owned();
        let mut guest = Browser::new();
        guest.get(&acme.installation.to(&link)).await;
        guest.get(&acme.installation.to("/invitation/accept")).await.sees("guest@elsewhere.example");
        let caller = Caller::at(&guest, "Accept and set the password");
        let form = [
            ("form_token", caller.token.as_str()), ("name", "Gus"), ("password", PASSWORD), ("email", "evil@evil.example"),
            ("role", "owner"), ("organization", "other"), ("is_operator", "true"), ("invitation", "other"),
        ];
        let answer = caller.post(&acme.installation.to("/invitation/accept?role=owner&org=other"), &form).await;
        assert_eq!((answer.status, answer.leads_to()), (303, "/orgs/acme"));
        for (what, many) in [
            ("accounts WHERE email_key = 'guest@elsewhere.example'", 1),
            ("accounts WHERE email_key LIKE '%evil%'", 0),
            ("members WHERE role = 'owner'", 1),
            ("members WHERE role = 'member' AND state = 'active'", 1),
            ("members WHERE role = 'member' AND last_sign_in_at IS NOT NULL", 1),
        ] {
            assert_eq!(acme.count(what), many, "{what}");
        }
        // The token is no key to a set-up, and no session.
        let cookies = format!("vestibule_set_up={token}; vestibule_session={token}");
        let nobody = Caller::with_cookies(&cookies);
        assert_eq!(nobody.get(&acme.installation.to("/set-up")).await.status, 410);
        assert_ne!(nobody.get(&acme.installation.to("/account")).await.status, 200);
    }

    /// Whoever opens somebody else's invitation is not let in by it: the account that it is for signs in first.
    /// INV-006.
    async fn an_invitation_of_another_account_asks_for_it(db: Database) {
        let acme = Acme::alone(db);
        acme.guests(true);
        acme.operator("guest@elsewhere.example");
        acme.operator("other@elsewhere.example");
        let link = acme.invite("guest@elsewhere.example");
        let mut other = acme.signed_in("other@elsewhere.example").await;
        other.get(&acme.installation.to(&link)).await;
        other.get(&acme.installation.to("/invitation/accept")).await;
        other.sees("There is an account for guest@elsewhere.example already").does_not_see("Accept the invitation");
        other.get(&acme.installation.to("/account")).await;
        let token = other.fields("Sign out").into_iter().find(|(name, _)| name == "form_token").unwrap().1;
        other.post("/invitation/accept", &[("form_token", &token)]).await;
        assert_eq!(acme.count("members"), 1, "the owner alone");
        assert_eq!(acme.count("invitations WHERE state = 'pending'"), 1);
    }
}
