//! The directory as a TOML file; `examples/tour/directory.toml` is a commented one.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use crate::contract::{Direction, MessageType};
use crate::directory::{
    BackEnd, ClientCredentials, DeliveryPolicy, Directory, DirectoryError, Handler, Operator,
    Participant, Role, Target, Webhook,
};
use crate::kernel::{Login, OrganisationId, RegisterNumber};

/// Why a directory file could not be used. Each says where, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// It cannot be read.
    #[error("cannot read the directory file {}; check `directory.file` and its permissions", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is not TOML of the right form.
    #[error("the directory file {} is not right: {message}", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and column.
        message: String,
    },
    /// Its entries do not fit together.
    #[error("the directory file {} does not hold together:{}", path.display(), list(errors))]
    Inconsistent {
        /// The file.
        path: PathBuf,
        /// Everything that does not fit.
        errors: Vec<String>,
    },
}

fn list(errors: &[String]) -> String {
    errors.iter().fold(String::new(), |mut text, error| {
        // Writing to a String cannot fail.
        write!(text, "\n  - {error}").unwrap_or_default();
        text
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default, rename = "participant")]
    participants: Vec<ParticipantEntry>,
    #[serde(default, rename = "operator")]
    operators: Vec<OperatorEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ParticipantEntry {
    id: OrganisationId,
    name: String,
    role: RoleName,
    parent: Option<OrganisationId>,
    #[serde(default)]
    sends: BTreeSet<MessageType>,
    #[serde(default)]
    receives: BTreeSet<MessageType>,
    #[serde(default)]
    register_numbers: BTreeSet<RegisterNumber>,
    #[serde(default)]
    approved_register_numbers: BTreeSet<RegisterNumber>,
    #[serde(default)]
    handler: HandlerName,
    loan_book: Option<PathBuf>,
    webhook: Option<Webhook>,
    http: Option<BackEnd>,
    #[serde(default)]
    receipts: bool,
    #[serde(default)]
    delivery: DeliveryPolicy,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RoleName {
    EstateAgency,
    Bank,
    CoveredBondCompany,
}

#[derive(Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum HandlerName {
    #[default]
    Amqp,
    LoanBook,
    Mailbox,
    Webhook,
    Http,
    Altinn,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OperatorEntry {
    login: Login,
    name: String,
    speaks_for: BTreeSet<OrganisationId>,
    organisation: Option<OrganisationId>,
}

/// Reads a directory file.
///
/// # Errors
/// When it cannot be read, is not of the right form, or does not hold together; then all places at
/// once.
pub fn load(path: &Path) -> Result<Directory, SourceError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| SourceError::Unreadable { path: path.to_owned(), source })?;
    parse(&text, path)
}

/// Reads a directory from text; `path` is where it came from, for messages and relative paths.
///
/// # Errors
/// As for [`load`].
pub fn parse(text: &str, path: &Path) -> Result<Directory, SourceError> {
    let file: File = toml::from_str(text).map_err(|error| SourceError::Form {
        path: path.to_owned(),
        message: error.to_string().trim_end().to_owned(),
    })?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut errors = Vec::new();
    let participants = file
        .participants
        .into_iter()
        .filter_map(|entry| entry.into_participant(folder).map_err(|e| errors.extend(e)).ok())
        .collect();
    let operators = file
        .operators
        .into_iter()
        .map(|entry| Operator {
            login: entry.login,
            name: entry.name,
            speaks_for: entry.speaks_for,
            organisation: entry.organisation,
        })
        .collect();
    match Directory::new(participants, operators) {
        Ok(directory) if errors.is_empty() => Ok(directory),
        Ok(_) => Err(SourceError::Inconsistent { path: path.to_owned(), errors }),
        Err(more) => {
            errors.extend(more.iter().map(DirectoryError::to_string));
            Err(SourceError::Inconsistent { path: path.to_owned(), errors })
        }
    }
}

