//! SQL sources against real databases: PostgreSQL and MariaDB in folders of their own, and files of SQLite.

#![expect(clippy::unwrap_used, reason = "in tests, a panic is how a failure is told")]

mod mariadb;
mod postgres;
mod server;
mod sqlite;
mod world;
