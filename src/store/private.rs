//! The private PostgreSQL: a cluster of our own under the data folder, started from the machine's server binaries.
//! Durable, adopted again after a crash of either side, stopped by the last Steward that uses it.
//! Must not be used when `DATABASE_URL` is set.

use std::{
    fs::{self, File, Permissions},
    io::{self, Write},
    os::unix::{
        fs::{MetadataExt, PermissionsExt, chown},
        net::UnixStream,
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use nix::{
    sys::wait::{WaitPidFlag, waitpid},
    unistd::Pid,
};
use rand::{Rng, distr::Alphanumeric};
use secrecy::SecretString;
use sha2::{Digest, Sha256};

/// How long a start may take: recovery after a crash replays the log first.
const START_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a killed server's children may keep its lock file and memory.
const HELD_BY_A_DEAD_SERVER: Duration = Duration::from_secs(15);
const LOOK_AGAIN: Duration = Duration::from_millis(25);
/// `sun_path` holds 108 bytes on Linux and 104 on macOS, and PostgreSQL appends `/.s.PGSQL.5432.lock`.
const LONGEST_SOCKET_FOLDER: usize = 80;
/// Where distributions and Homebrew put the server binaries, each holding one folder a major version.
const VERSIONED_FOLDERS: [&str; 5] =
    ["/usr/lib/postgresql", "/usr/local/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt", "/usr"];

/// Whether a crash of the machine may lose data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// For data to keep.
    Full,
    /// For tests: no flush to disk.
    None,
}

#[derive(Debug, thiserror::Error)]
pub enum PrivateError {
    #[error(
        "no PostgreSQL server was found on this machine; install it with `{install}`, or set DATABASE_URL to one that runs elsewhere"
    )]
    NoBinaries { install: &'static str },
    #[error(
        "the data in {folder} was made by PostgreSQL {wanted}, which is not installed; install that version, or set DATABASE_URL"
    )]
    OtherVersion { folder: String, wanted: String },
    #[error("{what} failed: {why}")]
    Failed { what: String, why: String },
}

/// A running private cluster. Dropping it leaves the server running for the next start; [`Self::stop`] stops it.
#[derive(Debug)]
pub struct PrivatePostgres {
    cluster: Cluster,
    /// A shared lock, held by every Steward that uses the cluster.
    in_use: File,
}

#[derive(Debug, Clone)]
struct Cluster {
    bin: PathBuf,
    data: PathBuf,
    socket: PathBuf,
    log: PathBuf,
    password: String,
    /// The account the server runs as, where Steward itself is root.
    account: Option<(u32, u32)>,
    durability: Durability,
}

impl PrivatePostgres {
    /// Makes the cluster where there is none, starts it where it does not run, and adopts it where it does.
    ///
    /// Blocking: up to two seconds for a new cluster, 0.2 s otherwise, longer for recovery after a crash.
    pub fn start(data_dir: &Path, durability: Durability) -> Result<Self, PrivateError> {
        let failed = |what: &str| {
            let what = what.to_owned();
            move |error: io::Error| PrivateError::Failed { what, why: error.to_string() }
        };
        fs::create_dir_all(data_dir).map_err(failed("creating the data folder"))?;
        let data_dir = data_dir.canonicalize().map_err(failed("finding the data folder"))?;
        let account = server_account()?;
        let home = cluster_home(&data_dir, account).map_err(failed("creating the database folder"))?;
        let in_use = File::create(data_dir.join("postgres.in-use")).map_err(failed("opening the lock file"))?;
        // One starter at a time: two Stewards may be started over the same folder at once.
        let starting = File::create(data_dir.join("postgres.starting")).map_err(failed("opening the lock file"))?;
        starting.lock().map_err(failed("waiting for another start"))?;
        in_use.lock_shared().map_err(failed("waiting for another Steward to stop"))?;
        let data = home.join("cluster");
        let bin = find_binaries(&data)?;
        let socket = socket_folder(&home);
        make_folder(&socket, account).map_err(failed("creating the socket folder"))?;
        // Beside the cluster: whatever becomes of the data folder, the two stay together.
        let password = read_or_make_password(&home.join("password")).map_err(failed("keeping the password"))?;
        let cluster = Cluster { bin, socket, log: home.join("postgres.log"), data, password, account, durability };
        if !cluster.data.join("PG_VERSION").exists() {
            cluster.create()?;
        }
        cluster.ensure_running()?;
        Ok(Self { cluster, in_use })
    }

