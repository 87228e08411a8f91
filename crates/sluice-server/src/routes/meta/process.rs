//! What the system says about this process. Only Linux is asked; elsewhere these figures are absent.

/// Figures about this process.
pub(super) struct Figures {
    /// CPU time since it started, user and system.
    pub(super) cpu_seconds: f64,
    /// Memory that is in use.
    pub(super) resident_bytes: u64,
    /// Open file descriptors.
    pub(super) open_fds: usize,
    /// When it started, in seconds since 1970.
    pub(super) started_at: f64,
}

#[cfg(not(target_os = "linux"))]
pub(super) fn figures() -> Option<Figures> {
    None
}

/// Reads `/proc/self`; none when it cannot be read, as in some sandboxes.
#[cfg(target_os = "linux")]
pub(super) fn figures() -> Option<Figures> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let boot = std::fs::read_to_string("/proc/stat").ok()?;
    let open_fds = std::fs::read_dir("/proc/self/fd").ok()?.count();
    let ticks_per_second = rustix::param::clock_ticks_per_second() as f64;
    parse(&stat, &boot, ticks_per_second, rustix::param::page_size() as u64, open_fds)
}

/// The fields are counted as in proc_pid_stat(5), from after the name of the program, which may hold spaces.
#[cfg(target_os = "linux")]
fn parse(stat: &str, boot: &str, ticks_per_second: f64, page_bytes: u64, open_fds: usize) -> Option<Figures> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    // The state, right after the name, is field 3.
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    let seconds = |ticks: u64| ticks as f64 / ticks_per_second;
    let booted_at: u64 = boot.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
    Some(Figures {
        cpu_seconds: seconds(field(14)? + field(15)?),
        resident_bytes: field(24)? * page_bytes,
        open_fds,
        started_at: booted_at as f64 + seconds(field(22)?),
    })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_program_with_brackets_and_spaces_in_its_name_is_read_right() {
        let stat = "42 (a) b (c) S 1 1 1 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 4 0 1000 9999 300 18446744073709551615";
        let figures = parse(stat, "cpu 1 2 3\nbtime 1700000000\n", 100.0, 4096, 7).unwrap();
        assert_eq!(figures.cpu_seconds, 3.0);
        assert_eq!(figures.resident_bytes, 300 * 4096);
        assert_eq!(figures.started_at, 1_700_000_010.0);
        assert_eq!(figures.open_fds, 7);
    }

    #[test]
    fn this_process_has_figures() {
        let figures = figures().unwrap();
        assert!(figures.resident_bytes > 1_000_000);
        assert!(figures.open_fds >= 3);
        assert!(figures.started_at > 1_700_000_000.0);
    }
}
