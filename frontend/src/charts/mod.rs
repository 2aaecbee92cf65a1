//! Charts on canvas, drawn once per animation frame for the whole page.
//!
//! The pure parts (`scale`, `decimate`, `ecdf`, `series`, `units`, `words`) are tested natively; the rest talks to the
//! browser: one loop (`pulse`), one place that reads design tokens (`theme`), a canvas that knows its size (`surface`)
//! and the components. A chart knows neither topics nor wires.

pub mod crosshair;
pub mod decimate;
pub mod ecdf;
mod line_chart;
mod line_painter;
pub mod marks;
pub mod plot;
pub mod pulse;
pub mod scale;
pub mod series;
pub mod surface;
mod table;
pub mod theme;
pub mod units;
pub mod words;

pub use crosshair::Crosshair;
pub use line_chart::LineChart;
pub use marks::Dash;
pub use plot::{Paint, Painter, Plot, Pointed};
pub use scale::Scale;
pub use series::Series;
pub use units::Unit;
