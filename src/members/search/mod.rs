//! Finding members among very many: which of them, in which order, from which key on.
//!
//! Members lie in indexes by their *facet* (state, role, source, and whether a directory knows them) and then in the
//! order of each list. A question is put to each facet that it is about and that has anybody, and the answers are
//! merged: so a page costs the same wherever it lies and whatever it is filtered by. Where most of all members are asked
//! for by name, they are walked as they stand; where a word or a team leaves few people, it begins with those instead.

mod names;
mod queries;
mod rarity;

use crate::access::Role;
use crate::members::model::{Filter, Membership, Source, State};
use crate::store::{Conn, Result};
use crate::web::Paging;

use queries::{Found, Sort};
pub use queries::{Listed, rows};

/// Up to how many people are read and sorted, where a team has that many.
const FEW: i64 = 2_000;
/// Up to how many of those whom a word finds are counted for a list by name.
const SOME: i64 = 5_000;
/// Up to how many people that a word finds a search begins with. They may all stand at the end of a list, so that walking
/// it means walking past everybody: going through this many is still less.
const MANY: i64 = 12_000;

/// Where there are more members than this, a walk by name ends after some, if there is another way.
const LARGE: i64 = 50_000;
/// So many are walked there.
const WALKED: i64 = 5_000;
/// Up to how many places of the index a word is told apart from a rarer one then.
const VERY_MANY: i64 = 200_000;

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// By name.
    #[default]
    Name,
    /// Who came last first.
    Newest,
    /// Who came first first.
    Oldest,
    /// Who signed in last first.
    Seen,
    /// Who signed in longest ago first, and before them those who never did.
    Unseen,
}

impl Order {
    /// Every order, as a list offers them.
    pub const ALL: [Self; 5] = [Self::Name, Self::Newest, Self::Oldest, Self::Seen, Self::Unseen];

    /// The word in addresses; empty for the usual one.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Name => "",
            Self::Newest => "newest",
            Self::Oldest => "oldest",
            Self::Seen => "seen",
            Self::Unseen => "unseen",
        }
    }

    /// The order of a word; the usual one for any other word.
    pub fn parse(word: &str) -> Self {
        Self::ALL
            .into_iter()
            .find(|order| order.as_str() == word)
            .unwrap_or_default()
    }

    /// For people, behind "Order".
    pub fn title(self) -> &'static str {
        match self {
            Self::Name => "By name",
            Self::Newest => "Newest members first",
            Self::Oldest => "Oldest members first",
            Self::Seen => "Last sign-in first",
            Self::Unseen => "Longest without a sign-in first",
        }
    }

    /// In a caption: "by name".
    pub fn words(self) -> &'static str {
        match self {
            Self::Name => "by name",
            Self::Newest => "newest first",
            Self::Oldest => "oldest first",
            Self::Seen => "last sign-in first",
            Self::Unseen => "longest without a sign-in first",
        }
    }

    fn is_by_name(self) -> bool {
        self == Self::Name
    }

    fn is_descending(self) -> bool {
        matches!(self, Self::Newest | Self::Seen)
    }

    /// The key of a member in this order.
    pub fn key(self, listed: &Listed) -> String {
        let member = &listed.member;
        match self {
            Self::Name => format!("{}.{}", member.id, listed.name_key),
            Self::Newest | Self::Oldest => format!("{}.{}", member.id, member.joined_at),
            Self::Seen | Self::Unseen => {
                format!("{}.{}", member.id, member.last_sign_in_at.unwrap_or_default())
            }
        }
    }
}

/// One kind of member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facet {
    /// Whether they may enter.
    pub state: State,
    /// What they may do.
    pub role: Role,
    /// How they came.
    pub source: Source,
    /// Whether a directory knows them.
    pub managed: bool,
}

impl Facet {
    fn all() -> impl Iterator<Item = Self> {
        let kinds = State::ALL.into_iter().flat_map(|state| {
            Role::ALL
                .iter()
                .flat_map(move |role| Source::ALL.into_iter().map(move |source| (state, *role, source)))
        });
        kinds.flat_map(|(state, role, source)| {
            [false, true].map(|managed| Self {
                state,
                role,
                source,
                managed,
            })
        })
    }

