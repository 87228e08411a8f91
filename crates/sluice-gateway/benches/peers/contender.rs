//! Who is compared: the processes, their settings, and what the system says that they use.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use super::gateway::Start;

/// Where the endpoints' 64 KiB and 1 KiB bodies are reached.
pub(crate) const LARGE: &str = "/large";

/// One of those compared, running.
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) plain: SocketAddr,
    pub(crate) tls: SocketAddr,
    process: Child,
    /// To give orders, where it takes any.
    orders: Option<(ChildStdin, BufReader<ChildStdout>)>,
    pub(crate) folder: PathBuf,
}

/// Endpoints: two servers of nginx, which are the same for everybody.
pub(crate) struct Endpoints {
    pub(crate) addresses: [SocketAddr; 2],
    processes: Vec<Child>,
}

fn free() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("a bound port")
}

fn spawn(command: &mut Command, log: &Path) -> Child {
    let log = fs::File::create(log).expect("a log");
    let errors = log.try_clone().expect("a log");
    let command = command.stdin(Stdio::null()).stdout(log).stderr(errors);
    command.spawn().unwrap_or_else(|error| panic!("{command:?} cannot be started: {error}"))
}

fn until_listening(address: SocketAddr, log: &Path) {
    let began = Instant::now();
    while TcpStream::connect(address).is_err() {
        if began.elapsed() > Duration::from_secs(20) {
            panic!("nobody listens at {address}: {}", fs::read_to_string(log).unwrap_or_default());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn nginx(folder: &Path, http: &str) -> Command {
    // Each has its own folder: nginx writes its process id and bodies below.
    fs::create_dir_all(folder).expect("a folder");
    let text = format!(
        "daemon off;\nworker_processes 2;\nworker_rlimit_nofile 20000;\npid {0}/pid;\nerror_log {0}/errors crit;\n\
         events {{ worker_connections 8192; }}\n\
         http {{\naccess_log off;\nkeepalive_requests 1000000000;\nkeepalive_timeout 600s;\ntcp_nodelay on;\n\
         client_body_temp_path {0}/body;\nproxy_temp_path {0}/proxy;\nfastcgi_temp_path {0}/f;\n\
         uwsgi_temp_path {0}/u;\nscgi_temp_path {0}/s;\nclient_body_buffer_size 16k;\n{http}}}\n",
        folder.display()
    );
    let file = folder.join("nginx.conf");
    fs::write(&file, text).expect("a configuration");
    let mut command = Command::new("nginx");
    command.arg("-c").arg(file).arg("-p").arg(folder).arg("-e").arg(folder.join("errors"));
    command
}

impl Endpoints {
    pub(crate) fn start(folder: &Path) -> Endpoints {
        let root = folder.join("files");
        fs::create_dir_all(&root).expect("a folder");
        fs::write(root.join("large"), vec![b'x'; 64 * 1024]).expect("a file");
        let addresses = [free(), free()];
        let body = "x".repeat(1024);
        let start = |number: usize| {
            let address = addresses[number];
            let server = format!(
                "sendfile on;\nserver {{ listen {address} reuseport backlog=4096; add_header X-Version v{};\n\
                 location = {LARGE} {{ root {}; }}\nlocation / {{ return 200 {body}; }} }}\n",
                number + 1,
                root.display()
            );
            let folder = folder.join(format!("endpoint-{number}"));
            let process = spawn(&mut nginx(&folder, &server), &folder.join("log"));
            until_listening(address, &folder.join("log"));
            process
        };
        Endpoints { addresses, processes: vec![start(0), start(1)] }
    }

    /// As a rollout does: who is asked finishes, and every idle connection is closed.
    pub(crate) fn restart(&self) {
        for process in &self.processes {
            signal(process.id(), "HUP");
        }
    }
}

impl Drop for Endpoints {
    fn drop(&mut self) {
        for process in &mut self.processes {
            stop(process);
        }
    }
}

fn signal(id: u32, name: &str) {
    let sent = Command::new("kill").arg(format!("-{name}")).arg(id.to_string()).status();
    assert!(sent.expect("kill").success(), "{id} is gone");
}

fn stop(process: &mut Child) {
    signal(process.id(), "TERM");
    process.wait().expect("a child");
}

impl Contender {
    pub(crate) fn sluice(name: &'static str, endpoints: &Endpoints, folder: &Path) -> Contender {
        let start = Start {
            plain: free(),
            tls: free(),
            endpoints: endpoints.addresses,
            certificates: folder.join("certificates"),
        };
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.arg(format!("--run={name}")).args(start.args());
        let mut process =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("this program runs");
        let orders = process.stdin.take().zip(process.stdout.take().map(BufReader::new));
        let folder = folder.to_owned();
        let mut sluice = Contender { name, plain: start.plain, tls: start.tls, process, orders, folder };
        assert_eq!(sluice.answer(), "ready");
        sluice
    }

    pub(crate) fn haproxy(endpoints: &Endpoints, folder: &Path) -> Contender {
        let folder = folder.join("haproxy");
        let (plain, tls) = (free(), free());
        let [v1, v2] = endpoints.addresses;
        let text = format!(
            "global\n  nbthread 2\n  maxconn 8000\n  stats socket {0}/socket mode 600 level admin\n\
             defaults\n  mode http\n  option http-keep-alive\n  option forwardfor\n  option http-no-delay\n\
             \x20 http-reuse always\n  timeout connect 5s\n  timeout client 600s\n  timeout server 60s\n\
             frontend visitors\n  bind {plain}\n  bind {tls} ssl crt {0}/../shop.both alpn h2,http/1.1\n\
             \x20 acl beta hdr(x-segment) beta\n  use_backend candidate if beta\n  default_backend split\n\
             backend split\n  balance hdr(x-user)\n  hash-type consistent djb2 avalanche\n\
             \x20 server v1 {v1} weight 90 pool-max-conn 512 pool-low-conn 64\n\
             \x20 server v2 {v2} weight 10 pool-max-conn 512 pool-low-conn 64\n\
             backend candidate\n  server v2 {v2} pool-max-conn 512 pool-low-conn 64\n",
            folder.display()
        );
        fs::create_dir_all(&folder).expect("a folder");
        let file = folder.join("haproxy.cfg");
        fs::write(&file, text).expect("a configuration");
        let mut command = Command::new("haproxy");
        command.arg("-db").arg("-f").arg(file);
        Contender::of("haproxy", &mut command, folder, plain, tls)
    }

    pub(crate) fn nginx(endpoints: &Endpoints, folder: &Path) -> Contender {
        let (folder, certificates) = (folder.join("nginx"), folder.join("certificates"));
        let (plain, tls) = (free(), free());
        let [v1, v2] = endpoints.addresses;
        let http = nginx_proxy(plain, tls, v1, v2, &certificates, 10);
        Contender::of("nginx", &mut nginx(&folder, &http), folder, plain, tls)
    }

    pub(crate) fn envoy(program: &Path, endpoints: &Endpoints, folder: &Path) -> Contender {
        let (folder, certificates) = (folder.join("envoy"), folder.join("certificates"));
        let (plain, tls) = (free(), free());
        fs::create_dir_all(&folder).expect("a folder");
        let file = folder.join("envoy.json");
        fs::write(&file, super::envoy::configuration(plain, tls, endpoints.addresses, &certificates))
            .expect("a configuration");
        let mut command = Command::new(program);
        command.args(["--concurrency", "2", "--disable-hot-restart", "--log-level", "error", "-c"]).arg(file);
        Contender::of("envoy", &mut command, folder, plain, tls)
    }

    fn of(
        name: &'static str,
        command: &mut Command,
        folder: PathBuf,
        plain: SocketAddr,
        tls: SocketAddr,
    ) -> Contender {
        let log = folder.join("log");
        let process = spawn(command, &log);
        until_listening(plain, &log);
        Contender { name, plain, tls, process, orders: None, folder }
    }

    /// Gives an order to our own; gives how long it took.
    pub(crate) fn order(&mut self, order: &str) -> Duration {
        let (to, _) = self.orders.as_mut().expect("one of ours");
        writeln!(to, "{order}").expect("it runs");
        Duration::from_micros(self.answer().parse().expect("a number"))
    }

    fn answer(&mut self) -> String {
        let (_, from) = self.orders.as_mut().expect("one of ours");
        let mut line = String::new();
        from.read_line(&mut line).expect("it runs");
        line.trim().to_owned()
    }

    /// Gives the candidate another share, in the quickest way that it has. False when that is not compared.
    pub(crate) fn weigh(&mut self, endpoints: &Endpoints, percent: u32) -> bool {
        match self.name {
            "haproxy" => {
                use std::os::unix::net::UnixStream;
                let mut socket = UnixStream::connect(self.folder.join("socket")).expect("a socket");
                let mut order = String::new();
                writeln!(order, "set weight split/v1 {};set weight split/v2 {percent}", 100 - percent)
                    .expect("a text");
                socket.write_all(order.as_bytes()).expect("an open socket");
                let answer = std::io::read_to_string(socket).expect("an answer");
                assert!(answer.trim().is_empty(), "{answer}");
            }
            "nginx" => {
                let [v1, v2] = endpoints.addresses;
                let certificates = self.folder.join("../certificates");
                let http = nginx_proxy(self.plain, self.tls, v1, v2, &certificates, percent);
                drop(nginx(&self.folder, &http));
                signal(self.process.id(), "HUP");
            }
            "envoy" => return false,
            _ => drop(self.order(&format!("weight {percent}"))),
        }
        true
    }

    /// What its processes have used of the processors so far, in seconds.
    pub(crate) fn cpu_secs(&self) -> f64 {
        let nanos = |id: &u32| -> u64 {
            let threads = fs::read_dir(format!("/proc/{id}/task")).into_iter().flatten().flatten();
            let used = threads.filter_map(|thread| {
                let stat = fs::read_to_string(thread.path().join("schedstat")).ok()?;
                stat.split_whitespace().next()?.parse::<u64>().ok()
            });
            used.sum()
        };
        self.tree().iter().map(nanos).sum::<u64>() as f64 / 1e9
    }

    /// What its processes hold of the memory, in MB, what they share counted once.
    pub(crate) fn memory_mb(&self) -> f64 {
        let kilobytes = |id: &u32| {
            let text = fs::read_to_string(format!("/proc/{id}/smaps_rollup")).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?.trim().split(' ').next()?;
            line.parse::<u64>().ok()
        };
        self.tree().iter().filter_map(kilobytes).sum::<u64>() as f64 / 1024.0
    }

    fn tree(&self) -> Vec<u32> {
        let parent = |id: u32| -> Option<u32> {
            let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
            stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
        };
        let all = fs::read_dir("/proc").into_iter().flatten().flatten();
        let ids: Vec<u32> = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
        let mut tree = vec![self.process.id()];
        let mut seen = 0;
        while seen < tree.len() {
            let children = ids.iter().filter(|id| parent(**id) == Some(tree[seen]));
            let children: Vec<u32> = children.copied().collect();
            tree.extend(children);
            seen += 1;
        }
        tree
    }
}

impl Drop for Contender {
    fn drop(&mut self) {
        // Ours ends when nobody gives it orders.
        if self.orders.take().is_none() {
            stop(&mut self.process);
        } else {
            self.process.wait().expect("a child");
        }
    }
}

fn nginx_proxy(
    plain: SocketAddr,
    tls: SocketAddr,
    v1: SocketAddr,
    v2: SocketAddr,
    certificates: &Path,
    percent: u32,
) -> String {
    let folder = certificates.display();
    format!(
        "split_clients \"$http_x_user\" $lot {{ {percent}% v2; * v1; }}\n\
         map $http_x_segment $version {{ beta v2; default $lot; }}\n\
         upstream v1 {{ server {v1}; keepalive 256; keepalive_requests 1000000000; }}\n\
         upstream v2 {{ server {v2}; keepalive 256; keepalive_requests 1000000000; }}\n\
         server {{ listen {plain} reuseport backlog=4096; listen {tls} ssl http2 reuseport backlog=4096;\n\
         ssl_certificate {folder}/shop.pem; ssl_certificate_key {folder}/shop.key;\n\
         ssl_protocols TLSv1.2 TLSv1.3; http2_max_requests 1000000000;\n\
         location / {{ proxy_pass http://$version; proxy_http_version 1.1; proxy_set_header Connection \"\";\n\
         proxy_set_header Host $host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; }} }}\n"
    )
}
