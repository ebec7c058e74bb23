//! The keys of a measured state, and a fixed sequence of random ones.
//!
//! What not: no values. Invariant: the same numbers in every run.

use theus_value::Key;

/// `key0`, `key1` and so on.
pub fn keys(count: usize) -> Vec<Key> {
    (0..count).map(|number| Key::from(format!("key{number}"))).collect()
}

/// Random numbers from a fixed seed: SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
#[derive(Clone, Debug, Default)]
pub struct Draw(u64);

impl Draw {
    /// A number below `bound`; the slight bias of a remainder does not matter here.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) as usize % bound
    }
}