/// What a participant's entry says of each way to reach it; only one is used.
struct Way {
    loan_book: Option<PathBuf>,
    webhook: Option<Webhook>,
    http: Option<BackEnd>,
}

impl Way {
    fn handler(
        self,
        name: HandlerName,
        id: &OrganisationId,
        folder: &Path,
        errors: &mut Vec<String>,
    ) -> Handler {
        let given = [
            (self.loan_book.is_some(), HandlerName::LoanBook),
            (self.webhook.is_some(), HandlerName::Webhook),
            (self.http.is_some(), HandlerName::Http),
        ];
        for (_, other) in given.iter().filter(|(given, other)| *given && *other != name) {
            let (key, handler) = other.key_and_name();
            errors.push(format!("{id} has `{key}`: set handler = \"{handler}\" too, or drop it"));
        }
        let handler = match name {
            HandlerName::Amqp => Some(Handler::Amqp),
            HandlerName::Mailbox => Some(Handler::Mailbox),
            HandlerName::Altinn => Some(Handler::Altinn),
            HandlerName::LoanBook => {
                self.loan_book.map(|book| Handler::LoanBook(folder.join(book)))
            }
            HandlerName::Webhook => self.webhook.map(|hook| {
                let secret_files = hook.secret_files.iter().map(|file| folder.join(file)).collect();
                let target = beside(hook.target, folder);
                Handler::Webhook(Arc::new(Webhook { target, secret_files }))
            }),
            HandlerName::Http => self.http.map(|back_end| {
                let target = beside(back_end.target, folder);
                let identity_file = back_end.identity_file.map(|file| folder.join(file));
                let token = back_end.token.map(|token| ClientCredentials {
                    client_secret_file: folder.join(token.client_secret_file),
                    ..token
                });
                Handler::Http(Arc::new(BackEnd { target, identity_file, token, ..back_end }))
            }),
        };
        if handler.is_none() {
            let (key, name) = name.key_and_name();
            errors.push(format!("{id} has the handler {name}: say where it is in `{key}`"));
        }
        handler.unwrap_or(Handler::Mailbox)
    }
}

/// A target whose files stand where the directory file says, seen from that file.
fn beside(target: Target, folder: &Path) -> Target {
    Target { ca_file: target.ca_file.map(|file| folder.join(file)), ..target }
}

impl HandlerName {
    /// The key that holds what it needs to know, and its name.
    const fn key_and_name(self) -> (&'static str, &'static str) {
        match self {
            Self::Amqp => ("", "amqp"),
            Self::Mailbox => ("", "mailbox"),
            Self::Altinn => ("", "altinn"),
            Self::LoanBook => ("loan_book", "loan-book"),
            Self::Webhook => ("webhook", "webhook"),
            Self::Http => ("http", "http"),
        }
    }
}

