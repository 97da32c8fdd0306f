//! Runs writers on threads of their own, so that neither a slow disk nor a busy door holds them up.

use std::io;
use std::thread::JoinHandle;

use crate::writer::Writer;

/// The threads of the writers of an engine.
#[derive(Debug)]
pub struct WriterThreads(Vec<JoinHandle<()>>);

/// Starts one thread a writer, each with a runtime of its own for the store's connection.
pub fn run_on_threads(writers: Vec<Writer>) -> io::Result<WriterThreads> {
    let mut threads = Vec::with_capacity(writers.len());
    for (index, writer) in writers.into_iter().enumerate() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new().name(format!("writer-{index}"));
        threads.push(thread.spawn(move || runtime.block_on(writer.run()))?);
    }
    Ok(WriterThreads(threads))
}

impl WriterThreads {
    /// Waits until all writers have ended; they do once the engine is closed.
    pub fn join(self) {
        for thread in self.0 {
            if thread.join().is_err() {
                tracing::error!("a writer thread panicked");
            }
        }
    }
}
