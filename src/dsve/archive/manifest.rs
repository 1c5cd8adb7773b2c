//! `manifest.xml`: Altinn's BrokerServiceManifest, with what an answer is.
//!
//! Its own words count, not their prefixes or capitals: it has been written by Altinn itself, by its
//! bridge to Altinn 3 (which says UTF-16 and means it, or not) and by any number of systems.

use quick_xml::Reader;
use quick_xml::escape::{escape, resolve_predefined_entity};
use quick_xml::events::Event;

/// Altinn's namespace for manifests.
const NAMESPACE: &str = "http://schema.altinn.no/services/ServiceEngine/Broker/2015/06";
/// DSVE's service in Altinn, and its edition (Altinn 2; repeated by the bridge).
const SERVICE: (&str, &str) = ("4752", "1");
/// Elements inside each other.
const DEEPEST: usize = 16;
/// Properties; Altinn 3 takes ten.
const MOST_PROPERTIES: usize = 64;
/// Characters of one text. Altinn 3 takes 3000 in a property and 4096 in a reference.
const LONGEST: usize = 8192;

/// What a manifest says.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Manifest {
    /// `SendersReference`.
    pub(super) senders_reference: Option<String>,
    /// `Reportee`: who sends, an organisation number.
    pub(super) reportee: Option<String>,
    /// `SentDate`.
    pub(super) sent_date: Option<String>,
    /// `PropertyList`, in its order.
    pub(super) properties: Vec<(String, String)>,
}

/// Reads a manifest; `None` when it is none.
pub(super) fn read(bytes: &[u8]) -> Option<Manifest> {
    let text = decode(bytes)?;
    let mut reader = Reader::from_str(&text);
    reader.config_mut().expand_empty_elements = true;
    let mut reading = Reading::default();
    loop {
        match reader.read_event().ok()? {
            Event::Start(element) => reading.open(element.local_name().as_ref())?,
            Event::End(_) => reading.close()?,
            Event::Text(text) => reading.add(&text.xml10_content())?,
            Event::CData(text) => reading.add(&text.xml10_content())?,
            Event::GeneralRef(reference) => match reference.resolve_char_ref().ok()? {
                Some(sign) => reading.add(sign.encode_utf8(&mut [0; 4]))?,
                // Only the five that XML itself has: a manifest defines none.
                None => reading.add(resolve_predefined_entity(&reference)?)?,
            },
            Event::DocType(_) => return None,
            Event::Eof => return reading.end(),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::Empty(_) => {}
        }
    }
}

/// UTF-8 or UTF-16, by the first bytes. The declaration is not asked: the bridge's is wrong.
fn decode(bytes: &[u8]) -> Option<String> {
    let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = bytes.chunks_exact(2).map(|pair| match *pair {
            [first, second] => unit([first, second]),
            _ => 0,
        });
        let text: Result<String, _> = char::decode_utf16(units).collect();
        text.ok().filter(|_| bytes.len().is_multiple_of(2))
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        [b'<', 0, ..] => wide(bytes, u16::from_le_bytes),
        [0, b'<', ..] => wide(bytes, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8(rest.to_vec()).ok(),
        _ => String::from_utf8(bytes.to_vec()).ok(),
    }
}

#[derive(Default)]
struct Reading {
    manifest: Manifest,
    /// The open elements, in small letters.
    path: Vec<String>,
    /// The text of the innermost one.
    text: String,
    key: Option<String>,
    value: Option<String>,
    closed: bool,
}

impl Reading {
    fn open(&mut self, name: &str) -> Option<()> {
        let name = name.to_ascii_lowercase();
        let root = self.path.is_empty();
        let fits = if root { name == "brokerservicemanifest" && !self.closed } else { true };
        self.text.clear();
        self.path.push(name);
        (fits && self.path.len() <= DEEPEST).then_some(())
    }

    fn add(&mut self, text: &str) -> Option<()> {
        if self.path.is_empty() {
            return text.trim().is_empty().then_some(());
        }
        self.text.push_str(text);
        (self.text.len() <= LONGEST).then_some(())
    }

    fn close(&mut self) -> Option<()> {
        let path: Vec<&str> = self.path.iter().skip(1).map(String::as_str).collect();
        let text = || Some(self.text.trim().to_owned()).filter(|text| !text.is_empty());
        match path.as_slice() {
            ["sendersreference"] => self.manifest.senders_reference = text(),
            ["reportee"] => self.manifest.reportee = text(),
            ["sentdate"] => self.manifest.sent_date = text(),
            ["propertylist", "property", "propertykey"] => self.key = text(),
            ["propertylist", "property", "propertyvalue"] => self.value = text(),
            ["propertylist", "property"] => {
                let value = self.value.take().unwrap_or_default();
                if let Some(key) = self.key.take() {
                    self.manifest.properties.push((key, value));
                }
            }
            _ => {}
        }
        self.text.clear();
        self.path.pop();
        self.closed |= self.path.is_empty();
        (self.manifest.properties.len() <= MOST_PROPERTIES).then_some(())
    }