    /// As the table writes it.
    fn name(self) -> String {
        let managed = if self.managed { " managed" } else { "" };
        format!(
            "{} {} {}{managed}",
            self.state.as_str(),
            self.role,
            self.source.as_str()
        )
    }

    /// Whether the filter is about them; without a state it is about those who were not removed.
    fn fits(self, filter: &Filter) -> bool {
        filter
            .state
            .map_or(self.state != State::Removed, |state| state == self.state)
            && filter.role.is_none_or(|role| role == self.role)
            && filter.source.is_none_or(|source| source == self.source)
            && filter.managed.is_none_or(|managed| managed == self.managed)
    }
}

/// What an organization has, kept up by the database: read once for a page.
#[derive(Debug, Clone, Default)]
pub struct Census {
    /// How many members of each kind there are; kinds without anybody are left out.
    kinds: Vec<(Facet, i64)>,
    /// Whether a directory writes into the organization.
    pub has_directory: bool,
    /// How many accounts of the installation the rarest word of the search finds, counted up to one more than many; and
    /// which word that is.
    rarest: Option<(i64, usize)>,
    /// How many people the team of the filter has.
    in_team: i64,
}

impl Census {
    /// Asks.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn load(conn: &mut Conn, organization: &str, filter: &Filter) -> Result<Self> {
        queries::census(conn, organization, filter)
    }

    /// How many members were not removed.
    pub fn total(&self) -> i64 {
        self.people(|facet| facet.fits(&Filter::default()))
    }

    fn people(&self, fits: impl Fn(&Facet) -> bool) -> i64 {
        let kinds = self.kinds.iter().filter(|(facet, _)| fits(facet));
        kinds.map(|(_, people)| *people).sum()
    }
}

/// Who is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The organization's id.
    pub organization: &'a str,
    /// Which members.
    pub filter: &'a Filter,
    /// In which order.
    pub order: Order,
    /// Beyond the filter: only kinds for which this holds.
    pub kinds: Option<fn(&Facet) -> bool>,
    /// Only those who are not in this team.
    pub outside: Option<&'a str>,
    /// Only those whom an administrator can take out of this team.
    pub taken_from: Option<&'a str>,
    /// Everybody but this member.
    pub but: Option<&'a str>,
}

impl<'a> Question<'a> {
    /// The members that the filter lets through.
    pub fn new(organization: &'a str, filter: &'a Filter, order: Order) -> Self {
        Self {
            organization,
            filter,
            order,
            kinds: None,
            outside: None,
            taken_from: None,
            but: None,
        }
    }

    /// Whether it is about all of some kinds.
    fn is_plain(&self) -> bool {
        self.filter.text.is_empty()
            && self.filter.team.is_none()
            && self.outside.is_none()
            && self.taken_from.is_none()
            && self.but.is_none()
    }

    fn facets(&self, census: &Census) -> Vec<(Facet, i64)> {
        let fits = |facet: &Facet| facet.fits(self.filter) && self.kinds.is_none_or(|holds| holds(facet));
        let kinds = census.kinds.iter();
        kinds
            .filter(|(facet, people)| *people > 0 && fits(facet))
            .copied()
            .collect()
    }
}

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// The members, up to so many as were asked for, in the order of reading.
    pub rows: Vec<Listed>,
    /// How many there are in all, where that is known without counting them all.
    pub matching: Option<i64>,
}

/// Up to `most` members from a key on, in the direction of `paging`.
///
/// # Errors
/// When the database refuses.
pub fn find(
    conn: &mut Conn,
    census: &Census,
    question: &Question<'_>,
    paging: &Paging,
    most: i64,
) -> Result<Answer> {
    let (ids, matching) = ids(conn, census, question, paging, most)?;
    let rows = rows(conn, &ids)?;
    Ok(Answer { rows, matching })
}

