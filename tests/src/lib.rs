//! Tests of the whole: scenarios, crash safety, hostile guests, tidiness.
