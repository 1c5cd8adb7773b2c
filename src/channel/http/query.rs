//! Reading paths and queries, so that what is wrong with them is told as a problem like any other.

use std::str::FromStr;

use axum::extract::Path;
use axum::extract::Query;
use axum::extract::rejection::PathRejection;
use axum::http::Uri;
use serde::de::DeserializeOwned;

use super::problem::Problem;

/// A path's one parameter, as the route gets it.
pub(super) type PathText = Result<Path<String>, PathRejection>;

/// The id in a path; `None` when it is none, so that nothing can be there.
pub(super) fn id<T: FromStr>(path: PathText) -> Option<T> {
    let Ok(Path(text)) = path else { return None };
    text.parse().ok()
}

/// The parts of a query. `known` names those that there are, for the text of the refusal: what the
/// caller wrote is not repeated.
pub(super) fn parts<T: DeserializeOwned>(uri: &Uri, known: &str) -> Result<T, Problem> {
    let Ok(Query(parts)) = Query::try_from_uri(uri) else {
        return Err(Problem::bad(format!("the query takes {known}, each once, and nothing else")));
    };
    Ok(parts)
}

/// One part of a query, read. `is` says what it must be.
pub(super) fn part<T: FromStr>(
    name: &str,
    text: Option<&str>,
    is: &str,
) -> Result<Option<T>, Problem> {
    let read = |text: &str| text.parse().map_err(|_| Problem::bad(format!("`{name}` is not {is}")));
    text.map(read).transpose()
}

/// One part of a query that is a count between 1 and `most`.
pub(super) fn count(name: &str, text: Option<&str>, usual: u32, most: u32) -> Result<u32, Problem> {
    let is = format!("a whole number from 1 to {most}");
    let count = part(name, text, &is)?.unwrap_or(usual);
    if (1..=most).contains(&count) {
        Ok(count)
    } else {
        Err(Problem::bad(format!("`{name}` is not {is}")))
    }
}