/// The ids of up to `most` members from a key on, and how many there are in all where that is known without counting.
///
/// # Errors
/// When the database refuses.
pub fn ids(
    conn: &mut Conn,
    census: &Census,
    question: &Question<'_>,
    paging: &Paging,
    most: i64,
) -> Result<(Vec<String>, Option<i64>)> {
    let facets = question.facets(census);
    let known = facets.iter().map(|(_, people)| people).sum();
    if known == 0 {
        return Ok((Vec::new(), Some(0)));
    }
    let start = start(census, question, known);
    let found = begun(conn, question, &facets, start, paging, most)?;
    let is_counted =
        matches!(start, Start::Word(_) | Start::Team) && (paging.key().is_none() || !found.is_empty());
    let counted = is_counted.then(|| found.first().map_or(0, |one| one.number));
    let matching = if question.is_plain() { Some(known) } else { counted };
    Ok((found.into_iter().map(|one| one.id).collect(), matching))
}

/// Those who are found where the search begins.
fn begun(
    conn: &mut Conn,
    question: &Question<'_>,
    facets: &[(Facet, i64)],
    start: Start,
    paging: &Paging,
    most: i64,
) -> Result<Vec<Found>> {
    let sort = Sort::of(question.order, paging);
    match start {
        Start::Kinds => {
            let text = queries::merged(question, facets, &sort, most);
            conn.planned_once(|conn| text.load(conn))
        }
        Start::Names { is_short: false } => names::by_name(question, &sort, most).load(conn),
        Start::Names { is_short: true } => names::walked(conn, question, facets, &sort, most),
        Start::NamesWith(place) => names::with_word(conn, question, facets, place, &sort, most),
        Start::Word(_) | Start::Team => queries::gathered(question, facets, start, &sort, most).load(conn),
    }
}

/// Where the search begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    /// At all members of the kinds that are asked for, in order.
    Kinds,
    /// At all members by name, where most of them are asked for. A short walk goes past some of them: if these do not fill
    /// the page, it begins anew at those whom the rarest word finds.
    Names {
        /// Whether the walk is short.
        is_short: bool,
    },
    /// At the accounts that this word finds: the rarest one.
    Word(usize),
    /// At the same, where they are not few and the list is by name: in the order of their names, and no further than the
    /// page needs. How many there are then stays open.
    NamesWith(usize),
    /// At the people of the team.
    Team,
}

/// Where to begin, with so many people of the kinds that are asked for.
fn start(census: &Census, question: &Question<'_>, known: i64) -> Start {
    let is_by_name = question.order.is_by_name();
    // One census may serve two questions, of which one has no words.
    let rarest = census.rarest.filter(|_| !question.filter.text.is_empty());
    let word = rarest.map(|(people, place)| {
        let start = if is_by_name && people > SOME {
            Start::NamesWith(place)
        } else {
            Start::Word(place)
        };
        (people, start)
    });
    let team = question
        .filter
        .team
        .is_some()
        .then_some((census.in_team, Start::Team));
    let most = if word.is_some() { MANY } else { FEW };
    let few = word.into_iter().chain(team).filter(|(people, _)| *people <= most);
    let few = few.min_by_key(|(people, _)| *people).map(|(_, start)| start);
    let is_most = known > census.people(|_| true) / 2;
    few.unwrap_or_else(|| {
        if is_by_name && question.kinds.is_none() && is_most {
            let is_short = rarest.is_some() && known > LARGE;
            Start::Names { is_short }
        } else {
            Start::Kinds
        }
    })
}

