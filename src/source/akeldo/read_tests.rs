//! The forms in which AKELDO's answer may come.

use rstest::rstest;

use super::*;

const BANK: &str = "918190937";

fn only(text: &str) -> Entry {
    let listing = read(text.as_bytes()).unwrap();
    assert_eq!((listing.entries.len(), listing.skipped.len()), (1, 0), "{listing:?}");
    listing.entries.into_iter().next().unwrap()
}

#[rstest]
#[case::plain(
    r#"[{"organisasjonsnummer":"918190937","rolle":"Bank","sendeliste":["Restgjeldssvar"],"mottaksliste":["Restgjeldsforespoersel"]}]"#
)]
#[case::number_under_orgnr(
    r#"[{"orgnr":"918190937","type":"BANK","sendeliste":["RESTGJELDSSVAR"],"mottaksliste":["restgjeldsforespoersel"]}]"#
)]
#[case::number_as_a_number_under_id(
    r#"[{"id":918190937,"rolle":"bank","sendeliste":["RestgjeldsSvar"],"mottaksliste":["RestgjeldsForespoersel"]}]"#
)]
#[case::an_id_that_is_no_organisation_beside_the_number(
    r#"[{"id":17,"orgnr":"918 190 937","rolle":"bank","sendeliste":["restgjeldssvar"],"mottaksliste":["restgjeldsforespoersel"]}]"#
)]
#[case::lists_of_objects(
    r#"[{"orgnr":"918190937","rolle":"bank","sendeliste":[{"navn":"Restgjeldssvar","versjon":1}],"mottaksliste":[{"meldingstype":"Restgjeldsforespoersel"}]}]"#
)]
#[case::objects_in_objects(
    r#"[{"orgnr":"918190937","rolle":{"kode":"BANK"},"sendeliste":[{"meldingstype":{"navn":"Restgjeldssvar"}}],"mottaksliste":[{"Navn":"Restgjeldsforespoersel"}]}]"#
)]
#[case::keys_in_capitals(
    r#"[{"OrganisasjonsNummer":"NO:918190937","Rolle":"Bank","SendeListe":["Restgjeldssvar"],"mottaks_liste":["Restgjeldsforespoersel"]}]"#
)]
#[case::other_keys_are_left_aside(
    r#"[{"orgnr":"918190937","rolle":"bank","kontakt":{"epost":null},"gyldig":true,"sendeliste":["Restgjeldssvar"],"mottaksliste":["Restgjeldsforespoersel"]}]"#
)]
#[case::wrapped_in_an_object(
    r#"{"antall":1,"aktoerer":[{"orgnr":"918190937","rolle":"bank","sendeliste":["Restgjeldssvar"],"mottaksliste":["Restgjeldsforespoersel"]}]}"#
)]
#[case::wrapped_twice(
    r#"{"_embedded":{"aktoerListe":[{"orgnr":"918190937","rolle":"bank","sendeliste":["Restgjeldssvar"],"mottaksliste":["Restgjeldsforespoersel"]}]}}"#
)]
#[case::one_participant_alone(
    r#"{"orgnr":"0192:918190937","rolle":"bank","sendeliste":["Restgjeldssvar"],"mottaksliste":["Restgjeldsforespoersel"]}"#
)]
#[case::one_name_where_a_list_should_be(
    r#"[{"orgnr":"918190937","rolle":"bank","sendeliste":"Restgjeldssvar","mottaksliste":{"navn":"Restgjeldsforespoersel"}}]"#
)]
#[case::norwegian_letters(
    r#"[{"orgnr":"918190937","rolle":"bank","sendeliste":["Restgjeldssvar"],"mottaksliste":["Restgjeldsforespørsel"]}]"#
)]
#[case::several_roles(
    r#"[{"orgnr":"918190937","rolle":["MEGLER","BANK"],"sendeliste":["Restgjeldssvar"],"mottaksliste":["Restgjeldsforespoersel"]}]"#
)]
#[case::once_for_each_role(
    r#"[{"orgnr":"918190937","rolle":"megler","sendeliste":["Restgjeldssvar"]},{"orgnr":"918190937","rolle":"bank","mottaksliste":["Restgjeldsforespoersel"]}]"#
)]
#[case::a_byte_order_mark(
    "\u{feff}[{\"orgnr\":\"918190937\",\"rolle\":\"bank\",\"sendeliste\":[\"Restgjeldssvar\"],\"mottaksliste\":[\"Restgjeldsforespoersel\"]}]"
)]
fn every_form_says_the_same(#[case] text: &str) {
    let entry = only(text);
    assert_eq!(entry.id, BANK.parse().unwrap());
    assert_eq!(entry.role, Some(ListedRole::Bank));
    assert_eq!(entry.sends, [MessageType::Restgjeldssvar].into());
    assert_eq!(entry.receives, [MessageType::Restgjeldsforespoersel].into());
    assert!(entry.unknown.is_empty());
}