    /// How to connect. Contains the password.
    pub fn url(&self) -> SecretString {
        let socket: String = url::form_urlencoded::byte_serialize(self.cluster.socket.as_os_str().as_encoded_bytes()).collect();
        format!("postgres://steward:{}@localhost/postgres?host={socket}", self.cluster.password).into()
    }

    /// Starts the server again if it is gone. Blocking, quick while it runs.
    pub fn ensure_running(&self) -> Result<(), PrivateError> {
        self.cluster.ensure_running()
    }

    /// The folder that `pg_ctl` knows the cluster by.
    pub fn data_folder(&self) -> &Path {
        &self.cluster.data
    }

    /// Stops the server unless another Steward still uses it.
    pub fn stop(self) {
        if self.in_use.unlock().is_ok() && self.in_use.try_lock().is_ok() {
            let _ = self.cluster.command("pg_ctl").args(["stop", "-m", "fast", "-w", "-t", "20"]).output();
        }
    }
}

impl Cluster {
    fn create(&self) -> Result<(), PrivateError> {
        let password_file = self.socket.join("initial-password");
        let written = fs::write(&password_file, &self.password)
            .and_then(|()| fs::set_permissions(&password_file, Permissions::from_mode(0o600)))
            .and_then(|()| give(&password_file, self.account));
        written.map_err(|error| PrivateError::Failed { what: "writing the password".to_owned(), why: error.to_string() })?;
        let created = self.run(
            self.command("initdb")
                .args(["--username=steward", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--pwfile"])
                .arg(&password_file),
            "making the database",
        );
        let _ = fs::remove_file(&password_file);
        if created.is_err() {
            // A half-made cluster would be taken for a whole one at the next start.
            let _ = fs::remove_dir_all(&self.data);
        }
        created
    }

    fn ensure_running(&self) -> Result<(), PrivateError> {
        let deadline = Instant::now() + HELD_BY_A_DEAD_SERVER;
        loop {
            if self.is_running() {
                return self.wait_until_ready(None);
            }
            self.forget_dead_server();
            let _ = fs::remove_file(&self.log);
            let server = self.start_command()?.spawn();
            let mut server = server.map_err(|error| self.failed("starting the database", error.to_string()))?;
            match self.wait_until_ready(Some(&mut server)) {
                // After a kill -9 of the server its children hold its memory and lock file for a moment.
                Err(_) if Instant::now() < deadline && self.is_held() => std::thread::sleep(LOOK_AGAIN),
                ended => return ended,
            }
        }
    }

    /// Waits until the server takes connections; recovery after a crash comes first.
    fn wait_until_ready(&self, mut server: Option<&mut Child>) -> Result<(), PrivateError> {
        let deadline = Instant::now() + START_TIMEOUT;
        while Instant::now() < deadline {
            if self.is_running() && self.says_ready() {
                return Ok(());
            }
            let exited = server.as_mut().and_then(|server| server.try_wait().ok().flatten());
            if exited.is_some() || (server.is_none() && !self.is_running()) {
                return Err(self.failed("starting the database", self.last_words()));
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        Err(self.failed(
            "starting the database",
            format!("it was not ready after {} s; {}", START_TIMEOUT.as_secs(), self.last_words()),
        ))
    }

    /// The eighth line of the lock file is the server's state (`PM_STATUS_READY` of its sources).
    fn says_ready(&self) -> bool {
        let lock = fs::read_to_string(self.data.join("postmaster.pid")).unwrap_or_default();
        lock.lines().nth(7).is_some_and(|state| state.trim() == "ready")
    }

    fn is_held(&self) -> bool {
        let log = self.last_words();
        log.contains("lock file") || log.contains("shared memory")
    }

    /// The server itself, not `pg_ctl start`: that hands the folder's name to a shell.
    fn start_command(&self) -> Result<Command, PrivateError> {
        let log = fs::OpenOptions::new().create(true).append(true).open(&self.log);
        let log = log.map_err(|error| self.failed("opening the database's log", error.to_string()))?;
        let again = log.try_clone().map_err(|error| self.failed("opening the database's log", error.to_string()))?;
        let mut command = self.command("postgres");
        command.stdout(log).stderr(again).arg("-k").arg(&self.socket);
        for setting in [
            "listen_addresses=",
            "unix_socket_permissions=0700",
            "max_connections=120",
            "shared_buffers=64MB",
            "log_min_messages=warning",
        ] {
            command.arg("-c").arg(setting);
        }
        if self.durability == Durability::None {
            command.args(["-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"]);
        }
        Ok(command)
    }

    fn is_running(&self) -> bool {
        // Not `pg_ctl status`: it asks whether the process exists, and a killed one that nobody has reaped does.
        UnixStream::connect(self.socket.join(".s.PGSQL.5432")).is_ok()
    }

    /// Takes away the lock file of a server that was killed and not reaped: PostgreSQL would take it for running.
    ///
    /// In a container Steward is often process 1, which inherits the server and has to reap it.
    fn forget_dead_server(&self) {
        let file = self.data.join("postmaster.pid");
        let Some(pid) = fs::read_to_string(&file).ok().and_then(|text| text.lines().next()?.trim().parse::<i32>().ok()) else {
            return;
        };
        let _ = waitpid(Pid::from_raw(pid), Some(WaitPidFlag::WNOHANG));
        let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let is_zombie = state.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('Z'));
        if is_zombie {
            let _ = fs::remove_file(file);
        }
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.bin.join(program));
        command.arg("-D").arg(&self.data).stdin(Stdio::null());
        // The server's messages are parsed by nobody but people; a foreign locale may not be installed for its account.
        command.env("LC_ALL", "C").current_dir("/");
        // Its own process group: Ctrl-C in the terminal must not stop the server under another Steward.
        command.process_group(0);
        if let Some((uid, gid)) = self.account {
            command.uid(uid).gid(gid);
        }
        command
    }

    fn run(&self, command: &mut Command, what: &str) -> Result<(), PrivateError> {
        let failed = |why: String| PrivateError::Failed { what: what.to_owned(), why };
        let output = command.output().map_err(|error| failed(error.to_string()))?;
        if output.status.success() {
            return Ok(());
        }
        Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
    }

    fn failed(&self, what: &str, why: String) -> PrivateError {
        PrivateError::Failed { what: what.to_owned(), why }
    }

    /// The end of the server's log.
    fn last_words(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let tail: Vec<&str> = log.lines().rev().take(3).collect();
        let tail = tail.into_iter().rev().collect::<Vec<_>>().join(" / ");
        format!("{tail} (more in {})", self.log.display())
    }
}

/// The account that the server runs as: PostgreSQL refuses to run as root.
fn server_account() -> Result<Option<(u32, u32)>, PrivateError> {
    if !nix::unistd::geteuid().is_root() {
        return Ok(None);
    }
    for name in ["postgres", "_postgres", "nobody"] {
        if let Ok(Some(user)) = nix::unistd::User::from_name(name) {
            return Ok(Some((user.uid.as_raw(), user.gid.as_raw())));
        }
    }
    let why = "this machine has neither a `postgres` nor a `nobody` account".to_owned();
    Err(PrivateError::Failed { what: "dropping root for the database".to_owned(), why })
}

/// Where the cluster lives: under the data folder, unless the server's account cannot get there.
///
/// As root the data folder may lie below a folder closed to others (`/root`); then it is `/var/lib/steward/<hash>`.
fn cluster_home(data_dir: &Path, account: Option<(u32, u32)>) -> io::Result<PathBuf> {
    let reachable = |path: &Path| path.ancestors().all(|folder| fs::metadata(folder).is_ok_and(|meta| meta.mode() & 0o001 != 0));
    let home = match account {
        Some(_) if !reachable(data_dir) => {
            let hash = hex::encode(&Sha256::digest(data_dir.as_os_str().as_encoded_bytes())[..8]);
            PathBuf::from("/var/lib/steward").join(hash)
        }
        _ => data_dir.join("postgres"),
    };
    if let Some(parent) = home.parent() {
        fs::create_dir_all(parent)?;
    }
    make_folder(&home, account)?;
    Ok(home)
}

/// A short folder with a plain name for the socket: paths of sockets are limited to about 100 bytes.
fn socket_folder(home: &Path) -> PathBuf {
    let inside = home.join("run");
    // PostgreSQL takes a list of folders, with commas and quotes of its own.
    let is_plain = inside.as_os_str().as_encoded_bytes().iter().all(|byte| !matches!(byte, b',' | b'"' | b'\'' | b'\\'));
    if inside.as_os_str().len() <= LONGEST_SOCKET_FOLDER && is_plain {
        return inside;
    }
    let hash = hex::encode(&Sha256::digest(home.as_os_str().as_encoded_bytes())[..8]);
    PathBuf::from(format!("/tmp/steward-{hash}"))
}

fn make_folder(folder: &Path, account: Option<(u32, u32)>) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    give(folder, account)?;
    fs::set_permissions(folder, Permissions::from_mode(0o700))
}

fn give(path: &Path, account: Option<(u32, u32)>) -> io::Result<()> {
    match account {
        Some((uid, gid)) => chown(path, Some(uid), Some(gid)),
        None => Ok(()),
    }
}

fn read_or_make_password(file: &Path) -> io::Result<String> {
    if let Ok(password) = fs::read_to_string(file)
        && !password.is_empty()
    {
        return Ok(password);
    }
    let password: String = rand::rng().sample_iter(Alphanumeric).take(32).map(char::from).collect();
    let mut options = fs::OpenOptions::new();
    std::os::unix::fs::OpenOptionsExt::mode(options.write(true).create(true).truncate(true), 0o600);
    options.open(file)?.write_all(password.as_bytes())?;
    Ok(password)
}

/// The newest server binaries, or those of the version that made `data`.
fn find_binaries(data: &Path) -> Result<PathBuf, PrivateError> {
    let wanted = fs::read_to_string(data.join("PG_VERSION")).ok().map(|version| version.trim().to_owned());
    let mut found: Vec<(u32, PathBuf)> = candidates().into_iter().filter_map(|bin| Some((major_version(&bin)?, bin))).collect();
    // Newest first; among equals the first found.
    found.sort_by_key(|(major, _)| std::cmp::Reverse(*major));
    let fits = |major: u32| wanted.as_ref().is_none_or(|wanted| *wanted == major.to_string());
    let any = !found.is_empty();
    match (found.into_iter().find(|(major, _)| fits(*major)), wanted) {
        (Some((_, bin)), _) => Ok(bin),
        (None, Some(wanted)) if any => Err(PrivateError::OtherVersion { folder: data.display().to_string(), wanted }),
        (None, _) => Err(PrivateError::NoBinaries { install: install_command() }),
    }
}

fn candidates() -> Vec<PathBuf> {
    let mut bins = Vec::new();
    for folder in VERSIONED_FOLDERS {
        let Ok(entries) = fs::read_dir(folder) else { continue };
        let named = |entry: &fs::DirEntry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            name.starts_with("postgresql") || name.starts_with("pgsql-") || name.chars().all(|c| c.is_ascii_digit() || c == '.')
        };
        bins.extend(entries.flatten().filter(named).map(|entry| entry.path().join("bin")));
    }
    bins.push(PathBuf::from("/Applications/Postgres.app/Contents/Versions/latest/bin"));
    bins.extend(crate::settings::path_folders());
    // Links on the PATH lead to the folder that holds the server's own libraries.
    let real = |bin: PathBuf| bin.join("initdb").canonicalize().ok()?.parent().map(Path::to_path_buf);
    let mut real: Vec<PathBuf> = bins.into_iter().filter_map(real).filter(|bin| bin.join("pg_ctl").exists()).collect();
    real.dedup();
    real
}

fn major_version(bin: &Path) -> Option<u32> {
    let output = Command::new(bin.join("postgres")).arg("--version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.split_whitespace().find_map(|word| word.split('.').next()?.parse().ok())
}

fn install_command() -> &'static str {
    if cfg!(target_os = "macos") {
        "brew install postgresql@17"
    } else if Path::new("/etc/debian_version").exists() {
        "sudo apt-get install -y postgresql"
    } else if Path::new("/etc/alpine-release").exists() {
        "sudo apk add postgresql"
    } else if Path::new("/etc/arch-release").exists() {
        "sudo pacman -S postgresql"
    } else {
        "sudo dnf install -y postgresql-server"
    }
}