    /// A manifest that is cut off ends like a whole one: only its depth tells.
    fn end(self) -> Option<Manifest> {
        (self.closed && self.path.is_empty()).then_some(self.manifest)
    }
}

/// Writes a manifest. The texts must hold no control characters but line ends: XML has no place for them.
pub(super) fn write(manifest: &Manifest, file_name: &str) -> String {
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<BrokerServiceManifest xmlns=\"{NAMESPACE}\">\n"
    );
    let mut line = |indent: &str, name: &str, text: &str| {
        xml.push_str(&format!("{indent}<{name}>{}</{name}>\n", escape(text)));
    };
    line("  ", "ExternalServiceCode", SERVICE.0);
    line("  ", "ExternalServiceEditionCode", SERVICE.1);
    line("  ", "SendersReference", manifest.senders_reference.as_deref().unwrap_or_default());
    line("  ", "Reportee", manifest.reportee.as_deref().unwrap_or_default());
    if let Some(sent) = &manifest.sent_date {
        line("  ", "SentDate", sent);
    }
    xml.push_str("  <FileList>\n    <File>\n");
    xml.push_str(&format!("      <FileName>{}</FileName>\n", escape(file_name)));
    xml.push_str("    </File>\n  </FileList>\n  <PropertyList>\n");
    for (key, value) in &manifest.properties {
        xml.push_str(&format!(
            "    <Property>\n      <PropertyKey>{}</PropertyKey>\n      <PropertyValue>{}</PropertyValue>\n    </Property>\n",
            escape(key),
            escape(value)
        ));
    }
    xml.push_str("  </PropertyList>\n</BrokerServiceManifest>\n");
    xml
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Manifest {
        Manifest {
            senders_reference: Some("A & B <1>".to_owned()),
            reportee: Some("918190937".to_owned()),
            sent_date: Some("2026-11-20T10:00:00Z".to_owned()),
            properties: vec![
                ("messageType".to_owned(), "Restgjeldssvar".to_owned()),
                ("statusDescription".to_owned(), "Lånet er \"borte\".\nRing oss.".to_owned()),
            ],
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        assert_eq!(read(write(&sample(), "a.xml").as_bytes()), Some(sample()));
    }

    #[test]
    fn prefixes_capitals_empty_lists_and_utf_16_are_read() {
        let text = "<?xml version=\"1.0\" encoding=\"utf-16\"?><!-- x --><b:brokerServiceManifest \
                    xmlns:b=\"urn:other\"><b:SENDERSREFERENCE>ref:&#49;<![CDATA[245]]></b:SENDERSREFERENCE>\
                    <FileList /><PropertyList><Property><PropertyKey>status</PropertyKey>\
                    <PropertyValue>Feil</PropertyValue></Property><Property><PropertyKey>tom</PropertyKey>\
                    <PropertyValue/></Property></PropertyList></b:brokerServiceManifest>";
        let narrow = read(text.as_bytes()).unwrap();
        assert_eq!(narrow.senders_reference.as_deref(), Some("ref:1245"));
        let wanted = [("status", "Feil"), ("tom", "")];
        assert_eq!(
            narrow.properties,
            wanted.map(|(key, value)| (key.to_owned(), value.to_owned()))
        );
        let le: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let be: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for bytes in [
            [b"\xff\xfe".as_slice(), &le].concat(),
            [b"\xfe\xff".as_slice(), &be].concat(),
            [b"\xef\xbb\xbf".as_slice(), text.as_bytes()].concat(),
            le,
            be,
        ] {
            assert_eq!(read(&bytes).as_ref(), Some(&narrow));
        }
    }

    #[test]
    fn what_is_no_manifest_is_refused() {
        let whole = write(&sample(), "a.xml");
        for cut in 0..whole.trim_end().len() {
            assert_eq!(read(whole.as_bytes().get(..cut).unwrap()), None, "cut at {cut}");
        }
        for wrong in [
            "<other/>".to_owned(),
            "<!DOCTYPE a [<!ENTITY b \"c\">]><BrokerServiceManifest/>".to_owned(),
            "<BrokerServiceManifest>&b;</BrokerServiceManifest>".to_owned(),
            "<BrokerServiceManifest/><BrokerServiceManifest/>".to_owned(),
            "<BrokerServiceManifest/>x".to_owned(),
            format!("<BrokerServiceManifest>{}", "<a>".repeat(100_000)),
            format!("<BrokerServiceManifest><Reportee>{}", "1".repeat(100_000)),
        ] {
            assert_eq!(read(wrong.as_bytes()), None);
        }
        assert_eq!(read(b"\xff\xfe<"), None);
    }
}
