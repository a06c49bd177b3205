//! What stands between a run and turning back by itself.

use model::Reversal;
use tokio_util::sync::CancellationToken;

use super::Runner;
use crate::{Exposure, RunDocument, RunError};

/// What stands between a run and turning back by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Price {
    pub(super) step: String,
    pub(super) text: String,
}

impl From<Price> for RunError {
    fn from(price: Price) -> Self {
        Self::Priced {
            step: price.step,
            price: price.text,
        }
    }
}

/// What the plan says that turning back from here costs; `None` where it loses nothing.
fn price_of_turning_back(document: &RunDocument) -> Option<Price> {
    let last = document.last_started()?;
    let plan = &document.plan;
    if plan.priced_from.is_some_and(|priced| last >= priced) {
        let lost = "what was written since then would be lost";
        return Some(Price {
            step: plan.steps[last].id.clone(),
            text: plan.no_way_back.clone().unwrap_or_else(|| lost.to_owned()),
        });
    }
    let consent = plan.steps[..=last]
        .iter()
        .rev()
        .find(|step| step.reversal == Reversal::OnConsent)?;
    Some(Price {
        step: consent.id.clone(),
        text: format!("\"{}\" is only taken back when a person agrees", consent.title),
    })
}

impl Runner {
    /// What turning back costs: the plan's word, unless every step that it is about can show that nobody was served.
    pub(super) async fn price(&self) -> Option<Price> {
        let document = self.act.journal.document();
        let mut price = price_of_turning_back(&document)?;
        let last = document.last_started()?;
        if self.plan.no_way_back.is_some() {
            // Nothing to gain: the way back would end at the database.
            return Some(price);
        }
        let priced_from = self.plan.priced_from.unwrap_or(usize::MAX);
        let mut exposed = false;
        for index in 0..=last {
            let consent = self.plan.steps[index].reversal == Reversal::OnConsent;
            if index < priced_from && !consent {
                continue;
            }
            let context = self.context(index, CancellationToken::new(), CancellationToken::new());
            match self.act.steps[index].exposure(&context).await {
                Ok(Exposure::Nobody) => {}
                Ok(Exposure::Possible(None)) => exposed = true,
                Ok(Exposure::Possible(Some(text))) => {
                    price.text = text;
                    return Some(price);
                }
                Err(failure) => {
                    exposed = true;
                    price.text = format!(
                        "{} (whether anybody was served could not be told: {})",
                        price.text,
                        failure.text()
                    );
                }
            }
        }
        exposed.then_some(price)
    }
}
