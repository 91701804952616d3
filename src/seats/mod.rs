//! Seats: how many people an organization may have, and how many it has.
//!
//! A seat is held by each active member and by each pending invitation that has not expired. A
//! deactivated or removed member holds none: reactivation takes a free one like any newcomer.
//! Whoever counts before letting somebody in does it in a transaction that holds the organization
//! (`Store::write_in`), so that two of them never take the same last seat.

mod queries;

pub use queries::{count, has_room};

/// The seats of one organization at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seats {
    /// How many people it may have; none: as many as it likes.
    pub limit: Option<i64>,
    /// Seats of active members.
    pub members: i64,
    /// Seats of pending invitations that have not expired.
    pub invited: i64,
}

impl Seats {
    /// The seats that are taken.
    pub fn taken(&self) -> i64 {
        self.members + self.invited
    }

    /// The seats that are free, never below zero; none where there is no limit.
    pub fn free(&self) -> Option<i64> {
        self.limit.map(|limit| (limit - self.taken()).max(0))
    }

    /// Whether there is room for `more` people.
    pub fn has_room(&self, more: i64) -> bool {
        self.free().is_none_or(|free| more <= free)
    }
}

#[cfg(test)]
mod tests {
    use super::Seats;

    #[test]
    fn free_seats_never_go_below_zero() {
        let seats = |limit, members, invited| Seats {
            limit,
            members,
            invited,
        };
        let table = [
            (seats(None, 1_000, 1_000), None, true),
            (seats(Some(3), 1, 1), Some(1), true),
            (seats(Some(2), 1, 1), Some(0), false),
            (seats(Some(1), 2, 1), Some(0), false),
            (seats(Some(0), 0, 0), Some(0), false),
        ];
        for (seats, free, room) in table {
            assert_eq!((seats.free(), seats.has_room(1)), (free, room), "{seats:?}");
        }
        assert!(!seats(Some(3), 1, 0).has_room(3));
        assert!(seats(Some(1), 5, 0).has_room(0));
    }
}
