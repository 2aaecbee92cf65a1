//! The entry of the program that shows the wires: dashboard, compare, console. Hands over to the library at once.

use fourwire_frontend::{bundle, start};

fn main() {
    start(if cfg!(feature = "whole") { &bundle::WHOLE } else { &bundle::WIRES });
}
