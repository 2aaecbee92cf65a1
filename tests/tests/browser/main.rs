//! The app in a real browser. One program for all pages: so the long tests of one share the processors with those of
//! another.

mod auctions;
mod compare;
mod dashboard;
mod experiment;
mod jobs;
mod pages;
mod soak;
