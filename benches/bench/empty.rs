//! The floor: a program that does nothing, to know what starting one costs.

fn main() {}
