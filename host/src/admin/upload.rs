//! How a module arrives.

use hyper::body::{Body as _, Incoming};
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION};
use hyper::http::request::Parts;
use hyper::{HeaderMap, StatusCode};

use super::Admin;
use super::action::Action;
use super::answer::Trouble;
use super::modules::answer;
use crate::error::Error;
use crate::http::{Reply, request};
use crate::trust::is_signature;
use crate::wasm::{Artifact, MAX_COMPONENT};

/// The module's signature: the line of its `.sig` file.
const SIGNATURE: HeaderName = HeaderName::from_static("x-boxoffice-signature");

impl Admin {
    /// Reads a module, has it checked, and keeps it. Who goes away ends it.
    pub(super) async fn upload(
        &self,
        parts: &Parts,
        body: &mut Incoming,
        action: &mut Action,
    ) -> Result<Reply, Trouble> {
        if !is_a_module(&parts.headers) {
            return Err(Trouble::NotAModule);
        }
        let signature = signature(&parts.headers)?;
        if body.size_hint().lower() > MAX_COMPONENT as u64 {
            return Err(Error::BodyTooLarge { limit: MAX_COMPONENT }.into());
        }
        // Before anything of it is read: a second one would cost memory for nothing.
        let _permit = self.app.registry.begin_upload()?;
        let reading = request::read(body, MAX_COMPONENT);
        let bytes = tokio::time::timeout(self.upload_timeout, reading).await.map_err(|_| Error::RequestTimeout)??;
        let uploaded = self.app.registry.upload(Artifact::with_signature(bytes, signature)).await?;
        action.module(uploaded.digest.into());
        let location = format!("/v1/modules/{}", uploaded.digest);
        let location = HeaderValue::try_from(location).map_err(|error| Error::Internal(error.to_string()))?;
        let status = if uploaded.known { StatusCode::OK } else { StatusCode::CREATED };
        Ok(answer(status, &uploaded)?.header(LOCATION, location))
    }
}

/// Whether there is exactly one content type, one of those that modules have, and the bytes are not packed.
fn is_a_module(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    let plain = headers.get_all(CONTENT_ENCODING).iter().all(|coding| coding.as_bytes() == b"identity");
    let known = ["application/wasm", "application/octet-stream"];
    plain && known.iter().any(|known| essence.eq_ignore_ascii_case(known))
}

fn signature(headers: &HeaderMap) -> Result<Option<Vec<u8>>, Error> {
    let mut values = headers.get_all(SIGNATURE).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) if is_signature(value.as_bytes()) => Ok(Some(value.as_bytes().to_vec())),
        _ => Err(Error::InvalidRequest("Send one X-Boxoffice-Signature header, the line of the .sig file.".into())),
    }
}
