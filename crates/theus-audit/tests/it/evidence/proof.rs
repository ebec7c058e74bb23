//! Proofs about trees, against a slow twin that follows RFC 6962 word by word, and against whoever makes them wrong.

use proptest::collection::vec;
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use theus_audit::{Frontier, Hash, Prover, empty_root, extends, includes, leaf_hash, node_hash};

fn leaves(count: u64) -> Vec<Hash> {
    (0..count).map(|number| leaf_hash(&number.to_le_bytes())).collect()
}

/// The largest power of two below n.
fn split(n: usize) -> usize {
    let mut k = 1;
    while k * 2 < n {
        k *= 2;
    }
    k
}

/// RFC 6962 section 2.1: MTH.
fn mth(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            node_hash(&mth(left), &mth(right))
        }
    }
}

/// RFC 6962 section 2.1.1: PATH.
fn path(m: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let k = split(leaves.len());
    let (left, right) = leaves.split_at(k);
    let (mut path, sibling) =
        if m < k { (path(m, left), mth(right)) } else { (path(m - k, right), mth(left)) };
    path.push(sibling);
    path
}

/// RFC 6962 section 2.1.2: SUBPROOF.
fn subproof(m: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
    if m == leaves.len() {
        return if whole { Vec::new() } else { vec![mth(leaves)] };
    }
    let k = split(leaves.len());
    let (left, right) = leaves.split_at(k);
    let (mut proof, sibling) = if m <= k {
        (subproof(m, left, whole), mth(right))
    } else {
        (subproof(m - k, right, false), mth(left))
    };
    proof.push(sibling);
    proof
}

fn proven(prover: Option<Prover>, leaves: &[Hash]) -> Vec<Hash> {
    let mut prover = prover.unwrap();
    leaves.iter().for_each(|leaf| prover.push(*leaf));
    prover.path().unwrap()
}

/// What somebody may do to a proof.
fn spoiled(path: &[Hash]) -> Vec<Vec<Hash>> {
    let mut all = Vec::new();
    for index in 0..path.len() {
        let mut flipped = path.to_vec();
        flipped[index][index % 32] ^= 1;
        all.push(flipped);
        let mut shorter = path.to_vec();
        shorter.remove(index);
        all.push(shorter);
        let mut longer = path.to_vec();
        longer.insert(index, path[index]);
        all.push(longer);
        if index > 0 {
            let mut swapped = path.to_vec();
            swapped.swap(index - 1, index);
            all.push(swapped);
        }
    }
    all.push([path, &[[0; 32]]].concat());
    all
}

#[test]
fn every_inclusion_proof_up_to_64_leaves_is_that_of_the_rfc_and_no_other_is_taken() {
    for size in 1..=64_u64 {
        let leaves = leaves(size);
        let root = mth(&leaves);
        let mut tree = Frontier::default();
        leaves.iter().for_each(|leaf| tree.push(*leaf));
        assert_eq!(tree.root(), root);
        for index in 0..size {
            let leaf = leaves[index as usize];
            let proof = proven(Prover::inclusion(index, size), &leaves);
            assert_eq!(proof, path(index as usize, &leaves));
            assert!(includes(&root, size, index, &leaf, &proof));
            for spoiled in spoiled(&proof) {
                assert!(!includes(&root, size, index, &leaf, &spoiled), "{size} {index}");
            }
            for other in (0..size).filter(|other| *other != index) {
                assert!(!includes(&root, size, other, &leaf, &proof), "{size} {index} {other}");
            }
            assert!(!includes(&root, index, index, &leaf, &proof));
        }
        assert!(Prover::inclusion(size, size).is_none());
    }
}

