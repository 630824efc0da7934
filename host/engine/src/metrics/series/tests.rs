//! Series over figures that a test writes, at instants that it chooses.

use super::*;
