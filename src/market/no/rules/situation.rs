//! A bank's status: which reason goes with which code, and who speaks to whom.

use super::place::Place;
use super::{Level, RuleDoc, Sink};
use crate::kernel::RuleId;
use crate::market::no::status::{Aarsak, Statuskode};

/// FEIL has a reason, the other codes have none.
pub const REASON: RuleDoc = RuleDoc {
    id: RuleId::new("INN-055"),
    title: "FEIL has a reason, the other codes have none",
    source: "innfri, no.dsve.status.v1",
    level: Level::Error,
    no: "aarsak skal være med når statuskode er FEIL, og bare da.",
    en: "aarsak must be given when statuskode is FEIL, and only then.",
    what_to_do: "Give the reason for FEIL; leave it out of the other codes.",
};

/// A status says from whom and to whom.
pub const SIDES: RuleDoc = RuleDoc {
    id: RuleId::new("INN-056"),
    title: "a status says from whom and to whom",
    source: "innfri, no.dsve.status.v1",
    level: Level::Error,
    no: "avsender og mottaker må være med i en status fra en bank.",
    en: "avsender and mottaker must be given in a status from a bank.",
    what_to_do: "Give the bank as avsender and the asker as mottaker.",
};

pub(super) fn reason(sink: &mut Sink, code: Statuskode, reason: Option<Aarsak>) {
    let wanted = match code {
        Statuskode::Feil => true,
        Statuskode::LaanNedbetalt | Statuskode::SvarerIEpost | Statuskode::LaanSolgt => false,
    };
    sink.demand(reason.is_some() == wanted, &REASON, Place::at("aarsak"));
}

pub(super) fn side(sink: &mut Sink, present: bool, name: &'static str) {
    sink.demand(present, &SIDES, Place::at(name));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Environment;

    #[test]
    fn a_reason_goes_with_feil_and_with_no_other_code() {
        let fits = |code, given| {
            let mut sink = Sink::new(Environment::Test);
            reason(&mut sink, code, given);
            sink.findings.is_empty()
        };
        assert!(fits(Statuskode::Feil, Some(Aarsak::TekniskFeil)));
        assert!(!fits(Statuskode::Feil, None));
        for code in [Statuskode::LaanNedbetalt, Statuskode::SvarerIEpost, Statuskode::LaanSolgt] {
            assert!(fits(code, None));
            assert!(!fits(code, Some(Aarsak::TekniskFeil)));
        }
    }
}
