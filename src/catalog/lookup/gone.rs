//! Look-up among what is gone: by the very name alone, since whoever comes only near it means something that is there.

use std::cmp::Reverse;

use super::{Sought, Typed, words};
use crate::catalog::{Catalog, GoneClaim, Kind};

impl Catalog {
    /// All that is gone and had exactly this name, title, reference or repository; Components first, then the latest.
    pub fn find_gone(&self, sought: Sought<'_>) -> Vec<&GoneClaim> {
        let typed = Typed::read(sought.typed);
        if typed.key.is_empty() || self.parts().gone.is_empty() {
            return Vec::new();
        }
        let of_kind = |kind: &Kind, gone: &GoneClaim| kind.as_str().eq_ignore_ascii_case(gone.entity_ref.kind());
        let is_named = |gone: &GoneClaim| {
            (words::key(gone.entity_ref.name()) == typed.key || words::key(&gone.label) == typed.key)
                && typed.kind.as_ref().is_none_or(|kind| of_kind(kind, gone))
                && typed.namespace.as_ref().is_none_or(|namespace| gone.entity_ref.namespace() == namespace)
        };
        let is_of_repository =
            |gone: &GoneClaim| typed.repository.as_deref().is_some_and(|name| gone.repository.eq_ignore_ascii_case(name));
        let is_wanted = |gone: &&GoneClaim| {
            (sought.kinds.is_empty() || sought.kinds.iter().any(|kind| of_kind(kind, gone)))
                && (is_named(gone) || is_of_repository(gone))
        };
        let mut found: Vec<&GoneClaim> = self.all_gone().filter(is_wanted).collect();
        // `payments_api` and `payments-api` share a key; the one written as typed is meant.
        if found.iter().any(|gone| gone.entity_ref.name() == typed.literal) {
            found.retain(|gone| gone.entity_ref.name() == typed.literal);
        }
        found.sort_by_key(|gone| (gone.entity_ref.kind() != "component", Reverse(gone.since), gone.entity_ref.clone()));
        found
    }
}
