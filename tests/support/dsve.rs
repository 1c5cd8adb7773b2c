//! Messages of any content, for properties that must hold of all of them: each follows its JSON
//! Schema, the rules of the message alone on [`TODAY`] in a test environment, and dsve.xsd.

use innfri::contract::{Body, MessageType, read_message};
use jiff::civil::Date;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Map, Value, json};

/// The four types that have XML.
pub const KINDS: [MessageType; 4] = [
    MessageType::Restgjeldsforespoersel,
    MessageType::Restgjeldssvar,
    MessageType::Innfrielsessaldoforespoersel,
    MessageType::Innfrielsessaldosvar,
];

/// The day on which the payoff dates that are asked for lie ahead, by at most sixty days.
pub const TODAY: &str = "2026-06-22";

/// A message of a type, its JSON as innfri writes it. About one in four has no contact.
pub fn body(kind: MessageType) -> BoxedStrategy<Body> {
    let fields = match kind {
        MessageType::Restgjeldsforespoersel => restgjeldsforespoersel().boxed(),
        MessageType::Restgjeldssvar => restgjeldssvar().boxed(),
        MessageType::Innfrielsessaldoforespoersel => innfrielsessaldoforespoersel().boxed(),
        MessageType::Innfrielsessaldosvar => innfrielsessaldosvar().boxed(),
        MessageType::Status | MessageType::Rejection | MessageType::Receipt => {
            panic!("{kind} has no XML")
        }
    };
    fields.prop_map(move |fields| canonical(kind, &fields)).boxed()
}

/// A message of any of the four types.
pub fn any_body() -> BoxedStrategy<Body> {
    select(&KINDS).prop_flat_map(body).boxed()
}

/// The message as innfri writes it.
pub fn canonical(message_type: MessageType, fields: &Value) -> Body {
    let body = Body { message_type, json: serde_json::to_vec(fields).unwrap() };
    let json = read_message(&body).expect("a typed message").to_json().unwrap();
    Body { message_type, json }
}

fn restgjeldsforespoersel() -> impl Strategy<Value = Value> {
    (avsender(), mottaker(), vec(with_owners(), 1..4), maybe(1..=2_147_483_647_i64)).prop_map(
        |(avsender, mottaker, properties, price)| {
            object([
                ("avsender", Some(avsender)),
                ("mottaker", Some(mottaker)),
                ("registerenheterMedHjemmelshavere", Some(json!(properties))),
                ("prisantydning", price.map(Value::from)),
            ])
        },
    )
}

fn innfrielsessaldoforespoersel() -> impl Strategy<Value = Value> {
    let ahead: Vec<Date> = days(TODAY, 60);
    (avsender(), mottaker(), vec(with_owners(), 1..4), subsequence(ahead, 1..=4)).prop_map(
        |(avsender, mottaker, properties, dates)| {
            json!({
                "avsender": avsender,
                "mottaker": mottaker,
                "registerenheterMedHjemmelshavere": properties,
                "innfrielsesdatoer": dates,
            })
        },
    )
}

fn restgjeldssvar() -> impl Strategy<Value = Value> {
    let loans = vec(restgjeldslaan(), 1..4);
    (avsender(), mottaker(), loans, vec(with_documents(), 1..4), any::<bool>()).prop_map(
        |(avsender, mottaker, loans, properties, closed)| {
            json!({
                "avsender": avsender,
                "mottaker": mottaker,
                "laanliste": numbered(loans),
                "registerenheterMedDokumentreferanser": properties,
                "sperretForVidereOpplaan": closed,
                "panterettSlettesVedInnfrielse": true,
            })
        },
    )
}

fn innfrielsessaldosvar() -> impl Strategy<Value = Value> {
    let loans = vec(innfrielseslaan(), 1..4);
    (avsender(), mottaker(), loans, vec(with_documents(), 1..4)).prop_map(
        |(avsender, mottaker, loans, properties)| {
            json!({
                "avsender": avsender,
                "mottaker": mottaker,
                "laanliste": numbered(loans),
                "registerenheterMedDokumentreferanser": properties,
                "panterettSlettesVedInnfrielse": true,
            })
        },
    )
}

/// Two loans of one answer never share their number.
fn numbered(mut loans: Vec<Value>) -> Vec<Value> {
    for (place, loan) in loans.iter_mut().enumerate() {
        let number = format!("{}-{place}", loan["laanenummer"].as_str().unwrap());
        loan["laanenummer"] = json!(number);
    }
    loans
}

