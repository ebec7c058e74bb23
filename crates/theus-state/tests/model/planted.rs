//! A planted bug must be found, and for what it is; the models and the schedules share this.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// The check must fail, and by saying `why`.
pub(crate) fn must_find(why: &str, check: impl FnOnce()) {
    let panic = catch_unwind(AssertUnwindSafe(check)).expect_err("the planted bug went unnoticed");
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or_default();
    assert!(text.contains(why), "found something else: {text}");
}
