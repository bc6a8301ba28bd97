//! Faults of a module, and the checks that must fail for each; all others must pass.

/// Its name in `tests/guests/broken`, what the module does, and the ids of the checks.
pub(crate) type Fault = (&'static str, &'static str, &'static [&'static str]);

/// Faults of the standard rules, for `--contract standard`.
pub(crate) const FAULTS: &[Fault] = &[
    // What no module may do.
    (
        "sold-out-201",
        "says 201 where it is sold out",
        &["std-problems", "std-sold-out", "std-last-seats", "std-refusals-not-stored", "no-oversell"],
    ),
    ("twice", "registers twice for one request", &["std-register", "no-oversell", "idempotent-retries"]),
    (
        "drop-key",
        "does not hand the key over",
        &["std-replay", "std-key-reused", "std-key-forms", "idempotent-retries"],
    ),
    (
        "no-key",
        "does not look for the header of the key",
        &["std-replay", "std-key-reused", "std-key-forms", "std-key-limits", "idempotent-retries"],
    ),
    ("denied-201", "lets everybody in, and says 201 where the host denies", &["std-roles", "roles-hold"]),
    ("trap-read", "traps at each request to one route", &["std-availability", "routes-answer", "bad-input"]),
    ("trap-surrogate", "traps at half of a character", &["bad-input"]),
    ("trap-enum", "panics at a value that it does not know", &["std-list-filters", "bad-input"]),
    ("spin-long", "never ends with long bodies", &["bad-input", "within-limits"]),
    ("read-all", "reads every page for one", &["within-limits"]),
    ("default-two", "reserves two seats for whoever says no number", &["std-register", "no-oversell"]),
    ("any-body", "registers somebody for a body that is no JSON", &["std-register-limits", "bad-input"]),
    ("scan", "reads every page once, as large as they may be", &["within-limits"]),
    ("looks-first", "refuses before it registers where no seat is left", &["std-replay", "idempotent-retries"]),
    ("lies-to-nobody", "tells nobody in particular that all is well", &["std-roles", "roles-hold"]),
    ("peeks", "asks for tickets where it may not, and makes nothing of it: that is right", &[]),
    ("counts", "counts requests in a static, and shows it", &["deterministic"]),
    ("text-version", "answers a text where it has described a number", &["as-described"]),
    // All routes of the contract.
    ("no-route", "has one route less", &["std-routes", "std-availability"]),
    ("closed", "asks for a role where everybody may read", &["std-roles", "std-availability"]),
    ("no-request-id", "leaves the request's id out of its refusals", &["std-problems", "as-described"]),
    ("plain-problem", "calls its refusals application/json", &["std-problems", "as-described"]),
    (
        "no-pointers",
        "does not say what is wrong with a request",
        &[
            "std-problems",
            "std-unknown-fields",
            "std-create-limits",
            "std-update-limits",
            "std-register-limits",
            "std-key-limits",
        ],
    ),
    ("ignore-unknown", "takes no notice of fields that it does not know", &["std-unknown-fields"]),
    // Events.
    ("create-200", "answers 200 to a new event", &["std-create-event", "as-described"]),
    ("no-location", "does not say where new things are", &["std-create-event", "std-register", "std-replay"]),
    ("cut-name", "cuts names that are too long", &["std-create-limits"]),
    ("no-etag", "gives no ETag", &["std-read-event", "std-not-modified", "std-if-match"]),
    ("no-none-match", "takes no notice of If-None-Match", &["std-not-modified"]),
    ("hide-reserved", "calls reserved seats available", &["std-read-event", "std-not-modified", "std-availability"]),
    // Lists.
    ("newest-first", "lists what was made last first", &["std-list-order", "std-list-pages", "std-list-filters"]),
    ("no-cursor", "takes no notice of the cursor", &["std-list-pages", "std-list-limits"]),
    ("clamp-limit", "makes a limit of any number", &["std-list-limits"]),
    ("no-tag", "takes no notice of the tag", &["std-list-filters"]),
    ("newest-ticket", "lists tickets from the end", &["std-event-tickets"]),
    ("no-csv", "has no export", &["std-event-tickets-csv"]),
    ("formula", "leaves formulas in the export: a warning", &[]),
    ("any-email", "lists nothing where the email is missing", &["std-email-tickets"]),
    // Changes of events.
    ("keep-start", "takes no notice of a null", &["std-update-event"]),
    ("keep-name", "takes no notice of an empty name", &["std-update-limits"]),
    ("no-if-match", "takes no notice of If-Match", &["std-if-match"]),
    ("below-code", "has another code for a capacity that is too small", &["std-capacity-below-sold"]),
    // Registrations.
    ("short-hold", "holds for a minute", &["std-register"]),
    (
        "register-200",
        "answers 200 to a registration",
        &[
            "std-register",
            "std-register-limits",
            "std-sold-out",
            "std-already-registered",
            "std-canonical-email",
            "std-last-seats",
            "std-replay",
            "std-key-reused",
            "std-key-forms",
            "std-key-limits",
            "std-refusals-not-stored",
            "as-described",
        ],
    ),
    ("clamp-quantity", "reserves ten seats for whoever wants more", &["std-register-limits"]),
    ("lost-409", "answers 409 for an event that there is not", &["std-register-unknown"]),
    ("full-code", "has another code for sold out", &["std-sold-out", "std-last-seats"]),
    ("again-code", "says sold out to whoever is registered", &["std-already-registered", "std-canonical-email"]),
    ("lower-email", "shows emails in lower case", &["std-canonical-email"]),
    // Idempotency.
    ("no-replayed", "does not say that it was a replay", &["std-replay"]),
    ("reused-409", "answers 409 for a key of another request", &["std-key-reused"]),
    ("keep-quotes", "takes a key with its quotes", &["std-key-forms", "std-key-limits"]),
    ("no-body-key", "takes no notice of the key in the body", &["std-key-forms", "std-key-limits"]),
    ("cut-key", "cuts keys that are too long", &["std-key-limits"]),
    ("key-waits", "keeps the only seat from whoever sends a key", &["std-refusals-not-stored"]),
    // Tickets.
    ("show-row", "shows a hold that is due as if it were none", &["std-read-ticket"]),
    (
        "only-says-so",
        "says that a ticket is confirmed, and confirms none",
        &["std-confirm", "std-hold-expired", "std-ticket-cancelled"],
    ),
    ("expired-code", "says cancelled of a hold that ran out", &["std-hold-expired"]),
    ("cancelled-code", "has another code for a ticket that was cancelled", &["std-ticket-cancelled"]),
    ("keep-confirmed", "cancels no confirmed ticket", &["std-cancel"]),
    ("no-object", "refuses an empty object where it wants nothing", &["std-no-body"]),
];

/// Faults of the bookings, for `--contract bookings`.
pub(crate) const OF_BOOKINGS: &[Fault] = &[
    (
        "no-envelope",
        "answers the data alone",
        &[
            "book-envelope",
            "book-create-event",
            "book-book",
            "book-refusals",
            "book-race",
            "book-by-email",
            "book-availability",
            "as-described",
        ],
    ),
    (
        "no-code",
        "has no code in its refusals",
        &["book-envelope", "book-refusals", "book-race", "book-by-email", "book-availability", "as-described"],
    ),
    ("event-200", "answers 200 to a new event", &["book-create-event", "as-described"]),
    ("one-seat", "books one seat for whoever wants more", &["book-book", "book-by-email"]),
    ("only-says-so", "says that a booking is confirmed, and confirms none", &["book-book"]),
    ("unknown-409", "answers 409 for an event that there is not", &["book-refusals"]),
    ("full-201", "says 201 where it is sold out", &["book-refusals", "book-race", "no-oversell", "as-described"]),
    ("nobodys", "finds no bookings of an email", &["book-by-email"]),
    ("hide-reserved", "calls reserved seats available", &["book-availability"]),
    ("public-book", "asks for no role where the host is to refuse", &["book-host-answers"]),
];
