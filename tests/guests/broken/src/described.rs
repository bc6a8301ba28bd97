//! Faults of the manifest.

use sdk::__private::exports::boxoffice::rules::manifest::{Access, ModuleManifest};

pub(crate) fn with(fault: &str, mut manifest: ModuleManifest) -> ModuleManifest {
    let access = |manifest: &mut ModuleManifest, id: &str, access: Access| {
        for route in manifest.routes.iter_mut().filter(|route| route.id == id) {
            route.access = access;
        }
    };
    match fault {
        "no-route" => manifest.routes.retain(|route| route.id != "get-availability"),
        "denied-201" | "lies-to-nobody" => access(&mut manifest, "register", Access::Public),
        "public-book" => access(&mut manifest, "book", Access::Public),
        "closed" => access(&mut manifest, "get-availability", Access::User),
        _ => {}
    }
    manifest
}
