//! The worker pool: supervisor, tasks, attempts and the worker protocol.
