//! What the pages of jobs share: their requests, and how a job reads.

pub mod api;
pub mod words;

pub use words::{bar, state_tag};
