//! The memory of one instance, all linear memories together.

use wasmtime::ResourceLimiter;

use crate::limits::{CORE_INSTANCES_MAX, MEMORIES_MAX, TABLE_ELEMENTS_MAX, TABLES_MAX};

/// Counts linear memory. Wasmtime's own limiter caps each memory by itself; this one caps the sum.
#[derive(Debug)]
pub(crate) struct MemoryMeter {
    bytes: usize,
    bytes_max: usize,
    peak: usize,
    denied: bool,
}

impl MemoryMeter {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { bytes: 0, bytes_max, peak: 0, denied: false }
    }

    /// Starts counting for a call: the peak begins at what the instance already holds.
    pub(crate) fn begin(&mut self) {
        self.peak = self.bytes;
        self.denied = false;
    }

    /// The most that was held since `begin`.
    pub(crate) fn peak(&self) -> usize {
        self.peak
    }

    /// Whether a growth was refused since `begin`.
    pub(crate) fn is_denied(&self) -> bool {
        self.denied
    }
}

impl ResourceLimiter for MemoryMeter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current);
        let bytes = self.bytes.saturating_add(more);
        if bytes > self.bytes_max || maximum.is_some_and(|maximum| desired > maximum) {
            self.denied = true;
            return Ok(false);
        }
        self.bytes = bytes;
        self.peak = self.peak.max(bytes);
        Ok(true)
    }

    /// Takes nothing back. Wasmtime also reports growth here that it never asked about (beyond 4
    /// GiB), so a guest could earn credit by failing on purpose. A granted growth fails only when
    /// the machine is out of memory, and then counting too much costs one short-lived instance.
    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.denied = true;
        Ok(())
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ELEMENTS_MAX)
    }

    fn instances(&self) -> usize {
        to_usize(CORE_INSTANCES_MAX)
    }

    fn tables(&self) -> usize {
        to_usize(TABLES_MAX)
    }

    fn memories(&self) -> usize {
        to_usize(MEMORIES_MAX)
    }
}

fn to_usize(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: usize = 64 << 10;

    #[track_caller]
    fn grow(meter: &mut MemoryMeter, current: usize, desired: usize) -> bool {
        meter.memory_growing(current * PAGE, desired * PAGE, None).unwrap()
    }

    #[test]
    fn sum_over_all_memories_counts() {
        let mut meter = MemoryMeter::new(10 * PAGE);
        assert!(grow(&mut meter, 0, 6));
        assert!(!grow(&mut meter, 0, 6), "a second memory shares the cap");
        assert!(meter.is_denied());
        assert!(grow(&mut meter, 0, 4));
        assert_eq!(meter.peak(), 10 * PAGE);
    }

    #[test]
    fn failing_on_purpose_earns_no_credit() {
        let mut meter = MemoryMeter::new(10 * PAGE);
        assert!(grow(&mut meter, 0, 8));
        meter.memory_grow_failed(wasmtime::format_err!("beyond the type's limits")).unwrap();
        assert!(meter.is_denied());
        assert!(!grow(&mut meter, 8, 16));
        assert!(grow(&mut meter, 8, 10));
    }

    #[test]
    fn each_call_has_a_peak_of_its_own() {
        let mut meter = MemoryMeter::new(10 * PAGE);
        assert!(grow(&mut meter, 0, 8));
        assert!(!grow(&mut meter, 8, 20));
        meter.begin();
        assert_eq!(meter.peak(), 8 * PAGE);
        assert!(!meter.is_denied());
    }
}
