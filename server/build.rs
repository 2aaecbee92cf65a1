//! Builds the app's files into release builds anew when there are new ones. Debug builds read them from the disk, so a
//! new app is no reason to build the server again.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var_os("CARGO_CFG_DEBUG_ASSERTIONS").is_none() {
        println!("cargo::rerun-if-changed=../dist");
    }
}
