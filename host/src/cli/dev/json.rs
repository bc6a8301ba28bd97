//! For scripts: one JSON object a line for each thing that happens.

use serde_json::{Value, json};

use super::changes::{Changes, first_request};
use super::news::News;
use super::shown::Shown;
use crate::wasm::Module;

pub(super) fn line(news: &News) -> String {
    object(news).to_string()
}

fn object(news: &News) -> Value {
    match news {
        News::Waiting { file } => json!({"event": "waiting", "file": file.display().to_string()}),
        News::Serving { address, module } => json!({
            "event": "serving",
            "url": format!("http://{address}"),
            "module": named(module),
            "routes": routes(module),
            "try": first_request(*address, &module.manifest),
        }),
        News::Checking { bytes } => json!({"event": "checking", "bytes": bytes}),
        News::Refused { error, serving } => json!({
            "event": "refused",
            "refusal": error.refusal.name(),
            "message": error.message,
            "advice": error.refusal.advice(),
            "serving": serving.as_ref().map(|module| named(module)),
        }),
        News::Same => json!({"event": "unchanged"}),
        News::Swapped { module, before } => {
            let changes = Changes::between(&before.manifest, &module.manifest);
            json!({
                "event": "swapped",
                "module": named(module),
                "before": named(before),
                "load_ms": u64::try_from(module.loaded.loaded_in.as_millis()).unwrap_or(u64::MAX),
                "routes": {"added": changes.added, "removed": changes.removed, "changed": changes.changed},
            })
        }
        News::Missing { serving } => json!({"event": "missing", "serving": named(serving)}),
        News::Request(seen) => request(&Shown::of(seen)),
        News::Unrouted(unrouted) => request(&Shown::of_unrouted(unrouted)),
        News::NotShown(requests) => json!({"event": "not-shown", "requests": requests}),
        News::End(why) => json!({"event": "failed", "message": why}),
    }
}

fn request(shown: &Shown<'_>) -> Value {
    let mut value = crate::difference::as_json(shown);
    value["event"] = "request".into();
    value
}

fn named(module: &Module) -> Value {
    let manifest = &module.manifest;
    json!({"name": manifest.name, "version": manifest.version, "digest": module.digest.to_string()})
}

fn routes(module: &Module) -> Vec<Value> {
    let routes = module.manifest.routes.iter().map(|route| {
        json!({"id": route.id, "method": route.method.name(), "path": route.path, "access": route.access.name()})
    });
    routes.collect()
}
