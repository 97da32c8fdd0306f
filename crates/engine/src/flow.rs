//! What takes more than one command: paying waits for the provider, canceling waits for a payment under way, products become SKUs.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use domain::Refusal;
use domain::catalog::SkuStatus;
use domain::checkout::Preview;
use domain::command::{
    CancelOrder, CheckoutAnswer, ConfirmAnswer, ConfirmCheckout, EventAnswer, HearEvent, OrderAnswer, OrderNews, PlaceOrder, PlaceProducts,
    ProductRequest, RequestPayment,
};
use domain::ids::{OrderId, PaymentId, ProductId, SessionId, SkuId};
use domain::key::Fingerprint;
use domain::payment::Payment;
use domain::refusal::PaymentRefusal;
use domain::{Needs, View};
use sha2::{Digest as _, Sha256};

use crate::Failure;
use crate::engine::{Ask, Engine};
use crate::port::{Page, Unavailable};
use crate::ticket::Done;

/// How often another instance's progress is looked for: it cannot signal to us.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Of a product with more SKUs for sale than this, these are told to choose from.
const CHOICES_MAX: usize = 10;

/// SKUs of one product that are read at once.
const SKUS_AT_ONCE: u32 = 100;

impl Engine {
    /// Asks for the money of an order and waits up to `within` for the provider's word.
    ///
    /// The answer shows the payment as it then stands; still open means that nobody knows yet.
    pub async fn pay(&self, command: RequestPayment, ask: Ask, within: Duration) -> Result<Done<OrderAnswer>, Failure> {
        let mut done = self.submit(command, ask).await?;
        let shown = &mut done.answer;
        self.mend(shown).await?;
        self.settle(shown, within).await?;
        Ok(done)
    }

    /// Makes an order of a checkout session and waits up to `within` for the provider's word.
    ///
    /// The answer shows the payment as it then stands; still open means that nobody knows yet.
    pub async fn confirm(&self, command: ConfirmCheckout, ask: Ask, within: Duration) -> Result<Done<ConfirmAnswer>, Failure> {
        let dry_run = ask.dry_run;
        let mut done = self.submit(command, ask).await?;
        let shown = &mut done.answer.answer;
        self.mend(shown).await?;
        if !dry_run {
            self.settle(shown, within).await?;
        }
        Ok(done)
    }

    /// A payment is loaded after the order that names it, and where nothing is saved nothing guards that both are of one moment.
    async fn mend(&self, shown: &mut OrderAnswer) -> Result<(), Failure> {
        match &shown.payment {
            Some(payment) if payment.standing() != shown.order.payment_standing => self.show_again(shown).await,
            _ => Ok(()),
        }
    }

