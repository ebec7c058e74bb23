//! Plain data of Theus: values, paths, updates and their canonical byte encoding.