fn avsender() -> impl Strategy<Value = Value> {
    let contact = prop::option::weighted(0.75, kontaktperson());
    (organisation_number(), text(), maybe(adresse()), contact, text(), maybe(organisasjon()))
        .prop_map(|(id, name, address, contact, reference, return_to)| {
            object([
                ("id", Some(json!(id))),
                ("foretaksnavn", Some(json!(name))),
                ("adresse", address),
                ("kontaktperson", contact),
                ("referanse", Some(json!(reference))),
                ("returnertil", return_to),
            ])
        })
}

fn mottaker() -> impl Strategy<Value = Value> {
    (organisation_number(), text(), maybe(adresse()), maybe(text())).prop_map(
        |(id, name, address, reference)| {
            object([
                ("id", Some(json!(id))),
                ("foretaksnavn", Some(json!(name))),
                ("adresse", address),
                ("referanse", reference.map(Value::from)),
            ])
        },
    )
}

fn organisasjon() -> impl Strategy<Value = Value> {
    (organisation_number(), text(), maybe(adresse())).prop_map(|(id, name, address)| {
        object([("id", Some(json!(id))), ("foretaksnavn", Some(json!(name))), ("adresse", address)])
    })
}

fn adresse() -> impl Strategy<Value = Value> {
    (maybe(text()), "[0-9]{4}", text()).prop_map(|(street, code, town)| {
        object([
            ("gatenavn", street.map(Value::from)),
            ("postnummer", Some(json!(code))),
            ("poststed", Some(json!(town))),
        ])
    })
}

fn kontaktperson() -> impl Strategy<Value = Value> {
    let telephone = || maybe(r"\+?[0-9][0-9 ()-]{2,8}");
    (text(), maybe("[a-z<&.]{1,12}@[a-z.>-]{1,12}"), telephone(), telephone()).prop_map(
        |(name, mail, direct, switchboard)| {
            object([
                ("navn", Some(json!(name))),
                ("epost", mail.map(Value::from)),
                ("telefondirekte", direct.map(Value::from)),
                ("telefon", switchboard.map(Value::from)),
            ])
        },
    )
}

fn with_owners() -> impl Strategy<Value = Value> {
    (property(), vec(owner(), 1..4)).prop_map(|(mut property, owners)| {
        property["hjemmelshavere"] = json!(owners);
        property
    })
}

fn with_documents() -> impl Strategy<Value = Value> {
    (property(), vec(document(), 0..4)).prop_map(|(mut property, documents)| {
        property["pantedokumentreferanser"] = json!(documents);
        property
    })
}

fn property() -> impl Strategy<Value = Value> {
    let number = || 0..=99_999_u32;
    let levels = ["E", "F", "F_1", "F_2", "F_3", "F_4", "F_5", "F_6", "F_7", "F_8", "F_9"];
    let level = select(levels.to_vec());
    let cadastral =
        (text(), "[0-9]{4}", 1..=99_999_u32, number(), maybe(number()), maybe(number()), level)
            .prop_map(|(name, code, farm, title, lease, section, level)| {
                object([
                    ("kommunenavn", Some(json!(name))),
                    ("kommunenummer", Some(json!(code))),
                    ("gaardsnummer", Some(json!(farm))),
                    ("bruksnummer", Some(json!(title))),
                    ("festenummer", lease.map(Value::from)),
                    ("seksjonsnummer", section.map(Value::from)),
                    ("eiendomsnivaa", Some(json!(level))),
                ])
            });
    let cooperative = (organisation_number(), text(), 1..=999_999_999_u32).prop_map(
        |(id, name, share)| {
            json!({"organisasjonsnummer": id, "borettslagnavn": name, "andelsnummer": share})
        },
    );
    let company = (organisation_number(), text(), "[HULK]?[0-9]{1,5}<?", shares()).prop_map(
        |(id, name, flat, shares)| {
            json!({
                "organisasjonsnummer": id,
                "organisasjonsnavn": name,
                "leilighetsnummer": flat,
                "aksjeinformasjon": shares,
            })
        },
    );
    prop_oneof![
        cadastral.prop_map(|it| json!({"matrikkel": it})),
        cooperative.prop_map(|it| json!({"borettsandel": it})),
        company.prop_map(|it| json!({"aksjeleilighet": it})),
    ]
}

fn shares() -> impl Strategy<Value = Value> {
    let number = || maybe(1..=u32::MAX);
    (number(), number(), maybe(kroner()), number()).prop_map(|(from, to, face, count)| {
        object([
            ("aksjenummerFra", from.map(Value::from)),
            ("aksjenummerTil", to.map(Value::from)),
            ("paalydende", face.map(Value::from)),
            ("antall", count.map(Value::from)),
        ])
    })
}

