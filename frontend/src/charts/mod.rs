//! Charts on canvas.
