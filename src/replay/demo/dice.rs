//! What looks random but is the same every time: it comes from hashes of names.

use std::fmt::Write;

/// A stream of numbers that depends on its seed alone (`SplitMix64`).
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn of(seed: &str) -> Self {
        Self(hash(seed))
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 up to but without `bound`.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    /// A place in a list of `length`.
    pub(super) fn place(&mut self, length: usize) -> usize {
        let bound = u64::try_from(length).unwrap_or(1);
        usize::try_from(self.below(bound)).unwrap_or_default()
    }

    /// A number from -1 to 1.
    pub(super) fn swing(&mut self) -> f64 {
        let small = u32::try_from(self.below(20_001)).unwrap_or_default();
        f64::from(small) / 10_000.0 - 1.0
    }

    pub(super) fn hex(&mut self, digits: usize) -> String {
        let mut text = String::new();
        while text.len() < digits {
            write!(text, "{:016x}", self.next()).unwrap_or_default();
        }
        text.truncate(digits);
        text
    }

    /// Letters as Kubernetes picks them for names, without vowels.
    pub(super) fn suffix(&mut self, length: usize) -> String {
        const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
        (0..length).map(|_| char::from(LETTERS[self.place(LETTERS.len())])).collect()
    }
}

/// FNV-1a.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |sum, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The uid of an object.
pub(super) fn uid(kind: &str, namespace: &str, name: &str) -> String {
    let hex = Dice::of(&format!("uid {kind} {namespace}/{name}")).hex(32);
    format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
}

/// A hash of a Pod template, as Deployments put it into names.
pub(super) fn template_hash(seed: &str) -> String {
    Dice::of(&format!("template {seed}")).suffix(10)
}
