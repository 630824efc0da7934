//! The one door out: every HTTP request of an adapter passes here.
