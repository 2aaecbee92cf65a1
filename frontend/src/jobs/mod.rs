//! What the pages of jobs share: their requests, files on their way, and how a job reads.

pub mod api;
pub mod keys;
pub mod upload;
pub mod words;

pub use words::{bar, private_tag, state_tag};
