//! A provider for trying things out: the payment method says what it answers. It takes no money.

use async_trait::async_trait;
use domain::command::{ProviderAnswer, RefundWord};

use crate::port::{PaymentProvider, ProviderCall, RefundCall};

/// `card_stub_decline` is declined, `card_stub_timeout` is never answered, everything else succeeds. Money goes back whenever it
/// is asked to, but not for `card_stub_no_refund`.
#[derive(Clone, Copy, Debug, Default)]
pub struct StubProvider;

#[async_trait]
impl PaymentProvider for StubProvider {
    fn name(&self) -> &'static str {
        "stub"
    }

    async fn capture(&self, call: ProviderCall) -> ProviderAnswer {
        match call.payment.method.as_str() {
            "card_stub_decline" => ProviderAnswer::Declined { reason: "card_declined".into() },
            "card_stub_timeout" => std::future::pending().await,
            _ => ProviderAnswer::Captured { provider_ref: format!("stub_{}", call.payment.payment_id).into() },
        }
    }

    async fn refund(&self, call: RefundCall) -> RefundWord {
        match call.payment.method.as_str() {
            "card_stub_no_refund" => RefundWord::Refused { reason: "refund_refused".into() },
            _ => RefundWord::Done { provider_ref: Some(format!("stub_{}", call.refund.refund_id).into()) },
        }
    }
}