    /// Waits up to `within` until no provider has to say how the latest payment ends: another attempt may follow the one that was waited for.
    async fn settle(&self, shown: &mut OrderAnswer, within: Duration) -> Result<(), Failure> {
        let until = Instant::now() + within;
        while let Some(payment) = shown.payment.as_ref().filter(|payment| payment.awaits_provider()) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            match self.wait_for(payment.payment_id, left).await? {
                Some(order) => *shown = order,
                None => self.show_again(shown).await?,
            }
        }
        Ok(())
    }

    /// The order as it is now, all of it of one moment. Whoever has its answer may see it.
    async fn show_again(&self, shown: &mut OrderAnswer) -> Result<(), Failure> {
        if let Some(now) = self.queries().order(&domain::Caller::system(), shown.order.order_id).await? {
            *shown = now;
        }
        Ok(())
    }

    /// A checkout session with what would become of it now.
    pub async fn checkout(&self, session_id: &SessionId) -> Result<Option<CheckoutAnswer>, Unavailable> {
        let Some(checkout) = self.queries().checkout(session_id).await? else { return Ok(None) };
        let (mut seen, mut needs) = (View::default(), Needs::default());
        let cart = self.queries().cart(&checkout.owner).await?;
        if let Some(cart) = &cart {
            let sku_ids: Vec<SkuId> = cart.lines.iter().map(|line| line.sku_id.clone()).collect();
            for sku in self.queries().skus_named(&sku_ids).await? {
                seen.skus.found(sku.sku_id.clone(), sku);
            }
            seen.carts.found(cart.owner.clone(), cart.clone());
        }
        if let Some(hold_id) = checkout.hold_id
            && let Some(hold) = self.queries().hold(hold_id).await?
        {
            seen.holds.found(hold_id, hold);
        }
        Preview::needs(&checkout, &seen, &mut needs);
        seen.settle(&needs);
        let preview = Preview::of(&checkout, &seen, self.now()).map_err(Unavailable::new)?;
        Ok(Some(CheckoutAnswer { checkout, preview }))
    }

    /// Cancels an order; a payment under way is waited for, up to `within`: its outcome decides.
    pub async fn cancel(&self, command: CancelOrder, ask: Ask, within: Duration) -> Result<Done<OrderAnswer>, Failure> {
        match self.submit(command.clone(), ask.clone()).await {
            Err(Failure::Refused(Refusal::Payment(PaymentRefusal::InProgress(payment_id)))) => {
                self.wait_for(payment_id, within).await?;
                self.submit(command, ask).await
            }
            other => other,
        }
    }

    /// Hears what another service tells of an order, once for each `event_id`, for ever and whoever brings it.
    ///
    /// The same id with other words or for another order is refused: one of the two would be lost.
    pub async fn hear(&self, order_id: OrderId, event_id: &str, news: OrderNews, ask: Ask) -> Result<Done<EventAnswer>, Failure> {
        let told = Sha256::new().chain_update(order_id.0.as_bytes()).chain_update(news.word()).finalize();
        let key = Some((event_id.into(), Fingerprint(told.into())));
        self.submit(HearEvent { order_id, news }, Ask { key, ..ask }).await
    }

    /// Places an order from products: the catalogue is asked which SKUs may be meant, the command decides which are.
    ///
    /// What is wrong with a line is told by the command: it alone knows whether its key was used before.
    pub async fn place_products(&self, order: PlaceOrder, lines: Vec<ProductRequest>, ask: Ask) -> Result<Done<OrderAnswer>, Failure> {
        let mut candidates: BTreeSet<SkuId> = lines.iter().filter_map(|line| line.named.clone()).collect();
        let unnamed: BTreeSet<&ProductId> = lines.iter().filter(|line| line.named.is_none()).map(|line| &line.product_id).collect();
        for product_id in unnamed {
            candidates.extend(self.for_sale(product_id).await?);
        }
        self.submit(PlaceProducts { order, lines, candidates }, ask).await
    }

    /// The SKUs of a product that may be ordered, the first few.
    async fn for_sale(&self, product_id: &ProductId) -> Result<Vec<SkuId>, Unavailable> {
        let mut for_sale = Vec::new();
        let mut after = None;
        loop {
            let skus = self.queries().skus(Some(product_id), Page { after, limit: SKUS_AT_ONCE }).await?;
            let is_last = skus.len() < SKUS_AT_ONCE as usize;
            after = skus.last().map(|sku| sku.sku_id.clone());
            for_sale.extend(skus.iter().filter(|sku| sku.status == SkuStatus::Active).map(|sku| sku.sku_id.clone()));
            if is_last || for_sale.len() >= CHOICES_MAX {
                for_sale.truncate(CHOICES_MAX);
                return Ok(for_sale);
            }
        }
    }

    /// Waits up to `within` for the end of a payment; gives its order where this instance has seen both end together.
    async fn wait_for(&self, payment_id: PaymentId, within: Duration) -> Result<Option<OrderAnswer>, Failure> {
        // Listening begins before the first look, so that no end falls in between.
        let mut ended = self.shared().signals.ended(payment_id);
        if let Some(order) = self.shared().lately.ended(payment_id) {
            return Ok(Some(order));
        }
        let wait = async {
            loop {
                match tokio::time::timeout(LOOK_EVERY, &mut ended).await {
                    Ok(order) => return Ok(order.ok().flatten()),
                    Err(_not_yet) => {}
                }
                // Another instance may have seen it end.
                let payment = self.queries().payment(&domain::Caller::system(), payment_id).await?;
                if !payment.as_deref().is_some_and(Payment::awaits_provider) {
                    return Ok(None);
                }
            }
        };
        tokio::time::timeout(within, wait).await.unwrap_or(Ok(None))
    }
}
