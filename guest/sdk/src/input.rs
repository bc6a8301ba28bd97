//! What a handler is given, and what the manifest says of it: both from one type.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::context::Context;
use crate::manifest::Method;
use crate::output::Json;
use crate::read::{body, query_type};
use crate::refusal::Refusal;
use crate::schema;

/// Bytes of a body that has nothing to say: room for `{}` with some white space.
const NOTHING_BYTES_MAX: u32 = 1024;

/// What the manifest says of an input.
#[derive(Clone, Debug, Default)]
pub struct InputManifest {
    /// JSON Schema of the body, where there is one.
    pub body_schema: Option<String>,
    /// JSON Schema of the query's parameters, where it has any.
    pub query_schema: Option<String>,
    /// Bytes that the body may have: 0 where there is none, `None` where the host's limit is right.
    pub max_body_bytes: Option<u32>,
}

/// What a handler reads of a request, besides what its [`Context`] tells: nothing (`()`), a body ([`Json`]), the parameters of the query
/// ([`Query`]), or both as a pair. [`NewEvent`](crate::NewEvent), [`Registration`](crate::Registration) and the other arguments of the
/// standard operations are inputs too.
pub trait Input: Sized {
    /// Whether it reads the query. If it does not, a request with any parameter is refused, so that a typing error is not ignored.
    const READS_QUERY: bool = false;

    /// Reads it, or says what is wrong.
    fn read(cx: &Context<'_>) -> Result<Self, Refusal>;

    /// What the manifest says of it, for a route of this method.
    fn manifest(method: Method) -> InputManifest;
}

/// Nothing. A GET takes no body; of other methods, `{}` is taken too, since some clients cannot help sending it.
impl Input for () {
    fn read(cx: &Context<'_>) -> Result<Self, Refusal> {
        body::nothing(&cx.request().body)
    }

    fn manifest(method: Method) -> InputManifest {
        if method == Method::Get {
            return InputManifest { max_body_bytes: Some(0), ..InputManifest::default() };
        }
        InputManifest {
            max_body_bytes: Some(NOTHING_BYTES_MAX),
            body_schema: Some(schema::read::<body::Nothing>()),
            query_schema: None,
        }
    }
}

/// The body: an object where `T` is a struct or a map, and else what `T` is. Derive `Deserialize` and `JsonSchema` for it, with `#[serde(deny_unknown_fields)]`; its doc comments are the API's
/// description. What is wrong is answered with a JSON Pointer to it.
impl<T: DeserializeOwned + JsonSchema> Input for Json<T> {
    fn read(cx: &Context<'_>) -> Result<Self, Refusal> {
        body::read_any(&cx.request().body).map(Self)
    }

    fn manifest(_: Method) -> InputManifest {
        InputManifest { body_schema: Some(schema::read::<T>()), ..InputManifest::default() }
    }
}

/// The parameters of the query, as a struct whose fields are text, numbers, `bool`, enums without data, or options of those.
///
/// A parameter that the struct has no field for, and one that comes twice, is refused. [`Limit`](crate::Limit) and
/// [`Cursor`](crate::Cursor) are the fields of a list's page.
#[derive(Clone, Debug, PartialEq)]
pub struct Query<T>(
    /// What was read.
    pub T,
);

impl<T: DeserializeOwned + JsonSchema> Input for Query<T> {
    const READS_QUERY: bool = true;

    fn read(cx: &Context<'_>) -> Result<Self, Refusal> {
        query_type::read(&cx.request().query).map(Self)
    }

    fn manifest(method: Method) -> InputManifest {
        InputManifest { query_schema: Some(schema::read::<T>()), ..<()>::manifest(method) }
    }
}

/// Body and query.
impl<B: DeserializeOwned + JsonSchema, Q: DeserializeOwned + JsonSchema> Input for (Json<B>, Query<Q>) {
    const READS_QUERY: bool = true;

    fn read(cx: &Context<'_>) -> Result<Self, Refusal> {
        let query = Query::read(cx)?;
        Ok((Json::read(cx)?, query))
    }

    fn manifest(method: Method) -> InputManifest {
        InputManifest { query_schema: Query::<Q>::manifest(method).query_schema, ..Json::<B>::manifest(method) }
    }
}
