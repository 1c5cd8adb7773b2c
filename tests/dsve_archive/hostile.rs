//! Archives that want to do harm, or are broken: each is refused by its rule, and none makes the reader
//! panic or unpack more than it may.

use innfri::dsve::ArchiveLimits;
use innfri::dsve::archive::open;
use rstest::rstest;
use zip::CompressionMethod;

use super::archive::{archive, archive_by, manifest};
use super::{list, opened, refused, rules_of};

const XML: &[u8] = b"<restgjeldssvar>HEMMELIG</restgjeldssvar>";
const NAME: &str = "restgjeldssvar_1.xml";

fn plain() -> Vec<u8> {
    archive(&[(NAME, XML)])
}

fn two() -> Vec<u8> {
    archive(&[(NAME, XML), ("vedlegg_000000_1.xml", XML)])
}

/// Where the central headers begin.
fn central(zip: &[u8]) -> Vec<usize> {
    zip.windows(4).enumerate().filter(|(_, it)| it == b"PK\x01\x02").map(|(at, _)| at).collect()
}

/// Where the end record begins.
fn end(zip: &[u8]) -> usize {
    zip.windows(4).rposition(|it| it == b"PK\x05\x06").unwrap()
}

/// Writes into the central header of an entry, and at another place into its local header.
fn patch(mut zip: Vec<u8>, entry: usize, places: (usize, Option<usize>), bytes: &[u8]) -> Vec<u8> {
    let header = central(&zip)[entry];
    let local = u32::from_le_bytes(zip[header + 42..header + 46].try_into().unwrap()) as usize;
    let mut write = |at: usize| zip[at..at + bytes.len()].copy_from_slice(bytes);
    write(header + places.0);
    if let Some(place) = places.1 {
        write(local + place);
    }
    zip
}

/// Gives an entry another name of the same length, everywhere.
fn renamed(zip: Vec<u8>, entry: usize, name: &[u8]) -> Vec<u8> {
    patch(zip, entry, (46, Some(30)), name)
}

fn with_end(mut zip: Vec<u8>, place: usize, bytes: &[u8]) -> Vec<u8> {
    let at = end(&zip) + place;
    zip[at..at + bytes.len()].copy_from_slice(bytes);
    zip
}

fn with_comment(mut zip: Vec<u8>, comment: &[u8]) -> Vec<u8> {
    let length = u16::try_from(comment.len()).unwrap().to_le_bytes();
    zip = with_end(zip, 20, &length);
    zip.extend_from_slice(comment);
    zip
}

fn bomb() -> Vec<u8> {
    archive(&[(NAME, &vec![b' '; 2_000_000])])
}

fn hidden_entry() -> Vec<u8> {
    // The second entry's bytes stay, its line in the directory goes.
    let zip = two();
    let (first, second, last) = (central(&zip)[0], central(&zip)[1], end(&zip));
    let size = u32::try_from(second - first).unwrap().to_le_bytes();
    let shorter = [&zip[..second], &zip[last..]].concat();
    let shorter = with_end(shorter, 12, &size);
    with_end(with_end(shorter, 8, &[1, 0]), 10, &[1, 0])
}

fn symlink() -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    zip.add_symlink(NAME, "/etc/passwd", options).unwrap();
    zip.finish().unwrap().into_inner()
}

fn overlapping() -> Vec<u8> {
    patch(two(), 1, (42, None), &[0; 4])
}

fn many() -> Vec<u8> {
    let names: Vec<String> = (0..65).map(|number| format!("{number}.txt")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), XML)).collect();
    archive(&files)
}

fn nested() -> Vec<u8> {
    archive_by(CompressionMethod::Stored, &[("restgjeldssvar_1.zip", &plain())])
}

fn doctype() -> Vec<u8> {
    let text = format!("<!DOCTYPE a [<!ENTITY b \"c\">]>{}", manifest(&[]));
    archive(&[(NAME, XML), ("manifest.xml", text.as_bytes())])
}