#[test]
fn the_published_misspelling_is_known_and_other_names_are_kept_as_unknown() {
    let entry = only(
        r#"[{"orgnr":"918190937","navn":"Testvik Sparebank","rolle":"bank","sendeliste":null,
            "mottaksliste":["Innfrielsessaldoforespoerspoersel","Pantedokument",7,null,{"a":1},""]}]"#,
    );
    assert_eq!(entry.receives, [MessageType::Innfrielsessaldoforespoersel].into());
    assert_eq!(entry.unknown, ["Pantedokument".to_owned()].into());
    assert_eq!(entry.name.as_deref(), Some("Testvik Sparebank"));
    assert!(entry.sends.is_empty());
}

#[test]
fn a_role_that_is_not_known_or_not_told_is_no_error() {
    let told = |role: &str| only(&format!(r#"[{{"orgnr":"918190937"{role}}}]"#)).role;
    assert_eq!(told(r#","rolle":"Eiendomsmegler""#), Some(ListedRole::EstateAgency));
    assert_eq!(told(r#","rolle":"Kommune""#), Some(ListedRole::Other("Kommune".into())));
    assert_eq!(told(r#","rolle":7"#), None);
    assert_eq!(told(""), None);
}

#[test]
fn a_bad_entry_is_skipped_with_its_reason_and_the_others_stay() {
    let deep = "[".repeat(200) + &"]".repeat(200);
    let large = "x".repeat(MOST_ENTRY_BYTES);
    let text = format!(
        r#"[7, {{"rolle":"bank"}}, {{"orgnr":"12"}}, {{"orgnr":"{BANK}"}}, {{"id":null}},
           {{"orgnr":"{BANK}","x":{deep}}}, {{"orgnr":"{BANK}","x":"{large}"}}, "a", []]"#
    );
    let listing = read(text.as_bytes()).unwrap();
    let whys: Vec<_> = listing.skipped.iter().map(|skipped| (skipped.place, skipped.why)).collect();
    assert_eq!(listing.entries.len(), 1);
    assert_eq!(
        whys,
        [
            (1, Unusable::NoObject),
            (2, Unusable::NoNumber),
            (3, Unusable::NoNumber),
            (5, Unusable::NoNumber),
            (6, Unusable::TooDeep),
            (7, Unusable::TooLarge),
            (8, Unusable::NoObject),
            (9, Unusable::NoObject),
        ]
    );
    assert!(listing.skipped[0].to_string().starts_with("entry 1: "));
}

#[rstest]
#[case::nothing("")]
#[case::a_web_page("<html><body>Vedlikehold</body></html>")]
#[case::cut_off(r#"[{"orgnr":"918190937"},{"orgn"#)]
#[case::two_values("[] []")]
fn what_is_no_json_is_refused(#[case] text: &str) {
    assert!(matches!(read(text.as_bytes()), Err(ReadError::NoJson { .. })));
}

#[rstest]
#[case::a_text(r#""vedlikehold""#)]
#[case::null("null")]
#[case::an_object_with_no_list(r#"{"status":503,"feil":{"melding":"vedlikehold"}}"#)]
#[case::wrapped_too_often(r#"{"a":{"b":{"c":{"d":[{"orgnr":"918190937"}]}}}}"#)]
fn json_without_a_list_is_refused(#[case] text: &str) {
    assert_eq!(read(text.as_bytes()), Err(ReadError::NoList));
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    let utf16: Vec<u8> = "[{\"orgnr\":1}]".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(matches!(read(&utf16), Err(ReadError::NoJson { .. })));
    assert!(matches!(read(b"[\"\xff\"]"), Err(ReadError::NoJson { .. })));
}

#[test]
fn size_and_count_are_limited() {
    assert_eq!(read(&vec![b' '; MOST_BYTES + 1]), Err(ReadError::TooLarge));
    let most = vec!["0"; MOST_ENTRIES].join(",");
    assert_eq!(read(format!("[{most}]").as_bytes()).unwrap().skipped.len(), MOST_ENTRIES);
    assert_eq!(read(format!("[{most},0]").as_bytes()), Err(ReadError::TooMany));
    let names = vec![r#""Ukjent""#; 5000].join(",");
    let entry = only(&format!(r#"[{{"orgnr":"{BANK}","sendeliste":[{names}]}}]"#));
    assert_eq!(entry.unknown.len(), 1);
}

#[test]
fn an_empty_list_is_read_as_such() {
    assert_eq!(read(b" [ ] ").unwrap(), Listing::default());
    assert_eq!(read(br#"{"aktoerer":[]}"#).unwrap(), Listing::default());
}

#[test]
fn what_is_kept_of_a_text_is_short_and_does_not_change_a_terminal() {
    let name = format!("A\\u001b[31m{}", "b".repeat(1000));
    let entry = only(&format!(r#"[{{"orgnr":"{BANK}","navn":"{name}"}}]"#));
    let name = entry.name.unwrap();
    assert!(name.starts_with("A[31mb") && name.chars().count() == MOST_CHARACTERS);
}
