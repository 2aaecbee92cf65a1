//! What the operating system says of this process.

use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System};

/// Bytes of memory that this process has in RAM; 0 where the system does not say. It reads one or two small files of
/// the kernel, which does not wait for a disk.
pub fn resident_bytes() -> u64 {
    let (Ok(pid), Ok(mut system)) = (sysinfo::get_current_pid(), System::new()) else { return 0 };
    let memory_only = ProcessRefreshKind::nothing().with_memory();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), false, memory_only);
    system.process(pid).map_or(0, sysinfo::Process::memory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_memory() {
        assert!(resident_bytes() > 1 << 20);
    }
}
