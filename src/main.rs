//! fuwu
fn main() {}
