//! Who is asked for money, and to give it back.

use std::sync::Arc;

use async_trait::async_trait;
use domain::command::{ProviderAnswer, RefundWord};
use domain::payment::Payment;
use domain::refund::Refund;

/// What a provider is told. Asking twice with the same payment has one effect: its id is the provider's key.
#[derive(Clone, Debug)]
pub struct ProviderCall {
    /// The intent, already committed.
    pub payment: Arc<Payment>,
}

/// What a provider is told to give back. Asking twice with the same refund has one effect: its id is the provider's key.
#[derive(Clone, Debug)]
pub struct RefundCall {
    /// The intent, already committed.
    pub refund: Arc<Refund>,
    /// Whose money.
    pub payment: Arc<Payment>,
}

/// Takes the money for a payment, or says why not.
#[async_trait]
pub trait PaymentProvider: Send + Sync + 'static {
    /// The word stored with its payments.
    fn name(&self) -> &'static str;

    /// Asks for the money. Time-outs and broken answers are [`ProviderAnswer::Silent`], never a refusal.
    async fn capture(&self, call: ProviderCall) -> ProviderAnswer;

    /// Gives money back. Time-outs and broken answers are [`RefundWord::Silent`], never a refusal.
    async fn refund(&self, call: RefundCall) -> RefundWord;
}
