//! ZIP archives as other programs may write them, right and wrong.

use std::io::{Cursor, Write as _};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// An archive of these files, deflated.
pub fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    archive_by(CompressionMethod::Deflated, files)
}

/// An archive of these files, packed this way.
pub fn archive_by(method: CompressionMethod, files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    for (name, bytes) in files {
        zip.start_file(*name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A manifest with these properties.
pub fn manifest(properties: &[(&str, &str)]) -> String {
    let list: String = properties
        .iter()
        .map(|(key, value)| {
            format!(
                "<Property><PropertyKey>{key}</PropertyKey>\
                 <PropertyValue>{value}</PropertyValue></Property>"
            )
        })
        .collect();
    format!(
        "<BrokerServiceManifest xmlns=\"http://schema.altinn.no/services/ServiceEngine/Broker/2015/06\">\
         <ExternalServiceCode>4752</ExternalServiceCode>\
         <ExternalServiceEditionCode>1</ExternalServiceEditionCode>\
         <SendersReference>ref:1245</SendersReference><Reportee>918190937</Reportee>\
         <PropertyList>{list}</PropertyList></BrokerServiceManifest>"
    )
}
