//! Whose modules are taken: by the loader, before anything of a module is looked at.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use boxoffice::registry::{Mode, Refusal};
use boxoffice::trust::{Origin, Trust, Untrusted, sign};
use boxoffice::wasm::{Artifact, Engine, LoadRefusal, Loader};
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::EncodePublicKey as _;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use harness::{Builder, TestServer, settings};

use crate::made::Made;

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn signed(key: &SigningKey, bytes: &[u8]) -> Origin {
    Origin::Signed(sign(key, bytes).into_bytes())
}

/// RFC 8032, 7.1, test 3: other tools make and check the same signatures.
#[test]
fn a_signature_is_that_of_the_standard() {
    let secret = "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7";
    let bytes: Vec<_> = (0..32).map(|at| u8::from_str_radix(&secret[at * 2..at * 2 + 2], 16).unwrap()).collect();
    let key = SigningKey::from_bytes(bytes.as_slice().try_into().unwrap());
    let signature = "YpHWV97sJAJIJ+acOr4BowzlSKKEdDpEXjaA19taw6wY/5tTjRbykK5n92CYTcZZSnwV6XFu0o3AJ77O6h7ECg==\n";
    assert_eq!(sign(&key, &[0xaf, 0x82]), signature);
    assert!(Trust::in_keys([key.verifying_key()]).verify(&[0xaf, 0x82], &Origin::Signed(signature.into())).is_ok());
}

#[test]
fn only_a_signature_of_these_bytes_by_a_trusted_key_counts() {
    let trust = Trust::in_keys([key(1).verifying_key(), key(2).verifying_key()]);
    let names: Vec<_> =
        [1, 2].map(|seed| trust.verify(b"rules", &signed(&key(seed), b"rules")).unwrap().unwrap()).into();
    assert_ne!(names[0], names[1]);
    let wrong = |origin: &Origin| matches!(trust.verify(b"rules", origin), Err(Untrusted::Wrong(_)));
    assert!(wrong(&signed(&key(3), b"rules")), "another's");
    assert!(wrong(&signed(&key(1), b"rules ")), "of other bytes");
    assert!(wrong(&Origin::Unreadable("it is a folder".into())));
    assert!(matches!(trust.verify(b"rules", &Origin::Unsigned), Err(Untrusted::Unsigned(_))));
    assert_eq!(trust.verify(b"rules", &Origin::BuiltIn), Ok(None));
    for origin in [Origin::Unsigned, Origin::Signed(b"nonsense".into()), Origin::Unreadable(String::new())] {
        assert_eq!(Trust::default().verify(b"rules", &origin), Ok(None), "nobody asked");
    }
}

#[tokio::test]
async fn the_loader_looks_at_the_signature_before_anything_else() {
    let settings = settings();
    let engine = Arc::new(Engine::new(settings.limits.limits()).unwrap());
    let trust = Trust::in_keys([key(1).verifying_key()]);
    let loader = Loader::new(engine, settings.compiling.compiler()).trusting(trust);
    let component = Made::default().component();
    let refusal = async |artifact: Artifact| loader.load(artifact).await.err().map(|error| error.refusal);
    assert_eq!(refusal(component.clone().into()).await, Some(LoadRefusal::Unsigned));
    // No component at all: it is refused for its signature.
    let nonsense = Artifact { bytes: b"nonsense".into(), origin: signed(&key(1), &component) };
    assert_eq!(refusal(nonsense).await, Some(LoadRefusal::WrongSignature));
    let signature = sign(&key(1), &component).into_bytes();
    let module = loader.load(Artifact::with_signature(component.clone(), Some(signature))).await.unwrap();
    assert_eq!(module.loaded.signed_by.as_deref().map(str::len), Some(16));
    let built_in = loader.load(Artifact::built_in(component)).await.unwrap();
    assert_eq!(built_in.loaded.signed_by, None);
}

/// A host that trusts this key only.
fn trusting(folder: &Path, key: &SigningKey) -> Builder {
    let file: PathBuf = folder.join("trusted.pub");
    std::fs::write(&file, key.verifying_key().to_public_key_pem(LineEnding::LF).unwrap()).unwrap();
    TestServer::builder().with(|settings| settings.trusting.rules_trust = vec![file])
}

#[tokio::test]
async fn an_uploaded_module_is_trusted_by_its_signature_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let server = trusting(folder.path(), &key(1)).start().await;
    let component = Made::default().component();
    let registry = server.server().registry();
    let refused = registry.upload(component.clone()).await;
    assert!(matches!(refused, Err(Refusal::Module(error)) if error.refusal == LoadRefusal::Unsigned));
    assert!(registry.list().await.modules.iter().all(|listed| listed.uploaded_at.is_none()), "nothing is kept of it");
    let signature = sign(&key(1), &component).into_bytes();
    let kept = registry.upload(Artifact::with_signature(component, Some(signature))).await.unwrap();
    assert_eq!(kept.signed_by.as_deref().map(str::len), Some(16));
    registry.activate(&kept.digest.to_string(), Mode::All).await.unwrap();
    let dir = server.stop().await;
    let again = trusting(folder.path(), &key(1)).database_of(dir).start().await;
    assert_eq!(again.server().module().digest, kept.digest);
    assert_eq!(again.get("/one").send().await.status, 200);
}
