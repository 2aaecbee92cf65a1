//! Compare: the four wires beside each other on one topic, measured in this browser.
//!
//! Pure and tested natively: `settings` (and the permalink), `board` (what was measured), `summary`, `verdict`, `cost`,
//! `export`, `rain_layout`. `engine` runs it with one `lane` a wire; `rain` and `plots` paint the shared `run`; the
//! `page` and its cards see nothing but snapshots, `shown`, and speak in `command`s. Nothing here speaks a wire itself.

pub mod board;
pub mod command;
pub mod controls;
pub mod cost;
pub mod engine;
pub mod export;
pub mod files;
pub mod lane;
pub mod lane_card;
pub mod lock;
pub mod look;
pub mod numbers;
pub mod page;
pub mod plot_cards;
pub mod plots;
pub mod rain;
pub mod rain_card;
pub mod rain_layout;
pub mod run;
pub mod server;
pub mod settings;
pub mod shown;
pub mod stamps;
pub mod summary;
pub mod verdict;
pub mod verdict_card;

pub use page::Compare;
