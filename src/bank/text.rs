//! The Norwegian texts of statuses: fit to show an end user, and never with a name or an identity
//! number of a person in them.

pub(super) const WRONG_LIEN_HOLDER: &str = "\
    Banken har ikke pant i noen av eiendommene det er spurt om. Kontroller matrikkelnummer, \
    andel eller leilighet, og hvem som er panthaver i grunnboken.";

pub(super) const UNKNOWN_PLEDGOR: &str = "\
    Banken har pant i eiendommen, men kjenner ingen av de oppgitte hjemmelshaverne som \
    pantsetter. Kontroller fødselsnummer eller organisasjonsnummer.";

pub(super) const REPAID: &str = "\
    Lånet er innfridd, men pantet er ennå ikke slettet. Banken sørger for sletting av \
    pantet.";

pub(super) const BY_HAND: &str = "Banken må behandle denne saken manuelt og svarer på e-post.";

pub(super) const PARTLY_SOLD: &str = "\
    Noen av lånene med pant i eiendommen er solgt eller overført til andre. Banken må \
    behandle saken manuelt og svarer på e-post.";

pub(super) const BEFORE_BALANCE: &str = "\
    Banken kan ikke beregne innfrielsesbeløp for datoene det er spurt om, fordi de ligger \
    før datoen lånets saldo gjelder fra. Banken svarer på e-post.";

pub(super) const TOO_LARGE: &str = "\
    Banken kan ikke beregne beløpet maskinelt. Banken behandler saken manuelt og svarer på \
    e-post.";

/// A lien that is no longer the bank's.
pub(super) fn sold(to: &str) -> String {
    format!("Lånet er solgt eller overført til {to}. Send forespørselen dit.")
}

/// A fixed-rate loan and a date too far ahead.
pub(super) fn fixed_rate(days: u16) -> String {
    format!(
        "Lånet har fast rente. Over- eller underkurs kan ikke beregnes mer enn {days} dager frem i \
         tid, og minst én av datoene det er spurt om, er senere enn det. Banken svarer på e-post, \
         eller send en ny forespørsel nærmere innfrielsen."
    )
}

/// The last resort, should an answer not be writable as JSON.
pub(super) const UNWRITABLE: &str =
    r#"{"statuskode":"FEIL","aarsak":"TEKNISK_FEIL","tekst":"Banken kunne ikke skrive svaret."}"#;
