//! The entry of the program that shows experiments. Hands over to the library at once.

fn main() {
    fourwire_frontend::start(&fourwire_frontend::bundle::EXPERIMENT);
}
