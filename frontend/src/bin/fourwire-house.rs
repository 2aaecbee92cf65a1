//! The entry of the program that shows the auction house. Hands over to the library at once.

fn main() {
    fourwire_frontend::start(&fourwire_frontend::bundle::HOUSE);
}
