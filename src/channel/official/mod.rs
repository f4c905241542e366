//! The official account's own wire format (platform.md parts 1 to 4).
