//! The form of a table of groups: rows as they were typed, read into lines. Pure.

use crate::access::Role;
use crate::groups::model::Line;
use crate::web::Posted;

/// The longest group that a row takes, in characters.
const LONGEST: usize = 200;
/// How many rows a form has at most.
const MOST: usize = 2_000;

/// One row as it stands in the form. A row without a team is no line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// The group's name or id as sign-ins send it.
    pub group: String,
    /// The id of the directory's group that it follows, or empty.
    pub scim: String,
    /// The team's id, or empty.
    pub team: String,
    /// The word of the role.
    pub role: String,
    /// Its place, as typed.
    pub order: String,
    /// What is wrong with the group, the team and the role; empty where nothing is.
    pub group_error: String,
    /// See `group_error`.
    pub team_error: String,
    /// See `group_error`.
    pub role_error: String,
}

impl Row {
    /// The row of a line.
    pub fn of(line: &Line, number: usize) -> Self {
        Self {
            group: line.group.clone(),
            scim: line.scim_group.clone(),
            team: line.team.clone(),
            role: line.role.as_str().to_owned(),
            order: number.to_string(),
            ..Self::default()
        }
    }

    /// The row of a group that has no line yet.
    pub fn unmapped(group: String, scim: String) -> Self {
        Self {
            group,
            scim,
            role: Role::Member.as_str().to_owned(),
            ..Self::default()
        }
    }

    /// Whether something is wrong with it.
    pub fn is_wrong(&self) -> bool {
        !(self.group_error.is_empty() && self.team_error.is_empty() && self.role_error.is_empty())
    }

    /// Its place; one without a number comes last.
    fn place(&self) -> i64 {
        self.order.parse().unwrap_or(i64::MAX)
    }

    fn judge(&mut self, teams: &[(String, String)]) -> Option<Line> {
        if self.team.is_empty() {
            return None;
        }
        if self.group.is_empty() || self.group.chars().count() > LONGEST {
            self.group_error =
                format!("Write the group as the provider sends it, at most {LONGEST} characters.");
        }
        if !teams.iter().any(|(id, _)| *id == self.team) {
            self.team_error = "This team is gone. Choose another one, or none.".to_owned();
        }
        let role = match Role::parse(&self.role) {
            Some(Role::Owner) => {
                self.role_error = "No group makes owners. Choose member or admin.".to_owned();
                None
            }
            None => {
                self.role_error = "Choose member or admin.".to_owned();
                None
            }
            known => known,
        };
        let line = Line {
            group: self.group.clone(),
            team: self.team.clone(),
            role: role?,
            scim_group: self.scim.clone(),
        };
        (!self.is_wrong()).then_some(line)
    }
}

/// The rows as they were sent; none where the fields of the rows don't fit together.
pub fn rows(form: &Posted) -> Option<Vec<Row>> {
    let (groups, scims, teams) = (form.all("group"), form.all("scim"), form.all("team"));
    let (roles, orders) = (form.all("role"), form.all("order"));
    let count = groups.len();
    let fits = [scims.len(), teams.len(), roles.len(), orders.len()]
        .iter()
        .all(|length| *length == count);
    if !fits || count > MOST {
        return None;
    }
    let rest = scims.into_iter().zip(teams).zip(roles.into_iter().zip(orders));
    let row = |(group, ((scim, team), (role, order)))| Row {
        group,
        scim,
        team,
        role,
        order,
        ..Row::default()
    };
    Some(groups.into_iter().zip(rest).map(row).collect())
}

/// The lines that the rows say, in their order; what is wrong is noted in the rows. `present` are the
/// directory's groups that there are: a line of one that is gone gives way to one of the same name.
pub fn read(rows: &mut [Row], teams: &[(String, String)], present: &[String]) -> Option<Vec<Line>> {
    rows.sort_by_key(Row::place);
    let mut lines: Vec<Line> = Vec::new();
    for row in rows.iter_mut() {
        let Some(line) = row.judge(teams) else {
            continue;
        };
        let twin = lines
            .iter_mut()
            .find(|other| other.group == line.group && other.team == line.team);
        match twin {
            None => lines.push(line),
            Some(other) if is_gone(other, present) && !is_gone(&line, present) => *other = line,
            Some(_) if is_gone(&line, present) => {}
            Some(_) => row.team_error = "This group has this team already, in another row.".to_owned(),
        }
    }
    (!rows.iter().any(Row::is_wrong)).then_some(lines)
}

fn is_gone(line: &Line, present: &[String]) -> bool {
    !line.scim_group.is_empty() && !present.contains(&line.scim_group)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn teams() -> Vec<(String, String)> {
        vec![("t1".into(), "One".into()), ("t2".into(), "Two".into())]
    }

    fn row(group: &str, scim: &str, team: &str, role: &str, order: &str) -> Row {
        Row {
            group: group.into(),
            scim: scim.into(),
            team: team.into(),
            role: role.into(),
            order: order.into(),
            ..Row::default()
        }
    }

    #[test]
    fn rows_with_a_team_are_lines_in_their_order() {
        let mut rows = [
            row("b", "", "t2", "admin", "2"),
            row("c", "", "", "nonsense", ""),
            row("d", "", "t1", "member", ""),
            row("a", "g", "t1", "member", "1"),
        ];
        let lines = read(&mut rows, &teams(), &["g".into()]).unwrap();
        let told: Vec<_> = lines
            .iter()
            .map(|line| (line.group.as_str(), line.role))
            .collect();
        assert_eq!(
            told,
            [("a", Role::Member), ("b", Role::Admin), ("d", Role::Member)]
        );
    }

    #[test]
    fn what_is_wrong_stands_beside_its_field() {
        let mut rows = [
            row("", "", "t1", "member", ""),
            row("a", "", "t9", "member", ""),
            row("b", "", "t1", "owner", ""),
            row("c", "", "t1", "chief", ""),
            row("d", "", "t1", "member", ""),
            row("d", "", "t1", "admin", ""),
        ];
        assert_eq!(read(&mut rows, &teams(), &[]), None);
        let wrong =
            rows.map(|row| [row.group_error, row.team_error, row.role_error].map(|text| !text.is_empty()));
        let expected = [
            [true, false, false],
            [false, true, false],
            [false, false, true],
            [false, false, true],
            [false, false, false],
            [false, true, false],
        ];
        assert_eq!(wrong, expected);
    }

    #[test]
    fn a_new_group_of_an_old_name_takes_the_place_of_the_gone_one() {
        for order in [["1", "2"], ["2", "1"]] {
            let mut rows = [
                row("Admins", "old", "t1", "admin", order[0]),
                row("Admins", "new", "t1", "admin", order[1]),
            ];
            let lines = read(&mut rows, &teams(), &["new".into()]).unwrap();
            assert_eq!(lines.len(), 1);
            assert_eq!(lines[0].scim_group, "new");
        }
    }

    #[test]
    fn fields_that_do_not_fit_together_are_no_rows() {
        let fields = [
            ("group", "a"),
            ("scim", ""),
            ("team", "t1"),
            ("role", "member"),
            ("order", ""),
        ];
        assert_eq!(rows(&Posted::of(&fields)).unwrap().len(), 1);
        assert_eq!(rows(&Posted::of(&fields[..4])), None);
        assert_eq!(rows(&Posted::default()), Some(vec![]));
    }
}
