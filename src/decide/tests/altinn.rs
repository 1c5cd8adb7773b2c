//! A bank that is reached through Altinn is asked like any other, and its register numbers may not be
//! known; what comes from there may leave out the contact.

use super::*;

fn beyond_altinn(register_numbers: &[&str]) -> World {
    World::with(|all| {
        all[1].handler = Handler::Altinn;
        all[1].register_numbers =
            register_numbers.iter().map(|number| number.parse().unwrap()).collect();
    })
}

fn events(decision: &Decision) -> Vec<&'static str> {
    decision.change.iter().flat_map(|change| &change.events).map(|one| one.event.name()).collect()
}

fn with_account(account: &str) -> Value {
    let mut body = answer();
    body["laanliste"][0]["kontonummer"] = json!(account);
    body
}

#[test]
fn a_listed_bank_is_owed_the_request_and_one_not_listed_for_the_type_gets_a_status() {
    let world = beyond_altinn(&[]);
    let decision = world.take(message("agent", REQUEST, &request()));
    assert_eq!(decision.disposition, Disposition::Accepted);
    assert_eq!(decision.deliveries[0].to.number(), BANK);

    let world = World::with(|all| {
        all[1].handler = Handler::Altinn;
        all[1].receives.clear();
    });
    let status = refusal(&world.take(message("agent", REQUEST, &request())));
    assert_eq!(status.aarsak, Some(Aarsak::IkkeStoettet));
}

#[test]
fn an_account_that_cannot_be_compared_passes_and_is_recorded() {
    let world = beyond_altinn(&[]);
    let case = world.open();
    let decision = world.reply(ANSWER, &answer(), &case);
    assert_eq!(decision.disposition, Disposition::Accepted);
    assert_eq!(events(&decision), ["accounts_not_compared", "answered"]);
    let noted = &decision.change.unwrap().events[0].event;
    let register_numbers = vec!["1564".parse().unwrap()];
    assert_eq!(*noted, Event::AccountsNotCompared { register_numbers });
    assert!(!noted.is_alert());
}

#[test]
fn an_account_that_is_known_for_another_banks_is_stopped_even_then() {
    let world = beyond_altinn(&[]);
    let case = world.open();
    let decision = world.reply(ANSWER, &with_account("53776020776"), &case);
    assert_eq!(rules(&rejection(&decision, BANK).avvik), ["INN-021"]);
    assert!(events(&decision).contains(&"payment_alert"));
}

#[test]
fn a_bank_beyond_altinn_whose_register_numbers_are_listed_is_held_to_them() {
    let world = beyond_altinn(&["1564"]);
    let case = world.open();
    let own = world.reply(ANSWER, &answer(), &case);
    assert_eq!(events(&own), ["answered"]);
    // Nobody's, as far as the directory knows.
    let world = beyond_altinn(&["9999"]);
    let decision = world.reply(ANSWER, &answer(), &case);
    assert_eq!(rules(&rejection(&decision, BANK).avvik), ["INN-021"]);
}

#[test]
fn a_bank_of_the_file_that_lists_no_register_numbers_has_no_accounts() {
    let world = World::with(|all| all[1].register_numbers.clear());
    let case = world.open();
    let decision = world.reply(ANSWER, &answer(), &case);
    assert_eq!(rules(&rejection(&decision, BANK).avvik), ["INN-021"]);
}

#[test]
fn a_contact_may_be_missing_from_what_came_through_altinn_alone() {
    let mut without = request();
    without["avsender"].as_object_mut().unwrap().remove("kontaktperson");
    for channel in [ChannelName::Amqp, ChannelName::Http, ChannelName::Embedded] {
        let incoming = Incoming { channel, ..message("agent", REQUEST, &without) };
        assert_eq!(rules(&refusal(&World::new().take(incoming)).avvik), ["INN-060"]);
    }
    let channel = ChannelName::Altinn;
    let incoming = Incoming { channel, ..message("agent", REQUEST, &without) };
    assert!(World::new().take(incoming).change.unwrap().request.is_some());
}
