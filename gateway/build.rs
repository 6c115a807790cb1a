//! Notices a new build of the portal.

#[expect(
    clippy::disallowed_methods,
    reason = "the environment is how cargo talks to a build script"
)]
fn main() {
    // A debug build reads the portal's files when it starts; a release build has them inside, and only
    // there a changed folder must build the crate again.
    let embeds = std::env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let watched = if embeds { "ui/dist" } else { "build.rs" };
    println!("cargo::rerun-if-changed={watched}");
}
