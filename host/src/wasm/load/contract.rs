//! What a module imports and exports, held against the contract: every difference by name, in words for its author.
//!
//! wasmtime's linker decides; its own account names one missing function, and never what there would be instead.

use wasmtime::component::types::{Component as ComponentType, ComponentFunc, ComponentItem};

use crate::wasm::backtrace::readable;
use crate::wasm::bindings::boxoffice::rules::events::{
    CreateRefusal, EventPage, EventPatch, EventQuery, GetRefusal as GetEventRefusal, ListRefusal as ListEventsRefusal,
    NewEvent, UpdateRefusal,
};
use crate::wasm::bindings::boxoffice::rules::log::Level;
use crate::wasm::bindings::boxoffice::rules::tickets::{
    CancelRefusal, ConfirmRefusal, GetRefusal as GetTicketRefusal, ListRefusal as ListTicketsRefusal, RegisterRefusal,
    Registered, Registration, TicketPage, TicketQuery,
};
use crate::wasm::bindings::boxoffice::rules::types::{Event, Ticket};
use crate::wasm::bindings::exports::boxoffice::rules::handler::{Request, Response};
use crate::wasm::bindings::exports::boxoffice::rules::manifest::ModuleManifest;
use crate::wasm::wasi;

/// The contract's version. A module of another patch version fits as long as its functions do.
const VERSION: &str = "0.1.0";
/// Most differences that are told: the first ones say what it was built against.
const MAX_DIFFERENCES: usize = 4;

/// Whether a function of a component has a type.
type Fits = fn(&ComponentFunc, &ComponentType) -> bool;

/// `typecheck` is what bindgen's own code calls, and hidden in wasmtime's documentation; the tests would see it change.
fn fits<P, R>(function: &ComponentFunc, of: &ComponentType) -> bool
where
    P: wasmtime::component::ComponentNamedList + wasmtime::component::Lower,
    R: wasmtime::component::ComponentNamedList + wasmtime::component::Lift,
{
    function.typecheck::<P, R>(&of.instance_type()).is_ok()
}

/// The host functions. A test compares their names with the contract's text.
const HOST_FUNCTIONS: [(&str, &str, Fits); 10] = [
    ("events", "create", fits::<(NewEvent,), (Result<Event, CreateRefusal>,)>),
    ("events", "get", fits::<(String,), (Result<Event, GetEventRefusal>,)>),
    ("events", "list", fits::<(EventQuery,), (Result<EventPage, ListEventsRefusal>,)>),
    ("events", "update", fits::<(String, EventPatch), (Result<Event, UpdateRefusal>,)>),
    ("log", "write", fits::<(Level, String, Vec<(String, String)>), ()>),
    ("tickets", "atomic-register", fits::<(Registration,), (Result<Registered, RegisterRefusal>,)>),
    ("tickets", "cancel", fits::<(String,), (Result<Ticket, CancelRefusal>,)>),
    ("tickets", "confirm", fits::<(String,), (Result<Ticket, ConfirmRefusal>,)>),
    ("tickets", "get", fits::<(String,), (Result<Ticket, GetTicketRefusal>,)>),
    ("tickets", "list", fits::<(TicketQuery,), (Result<TicketPage, ListTicketsRefusal>,)>),
];

/// What a module exports.
const EXPORTS: [(&str, &str, Fits); 2] =
    [("manifest", "describe", fits::<(), (ModuleManifest,)>), ("handler", "handle", fits::<(Request,), (Response,)>)];

/// Names the host functions, as `interface.function`.
#[must_use]
pub fn host_functions() -> Vec<String> {
    HOST_FUNCTIONS.iter().map(|(interface, function, _)| format!("{interface}.{function}")).collect()
}

/// An interface that a module imports, and what it uses of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// For example `boxoffice:rules/tickets@0.1.0`.
    pub interface: String,
    /// The functions, by name.
    pub functions: Vec<String>,
}

impl Import {
    /// Whether it is one of the contract's: the others are WASI's, and inert.
    #[must_use]
    pub fn is_of_the_contract(&self) -> bool {
        self.interface.starts_with("boxoffice:rules/")
    }
}

/// What a module imports, for people who want to know what it may do.
pub(super) fn imports(module: &ComponentType, engine: &wasmtime::Engine) -> Vec<Import> {
    let imports = module.imports(engine);
    imports
        .map(|(name, item)| Import {
            interface: readable(name),
            functions: functions(&item.ty, engine).map(|(name, _)| readable(name)).collect(),
        })
        .filter(|import| !import.functions.is_empty())
        .collect()
}

