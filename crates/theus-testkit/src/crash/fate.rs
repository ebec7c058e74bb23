//! The moment at which a role is to die: at a named point of its work, reached for the n-th time.
//!
//! The role says where it is by calling [`Fate::reach`]; the library under test knows nothing of it.

use theus_shm::pidfd;

/// What a role was told about its end. None by default: it lives until somebody else kills it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fate {
    point: String,
    left: u64,
}

impl Fate {
    /// To die at `point`, reached for the `count`-th time (1 is the first).
    pub fn at(point: &str, count: u64) -> Self {
        Fate { point: point.to_owned(), left: count }
    }

    /// As one line of text, for a message to the role.
    pub fn text(&self) -> String {
        format!("{} {}", self.left, self.point)
    }

    /// Back from [`text`](Self::text); what cannot be read is no fate.
    pub fn parse(text: &str) -> Self {
        let (count, point) = text.split_once(' ').unwrap_or_default();
        Fate { point: point.to_owned(), left: count.parse().unwrap_or(0) }
    }

    /// The role has reached this point of its work. Dies of SIGKILL here if it is to.
    ///
    /// # Panics
    /// When the system refuses the signal.
    pub fn reach(&mut self, point: &str) {
        if self.left == 0 || self.point != point {
            return;
        }
        self.left -= 1;
        if self.left == 0 {
            let own = pidfd::open(std::process::id()).expect("a descriptor of this process");
            pidfd::send_signal(&own, 9).expect("a signal to this process");
            unreachable!("nobody survives this signal");
        }
    }
}
