//! Policies and metrics that exist without any file.
