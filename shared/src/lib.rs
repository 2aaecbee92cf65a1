//! What both sides of a wire speak.
//!
//! Server, browser app, command-line client and tests share these types, so that a frame, a cursor or a refusal means
//! the same everywhere. Nothing here reads a clock, opens a socket, spawns a task or touches a browser: time and bytes
//! come in as arguments, decisions go out as values.

pub mod auction;
pub mod command;
pub mod cursor;
pub mod dashboard;
pub mod decimal;
pub mod experiment;
pub mod figures;
pub mod frame;
pub mod job;
pub mod lab;
pub mod object;
pub mod page;
pub mod problem;
pub mod session;
pub mod sse;
pub mod topic;
pub mod wire;

pub use command::{Command, Description, Policy, Publish, Published, Retain, TopicSpec};
pub use cursor::{After, Cursor, Epoch, Seq};
pub use frame::{ClosingReason, Event, Frame, ResetReason};
pub use object::from_object;
pub use page::Page;
pub use problem::{Code, Problem};
pub use topic::Topic;
pub use wire::Wire;
