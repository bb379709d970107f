//! Where a node sits at the desk. Each has two places: while it says its present state anew it sits
//! down on the other one, and what is still on the one before when it has ended is not there any
//! more.

/// A seat with the place that its node has taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seat {
    number: u8,
    /// Which of its two places.
    side: u8,
}

/// Seats there are. One that lets others have its seat when it goes is gone for good; the roll
/// admits as many nodes.
pub(crate) const SEATS: u8 = 32;

impl Seat {
    /// Of the only node, where there is no cluster.
    pub const ALONE: Self = Self { number: 0, side: 0 };

    /// All of them, for a fault that the simulation has to find.
    #[cfg(test)]
    pub(crate) const EVERY: Self = Self { number: SEATS, side: 0 };

    /// A seat with a number below [`SEATS`].
    pub(crate) fn new(number: u8) -> Self {
        Self { number: number % SEATS, side: 0 }
    }

    /// The bit of the place that is taken.
    pub(crate) fn here(self) -> u64 {
        1 << (2 * self.number + self.side)
    }

    /// The bits of both places.
    pub(crate) fn both(self) -> u64 {
        #[cfg(test)]
        if self == Self::EVERY {
            return u64::MAX;
        }
        0b11 << (2 * self.number)
    }

    /// The same seat with the other place.
    pub(crate) fn turned(self) -> Self {
        Self { side: 1 - self.side, ..self }
    }

    /// Whether it is that of the same node.
    pub(crate) fn is_of(self, other: Self) -> bool {
        self.number == other.number
    }
}
