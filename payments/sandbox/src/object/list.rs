//! `list`: a page of objects.

use serde::Serialize;

#[derive(Debug, Serialize)]
pub struct List<T> {
    object: &'static str,
    data: Vec<T>,
    has_more: bool,
    url: String,
}

impl<T> List<T> {
    #[must_use]
    pub fn new(data: Vec<T>, has_more: bool, url: impl Into<String>) -> Self {
        Self { object: "list", data, has_more, url: url.into() }
    }
}
