//! The one place that writes to the terminal.

/// A line of data, on standard output.
#[expect(clippy::print_stdout, reason = "this is where data goes")]
pub(crate) fn line(text: &str) {
    println!("{text}");
}

/// A line for the person at the terminal, on standard error.
#[expect(clippy::print_stderr, reason = "this is where words for people go")]
pub(crate) fn note(text: &str) {
    eprintln!("{text}");
}
