//! What the fuzz targets call.

pub mod properties;
pub mod running;
