//! The one integration binary: one file a story.

#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected should stop there")]

mod acting;
mod answers;
mod app;
mod backstage;
mod bot;
mod budget;
mod cluster;
mod config;
mod fake_github;
mod fake_slack;
mod fake_web;
mod github;
mod github_app;
mod github_files;
mod github_filters;
mod github_look;
mod github_news;
mod history;
mod lines;
mod lint;
mod location;
mod lookup;
mod markdown;
mod notes;
mod outage;
mod people;
mod placeholder;
mod playground;
mod removal;
mod report;
mod runbook;
mod sequences;
mod shop;
mod slack;
mod sync;
mod tidy;
mod url_source;
mod uses;
mod versions;
mod webhook;
mod webhook_pull;
mod whois;
mod world;
