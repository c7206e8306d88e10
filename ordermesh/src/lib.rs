//! The program: everything in one process, single roles, operator commands.
