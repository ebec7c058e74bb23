//! What may travel between threads and be shared by them, type by type: a promise that no change may break unseen.

use theus_state::*;

fn travels_and_is_shared<T: Send + Sync + Unpin>() {}
fn lives_as_long_as_it_likes<T: 'static>() {}

macro_rules! promise {
    ($($name:ident: $type:ty),* $(,)?) => {{
        $(travels_and_is_shared::<$type>();)*
        vec![$(stringify!($name)),*]
    }};
}

#[test]
fn every_public_type_travels_and_is_shared() {
    let mut listed = promise![
        Backoff: Backoff,
        Commit: Commit,
        CommitError: CommitError,
        CommitRefused: CommitRefused<String>,
        Committed: Committed,
        Conflict: Conflict,
        ConflictManager: ConflictManager,
        Event: Event,
        Isolation: Isolation,
        Limit: Limit,
        Observer: Observer,
        Peek: Peek<'_>,
        Pending: Pending<'_>,
        Priority: Priority,
        RecvError: RecvError,
        Requester: Requester,
        RetryDecision: RetryDecision,
        Snapshot: Snapshot,
        Store: Store,
        Transaction: Transaction,
        TransactionError: TransactionError,
        TransactionOptions: TransactionOptions,
    ];
    listed.sort_unstable();
    let is_type = |name: &&str| name.chars().any(char::is_lowercase);
    let face = include_str!("../../src/lib.rs").lines().filter_map(|line| line.strip_prefix("pub use "));
    let mut public: Vec<&str> = face
        .flat_map(|line| line.split(|c: char| !c.is_alphanumeric() && c != '_'))
        .filter(|name| name.starts_with(char::is_uppercase))
        .filter(is_type)
        .collect();
    public.sort_unstable();
    assert_eq!(listed, public, "the list above and the crate's face");
}

#[test]
fn what_is_kept_borrows_nothing() {
    lives_as_long_as_it_likes::<Store>();
    lives_as_long_as_it_likes::<Snapshot>();
    lives_as_long_as_it_likes::<Transaction>();
    lives_as_long_as_it_likes::<Priority>();
    lives_as_long_as_it_likes::<Observer>();
    lives_as_long_as_it_likes::<ConflictManager>();
}