#[test]
fn every_consistency_proof_up_to_64_leaves_is_that_of_the_rfc_and_no_other_is_taken() {
    for second in 1..=64_u64 {
        let leaves = leaves(second);
        let root = mth(&leaves);
        for first in 1..=second {
            let older = mth(&leaves[..first as usize]);
            let proof = proven(Prover::consistency(first, second), &leaves);
            assert_eq!(proof, subproof(first as usize, &leaves, true));
            assert!(extends(first, &older, second, &root, &proof), "{first} {second}");
            for spoiled in spoiled(&proof) {
                assert!(!extends(first, &older, second, &root, &spoiled), "{first} {second}");
            }
            let mut wrong = older;
            wrong[0] ^= 1;
            assert!(!extends(first, &wrong, second, &root, &proof));
            assert!(!extends(first, &older, second, &wrong, &proof));
            assert!(first == second || !extends(second, &root, first, &older, &proof));
        }
        assert!(Prover::consistency(second + 1, second).is_none());
    }
    assert!(Prover::consistency(0, 5).is_none());
    assert!(extends(0, &empty_root(), 5, &mth(&leaves(5)), &[]));
    assert!(!extends(0, &[0; 32], 5, &mth(&leaves(5)), &[]));
}

/// A prover that splits in the middle is right for complete trees only.
#[test]
fn planted_a_prover_that_splits_in_the_middle_is_found() {
    fn middle(m: usize, leaves: &[Hash]) -> Vec<Hash> {
        if leaves.len() == 1 {
            return Vec::new();
        }
        let (left, right) = leaves.split_at(leaves.len() / 2);
        let k = left.len();
        let (mut path, sibling) =
            if m < k { (middle(m, left), mth(right)) } else { (middle(m - k, right), mth(left)) };
        path.push(sibling);
        path
    }
    let leaves = leaves(6);
    assert_ne!(middle(3, &leaves), proven(Prover::inclusion(3, 6), &leaves));
    assert!(!includes(&mth(&leaves), 6, 3, &leaves[3], &middle(3, &leaves)));
}

/// A consistency proof that repeats the first root where it is a node of the second tree is not that of the RFC.
#[test]
fn planted_a_prover_that_repeats_the_first_root_is_found() {
    let leaves = leaves(7);
    let repeated = subproof(4, &leaves, false);
    assert!(!extends(4, &mth(&leaves[..4]), 7, &mth(&leaves), &repeated));
}

#[test]
fn a_prover_without_all_leaves_gives_no_proof() {
    let mut prover = Prover::inclusion(0, 3).unwrap();
    prover.push([1; 32]);
    prover.push([2; 32]);
    assert_eq!(prover.path(), None);
}

proptest! {
    #[test]
    fn large_trees_agree_with_the_rfc(size in 65_u64..400, first in any::<prop::sample::Index>(), more in 0_usize..5) {
        let index = first.index(size as usize);
        let all = leaves(size + more as u64);
        let leaves = &all[..size as usize];
        let root = mth(leaves);
        let inclusion = proven(Prover::inclusion(index as u64, size), &all);
        prop_assert_eq!(&inclusion, &path(index, leaves));
        prop_assert!(includes(&root, size, index as u64, &leaves[index], &inclusion));
        let older = index + 1;
        let consistency = proven(Prover::consistency(older as u64, size), &all);
        prop_assert_eq!(&consistency, &subproof(older, leaves, true));
        prop_assert!(extends(older as u64, &mth(&leaves[..older]), size, &root, &consistency));
    }

    #[test]
    fn anything_is_checked_to_an_end(
        first in any::<u64>(), second in any::<u64>(), path in vec(any::<[u8; 32]>(), 0..80),
        close in any::<bool>(),
    ) {
        let second = if close { first.saturating_add(second % 3) } else { second };
        prop_assert!(!includes(&[1; 32], second, first, &[2; 32], &path));
        let same = first == second && path.is_empty();
        prop_assert_eq!(extends(first, &[1; 32], second, &[1; 32], &path), same && first > 0);
    }
}

/// SHA-256 by the library's own hasher.
fn plain(parts: &[&[u8]]) -> Hash {
    Sha256::digest(parts.concat()).into()
}

proptest! {
    #[test]
    fn the_hashes_of_the_tree_are_sha_256_of_a_prefix_and_the_bytes(bytes in vec(any::<u8>(), 400)) {
        // All lengths, and so all places where blocks and padding may end.
        for end in 0..bytes.len() {
            prop_assert_eq!(leaf_hash(&bytes[..end]), plain(&[&[0], &bytes[..end]]));
        }
        let (left, right) = (leaf_hash(&bytes), leaf_hash(&bytes[..1]));
        prop_assert_eq!(node_hash(&left, &right), plain(&[&[1], &left, &right]));
        prop_assert_eq!(empty_root(), plain(&[]));
    }
}
