//! What the participants themselves know: what each asked and said, and what each got. It shares
//! nothing with innfri's own record.

use std::collections::BTreeMap;

use innfri::case::Delivery;
use innfri::kernel::{ChannelName, DeliveryId, Incoming, Login};
use innfri::port::Taken;

/// What the one who asks expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// It goes to the bank.
    Forward,
    /// It, or the other with its id, whichever comes first, goes to the bank; the other comes back.
    Rival,
    /// A `FEIL` with this reason.
    Refuse(&'static str),
    /// It has no effect; this party is told.
    NoEffect(Option<&'static str>),
}

/// One question, by its content.
#[derive(Debug, Clone)]
pub struct Asked {
    pub number: u64,
    pub asker: &'static str,
    pub login: &'static str,
    pub message_id: Option<String>,
    pub message_type: &'static str,
    pub content_type: &'static str,
    pub bank: &'static str,
    pub reply_to: &'static str,
    pub owner: &'static str,
    pub payoff: bool,
    pub body: Vec<u8>,
    pub expect: Expect,
    /// Whether its bank answers at once and rightly.
    pub plain: bool,
    pub taken: Option<Taken>,
}

/// One thing that a bank said, by its content.
#[derive(Debug, Clone)]
pub struct Said {
    /// The place of the question in the ledger.
    pub about: usize,
    pub bank: &'static str,
    pub login: &'static str,
    pub message_id: String,
    pub correlation: Option<String>,
    pub message_type: &'static str,
    pub body: Vec<u8>,
    pub right: bool,
    /// Who is told when it is not right.
    pub told: Option<&'static str>,
    pub taken: Option<Taken>,
}

#[derive(Default)]
pub struct Ledger {
    pub asked: Vec<Asked>,
    pub said: Vec<Said>,
    /// What arrived, once for each id.
    pub got: BTreeMap<DeliveryId, Delivery>,
    /// Questions that a bank has answered more than once at the same time.
    pub in_any_order: Vec<usize>,
}

impl Ledger {
    /// The question that these bytes are.
    pub fn asked_as(&self, body: &[u8]) -> Option<usize> {
        self.asked.iter().position(|asked| asked.body == body)
    }

    /// The reply that these bytes are.
    pub fn said_as(&self, body: &[u8]) -> Option<&Said> {
        self.said.iter().find(|said| said.body == body && said.right)
    }
}

impl Asked {
    pub fn incoming(&self) -> Incoming {
        Incoming {
            content_type: Some(self.content_type.to_owned()),
            ..incoming(self.login, self.message_type, self.message_id.as_deref(), &self.body)
        }
    }
}

impl Said {
    pub fn incoming(&self) -> Incoming {
        let id = Some(self.message_id.as_str());
        Incoming {
            correlation_id: self.correlation.clone(),
            ..incoming(self.login, self.message_type, id, &self.body)
        }
    }
}

fn incoming(login: &str, message_type: &str, message_id: Option<&str>, body: &[u8]) -> Incoming {
    Incoming {
        channel: ChannelName::Amqp,
        source: "innfri.in".into(),
        login: Some(Login::new(login)),
        message_type: Some(message_type.to_owned()),
        message_id: message_id.map(str::to_owned),
        correlation_id: None,
        content_type: Some("application/json".into()),
        traceparent: None,
        deaths: Vec::new(),
        findings: Vec::new(),
        received_at: jiff::Timestamp::UNIX_EPOCH,
        body: body.to_vec(),
    }
}
