//! How instances get their memory, and what is kept of it for the next one.

use wasmtime::{Enabled, PoolingAllocationConfig};

use super::engine::SHADOWS;
use super::limits::Limits;

/// What stays in memory of an instance that is gone, so that the next one costs less. A guest sees none of it: what was written is
/// cleared in any case. The default was chosen by `cargo bench --bench instances`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolPolicy {
    /// Bytes of a linear memory that are cleared in place; what was written beyond is given back to the system.
    pub memory_resident: usize,
    /// The same of a table.
    pub table_resident: usize,
    /// Whether the kernel is asked which pages were written, so that only those are cleared. Linux has it from 6.7; elsewhere it is
    /// as if it were `false`.
    pub pagemap_scan: bool,
}

impl Default for PoolPolicy {
    fn default() -> Self {
        Self {
            // Three times what a run of the standard rules writes. More made no call faster, and every slot could keep it for ever.
            memory_resident: 256 * 1024,
            // A table of the usual limit. Without, a call costs 10 us more.
            table_resident: 256 * 1024,
            // Without, a call costs twice as much.
            pagemap_scan: true,
        }
    }
}

impl PoolPolicy {
    /// A pool of as many instances as may run, each with room for what it may have.
    pub(super) fn pool(self, limits: &Limits) -> PoolingAllocationConfig {
        let instances = limits.instances + SHADOWS;
        let mut pool = PoolingAllocationConfig::new();
        pool.total_component_instances(instances)
            .total_core_instances(instances * Limits::CORE_INSTANCES)
            .max_core_instances_per_component(Limits::CORE_INSTANCES)
            .total_memories(instances * limits.memories)
            .max_memories_per_component(limits.memories)
            .total_tables(instances * limits.tables)
            .max_tables_per_component(limits.tables)
            .table_elements(limits.table_elements)
            .total_stacks(instances)
            .max_memory_size(limits.memory)
            .linear_memory_keep_resident(self.memory_resident)
            .table_keep_resident(self.table_resident)
            .pagemap_scan(if self.pagemap_scan { Enabled::Auto } else { Enabled::No });
        pool
    }
}
