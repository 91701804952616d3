//! My account: name and username, sessions, sign-in methods, organizations, invitations, leaving.

use vestibule::access::Role;
use vestibule::members;
use vestibule::store::time;

use crate::support::provider::Provider;
use crate::support::{Acme, Browser};

const MAX: &str = "max@acme.example";

both_databases! {
    /// Name and username change, and a released username is nobody's any more.
    async fn a_person_chooses_name_and_username(db: Database) {
        let acme = Acme::alone(db);
        acme.join(MAX, "Max Member", Role::Member);
        acme.join("mia@acme.example", "Mia", Role::Member);
        let account = acme.installation.to("/account");
        let (mut max, mut mia) = (acme.signed_in(MAX).await, acme.signed_in("mia@acme.example").await);
        max.get(&account).await.submit("Change name", &[("name", "")]).await.sees("Write a name of 1 to 200 characters.");
        assert_eq!(max.status(), 422);
        max.submit("Change name", &[("name", "Maximilian")]).await.sees("Your name is changed.").sees("Maximilian");
        max.submit("Change username", &[("username", "max2026")]).await.sees("Your username is changed.");
        max.submit("Change username", &[("username", "max2027")]).await.sees("Your username is changed.");
        mia.get(&account).await.submit("Change username", &[("username", "max2026")]).await.sees("has or had this username");
        mia.submit("Change username", &[("username", "max2027")]).await.sees("has or had this username");
    }

    /// One session, then all others, end; this browser stays.
    /// SES-009.
    async fn sessions_end_where_one_says(db: Database) {
        let acme = Acme::alone(db);
        let account = acme.installation.to("/account");
        let (mut one, mut two, mut three) = (acme.owner().await, acme.owner().await, acme.owner().await);
        one.get(&account).await.sees("Where you are signed in").sees("This browser");
        one.submit("End all others", &[]).await.sees("2 other browsers are signed out.").does_not_see("End all others");
        for gone in [&mut two, &mut three] {
            assert_eq!(gone.get(&account).await.path(), "/sign-in");
        }
        assert_eq!(one.get(&account).await.path(), "/account");
    }

    /// Leaving takes the membership and the teams, and is no way round an organization's last owner.
    async fn a_member_leaves_and_the_last_owner_stays(db: Database) {
        let acme = Acme::alone(db);
        let id = acme.join(MAX, "Max Member", Role::Member);
        let mut max = acme.signed_in(MAX).await;
        max.get(&acme.installation.to("/account")).await.sees("Acme").sees("Member since");
        max.click("Leave Acme …").await.sees("What will change").sees("only by an invitation");
        max.submit("Leave Acme", &[]).await.sees("You have left Acme.").sees("You belong to no organization.");
        assert_eq!(max.get(&acme.to("")).await.status(), 404);
        let member = acme.read(|conn| Ok(members::find(conn, &acme.organization, &id)?.unwrap()));
        assert_eq!(member.state, members::State::Removed);
        let mut olive = acme.owner().await;
        olive.get(&acme.to("/audit")).await.sees("Left the organization");
        olive.get(&acme.installation.to("/account")).await.click("Leave Acme …").await.sees("only owner");
        let path = acme.installation.to("/account/organizations/acme/leave");
        olive.get(&acme.installation.to("/account")).await;
        let token = olive.fields("Sign out").remove(0).1;
        olive.post(&path, &[("form_token", &token)]).await.sees("only owner");
        assert_eq!((olive.status(), olive.get(&acme.to("")).await.status()), (409, 200));
    }

    /// Invitations that wait are shown with how to accept them, and are declined here.
    async fn invitations_wait_for_their_person(db: Database) {
        let acme = Acme::alone(db);
        let account = acme.installation.to("/account");
        acme.operator("guest@elsewhere.example");
        let mut guest = acme.signed_in("guest@elsewhere.example").await;
        guest.get(&account).await.does_not_see("Invitations that wait for you");
        let link = acme.invite("guest@elsewhere.example");
        guest.get(&account).await.sees("Invitations that wait for you").sees("Ask whoever invited you");
        acme.guests(true);
        // Who signed in by a password showed no mailbox: the link does, which only its bearer has.
        guest.get(&account).await.sees("Open its link in this browser").does_not_see("Accept the invitation to Acme");
        guest.get(&acme.installation.to(&link)).await;
        guest.get(&acme.installation.to("/invitation/accept")).await;
        guest.submit("Accept the invitation", &[]).await.sees("Welcome to Acme.").sees("You are in");
        guest.get(&account).await.does_not_see("Invitations that wait for you");

        acme.operator("other@elsewhere.example");
        acme.invite("other@elsewhere.example");
        let mut other = acme.signed_in("other@elsewhere.example").await;
        other.get(&account).await.submit("Decline the invitation to Acme", &[]).await.sees("The invitation is declined.");
        assert_eq!(other.get(&acme.to("")).await.status(), 404);
    }

    /// Times are in the zone that a person chose, and exact in UTC on hover; without a choice they are UTC.
    async fn times_are_in_the_zone_that_one_chose(db: Database) {
        let acme = Acme::alone(db);
        let account = acme.installation.to("/account");
        let mut olive = acme.owner().await;
        let now = acme.installation.site.now();
        let (utc, exact) = (time::short(now), time::exact(now));
        olive.get(&account).await.sees(&utc);
        assert!(olive.body().contains(&format!(r#"title="{exact}" data-utc>"#)));
        olive.submit("Save the time zone", &[("zone", "Asia/Kathmandu")]).await.does_not_see(&utc);
        olive.sees(&time::short(now + 345 * time::MINUTE));
        assert!(olive.body().contains(&format!(r#"title="{exact}">"#)), "the exact moment stays in UTC");
        olive.submit("Save the time zone", &[("zone", "")]).await.sees(&utc);
    }

    /// An organization's provider speaks for its own organization: its session is told of nothing else.
    /// SES-010.
    async fn a_session_of_one_organization_knows_no_other(db: Database) {
        let provider = Provider::start().await;
        let acme = Acme::start(db, provider.issuer(), provider.client_id(), provider.client_secret());
        acme.jit(true);
        provider.person("sub-tess", "tess@acme.example");
        let mut tess = Browser::new();
        tess.get(&acme.sign_in()).await;
        tess.get(&acme.installation.to("/account")).await.sees("Your organization").sees("Single sign-on of Acme");
        tess.sees("None is set. You sign in by single sign-on.").does_not_see("Invitations that wait for you");
        tess.click("Leave Acme …").await.submit("Leave Acme", &[]).await;
        assert_eq!(tess.sees("You have left Acme.").path(), "/sign-in");
        tess.get(&acme.sign_in()).await.sees("Access denied");
    }
}
