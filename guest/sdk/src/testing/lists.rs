//! Pages: a stretch of a list, and a cursor that only its own query takes.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::refusal::Fault;

/// The conditions of a query. Its limit is none of them: the next page may be longer.
#[derive(Hash)]
pub(super) struct Scope(Vec<Option<String>>);

impl Scope {
    /// Of the list of that name.
    pub(super) fn new(list: &str) -> Self {
        Self(vec![Some(list.to_owned())])
    }

    /// One more condition, or its absence.
    pub(super) fn with(mut self, condition: Option<&str>) -> Self {
        self.0.push(condition.map(ToOwned::to_owned));
        self
    }

    /// The cursor that points behind `place`.
    fn cursor(&self, place: &str) -> String {
        let mut hash = DefaultHasher::new();
        (self, place).hash(&mut hash);
        // Opaque, as the host's are: whoever takes it apart gets no further than with those.
        let mut cursor = format!("{:016x}", hash.finish());
        for byte in place.bytes() {
            // A half byte is always a digit.
            cursor.extend([byte >> 4, byte & 15].iter().filter_map(|half| char::from_digit((*half).into(), 16)));
        }
        cursor
    }

    /// The place that a cursor of this query points behind.
    fn place(&self, cursor: &str) -> Option<String> {
        let hidden = cursor.get(16..)?;
        let bytes: Option<Vec<u8>> = (0..hidden.len())
            .step_by(2)
            .map(|at| hidden.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok()))
            .collect();
        let place = String::from_utf8(bytes?).ok()?;
        (self.cursor(&place) == cursor).then_some(place)
    }
}

/// The items of one page in their order, and the cursor of the next.
pub(super) fn page<T>(
    mut all: Vec<T>,
    place: impl Fn(&T) -> String,
    scope: &Scope,
    cursor: Option<&str>,
    limit: u32,
) -> Result<(Vec<T>, Option<String>), Vec<Fault>> {
    all.sort_by_key(&place);
    if let Some(cursor) = cursor {
        let not_ours = || vec![Fault::new("/cursor", "is not a cursor of this query: start again without one")];
        let after = scope.place(cursor).ok_or_else(not_ours)?;
        all.retain(|item| place(item) > after);
    }
    let limit = limit as usize;
    let more = all.len() > limit;
    all.truncate(limit);
    let next = all.last().filter(|_| more).map(|last| scope.cursor(&place(last)));
    Ok((all, next))
}
