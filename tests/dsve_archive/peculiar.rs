//! Archives that are unusual and right: capitals, folders, attachments, manifests of every kind.

use innfri::contract::MessageType;
use innfri::dsve::DsveStatus;
use rstest::rstest;

use super::archive::{archive, archive_by, manifest};
use super::{opened, rules_of, told};

const XML: &[u8] = b"<x/>";

#[rstest]
#[case("restgjeldsforespoersel_1.xml", MessageType::Restgjeldsforespoersel)]
#[case("RESTGJELDSSVAR_1.XML", MessageType::Restgjeldssvar)]
#[case("InnfrielsesSaldoForespoersel.Xml", MessageType::Innfrielsessaldoforespoersel)]
#[case("ut/innfrielsessaldosvar_Ærlig talt.xml", MessageType::Innfrielsessaldosvar)]
#[case("innfrielsessaldoforespoerspoersel_1.xml", MessageType::Innfrielsessaldoforespoersel)]
fn a_message_is_known_by_its_files_name_in_any_capitals(
    #[case] name: &str,
    #[case] kind: MessageType,
) {
    for method in [zip::CompressionMethod::Stored, zip::CompressionMethod::Deflated] {
        let envelope = opened(&archive_by(method, &[(name, XML)])).ok().unwrap();
        assert_eq!(envelope.message_type, Some(kind));
        assert_eq!(envelope.xml.as_ref().unwrap().name, name);
        assert!(envelope.xml.unwrap().bytes == XML && envelope.notes.is_empty());
        assert_eq!((envelope.status, envelope.version), (None, 1));
    }
}

#[test]
fn a_manifest_is_read_in_any_capitals_and_attachments_are_noted() {
    let text = manifest(&[
        ("MESSAGETYPE", "restgjeldsSvar"),
        ("Status", "rutetsuksessfullt"),
        ("senderName", "Kari"),
        ("versjon", "1"),
    ]);
    let files: [(&str, &[u8]); 4] = [
        ("Manifest.xml", text.as_bytes()),
        ("Restgjeldssvar.xml", XML),
        ("vedlegg.pdf", b"%PDF"),
        ("mer.zip", b"PK\x05\x06"),
    ];
    let envelope = opened(&archive(&files)).ok().unwrap();
    assert_eq!(envelope.message_type, Some(MessageType::Restgjeldssvar));
    assert_eq!(envelope.status, Some(DsveStatus::RutetSuksessfullt));
    assert_eq!(envelope.senders_reference.as_deref(), Some("ref:1245"));
    assert_eq!(envelope.reportee.unwrap().number(), "918190937");
    assert_eq!(rules_of(&envelope.notes), ["INN-086"]);
    assert!(envelope.notes[0].text.contains("2 file"), "{:?}", envelope.notes);
}

#[test]
fn altinns_property_list_counts_before_the_manifest_and_the_difference_is_told() {
    let text = manifest(&[("messageType", "Restgjeldssvar"), ("status", "Feil")]);
    let zip = archive(&[("restgjeldssvar_1.xml", XML), ("manifest.xml", text.as_bytes())]);
    let list = [("messageType", "RESTGJELDSSVAR"), ("status", "RutetSuksessfullt")];
    let envelope = told(&zip, &list).ok().unwrap();
    assert_eq!(envelope.status, Some(DsveStatus::RutetSuksessfullt));
    assert!(envelope.xml.is_some());
    assert_eq!(rules_of(&envelope.notes), ["INN-088"]);
}

#[test]
fn a_manifest_that_cannot_be_read_does_not_matter_where_altinn_says_what_it_is() {
    let zip = archive(&[("restgjeldssvar_1.xml", XML), ("manifest.xml", b"nei")]);
    let envelope = told(&zip, &[("messageType", "Restgjeldssvar")]).ok().unwrap();
    assert_eq!(rules_of(&envelope.notes), ["INN-087"]);
    assert!(opened(&zip).is_err());
}

#[rstest]
#[case::no_archive(b"finnes ikke".to_vec())]
#[case::nothing(Vec::new())]
#[case::a_dummy(archive(&[("dummy.txt", b"-")]))]
#[case::an_answer_all_the_same(archive(&[("restgjeldssvar_1.xml", XML)]))]
#[case::two_answers(archive(&[("restgjeldssvar_1.xml", XML), ("restgjeldssvar_2.xml", XML)]))]
fn where_the_list_says_no_the_file_does_not_matter(#[case] zip: Vec<u8>) {
    for (word, status) in [
        ("LånNedbetalt", DsveStatus::LaanNedbetalt),
        ("LaanSolgt", DsveStatus::LaanSolgt),
        ("SvarerIEpost", DsveStatus::SvarerMedEpost),
        ("FEIL", DsveStatus::Feil),
    ] {
        let list = [
            ("messageType", "Restgjeldssvar"),
            ("status", word),
            ("statusDescription", "Ring oss."),
        ];
        let envelope = told(&zip, &list).ok().unwrap();
        assert_eq!(envelope.status, Some(status), "{word}");
        assert_eq!(envelope.status_description.as_deref(), Some("Ring oss."));
        assert!(envelope.xml.is_none());
    }
}

#[test]
fn a_no_without_a_text_gets_one_and_an_unfit_text_is_made_fit() {
    for (text, wanted) in [
        (None, DsveStatus::LaanSolgt.text()),
        (Some(" \n"), DsveStatus::LaanSolgt.text()),
        (Some("Gjelder 239044 30552\u{7}."), "Gjelder 239044***** ."),
    ] {
        let mut list = vec![("status", "LaanSolgt")];
        list.extend(text.map(|text| ("statusDescription", text)));
        let envelope = told(&archive(&[]), &list).ok().unwrap();
        assert_eq!(envelope.status_description.as_deref(), Some(wanted));
        assert_eq!(rules_of(&envelope.notes), ["INN-093"]);
    }
}

#[test]
fn a_question_with_a_status_is_a_question() {
    let list = [("messageType", "Restgjeldsforespoersel"), ("status", "RutetSuksessfullt")];
    let zip = archive(&[("restgjeldsforespoersel_1.xml", XML)]);
    let envelope = told(&zip, &list).ok().unwrap();
    assert!(envelope.status.is_none() && envelope.xml.is_some());
}

#[test]
fn a_name_from_before_utf_8_is_somebodys_attachment() {
    let mut zip = archive(&[("restgjeldssvar_1.xml", XML), ("vedlegg_AA.pdf", b"%PDF")]);
    let places: Vec<usize> =
        (0..zip.len()).filter(|at| zip[*at..].starts_with(b"AA.pdf")).collect();
    assert_eq!(places.len(), 2);
    for at in places {
        zip[at..at + 2].copy_from_slice(&[0x91, 0x9b]);
    }
    let envelope = opened(&zip).ok().unwrap();
    assert!(envelope.xml.is_some());
    assert_eq!(rules_of(&envelope.notes), ["INN-086"]);
}
