//! Between Python objects and values.

mod from_python;
mod to_python;

pub(crate) use from_python::{Handles, from_python};
pub(crate) use to_python::{Arrays, Style, to_python};
