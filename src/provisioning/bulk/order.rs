//! In which order operations are done that refer to each other (RFC 7644 §3.7.2).

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

/// The names in one operation.
#[derive(Default)]
pub struct Names<'a> {
    /// Its bulkId.
    pub makes: Option<&'a str>,
    /// The bulkIds that it refers to.
    pub refers: Vec<&'a str>,
}

/// Every operation once, by its place in the request.
#[derive(Debug, PartialEq, Eq)]
pub struct Order {
    /// As they are to be done.
    pub done: Vec<usize>,
    /// Those that wait for each other, or for such, for ever.
    pub circular: Vec<usize>,
}

/// As they came, but each after all that make what it refers to. One that refers to what nobody makes waits for nobody.
/// Each name is looked at once, however long the chains are.
pub fn order(lines: &[Names<'_>]) -> Order {
    let mut makers: HashMap<&str, usize> = HashMap::new();
    for (at, line) in lines.iter().enumerate() {
        if let Some(name) = line.makes {
            makers.entry(name).or_insert(at);
        }
    }
    let makers_of = |line: &Names<'_>| -> HashSet<usize> {
        let all: Option<_> = line.refers.iter().map(|name| makers.get(name).copied()).collect();
        all.unwrap_or_default()
    };
    let mut waits_for: Vec<usize> = Vec::with_capacity(lines.len());
    let mut followers: HashMap<usize, Vec<usize>> = HashMap::new();
    for (at, line) in lines.iter().enumerate() {
        let makers = makers_of(line);
        waits_for.push(makers.len());
        for maker in makers {
            followers.entry(maker).or_default().push(at);
        }
    }
    let free = waits_for.iter().enumerate().filter(|(_, count)| **count == 0);
    let mut ready: BinaryHeap<Reverse<usize>> = free.map(|(at, _)| Reverse(at)).collect();
    let mut done = Vec::with_capacity(lines.len());
    while let Some(Reverse(at)) = ready.pop() {
        done.push(at);
        for follower in followers.remove(&at).unwrap_or_default() {
            if let Some(count) = waits_for.get_mut(follower) {
                *count -= 1;
                if *count == 0 {
                    ready.push(Reverse(follower));
                }
            }
        }
    }
    let stuck = waits_for.iter().enumerate().filter(|(_, count)| **count > 0);
    let circular = stuck.map(|(at, _)| at).collect();
    Order { done, circular }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ordered(lines: &[(&str, &[&str])]) -> (Vec<usize>, Vec<usize>) {
        let names: Vec<Names<'_>> = lines
            .iter()
            .map(|(makes, refers)| Names {
                makes: Some(*makes).filter(|name| !name.is_empty()),
                refers: refers.to_vec(),
            })
            .collect();
        let Order { done, circular } = order(&names);
        (done, circular)
    }

    /// SCIM-080.
    #[test]
    fn whoever_refers_comes_after_what_is_made() {
        for (lines, done, circular) in [
            (vec![("a", &[][..]), ("", &[]), ("b", &[])], vec![0, 1, 2], vec![]),
            (
                vec![("a", &["b", "c", "b"]), ("b", &["c"]), ("c", &[]), ("", &[])],
                vec![2, 1, 0, 3],
                vec![],
            ),
            // Nobody makes it: this one is refused at once.
            (vec![("a", &["x", "b"]), ("b", &["a"])], vec![0, 1], vec![]),
            (vec![("a", &["a"]), ("b", &[])], vec![1], vec![0]),
            (
                vec![("a", &["b"]), ("b", &["a"]), ("c", &["a"]), ("d", &[])],
                vec![3],
                vec![0, 1, 2],
            ),
            // Of two of one name the first is meant.
            (
                vec![("", &["a"]), ("a", &[]), ("a", &["a"])],
                vec![1, 0, 2],
                vec![],
            ),
        ] {
            assert_eq!(ordered(&lines), (done, circular), "{lines:?}");
        }
    }

    /// A thousand that each wait for the next one, and say so often.
    /// SCIM-080, RES-011.
    #[test]
    fn the_longest_chain_is_gone_through_once() {
        let names: Vec<String> = (0..=1_000).map(|number| number.to_string()).collect();
        let lines: Vec<Names<'_>> = (0..1_000)
            .map(|at| Names {
                makes: Some(&names[at]),
                refers: if at == 999 {
                    vec![]
                } else {
                    vec![&names[at + 1]; 55]
                },
            })
            .collect();
        assert_eq!(order(&lines).done, (0..1_000).rev().collect::<Vec<_>>());
    }
}
