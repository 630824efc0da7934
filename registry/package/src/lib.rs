//! Adapter packages: manifest, bundle, signatures, trust. Pure: no I/O.