fn owner() -> impl Strategy<Value = Value> {
    let person = ("[0-9]{11}", text(), text()).prop_map(
        |(id, first, last)| json!({"person": {"id": id, "fornavn": first, "etternavn": last}}),
    );
    prop_oneof![person, organisasjon().prop_map(|it| json!({"organisasjon": it}))]
}

fn document() -> impl Strategy<Value = Value> {
    let at = (-30_600_000_000..253_400_000_000_i64, 0..1_000_000_000_i32);
    let at = at.prop_map(|(second, part)| jiff::Timestamp::new(second, part).unwrap());
    (1..=2_147_483_647_u32, 0..=9999_u16, 1..=999_u16, 1..=32_767_u16, maybe(at), maybe(kroner()))
        .prop_map(|(number, year, office, right, at, amount)| {
            object([
                ("dokumentnummer", Some(json!(number))),
                ("dokumentaar", Some(json!(year))),
                ("embetenummer", Some(json!(office))),
                ("rettsstiftelsesnummer", Some(json!(right))),
                ("registreringstidspunkt", at.map(|at| json!(at))),
                ("beloep", amount.map(Value::from)),
            ])
        })
}

/// What both kinds of loan share.
fn loan() -> impl Strategy<Value = Map<String, Value>> {
    let names = vec(text(), 0..4);
    (any::<(bool, bool)>(), text(), "[0-9]{11}", maybe("[0-9]{2,25}"), maybe(text()), names)
        .prop_map(|((others, bridge), number, account, kid, note, names)| {
            let mut fields = Map::new();
            fields.insert("laantakerIkkeHjemmelshaver".into(), json!(others));
            fields.insert("transporterklaering".into(), json!(bridge));
            fields.insert("laanenummer".into(), json!(number));
            fields.insert("kontonummer".into(), json!(account));
            kid.map(|kid| fields.insert("kidnummer".into(), json!(kid)));
            note.map(|note| fields.insert("betalingsmelding".into(), json!(note)));
            fields.insert("laantakereHjemmelshaver".into(), json!(names));
            fields
        })
}

fn restgjeldslaan() -> impl Strategy<Value = Value> {
    (loan(), any::<(bool, bool)>(), maybe(oere()), oere()).prop_map(
        |(mut fields, (fixed, third), limit, debt)| {
            fields.insert("rammelaan".into(), json!(limit.is_some()));
            // The limit is the larger of the two.
            let larger = limit.map(|limit| limit.max(debt));
            larger.map(|limit| fields.insert("oevreGrenseRammelaan".into(), amount(limit)));
            fields.insert("fastrente".into(), json!(fixed));
            fields.insert("realkausjon".into(), json!(third));
            fields.insert("saldo".into(), amount(debt));
            Value::Object(fields)
        },
    )
}

fn innfrielseslaan() -> impl Strategy<Value = Value> {
    let dates = subsequence(days("2026-12-29", 20), 1..=4);
    (loan(), dates, vec(oere(), 4)).prop_map(|(mut fields, dates, amounts)| {
        let days = dates.iter().zip(amounts);
        let balances: Vec<Value> =
            days.map(|(date, oere)| json!({"beloep": amount(oere), "dato": date})).collect();
        fields.insert("saldoerPerDato".into(), json!(balances));
        Value::Object(fields)
    })
}

/// One line of text, with what XML must escape and what it must not touch; the last sign is no space.
fn text() -> impl Strategy<Value = String> {
    "[ a-zA-Z0-9<>&'\"/;#\\]æøåÆØÅé€\u{85}\u{2028}\u{1F3E0}]{0,8}[a-zæøå<&>\"'\\]]"
}

fn organisation_number() -> impl Strategy<Value = String> {
    "[89][0-9]{8}"
}

/// 0 to 280 000 000 000 kroner, in øre; small ones as often as large ones.
fn oere() -> impl Strategy<Value = i64> {
    prop_oneof![0..=100_i64, 0..=1_000_000_000_i64, 0..=28_000_000_000_000_i64]
}

fn amount(oere: i64) -> Value {
    json!(format!("{}.{:02}", oere / 100, oere % 100))
}

fn kroner() -> impl Strategy<Value = String> {
    prop_oneof![0..=1000_i64, 0..=280_000_000_000_i64].prop_map(|kroner| format!("{kroner}.00"))
}

fn maybe<S: Strategy>(value: S) -> impl Strategy<Value = Option<S::Value>> {
    prop::option::of(value)
}

fn days(from: &str, count: usize) -> Vec<Date> {
    let from: Date = from.parse().unwrap();
    from.series(jiff::Span::new().days(1)).take(count).collect()
}

/// The fields that are there.
fn object<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    let given = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(given.collect())
}
