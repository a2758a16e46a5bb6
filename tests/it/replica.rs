//! `steward run` as processes that die: kill -9, and begin again.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

/// One replica in a folder of its own.
pub struct Replica {
    folder: TempDir,
    child: Child,
}

/// How often replicas die in one test.
pub fn kills(usual: usize) -> usize {
    std::env::var("STEWARD_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(usual)
}

impl Replica {
    /// `settings` are the sections of the configuration besides folder, database and address.
    pub fn start(database: &str, settings: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let config = format!(
            "data_dir: {}\ndatabase: {{ url: \"{database}\", max_connections: 8 }}\nserver: {{ listen: 127.0.0.1:0 }}\n{settings}",
            folder.path().join("data").display(),
        );
        std::fs::write(folder.path().join("steward.yaml"), config).unwrap();
        let child = Self::spawn(folder.path());
        Self { folder, child }
    }

    fn spawn(folder: &Path) -> Child {
        let said = std::fs::OpenOptions::new().create(true).append(true).open(folder.join("said")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_steward"));
        command.current_dir(folder).arg("run").env("RUST_LOG", "steward=info").stdout(Stdio::null()).stderr(said);
        command.spawn().expect("the binary was built for this test")
    }

    /// kill -9, and begins again.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.child = Self::spawn(self.folder.path());
    }

    /// What it wrote to its log, over all its lives.
    pub fn said(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("said")).unwrap_or_default()
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
