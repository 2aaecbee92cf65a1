//! The entry of the program that shows jobs. Hands over to the library at once.

fn main() {
    fourwire_frontend::start(&fourwire_frontend::bundle::JOBS);
}
