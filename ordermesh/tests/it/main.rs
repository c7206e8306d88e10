//! Whole meshes, driven from outside as a customer and the staff would.
