//! Provider simulators, faults and recorded exchanges for adapter tests.
