//! The routes of the HTTP interface and what each may answer: one table, from which the published
//! contract is made and against which the HTTP channel's router is tested.

/// An HTTP method of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// Reads; changes nothing but leases.
    Get,
    /// Changes something.
    Post,
}

impl Method {
    /// As HTTP writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// At which address a route is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Door {
    /// The interface for participants; every route needs a sign-in.
    Participants,
    /// The separate address for whoever runs innfri; no sign-in.
    Operations,
}

/// What a route does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// Takes a message in.
    SendMessage,
    /// Lists one's own cases.
    ListCases,
    /// Shows one case, and waits for its outcome.
    GetCase,
    /// Hands out waiting messages under a lease.
    TakeMessages,
    /// Ends a delivery.
    AcknowledgeMessage,
    /// Gives a message back, to come again.
    ReturnMessage,
    /// Whether the process runs.
    IsAlive,
    /// Whether it can do its work.
    IsReady,
    /// What it measures.
    GetMetrics,
}

impl Operation {
    /// Its name in the contract (`operationId`).
    pub const fn name(self) -> &'static str {
        match self {
            Self::SendMessage => "sendMessage",
            Self::ListCases => "listCases",
            Self::GetCase => "getCase",
            Self::TakeMessages => "takeMessages",
            Self::AcknowledgeMessage => "acknowledgeMessage",
            Self::ReturnMessage => "returnMessage",
            Self::IsAlive => "isAlive",
            Self::IsReady => "isReady",
            Self::GetMetrics => "getMetrics",
        }
    }
}

/// One route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path, with parameters in braces, as OpenAPI and axum write them.
    pub path: &'static str,
    /// What it does.
    pub operation: Operation,
    /// Where it is served.
    pub door: Door,
    /// The statuses of its own answers, rising. Whatever else it may answer are the problems of
    /// [`Route::statuses`].
    pub own: &'static [u16],
    /// The problems it may answer with besides [`EVERYWHERE`], rising.
    pub problems: &'static [u16],
}

/// Problems that any route for participants may answer with.
pub const EVERYWHERE: [u16; 7] = [400, 401, 403, 405, 429, 500, 503];

impl Route {
    /// Every status it may answer with, rising.
    pub fn statuses(&self) -> Vec<u16> {
        let everywhere: &[u16] = match self.door {
            Door::Participants => &EVERYWHERE,
            Door::Operations => &[],
        };
        let mut all: Vec<u16> =
            [self.own, everywhere, self.problems].into_iter().flatten().copied().collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// Every route.
pub const ROUTES: &[Route] = &[
    Route {
        method: Method::Post,
        path: "/v1/messages",
        operation: Operation::SendMessage,
        door: Door::Participants,
        own: &[202],
        problems: &[409, 413, 415, 422],
    },
    Route {
        method: Method::Get,
        path: "/v1/cases",
        operation: Operation::ListCases,
        door: Door::Participants,
        own: &[200],
        problems: &[],
    },
    Route {
        method: Method::Get,
        path: "/v1/cases/{caseId}",
        operation: Operation::GetCase,
        door: Door::Participants,
        own: &[200],
        problems: &[404],
    },
    Route {
        method: Method::Get,
        path: "/v1/mailbox",
        operation: Operation::TakeMessages,
        door: Door::Participants,
        own: &[200],
        problems: &[],
    },
    Route {
        method: Method::Post,
        path: "/v1/mailbox/{id}/ack",
        operation: Operation::AcknowledgeMessage,
        door: Door::Participants,
        own: &[204],
        problems: &[404],
    },
    Route {
        method: Method::Post,
        path: "/v1/mailbox/{id}/nack",
        operation: Operation::ReturnMessage,
        door: Door::Participants,
        own: &[204],
        problems: &[404, 413, 415],
    },
    Route {
        method: Method::Get,
        path: "/healthz",
        operation: Operation::IsAlive,
        door: Door::Operations,
        own: &[200],
        problems: &[],
    },
    Route {
        method: Method::Get,
        path: "/readyz",
        operation: Operation::IsReady,
        door: Door::Operations,
        own: &[200, 503],
        problems: &[],
    },
    Route {
        method: Method::Get,
        path: "/metrics",
        operation: Operation::GetMetrics,
        door: Door::Operations,
        own: &[200],
        problems: &[],
    },
];

/// A kind of problem (RFC 9457): its `type` is `urn:innfri:problem:` and the slug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Problem {
    /// The end of its `type`.
    pub slug: &'static str,
    /// Its HTTP status; no two kinds share one.
    pub status: u16,
    /// Its `title`.
    pub title: &'static str,
    /// When it is answered, for the contract.
    pub when: &'static str,
}

/// Every kind of problem, by rising status.
pub const PROBLEMS: &[Problem] = &[
    Problem {
        slug: "bad-request",
        status: 400,
        title: "Bad request",
        when: "A header, a parameter or the envelope is missing or cannot be read.",
    },
    Problem {
        slug: "not-signed-in",
        status: 401,
        title: "Not signed in",
        when: "There is no bearer token, or one that is unknown, revoked or expired.",
    },
    Problem {
        slug: "not-allowed",
        status: 403,
        title: "Not allowed",
        when: "The login may not speak for the organisation, or its token lacks the scope.",
    },
    Problem {
        slug: "not-found",
        status: 404,
        title: "Not found",
        when: "There is no such thing, or it is another's.",
    },
    Problem {
        slug: "method-not-allowed",
        status: 405,
        title: "Method not allowed",
        when: "The path has no such method; the header Allow names those it has.",
    },
    Problem {
        slug: "reused-message-id",
        status: 409,
        title: "Message id reused",
        when: "The message id was used before, with other content.",
    },
    Problem {
        slug: "too-large",
        status: 413,
        title: "Too large",
        when: "The body is larger than the interface takes.",
    },
    Problem {
        slug: "unsupported-media-type",
        status: 415,
        title: "Unsupported media type",
        when: "The body is marked as something else than the interface takes.",
    },
    Problem {
        slug: "unacceptable-message",
        status: 422,
        title: "Unacceptable message",
        when: "The message breaks its schema or a rule; every finding is given.",
    },
    Problem {
        slug: "too-many-requests",
        status: 429,
        title: "Too many requests",
        when: "The operator has used up its rate; Retry-After says when to come back.",
    },
    Problem {
        slug: "internal",
        status: 500,
        title: "Internal error",
        when: "innfri is wrong somewhere. The same request may be sent again.",
    },
    Problem {
        slug: "unavailable",
        status: 503,
        title: "Unavailable",
        when: "innfri cannot take this now; nothing was done. Retry-After says when to come back.",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_that_is_no_answer_of_its_own_is_a_known_problem() {
        for route in ROUTES {
            for status in route.statuses() {
                let known = PROBLEMS.iter().any(|problem| problem.status == status);
                assert!(known || route.own.contains(&status), "{} {status}", route.path);
            }
        }
        assert!(PROBLEMS.is_sorted_by(|a, b| a.status < b.status));
    }

    #[test]
    fn no_two_routes_share_a_name_or_a_place() {
        for (number, route) in ROUTES.iter().enumerate() {
            for other in ROUTES.iter().skip(number + 1) {
                assert_ne!(route.operation, other.operation);
                assert_ne!((route.method, route.path), (other.method, other.path));
            }
        }
    }
}
