//! The steps of a command's way, for whoever wants to be told of each: a test that ends the process there.

/// A step. What one leaves behind when the process ends is for the next start to make sense of.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Step {
    /// Commands were taken from the queue.
    Taken,
    /// What they need was loaded.
    Loaded,
    /// They are decided, and are being saved.
    Saving,
    /// They are saved, though perhaps not on the disk yet.
    Saved,
    /// They are on the disk.
    Durable,
    /// They are answered, though perhaps not to their callers yet.
    Answered,
    /// A provider is about to be asked.
    Asking,
    /// A provider has said something that nobody has written down.
    Told,
}
