//! The steps of the path, from what the database knows.

/// What the database knows of an organization's set-up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// How many domains there are.
    pub domains: i64,
    /// How many of them are verified.
    pub verified: i64,
    /// How many connections there are.
    pub connections: i64,
    /// How many of them have a verified domain.
    pub vouching: i64,
    /// How many passed a test once.
    pub tested: i64,
    /// How many are on.
    pub on: i64,
    /// On how many just-in-time provisioning is on.
    pub joining: i64,
    /// On how many just-in-time provisioning was switched once.
    pub decided: i64,
    /// How many members and invitations there are, counted up to 2.
    pub people: i64,
    /// The id of the connection that is on, or was made last; empty where there is none.
    pub connection: String,
    /// Its name.
    pub name: String,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it is called.
    pub title: &'static str,
    /// Where one stands, and what it is for.
    pub sentence: String,
    /// Whether it is done.
    pub done: bool,
    /// What can be done: the words and the path below the organization's. The first is the way on.
    pub deeds: Vec<(&'static str, String)>,
}

/// The whole path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// Its steps, in order.
    pub steps: Vec<Step>,
}

/// Where the step stands after which people come in.
const TURNING_ON: usize = 3;

impl Path {
    /// The path of an organization.
    pub fn of(facts: &Facts) -> Self {
        Self {
            steps: vec![
                domain(facts),
                connection(facts),
                test(facts),
                turn_on(facts),
                who_comes_in(facts),
            ],
        }
    }

    /// How many steps are done.
    pub fn done(&self) -> usize {
        self.steps.iter().filter(|step| step.done).count()
    }

    /// Whether people come in by single sign-on already.
    pub fn is_open(&self) -> bool {
        self.steps.get(TURNING_ON).is_some_and(|step| step.done)
    }

    /// Whether all are.
    pub fn is_done(&self) -> bool {
        self.done() == self.steps.len()
    }

    /// The first step that is not done, counted from 1, and it itself.
    pub fn next(&self) -> Option<(usize, &Step)> {
        let mut numbered = (1..).zip(&self.steps);
        numbered.find(|(_, step)| !step.done)
    }
}

fn of_connection(facts: &Facts, rest: &str) -> String {
    if facts.connection.is_empty() {
        return "/connections/new".to_owned();
    }
    format!("/connections/{}{rest}", facts.connection)
}

/// Whether people of the domains join by themselves: a new connection lets them.
fn joins(facts: &Facts) -> bool {
    facts.connections == 0 || facts.joining > 0
}

fn domain(facts: &Facts) -> Step {
    let (sentence, deed) = match (facts.domains, facts.verified) {
        (0, _) => (
            "Tell which addresses are yours: the part after the @. A record in your DNS proves it.",
            "Add your domain",
        ),
        (_, 0) => (
            "Your domain waits for its record in the DNS. You can go on meanwhile.",
            "See what is missing",
        ),
        _ => (
            "Your provider’s word proves the addresses of your verified domain.",
            "See the domains",
        ),
    };
    Step {
        title: "Your domain",
        sentence: sentence.to_owned(),
        done: facts.verified > 0,
        deeds: vec![(deed, "/domains".to_owned())],
    }
}

fn connection(facts: &Facts) -> Step {
    let mut step = Step {
        title: "A connection to your identity provider",
        sentence: String::new(),
        done: facts.vouching > 0,
        deeds: Vec::new(),
    };
    let to = |deed: &'static str, path: String| (deed, path);
    if facts.connections == 0 {
        step.sentence =
            "Join the provider where your people have their accounts: Okta, Entra ID, Google, Keycloak or another.".to_owned();
        step.deeds = vec![
            to("By OpenID Connect", "/connections/new".to_owned()),
            to("By SAML 2.0", "/connections/new/saml".to_owned()),
        ];
    } else if step.done {
        step.sentence = format!(
            "{} vouches for the addresses of your verified domain.",
            facts.name
        );
        step.deeds = vec![to("See the connection", of_connection(facts, ""))];
    } else {
        step.sentence = format!(
            "{} is there. It vouches for nobody’s address until a verified domain is attached to it.",
            facts.name
        );
        step.deeds = vec![to("Attach the domain", of_connection(facts, "/domains"))];
    }
    if facts.connections > 0 && facts.on == 0 {
        step.deeds
            .push(to("See the guides", of_connection(facts, "/guides")));
        step.deeds
            .push(to("Hand it to your IT by a link", of_connection(facts, "/links")));
    }
    step
}

fn test(facts: &Facts) -> Step {
    let sentence = match (facts.tested, facts.on) {
        (0, 0) => "Sign in at the provider yourself: nothing comes of it but what it shows.",
        (0, _) => "It was turned on without a test. You can test it any time.",
        _ => "A sign-in that changed nothing went well.",
    };
    Step {
        title: "A test",
        sentence: sentence.to_owned(),
        done: facts.tested > 0 || facts.on > 0,
        deeds: vec![("Test the connection", of_connection(facts, "/test"))],
    }
}