fn stating(properties: &[(&str, &str)]) -> Vec<u8> {
    archive(&[(NAME, XML), ("Manifest.XML", manifest(properties).as_bytes())])
}

#[rstest]
#[case::nothing(Vec::new(), "INN-080")]
#[case::no_archive(b"<restgjeldssvar/>".to_vec(), "INN-080")]
#[case::only_a_head(b"PK\x03\x04".to_vec(), "INN-080")]
#[case::something_before([b"#!/bin/sh\n".to_vec(), plain()].concat(), "INN-080")]
#[case::something_after([plain(), b"tail".to_vec()].concat(), "INN-080")]
#[case::two_archives_in_one([plain(), plain()].concat(), "INN-080")]
#[case::a_second_end_in_the_comment(with_comment(plain(), &[b'P', b'K', 5, 6, 0, 0, 0, 0]), "INN-080")]
#[case::several_volumes(with_end(plain(), 4, &[1, 0]), "INN-080")]
#[case::more_entries_than_there_are(with_end(with_end(plain(), 8, &[2, 0]), 10, &[2, 0]), "INN-080")]
#[case::entries_said_elsewhere(with_end(with_end(plain(), 8, &[255; 2]), 10, &[255; 2]), "INN-080")]
#[case::a_directory_said_elsewhere(with_end(plain(), 16, &[255; 4]), "INN-080")]
#[case::sizes_said_elsewhere(patch(plain(), 0, (20, Some(18)), &[255; 8]), "INN-080")]
#[case::another_name_in_front(patch(plain(), 0, (46, None), b"Restgjeldssvar_2.xml"), "INN-080")]
#[case::entries_on_the_same_bytes(overlapping(), "INN-080")]
#[case::an_entry_that_is_not_listed(hidden_entry(), "INN-080")]
#[case::a_wrong_checksum(patch(plain(), 0, (16, Some(14)), &[1, 2, 3, 4]), "INN-080")]
#[case::a_size_that_is_too_small(patch(plain(), 0, (24, Some(22)), &[1, 0, 0, 0]), "INN-080")]
#[case::a_size_that_is_too_large(patch(plain(), 0, (24, Some(22)), &[0, 0, 0, 0x7f]), "INN-080")]
#[case::a_bomb(bomb(), "INN-081")]
#[case::many_entries(many(), "INN-081")]
#[case::a_large_file(vec![0; 17 << 20], "INN-081")]
#[case::a_way_out(renamed(plain(), 0, b"../tgjeldssvar_1.xml"), "INN-082")]
#[case::a_way_out_in_the_middle(renamed(plain(), 0, b"a/../jeldssvar_1.xml"), "INN-082")]
#[case::an_absolute_name(renamed(plain(), 0, b"/estgjeldssvar_1.xml"), "INN-082")]
#[case::a_drive(renamed(plain(), 0, b"C:stgjeldssvar_1.xml"), "INN-082")]
#[case::a_backslash(renamed(plain(), 0, b"..\\tgjeldssvar_1.xml"), "INN-082")]
#[case::a_zero_in_a_name(renamed(plain(), 0, b"restgjeldssvar_\x00.xml"), "INN-082")]
#[case::two_of_one_name(renamed(two(), 1, NAME.as_bytes()), "INN-082")]
#[case::a_symbolic_link(symlink(), "INN-082")]
#[case::encrypted(patch(plain(), 0, (8, Some(6)), &[1]), "INN-083")]
#[case::strongly_encrypted(patch(plain(), 0, (8, Some(6)), &[0x41]), "INN-083")]
#[case::packed_unusually(patch(plain(), 0, (10, Some(8)), &[12, 0]), "INN-083")]
#[case::no_message(archive(&[("svar.xml", XML)]), "INN-084")]
#[case::an_archive_of_nothing(archive(&[]), "INN-084")]
#[case::an_archive_in_an_archive(nested(), "INN-084")]
#[case::two_messages(archive(&[(NAME, XML), ("RESTGJELDSSVAR_2.XML", XML)]), "INN-085")]
#[case::messages_in_folders(archive(&[(NAME, XML), ("a/restgjeldsforespoersel_1.xml", XML)]), "INN-085")]
#[case::two_manifests(
    archive(&[(NAME, XML), ("manifest.xml", XML), ("a/MANIFEST.xml", XML)]), "INN-085"
)]
#[case::no_manifest_in_manifest_xml(archive(&[(NAME, XML), ("manifest.xml", XML)]), "INN-087")]
#[case::a_manifest_that_defines_things(doctype(), "INN-087")]
#[case::another_message_than_said(stating(&[("messageType", "Restgjeldsforespoersel")]), "INN-089")]
#[case::an_unknown_message(stating(&[("messageType", "SignedMortgageDeed")]), "INN-090")]
#[case::an_unknown_status(stating(&[("status", "HEMMELIG")]), "INN-091")]
#[case::a_later_version(stating(&[("version", "2")]), "INN-092")]
#[case::no_version_at_all(stating(&[("Versjon", "HEMMELIG")]), "INN-092")]
fn a_hostile_or_broken_archive_is_refused_by_its_rule(#[case] zip: Vec<u8>, #[case] rule: &str) {
    assert_eq!(refused(&zip), [rule]);
}

