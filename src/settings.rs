//! The only reader of files and environment; plain values go down.

/// The whole configuration, checked.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    pub access: AccessSettings,
}

/// Who may do what.
#[derive(Debug, Clone, Default)]
pub struct AccessSettings {
    /// References of groups and users: `group:default/platform`.
    pub admins: Vec<String>,
}
