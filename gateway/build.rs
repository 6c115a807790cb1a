//! Notices a new build of the portal: its files are inside the binary.

fn main() {
    // A folder that is not there would have this crate built again each time. Where it cannot be made, it is.
    let _ = std::fs::create_dir_all("ui/dist");
    println!("cargo::rerun-if-changed=ui/dist");
}
