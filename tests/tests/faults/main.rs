//! What goes wrong in the field, done on purpose: a server that is told to end or is killed, readers that do not read,
//! directories that are no good, and a disk that is full.

mod backup;
mod data_directory;
mod drain;
mod full_disk;
mod kill;
mod slow_readers;
