//! SQL sources against real databases: PostgreSQL and MariaDB in folders of their own, and files of SQLite.

mod mariadb;
mod postgres;
mod server;
mod sqlite;
mod world;
