//! Who is asking, and what they may do.

/// What a caller may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Registers, and confirms, cancels and reads own tickets.
    User,
    /// Creates and changes own events, and reads their tickets.
    Organizer,
    /// Does everything.
    Admin,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::User, Self::Organizer, Self::Admin];

    /// The name in credentials, headers and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Organizer => "organizer",
            Self::Admin => "admin",
        }
    }

    /// The role of that name, exactly.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    const fn bit(self) -> u8 {
        match self {
            Self::User => 1,
            Self::Organizer => 2,
            Self::Admin => 4,
        }
    }
}

/// A set of roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Roles(u8);

impl Roles {
    /// Nobody in particular.
    pub const NONE: Self = Self(0);

    /// Whether `role` itself is in the set; an admin is not thereby a user.
    #[must_use]
    pub const fn has(self, role: Role) -> bool {
        self.0 & role.bit() != 0
    }

    /// As a number: one for a user, two for an organizer, four for an admin, and their sum.
    #[must_use]
    pub const fn code(self) -> u8 {
        self.0
    }

    /// The set of that number.
    #[must_use]
    pub fn coded(code: u8) -> Self {
        Role::ALL.into_iter().filter(|role| code & role.bit() != 0).collect()
    }

    /// The names, separated by commas, for the log; empty for nobody.
    #[must_use]
    pub fn names(self) -> String {
        let names: Vec<_> = self.iter().map(Role::name).collect();
        names.join(",")
    }

    /// The roles of what [`Roles::names`] gives; `None`: there is a name that is none of a role.
    #[must_use]
    pub fn named(names: &str) -> Option<Self> {
        names.split(',').filter(|name| !name.is_empty()).map(Role::named).collect()
    }

    /// The roles in the set.
    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL.into_iter().filter(move |role| self.has(*role))
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Self {
        Self(roles.into_iter().fold(0, |bits, role| bits | role.bit()))
    }
}

/// Names a caller across requests: what it makes is its own. Never empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OwnerId(String);

impl OwnerId {
    /// `None` for the empty string, which stands for "nobody known" in the database.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }
}

/// Which caller it is, as far as the host knows.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum Identity {
    /// No credential came: what is public is all that there is.
    #[default]
    Nobody,
    /// Header roles: anybody can claim any, so the id of a row is the key to it.
    Unproved {
        /// Whether rows may be searched for nevertheless, which gives their ids away.
        may_search: bool,
    },
    /// A credential that was proved. What this caller makes is its own.
    Known(OwnerId),
}

/// Who is asking, as the host has established it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Principal {
    /// What the caller may be.
    pub roles: Roles,
    /// Which caller it is.
    pub identity: Identity,
}

impl Principal {
    /// A caller of whom nothing is known but a role: header roles, on a host where rows may be searched for.
    #[must_use]
    pub fn with_role(role: Role) -> Self {
        Self { roles: Roles::from_iter([role]), identity: Identity::Unproved { may_search: true } }
    }

    /// A caller who has proved to be this one.
    #[must_use]
    pub fn known(owner: OwnerId, roles: Roles) -> Self {
        Self { roles, identity: Identity::Known(owner) }
    }

    /// The owner as the database has it: the empty string where nobody is known.
    #[must_use]
    pub fn owner_key(&self) -> &str {
        if let Identity::Known(owner) = &self.identity { &owner.0 } else { "" }
    }

    /// Whether a row of `owner`'s is this caller's to see and to change.
    #[must_use]
    pub fn may_touch(&self, owner: &str) -> bool {
        match &self.identity {
            Identity::Nobody => false,
            Identity::Unproved { .. } => true,
            Identity::Known(own) => self.roles.has(Role::Admin) || own.0 == owner,
        }
    }

    /// Whether this caller may do it at all. Deny by default: what no line grants, only an admin may.
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        let searches = matches!(permission, Permission::ListOwnTickets | Permission::ReadAudit);
        if searches && self.identity == (Identity::Unproved { may_search: false }) {
            return false;
        }
        if self.roles.has(Role::Admin) {
            return true;
        }
        match permission {
            Permission::ReadEvents => true,
            Permission::CreateEvent
            | Permission::UpdateEvent
            | Permission::ListEventTickets
            | Permission::ReadAudit => self.roles.has(Role::Organizer),
            Permission::Register
            | Permission::Confirm
            | Permission::Cancel
            | Permission::ReadTicket
            | Permission::ListOwnTickets => self.roles.has(Role::User),
        }
    }
}

/// What a host function does, one for each: the capability is authorised, not the URL that led to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// `events.get`, `events.list`
    ReadEvents,
    /// `events.create`
    CreateEvent,
    /// `events.update`
    UpdateEvent,
    /// `tickets.atomic-register`
    Register,
    /// `tickets.confirm`
    Confirm,
    /// `tickets.cancel`
    Cancel,
    /// `tickets.get`
    ReadTicket,
    /// `tickets.list` of an email
    ListOwnTickets,
    /// `tickets.list` of an event
    ListEventTickets,
    /// Reads who did what: no host function, but the host's own route.
    ReadAudit,
}

impl Permission {
    /// Whether everybody has it, and is answered the same with it.
    #[must_use]
    pub const fn is_everybodys(self) -> bool {
        matches!(self, Self::ReadEvents)
    }
}
