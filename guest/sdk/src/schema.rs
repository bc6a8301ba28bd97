//! JSON Schemas, written from the types that are read and written.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;

/// The schema of what the rules read into a `T`.
pub(crate) fn read<T: JsonSchema>() -> String {
    text::<T>(SchemaSettings::draft2020_12().for_deserialize())
}

/// The schema of what the rules write from a `T`.
pub(crate) fn written<T: JsonSchema>() -> String {
    text::<T>(SchemaSettings::draft2020_12().for_serialize())
}

fn text<T: JsonSchema>(settings: SchemaSettings) -> String {
    // The host puts schemas into one document, where a reference to their own root would lead astray.
    let settings = settings.with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    settings.into_generator().into_root_schema_for::<T>().as_value().to_string()
}
