//! The program as its operator meets it: the real binary, its flags, its signals, its exit codes and its log.
//!
//! A test of the host's package, unlike the others, because only such a test is given the real binary.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should stop")]

mod access;
mod attacks;
mod beginning;
mod caching;
mod checking;
mod compiling;
mod conforming;
mod credentials;
mod databases;
mod developing;
mod keeping;
mod lines;
mod operating;
mod replaying;
mod running;
mod settings;
mod signals;
mod signing;
mod watching;
