//! When windows are open and freezes last.
