//! Nothing: everything here is a test.
