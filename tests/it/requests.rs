//! Whoever was denied asks to be let in, and is.

use vestibule::store::time::{DAY, HOUR};

use crate::support::{Browser, Front};

/// Somebody whom nobody invited, on the page that says so.
async fn denied(front: &Front) -> Browser {
    let mut browser = front.at_the_callback().await;
    browser.resume().await.sees("Access denied");
    browser
}

both_databases! {
    async fn the_denied_person_asks_and_is_let_in(db: Database) {
        let front = Front::open(db).await;
        let mut person = denied(&front).await;
        person.sees("Request access");
        person
            .submit("Request access", &[("message", "I begin on Monday. <b>Mary</b>")])
            .await
            .sees("You have asked to be let in")
            .does_not_see("Message (optional)");

        let mut owner = front.acme.owner().await;
        owner.get(&front.acme.to("/denied")).await.sees("Asks to be let in");
        owner.click("ada@acme.example").await.sees("I begin on Monday. <b>Mary</b>");
        owner.click("Invite this person").await;
        front.acme.invite("ada@acme.example");
        owner.get(&front.acme.to("/audit")).await.sees("Asked to be let in");

        let mut again = front.at_the_callback().await;
        again.resume().await.does_not_see("Access denied");
        assert_eq!(again.status(), 200);
        person.get(person.url().clone().as_str()).await.does_not_see("Request access");
    }

    /// Whoever let an attempt be has not answered a request: it is among the open ones, and on Home.
    async fn a_request_after_a_dismissal_reaches_an_administrator(db: Database) {
        let front = Front::open(db).await;
        let acme = &front.acme;
        denied(&front).await;
        let mut owner = acme.owner().await;
        owner.get(&acme.to("/denied")).await.click("ada@acme.example").await;
        owner.click("Dismiss…").await.sees("A request to be let in does.");
        owner.submit("Dismiss this denial", &[]).await.sees("is dismissed");

        let mut person = denied(&front).await;
        owner.get(&acme.to("/denied")).await.sees("Nobody is waiting");
        owner.get(&acme.to("")).await.does_not_see("asks to be let in").does_not_see("nobody has dealt with it");
        person
            .submit("Request access", &[("message", "It is me.\r\nAda")])
            .await
            .sees("Your request was given to the administrators of Acme");

        owner.get(&acme.to("/denied")).await.sees("1 person, open; newest first").sees("Denied sign-ins 1 open");
        owner.sees("Open Asks to be let in It is me. Ada");
        front.provider.person("bob", "bob@acme.example");
        Browser::new().get(&acme.sign_in()).await.sees("Access denied");
        owner.get(&acme.to("")).await.sees("1 person asks to be let in.");
        owner.sees("1 person was denied, and nobody has dealt with it.");
        owner.click("See the denied sign-ins").await.sees("1 person, open, not asking to be let in").sees("bob@acme.example");
        owner.get(&acme.to("")).await.click("See who asks").await.sees("1 person, open, asking to be let in");
        owner.click("ada@acme.example").await.sees("and wrote: It is me. Ada Why");
        let open = "audit_events WHERE action = 'denial.asked' AND before_json LIKE '%dismissed%' AND after_json LIKE '%open%'";
        assert_eq!(acme.count(open), 1);
    }

    /// The page says as whom they came, and leads back to the door.
    async fn the_denied_person_tries_again(db: Database) {
        let front = Front::open(db).await;
        let acme = &front.acme;
        let mut person = Browser::new();
        person.get(&acme.sign_in()).await.sees("Access denied").sees("You signed in as ada@acme.example");
        let page = person.url().to_string();
        Browser::new().get(&page).await.sees("Access denied").does_not_see("ada@acme.example");

        let mut owner = acme.owner().await;
        owner.get(&acme.to("/denied")).await.sees("Denied sign-ins 1 open");
        owner.click("ada@acme.example").await.click("Invite this person").await;
        owner.submit("Review", &[]).await;
        owner.submit("Invite this person", &[]).await.sees("1 person is invited");
        owner.does_not_see("Denied sign-ins 1 open");

        let mut tab = person.new_tab();
        tab.get(&page).await.does_not_see("Request access");
        person.submit("Request access", &[]).await.sees("An administrator has dealt with this since.");
        assert_eq!(person.status(), 409);
        tab.click("Try again").await;
        assert_eq!(tab.path(), "/orgs/acme");
    }

    async fn a_request_is_made_once_a_day_and_by_the_same_browser(db: Database) {
        let front = Front::open(db).await;
        let mut person = denied(&front).await;
        let page = person.url().to_string();
        let mut stranger = Browser::new();
        stranger.get(&page).await.sees("Access denied").does_not_see("Request access");
        let ask = format!("{page}/ask");
        let token = person.fields("Request access").into_iter().find(|(name, _)| name == "form_token").unwrap().1;
        stranger.post(&ask, &[("form_token", &token)]).await;
        assert_eq!(stranger.status(), 403);

        let mut tab = person.new_tab();
        tab.get(&page).await;
        let long = "x".repeat(501);
        person.submit("Request access", &[("message", &long)]).await.sees("The message has more than 500 characters");
        assert_eq!(person.status(), 422);
        person.sees(&long);
        person.submit("Request access", &[("message", "Please")]).await.sees("You have asked to be let in");
        tab.submit("Request access", &[("message", "Please!")]).await.sees("You have asked within the last day");
        assert_eq!(tab.status(), 409);

        front.later(DAY);
        person.get(&page).await.does_not_see("You have asked").does_not_see("Request access");
        denied(&front).await.sees("Request access");
    }

    async fn an_hour_later_the_page_is_just_a_page(db: Database) {
        let front = Front::open(db).await;
        let mut person = denied(&front).await;
        let page = person.url().to_string();
        let mut tab = person.new_tab();
        tab.get(&page).await.sees("Request access");
        front.later(HOUR);
        person.get(&page).await.does_not_see("Request access");
        tab.submit("Request access", &[]).await.sees("This page was open for too long");
        assert_eq!(tab.status(), 409);
        let mut owner = front.acme.owner().await;
        owner.get(&front.acme.to("/denied")).await.does_not_see("Asks to be let in");
    }

    async fn an_organization_may_do_without(db: Database) {
        let front = Front::open(db).await;
        let mut owner = front.acme.owner().await;
        let settings = front.acme.to("/settings");
        owner.get(&settings).await;
        let fields = owner.fields("Save the settings");
        let kept: Vec<(&str, &str)> = fields.iter().filter(|(name, _)| name != "requests")
            .map(|(name, value)| (name.as_str(), value.as_str())).collect();
        owner.post(&settings, &kept).await.sees("The settings are saved.");
        denied(&front).await.does_not_see("Request access");
        assert_eq!(front.acme.now().settings.contact, "the IT desk");
    }
}
