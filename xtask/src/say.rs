//! The only place that writes to standard output.
#![expect(clippy::print_stdout, reason = "printing is what a command line tool is for")]

/// One line, flushed with it.
pub(crate) fn line(text: impl std::fmt::Display) {
    println!("{text}");
}
