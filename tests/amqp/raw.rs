//! AMQP by hand, for what no decent client library would send.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

const METHOD: u8 = 1;
const HEADER: u8 = 2;
const BODY: u8 = 3;

/// Publishes to `innfri.requests` a message whose `type` is Latin-1, and waits for the confirmation.
pub fn publish_type_that_is_no_text(port: u16, vhost: &str, user: &str, password: &str) {
    let mut wire = Wire(TcpStream::connect(("127.0.0.1", port)).unwrap());
    wire.0.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    wire.0.write_all(b"AMQP\x00\x00\x09\x01").unwrap();
    wire.expect(10, 10);
    let login = [b"\0", user.as_bytes(), b"\0", password.as_bytes()].concat();
    let start_ok = [&long(b"")[..], &short(b"PLAIN"), &long(&login), &short(b"en_US")].concat();
    wire.method(0, 10, 11, &start_ok);
    wire.expect(10, 30);
    wire.method(0, 10, 31, &[0, 10, 0, 2, 0, 0, 0, 0]);
    wire.method(0, 10, 40, &[&short(vhost.as_bytes())[..], b"\0\0"].concat());
    wire.expect(10, 41);
    wire.method(1, 20, 10, b"\0");
    wire.expect(20, 11);
    wire.method(1, 85, 10, b"\0");
    wire.expect(85, 11);
    wire.method(1, 60, 40, &[b"\0\0", &short(b"innfri.requests")[..], b"\0\0"].concat());
    // Class 60, weight 0, two bytes of body, and of the properties only `type` (bit 5).
    let header = [&[0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 32][..], &short(b"p\xe5legg")].concat();
    wire.frame(HEADER, 1, &header);
    wire.frame(BODY, 1, b"{}");
    wire.expect(60, 80);
}

struct Wire(TcpStream);

impl Wire {
    fn frame(&mut self, kind: u8, channel: u16, payload: &[u8]) {
        let size = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let frame = [&[kind][..], &channel.to_be_bytes(), &size, payload, b"\xce"].concat();
        self.0.write_all(&frame).unwrap();
    }

    fn method(&mut self, channel: u16, class: u16, method: u16, arguments: &[u8]) {
        let payload = [&class.to_be_bytes()[..], &method.to_be_bytes(), arguments].concat();
        self.frame(METHOD, channel, &payload);
    }

    fn expect(&mut self, class: u16, method: u16) {
        let mut start = [0; 7];
        self.0.read_exact(&mut start).unwrap();
        let size = u32::from_be_bytes([start[3], start[4], start[5], start[6]]);
        let mut payload = vec![0; usize::try_from(size).unwrap() + 1];
        self.0.read_exact(&mut payload).unwrap();
        let said = [&class.to_be_bytes()[..], &method.to_be_bytes()].concat();
        assert_eq!(payload.get(..4), Some(&said[..]), "instead of {class}.{method}");
    }
}

fn short(text: &[u8]) -> Vec<u8> {
    [&[u8::try_from(text.len()).unwrap()], text].concat()
}

fn long(text: &[u8]) -> Vec<u8> {
    [&u32::try_from(text.len()).unwrap().to_be_bytes(), text].concat()
}
