//! One entry of the log.

/// One entry of an [`AuditSystem`](crate::AuditSystem)'s log. Plain data; never changes once it is in the log.
#[derive(Clone, Debug, PartialEq)]
pub struct LogEntry {
    /// When it was added: seconds since 1970-01-01 00:00 UTC.
    pub timestamp: f64,
    /// What it is about.
    pub key: String,
    /// What there is to say.
    pub message: String,
}
