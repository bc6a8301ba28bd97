//! Events: what is sold.

use super::{EventId, InvalidField, MAX_PAGE, Millis, check_attributes, check_limit};

/// Most seats that one event can have.
pub const MAX_CAPACITY: u32 = 1_000_000;

/// Most characters of an event's name.
const MAX_NAME_CHARS: usize = 200;
/// Most tags of an event.
const MAX_TAGS: usize = 16;
/// Most characters of a tag.
const MAX_TAG_CHARS: usize = 64;
/// Most characters of a search.
const MAX_WORDS_CHARS: usize = 200;

/// An event as it stands at one moment: `capacity = available + reserved + confirmed`, due holds being available.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its name for machines.
    pub id: EventId,
    /// Its name for people.
    pub name: String,
    /// Seats in all.
    pub capacity: u32,
    /// Seats that can be reserved now.
    pub available: u32,
    /// Seats held and not yet confirmed.
    pub reserved: u32,
    /// Seats of confirmed tickets.
    pub confirmed: u32,
    /// When it begins, where the organizer said so.
    pub starts_at: Option<Millis>,
    /// In the organizer's order.
    pub tags: Vec<String>,
    /// A JSON object, as text.
    pub attributes: String,
    /// When it was created.
    pub created_at: Millis,
    /// Counts edits, from 1.
    pub version: u64,
}

/// What an organizer says of a new event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// 1 to 200 characters, not only white space.
    pub name: String,
    /// 1 to [`MAX_CAPACITY`].
    pub capacity: u32,
    /// When it begins.
    pub starts_at: Option<Millis>,
    /// At most 16, each 1 to 64 characters, no two the same.
    pub tags: Vec<String>,
    /// A JSON object of at most 8 KiB.
    pub attributes: String,
}

impl NewEvent {
    /// Checks every limit, and names every one that does not hold.
    ///
    /// # Errors
    /// What is wrong, field by field.
    pub fn check(&self) -> Result<(), Vec<InvalidField>> {
        let mut found = Vec::new();
        check_name(&self.name, &mut found);
        check_capacity(self.capacity, &mut found);
        check_tags(&self.tags, &mut found);
        check_attributes(&self.attributes, &mut found);
        if found.is_empty() { Ok(()) } else { Err(found) }
    }
}

/// What is to change in an event; `None` leaves a field as it is. The limits are those of [`NewEvent`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventPatch {
    /// A new name.
    pub name: Option<String>,
    /// More or fewer seats, never fewer than are reserved and confirmed.
    pub capacity: Option<u32>,
    /// Another start; `Some(None)` removes it.
    pub starts_at: Option<Option<Millis>>,
    /// All tags anew.
    pub tags: Option<Vec<String>>,
    /// The whole new object.
    pub attributes: Option<String>,
    /// Change nothing unless the version is this one.
    pub if_version: Option<u64>,
}

impl EventPatch {
    /// Checks every limit, and names every one that does not hold.
    ///
    /// # Errors
    /// What is wrong, field by field.
    pub fn check(&self) -> Result<(), Vec<InvalidField>> {
        let mut found = Vec::new();
        if let Some(name) = &self.name {
            check_name(name, &mut found);
        }
        if let Some(capacity) = self.capacity {
            check_capacity(capacity, &mut found);
        }
        if let Some(tags) = &self.tags {
            check_tags(tags, &mut found);
        }
        if let Some(attributes) = &self.attributes {
            check_attributes(attributes, &mut found);
        }
        if found.is_empty() { Ok(()) } else { Err(found) }
    }
}

/// Which events, and how many. All conditions must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventQuery {
    /// Items of the page, 1 to [`MAX_PAGE`].
    pub limit: u32,
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// Words that the name contains, each anywhere, ASCII case ignored.
    pub words: Option<String>,
    /// A tag that the event has, exactly.
    pub tag: Option<String>,
    /// Starts then or later.
    pub starts_after: Option<Millis>,
    /// Starts before then.
    pub starts_before: Option<Millis>,
    /// Only where a seat is available.
    pub available_only: bool,
}

impl EventQuery {
    /// The first page of all events.
    #[must_use]
    pub fn all() -> Self {
        Self {
            limit: MAX_PAGE,
            cursor: None,
            words: None,
            tag: None,
            starts_after: None,
            starts_before: None,
            available_only: false,
        }
    }

    /// Checks the limits (a cursor is the store's to judge).
    ///
    /// # Errors
    /// What is wrong, field by field.
    pub fn check(&self) -> Result<(), Vec<InvalidField>> {
        let mut found: Vec<_> = check_limit(self.limit).err().into_iter().collect();
        if self.words.as_ref().is_some_and(|words| words.chars().count() > MAX_WORDS_CHARS) {
            found.push(InvalidField::new("/q", format!("must be at most {MAX_WORDS_CHARS} characters")));
        }
        if self.tag.as_ref().is_some_and(|tag| !good_tag(tag)) {
            found.push(InvalidField::new("/tag", format!("must be 1 to {MAX_TAG_CHARS} characters")));
        }
        if found.is_empty() { Ok(()) } else { Err(found) }
    }
}

fn check_name(name: &str, found: &mut Vec<InvalidField>) {
    let detail = if name.trim().is_empty() {
        "must not be empty".to_owned()
    } else if name.chars().count() > MAX_NAME_CHARS {
        format!("must be at most {MAX_NAME_CHARS} characters")
    } else if name.chars().any(char::is_control) {
        "must not contain control characters".to_owned()
    } else {
        return;
    };
    found.push(InvalidField::new("/name", detail));
}

fn check_capacity(capacity: u32, found: &mut Vec<InvalidField>) {
    if !(1..=MAX_CAPACITY).contains(&capacity) {
        found.push(InvalidField::new("/capacity", format!("must be 1 to {MAX_CAPACITY}")));
    }
}

fn good_tag(tag: &str) -> bool {
    (1..=MAX_TAG_CHARS).contains(&tag.chars().count()) && !tag.chars().any(char::is_control)
}

fn check_tags(tags: &[String], found: &mut Vec<InvalidField>) {
    if tags.len() > MAX_TAGS {
        found.push(InvalidField::new("/tags", format!("must be at most {MAX_TAGS}")));
        return;
    }
    for (at, tag) in tags.iter().enumerate() {
        let pointer = format!("/tags/{at}");
        if !good_tag(tag) {
            let detail = format!("must be 1 to {MAX_TAG_CHARS} characters, none of them a control character");
            found.push(InvalidField::new(&pointer, detail));
        } else if tags[..at].contains(tag) {
            found.push(InvalidField::new(&pointer, "is there already"));
        }
    }
}