/// The members with these ids, by name.
///
/// # Errors
/// When the database refuses.
pub fn chosen(conn: &mut Conn, organization: &str, ids: &[String]) -> Result<Vec<Membership>> {
    let mut rows = rows(conn, ids)?;
    rows.retain(|row| row.member.organization == organization);
    rows.sort_by(|one, two| (&one.name_key, &one.member.id).cmp(&(&two.name_key, &two.member.id)));
    Ok(rows.into_iter().map(|row| row.member).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_name_of_its_own() {
        let names: std::collections::BTreeSet<String> = Facet::all().map(Facet::name).collect();
        assert_eq!(names.len(), 3 * 3 * 4 * 2);
        assert!(names.contains("active owner setup") && names.contains("removed member scim managed"));
    }

    #[test]
    fn a_filter_without_a_state_is_about_those_who_are_here() {
        let fit = |filter: &Filter| Facet::all().filter(|facet| facet.fits(filter)).count();
        assert_eq!(fit(&Filter::default()), 2 * 3 * 4 * 2);
        let filter = Filter {
            role: Some(Role::Admin),
            managed: Some(false),
            state: Some(State::Removed),
            ..Filter::default()
        };
        assert_eq!(fit(&filter), 4);
    }

    #[test]
    fn a_search_begins_where_few_people_are() {
        let filter = |text: &str, team: Option<&str>| Filter {
            text: text.into(),
            team: team.map(str::to_owned),
            ..Filter::default()
        };
        let census = |rarest, in_team| Census {
            rarest,
            in_team,
            ..Census::default()
        };
        let begin =
            |census: &Census, filter: &Filter, order| start(census, &Question::new("o", filter, order), 0);
        let newest = |census, filter: &Filter| begin(&census, filter, Order::Newest);
        let (team, both) = (filter("", Some("t")), filter("ada king", Some("t")));
        assert_eq!(newest(census(None, 0), &filter("", None)), Start::Kinds);
        assert_eq!(
            newest(census(Some((7, 1)), 0), &filter("ada king", None)),
            Start::Word(1)
        );
        assert_eq!(newest(census(Some((7, 0)), 3), &both), Start::Team);
        assert_eq!(newest(census(Some((7, 0)), FEW + 1), &both), Start::Word(0));
        assert_eq!(newest(census(None, FEW), &team), Start::Team);
        assert_eq!(newest(census(None, FEW + 1), &team), Start::Kinds);
        assert_eq!(newest(census(Some((MANY + 1, 0)), MANY), &both), Start::Team);
        assert_eq!(newest(census(Some((MANY + 1, 0)), MANY + 1), &both), Start::Kinds);
        let by_name = |people| begin(&census(Some((people, 1)), MANY), &both, Order::Name);
        assert_eq!(by_name(SOME), Start::Word(1));
        assert_eq!(by_name(SOME + 1), Start::NamesWith(1));
        assert_eq!(by_name(MANY), Start::NamesWith(1));
        assert_eq!(by_name(MANY + 1), Start::Team);
    }

    #[test]
    fn most_of_all_are_walked_by_name_and_few_by_their_kinds() {
        let filter = Filter::default();
        let facet = Facet::all().next();
        let census = Census {
            kinds: facet.into_iter().map(|facet| (facet, 10)).collect(),
            ..Census::default()
        };
        let begin = |order, known| start(&census, &Question::new("o", &filter, order), known);
        assert_eq!(begin(Order::Name, 6), Start::Names { is_short: false });
        assert_eq!(begin(Order::Name, 5), Start::Kinds);
        assert_eq!(begin(Order::Seen, 10), Start::Kinds);
        let chosen = Question {
            kinds: Some(|_| true),
            ..Question::new("o", &filter, Order::Name)
        };
        assert_eq!(start(&census, &chosen, 10), Start::Kinds);
        let census = Census {
            rarest: Some((MANY + 1, 1)),
            ..census
        };
        let begin = |filter: &Filter, known| start(&census, &Question::new("o", filter, Order::Name), known);
        let words = Filter {
            text: "ada king".into(),
            ..Filter::default()
        };
        assert_eq!(begin(&words, LARGE), Start::Names { is_short: false });
        assert_eq!(begin(&words, LARGE + 1), Start::Names { is_short: true });
        // The words of another question have no say.
        assert_eq!(begin(&filter, LARGE + 1), Start::Names { is_short: false });
    }

    #[test]
    fn words_are_read_back() {
        for order in Order::ALL {
            assert_eq!(Order::parse(order.as_str()), order);
        }
        assert_eq!(Order::parse("age"), Order::Name);
    }
}
