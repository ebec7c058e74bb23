//! [`proof`]: any bytes as a proof about an audit trail, as whoever wants to be believed sends one.
//!
//! What not: proofs that were made from a trail (a property test of `theus-audit` has those).
//! Invariants checked: reading is total; a text that parses is the only one of its proof; a proof is accepted just when the
//! root that a slow twin computes by RFC 6962 section 2.1.1 is that of the checkpoint.

use theus_audit::{
    Hash, Proof, ProofError, Trust, check_consistency, check_inclusion, extends, includes, leaf_hash,
    node_hash,
};

/// Judges both checks on these bytes.
///
/// # Panics
/// Where they break a promise.
pub fn proof(bytes: &[u8]) {
    numbers(bytes);
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    let (included, consistent) =
        (check_inclusion(text, &Trust::default()), check_consistency(text, &Trust::default()));
    match Proof::parse(text) {
        Err(error) => {
            assert_eq!(included.err(), Some(error.clone()));
            assert_eq!(consistent.err(), Some(error));
        }
        Ok(proof) => {
            assert_eq!(proof.to_string(), text, "a second text of one proof");
            match proof {
                Proof::Inclusion { number, entry, path, checkpoint } => {
                    let checkpoint = checkpoint.checkpoint();
                    let root = root(number - 1, checkpoint.size, leaf_hash(&entry), &path);
                    match included {
                        Ok(_) => assert_eq!(root, Some(checkpoint.root)),
                        Err(ProofError::Record { .. }) => assert_eq!(root, Some(checkpoint.root)),
                        Err(_) => assert_ne!(root, Some(checkpoint.root)),
                    }
                    assert!(consistent.is_err());
                }
                Proof::Consistency { older, newer, .. } => {
                    assert!(included.is_err());
                    if let Ok(shown) = consistent {
                        assert_eq!((&shown.older, &shown.newer), (older.checkpoint(), newer.checkpoint()));
                        assert!(shown.older.size <= shown.newer.size);
                    }
                }
            }
        }
    }
}

/// The same with numbers and hashes that need not be written as a text.
fn numbers(bytes: &[u8]) {
    let Some((head, rest)) = bytes.split_first_chunk::<16>() else {
        return;
    };
    let [first, second] =
        [0, 8].map(|at| u64::from_le_bytes(head[at..at + 8].try_into().expect("eight bytes")));
    let path: Vec<Hash> = rest.chunks_exact(32).map(|hash| hash.try_into().expect("32 bytes")).collect();
    let leaf = [7; 32];
    if let Some(root) = root(first, second, leaf, &path) {
        assert!(includes(&root, second, first, &leaf, &path));
    }
    assert!(!includes(&[0; 32], second, first, &leaf, &path));
    assert_eq!(extends(first, &leaf, second, &leaf, &path), first == second && first > 0 && path.is_empty());
}

/// The root to which a path leads from leaf m of n; None if it has another number of hashes than it should.
fn root(m: u64, n: u64, leaf: Hash, path: &[Hash]) -> Option<Hash> {
    if m >= n {
        return None;
    }
    if n == 1 {
        return path.is_empty().then_some(leaf);
    }
    let (last, path) = path.split_last()?;
    let mut k = 1;
    while k < n.div_ceil(2) {
        k *= 2;
    }
    Some(match m < k {
        true => node_hash(&root(m, k, leaf, path)?, last),
        false => node_hash(last, &root(m - k, n - k, leaf, path)?),
    })
}
