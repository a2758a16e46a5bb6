//! The first descriptor: what is read of a repository that has none, whose it is guessed to be, and what the pull request says.

use expect_test::expect;
use proptest::prelude::*;
use steward::{
    catalog::{
        descriptor::{Verdict, parse_descriptor},
        kinds::CustomKinds,
    },
    chat::{Form, Value},
    hygiene::fix::{
        first::{First, Manifest, Shown, Told, descriptor, find_type, read_manifest},
        owners::{owners_of, owners_of_all},
    },
};

use super::{form, lines, said, shop};
use crate::{
    bot::Bot,
    fake_github::Fault,
    shop::{check, json_payload},
};
