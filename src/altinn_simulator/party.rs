//! How Altinn writes organisations: `0192:<number>`, or as a URN.

use crate::kernel::OrganisationId;

/// Norwegian organisations in the list of identifier schemes (ISO 6523).
const SCHEME: &str = "0192:";
const URN: &str = "urn:altinn:organization:identifier-no:";

/// Reads either spelling.
pub(super) fn read(text: &str) -> Option<OrganisationId> {
    let number = text.strip_prefix(SCHEME).or_else(|| text.strip_prefix(URN))?;
    OrganisationId::norwegian(number).ok()
}

/// As Broker writes it in its answers.
pub(super) fn written(organisation: &OrganisationId) -> String {
    format!("{SCHEME}{}", organisation.number())
}

/// As it stands in events.
pub(super) fn urn(organisation: &OrganisationId) -> String {
    format!("{URN}{}", organisation.number())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_are_read_and_others_are_not() {
        let expected = OrganisationId::norwegian("926018159").ok();
        assert_eq!(read("0192:926018159"), expected);
        assert_eq!(read("urn:altinn:organization:identifier-no:926018159"), expected);
        for wrong in
            ["926018159", "0192:92601815", "0007:926018159", "0192:", "urn:altinn:926018159"]
        {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
