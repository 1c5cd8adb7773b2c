//! What the agents must hear, worked out from the loan table and the requests alone.

use serde_json::Value;

/// How an agent tells an outcome: status code or answer type, and text.
pub type Told = (String, String);

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("no {pointer}"))
}

fn row<'a>(table: &'a Value, request: &Value) -> Option<&'a Value> {
    let unit = &request["registerenheterMedHjemmelshavere"][0];
    let key = if let Some(plot) = unit.get("matrikkel") {
        let number = text(plot, "/kommunenummer");
        format!("{number}/{}/{}", plot["gaardsnummer"], plot["bruksnummer"])
    } else {
        let share = &unit["borettsandel"];
        format!("{}/{}", text(share, "/organisasjonsnummer"), share["andelsnummer"])
    };
    table["properties"].get(key)
}

/// What the bank of this table tells an asker.
pub fn told(table: &Value, request: &Value) -> Told {
    let Some(row) = row(table, request) else {
        return ("FEIL".into(), "Vi har ikke pant i denne eiendommen.".into());
    };
    if let Some(status) = row.get("status") {
        return (text(status, "/statuskode").into(), text(status, "/tekst").into());
    }
    let dates = request.get("innfrielsesdatoer").and_then(Value::as_array);
    let loans = row["loans"].as_array().expect("loans").iter().map(|loan| {
        let number = text(loan, "/laanenummer");
        let Some(dates) = dates else { return format!("{number} {}", text(loan, "/saldo")) };
        let amounts = dates.iter().filter_map(Value::as_str);
        let amounts = amounts.map(|date| format!("{number} {date} {}", text(loan, "/innfrielse")));
        amounts.collect::<Vec<_>>().join(", ")
    });
    let kind = match dates {
        Some(_) => "no.dsve.innfrielsessaldosvar.v1",
        None => "no.dsve.restgjeldssvar.v1",
    };
    (kind.into(), loans.collect::<Vec<_>>().join("; "))
}

/// Whether the bank first gives a wrong account.
pub fn is_wrong_first(table: &Value, request: &Value) -> bool {
    row(table, request).is_some_and(|row| row.get("wrongAccountFirst").is_some())
}
