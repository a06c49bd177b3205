//! Agreement to a plan.

use cli::Consent;

use crate::upgrade::Refusal;

/// Asks a person, unless `yes` was given beforehand.
pub(crate) fn agree(yes: bool) -> Result<(), Refusal> {
    match cli::ask("Do it?", yes).map_err(Refusal::Ask)? {
        Consent::Yes => Ok(()),
        Consent::No => Err(Refusal::Words("not agreed to".into())),
        Consent::NobodyThere => {
            let words = "nobody is there to agree to the plan; add --yes to agree beforehand";
            Err(Refusal::Words(words.into()))
        }
    }
}