#[test]
fn an_archive_that_is_cut_anywhere_is_refused() {
    let zip = stating(&[("messageType", "Restgjeldssvar")]);
    assert!(opened(&zip).is_ok());
    for cut in 0..zip.len() {
        assert_eq!(refused(&zip[..cut]), ["INN-080"], "cut at {cut}");
    }
}

#[test]
fn no_changed_byte_makes_another_message_of_it() {
    let zip = two();
    for at in 0..zip.len() {
        for flip in [1, 0x80, 0xff] {
            let mut changed = zip.clone();
            changed[at] ^= flip;
            if let Ok(envelope) = opened(&changed) {
                // What still opens was changed where nothing is read: times, attributes, the other file.
                assert!(envelope.xml.unwrap().bytes == XML, "byte {at}");
            }
        }
    }
}

#[test]
fn a_bomb_that_is_not_the_message_is_never_unpacked() {
    let zip = archive(&[(NAME, XML), ("stor.txt", &vec![0; 50_000_000])]);
    let envelope = opened(&zip).ok().unwrap();
    assert!(envelope.xml.unwrap().bytes == XML);
    assert_eq!(rules_of(&envelope.notes), ["INN-086"]);
}

#[test]
fn every_limit_holds_to_the_byte() {
    let body = vec![b'x'; 70_000];
    let zip = archive_by(CompressionMethod::Stored, &[(NAME, &body)]);
    let within = |limits: ArchiveLimits| open(&zip, &list(&[]), &limits).is_ok();
    let all = ArchiveLimits::default();
    assert!(within(ArchiveLimits { bytes: zip.len(), ..all }));
    assert!(!within(ArchiveLimits { bytes: zip.len() - 1, ..all }));
    assert!(within(ArchiveLimits { entries: 1, ..all }));
    assert!(!within(ArchiveLimits { entries: 0, ..all }));
    assert!(within(ArchiveLimits { entry_bytes: 70_000, ..all }));
    assert!(!within(ArchiveLimits { entry_bytes: 69_999, ..all }));
    assert!(within(ArchiveLimits { total_bytes: 70_000, ..all }));
    assert!(!within(ArchiveLimits { total_bytes: 69_999, ..all }));
    assert!(within(ArchiveLimits { ratio: 1, ..all }));
    assert!(!within(ArchiveLimits { ratio: 0, ..all }));
    assert!(within(ArchiveLimits { ratio: u64::MAX, ..all }));
}