/// The functions of an instance.
fn functions<'a>(
    item: &'a ComponentItem,
    engine: &'a wasmtime::Engine,
) -> impl Iterator<Item = (&'a str, ComponentFunc)> {
    let instance = if let ComponentItem::ComponentInstance(instance) = item { Some(instance) } else { None };
    let exports = instance.map(|instance| instance.exports(engine)).into_iter().flatten();
    exports.filter_map(|(name, item)| match item.ty {
        ComponentItem::ComponentFunc(function) => Some((name, function)),
        _ => None,
    })
}

/// What is imported and not offered. Empty: nothing.
pub(super) fn import_differences(module: &ComponentType, engine: &wasmtime::Engine) -> Vec<String> {
    let mut differences = Vec::new();
    for (name, item) in module.imports(engine) {
        let (interface, version) = name.split_once('@').unwrap_or((name, ""));
        let told = readable(name);
        match interface.strip_prefix("boxoffice:rules/") {
            Some(short) if short == "types" || HOST_FUNCTIONS.iter().any(|(known, ..)| *known == short) => {
                if !is_compatible(version) {
                    differences.push(format!("the module wants {told}, this host offers {interface}@{VERSION}"));
                    continue;
                }
                let wanted = functions(&item.ty, engine);
                differences.extend(wanted.filter_map(|(function, found)| {
                    difference(short, function, &found, module).map(|what| format!("{what} of {told}"))
                }));
            }
            Some(_) => differences.push(format!(
                "the module wants {told}, and this host offers types, events, tickets and log of \
                 boxoffice:rules@{VERSION}"
            )),
            None if wasi::offers(interface) && version.starts_with("0.2.") => {}
            None if wasi::offers(interface) => {
                differences.push(format!("the module wants {told}, this host offers {interface}@0.2"));
            }
            None => differences.push(format!(
                "the module wants {told}, which this host does not offer: it has boxoffice:rules@{VERSION}, and of \
                 wasi only what is inert in cli, clocks, io and random"
            )),
        }
    }
    differences
}

/// As the linker has it: before 1.0, versions of one minor version are compatible.
fn is_compatible(version: &str) -> bool {
    version == VERSION || version.strip_prefix("0.1.").is_some_and(|patch| patch.bytes().all(|b| b.is_ascii_digit()))
}

fn difference(interface: &str, function: &str, found: &ComponentFunc, module: &ComponentType) -> Option<String> {
    let known = HOST_FUNCTIONS.iter().find(|(i, f, _)| (*i, *f) == (interface, function));
    let told = readable(function);
    match known {
        None => Some(format!("the module wants the function {told}, which this host does not have,")),
        Some((_, _, fits)) if !fits(found, module) => {
            Some(format!("the module takes the function {told} to have another type than this host's"))
        }
        Some(_) => None,
    }
}

/// What is not exported as the contract has it. Empty: nothing.
pub(super) fn export_differences(module: &ComponentType, engine: &wasmtime::Engine) -> Vec<String> {
    let mut differences = Vec::new();
    for (interface, function, fits) in EXPORTS {
        let path = format!("boxoffice:rules/{interface}");
        let exports = module.exports(engine).filter_map(|(name, item)| {
            let (found, version) = name.split_once('@').unwrap_or((name, ""));
            (found == path).then_some((version, item))
        });
        // Where there are two versions, ours counts.
        let Some((version, item)) = exports.max_by_key(|(version, _)| is_compatible(version)) else {
            differences.push(format!("the module does not export {path}@{VERSION}"));
            continue;
        };
        if !is_compatible(version) {
            let told = readable(version);
            differences.push(format!("the module exports {path}@{told}, this host calls {path}@{VERSION}"));
            continue;
        }
        let found = functions(&item.ty, engine).find(|(name, _)| *name == function);
        match found {
            None => differences.push(format!("the module does not export the function {function} of {path}@{VERSION}")),
            Some((_, found)) if !fits(&found, module) => {
                differences.push(format!("the module exports {function} of {path}@{VERSION} with another type"));
            }
            Some(_) => {}
        }
    }
    differences
}

/// The differences as one line.
pub(super) fn tell(mut differences: Vec<String>) -> String {
    let more = differences.len().saturating_sub(MAX_DIFFERENCES);
    differences.truncate(MAX_DIFFERENCES);
    if more > 0 {
        differences.push(format!("and {more} more"));
    }
    differences.join("; ")
}
