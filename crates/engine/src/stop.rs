//! The word to stop: given once, heard by all.

use tokio::sync::watch;

/// Gives the word.
#[derive(Debug)]
pub struct Stopper(watch::Sender<bool>);

/// Hears the word.
#[derive(Clone, Debug)]
pub struct StopSignal(watch::Receiver<bool>);

impl Stopper {
    /// With the first of those who hear it.
    pub fn new() -> (Self, StopSignal) {
        let (tell, hear) = watch::channel(false);
        (Self(tell), StopSignal(hear))
    }

    /// Everybody stops.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl StopSignal {
    /// Returns once the word was given, or nobody is left to give it.
    pub async fn given(&mut self) {
        let _nobody_left = self.0.wait_for(|stop| *stop).await;
    }

    /// Whether it was given.
    pub fn is_given(&self) -> bool {
        *self.0.borrow()
    }
}
