//! What tests measured, for people: `target/aws/report.md`.

use std::fs::{self, File};
use std::path::Path;

/// Prints a section of the report, and keeps it in place of the one that it had before. Each test that has something to say
/// has a title of its own; the sections stand in the order of their titles. Text is Markdown.
#[expect(clippy::print_stdout, reason = "who runs the tests reads it too")]
pub fn report(title: &str, text: &str) {
    println!("{title}\n\n{text}");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/aws");
    let sections = folder.join("sections");
    fs::create_dir_all(&sections).unwrap();
    // Tests run side by side, in processes of their own too.
    let lock = File::create(folder.join("lock")).unwrap();
    lock.lock().unwrap();
    let name = title.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    fs::write(sections.join(name).with_extension("md"), format!("## {title}\n\n{text}")).unwrap();
    let mut files: Vec<_> =
        fs::read_dir(&sections).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let sections: Vec<String> =
        files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    fs::write(folder.join("report.md"), sections.join("\n")).unwrap();
}