impl ParticipantEntry {
    fn into_participant(self, folder: &Path) -> Result<Participant, Vec<String>> {
        let mut errors = Vec::new();
        let id = &self.id;
        let role = match (self.role, self.parent) {
            (RoleName::CoveredBondCompany, Some(parent)) => Role::CoveredBondCompany { parent },
            (RoleName::CoveredBondCompany, None) => {
                errors.push(format!("{id} is a covered-bond company: name its bank as `parent`"));
                Role::Bank
            }
            (RoleName::Bank, None) => Role::Bank,
            (RoleName::EstateAgency, None) => Role::EstateAgency,
            (RoleName::Bank | RoleName::EstateAgency, Some(_)) => {
                errors.push(format!("{id} has a `parent`, which only a covered-bond company has"));
                Role::Bank
            }
        };
        let way = Way { loan_book: self.loan_book, webhook: self.webhook, http: self.http };
        let handler = way.handler(self.handler, id, folder, &mut errors);
        for kind in self.sends.iter().chain(&self.receives) {
            if kind.direction() != Direction::Request {
                errors
                    .push(format!("{id} lists {kind}: `sends` and `receives` name requests only"));
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Participant {
            id: self.id,
            name: self.name,
            role,
            sends: self.sends,
            receives: self.receives,
            register_numbers: self.register_numbers,
            approved_register_numbers: self.approved_register_numbers,
            handler,
            receipts: self.receipts,
            delivery: self.delivery,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::ChannelName;

    const GOOD: &str = r#"
        [[participant]]
        id = "918190937"
        name = "Testvik Sparebank"
        role = "bank"
        receives = ["no.dsve.restgjeldsforespoersel.v1"]
        register_numbers = ["1564"]
        handler = "loan-book"
        loan_book = "testvik.toml"

        [[participant]]
        id = "NO:882880729"
        name = "Testvik Boligkreditt"
        role = "covered-bond-company"
        parent = "918190937"

        [[operator]]
        login = "bank-system"
        name = "Testvik IT"
        speaks_for = ["918190937"]
    "#;

    fn read(text: &str) -> Result<Directory, SourceError> {
        parse(text, Path::new("conf/directory.toml"))
    }

    #[test]
    fn a_good_file_becomes_a_directory() {
        let directory = read(GOOD).unwrap();
        let bank = directory.participant(&"918190937".parse().unwrap()).unwrap();
        assert_eq!(bank.handler, Handler::LoanBook(PathBuf::from("conf/testvik.toml")));
        assert!(directory.speaks_for(&Login::new("bank-system"), &bank.id));
        assert!(bank.takes_payment_at(&"1564".parse().unwrap()));
    }

    #[test]
    fn everything_wrong_is_told_at_once() {
        let bad = GOOD
            .replace("loan_book = \"testvik.toml\"", "")
            .replace("parent = \"918190937\"", "")
            .replace("speaks_for = [\"918190937\"]", "speaks_for = [\"920579868\"]");
        let error = read(&bad).unwrap_err().to_string();
        for part in ["`loan_book`", "`parent`", "NO:920579868"] {
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn each_way_is_read_with_its_files_beside_the_directory() {
        let target = "target = { url = \"https://bank.example/innfri\", ca_file = \"ca.pem\" }";
        let ways = [
            ("mailbox", String::new(), Handler::Mailbox.channel()),
            ("altinn", String::new(), ChannelName::Altinn),
            (
                "webhook",
                format!("webhook = {{ {target}, secret_files = [\"s\"] }}"),
                ChannelName::Http,
            ),
            (
                "http",
                format!("http = {{ {target}, identity_file = \"id.pem\" }}"),
                ChannelName::Http,
            ),
        ];
        for (name, key, channel) in ways {
            let text = GOOD
                .replace("handler = \"loan-book\"", &format!("handler = \"{name}\""))
                .replace("loan_book = \"testvik.toml\"", &key);
            let directory = read(&text).unwrap();
            let bank = directory.participant(&"918190937".parse().unwrap()).unwrap();
            assert_eq!(bank.handler.channel(), channel);
            if let Handler::Http(back_end) = &bank.handler {
                assert_eq!(back_end.identity_file, Some(PathBuf::from("conf/id.pem")));
                assert_eq!(back_end.target.ca_file, Some(PathBuf::from("conf/ca.pem")));
            }
        }
        let error = read(&GOOD.replace("handler = \"loan-book\"", "handler = \"mailbox\""));
        assert!(error.unwrap_err().to_string().contains("handler = \"loan-book\""));
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let error = read(&GOOD.replace("receives", "recieves")).unwrap_err().to_string();
        assert!(error.contains("recieves") && error.contains("line"), "{error}");
    }

    #[test]
    fn two_banks_cannot_share_a_register_number() {
        let twice = format!(
            "{GOOD}\n[[participant]]\nid = \"903137215\"\nname = \"B\"\nrole = \"bank\"\n\
             register_numbers = [\"1564\"]"
        );
        assert!(read(&twice).unwrap_err().to_string().contains("1564"));
    }
}
