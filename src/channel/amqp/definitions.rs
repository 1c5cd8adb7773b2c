//! A RabbitMQ definitions file: the topology, one user per operator, and permissions by which nobody
//! reads another's post (a queue is readable only to those who speak for its owner) and only innfri
//! delivers.
//!
//! The file holds no passwords and no hashes. After importing it (`rabbitmqctl import_definitions`),
//! whoever runs RabbitMQ sets each user's password with `rabbitmqctl change_password`; until then a
//! user cannot log in. A user that exists already loses its password by an import, so users that are
//! in use should be taken out of the file first.
//!
//! Nobody, not even innfri, may publish to the nameless exchange (`amq.default`): it reaches every
//! queue. Nobody gets the tag `impersonator`: the broker checks `user_id`.

use serde_json::{Value, json};

use super::config::AmqpConfig;
use super::error::AmqpError;
use super::topology::{ANSWERS, REQUESTS, Topology, queues_of};
use crate::directory::{Directory, Operator, Role};

/// Matches nothing but the empty name.
const NOTHING: &str = "^$";
/// All that is innfri's, and so never `amq.default`.
const INNFRI: &str = r"^innfri\.";

/// The definitions for these participants and operators, in the vhost of the configured address.
///
/// # Errors
/// As for [`AmqpConfig::address`].
pub fn definitions(directory: &Directory, config: &AmqpConfig) -> Result<Value, AmqpError> {
    let address = config.address()?;
    let (vhost, own) = (&address.vhost, &address.authority.userinfo.username);
    let topology = Topology::of(directory, config);
    let operators: Vec<&Operator> =
        directory.operators().filter(|operator| operator.login.as_str() != own).collect();
    let logins = operators.iter().map(|operator| operator.login.as_str());
    let users: Vec<Value> = std::iter::once(own.as_str())
        .chain(logins)
        .map(|name| json!({ "name": name, "tags": [] }))
        .collect();
    let mut permissions = vec![permission(own, vhost, [INNFRI, INNFRI, INNFRI])];
    permissions.extend(operators.iter().map(|operator| {
        let write = may_write(directory, operator);
        let read = may_read(directory, operator);
        permission(operator.login.as_str(), vhost, [NOTHING, &write, &read])
    }));
    Ok(json!({
        "users": users,
        "vhosts": [{ "name": vhost }],
        "permissions": permissions,
        "topic_permissions": [],
        "parameters": [],
        "policies": [],
        "exchanges": topology.exchanges.iter().map(|exchange| json!({
            "name": exchange.name, "vhost": vhost, "type": exchange.kind,
            "durable": true, "auto_delete": false, "internal": false, "arguments": {},
        })).collect::<Vec<_>>(),
        "queues": topology.queues.iter().map(|queue| json!({
            "name": queue.name, "vhost": vhost,
            "durable": true, "auto_delete": false, "arguments": queue.arguments,
        })).collect::<Vec<_>>(),
        "bindings": topology.bindings.iter().map(|binding| json!({
            "source": binding.source, "vhost": vhost, "destination": binding.queue,
            "destination_type": "queue", "routing_key": binding.routing_key, "arguments": {},
        })).collect::<Vec<_>>(),
    }))
}

fn permission(user: &str, vhost: &str, [configure, write, read]: [&str; 3]) -> Value {
    json!({ "user": user, "vhost": vhost, "configure": configure, "write": write, "read": read })
}

/// Requests for all who ask; answers for those who speak for a bank.
fn may_write(directory: &Directory, operator: &Operator) -> String {
    let mut exchanges = std::collections::BTreeSet::new();
    for participant in operator.speaks_for.iter().filter_map(|id| directory.participant(id)) {
        match &participant.role {
            Role::Bank => exchanges.extend([REQUESTS, ANSWERS]),
            Role::EstateAgency => exchanges.extend([REQUESTS]),
            Role::CoveredBondCompany { .. } if participant.sends.is_empty() => {}
            Role::CoveredBondCompany { .. } => exchanges.extend([REQUESTS]),
        }
    }
    exactly(exchanges.into_iter().map(str::to_owned).collect())
}

/// The queues of those it speaks for, by their whole names.
fn may_read(directory: &Directory, operator: &Operator) -> String {
    let participants = operator.speaks_for.iter().filter_map(|id| directory.participant(id));
    exactly(participants.flat_map(|participant| queues_of(participant)).collect())
}

/// A regular expression that matches these names whole, and nothing else.
fn exactly(names: Vec<String>) -> String {
    if names.is_empty() {
        return NOTHING.to_owned();
    }
    // Names are letters, digits, dots and hyphens: only the dot means something else in a pattern.
    let escaped: Vec<String> = names.iter().map(|name| name.replace('.', r"\.")).collect();
    format!("^({})$", escaped.join("|"))
}

#[cfg(test)]
mod tests {
    use super::super::topology::tests::{config, directory};
    use super::*;

    fn permission_of(user: &str) -> Value {
        let made = definitions(&directory(), &config()).unwrap();
        let permissions = made["permissions"].as_array().unwrap();
        permissions.iter().find(|permission| permission["user"] == user).unwrap().clone()
    }

    #[test]
    fn an_operator_writes_as_its_roles_need_and_reads_only_its_own() {
        let agent = permission_of("agent-system");
        assert_eq!(agent["configure"], "^$");
        assert_eq!(agent["write"], r"^(innfri\.requests)$");
        assert_eq!(agent["read"], r"^(innfri\.org\.no\.918190937\.answers)$");
        let bank = permission_of("data-centre");
        assert_eq!(bank["write"], r"^(innfri\.answers|innfri\.requests)$");
        assert!(bank["read"].as_str().unwrap().contains(r"no\.926018159\.requests"));
        assert!(!bank["read"].as_str().unwrap().contains("918190937"));
    }

    #[test]
    fn who_has_no_queue_reads_nothing() {
        assert_eq!(permission_of("idle")["read"], "^$");
    }

    #[test]
    fn the_file_holds_no_password() {
        let made = definitions(&directory(), &config()).unwrap();
        assert!(!made.to_string().contains("password") && !made.to_string().contains("pw"));
        assert_eq!(made["users"].as_array().unwrap().len(), 4);
    }
}