fn turn_on(facts: &Facts) -> Step {
    let (sentence, deed) = match (facts.on > 0, joins(facts)) {
        (false, false) => (
            "From then on members and invited people come in by it, and nobody else.",
            ("Turn it on", of_connection(facts, "/state")),
        ),
        (false, true) => (
            "From then on members and invited people come in by it, and everybody else of your verified domain too: they join by themselves. Turn that off first if only whom you invite may come in (step 5).",
            ("Turn it on", of_connection(facts, "/state")),
        ),
        (true, false) => (
            "Members and invited people come in by single sign-on, and nobody else.",
            ("See what is on", "/connections".to_owned()),
        ),
        (true, true) => (
            "Members and invited people come in by single sign-on, and everybody else of your verified domain too.",
            ("See what is on", "/connections".to_owned()),
        ),
    };
    Step {
        title: "Turning it on",
        sentence: sentence.to_owned(),
        done: facts.on > 0,
        deeds: vec![deed],
    }
}

fn who_comes_in(facts: &Facts) -> Step {
    // Where nobody joins by themselves, somebody has to be invited.
    let joined = facts.decided > 0 && facts.joining > 0;
    let done = facts.on > 0 && (joined || facts.people > 1);
    let sentence = match (done, joins(facts)) {
        (true, _) => {
            "You said who comes in: people who join by themselves (just-in-time provisioning), people whom you invite, or both."
        }
        (false, false) => {
            "Only whom you invite, and nobody is invited yet: people of your domains do not join by themselves (just-in-time provisioning is off)."
        }
        (false, true) => {
            "Everybody of your verified domain: they join by themselves (just-in-time provisioning is on). Turn it off if only whom you invite may come in."
        }
    };
    Step {
        title: "Who may come in",
        sentence: sentence.to_owned(),
        done,
        deeds: vec![
            ("Invite people", "/invitations/new".to_owned()),
            ("Who joins by themselves", of_connection(facts, "/jit")),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(facts: &Facts) -> (Vec<bool>, Option<usize>) {
        let path = Path::of(facts);
        let next = path.next().map(|(number, _)| number);
        (path.steps.iter().map(|step| step.done).collect(), next)
    }

    #[test]
    fn the_path_goes_on_step_by_step() {
        let mut facts = Facts {
            people: 1,
            ..Facts::default()
        };
        assert_eq!(done(&facts), (vec![false; 5], Some(1)));
        assert_eq!(Path::of(&facts).steps[2].deeds[0].1, "/connections/new");
        facts.domains = 1;
        assert!(
            Path::of(&facts).steps[0]
                .sentence
                .contains("waits for its record")
        );
        facts.verified = 1;
        facts.connections = 1;
        (facts.connection, facts.name) = ("c1".to_owned(), "Okta".to_owned());
        assert_eq!(done(&facts).1, Some(2));
        assert_eq!(Path::of(&facts).steps[1].deeds[0].1, "/connections/c1/domains");
        facts.vouching = 1;
        assert_eq!(done(&facts).1, Some(3));
        facts.tested = 1;
        assert_eq!(done(&facts).1, Some(4));
        facts.on = 1;
        assert_eq!(done(&facts).1, Some(5));
        facts.people = 2;
        assert_eq!(done(&facts), (vec![true; 5], None));
        assert!(Path::of(&facts).is_done());
    }

    #[test]
    fn who_comes_in_is_said_with_the_step_that_lets_them_in() {
        let mut facts = Facts {
            connections: 1,
            ..Facts::default()
        };
        let said = |facts: &Facts| Path::of(facts).steps[TURNING_ON].sentence.clone();
        assert!(said(&facts).ends_with("and nobody else.") && !Path::of(&facts).is_open());
        assert!(said(&Facts::default()).contains("join by themselves"));
        facts.joining = 1;
        assert!(said(&facts).contains("join by themselves"));
        facts.on = 1;
        assert!(
            said(&facts).contains("everybody else of your verified domain") && Path::of(&facts).is_open()
        );
    }

    #[test]
    fn where_nobody_joins_by_themselves_somebody_is_to_be_invited() {
        let mut facts = Facts {
            connections: 1,
            on: 1,
            decided: 1,
            people: 1,
            ..Facts::default()
        };
        let last = |facts: &Facts| Path::of(facts).steps[4].clone();
        assert!(!last(&facts).done && last(&facts).sentence.contains("nobody is invited yet"));
        facts.people = 2;
        assert!(last(&facts).done);
        facts.people = 1;
        facts.joining = 1;
        assert!(last(&facts).done);
    }

    #[test]
    fn what_is_on_needs_no_test_any_more() {
        let facts = Facts {
            on: 1,
            connections: 1,
            ..Facts::default()
        };
        let path = Path::of(&facts);
        assert!(path.steps[2].done && path.steps[2].sentence.contains("without a test"));
    }
}
