//! The routes of one module, compiled: finding one costs neither a run of the guest nor a search.

use super::failure::LoadError;
use super::manifest::{Manifest, Method, Route, refuse};

/// What there is at a path: for each method, in the order of [`Method::ALL`], the route's place in the manifest.
type Methods = [Option<usize>; Method::ALL.len()];

/// Finds the route of a request.
#[derive(Debug)]
pub struct Router {
    paths: matchit::Router<Methods>,
    anywhere: Methods,
}

/// What there is for a request.
#[derive(Debug)]
pub enum Found<'a> {
    /// A route, and its parameters, still percent-encoded.
    Route(&'a Route, Vec<(&'a str, &'a str)>),
    /// The path is there; these are its methods, for an `Allow` header.
    OtherMethods(String),
    /// Nothing.
    Nothing,
}

impl Router {
    /// Compiles the routes.
    pub(super) fn compile(manifest: &Manifest) -> Result<Self, LoadError> {
        let mut by_path: Vec<(&str, Methods)> = Vec::new();
        for (place, route) in manifest.routes.iter().enumerate() {
            let known = by_path.iter().position(|(path, _)| *path == route.path);
            let at = known.unwrap_or_else(|| {
                by_path.push((&route.path, Methods::default()));
                by_path.len() - 1
            });
            let slot = &mut by_path[at].1[slot(route.method)];
            if slot.replace(place).is_some() {
                return Err(refuse(format!("two routes have {} {}", route.method.name(), route.path)));
            }
        }
        let anywhere = Method::ALL.map(|method| manifest.routes.iter().position(|route| route.method == method));
        let mut paths = matchit::Router::new();
        for (path, methods) in by_path {
            paths
                .insert(path, methods)
                .map_err(|conflict| refuse(format!("the path {path:?} does not fit: {conflict}")))?;
        }
        Ok(Self { paths, anywhere })
    }

    /// The methods that any route has, for `OPTIONS *`.
    #[must_use]
    pub fn allow_anywhere(&self) -> String {
        allow(&self.anywhere)
    }

    /// Finds what there is for `method` at `path`, the raw path of the request.
    #[must_use]
    pub fn find<'a>(&'a self, manifest: &'a Manifest, method: &hyper::Method, path: &'a str) -> Found<'a> {
        let Ok(found) = self.paths.at(path) else { return Found::Nothing };
        // A parameter stands for a segment that is not empty.
        if found.params.iter().any(|(_, value)| value.is_empty()) {
            return Found::Nothing;
        }
        let place = Method::serving(method).and_then(|method| found.value[slot(method)]);
        match place.and_then(|place| manifest.routes.get(place)) {
            Some(route) => Found::Route(route, found.params.iter().collect()),
            None => Found::OtherMethods(allow(found.value)),
        }
    }
}

fn slot(method: Method) -> usize {
    method as usize
}

fn allow(methods: &Methods) -> String {
    let mut names = Vec::new();
    for method in Method::ALL.into_iter().filter(|method| methods[slot(*method)].is_some()) {
        names.push(method.name());
        if method == Method::Get {
            names.push("HEAD");
        }
    }
    names.push("OPTIONS");
    names.join(", ")
}
