//! The directory as a TOML file; `examples/tour/directory.toml` is a commented one.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::contract::{Direction, MessageType};
use crate::directory::{
    DeliveryPolicy, Directory, DirectoryError, Handler, Operator, Participant, Role,
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

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum HandlerName {
    #[default]
    Amqp,
    LoanBook,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OperatorEntry {
    login: Login,
    name: String,
    speaks_for: BTreeSet<OrganisationId>,
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
        let handler = match (self.handler, self.loan_book) {
            (HandlerName::Amqp, None) => Handler::Amqp,
            (HandlerName::LoanBook, Some(book)) => Handler::LoanBook(folder.join(book)),
            (HandlerName::LoanBook, None) => {
                errors
                    .push(format!("{id} has the handler loan-book: name the file as `loan_book`"));
                Handler::Amqp
            }
            (HandlerName::Amqp, Some(_)) => {
                errors.push(format!("{id} has a `loan_book`: set handler = \"loan-book\" too"));
                Handler::Amqp
            }
        };
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
