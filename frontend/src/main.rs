//! The app's entry in the browser: hands over to the library at once.

fn main() {
    fourwire_frontend::start();
}
