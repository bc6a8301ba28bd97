//! Faults of the manifest.

use boxoffice_sdk::__private::exports::boxoffice::rules::manifest::{Access, ModuleManifest};

pub(crate) fn with(fault: &str, mut manifest: ModuleManifest) -> ModuleManifest {
    let access = |manifest: &mut ModuleManifest, id: &str, access: Access| {
        for route in manifest.routes.iter_mut().filter(|route| route.id == id) {
            route.access = access;
        }
    };
    match fault {
        "no-route" => manifest.routes.retain(|route| route.id != "get-availability"),
        "denied-201" => access(&mut manifest, "register", Access::Public),
        "closed" => access(&mut manifest, "get-availability", Access::User),
        _ => {}
    }
    manifest
}
