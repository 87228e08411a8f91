//! Database servers that belong to one test: in a temporary folder, on a port of their own.

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Far more than starting takes.
const DEADLINE: Duration = Duration::from_secs(120);

/// A server that runs until it is dropped.
pub(crate) struct Server {
    process: Child,
    pub(crate) port: u16,
    pub(crate) folder: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        // Its folder goes with it, so that nothing must be written down any more.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// A port that nobody listens on now.
pub(crate) fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A program of a server, where Debian has it or where the path leads.
pub(crate) fn program(name: &str, places: &[&str]) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = places.iter().map(PathBuf::from).chain(std::env::split_paths(&path));
    let found = places.map(|place| place.join(name)).find(|file| file.exists());
    found.unwrap_or_else(|| panic!("`{name}` is not installed: run `make databases` first"))
}

/// A folder that the user may write to under whom servers run.
pub(crate) fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    if let Some((user, group)) = unprivileged() {
        chown(folder.path(), Some(user), Some(group)).unwrap();
    }
    folder
}

/// Servers refuse to run as root: then they run as `nobody`.
fn unprivileged() -> Option<(u32, u32)> {
    let is_root = std::fs::metadata("/proc/self").map(|me| std::os::unix::fs::MetadataExt::uid(&me) == 0);
    is_root.unwrap_or(false).then_some((65534, 65534))
}

/// A program of a server, in its folder.
pub(crate) fn command(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).env("HOME", folder).stdin(Stdio::null());
    if let Some((user, group)) = unprivileged() {
        command.gid(group).uid(user);
    }
    command
}

/// Runs a program to its end.
pub(crate) fn run(command: &mut Command) {
    let output = command.output().unwrap();
    let said = || [output.stdout.as_slice(), &output.stderr].concat();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&said()));
}

impl Server {
    /// Starts it, and waits until `is_ready` says so.
    pub(crate) fn start(
        mut command: Command,
        port: u16,
        folder: tempfile::TempDir,
        is_ready: impl Fn() -> bool,
    ) -> Server {
        let log = std::fs::File::create(folder.path().join("server.log")).unwrap();
        let process = command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        let mut server = Server { process, port, folder };
        let begun = Instant::now();
        while !is_ready() {
            let log = || std::fs::read_to_string(server.folder.path().join("server.log")).unwrap_or_default();
            let ended = server.process.try_wait().unwrap();
            assert!(ended.is_none() && begun.elapsed() < DEADLINE, "the server did not start: {}", log());
            std::thread::sleep(Duration::from_millis(50));
        }
        server
    }
}
